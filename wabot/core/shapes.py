"""What others see of a row: the JSON shapes of CONTRACT §5, for the API and for `--json` alike."""

from collections.abc import Sequence
from typing import Any

from wabot import clock, words
from wabot.core import hints
from wabot.core.retrying import Result
from wabot.store.attempts import Attempt
from wabot.store.customers import Conversation, Customer
from wabot.store.logs import Held, Outgoing
from wabot.store.media import Media
from wabot.store.messages import FAILED_WORDS, Message
from wabot.store.rules import WINDOW
from wabot.store.runs import Run
from wabot.store.templates import Template


def conversation(row: Conversation, last: Message | None) -> dict[str, Any]:
    """One conversation, with its last message."""
    now = clock.now()
    paused = row.bot_paused_until if row.bot_paused_until and row.bot_paused_until > now else None
    return {
        "id": row.id,
        "channelId": row.channel_id,
        "customer": customer(row.customer),
        "state": row.state,
        "lastMessage": last.body if last else None,
        "lastMessageAt": clock.iso(last.created_at) if last else None,
        "unreadCount": row.unread,
        "isBotActive": bool(row.bot_active) and paused is None,
        "botPausedUntil": clock.iso(paused),
        "windowExpiresAt": clock.iso(row.last_in_at + WINDOW) if row.last_in_at else None,
    }


def customer(row: Customer) -> dict[str, Any]:
    """A customer, where an object says whose it is."""
    return {"id": row.id, "waId": wa_id(row), "userId": row.user_id or None, "name": row.name}


def wa_id(customer: Customer) -> str | None:
    """The customer's number without its plus; None for one who has only a business-scoped id."""
    return customer.wa_id or (customer.address[1:] if customer.address.startswith("+") else None)


def message(row: Message, files: Sequence[Media] = (), lang: str = "") -> dict[str, Any]:
    """One message, in or out; `files` are those that came with it, of which one is usual and more are possible. The
    hint is in the language `lang`, else in the tenant's."""
    shown = [_file(row, file) for file in files] or _sent_file(row)
    return {
        "id": row.id,
        "uid": row.uid,
        "direction": row.direction,
        "type": row.purpose or None,
        "kind": row.kind,
        "body": row.body,
        "payload": _payload(row),
        "media": shown[0] if shown else None,
        "moreMedia": shown[1:],
        "mediaState": shown[0]["state"] if shown else None,
        "status": row.status,
        "providerMessageId": row.provider_message_id,
        "errorCode": row.error_code or None,
        "errorMessage": row.error_message or None,
        "hint": _hint(row, row.error_code, lang),
        "retryCount": row.retry_count,
        "maxRetries": row.max_retries,
        "resentUnknown": bool(row.resent_unknown),
        "createdAt": clock.iso(row.created_at),
        "sentAt": clock.iso(row.sent_at),
        "deliveredAt": clock.iso(row.delivered_at),
        "readAt": clock.iso(row.read_at),
        "failedAt": clock.iso(row.failed_at),
    }


def _file(row: Message, file: Media) -> dict[str, Any]:
    return {
        "id": file.id,
        "type": file.type,
        "mimeType": file.mime_type or None,
        "filename": file.filename or None,
        "size": file.size or None,
        "state": file.state,
        "errorCode": file.error_code or None,
        "url": _address(row, file.id) if file.state is words.MediaState.READY else None,
    }


def _sent_file(row: Message) -> list[dict[str, Any]]:
    """The file of a message of ours: one of the tenant's own, or one that the provider fetches from an address."""
    sent = row.draft().media if row.direction is words.Direction.OUT and row.kind == words.Kind.MEDIA else None
    if sent is None:
        return []
    return [
        {
            "id": sent.media_id or None,
            "type": sent.type,
            "mimeType": sent.mime_type or None,
            "filename": sent.filename or None,
            "size": sent.size or None,
            "state": words.MediaState.READY,
            "errorCode": None,
            "url": sent.url or _address(row, sent.media_id),
        }
    ]


def _address(row: Message, media_id: int) -> str:
    return f"/api/restaurants/{row.tenant.slug}/media/{media_id}"


def _payload(row: Message) -> dict[str, Any] | None:
    extras = {name: value for name, value in (("choice", row.choice), ("quotedId", row.quoted_id)) if value}
    drafted = {name: _renamed(part) for name, part in row.payload.items()} if row.turn is not None else row.payload
    return {**drafted, **extras} or None


_NAMES = {"media_id": "mediaId", "mime_type": "mimeType", "provider_id": "providerId"}


def _renamed(part: Any) -> Any:
    """A part of a draft of ours with the wire's names; what was not said is left out, but a degree may well be 0."""
    if not isinstance(part, dict):
        return part
    unsaid = {"size": 0, "media_id": 0}
    return {_NAMES.get(name, name): value for name, value in part.items() if value != "" and value != unsaid.get(name)}


def _hint(row: Message, code: str, lang: str) -> str | None:
    return hints.for_code(row.channel.provider, code, lang or row.tenant.locale) if code else None


def log_row(row: Message, attempts: Sequence[Attempt], lang: str = "") -> dict[str, Any]:
    """One outgoing message as the log shows it: a failed one reads `failed` while it waits for its retry, and one that
    its paused channel holds back says why. The hint is in the language `lang`, else in the tenant's."""
    failed = row.status in FAILED_WORDS or (row.status is words.Status.QUEUED and row.retry_due)
    held = _held(row) if row.status is words.Status.QUEUED and not failed else None
    code, reason = held or (row.error_code, row.error_message)
    return {
        "id": row.id,
        "businessId": row.tenant.slug,
        "customer": {"waId": wa_id(row.customer), "name": row.customer.name},
        "type": row.purpose or None,
        "kind": row.kind,
        "status": words.Status.FAILED if failed else row.status,
        "retryCount": row.retry_count,
        "maxRetries": row.max_retries,
        "isCritical": bool(row.critical),
        "nextRetryAt": clock.iso(row.due_at) if failed else None,
        "errorCode": code or None,
        "errorMessage": reason or None,
        "hint": _hint(row, code, lang),
        "parentLogId": row.parent_id,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "createdAt": clock.iso(row.created_at),
    }


def _held(row: Message) -> tuple[str, str] | None:
    """The code and the reason of what holds a message back: its channel, or its tenant."""
    if row.channel.status is words.ChannelStatus.PAUSED:
        return row.channel.pause_code or "paused", row.channel.pause_reason
    if row.tenant.status is words.TenantStatus.SUSPENDED:
        return "suspended", ""
    return None


def _attempt(row: Attempt) -> dict[str, Any]:
    return {
        "n": row.n,
        "at": clock.iso(row.started_at),
        "status": row.status,
        "providerMessageId": row.provider_message_id,
        "errorCode": row.error_code or None,
        "errorMessage": row.error_message or None,
        "by": row.by,
    }


def log_page(rows: Sequence[dict[str, Any]], page: int, page_size: int, total: int) -> dict[str, Any]:
    """A page of the log without its stats; `total` is how many rows there are in all."""
    pages = -(-total // page_size)
    return {
        "logs": list(rows),
        "pagination": {"page": page, "pageSize": page_size, "total": total, "totalPages": pages},
    }


def log_stats(counted: Outgoing) -> dict[str, int]:
    """The figures of a tenant's log."""
    return {"total": counted.total, "failed": counted.failed, "critical": counted.critical}


def held_channel(row: Held, lang: str = "") -> dict[str, Any]:
    """A paused channel, and what it holds back."""
    channel = row.channel
    return {
        "channelId": channel.id,
        "restaurantId": channel.tenant.slug,
        "code": channel.pause_code or None,
        "reason": channel.pause_reason or channel.pause_code or None,
        "hint": hints.for_code(channel.provider, channel.pause_code or "paused", lang or channel.tenant.locale),
        "since": clock.iso(channel.paused_at),
        "waiting": row.waiting,
    }


def template(row: Template) -> dict[str, Any]:
    """One template of one channel."""
    return {
        "name": row.name,
        "language": row.language,
        "category": row.category or None,
        "status": row.status or None,
        "body": row.body,
        "params": row.params,
        "channelId": row.channel_id,
    }


def retried(result: Result, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a retry did; `rows` are the log rows of what was sent again."""
    skipped = [{"logId": each.message_id, "code": each.code, "reason": each.reason} for each in result.skipped]
    return {"runId": result.run_id, "retried": len(result.retried), "skipped": skipped, "logs": list(rows)}


def run(row: Run) -> dict[str, Any]:
    """How far a retry of many is."""
    return {
        "runId": row.id,
        "total": row.total,
        "done": row.done,
        "retried": row.retried,
        "skipped": row.skipped,
        "state": row.state,
    }
