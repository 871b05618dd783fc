"""WhatsApp's own limits on what may be sent, counted in code points. A provider that is stricter says
so in its adapter.

Sources: Meta's OpenAPI v23.0 and Twilio's list-picker and variables pages (facts §1.8, §2.7);
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media/ (2026-06-16)
and the types that an upload names when it refuses one (fbsamples/whatsapp-api-examples issue 10); all as of November
2026. No page limits a place's name and address: those two limits are ours.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from wabot import errors, words
from wabot.providers.base import RefusedByLimit
from wabot.words import MediaType

TEXT = 4096
BODY = 1024
HEADER = FOOTER = 60
BUTTONS = 3
BUTTON_TITLE = 20
ROWS = 10
ROW_TITLE = SECTION_TITLE = 24
ROW_DESCRIPTION = 72
ID = 200
VARIABLES = 100
VARIABLE_NAME = 16
VARIABLE = 1600
CAPTION = 1024
URL = 2048
FILENAME = 240
PLACE = 1000


@dataclass(frozen=True, slots=True)
class FileLimit:
    """What a provider takes of one type of file: its MIME types, its size, and how long a caption is shown with it."""

    mime_types: frozenset[str]
    most_bytes: int
    caption: int = 0


MB = 1 << 20
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCUMENTS = frozenset(
    {
        "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
        f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet",
        f"{_OFFICE}.presentationml.presentation",
    }
)  # fmt: skip
FILES: Mapping[str, FileLimit] = {
    MediaType.IMAGE: FileLimit(frozenset({"image/jpeg", "image/png"}), 5 * MB, CAPTION),
    MediaType.VIDEO: FileLimit(frozenset({"video/mp4", "video/3gpp", "video/3gp"}), 16 * MB, CAPTION),
    MediaType.AUDIO: FileLimit(
        frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus"}), 16 * MB
    ),
    MediaType.DOCUMENT: FileLimit(DOCUMENTS | {"text/plain"}, 100 * MB, CAPTION),
    MediaType.STICKER: FileLimit(frozenset({"image/webp"}), 500 << 10),
}
"""WhatsApp's. A sticker that does not move may have 100 kB only; which one does is not told by its type."""


def check(draft: words.Draft, *, text: int = TEXT, files: Mapping[str, FileLimit] = FILES) -> None:
    """Raises Refused if WhatsApp cannot show the draft; `text` is the limit of a plain message, `files` are those of
    files."""
    if draft.kind is words.Kind.TEMPLATE:
        _check_template(draft.template)
    elif draft.kind is words.Kind.TEXT:
        within("the text", draft.text, text)
    elif draft.kind is words.Kind.BUTTONS:
        _check_frame(draft)
        _check_buttons(draft.buttons)
    elif draft.kind is words.Kind.LIST:
        _check_frame(draft)
        _check_list(draft)
    elif draft.kind is words.Kind.MEDIA and draft.media is not None:
        _check_media(draft.media, draft.text, files)
    elif draft.kind is words.Kind.LOCATION and draft.location is not None:
        _check_location(draft.location)
    else:
        raise RefusedByLimit(f"a message of kind {draft.kind} cannot be sent")


def within(what: str, text: str, limit: int, *, may_be_empty: bool = False) -> None:
    """Raises RefusedByLimit if the text is longer than `limit`, or blank where it may not be."""
    if len(text) > limit:
        raise RefusedByLimit(f"{what} has {len(text)} characters, {limit} are allowed")
    if not may_be_empty and not text.strip():
        raise RefusedByLimit(f"{what} is empty")


def _check_frame(draft: words.Draft) -> None:
    within("the text", draft.text, BODY)
    within("the header", draft.header, HEADER, may_be_empty=True)
    within("the footer", draft.footer, FOOTER, may_be_empty=True)


def _check_buttons(buttons: Sequence[words.Button]) -> None:
    _count("buttons", buttons, BUTTONS)
    for button in buttons:
        within("a button's title", button.title, BUTTON_TITLE)
        within("a button's id", button.id, ID)
    _distinct("titles of buttons", [button.title for button in buttons])
    _distinct("ids of buttons", [button.id for button in buttons])


def _check_list(draft: words.Draft) -> None:
    within("the list's button", draft.button, BUTTON_TITLE)
    rows = [row for section in draft.sections for row in section.rows]
    _count("rows", rows, ROWS)
    for section in draft.sections:
        within("a section's title", section.title, SECTION_TITLE, may_be_empty=True)
    for row in rows:
        within("a row's title", row.title, ROW_TITLE)
        within("a row's id", row.id, ID)
        within("a row's description", row.description, ROW_DESCRIPTION, may_be_empty=True)
    _distinct("ids of rows", [row.id for row in rows])


def _check_template(template: words.TemplateUse | None) -> None:
    if template is None or not template.name.strip():
        raise errors.Refused("template_unknown", "a template needs a name")
    if len(template.variables) > VARIABLES:
        raise RefusedByLimit(f"{len(template.variables)} variables, {VARIABLES} are allowed")
    for name, value in template.variables.items():
        within("a variable's name", name, VARIABLE_NAME)
        within(f"variable {name}", value, VARIABLE, may_be_empty=True)
        if "\n" in value or "\r" in value:
            raise RefusedByLimit(f"variable {name} has a line break, which WhatsApp refuses")


def _check_media(media: words.Media, caption: str, files: Mapping[str, FileLimit]) -> None:
    """The type and size of a file at a public address are not known before the provider fetches it."""
    limit = files.get(media.type)
    if limit is None:
        raise errors.Refused("media_unsupported", f"a file of type {media.type[:40]!r} cannot be sent")
    if media.mime_type and media.mime_type not in limit.mime_types:
        can = ", ".join(sorted(limit.mime_types))
        raise errors.Refused("media_unsupported", f"{media.type}: {media.mime_type[:80]} cannot be sent, only {can}")
    if media.size > limit.most_bytes:
        most = limit.most_bytes >> 10
        raise RefusedByLimit(f"{media.type}: the file has {media.size >> 10} kB, {most} are allowed")
    if caption.strip() and not limit.caption:
        raise RefusedByLimit(f"{media.type}: no caption is shown with it here, send the text by itself")
    within("the caption", caption, limit.caption or CAPTION, may_be_empty=True)
    within("the file's name", media.filename, FILENAME, may_be_empty=True)
    if not media.filename.isprintable() or "/" in media.filename or "\\" in media.filename:
        raise RefusedByLimit("the file's name has a slash or a control character")
    if not media.media_id:
        _check_url(media.url)


def _check_url(url: str) -> None:
    within("the file's address", url, URL)
    if not is_web_address(url):
        raise RefusedByLimit("the file's address is not http(s)://host/… without a user and a password")


def is_web_address(url: str) -> bool:
    """Whether it is an http(s) address with a host, no credentials, and nothing that readers of addresses differ on."""
    try:
        parts = urlsplit(url)
        told = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url and "\\" not in url
    return told and plain and parts.scheme in ("http", "https") and "@" not in parts.netloc


def _check_location(place: words.Location) -> None:
    for what, degrees, most in (("latitude", place.latitude, 90), ("longitude", place.longitude, 180)):
        if not math.isfinite(degrees) or abs(degrees) > most:
            raise RefusedByLimit(f"the {what} is not between -{most} and {most}")
    within("the place's name", place.name, PLACE, may_be_empty=True)
    within("the place's address", place.address, PLACE, may_be_empty=True)


def _count(what: str, things: Sequence[object], limit: int) -> None:
    if not 1 <= len(things) <= limit:
        raise RefusedByLimit(f"{len(things)} {what}, 1 to {limit} are allowed")


def _distinct(what: str, texts: Sequence[str]) -> None:
    if len(set(texts)) < len(texts):
        raise RefusedByLimit(f"{what} must differ from each other")
