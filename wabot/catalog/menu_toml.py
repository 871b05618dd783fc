"""A menu as a TOML file, which holds everything: `[[branches]]`, `[[categories]]` with their items, and how orders are
taken and paid."""

import re
import tomllib
from decimal import Decimal
from typing import Any

import tomli_w

from wabot.catalog import menu_bytes, menu_document
from wabot.catalog.menu_amounts import Currency
from wabot.catalog.menu_notes import Broken
from wabot.words import Menu

DEEPEST = 16
_NO_KEYS = re.compile(
    r'"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+(?:"""|\Z)|"(?:[^"\\\n]++|\\.)*+"?'
    r"|'''(?:[^']++|'(?!''))*+(?:'''|\Z)|'[^'\n]*+'?|#[^\n]*+"
)
"""Strings, also those without an end, and comments."""
_TOO_DEEP = re.compile(rf"(?:\.[^.=,{{}}\[\]\n]*+){{{DEEPEST}}}")


def read(body: bytes) -> dict[str, Any]:
    """The document; numbers keep their digits. Raises Broken, with the line."""
    text = menu_bytes.text(body)
    if _TOO_DEEP.search(_NO_KEYS.sub("_", text)):
        raise Broken("the file", f"has a key of more than {DEEPEST} parts: no menu has")
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Broken("the file", f"is not TOML: {error}") from error


def write(menu: Menu, currency: Currency) -> bytes:
    """The file that `read` makes the same document of."""
    return tomli_w.dumps(menu_document.write(menu, currency), multiline_strings=True).encode()
