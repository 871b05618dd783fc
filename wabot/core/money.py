"""Money as it is read and shown. Inside it is integer micros with its currency, never a float."""

import re
from collections.abc import Mapping
from typing import Any

MICROS = 1_000_000
_AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{1,6})0*)?", re.ASCII)


def parse(text: str) -> int:
    """An amount such as 12.40 in micros: digits and at most one dot, below a billion, no finer than a micro.
    Raises ValueError."""
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * MICROS + int((found[2] or "").ljust(6, "0"))


def number(micros: int) -> int | float:
    """Micros as a JSON number of the currency's unit: whole where it is whole, else what reads as the exact decimal
    (up to fifteen digits, which is a billion with its micros)."""
    whole, rest = divmod(micros, MICROS)
    return micros / MICROS if rest else whole


def text(micros: int) -> str:
    """Micros as people write them: 500, 12.4."""
    whole, rest = divmod(abs(micros), MICROS)
    amount = f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)
    return f"-{amount}" if micros < 0 else amount


def shape(micros: int, currency: str) -> dict[str, Any]:
    """An amount with its currency, as CONTRACT §5 shows it."""
    return {"amount": number(micros), "currency": currency}


def shapes(micros: Mapping[str, int]) -> list[dict[str, Any]]:
    """Amounts by currency, which are never added up."""
    return [shape(amount, currency) for currency, amount in sorted(micros.items())]
