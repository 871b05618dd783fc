"""What a failure means for its message: the one retry policy, and the one for unknown outcomes."""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock, config, errors, words
from wabot.providers import REGISTRY, by_name
from wabot.store import attempts, consent, db, messages, outbox, templates, tenants, unknowns
from wabot.store.attempts import Attempt
from wabot.store.messages import Message

log = logging.getLogger(__name__)

JITTER_SECONDS = 0.9
"""Retries are never early and at most a second late (CONTRACT §2)."""
NOT_SENT = "not_sent"
"""The code of a failure to connect: surely nothing was sent."""
WORKER_LOST = "worker_lost"
"""The code of an attempt whose process is gone, which says nothing of the provider."""
THROTTLE_SECONDS = 5.0
FIRST_PROBE_SECONDS = 5.0
LONGEST_PROBE_SECONDS = 300.0
TEMPLATE_FAILURES = 3
TEMPLATE_PAUSE = timedelta(hours=1)
LONGEST_HOLD_SECONDS = 3600.0
POISON_DEATHS = 3


def follow(
    message: Message, attempt: Attempt, failure: errors.ProviderFailure, now: datetime, *, told: bool = False
) -> None:
    """Inside a write: the one retry policy. What a failure of its newest attempt means for a message. One that the
    provider itself `told` by a receipt says nothing against the provider being at work."""
    is_down = not told and failure.code != WORKER_LOST and _note_circuit(attempt, failure, now)
    described = {"error_code": failure.code, "error_message": failure.message}
    if isinstance(failure, errors.UnknownOutcome):
        messages.change(message.id, status=words.Status.UNKNOWN, unknown_since=now, due_at=None, **described)
    elif isinstance(failure, errors.Throttled):
        _wait(attempt.channel_id, _hold(failure.retry_after), now)
        outbox.requeue(message, now, **described)
    elif isinstance(failure, errors.CredentialsRefused):
        if tenants.pause(attempt.channel_id, "credentials", failure.message or failure.code, now):
            log.critical(
                "channel paused: credentials refused", extra={"channel": attempt.channel_id, "code": failure.code}
            )
        outbox.requeue(message, now, **described)
    elif isinstance(failure, errors.PermanentFailure):
        _refuse(message, attempt, failure, now)
    elif is_down and failure.code == NOT_SENT:
        outbox.requeue(message, now, **described)
    elif attempt.planned:
        _retry(message, failure, now)
    else:
        spent = message.retry_count >= message.max_retries
        _end(message, words.Status.DEAD if spent else words.Status.FAILED, failure.code, failure.message, now)


def _refuse(message: Message, attempt: Attempt, failure: errors.PermanentFailure, now: datetime) -> None:
    """Sent again as it is it would be refused again; what the refusal says of others takes effect, too."""
    for_operator = isinstance(failure, errors.TemplateRefused | errors.SetupRefused)
    _end(message, words.Status.FAILED, failure.code, failure.message, now, critical=for_operator)
    if isinstance(failure, errors.TemplateRefused) and message.template_id is not None:
        _pause_template(message.template_id, failure, now)
    if failure.reason == words.Reason.OPTED_OUT:
        consent.opt_out(message.tenant_id, message.customer_id, "provider", now, marketing_of=attempt.channel_id)


def _pause_template(template_id: int, failure: errors.TemplateRefused, now: datetime) -> None:
    """Wrong variables may be one caller's mistake, so they pause a template only after a few in a row."""
    template = templates.by_id(template_id)
    if template is None:
        return
    is_doubtful = failure.reason == words.Reason.TEMPLATE_VARIABLES and template.failures + 1 < TEMPLATE_FAILURES
    templates.pause(template_id, failure.code, failure.message, now if is_doubtful else now + TEMPLATE_PAUSE)
    if not is_doubtful:
        log.critical("template paused", extra={"template": template_id, "code": failure.code})


def _note_circuit(attempt: Attempt, failure: errors.ProviderFailure, now: datetime) -> bool:
    """Whether the channel's provider is down: too many sends in a row met nobody who could take them. Then it is
    tried again after longer and longer waits, one message at a time."""
    if not isinstance(failure, errors.TemporaryFailure | errors.UnknownOutcome):
        note_answer(attempt.channel_id, now)
        return False
    failures = tenants.note_failure(attempt.channel_id)
    if failures < outbox.CIRCUIT_OPENS:
        return False
    if failures == outbox.CIRCUIT_OPENS:
        log.critical("the provider does not answer", extra={"channel": attempt.channel_id, "code": failure.code})
    longer = min(LONGEST_PROBE_SECONDS, FIRST_PROBE_SECONDS * 2.0 ** min(20, failures - outbox.CIRCUIT_OPENS))
    _wait(attempt.channel_id, timedelta(seconds=longer * (1 + random.random() / 5)), now)  # noqa: S311
    return True


def note_answer(channel_id: int, now: datetime) -> None:
    """Inside a write: a channel's provider is at work. After it was down, what has waited is not let out in a burst."""
    if tenants.note_answer(channel_id) < outbox.CIRCUIT_OPENS:
        return
    log.warning("the provider answers again", extra={"channel": channel_id})
    channel = tenants.channel(channel_id)
    if channel is not None:
        outbox.pace_evenly(channel, config.settings().wabot_out_per_minute, now)


def _retry(message: Message, failure: errors.ProviderFailure, now: datetime) -> None:
    delays = config.settings().wabot_retry_delays[: message.max_retries]
    if message.retry_count >= len(delays):
        _end(message, words.Status.DEAD, failure.code, failure.message, now)
        return
    due_at = now + timedelta(seconds=delays[message.retry_count] + random.random() * JITTER_SECONDS)  # noqa: S311
    described = {"error_code": failure.code, "error_message": failure.message}
    outbox.requeue(message, due_at, retry_due=True, due_by=words.AttemptBy.AUTO, failed_at=now, **described)


def _end(
    message: Message, status: words.Status, code: str, reason: str, now: datetime, *, critical: bool = False
) -> None:
    is_dead = status is words.Status.DEAD
    messages.change(
        message.id,
        status=status,
        error_code=code,
        error_message=reason,
        due_at=None,
        retry_due=False,
        unknown_since=None,
        failed_at=now,
        critical=critical or is_dead,
    )
    if is_dead:
        log.critical("dead letter", extra={"message_id": message.id, "code": code, "channel": message.channel_id})


def _wait(channel_id: int, span: timedelta, now: datetime) -> None:
    tenants.hold(channel_id, now + span, now + timedelta(seconds=LONGEST_HOLD_SECONDS))


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
    found = unknowns.due(limit, askable())
    if found:
        db.write(lambda: _resolve_all(found, limit, clock.now()))
    return bool(found)


def next_unknown_deadline() -> datetime | None:
    """When the next unknown outcome reaches its deadline."""
    since = unknowns.oldest(askable())
    return since + timedelta(seconds=config.settings().wabot_unknown_deadline) if since else None


def askable() -> list[str]:
    """The providers that can be asked what became of a message: they are, before anything is guessed."""
    return [name for name, provider in REGISTRY.items() if provider.can_be_asked]


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
        outbox.requeue(message, now, resent_unknown=True, turn=outbox.new_turn(message), asked_at=None)
        return
    _end(message, words.Status.DEAD, policy.code, "nobody can tell whether it was sent", now)


def _policy(message: Message) -> _Policy:
    deaths = [attempt for attempt in attempts.of_message(message.id) if attempt.error_code == "worker_lost"]
    if len(deaths) >= POISON_DEATHS:
        return _Policy(resend=False, code="poison")
    once = config.settings().wabot_unknown_policy == "once"
    echoes = by_name(message.channel.provider).echoes_reference
    return _Policy(resend=once and echoes and not message.resent_unknown)
