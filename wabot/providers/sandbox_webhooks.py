"""What the sandbox's webhooks say, as `sandbox` specifies them: messages, files, places and statuses."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wabot import errors, words
from wabot.providers import bodies
from wabot.providers.bodies import part, text_of

PROGRESS: Mapping[str, words.Progress] = {
    "accepted": words.Progress.ACCEPTED,
    "sent": words.Progress.SENT,
    "delivered": words.Progress.DELIVERED,
    "read": words.Progress.READ,
    "undelivered": words.Progress.UNDELIVERED,
    "failed": words.Progress.FAILED,
}
FURTHEST: Mapping[str, float] = {"latitude": 90.0, "longitude": 180.0}
_PHONE = re.compile(r"\+?([0-9]{4,20})")
_FILES = frozenset(words.MediaType)


def read(index: int, item: Any) -> words.Item:
    """One item of a webhook's list; one that cannot be understood is Unread."""
    try:
        return _understood(bodies.tidy(item))
    except errors.Unreadable as error:
        return words.Unread(index, str(error))


def _understood(item: Any) -> words.Item:
    kind = item.get("type") if isinstance(item, dict) else None
    if kind == "message":
        return _incoming(item)
    if kind == "status":
        return _receipt(item)
    raise errors.Unreadable(f"the type {str(kind)[:40]!r} is unknown")


def _incoming(item: Mapping[str, Any]) -> words.Incoming:
    message = part(item, "message")
    kind = text_of(message, "kind", required=True)
    return words.Incoming(
        text_of(item, "id", required=True),
        _identity(part(item, "from")),
        kind,
        name=text_of(item, "name"),
        quoted_id=text_of(item, "quotedId"),
        sent_at=_moment(text_of(item, "at")),
        **_content(kind, message),
    )


def _content(kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """What a person would read of a message, and what it carries beyond that."""
    if kind == words.Kind.INTERACTIVE:
        reply = part(message, "reply")
        return {"text": text_of(reply, "title", required=True), "choice": text_of(reply, "id", required=True)}
    if kind == words.Kind.LOCATION:
        place = _place(message)
        return {"text": place["name"] or place["address"], "payload": {"location": place}}
    if kind in _FILES:
        attachment = _attachment(kind, part(message, "media"))
        return {"text": text_of(message, "text"), "payload": message, "attachments": (attachment,)}
    if kind == words.Kind.TEXT:
        return {"text": text_of(message, "text", required=True)}
    return {"text": text_of(message, "text"), "payload": message}


def _attachment(kind: str, media: Mapping[str, Any]) -> words.Attachment:
    reference = text_of(media, "id", required=True)
    return words.Attachment(kind, reference, text_of(media, "mimeType").lower(), text_of(media, "filename"))


def _place(message: Mapping[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = {name: _degrees(message.get(name), name) for name in FURTHEST}
    return place | {"name": text_of(message, "name"), "address": text_of(message, "address")}


def _degrees(value: Any, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= FURTHEST[name]:
        raise errors.Unreadable(f"{name} is not a number of degrees")
    return float(value)


def _identity(sender: Mapping[str, Any]) -> words.Identity:
    phone, user_id = text_of(sender, "phone"), text_of(sender, "userId")
    number = _PHONE.fullmatch(phone)
    if phone and not number:
        raise errors.Unreadable("from.phone is not a number")
    if not number and not user_id:
        raise errors.Unreadable("from has neither phone nor userId")
    return words.Identity(phone=f"+{number[1]}" if number else "", user_id=user_id)


def _receipt(item: Mapping[str, Any]) -> words.Receipt:
    status = text_of(item, "status", required=True)
    if status not in PROGRESS:
        raise errors.Unreadable(f"the status {status[:40]!r} is unknown")
    problem = part(item, "error") if item.get("error") else {}
    pricing = part(item, "pricing") if item.get("pricing") else {}
    return words.Receipt(
        text_of(item, "id", required=True),
        PROGRESS[status],
        reference=text_of(item, "reference"),
        at=_moment(text_of(item, "at")),
        error_code=text_of(problem, "code"),
        error_message=text_of(problem, "message"),
        pricing=words.Pricing(text_of(pricing, "category"), text_of(pricing, "type")) if pricing else None,
    )


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.Unreadable("at is not an ISO 8601 time") from error
