"""What a failure means for its message: the one retry policy, and the one for unknown outcomes."""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock, config, errors, words
from wabot.providers import by_name
from wabot.store import attempts, db, messages, outbox, tenants
from wabot.store.attempts import Attempt
from wabot.store.messages import Message

log = logging.getLogger(__name__)

JITTER_SECONDS = 0.9
"""Retries are never early and at most a second late (CONTRACT §2)."""
THROTTLE_SECONDS = 5.0
LONGEST_HOLD_SECONDS = 3600.0
POISON_DEATHS = 3


def follow(message: Message, attempt: Attempt, failure: errors.ProviderFailure, now: datetime) -> None:
    """Inside a write: the one retry policy. What a failure of its newest attempt means for a message."""
    described = {"error_code": failure.code, "error_message": failure.message}
    if isinstance(failure, errors.UnknownOutcome):
        messages.change(message.id, status=words.Status.UNKNOWN, unknown_since=now, due_at=None, **described)
    elif isinstance(failure, errors.Throttled):
        tenants.hold(attempt.channel_id, now + _hold(failure.retry_after))
        outbox.requeue(message, now, **described)
    elif isinstance(failure, errors.CredentialsRefused):
        if tenants.pause(attempt.channel_id, "credentials", failure.message or failure.code, now):
            log.critical(
                "channel paused: credentials refused", extra={"channel": attempt.channel_id, "code": failure.code}
            )
        outbox.requeue(message, now, **described)
    elif isinstance(failure, errors.PermanentFailure):
        _end(message, words.Status.FAILED, failure.code, failure.message, now)
    else:
        _retry(message, failure, now)


def _retry(message: Message, failure: errors.ProviderFailure, now: datetime) -> None:
    delays = config.settings().wabot_retry_delays[: message.max_retries]
    if message.retry_count >= len(delays):
        _end(message, words.Status.DEAD, failure.code, failure.message, now)
        return
    due_at = now + timedelta(seconds=delays[message.retry_count] + random.random() * JITTER_SECONDS)  # noqa: S311
    outbox.requeue(
        message, due_at, retry_due=True, failed_at=now, error_code=failure.code, error_message=failure.message
    )


def _end(message: Message, status: words.Status, code: str, reason: str, now: datetime) -> None:
    messages.change(
        message.id,
        status=status,
        error_code=code,
        error_message=reason,
        due_at=None,
        retry_due=False,
        unknown_since=None,
        failed_at=now,
    )
    if status is words.Status.DEAD:
        log.critical("dead letter", extra={"message_id": message.id, "code": code, "channel": message.channel_id})


def _hold(retry_after: float | None) -> timedelta:
    return timedelta(seconds=min(LONGEST_HOLD_SECONDS, max(1.0, retry_after or THROTTLE_SECONDS)))


@dataclass(frozen=True, slots=True)
class _Policy:
    """What to do at the deadline of an unknown outcome."""

    resend: bool
    code: str = "maybe_sent"


def resolve_unknown() -> bool:
    """Apply the stated policy, once, to outcomes that no receipt has resolved by their deadline."""
    limit = clock.now() - timedelta(seconds=config.settings().wabot_unknown_deadline)
    found = [message.id for message in outbox.unknown_before(limit)]
    if found:
        db.write(lambda: _resolve_all(found, limit, clock.now()))
    return bool(found)


def next_unknown_deadline() -> datetime | None:
    """When the next unknown outcome reaches its deadline."""
    since = outbox.next_unknown()
    return since + timedelta(seconds=config.settings().wabot_unknown_deadline) if since else None


def _resolve_all(message_ids: list[int], limit: datetime, now: datetime) -> None:
    for message_id in message_ids:
        _resolve(message_id, limit, now)


def _resolve(message_id: int, limit: datetime, now: datetime) -> None:
    message = messages.by_id(message_id)
    if message is None or message.status is not words.Status.UNKNOWN or (message.unknown_since or now) > limit:
        return
    policy = _policy(message)
    if policy.resend:
        log.warning("an unknown send is sent once more", extra={"message_id": message.id})
        outbox.requeue(message, now, resent_unknown=True, turn=outbox.new_turn(message))
        return
    _end(message, words.Status.DEAD, policy.code, "nobody can tell whether it was sent", now)


def _policy(message: Message) -> _Policy:
    deaths = [attempt for attempt in attempts.of_message(message.id) if attempt.error_code == "worker_lost"]
    if len(deaths) >= POISON_DEATHS:
        return _Policy(resend=False, code="poison")
    once = config.settings().wabot_unknown_policy == "once"
    echoes = by_name(message.channel.provider).echoes_reference
    return _Policy(resend=once and echoes and not message.resent_unknown)
