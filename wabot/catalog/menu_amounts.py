"""Prices as people write them, in major units: Arabic or Latin digits, a point or a comma, with or without the
currency."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MOST_MINOR = 10**11
_SEPARATORS = str.maketrans({"٫": ".", "٬": ",", "’": "", "'": "", "\u00a0": "", "\u202f": "", " ": ""})
_PLAIN = re.compile(r"\d{1,12}(\.\d{1,12})?")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_CONTINENTAL = re.compile(r"\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}")
_DECIMAL_COMMA = re.compile(r"\d+,\d+")
_SIGNS = ("ر.س.", "ر.س", "SR")
"""How the riyal is written beside its code and its sign."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency by its ISO code, and how many digits its minor unit has."""

    code: str
    digits: int


_TOO_MUCH = "is more than any price: look for a digit too many"


class NoAmount(Exception):
    """What stands where a price belongs; the message says what to do."""


def minor(said: Any, currency: Currency) -> int:
    """The price in minor units. Raises NoAmount for what is none, is below nothing, or is finer than the currency."""
    amount = _decimal(said, currency)
    if amount < 0:
        raise NoAmount("is below nothing: write 0 or more")
    if amount > MOST_MINOR:
        raise NoAmount(_TOO_MUCH)
    scaled = amount.scaleb(currency.digits)
    if scaled != scaled.to_integral_value():
        raise NoAmount(f"is finer than {currency.code} can be: it has {currency.digits} digits behind the point")
    if scaled > MOST_MINOR:
        raise NoAmount(_TOO_MUCH)
    return int(scaled)


def major(amount_minor: int, currency: Currency) -> Decimal:
    """The price in major units, with all its digits: 1450 halalas are 14.50."""
    return Decimal(amount_minor).scaleb(-currency.digits)


def _decimal(said: Any, currency: Currency) -> Decimal:
    if isinstance(said, bool) or not isinstance(said, int | Decimal | str):
        raise NoAmount("is not a price: write it like 14.50")
    if isinstance(said, str):
        return Decimal(_number(said, currency))
    if isinstance(said, Decimal) and not said.is_finite():
        raise NoAmount("is not a price: write it like 14.50")
    return Decimal(said)


def _number(said: str, currency: Currency) -> str:
    text = "".join(map(_latin, said))
    for sign in (currency.code, *_SIGNS):
        text = text.removesuffix(sign).removeprefix(sign).strip()
    sign, text = ("-", text[1:]) if text[:1] in ("-", "−") else ("", text)
    text = text.translate(_SEPARATORS)
    if _CONTINENTAL.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif _THOUSANDS.fullmatch(text) and not (currency.digits > 2 and text.count(",") == 1 and "." not in text):
        text = text.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _PLAIN.fullmatch(text):
        raise NoAmount(f"{said[:40]!r} is not a price: write it like 14.50")
    return sign + text


def _latin(letter: str) -> str:
    """Any script's digit as ours; signs of a currency and of the writing direction go."""
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    return "" if unicodedata.category(letter) in ("Sc", "Cf") else letter
