"""Interakt's webhooks: what signs them, and what they say: a message of a customer, or what became of one of ours.

Sources, as of November 2026: https://www.interakt.shop/resource-center/interakts-webhooks/ (types, three seconds,
the secret) and the Postman collection of `interakt`; the signature, the taps as JSON in a text and the fields of a
message as integrations got them (facts/providers §4.2). Times are UTC without saying so.
"""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from wabot import errors, words
from wabot.providers import bodies, meta_webhooks
from wabot.providers.base import Account, Arrived
from wabot.providers.bodies import part, text_of, word

SIGNATURES = ("interakt-signature", "x-interakt-signature")
RAW_BYTES_KEPT = 2048
MOST_REFERENCE = 512

PROGRESS: Mapping[str, words.Progress] = {
    "sent": words.Progress.SENT,
    "delivered": words.Progress.DELIVERED,
    "read": words.Progress.READ,
    "failed": words.Progress.FAILED,
}
_TIMES: Mapping[str, str] = {"sent": "received_at_utc", "delivered": "delivered_at_utc", "read": "seen_at_utc"}
_STATUS = re.compile(r"message_(?:api|campaign)_(sent|delivered|read|failed)")
_KINDS: Mapping[str, str] = {
    "interactivebuttonreply": words.Kind.INTERACTIVE,
    "interactivelistreply": words.Kind.INTERACTIVE,
    "interactiveflowreply": words.Kind.INTERACTIVE,
    "buttonreply": words.Kind.BUTTON,
    "quickreply": words.Kind.BUTTON,
    "contact": "contacts",
    "voice": "audio",
    "file": "document",
}
_AS_JSON = (words.Kind.INTERACTIVE, words.Kind.BUTTON, words.Kind.LOCATION, "contacts", "order", "reaction")
"""Kinds of which the text may be JSON."""
_FILES = frozenset(words.MediaType)
_KEPT = ("referral", "source_message_id", "message_context")
_PHONE = re.compile(r"\s*\+?([0-9]{4,20})\s*")
_USER_ID = re.compile(r"\s*([A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\s*")


def verify(arrived: Arrived, account: Account, required: tuple[str, ...]) -> bool:
    """Whether it came by this account's own address, signed where the account has a secret for that: over the raw
    body, in either spelling of the header, and the same in both where both are there."""
    if arrived.method != "POST" or not all(account.credentials.get(key) for key in required):
        return False
    secret = account.credentials.get("webhook_secret", "")
    if not secret:
        return True
    given = [arrived.headers[name].encode("utf-8", "replace") for name in SIGNATURES if name in arrived.headers]
    right = sign(arrived.body, secret).encode()
    return bool(given) and all([hmac.compare_digest(each, right) for each in given])  # noqa: C419 - no early end


def sign(body: bytes, secret: str) -> str:
    """The value of Interakt-Signature."""
    return "sha256=" + hmac.digest(secret.encode("utf-8", "replace"), body, "sha256").hex()


def parse(arrived: Arrived) -> list[words.Item]:
    """The one item of a webhook, or all of one in Meta's format, which partners get. Raises Unreadable."""
    said = bodies.json_object(arrived.body)
    if "entry" in said:
        return [_without_route(item) for item in meta_webhooks.parse(arrived)]
    kind = bodies.clean(text_of(said, "type", required=True))
    try:
        return [_read(kind, bodies.tidy(part(said, "data")), word(said, "timestamp"))]
    except errors.Unreadable as error:
        return [words.Unread(0, str(error))]


def _without_route(item: words.Item) -> words.Item:
    """It came by the channel's own address; Meta's names for the channel say nothing here."""
    return replace(item, route="", account="") if isinstance(item, words.Notice) else replace(item, route="")


def _read(kind: str, data: Mapping[str, Any], timestamp: str) -> words.Item:
    status = _STATUS.fullmatch(kind)
    if status:
        return _receipt(status[1], part(data, "message"), timestamp)
    if kind == "message_received":
        return _incoming(part(data, "customer"), part(data, "message"), timestamp)
    event, message = _object(data.get("event")), _object(data.get("message"))
    return words.Notice(kind[:60], (word(event, "button_text") or word(message, "button_text"))[:100])


def _receipt(said: str, message: Mapping[str, Any], timestamp: str) -> words.Receipt:
    source = _object(_object(message.get("meta_data")).get("source_data"))
    reference, failed = source.get("callback_data"), said == "failed"
    return words.Receipt(
        text_of(message, "id", required=True),
        PROGRESS[said],
        reference=reference if isinstance(reference, str) and len(reference) <= MOST_REFERENCE else "",
        at=moment(word(message, _TIMES.get(said, ""))) or moment(timestamp),
        error_code=word(message, "channel_error_code")[:40] if failed else "",
        error_message=word(message, "channel_failure_reason")[:500] if failed else "",
        raw=json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()[:RAW_BYTES_KEPT],
    )


def _incoming(customer: Mapping[str, Any], message: Mapping[str, Any], timestamp: str) -> words.Incoming:
    kind, written, link = _kind(message), text_of(message, "message"), word(message, "media_url")
    content = _as_json(written) if kind in _AS_JSON else None
    text, choice = _understood(kind, content, written)
    if kind == words.Kind.TEXT and not text:
        raise errors.Unreadable("a text without a text")
    payload = {name: message[name] for name in _KEPT if message.get(name)}
    if kind == words.Kind.LOCATION and isinstance(content, dict):
        content |= {name: bodies.number(content[name]) for name in ("latitude", "longitude") if name in content}
    if kind != words.Kind.TEXT:
        payload[kind] = content if content is not None else {"message": written, "media_url": link}
    return words.Incoming(
        text_of(message, "id", required=True),
        _identity(customer),
        kind,
        text="" if link and text == link else text,
        choice=choice,
        name=word(_object(customer.get("traits")), "name"),
        quoted_id=word(_object(message.get("message_context")), "id"),
        payload=payload,
        attachments=(words.Attachment(kind, link),) if link and kind in _FILES else (),
        sent_at=moment(word(message, "received_at_utc")) or moment(timestamp),
    )


def _kind(message: Mapping[str, Any]) -> str:
    """WhatsApp's word for what Interakt calls `InteractiveListReply`; without a type, what is there tells."""
    given = word(message, "message_content_type").lower()
    if not given:
        return "document" if word(message, "media_url") else words.Kind.TEXT
    return _KINDS.get(given, given)[:40]


def _understood(kind: str, content: Any, written: str) -> tuple[str, str]:
    """What a person would read, and the id of what was tapped; a tap may also come as its title alone."""
    if isinstance(content, list):
        return _names(content), ""
    if not isinstance(content, dict):
        return written, ""
    if kind == words.Kind.LOCATION:
        return word(content, "name") or word(content, "address"), ""
    inner = _object(content.get(word(content, "type"))) or content
    text = next((found for key in ("title", "text", "body", "emoji") if (found := word(inner, key))), "")
    return text, word(inner, "id") or word(inner, "payload")


def _names(contacts: list[Any]) -> str:
    named = [contact.get("name") for contact in contacts if isinstance(contact, dict)]
    names = [word(name, "formatted_name") for name in named if isinstance(name, dict)]
    return ", ".join(name for name in names if name)


def _as_json(written: str) -> Any:
    """The object or the list that the text is; None where it is only a text."""
    if not written.lstrip().startswith(("{", "[")):
        return None
    try:
        found = bodies.json_object(f'{{"all": {written}}}'.encode("utf-8", "replace"))
        return bodies.tidy(found["all"]) if len(found) == 1 else None
    except errors.Unreadable:
        return None


def _identity(customer: Mapping[str, Any]) -> words.Identity:
    """The number as WhatsApp has it, else put together; where it is a business-scoped id, that."""
    channel = word(customer, "channel_phone_number")
    said = (channel, word(customer, "country_code") + word(customer, "phone_number"))
    number = next((found[1] for text in said if (found := _PHONE.fullmatch(text))), "")
    ids = (word(customer, "user_id"), channel)
    user_id = next((found[1] for text in ids if (found := _USER_ID.fullmatch(text))), "")
    if not number and not user_id:
        raise errors.Unreadable("the customer has neither a number nor a user id")
    return words.Identity(phone=f"+{number}" if number else "", user_id=user_id, wa_id=number)


def moment(text: str) -> datetime | None:
    """An ISO 8601 time, in UTC where it does not say; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
