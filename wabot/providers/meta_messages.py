"""One message of Meta's webhooks in our words: who wrote it, what a person would read, what was tapped. All
that it carries beyond that is kept as it came, also where the type is not known.

Sources: as for `meta_webhooks`; facts/providers §2.4, §2.5 and §2.12.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from wabot import errors, words
from wabot.providers import bodies

_ENVELOPE = ("id", "from", "from_user_id", "timestamp", "type", "context")
"""What has a place of its own in our words; all else is payload."""
_MEDIA = ("image", "audio", "video", "document", "sticker")
_OLD_NAMES = {"voice": "audio"}
_WITH_OBJECT = (
    *_MEDIA, *_OLD_NAMES, "text", "location", "interactive", "button", "reaction", "order", "system", "edit", "revoke",
)  # fmt: skip
_PHONE = re.compile(r"\s*\+?([0-9]{4,20})\s*")
_USER_ID = re.compile(r"\s*([A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\s*")
_FIRST_MILLISECOND = 10**11
"""Timestamps are seconds, and sometimes milliseconds (courier); as seconds this would be the year 5138."""
_LAST_SECOND = 4_102_444_800
"""2100; what is later is a mistake, and would sort the message after all others."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the value of a change says beside its messages; `only` is the one contact of a single message."""

    people: Mapping[str, Mapping[str, Any]]
    only: Mapping[str, Any]
    errors: Any

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        listed, messages = value.get("contacts"), value.get("messages")
        contacts = [contact for contact in listed if isinstance(contact, dict)] if isinstance(listed, list) else []
        people = {word(contact, name): contact for contact in contacts for name in ("wa_id", "user_id")}
        alone = len(contacts) == 1 and isinstance(messages, list) and len(messages) == 1
        return cls(people, contacts[0] if alone else {}, value.get("errors"))

    def contact(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """The contact that the message is from; the only one also under another number, because "a WhatsApp
        user's ID and phone number may not always match" (OpenAPI), but never under another user id."""
        number, user_id = word(message, "from"), word(message, "from_user_id")
        found = next((self.people[said] for said in (number, user_id) if said and said in self.people), None)
        if found is not None:
            return found
        is_another = user_id and word(self.only, "user_id") not in ("", user_id)
        return {} if is_another or message.get("type") == "system" else self.only


def incoming(message: Mapping[str, Any], beside: Beside) -> words.Incoming:
    """The message as we know it, its sender named as in the contacts beside it. Raises Unreadable."""
    given = text_of(message, "type", required=True)
    kind = _OLD_NAMES.get(given, given)
    text, choice, about = _read(kind, _content(message, given, beside), message)
    contact, context = beside.contact(message), _context(message)
    return words.Incoming(
        text_of(message, "id", required=True),
        _identity(message, contact),
        kind[:40],
        text=text,
        choice=choice,
        name=_profile_name(contact),
        quoted_id=about or word(context, "id"),
        payload=_payload(message, kind, given, beside),
        sent_at=moment(word(message, "timestamp")),
    )


def _content(message: Mapping[str, Any], given: str, beside: Beside) -> dict[str, Any]:
    """The object that is named like the type; it may lack only where an error says why."""
    if given not in _WITH_OBJECT or (given not in message and _why(message, beside)):
        return {}
    return part(message, given)


def _why(message: Mapping[str, Any], beside: Beside) -> Any:
    return message.get("errors") or beside.errors


def _payload(message: Mapping[str, Any], kind: str, given: str, beside: Beside) -> dict[str, Any]:
    """What the kind carries beyond its text: its object, the advertisement it answers, its group, errors."""
    kept = {kind if name == given else name: value for name, value in message.items() if name not in _ENVELOPE}
    if kind == words.Kind.TEXT:
        kept.pop("text", None)
    flags = {name: value for name, value in _context(message).items() if name not in ("from", "id") and value}
    if flags:
        kept["context"] = flags
    if given in _WITH_OBJECT and given not in message:
        kept["errors"] = bodies.tidy(_why(message, beside))
    return kept


def _context(message: Mapping[str, Any]) -> Mapping[str, Any]:
    context = message.get("context")
    return context if isinstance(context, dict) else {}


def _read(kind: str, content: Mapping[str, Any], message: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a person would read, the id of what was tapped, and the id of the message it is about."""
    match kind:
        case words.Kind.TEXT:
            return text_of(content, "body", required=True), "", ""
        case words.Kind.INTERACTIVE if content:
            return _reply(content)
        case words.Kind.BUTTON:
            return text_of(content, "text"), text_of(content, "payload"), ""
        case "location":
            return text_of(content, "name") or text_of(content, "address"), "", ""
        case "contacts":
            return _names(message.get("contacts")), "", ""
        case "reaction":
            return text_of(content, "emoji"), "", text_of(content, "message_id")
        case "order":
            return text_of(content, "text"), "", ""
        case "system":
            return text_of(content, "body"), "", ""
        case "edit" | "revoke":
            return _edited(content), "", text_of(content, "original_message_id")
    return (text_of(content, "caption") if kind in _MEDIA else ""), "", ""


def _reply(interactive: Mapping[str, Any]) -> tuple[str, str, str]:
    kind = text_of(interactive, "type", required=True)
    if kind in ("button_reply", "list_reply"):
        reply = part(interactive, kind)
        return text_of(reply, "title"), text_of(reply, "id", required=True), ""
    form = interactive.get(kind)
    return (word(form, "body") if isinstance(form, dict) else ""), "", ""


def _names(contacts: Any) -> str:
    if not isinstance(contacts, list):
        raise errors.Unreadable("contacts is not a list")
    named = [contact.get("name") for contact in contacts if isinstance(contact, dict)]
    names = [word(name, "formatted_name") for name in named if isinstance(name, dict)]
    return ", ".join(name for name in names if name)


def _edited(edit: Mapping[str, Any]) -> str:
    message = edit.get("message")
    text = message.get("text") if isinstance(message, dict) else None
    return word(text, "body") if isinstance(text, dict) else ""


def _identity(message: Mapping[str, Any], contact: Mapping[str, Any]) -> words.Identity:
    """Either of number and business-scoped id may lack, and the latter may stand where a number is meant."""
    sender, wa_id = word(message, "from"), word(contact, "wa_id")
    phone, number = _PHONE.fullmatch(sender), _PHONE.fullmatch(wa_id)
    said = (word(message, "from_user_id"), word(contact, "user_id"), sender, wa_id)
    user_id = next((found[1] for text in said if (found := _USER_ID.fullmatch(text))), "")
    identity = words.Identity(
        phone=f"+{phone[1]}" if phone else "",
        user_id=user_id,
        wa_id=number[1] if number else phone[1] if phone else "",
    )
    if not identity.aliases():
        raise errors.Unreadable("the sender is neither a number nor a user id")
    return identity


def _profile_name(contact: Mapping[str, Any]) -> str:
    profile = contact.get("profile")
    return word(profile, "name") if isinstance(profile, dict) else ""


def part(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object of this name. Raises Unreadable."""
    found = whole.get(name)
    if not isinstance(found, dict):
        raise errors.Unreadable(f"{name} is not an object")
    return found


def text_of(whole: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    """The text of this name, empty where there is none. Raises Unreadable."""
    found = whole.get(name)
    if found is None and not required:
        return ""
    if not isinstance(found, str) or (required and not found):
        raise errors.Unreadable(f"{name} is not a text")
    return found


def word(whole: Mapping[str, Any], name: str) -> str:
    """A text or a whole number of this name as clean text; empty for anything else."""
    found = whole.get(name)
    known = isinstance(found, str | int) and not isinstance(found, bool)
    return bodies.clean(str(found)).strip() if known else ""


def moment(timestamp: str) -> datetime | None:
    """The time of a timestamp in seconds or milliseconds; None for one that is no time of ours."""
    if not re.fullmatch(r"[0-9]{1,16}", timestamp):
        return None
    number = int(timestamp)
    seconds = number / 1000 if number >= _FIRST_MILLISECOND else number
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LAST_SECOND else None
