"""The outbox: which message is next, and claiming it. What follows from an outcome is decided in
`core.policy`; here it is only found and written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wabot import clock, words
from wabot.store import buckets, customers, db, messages, rules, tallies, templates, workers
from wabot.store.attempts import Attempt
from wabot.store.messages import Message
from wabot.store.templates import Template
from wabot.store.tenants import Channel

UNKNOWN_HOLDS = timedelta(seconds=10)
"""How long an unknown outcome keeps back what was said after it."""
LONGEST_HOLD = timedelta(hours=1)
MOST_SUPPRESSED = 20
CIRCUIT_OPENS = 20
"""After so many sends in a row that met no working provider, a channel is tried one message at a time. More than a few
messages' whole retry plans: what fails by itself must be dead before its channel is called down."""
LAST_TURNS = 1 << 40
"""Turns from here on are those of messages that were put behind all others of their conversation."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What claiming must respect: at most `in_flight` sends of one channel at a time, and the default
    rate of channels that have none of their own."""

    in_flight: int
    out_per_minute: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a look into the outbox found: a message to claim now, else when to look again."""

    message_id: int | None
    look_again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in our hands: all that the provider call needs, so that no transaction stays open. `sent_today` is how
    many messages the channel has begun to send in the tenant's day, with this one; 0 where it was begun before. `draft`
    reads what is to be sent; it may fail, which must not keep the others from being claimed."""

    attempt_id: int
    reference: str
    tenant_id: int
    channel_id: int
    provider: str
    number: str
    credentials: bytes
    recipient: str
    draft: Callable[[], words.Draft]
    message_id: int
    sent_today: int
    out_per_day: int


_READY_CHANNELS = """
SELECT c.id, c.out_per_minute, c.held_until FROM channel c JOIN tenant t ON t.id = c.tenant_id
WHERE c.status = 'active' AND t.status = 'active'
  AND EXISTS (SELECT 1 FROM message m WHERE m.channel_id = c.id AND m.status = 'queued' AND m.due_at <= ?)
  AND (SELECT count(*) FROM attempt a WHERE a.channel_id = c.id AND a.lease_until IS NOT NULL)
      < iif(c.failures < ?, ?, 1)
ORDER BY c.last_claim, c.id
"""
_NEXT_MESSAGE = """
SELECT m.id FROM message m WHERE m.channel_id = ? AND m.status = 'queued' AND m.due_at <= ? AND NOT EXISTS (
    SELECT 1 FROM message b
    WHERE b.conversation_id = m.conversation_id AND b.turn < m.turn AND b.status IN ('queued', 'sending', 'unknown')
      AND (b.status <> 'unknown' OR b.unknown_since > ?))
ORDER BY m.due_at, m.id LIMIT 1
"""


def look(now: datetime, pace: Pace) -> Found:
    """The next message to send: round robin over channels, in order within a conversation."""
    later = [_next_due(now), _next_unknown_released(now)]
    for channel_id, per_minute, held_until in db.rows(_READY_CHANNELS, now, CIRCUIT_OPENS, pace.in_flight):
        free_at = max(_held(held_until, now), buckets.ready_at(_bucket(channel_id), _rate(per_minute, pace), now))
        if free_at > now:
            later.append(free_at)
            continue
        found = db.one(_NEXT_MESSAGE, channel_id, now, now - UNKNOWN_HOLDS)
        if found:
            return Found(found[0])
    return Found(None, min((moment for moment in later if moment is not None), default=None))


def claim(now: datetime, pace: Pace, lease: timedelta) -> Claimed | None:
    """Inside a write: take the next message that may still be sent, with an attempt and a lease.

    What may no longer be sent is suppressed, and what has a paused template is put off: a few at a time, so that
    thousands of them keep no other writer waiting.
    """
    for _ in range(MOST_SUPPRESSED):
        message_id = look(now, pace).message_id
        message = messages.by_id(message_id) if message_id is not None else None
        if message is None:
            return None
        template = templates.by_id(message.template_id) if message.template_id else None
        reason = _too_late(message, template, now)
        if reason:
            suppress(message.id, reason, now)
        elif template is not None and template.paused_until is not None and template.paused_until > now:
            _put_behind(message, template, now)
        else:
            return _take(message, now, pace, lease)
    return None


def _put_behind(message: Message, template: Template, now: datetime) -> None:
    """It waits for its template, and what the customer is told meanwhile does not wait for it."""
    until = min(template.paused_until or now, now + LONGEST_HOLD)
    turn = LAST_TURNS + customers.next_turn(message.conversation_id)
    requeue(message, until, turn=turn, error_code=template.pause_code, error_message=template.pause_reason)


def _take(message: Message, now: datetime, pace: Pace, lease: timedelta) -> Claimed:
    [(n,)] = db.rows(
        "UPDATE message SET status = 'sending', attempts = attempts + 1, retry_count = retry_count + retry_due, "
        "due_by = iif(retry_due, 'auto', due_by), retry_due = 0, due_at = NULL WHERE id = ? AND status = 'queued' "
        "RETURNING attempts",
        message.id,
    )
    tallies.count(tallies.MESSAGES, direction=words.Direction.OUT.value, status=words.Status.SENDING.value)
    attempt = Attempt.add(
        message=message.id,
        tenant_id=message.tenant_id,
        channel_id=message.channel_id,
        n=n,
        by=message.due_by,
        planned=message.retry_due or message.due_by is words.AttemptBy.AUTO,
        status=words.Status.SENDING,
        worker=workers.me(),
        started_at=now,
        lease_until=now + lease,
    )
    channel: Channel = message.channel
    buckets.spend(_bucket(channel.id), _rate(channel.out_per_minute, pace), now)
    sent_today, today = rules.sent_today(channel, now) + (n == 1), rules.day(channel, now)
    sql = "UPDATE channel SET last_claim = ?, sent_day = ?, sent_today = ? WHERE id = ?"
    db.run(sql, attempt.id, today, sent_today, channel.id)
    return Claimed(
        attempt_id=attempt.id,
        reference=f"{message.uid}.{n}",
        tenant_id=message.tenant_id,
        channel_id=channel.id,
        provider=channel.provider,
        number=channel.number,
        credentials=bytes(channel.credentials),
        recipient=message.customer.address,
        draft=message.draft,
        message_id=message.id,
        sent_today=sent_today if n == 1 else 0,
        out_per_day=channel.out_per_day,
    )


def _too_late(message: Message, template: Template | None, now: datetime) -> str:
    if message.expires_at and message.expires_at <= now:
        return "expired"
    free = message.kind != words.Kind.TEMPLATE
    reason = rules.forbids(message.conversation, message.channel, now, free=free, template=template)
    return "" if reason == "allowance_spent" and message.attempts else reason


def is_unwanted(message_id: int) -> bool:
    """Whether the customer has opted out of this message, which is already claimed, in the meantime."""
    message = messages.by_id(message_id)
    if message is None:
        return True
    template = templates.by_id(message.template_id) if message.template_id else None
    return rules.wants_none(message.conversation, template)


def _next_due(now: datetime) -> datetime | None:
    return _moment("SELECT min(due_at) FROM message WHERE status = 'queued' AND due_at > ?", now)


def _next_unknown_released(now: datetime) -> datetime | None:
    sql = "SELECT min(unknown_since) FROM message WHERE status = 'unknown' AND unknown_since > ?"
    since = _moment(sql, now - UNKNOWN_HOLDS)
    return since + UNKNOWN_HOLDS if since else None


def _moment(sql: str, *values: Any) -> datetime | None:
    found = db.one(sql, *values)
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def _held(held_until: int | None, now: datetime) -> datetime:
    """A hold further ahead than any can be means that the clock went back: it is over."""
    until = clock.from_ms(held_until) if held_until else now
    return now if until > now + LONGEST_HOLD else until


def pace_evenly(channel: Channel, pace_per_minute: int, now: datetime) -> None:
    """Inside a write: after a long silence nothing is saved up, so that what waited goes out no faster than the
    channel's rate."""
    buckets.drain(_bucket(channel.id), buckets.Rate(channel.out_per_minute or pace_per_minute), now)


def _bucket(channel_id: int) -> str:
    return f"out:{channel_id}"


def _rate(per_minute: int | None, pace: Pace) -> buckets.Rate:
    return buckets.Rate(per_minute or pace.out_per_minute)


def suppress(message_id: int, code: str, now: datetime) -> None:
    """Inside a write: this message will not be sent, for a reason of CONTRACT §5."""
    messages.change(
        message_id,
        status=words.Status.SUPPRESSED,
        error_code=code,
        error_message="",
        due_at=None,
        retry_due=False,
        unknown_since=None,
        failed_at=now,
    )


def suppress_waiting(customer_id: int, code: str, now: datetime) -> int:
    """Inside a write: suppress what waits to be sent to this customer, by whatever channel; returns how many."""
    waiting = db.rows("SELECT id FROM message WHERE customer_id = ? AND status = 'queued'", customer_id)
    for (message_id,) in waiting:
        suppress(message_id, code, now)
    return len(waiting)


def waiting_with(channel_id: int, template_id: int) -> list[int]:
    """The messages that wait to be sent with this template."""
    sql = "SELECT id FROM message WHERE channel_id = ? AND status = 'queued' AND template_id = ?"
    return [row[0] for row in db.rows(sql, channel_id, template_id)]


def requeue(message: Message, due_at: datetime, **values: Any) -> None:
    """Inside a write: the message waits to be sent (again) from `due_at` on."""
    messages.change(message.id, status=words.Status.QUEUED, due_at=due_at, unknown_since=None, **values)


def new_turn(message: Message) -> int:
    """Inside a write: a place behind everything that was said since."""
    return customers.next_turn(message.conversation_id)


def bring_forward(now: datetime, furthest: timedelta) -> None:
    """Inside a write: what is due further ahead than it can be is due now, because the clock was ahead when that was
    written: retries by `furthest`, all else that waits by LONGEST_HOLD, and what was queued or asked at a moment that
    is still to come."""
    db.run(
        "UPDATE message SET due_at = ? WHERE status = 'queued' AND due_at > ? "
        "AND (due_at > iif(retry_due, ?, ?) OR (created_at > ? AND NOT retry_due))",
        now,
        now,
        now + furthest,
        now + LONGEST_HOLD,
        now,
    )
    db.run("UPDATE message SET unknown_since = ? WHERE status = 'unknown' AND unknown_since > ?", now, now)
    db.run(
        "UPDATE message SET answer_due_at = ? WHERE answer_due_at > ? AND (created_at > ? OR answer_due_at > ?)",
        now,
        now,
        now,
        now + LONGEST_HOLD,
    )


def depths() -> dict[str, int]:
    """How many outgoing messages are in each open state, and dead letters."""
    sql = (
        "SELECT status, count(*) FROM message WHERE status IN ('queued', 'sending', 'unknown') GROUP BY status "
        "UNION ALL SELECT 'dead', count(*) FROM message WHERE status = 'dead'"
    )
    return {"queued": 0, "sending": 0, "unknown": 0} | dict(db.rows(sql))


def overdue(before: datetime) -> int:
    """How many messages were due before then and could have been sent: their channel neither pauses nor waits."""
    sql = (
        "SELECT count(*) FROM message m JOIN channel c ON c.id = m.channel_id JOIN tenant t ON t.id = m.tenant_id "
        "WHERE m.status = 'queued' AND m.due_at < ? AND c.status = 'active' AND t.status = 'active' "
        "AND coalesce(c.held_until, 0) < ?"
    )
    found = db.one(sql, before, before)
    return int(found[0]) if found else 0


def oldest_due(now: datetime) -> datetime | None:
    """Since when the outbox's longest waiting message has been due."""
    return _moment("SELECT min(due_at) FROM message WHERE status = 'queued' AND due_at <= ?", now)
