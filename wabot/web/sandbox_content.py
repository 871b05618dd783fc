"""What a message on the sandbox's phone consists of, as JSON of one shape, whoever it comes from: files and places
are worded differently by customers, by our adapter and by our own ledger."""

from collections.abc import Iterable, Mapping
from typing import Any

from wabot import words
from wabot.store import sandbox
from wabot.store.messages import Message
from wabot.store.sandbox import Carried, File

_TYPES = frozenset(words.MediaType)


def files(channel_id: int, carried: Iterable[Carried]) -> Mapping[str, File]:
    """The files that these messages name, as far as they are still kept."""
    named = (_media(row.body).get("id") for row in carried)
    return sandbox.files(channel_id, {key for key in named if isinstance(key, str)})


def of_carried(body: Mapping[str, Any], kept: Mapping[str, File]) -> dict[str, Any]:
    """A message that the sandbox carried; a file that it no longer keeps has neither `key` nor `url`."""
    media, content = _media(body), dict(body)
    if media:
        content["media"] = _described(media, str(body.get("kind")), kept.get(str(media.get("id"))))
    if body.get("kind") == words.Kind.LOCATION and "location" not in body:
        content["location"] = {name: body.get(name) for name in ("latitude", "longitude", "name", "address")}
    return content


def of_ours(message: Message) -> dict[str, Any]:
    """A message that the sandbox never took; its file is ours alone, and not shown here."""
    content = {"kind": message.kind, "text": message.body, **message.payload}
    if media := _media(content):
        shown = {name: media.get(name) for name in ("type", "url", "filename", "size")}
        content["media"] = {**shown, "mimeType": media.get("mime_type", ""), "waiting": bool(media.get("media_id"))}
    return content


def kind(message: Message) -> str:
    """The kind of one of our messages as people tell them apart: of a file its type."""
    told = _media(message.payload).get("type")
    return str(told) if message.kind == words.Kind.MEDIA and told in _TYPES else str(message.kind)


def summary(message: Message) -> str:
    """One line of a message: its text, else the name of its file or its place."""
    media, place = _media(message.payload), message.payload.get("location")
    place = place if isinstance(place, dict) else {}
    where = ", ".join(str(place[name]) for name in ("latitude", "longitude") if name in place)
    found = (message.body, media.get("filename"), place.get("name"), place.get("address"), where)
    return next((str(text) for text in found if text), "")


def _media(body: Mapping[str, Any]) -> dict[str, Any]:
    media = body.get("media")
    return media if isinstance(media, dict) else {}


def _described(media: Mapping[str, Any], kind: str, file: File | None) -> dict[str, Any]:
    shown = {"type": media.get("type") or kind, "filename": media.get("filename", "")}
    if file is None:
        return {**shown, "url": media.get("url", ""), "mimeType": media.get("mimeType", "")}
    filename = shown["filename"] or file.filename
    return {**shown, "filename": filename, "key": file.key, "mimeType": file.mime_type, "size": file.size}
