"""What Meta is sent for each kind of draft: the part of a message that is neither its recipient nor our reference.

Sources: facebook/openapi `business-messaging-api_v23.0.yaml` (`/{Phone-Number-ID}/messages`), and
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/location-messages/ (2026-05-21), as
of November 2026 (facts/providers §2.7).
"""

import re
from collections.abc import Sequence
from typing import Any

from wabot import words
from wabot.providers import limits

LANGUAGE = "ar"
"""A template's where the draft names none (CONTRACT §3)."""


def of(draft: words.Draft, *, uploaded: str = "") -> dict[str, Any]:
    """The message's type and the object of that name; `uploaded` is Meta's id of a file of ours."""
    if draft.media is not None:
        return {"type": draft.media.type, draft.media.type: _file(draft.media, draft.text, uploaded)}
    if draft.location is not None:
        return {"type": "location", "location": _place(draft.location)}
    if draft.kind is words.Kind.TEMPLATE:
        return {"type": "template", "template": _template(draft.template or words.TemplateUse(""))}
    if draft.kind in (words.Kind.BUTTONS, words.Kind.LIST):
        return {"type": "interactive", "interactive": _interactive(draft)}
    return {"type": "text", "text": {"body": draft.text, "preview_url": False}}


def _file(media: words.Media, caption: str, uploaded: str) -> dict[str, str]:
    """Only a document has a name (OpenAPI); a caption of audio or a sticker was refused by `limits`."""
    shown = {"id": uploaded} if uploaded else {"link": media.url}
    if caption.strip():
        shown["caption"] = caption
    if media.filename and media.type == words.MediaType.DOCUMENT:
        shown["filename"] = media.filename
    return shown


def _place(place: words.Location) -> dict[str, Any]:
    named = {"name": place.name, "address": place.address}
    at = {"latitude": place.latitude, "longitude": place.longitude}
    return at | {name: text for name, text in named.items() if text.strip()}


def _interactive(draft: words.Draft) -> dict[str, Any]:
    header = {"header": {"type": "text", "text": draft.header}} if draft.header.strip() else {}
    footer = {"footer": {"text": draft.footer}} if draft.footer.strip() else {}
    if draft.kind is words.Kind.LIST:
        kind, action = "list", {"button": draft.button, "sections": _sections(draft.sections)}
    else:
        replies = [{"type": "reply", "reply": {"id": each.id, "title": each.title}} for each in draft.buttons]
        kind, action = "button", {"buttons": replies}
    return {"type": kind, **header, "body": {"text": draft.text}, **footer, "action": action}


def _sections(sections: Sequence[words.Section]) -> list[dict[str, Any]]:
    """Several sections need a title each (OpenAPI), so without them they are one."""
    filled = [section for section in sections if section.rows]
    if len(filled) > 1 and not all(section.title.strip() for section in filled):
        filled = [words.Section(tuple(row for section in filled for row in section.rows))]
    return [_titled(section) | {"rows": [_row(row) for row in section.rows]} for section in filled]


def _titled(section: words.Section) -> dict[str, Any]:
    return {"title": section.title} if section.title.strip() else {}


def _row(row: words.Row) -> dict[str, str]:
    description = {"description": row.description} if row.description.strip() else {}
    return {"id": row.id, "title": row.title, **description}


def _template(template: words.TemplateUse) -> dict[str, Any]:
    """Variables by number are the body's in their order, others by their name (`parameter_name`)."""
    values = sorted(template.variables.items(), key=lambda item: _position(item[0]))
    parameters = [
        {"type": "text", **({} if name.isdecimal() else {"parameter_name": name}), "text": _one_line(value)}
        for name, value in values
    ]
    body = {"components": [{"type": "body", "parameters": parameters}]} if parameters else {}
    return {"name": template.name, "language": {"code": template.language or LANGUAGE}, **body}


def _position(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (limits.VARIABLES, name)


def _one_line(text: str) -> str:
    """A parameter as WhatsApp takes it: no tabs, never more than four spaces in a row."""
    return re.sub(r" {5,}", "    ", re.sub(r"[\t\r\n]", " ", text))
