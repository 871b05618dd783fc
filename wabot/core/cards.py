"""Rate cards as files: CSV, read in whole before anything of it counts, and shown again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from wabot import clock, errors
from wabot.core import days, money
from wabot.store import countries, db, rates, usage
from wabot.store.rates import Carded, Rate

COLUMNS = ("category", "country", "from", "currency", "price", "free_per_number_month")
"""The columns of a card, in this order; its first line names them."""
LARGEST_BYTES = 50 << 20
AT_ONCE = 1000
"""Rates in one write: nobody waits long for a large card."""
UNFINISHED_AFTER = timedelta(hours=1)
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9_]{0,59}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_FREE = re.compile(r"\d{1,9}", re.ASCII)


def load(path: Path, now: datetime) -> dict[str, Any]:
    """Take in a card of rates, all of it or nothing; what it says counts from this moment on, also for days that are
    over. Raises Refused with the line of the first row that cannot be."""
    return keep(_text(path), path.name, now)


def keep(text: str, name: str, now: datetime) -> dict[str, Any]:
    """The same of a card's text, under this name."""
    found = list(read(text))
    currencies = sorted({rate.currency for rate in found})
    while db.write(lambda: rates.forget_unfinished(now - UNFINISHED_AFTER, AT_ONCE)):
        continue
    card_id = db.write(lambda: rates.begin_card(name, now))
    for begin in range(0, len(found), AT_ONCE):
        db.write(lambda begin=begin: rates.add(card_id, found[begin : begin + AT_ONCE]))  # type: ignore[misc]
    if not db.write(lambda: rates.complete(card_id, currencies, len(found), clock.now())):
        raise errors.Conflict("the card took so long that it was dropped: load it again")
    return {"card": card_id, "file": name, "rates": len(found), "currencies": currencies}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise errors.Refused("file", f"{path.name} is larger than {LARGEST_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise errors.Refused("file", f"{path.name} is not UTF-8") from error
    except OSError as error:
        raise errors.Refused("file", f"{path}: {error.strerror}") from error


def read(text: str) -> Iterator[Rate]:
    """The rates of a card, in order. Empty lines and those that begin with # say nothing; a rate that stands there
    twice counts once. Raises Refused with the line of the first row that cannot be."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows = ((line, row) for line, row in _rows(lines) if any(cell.strip() for cell in row) and row[0][:1] != "#")
    line, header = next(rows, (1, []))
    if [cell.strip().lower() for cell in header] != list(COLUMNS):
        raise _bad(line, f"the first line is {','.join(COLUMNS)}")
    known: dict[tuple[str, str, str], tuple[int, Rate]] = {}
    for line, row in rows:
        rate = _rate(line, [cell.strip() for cell in row])
        before = known.setdefault((rate.category, rate.country, rate.from_day), (line, rate))
        if before[1] != rate:
            raise _bad(line, f"it says something else than line {before[0]} of the same category, country and day")
        if before[0] == line:
            yield rate
    if not known:
        raise _bad(line, "there is no rate after it")


def _rows(lines: Any) -> Iterator[tuple[int, list[str]]]:
    try:
        for row in lines:
            yield lines.line_num, row
    except csv.Error as error:
        raise _bad(max(1, lines.line_num), str(error)) from error


def _rate(line: int, cells: list[str]) -> Rate:
    if len(cells) != len(COLUMNS):
        raise _bad(line, f"it has {len(cells)} columns, not {len(COLUMNS)}")
    category, country, begins, currency, price, free = cells
    if not _CATEGORY.fullmatch(word := usage.normal(category)):
        raise _bad(line, f"{category!r} is no category such as utility")
    if not _CURRENCY.fullmatch(currency):
        raise _bad(line, f"{currency!r} is no currency code such as SAR")
    if free and not _FREE.fullmatch(free):
        raise _bad(line, f"{free!r} is no number of free messages, from 0 to 999999999")
    return Rate(word, _country(line, country), _day(line, begins), currency, _price(line, price), int(free or 0))


def _country(line: int, text: str) -> str:
    if text in ("", rates.ANY):
        return rates.ANY
    if text.upper() not in countries.KNOWN:
        raise _bad(line, f"{text!r} is no country code such as SA, nor {rates.ANY} for any")
    return text.upper()


def _day(line: int, text: str) -> str:
    try:
        return days.parse(text).isoformat()
    except ValueError as error:
        raise _bad(line, f"{text!r} is no day such as 2026-10-01") from error


def _price(line: int, text: str) -> int:
    try:
        return money.parse(text)
    except ValueError as error:
        raise _bad(line, f"{text!r} is no price such as 0.0123, with at most six decimals") from error


def _bad(line: int, why: str) -> errors.Refused:
    return errors.Refused("card", f"line {line}: {why}; nothing was loaded")


def shown(today: date, *, everything: bool) -> list[dict[str, Any]]:
    """The rates of all cards by category and country, newest first: those in effect on this day and those to come, or
    also what they replaced."""
    found = rates.all_rates()
    return [_shape(carded) for carded in (found if everything else _in_effect(found, today))]


def _in_effect(found: Iterable[Carded], today: date) -> Iterator[Carded]:
    seen: set[tuple[str, str, str]] = set()
    for carded in found:
        rate = carded.rate
        begun = rate.from_day <= today.isoformat()
        key = (rate.category, rate.country, "" if begun else rate.from_day)
        if key not in seen:
            seen.add(key)
            yield carded


def listed(text: str) -> list[dict[str, Any]]:
    """The rates of a card's text as they are shown, without loading them. Raises Refused."""
    return [_rate_shape(rate) for rate in read(text)]


def _shape(carded: Carded) -> dict[str, Any]:
    loaded = {"card": carded.card_id, "file": carded.file_name, "loadedAt": clock.iso(carded.loaded_at)}
    return _rate_shape(carded.rate) | loaded


def _rate_shape(rate: Rate) -> dict[str, Any]:
    return {
        "category": rate.category,
        "country": rate.country,
        "from": rate.from_day,
        "currency": rate.currency,
        "price": money.number(rate.price_micros),
        "freePerNumberMonth": rate.free,
    }
