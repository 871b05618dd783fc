"""Claim, call, settle. No transaction is open while a provider is called; what a failure means is for
`policy` to say."""

import logging
from datetime import datetime, timedelta
from typing import Any

from wabot import clock, config, errors, words
from wabot.core import media, policy, receipts, structures, tenancy
from wabot.providers import by_name
from wabot.providers.base import Accepted
from wabot.store import attempts, db, messages, outbox, tallies, templates, tenants
from wabot.store.attempts import Attempt
from wabot.store.messages import Message
from wabot.store.outbox import Claimed, Pace

log = logging.getLogger(__name__)

LEASES_PER_TIMEOUT = 3
LEASES_TO_RECORD = 10
"""How long an outcome waits for a file that cannot be written: while it cannot, nobody can call the attempt lost."""
ALLOWANCE_WARNINGS = (75, 90, 100)
"""Percent of the day's allowance of a channel at which the operator is told."""

Outcome = Accepted | errors.ProviderFailure | structures.BeingCreated


def lease() -> timedelta:
    """How long a claim holds: three times the send time-out."""
    return timedelta(seconds=LEASES_PER_TIMEOUT * config.settings().wabot_send_timeout)


def pace(senders: int) -> Pace:
    """What claiming must respect with that many senders: no channel may hold more than a quarter."""
    return Pace(max(1, senders // 4), config.settings().wabot_out_per_minute)


def deliver_next(pace: Pace) -> bool:
    """Send the next message that is due; False when there was none to send now."""
    claimed = db.write(lambda: outbox.claim(clock.now(), pace, lease()))
    if claimed is None:
        return False
    _warn_of_allowance(claimed)
    if outbox.is_unwanted(claimed.message_id):
        db.write(lambda: withdraw(claimed.attempt_id, "opted_out", clock.now()))
        return True
    began = clock.monotonic()
    outcome = _call(claimed)
    seconds = clock.monotonic() - began
    db.write(lambda: _record(claimed, outcome, seconds), deadline=LEASES_TO_RECORD * lease().total_seconds())
    return True


def _record(claimed: Claimed, outcome: Outcome, seconds: float) -> None:
    if isinstance(outcome, errors.CredentialsRefused) and _was_replaced(claimed):
        outcome = errors.Throttled(outcome.code, outcome.message, outcome.raw, retry_after=1.0)
    settle(claimed.attempt_id, outcome, clock.now())
    tallies.observe(tallies.SEND_SECONDS, [seconds], provider=claimed.provider)


def _was_replaced(claimed: Claimed) -> bool:
    """Whether the credentials that were refused are no longer the channel's: they were replaced meanwhile."""
    channel = tenants.channel(claimed.channel_id)
    return channel is not None and bytes(channel.credentials) != claimed.credentials


def _warn_of_allowance(claimed: Claimed) -> None:
    reached = [
        percent for percent in ALLOWANCE_WARNINGS if claimed.sent_today == -(-claimed.out_per_day * percent // 100)
    ]
    for percent in reached:
        level = logging.CRITICAL if percent == max(ALLOWANCE_WARNINGS) else logging.WARNING
        log.log(level, "%d %% of the day's allowance is spent", percent, extra={"channel": claimed.channel_id})


def withdraw(attempt_id: int, code: str, now: datetime) -> None:
    """Inside a write: a claimed message is not sent after all, and nobody was called."""
    attempt = attempts.find(attempt_id)
    message = messages.by_id(attempt.message_id) if attempt else None
    if attempt is None or message is None or attempt.lease_until is None:
        return
    attempts.withdraw(attempt)
    if message.attempts == attempt.n and message.status is words.Status.SENDING:
        outbox.suppress(message.id, code, now)


def _call(claimed: Claimed) -> Outcome:
    settings = config.settings()
    try:
        draft = claimed.draft()
    except Exception as error:
        log.exception("a message cannot be read", extra={"attempt": claimed.attempt_id})
        return errors.SetupRefused("unreadable", type(error).__name__)
    try:
        account = tenancy.account_for(claimed.provider, claimed.number, claimed.credentials)
        return by_name(claimed.provider).send(
            account,
            claimed.recipient,
            draft,
            reference=claimed.reference,
            structures=structures.Kept(),
            files=media.Kept(claimed.tenant_id),
            settings=settings,
        )
    except (errors.ProviderFailure, structures.BeingCreated) as failure:
        return failure
    except errors.SealError as error:
        return errors.CredentialsRefused("sealed", str(error))
    except errors.CannotWrite as error:
        return errors.TemporaryFailure("cannot_write", str(error))
    except errors.Refused as error:
        return errors.PermanentFailure(error.code, str(error))
    except Exception as error:
        log.exception("an adapter failed", extra={"attempt": claimed.attempt_id, "provider": claimed.provider})
        return errors.UnknownOutcome("adapter_failed", type(error).__name__)


def settle(attempt_id: int, outcome: Outcome, now: datetime) -> None:
    """Inside a write: record what became of an attempt, and what follows for its message.

    A late worker records its own attempt too: it resolves the message if that is still unknown
    because of it; once another attempt has begun, it is history.
    """
    attempt = attempts.find(attempt_id)
    if attempt is None:
        return
    message = messages.by_id(attempt.message_id)
    if message is None:
        return
    if isinstance(outcome, structures.BeingCreated):
        if message.attempts == attempt.n and message.status is words.Status.SENDING:
            attempts.withdraw(attempt)
            outbox.requeue(message, now + timedelta(seconds=structures.LOOK_AGAIN_SECONDS))
            return
        outcome = errors.TemporaryFailure("not_sent", "what it needed was being created")
    attempts.change(attempt.id, lease_until=None, settled_at=now)
    if isinstance(outcome, Accepted):
        _accepted(message, attempt, outcome, now)
    else:
        _failed(message, attempt, outcome, now)


def _accepted(message: Message, attempt: Attempt, accepted: Accepted, now: datetime) -> None:
    values: dict[str, Any] = {"provider_message_id": accepted.provider_message_id, "answer": accepted.raw}
    if attempt.status in (words.Status.SENDING, words.Status.UNKNOWN):
        values |= {"status": words.Status.SENT, "rank": max(attempt.rank, words.Progress.ACCEPTED)}
    attempts.change(attempt.id, **values)
    policy.note_answer(attempt.channel_id, now)
    if message.template_id is not None:
        templates.recover(message.template_id)
    if message.attempts == attempt.n:
        messages.change(message.id, provider_message_id=accepted.provider_message_id, sent_at=message.sent_at or now)
    receipts.show(message.id)
    for receipt in attempts.unpark(attempt.channel_id, accepted.provider_message_id):
        receipts.apply_parked(attempt, receipt, now)


def _failed(message: Message, attempt: Attempt, failure: errors.ProviderFailure, now: datetime) -> None:
    unknown = isinstance(failure, errors.UnknownOutcome)
    if attempt.rank >= words.Progress.ACCEPTED or attempt.status in (words.Status.FAILED, words.Status.UNDELIVERED):
        attempts.change(attempt.id, answer=failure.raw)
        receipts.show(message.id)
        return
    attempts.change(
        attempt.id,
        status=words.Status.UNKNOWN if unknown else words.Status.FAILED,
        error_code=failure.code,
        error_message=failure.message,
        answer=failure.raw,
    )
    if message.attempts == attempt.n and message.status in (words.Status.SENDING, words.Status.UNKNOWN):
        policy.follow(message, attempt, failure, now)


def recover_lost() -> bool:
    """Attempts that nobody will settle: their outcome is unknown, never "not sent". And what waits for a moment that a
    clock which went back has put out of reach: it is due now, whoever was there to see the clock jump."""
    db.write(_bring_forward)
    found = [attempt.id for attempt in attempts.lost(clock.now())]
    if found:
        db.write(lambda: _lose_all(found, clock.now()))
    return bool(found)


def _lose_all(attempt_ids: list[int], now: datetime) -> None:
    for attempt_id in attempt_ids:
        _lose(attempt_id, now)


def _lose(attempt_id: int, now: datetime) -> None:
    attempt = attempts.find(attempt_id)
    if attempt is None or attempt.lease_until is None:
        return
    log.warning("an attempt was lost with its worker", extra={"attempt": attempt_id})
    settle(attempt_id, errors.UnknownOutcome("worker_lost", "the process that was sending it is gone"), now)
    attempts.change(attempt_id, settled_at=None)


def mind_the_clock(jump: float) -> None:
    """After the wall clock jumped by `jump` seconds against the monotonic one: leases run anew, and
    what was put off into an impossible future is due now."""
    now = clock.now()
    log.warning("the clock jumped by %.0f s", jump)

    def mend() -> None:
        attempts.postpone_leases(now + lease())
        _bring_forward()

    db.write(mend)


def _bring_forward() -> None:
    furthest = max((*config.settings().wabot_retry_delays, 0)) + 1
    outbox.bring_forward(clock.now(), timedelta(seconds=furthest))
