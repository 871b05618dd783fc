"""How values of code become values of the file and back: INTEGER, TEXT, REAL and BLOB only."""

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import peewee

from wabot import clock

_PACKED = b"\x00"
PACK_OVER_BYTES = 512


def clean(text: str) -> str:
    """Text that SQLite can hold: lone surrogates and NUL become U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Text(peewee.TextField):
    def db_value(self, value: Any) -> Any:
        return clean(value) if isinstance(value, str) else value


class Moment(peewee.IntegerField):
    """An aware datetime; UTC milliseconds in the file."""

    def db_value(self, value: Any) -> Any:
        return clock.to_ms(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> Any:
        return None if value is None else clock.from_ms(value)


class Flag(peewee.IntegerField):
    def db_value(self, value: Any) -> Any:
        return None if value is None else int(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else bool(value)


class Word(peewee.TextField):
    """A state, spelled as its enum spells it."""

    def __init__(self, words: type[StrEnum], **options: Any) -> None:
        super().__init__(**options)
        self._words = words

    def db_value(self, value: Any) -> Any:
        return None if value is None else str(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else self._words(value)


class Json(peewee.TextField):
    def db_value(self, value: Any) -> Any:
        return (
            None
            if value is None
            else clean(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain))
        )

    def python_value(self, value: Any) -> Any:
        return None if value is None else json.loads(value)


class Packed(peewee.BlobField):
    """Bytes, compressed when they are long."""

    def db_value(self, value: Any) -> Any:
        return None if value is None else pack(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else unpack(value)


def pack(body: bytes) -> bytes:
    """The body as the file keeps it: one leading byte says whether it is compressed."""
    if len(body) > PACK_OVER_BYTES and len(smaller := zlib.compress(body, 1)) < len(body):
        return b"\x01" + smaller
    return _PACKED + bytes(body)


def unpack(kept: bytes) -> bytes:
    """What `pack` was given."""
    kept = bytes(kept)
    return zlib.decompress(kept[1:]) if kept[:1] == b"\x01" else kept[1:]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
