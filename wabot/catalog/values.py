"""Single values of the platform's answers: what can be made of them, and what is nonsense. Its JSON holds numbers as
text, and text as anything."""

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NoReturn

LONGEST_ID = 100
MOST_MINOR = 10**11
"""No dish costs a thousand million; what does is a mistake."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Nonsense(Exception):
    """A value, and with it its row, that cannot be used; the other rows can."""


def nonsense() -> NoReturn:
    """Raises Nonsense; for the end of an expression."""
    raise Nonsense


def minor(said: Any, digits: int) -> int | None:
    """A price in whole minor units, from a number or a numeric string in major units; None where there is none. Raises
    Nonsense for anything else, and for less than nothing."""
    if said is None or said == "":
        return None
    try:
        found = Decimal(_plain_number(said)).scaleb(digits).quantize(Decimal(1), ROUND_HALF_UP)
        return int(found) if 0 <= found <= MOST_MINOR else nonsense()
    except (ArithmeticError, ValueError):
        nonsense()


def _plain_number(said: Any) -> str:
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        nonsense()
    written = str(said).strip().replace("٫", ".").replace("٬", ",")
    if "_" in written or len(written) > 40:
        nonsense()
    return written.replace(",", "" if _THOUSANDS.fullmatch(written) else ".")


def identifier(said: Any) -> str:
    """An id as text, also one that is no UUID. `|` separates ids in our keys."""
    found = str(said) if isinstance(said, int) and not isinstance(said, bool) else text(said)
    return found if 0 < len(found) <= LONGEST_ID and found.isprintable() and "|" not in found else nonsense()


def identifier_or_nothing(said: Any) -> str:
    """The same where it may lack; empty for what can be none."""
    try:
        return identifier(said)
    except Nonsense:
        return ""


def text(said: Any) -> str:
    """A text that JSON and SQLite can carry; empty for anything else."""
    return _UNSTORABLE.sub("\ufffd", said).strip() if isinstance(said, str) else ""


def number(said: Any) -> float | None:
    """A finite number, also one that is written as text; None for anything else."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        found = float(said)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(said: Any, most: int) -> int:
    """A whole number between nought and `most`; nought for what is no number."""
    return int(min(float(most), max(0.0, number(said) or 0.0)))


def flag(said: Any) -> bool | None:
    """A truth value, also as a number or a word; None for anything else."""
    word = str(said).strip().casefold() if isinstance(said, bool | int | str) else ""
    return _FLAGS.get(word)
