"""What the sandbox's webhooks say, as `sandbox` specifies them: messages, files, places and statuses."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wabot import errors, words
from wabot.providers import bodies

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
    message = _part(item, "message")
    kind = _text(message, "kind", required=True)
    return words.Incoming(
        _text(item, "id", required=True),
        _identity(_part(item, "from")),
        kind,
        name=_text(item, "name"),
        quoted_id=_text(item, "quotedId"),
        sent_at=_moment(_text(item, "at")),
        **_content(kind, message),
    )


def _content(kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """What a person would read of a message, and what it carries beyond that."""
    if kind == words.Kind.INTERACTIVE:
        reply = _part(message, "reply")
        return {"text": _text(reply, "title", required=True), "choice": _text(reply, "id", required=True)}
    if kind == words.Kind.LOCATION:
        place = _place(message)
        return {"text": place["name"] or place["address"], "payload": {"location": place}}
    if kind in _FILES:
        attachment = _attachment(kind, _part(message, "media"))
        return {"text": _text(message, "text"), "payload": message, "attachments": (attachment,)}
    if kind == words.Kind.TEXT:
        return {"text": _text(message, "text", required=True)}
    return {"text": _text(message, "text"), "payload": message}


def _attachment(kind: str, media: Mapping[str, Any]) -> words.Attachment:
    reference = _text(media, "id", required=True)
    return words.Attachment(kind, reference, _text(media, "mimeType").lower(), _text(media, "filename"))


def _place(message: Mapping[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = {name: _degrees(message.get(name), name) for name in FURTHEST}
    return place | {"name": _text(message, "name"), "address": _text(message, "address")}


def _degrees(value: Any, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= FURTHEST[name]:
        raise errors.Unreadable(f"{name} is not a number of degrees")
    return float(value)


def _identity(sender: Mapping[str, Any]) -> words.Identity:
    phone, user_id = _text(sender, "phone"), _text(sender, "userId")
    number = _PHONE.fullmatch(phone)
    if phone and not number:
        raise errors.Unreadable("from.phone is not a number")
    if not number and not user_id:
        raise errors.Unreadable("from has neither phone nor userId")
    return words.Identity(phone=f"+{number[1]}" if number else "", user_id=user_id)


def _receipt(item: Mapping[str, Any]) -> words.Receipt:
    status = _text(item, "status", required=True)
    if status not in PROGRESS:
        raise errors.Unreadable(f"the status {status[:40]!r} is unknown")
    problem = _part(item, "error") if item.get("error") else {}
    pricing = _part(item, "pricing") if item.get("pricing") else {}
    return words.Receipt(
        _text(item, "id", required=True),
        PROGRESS[status],
        reference=_text(item, "reference"),
        at=_moment(_text(item, "at")),
        error_code=_text(problem, "code"),
        error_message=_text(problem, "message"),
        pricing=words.Pricing(_text(pricing, "category"), _text(pricing, "type")) if pricing else None,
    )


def _part(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise errors.Unreadable(f"{name} is not an object")
    return part


def _text(whole: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    text = whole.get(name)
    if text is None and not required:
        return ""
    if not isinstance(text, str) or (required and not text):
        raise errors.Unreadable(f"{name} is not a text")
    return text


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.Unreadable("at is not an ISO 8601 time") from error
