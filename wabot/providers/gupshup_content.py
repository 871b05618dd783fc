"""What Gupshup is sent for a draft: the JSON of its `message` and `template` fields.

Sources, as of November 2026: https://docs.gupshup.io/reference/quick-replies, …/post_wa-api-v1-msg-1 (list), -3
(image), -5 (file), -6 (audio), and …/postback-text-support for templates (facts/providers §3.3).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wabot import words
from wabot.providers import plain
from wabot.providers.base import Files

_FILES: Mapping[str, str] = {words.MediaType.DOCUMENT: "file"}
"""Where Gupshup's word for a type of file is not WhatsApp's."""
_CAPTIONED = (words.MediaType.IMAGE, words.MediaType.VIDEO, words.MediaType.DOCUMENT)


def message(draft: words.Draft, files: Files) -> dict[str, Any]:
    """The content of a session message; a file of our own is fetched by Gupshup from its link."""
    if draft.kind is words.Kind.BUTTONS:
        return _quick_reply(draft)
    if draft.kind is words.Kind.LIST:
        return _list(draft)
    if draft.kind is words.Kind.MEDIA and draft.media is not None:
        return _file(draft, draft.media, draft.media.url or files.link(draft.media.media_id))
    if draft.kind is words.Kind.LOCATION and draft.location is not None:
        return _location(draft.location)
    return {"type": "text", "text": draft.text}


def template(draft: words.Draft) -> dict[str, Any]:
    """A template by its id, with the values of its variables in their order."""
    used = draft.template or words.TemplateUse("")
    return {"id": used.provider_id or used.name, "params": list(plain.values(used))}


def body_of(draft: words.Draft) -> str:
    """The text of a list with its footer, for which Gupshup's lists have no place of their own."""
    return f"{draft.text}\n\n{draft.footer}" if draft.footer.strip() else draft.text


def _quick_reply(draft: words.Draft) -> dict[str, Any]:
    header = {"header": draft.header} if draft.header.strip() else {}
    footer = {"caption": draft.footer} if draft.footer.strip() else {}
    options = [{"type": "text", "title": each.title, "postbackText": each.id} for each in draft.buttons]
    content = {"type": "text", **header, "text": draft.text, **footer}
    return {"type": "quick_reply", "msgid": "buttons", "content": content, "options": options}


def _list(draft: words.Draft) -> dict[str, Any]:
    """The page calls a title, and a row's description, required; a list without a header is titled like its button."""
    return {
        "type": "list",
        "title": draft.header if draft.header.strip() else draft.button,
        "body": body_of(draft),
        "msgid": "list",
        "globalButtons": [{"type": "text", "title": draft.button}],
        "items": [_section(section) for section in _sections(draft.sections)],
    }


def _sections(sections: Sequence[words.Section]) -> list[words.Section]:
    """Several sections need a title each (WhatsApp), so without them they are one."""
    filled = [section for section in sections if section.rows]
    if len(filled) > 1 and not all(section.title.strip() for section in filled):
        return [words.Section(tuple(row for section in filled for row in section.rows))]
    return filled


def _section(section: words.Section) -> dict[str, Any]:
    titled = {"title": section.title, "subtitle": section.title} if section.title.strip() else {}
    rows = [
        {"type": "text", "title": row.title, "description": row.description, "postbackText": row.id}
        for row in section.rows
    ]
    return {**titled, "options": rows}


def _file(draft: words.Draft, media: words.Media, url: str) -> dict[str, Any]:
    caption = {"caption": draft.text} if draft.text.strip() and media.type in _CAPTIONED else {}
    if media.type == words.MediaType.IMAGE:
        return {"type": "image", "originalUrl": url, "previewUrl": url, **caption}
    named = media.type == words.MediaType.DOCUMENT and media.filename
    return {
        "type": _FILES.get(media.type, str(media.type)),
        "url": url,
        **caption,
        **({"filename": media.filename} if named else {}),
    }


def _location(place: words.Location) -> dict[str, Any]:
    named = {name: said for name, said in (("name", place.name), ("address", place.address)) if said.strip()}
    return {"type": "location", "longitude": place.longitude, "latitude": place.latitude, **named}
