"""Rate cards: what providers charge, as dated data that an operator loads. A card adds and overrides; none is ever
changed or withdrawn, so that what a day cost can be understood later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import peewee

from wabot import clock
from wabot.store import db
from wabot.store.fields import Json, Moment, Text

ANY = "*"
"""Stands for every country that has no rate of its own."""


class RateCard(db.Row):
    """A file of rates. Until `loaded_at` it is not whole, and its rates count for nothing."""

    file_name = Text()
    currencies = Json(default=list)
    size = peewee.IntegerField(default=0)
    begun_at = Moment()
    loaded_at = Moment(null=True)


@dataclass(frozen=True, slots=True)
class Rate:
    """What one delivered message of a category to a country costs from a day on; the first `free` of each number and
    month cost nothing."""

    category: str
    country: str
    from_day: str
    currency: str
    price_micros: int
    free: int = 0


@dataclass(frozen=True, slots=True)
class Carded:
    """A rate with the card that it stands on."""

    rate: Rate
    card_id: int
    file_name: str
    loaded_at: datetime


_COLUMNS = "r.category, r.country, r.from_day, r.currency, r.price_micros, r.free"
_WHOLE = "rate r JOIN rate_card c ON c.id = r.card_id AND c.loaded_at IS NOT NULL"


def begin_card(file_name: str, now: datetime) -> int:
    """Inside a write: a card that is not whole yet; returns its id."""
    return int(RateCard.add(file_name=file_name, begun_at=now).id)


def add(card_id: int, rates: Iterable[Rate]) -> None:
    """Inside a write: put rates on a card that is not whole yet."""
    sql = (
        "INSERT INTO rate (card_id, category, country, from_day, currency, price_micros, free) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    for rate in rates:
        db.run(sql, card_id, rate.category, rate.country, rate.from_day, rate.currency, rate.price_micros, rate.free)


def complete(card_id: int, currencies: list[str], size: int, now: datetime) -> bool:
    """Inside a write: from now on the card counts, in whole; False when it is gone."""
    return bool(RateCard.change(card_id, currencies=currencies, size=size, loaded_at=now))


def forget_unfinished(before: datetime, most: int) -> int:
    """Inside a write: drop some rates of cards that were begun before then and never became whole; returns how many
    rows went."""
    unfinished = "SELECT id FROM rate_card WHERE loaded_at IS NULL AND begun_at < ?"
    gone = db.run(
        f"DELETE FROM rate WHERE id IN (SELECT id FROM rate WHERE card_id IN ({unfinished}) LIMIT ?)",  # noqa: S608
        before,
        most,
    )
    return gone or db.run(f"DELETE FROM rate_card WHERE id IN ({unfinished})", before)  # noqa: S608


def versions(category: str, country: str) -> list[Rate]:
    """The rates of this category and country, the one that wins first: by their day, newest first, then the latest
    loaded."""
    where = "WHERE r.category = ? AND r.country = ? ORDER BY r.from_day DESC, c.loaded_at DESC, r.card_id DESC"
    sql = f"SELECT {_COLUMNS} FROM {_WHOLE} {where}"  # noqa: S608
    return [Rate(*row) for row in db.rows(sql, category, country)]


def currencies() -> frozenset[str]:
    """The currencies of all cards; none before one is loaded."""
    found = RateCard.load("WHERE loaded_at IS NOT NULL")
    return frozenset(currency for card in found for currency in card.currencies)


def all_rates() -> list[Carded]:
    """Every rate of every card by category and country, of each the one that wins first."""
    sql = (
        f"SELECT {_COLUMNS}, r.card_id, c.file_name, c.loaded_at FROM {_WHOLE} "  # noqa: S608
        "ORDER BY r.category, r.country, r.from_day DESC, c.loaded_at DESC, r.card_id DESC"
    )
    return [Carded(Rate(*row[:6]), row[6], row[7], clock.from_ms(row[8])) for row in db.rows(sql)]
