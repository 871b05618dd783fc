"""One message of a customer in the second version of Gupshup's format, in our words; all that it carries beyond
them is kept as it came, also where its type is not known.

Sources, as of November 2026: https://docs.gupshup.io/docs/inbound-messages, …/text, …/media, …/interactive and
…/reference/postback-text-support, https://partner-docs.gupshup.io/docs/bsuid (facts/providers §3.5).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wabot import errors, words
from wabot.providers import bodies, media, meta_messages
from wabot.providers.bodies import part, text_of, word
from wabot.providers.meta_messages import moment

_ENVELOPE = ("id", "source", "type", "payload", "sender", "context")
"""What has a place of its own in our words."""
_NAMES: Mapping[str, str] = {"file": "document", "voice": "audio", "contact": "contacts"}
"""Gupshup's words for kinds where they are not WhatsApp's."""
_FILES = frozenset(words.MediaType)
_TAPS = ("button_reply", "list_reply", "quick_reply")
_PHONE = re.compile(r"\s*\+?([0-9]{4,20})\s*")
_USER_ID = re.compile(r"\s*([A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\s*")
_NOTHING_BESIDE = meta_messages.Beside({}, {}, None)
_DEGREES = ("latitude", "longitude")
_FLAGS = ("forwarded", "frequentlyForwarded", "frequently_forwarded")


def incoming(told: Mapping[str, Any], timestamp: str) -> words.Incoming:
    """The message of an envelope. Raises Unreadable."""
    given, content = text_of(told, "type", required=True), _object(told, "payload")
    sender, context = _object(told, "sender"), _object(told, "context")
    kind = _kind(given, content)
    text, choice = _read(kind, content)
    found = attachment(kind, content)
    return words.Incoming(
        text_of(told, "id", required=True),
        _identity(told, sender),
        kind,
        text=text,
        choice=choice,
        name=word(sender, "name"),
        quoted_id=word(context, "gsId") or word(context, "id"),
        payload=_payload(told, kind, given, content, context),
        attachments=(found,) if found else (),
        sent_at=moment(timestamp),
    )


def _kind(given: str, content: Mapping[str, Any]) -> str:
    """A template's button comes as `quick_reply` or as `text`, as two pages have it: what is in it tells."""
    if word(content, "type") == "button":
        return words.Kind.BUTTON
    if given in _TAPS:
        return words.Kind.INTERACTIVE
    return _NAMES.get(given, given)[:40]


def _read(kind: str, content: Mapping[str, Any]) -> tuple[str, str]:
    """What a person would read, and the id of what was tapped. A tap's own `id` is that of the message tapped on."""
    match kind:
        case words.Kind.TEXT:
            return text_of(content, "text", required=True), ""
        case words.Kind.BUTTON:
            return text_of(content, "text"), word(content, "postbackText")
        case words.Kind.INTERACTIVE:
            title = word(content, "title") or word(content, "reply")
            if not title and not word(content, "postbackText"):
                raise errors.Unreadable("a tap on nothing")
            return title, word(content, "postbackText")
        case words.Kind.LOCATION:
            return word(content, "name") or word(content, "address"), ""
        case "contacts":
            return _names(content.get("contacts")), ""
    return word(content, "caption") or word(content, "text"), ""


def _payload(
    told: Mapping[str, Any], kind: str, given: str, content: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    kept = {name: value for name, value in told.items() if name not in _ENVELOPE}
    flags = {name: context[name] for name in _FLAGS if context.get(name)}
    if flags:
        kept["context"] = flags
    if kind == words.Kind.TEXT:
        return kept
    if kind == "contacts":
        return kept | {kind: content.get("contacts", content)}
    if kind == words.Kind.LOCATION:
        return kept | {
            kind: {**content, **{name: bodies.number(content[name]) for name in _DEGREES if name in content}}
        }
    return kept | {given if kind == words.Kind.INTERACTIVE else kind: dict(content)}


def attachment(kind: str, content: Mapping[str, Any]) -> words.Attachment | None:
    """The file of a message of this kind; none for a kind without, or where no address is told."""
    if kind not in _FILES or not word(content, "url"):
        return None
    told = media.plain_type(word(content, "contentType") or word(content, "mime_type"))
    return words.Attachment(
        kind, word(content, "url"), told, (word(content, "name") or word(content, "filename"))[:240]
    )


def _names(contacts: Any) -> str:
    named = [contact.get("name") for contact in contacts if isinstance(contact, dict)] if _is_list(contacts) else []
    names = [word(name, "formatted_name") for name in named if isinstance(name, dict)]
    return ", ".join(name for name in names if name)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _identity(told: Mapping[str, Any], sender: Mapping[str, Any]) -> words.Identity:
    """By number, by business-scoped id, or both; the latter may stand where a number is meant."""
    said = [word(told, "source"), word(sender, "phone")]
    number = next((found[1] for text in said if (found := _PHONE.fullmatch(text))), "")
    user_id = next((found[1] for text in [word(sender, "userId"), *said] if (found := _USER_ID.fullmatch(text))), "")
    if not number and not user_id:
        raise errors.Unreadable("the sender is neither a number nor a user id")
    return words.Identity(phone=f"+{number}" if number else "", user_id=user_id, wa_id=number)


def preferences(told: Mapping[str, Any]) -> Iterator[words.Item]:
    """Customers' choices whether to get marketing messages, which are as Meta has them."""
    listed = _object(told, "payload").get("user_preferences", told.get("user_preferences"))
    if not isinstance(listed, list):
        raise errors.Unreadable("user_preferences is not a list")
    for index, item in enumerate(listed):
        try:
            yield meta_messages.preference(part({"the item": item}, "the item"), _NOTHING_BESIDE)
        except errors.Unreadable as error:
            yield words.Unread(index, str(error))


def _object(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, dict) else {}
