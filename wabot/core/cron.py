"""A round of sending for whoever schedules it from outside; the consumer does the same all the time."""

import threading
from dataclasses import dataclass

from wabot import clock, words
from wabot.core import delivery
from wabot.store import db, failed, messages, outbox
from wabot.store.outbox import Pace

MOST = 200
LONGEST_SECONDS = 20.0
"""No further message is begun after that long."""

_busy = threading.Lock()
"""A round holds a thread of the web process; a second one would only take another from the webhooks."""


@dataclass(slots=True)
class Round:
    """What a round did: `retried` messages were sent once more, `skipped` ones were due and could not go, because of
    their channel, their tenant or their turn; `processed` is both of them and what was sent for the first time."""

    processed: int = 0
    retried: int = 0
    skipped: int = 0


def send_due(pace: Pace) -> Round:
    """Send what is due now, at most MOST messages; nothing at all while another round is under way here."""
    done = Round()
    if not _busy.acquire(blocking=False):
        return done
    try:
        _send(pace, done)
        done.skipped = failed.waiting_retries(clock.now())
        done.processed += done.skipped
    finally:
        _busy.release()
    return done


def _send(pace: Pace, done: Round) -> None:
    until = clock.monotonic() + LONGEST_SECONDS
    for _ in range(MOST):
        was_tried = db.write(lambda: _mark_next(pace)) if clock.monotonic() < until else None
        if was_tried is None:
            return
        if delivery.deliver_next(pace):
            done.processed += 1
            done.retried += was_tried


def _mark_next(pace: Pace) -> bool | None:
    """Inside a write: let the next attempt say that it was this round's, if it is a retry; None when nothing is due,
    else whether the message was tried before."""
    found = outbox.look(clock.now(), pace).message_id
    message = messages.by_id(found) if found is not None else None
    if message is None:
        return None
    if message.retry_due and message.due_by is words.AttemptBy.AUTO:
        messages.change(message.id, due_by=words.AttemptBy.CRON)
    return message.attempts > 0
