"""What the sandbox's phone and its panels show of one conversation, as JSON: the sandbox's own ledger beside
ours, so that both sides of the wire can be seen. Only reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wabot import clock, words
from wabot.store import customers, messages, sandbox
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.sandbox import Carried, File, Switches
from wabot.store.tenants import Channel
from wabot.store.webhooks import Webhook
from wabot.web import sandbox_content

MOST_CARRIED = 100
MOST_KNOWN = 150
MOST_HAPPENED = 24
RETRY = "retry"
"""A queued message whose last attempt failed; its other states are those of `words.Status`."""


@dataclass(frozen=True, slots=True)
class _Ledger:
    """Our own side: the conversation, if there is one yet, and its messages, newest first."""

    conversation: Conversation | None
    rows: Sequence[Message]

    def sent(self) -> dict[str, Message]:
        return {row.uid: row for row in self.rows if row.direction is words.Direction.OUT}

    def heard(self) -> set[str | None]:
        return {row.provider_message_id for row in self.rows if row.direction is words.Direction.IN}


def shape(channel: Channel, phone: str) -> dict[str, Any]:
    """The conversation of a number with a sandbox channel."""
    carried = sandbox.thread(channel.id, phone, MOST_CARRIED)
    ledger = _ledger(channel, phone)
    return {
        "channel": channel.id,
        "phone": phone,
        "state": _state(channel, ledger),
        "messages": _bubbles(carried, ledger, sandbox_content.files(channel.id, carried)),
        "unread": any(row.direction == "OUT" and row.status == "delivered" for row in carried),
        "happened": _happened(channel, phone, carried, ledger),
        "switches": switches(sandbox.switches(channel.id)),
    }


def switches(kept: Switches) -> dict[str, Any]:
    """The switches as JSON."""
    return {
        "duplicate": kept.duplicate,
        "delayMs": kept.delay_ms,
        "reorder": kept.reorder,
        "refuse": kept.refuse,
        "timeOut": kept.time_out,
    }


def _ledger(channel: Channel, phone: str) -> _Ledger:
    customer = customers.find(channel.tenant_id, words.Identity(phone=phone))
    conversation = customer and customers.existing_conversation(channel.tenant_id, channel.id, customer.id)
    if not conversation:
        return _Ledger(None, ())
    known = messages.history(channel.tenant_id, conversation.id, before=None, most=MOST_KNOWN)
    return _Ledger(conversation, known)


def _state(channel: Channel, ledger: _Ledger) -> dict[str, Any]:
    """Who answers: the bot, a person, or nobody at present and why."""
    conversation, now = ledger.conversation, clock.now()
    until = conversation.bot_paused_until if conversation else None
    paused = until is not None and until > now
    held = "suspended" if channel.tenant.status is words.TenantStatus.SUSPENDED else ""
    if not held and channel.status is words.ChannelStatus.PAUSED:
        held = "paused"
    return {
        "held": held,
        "bot": conversation is None or (bool(conversation.bot_active) and not paused),
        "until": clock.iso(until) if paused else None,
        "answering": any(row.answer_due_at is not None for row in ledger.rows),
    }


def _bubbles(carried: Sequence[Carried], ledger: _Ledger, kept: Mapping[str, File]) -> list[dict[str, Any]]:
    """What the sandbox carried, and what we hold but it never took: queued, refused, failed."""
    sent, heard, used = ledger.sent(), ledger.heard(), set[str]()
    timed = []
    for row in carried:
        if row.direction == "IN":
            tick = "read" if row.provider_message_id in heard else row.status
            timed.append((row.created_at, _bubble(row.provider_message_id, row, tick, kept)))
            continue
        uid = row.reference.partition(".")[0]
        message = sent.get(uid)
        key = row.reference if uid in used else uid
        used.add(uid)
        tick = _status(message) if message else row.status
        bubble = _bubble(key or row.provider_message_id, row, tick, kept)
        timed.append((row.created_at, bubble | _trouble(message)))
    waiting = [message for uid, message in sent.items() if uid not in used]
    if len(carried) == MOST_CARRIED:
        waiting = [message for message in waiting if message.created_at >= carried[0].created_at]
    timed += [(message.created_at, _uncarried(message)) for message in waiting]
    return [bubble for _, bubble in sorted(timed, key=lambda entry: entry[0])]


def _bubble(key: str, row: Carried, tick: str, kept: Mapping[str, File]) -> dict[str, Any]:
    who = "customer" if row.direction == "IN" else "business"
    content = sandbox_content.of_carried(row.body, kept)
    return {"key": key, "from": who, "at": clock.iso(row.created_at), "tick": tick, "content": content}


def _uncarried(message: Message) -> dict[str, Any]:
    return {
        "key": message.uid,
        "from": "business",
        "at": clock.iso(message.created_at),
        "tick": _status(message),
        "content": sandbox_content.of_ours(message),
        "uncarried": True,
    } | _trouble(message)


def _trouble(message: Message | None) -> dict[str, Any]:
    """Why it is not where it should be, in the provider's words and ours."""
    if message is None:
        return {}
    found: dict[str, Any] = {"resent": True} if message.resent_unknown else {}
    if message.error_code:
        found |= {"errorCode": message.error_code, "errorMessage": message.error_message}
    if message.retry_due:
        found["retryAt"] = clock.iso(message.due_at)
    return found


def _status(message: Message) -> str:
    return RETRY if message.status is words.Status.QUEUED and message.retry_due else message.status.value


def _happened(channel: Channel, phone: str, carried: Sequence[Carried], ledger: _Ledger) -> list[dict[str, Any]]:
    """The newest journalled webhooks and messages of this conversation, newest first."""
    ids = {row.provider_message_id for row in carried}
    found = [(row.created_at, _message_entry(row)) for row in ledger.rows[:MOST_HAPPENED]]
    for webhook in sandbox.journal(channel.id):
        about = [item for item in _items(webhook) if item.get("id") in ids or _sender(item) == phone]
        if about:
            found.append((webhook.received_at, _webhook_entry(webhook, about)))
    newest = sorted(found, key=lambda entry: entry[0], reverse=True)
    return [entry for _, entry in newest[:MOST_HAPPENED]]


def _message_entry(row: Message) -> dict[str, Any]:
    return {
        "key": f"m{row.id}",
        "type": "message",
        "direction": row.direction.value,
        "kind": sandbox_content.kind(row),
        "text": sandbox_content.summary(row)[:80],
        "status": _status(row),
        "attempts": row.attempts,
        "errorCode": row.error_code or row.for_person,
        "at": clock.iso(row.created_at),
    }


def _webhook_entry(webhook: Webhook, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "key": f"w{webhook.id}",
        "type": "webhook",
        "id": webhook.id,
        "items": [str(item.get("status") or item.get("type")) for item in items],
        "verdict": webhook.verdict.value,
        "reading": webhook.reading.value,
        "duplicates": webhook.duplicates,
        "at": clock.iso(webhook.received_at),
    }


def _items(webhook: Webhook) -> list[Mapping[str, Any]]:
    try:
        items = json.loads(webhook.body or b"{}").get("items", [])
    except (ValueError, AttributeError):
        return []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _sender(item: Mapping[str, Any]) -> object:
    sender = item.get("from")
    return sender.get("phone") if isinstance(sender, dict) else None
