"""Files and places in the sandbox: what customers and businesses send each other is kept by the sandbox and named
by a key that only its own channel may use."""

import mimetypes
import re
from collections.abc import Mapping
from typing import Any

from wabot import errors, words
from wabot.providers.base import MAX_MEDIA_BYTES
from wabot.store import db, sandbox
from wabot.store.sandbox import File

MAX_BYTES = MAX_MEDIA_BYTES
MOST_KEPT_BYTES = 16 * MAX_BYTES
"""Of the files of one channel; the oldest go first, as they do at every provider after a while."""
LONGEST_FILENAME = 120
LONGEST_URL = 2048
UNTYPED = "application/octet-stream"
SHOWN: Mapping[str, frozenset[str]] = {
    words.MediaType.IMAGE: frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
    words.MediaType.STICKER: frozenset({"image/webp"}),
    words.MediaType.VIDEO: frozenset({"video/mp4", "video/3gpp", "video/webm"}),
    words.MediaType.AUDIO: frozenset(
        {"audio/aac", "audio/amr", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/opus", "audio/wav", "audio/webm"}
    ),
}
"""What a phone shows as such; every other file is a document."""
FURTHEST: Mapping[str, float] = {"latitude": 90.0, "longitude": 180.0}
ALSO_CALLED: Mapping[str, str] = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/x-m4a": "audio/mp4",
}
_MIME_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


def keep(channel_id: int, body: bytes, mime_type: str, filename: str) -> File:
    """Keep a file for a channel. Raises Refused (`media_empty`, `media_too_large`)."""
    if not body:
        raise errors.Refused("media_empty", "The file is empty.")
    if len(body) > MAX_BYTES:
        raise errors.Refused("media_too_large", f"At most {MAX_BYTES >> 20} MB.")
    name, key = _plain_name(filename), words.unguessable()
    file = File(key, channel_id, _mime_type(mime_type, name), name, len(body))

    def store() -> None:
        sandbox.keep_file(channel_id, key, file.mime_type, name, body)
        sandbox.forget_files(channel_id, MOST_KEPT_BYTES)

    db.write(store)
    return file


def _mime_type(told: str, filename: str) -> str:
    told = told.partition(";")[0].strip().lower()
    if not _MIME_TYPE.fullmatch(told) or told == UNTYPED:
        told = mimetypes.guess_type(filename)[0] or UNTYPED
    return ALSO_CALLED.get(told, told)


def _plain_name(filename: str) -> str:
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in name if sign.isprintable()).strip(" .")[-LONGEST_FILENAME:]


def find(key: str, channel_id: int | None = None) -> File:
    """The file with this key, of this channel where one is given. Raises NotFound."""
    found = sandbox.find_file(key)
    if found is None or channel_id not in (None, found.channel_id):
        raise errors.NotFound("there is no such file")
    return found


def read(file: File) -> bytes:
    """All of a file. Raises NotFound when it went meanwhile."""
    data = sandbox.file_data(file.key)
    if not data:
        raise errors.NotFound("there is no such file")
    return data


def as_message(channel_id: int, key: str, kind: str, caption: str) -> dict[str, Any]:
    """A customer's message with one of the channel's files. Raises Refused (`media`)."""
    file = sandbox.find_file(key)
    if file is None or file.channel_id != channel_id:
        raise errors.Refused("media", "There is no such file.")
    if kind not in set(words.MediaType) or file.mime_type not in SHOWN.get(kind, {file.mime_type}):
        raise errors.Refused("media", f"A file of type {file.mime_type} is not sent as {kind[:20]!r}.")
    named = {"id": key, "mimeType": file.mime_type, "filename": file.filename}
    return {"kind": kind, "text": caption, "media": named}


def place(given: object) -> dict[str, Any]:
    """The coordinates of a place, in degrees. Raises Refused (`location`)."""
    place = given if isinstance(given, Mapping) else {}
    return {name: _degrees(place.get(name), name) for name in FURTHEST}


def _degrees(value: object, name: str) -> float:
    furthest = FURTHEST[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= furthest:
        raise errors.Refused("location", f"The {name} is a number from -{furthest:g} to {furthest:g}.")
    return float(value)


def check(channel_id: int, message: Mapping[str, Any]) -> None:
    """Whether the sandbox can carry what we send. Raises Refused (`media`, `location`)."""
    if message.get("kind") == words.Kind.LOCATION:
        place(message.get("location"))
    if message.get("kind") == words.Kind.MEDIA:
        _check_media(channel_id, message.get("media"))


def _check_media(channel_id: int, media: object) -> None:
    if not isinstance(media, Mapping) or media.get("type") not in list(words.MediaType):
        raise errors.Refused("media", "media needs a type")
    key, url = media.get("id"), media.get("url")
    if isinstance(key, str):
        file = sandbox.find_file(key)
        if file is None or file.channel_id != channel_id:
            raise errors.Refused("media", "there is no such file")
    elif not isinstance(url, str) or not url.startswith(("https://", "http://")) or len(url) > LONGEST_URL:
        raise errors.Refused("media", "media needs the id of a file or its public url")
