"""Makes strangers' text fit into WhatsApp's limits. Lengths are code points.

Limits: Meta's OpenAPI and Twilio's pages, `facts/providers.md` §2.7 and §1.1; the smaller one counts.
"""

import unicodedata
from collections.abc import Iterable

BODY = 1024
TEXT = 1600
ROWS = 10
ROW_TITLE = 24
BUTTON_TITLE = 20
ROW_DESCRIPTION = 72
ID = 200

APART = "\u2068"
FROM_THE_LEFT = "\u2066"
TOGETHER = "\u2069"
"""Unicode's isolates: what stands between two of them does not touch the order of what stands around it."""

_LONGEST = 4096
_MARKS = ("Mn", "Me", "Mc")
_JOINER = "\u200d"
_SPACES = ("Cc", "Zl", "Zp", "Zs")
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def cut(text: str, limit: int) -> str:
    """At most `limit` code points; what is cut ends in an ellipsis and leaves no half a letter."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and _continues(text, end):
        end -= 1
    return text[: end or limit - 1].rstrip() + "…"


def line(text: str) -> str:
    """One line without control characters or anything that turns the direction of what follows it.

    Empty where nothing would be seen.
    """
    kept = "".join(_printable(character) for character in text[:_LONGEST])
    return " ".join(kept.split()) if any(map(_is_seen, kept)) else ""


def paragraphs(text: str) -> str:
    """Like `line`, but line breaks stay."""
    return "\n".join(filter(None, map(line, text[:_LONGEST].splitlines())))


def distinct(names: Iterable[str], limit: int) -> list[str]:
    """The names cut to `limit`; one that came before gets a number behind it."""
    titles: list[str] = []
    for name in names:
        title, number = cut(name, limit), 1
        while title in titles:
            number += 1
            title = cut(name, limit - len(f" ({number})")) + f" ({number})"
        titles.append(title)
    return titles


def _continues(text: str, position: int) -> bool:
    here, before = text[position], text[position - 1]
    return here == _JOINER or before == _JOINER or unicodedata.category(here) in _MARKS


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "" if category == "Cs" or character in _TURNS else character


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS"
