"""Reading what strangers sent without falling over it: forms as bytes, strict JSON, and text that
SQLite and JSON can carry. Knows no vendor."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from wabot import errors

MAX_FIELDS = 1000
"""More fields than any vendor's form has; sorting a million of them would be an attack."""
MAX_DEPTH = 32
LARGEST_NUMBER = 2**63 - 1
"""What SQLite and most readers of JSON take for a whole number."""

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,40})?")


def clean(text: str) -> str:
    """The text with U+FFFD for each NUL and lone surrogate, which break SQLite and JSON."""
    return _UNSTORABLE.sub("\ufffd", text)


def decoded(raw: bytes) -> str:
    """Bytes as storable text; what is not UTF-8 becomes U+FFFD."""
    return clean(raw.decode("utf-8", "replace"))


def form(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a form or a query, in their order, blank and repeated ones included, nothing
    trimmed. Raises Unreadable for more than MAX_FIELDS."""
    if raw.count(b"&") >= MAX_FIELDS:
        raise errors.Unreadable(f"more than {MAX_FIELDS} fields")
    return [_field(part) for part in raw.split(b"&") if part]


def _field(part: bytes) -> tuple[bytes, bytes]:
    name, _, value = part.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`, as RFC 8259 has it: no NaN, no number that is infinite. Raises Unreadable."""
    try:
        value = json.loads(raw, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise errors.Unreadable(f"not JSON: {type(error).__name__}") from error
    if not isinstance(value, dict):
        raise errors.Unreadable("not a JSON object")
    return value


def tidy(value: Any, depth: int = 0) -> Any:
    """A JSON value with all its text cleaned, and whole numbers that nobody can keep as text. Raises Unreadable
    where it is nested too deeply to keep."""
    if depth > MAX_DEPTH:
        raise errors.Unreadable(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return str(value)
    if isinstance(value, list | tuple):
        return [tidy(part, depth + 1) for part in value]
    if isinstance(value, dict):
        return {clean(name): tidy(part, depth + 1) for name, part in value.items()}
    return value


def number(value: Any) -> Any:
    """A number that is written as text; what is none stays as it came."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return float(value)
    return value


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
    return clean(str(found)).strip() if known else ""


def places(text: str) -> set[str]:
    """The variables of a template's text: what stands in `{{…}}`."""
    return set(_PLACE.findall(text))


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:20]} is too large")
    return number
