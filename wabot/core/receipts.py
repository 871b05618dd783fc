"""Move an attempt forward on delivered, read or failed; never backward. A receipt that beats our own
commit is parked until its message is known."""

import json
import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from wabot import clock, errors, words
from wabot.core import policy
from wabot.providers import by_name
from wabot.store import attempts, messages
from wabot.store.attempts import Attempt
from wabot.store.messages import Message
from wabot.store.tenants import Channel

log = logging.getLogger(__name__)

_SHOWN = {
    words.Progress.ACCEPTED: words.Status.SENT,
    words.Progress.SENT: words.Status.SENT,
    words.Progress.DELIVERED: words.Status.DELIVERED,
    words.Progress.READ: words.Status.READ,
}
_ENDED = (words.Status.FAILED, words.Status.UNDELIVERED)
"""Final for an attempt, unless it is delivered or read after all; statuses come in any order."""
OLDEST = timedelta(days=30)
"""News that is older changes nothing any more (faults row 18)."""


def apply(channel: Channel, receipt: words.Receipt, now: datetime) -> None:
    """Inside a write: apply a receipt of this channel, or park it while its message is unknown."""
    if receipt.at is not None and receipt.at < now - OLDEST:
        log.info("a receipt is too old to matter", extra={"channel": channel.id})
        return
    attempt = _attempt(channel, receipt)
    if attempt is None:
        kept = json.dumps(asdict(receipt) | {"at": clock.iso(receipt.at), "raw": ""})
        attempts.park(channel.tenant_id, channel.id, receipt.provider_message_id, kept, now)
        return
    _advance(attempt, receipt, now)


def apply_parked(attempt: Attempt, kept: str, now: datetime) -> None:
    """Inside a write: apply a receipt that waited for this attempt's id."""
    values: dict[str, Any] = json.loads(kept)
    at = datetime.fromisoformat(values["at"]) if values["at"] else None
    pricing = words.Pricing(**values["pricing"]) if values.get("pricing") else None
    changed = {"progress": words.Progress(values["progress"]), "at": at, "raw": b"", "pricing": pricing}
    receipt = words.Receipt(**values | changed)
    fresh = attempts.find(attempt.id)
    if fresh is not None:
        _advance(fresh, receipt, now)


def _attempt(channel: Channel, receipt: words.Receipt) -> Attempt | None:
    """By our own reference, else by the provider's id; only ever within the channel that signed."""
    uid, _, n = receipt.reference.partition(".")
    message = messages.by_uid(uid) if uid else None
    if message is not None and message.channel_id == channel.id and n.isdecimal() and len(n) < 10:
        return attempts.by_number(message.id, int(n))
    return attempts.by_provider_id(channel.id, receipt.provider_message_id)


def _advance(attempt: Attempt, receipt: words.Receipt, now: datetime) -> None:
    message = messages.by_id(attempt.message_id)
    if message is None:
        return
    if not attempt.provider_message_id and receipt.provider_message_id:
        attempts.change(attempt.id, provider_message_id=receipt.provider_message_id)
    if receipt.alias and receipt.alias not in (attempt.alias, attempt.provider_message_id):
        attempts.change(attempt.id, alias=receipt.alias)
    if receipt.pricing is not None and message.category is None:
        _note_pricing(message, receipt.pricing)
    if receipt.progress < 0:
        _fail(message, attempt, receipt, now)
        return
    _note_times(message, receipt.progress, receipt.at or now)
    if attempt.status in _ENDED and receipt.progress < words.Progress.DELIVERED:
        return
    if receipt.progress > attempt.rank:
        attempts.change(attempt.id, rank=receipt.progress, status=_SHOWN[receipt.progress])
        show(message.id)


def _note_pricing(message: Message, pricing: words.Pricing) -> None:
    """What a message is billed as comes with any of its receipts, and on some providers with several: the first is
    kept. Where `type` is known it decides; `billable` is on its way out (facts/providers §2.6)."""
    kind = pricing.type.lower()
    billable = True if kind == "regular" else False if kind.startswith("free_") else pricing.billable
    messages.change(
        message.id,
        category=pricing.category,
        pricing_type=pricing.type,
        pricing_model=pricing.model,
        billable=billable,
    )


def _note_times(message: Message, progress: words.Progress, at: datetime) -> None:
    """Each step's first time is kept, in whatever order they come; read means delivered too."""
    times: dict[str, datetime] = {}
    if progress >= words.Progress.ACCEPTED and message.sent_at is None:
        times["sent_at"] = at
    if progress >= words.Progress.DELIVERED and message.delivered_at is None:
        times["delivered_at"] = at
    if progress >= words.Progress.READ and message.read_at is None:
        times["read_at"] = at
    if times:
        messages.change(message.id, **times)


def _fail(message: Message, attempt: Attempt, receipt: words.Receipt, now: datetime) -> None:
    """A failure after acceptance: the same policy as for one at once, unless it was delivered already."""
    if attempt.rank >= words.Progress.DELIVERED or attempt.status in _ENDED:
        return
    status = words.Status.FAILED if receipt.progress is words.Progress.FAILED else words.Status.UNDELIVERED
    attempts.change(
        attempt.id,
        status=status,
        error_code=receipt.error_code,
        error_message=receipt.error_message,
        answer=receipt.raw,
    )
    if message.turn is None:
        described = {"error_code": receipt.error_code, "error_message": receipt.error_message}
        messages.change(message.id, status=status, failed_at=now, **described)
        return
    open_now = (words.Status.SENT, words.Status.SENDING, words.Status.UNKNOWN)
    if message.attempts != attempt.n or message.status not in open_now:
        return
    failure = by_name(message.channel.provider).failure(receipt.error_code, receipt.error_message)
    if isinstance(failure, errors.UnknownOutcome):
        failure = errors.TemporaryFailure(failure.code, failure.message)
    policy.follow(message, attempt, failure, now, told=True)
    if isinstance(failure, errors.PermanentFailure):
        messages.change(message.id, status=status)


def show(message_id: int) -> None:
    """Inside a write: the state that a message shows. Delivered or read of any attempt wins and cancels a
    retry that was not yet claimed; else the newest attempt speaks, unless it failed: then the policy has spoken."""
    message = messages.by_id(message_id)
    made = attempts.of_message(message_id)
    if message is None or not made:
        return
    best = max(made, key=lambda attempt: attempt.rank)
    newest = made[-1]
    speaks = best if best.rank >= words.Progress.DELIVERED else newest
    if speaks.rank < words.Progress.ACCEPTED or speaks.status not in _SHOWN.values():
        return
    messages.change(
        message_id,
        status=speaks.status,
        due_at=None,
        retry_due=False,
        unknown_since=None,
        provider_message_id=speaks.provider_message_id or message.provider_message_id,
        error_code="",
        error_message="",
        failed_at=None,
        critical=False,
    )
