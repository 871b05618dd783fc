"""One message of Meta's webhooks in our words: who wrote it, what a person would read, what was tapped. All
that it carries beyond that is kept as it came, also where the type is not known.

Sources: as for `meta_webhooks`; facts/providers §2.4, §2.5 and §2.12.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from wabot import errors, words
from wabot.providers import bodies
from wabot.providers.bodies import part, text_of, word

_ENVELOPE = ("id", "from", "from_user_id", "timestamp", "type", "context")
"""What has a place of its own in our words; all else is payload."""
_MEDIA = ("image", "audio", "video", "document", "sticker")
_OLD_NAMES = {"voice": "audio"}
_WITH_OBJECT = (
    *_MEDIA, *_OLD_NAMES, "text", "location", "interactive", "button", "reaction", "order", "system", "edit", "revoke",
)  # fmt: skip
_DEGREES = ("latitude", "longitude")
_PHONE = re.compile(r"\s*\+?([0-9]{4,20})\s*")
_USER_ID = re.compile(r"\s*([A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\s*")
MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
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
    def of(cls, value: Mapping[str, Any], name: str) -> Self:
        """`name` is that of the list of messages, echoes or preferences."""
        listed, messages = value.get("contacts"), value.get(name)
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
    content = _content(message, given, beside)
    text, choice, about = _read(kind, content, message)
    contact, context = beside.contact(message), _context(message)
    return words.Incoming(
        text_of(message, "id", required=True),
        _former(message, content) if _tells_of_a_change(kind, content) else _identity(message, contact),
        kind[:40],
        text=text,
        choice=choice,
        name=_profile_name(contact),
        quoted_id=about or word(context, "id"),
        payload=_payload(message, kind, given, beside),
        attachments=_attachments(kind, content),
        sent_at=moment(word(message, "timestamp")),
    )


def echo(message: Mapping[str, Any], beside: Beside) -> words.Incoming:
    """A message that somebody of the business wrote in the WhatsApp Business app: from it, to the customer. Raises
    Unreadable. Source: …/webhooks/reference/smb_message_echoes (2026-05-21)."""
    rest = {name: value for name, value in message.items() if name not in ("to", "to_user_id")}
    customer = {"from": message.get("to"), "from_user_id": message.get("to_user_id")}
    return replace(incoming({**rest, **customer}, beside), by_business=True)


def preference(told: Mapping[str, Any], beside: Beside) -> words.Incoming:
    """A customer's wish for no, or again for, marketing messages. It has no id, so its own words make one, the same
    whenever it is delivered. Raises Unreadable. Source: …/webhooks/reference/user_preferences (2026-05-21)."""
    value, category = text_of(told, "value", required=True), word(told, "category")
    said = {"from": told.get("wa_id"), "from_user_id": told.get("user_id")}
    contact = beside.contact(said)
    customer = _identity(said, contact)
    parts = (customer.wa_id, customer.user_id, category, value, word(told, "timestamp"))
    return words.Incoming(
        "preference:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32],
        customer,
        words.Kind.PREFERENCE,
        text=text_of(told, "detail") or value,
        choice=value,
        name=_profile_name(contact),
        payload={"category": category, "value": value},
        sent_at=moment(word(told, "timestamp")),
    )


def _attachments(kind: str, content: Mapping[str, Any]) -> tuple[words.Attachment, ...]:
    """The file of a message, or of what it was edited to. One without a usable id cannot be fetched."""
    if kind == "edit":
        kind, content = _edited(content)
    media_id = word(content, "id")
    if kind not in _MEDIA or not MEDIA_ID.fullmatch(media_id):
        return ()
    return (words.Attachment(kind, media_id, word(content, "mime_type")[:100], word(content, "filename")[:240]),)


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
    if kind == words.Kind.LOCATION and isinstance(kept.get(kind), dict):
        degrees = {name: bodies.number(kept[kind][name]) for name in _DEGREES if name in kept[kind]}
        kept[kind] = {**kept[kind], **degrees}
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
            _, edited = _edited(content)
            text = word(edited, "body") or word(edited, "caption")
            return text, "", text_of(content, "original_message_id")
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


def _edited(edit: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The type of what a message was edited to, and the object of that name; nothing where they are not there."""
    message = edit.get("message")
    named = word(message, "type") if isinstance(message, dict) else ""
    content = message.get(named) if isinstance(message, dict) else None
    return _OLD_NAMES.get(named, named), content if isinstance(content, dict) else {}


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


def _tells_of_a_change(kind: str, content: Mapping[str, Any]) -> bool:
    return kind == words.Kind.SYSTEM and word(content, "type") != "customer_identity_changed"


def _former(message: Mapping[str, Any], system: Mapping[str, Any]) -> words.Identity:
    """A customer as they were before the change that a system message tells of: what the old number or user id agreed
    to says nothing of the new one, and `from_user_id` may be either. `system.customer` is older than `from`; where no
    number is shared, the former user id is all there is (changelog of 2026-08-11)."""
    number, former = word(message, "from") or word(system, "customer"), word(system, "previous_user_id")
    if not number and not former:
        former = word(message, "from_user_id")
    return _identity({"from": number, "from_user_id": former}, {})


def _profile_name(contact: Mapping[str, Any]) -> str:
    profile = contact.get("profile")
    return word(profile, "name") if isinstance(profile, dict) else ""


def pricing(told: Mapping[str, Any]) -> words.Pricing | None:
    """What a status says its message is billed as, if it does; the model is also called policy."""
    said = told.get("pricing")
    if not isinstance(said, dict):
        return None
    billable = said.get("billable")
    found = words.Pricing(
        category=word(said, "category")[:80],
        type=word(said, "type")[:80],
        model=(word(said, "pricing_model") or word(said, "policy") or word(said, "model"))[:80],
        billable=billable if isinstance(billable, bool) else None,
    )
    return found if found.category or found.type else None


def moment(timestamp: str) -> datetime | None:
    """The time of a timestamp in seconds or milliseconds; None for one that is no time of ours."""
    if not re.fullmatch(r"[0-9]{1,16}", timestamp):
        return None
    number = int(timestamp)
    seconds = number / 1000 if number >= _FIRST_MILLISECOND else number
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LAST_SECOND else None
