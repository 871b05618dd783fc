"""What others see of a row: the JSON shapes of CONTRACT §5, for the API and for `--json` alike."""

from typing import Any

from wabot import clock, words
from wabot.store.attempts import Attempt
from wabot.store.customers import Conversation, Customer
from wabot.store.messages import FAILED_WORDS, Message
from wabot.store.outbox import WINDOW

CRITICAL_CODES = {"template_unknown", "sealed"}


def conversation(row: Conversation, last: Message | None) -> dict[str, Any]:
    """One conversation, with its last message."""
    customer, now = row.customer, clock.now()
    paused = row.bot_paused_until if row.bot_paused_until and row.bot_paused_until > now else None
    return {
        "id": row.id,
        "channelId": row.channel_id,
        "customer": {
            "id": customer.id,
            "waId": customer.wa_id or customer.address.lstrip("+")
            if customer.address.startswith("+")
            else customer.wa_id,
            "userId": customer.user_id or None,
            "name": customer.name,
        },
        "state": row.state,
        "lastMessage": last.body if last else None,
        "lastMessageAt": clock.iso(last.created_at) if last else None,
        "unreadCount": row.unread,
        "isBotActive": bool(row.bot_active) and paused is None,
        "botPausedUntil": clock.iso(paused),
        "windowExpiresAt": clock.iso(row.last_in_at + WINDOW) if row.last_in_at else None,
    }


def wa_id(customer: Customer) -> str | None:
    """The customer's number without its plus; None for one who has only a business-scoped id."""
    return customer.wa_id or (customer.address[1:] if customer.address.startswith("+") else None)


def message(row: Message) -> dict[str, Any]:
    """One message, in or out."""
    return {
        "id": row.id,
        "uid": row.uid,
        "direction": row.direction,
        "type": row.purpose or None,
        "kind": row.kind,
        "body": row.body,
        "payload": _payload(row),
        "media": None,
        "status": row.status,
        "providerMessageId": row.provider_message_id,
        "errorCode": row.error_code or None,
        "errorMessage": row.error_message or None,
        "hint": None,
        "retryCount": row.retry_count,
        "maxRetries": row.max_retries,
        "resentUnknown": bool(row.resent_unknown),
        "createdAt": clock.iso(row.created_at),
        "sentAt": clock.iso(row.sent_at),
        "deliveredAt": clock.iso(row.delivered_at),
        "readAt": clock.iso(row.read_at),
        "failedAt": clock.iso(row.failed_at),
    }


def _payload(row: Message) -> dict[str, Any] | None:
    extras = {name: value for name, value in (("choice", row.choice), ("quotedId", row.quoted_id)) if value}
    return {**row.payload, **extras} or None


def log_row(row: Message, attempts: list[Attempt]) -> dict[str, Any]:
    """One outgoing message as the log shows it: a failed one reads `failed` while it waits for its retry."""
    failed = row.status in FAILED_WORDS or (row.status is words.Status.QUEUED and row.retry_due)
    return {
        "id": row.id,
        "businessId": row.tenant.slug,
        "customer": {"waId": wa_id(row.customer), "name": row.customer.name},
        "type": row.purpose or None,
        "kind": row.kind,
        "status": words.Status.FAILED if failed else row.status,
        "retryCount": row.retry_count,
        "maxRetries": row.max_retries,
        "isCritical": row.status is words.Status.DEAD or (failed and row.error_code in CRITICAL_CODES),
        "nextRetryAt": clock.iso(row.due_at) if failed else None,
        "errorCode": row.error_code or None,
        "errorMessage": row.error_message or None,
        "hint": None,
        "parentLogId": row.parent_id,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "createdAt": clock.iso(row.created_at),
    }


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
