"""The menu laid out for taps: an address for every category and item, and the pages of a long list."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from wabot.bot import fitting
from wabot.words import Menu, MenuCategory, MenuItem

T = TypeVar("T")

_LONGEST_ID = fitting.ID - 50  # leaves room for what stands before and behind it


@dataclass(frozen=True, slots=True)
class Place:
    """An item, the address of its category, and how many stand before it there."""

    category: str
    index: int
    item: MenuItem


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a menu offers, by address. Categories without items are not offered."""

    categories: Mapping[str, MenuCategory]
    places: Mapping[str, Place]

    def within(self, category: str) -> list[tuple[str, MenuItem]]:
        """The category's items in their order, with their addresses."""
        return [(address, place.item) for address, place in self.places.items() if place.category == category]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of `count` things: those from `first` up to `end`."""

    number: int
    pages: int
    first: int
    end: int

    @property
    def has_more(self) -> bool:
        return self.number + 1 < self.pages


def arrange(menu: Menu) -> Shelves:
    """The menu's shelves. Ids that are repeated or too long for a row still lead to their own thing."""
    categories = _addressed((category.id, category) for category in menu.categories if category.items)
    places = _addressed(
        (item.id, Place(address, index, item))
        for address, category in categories.items()
        for index, item in enumerate(category.items)
    )
    return Shelves(categories, places)


def page(count: int, number: int) -> Page:
    """Page `number` (from 0) of `count` things, or the last one: ten rows, or nine and one for more."""
    full = fitting.ROWS - 1
    pages = max(1, -(-(count - 1) // full))
    number = min(number, pages - 1)
    end = count if number == pages - 1 else (number + 1) * full
    return Page(number, pages, number * full, end)


def page_of(index: int) -> int:
    """A page number that, clamped by `page`, shows the thing at `index`."""
    return index // (fitting.ROWS - 1)


def _addressed(things: Iterable[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    copies: dict[str, int] = {}
    for id_, thing in things:
        address = base = _short(id_)
        while address in found:
            copies[base] = copies.get(base, 1) + 1
            address = f"{base}#{copies[base]}"
        found[address] = thing
    return found


def _short(id_: str) -> str:
    if len(id_) <= _LONGEST_ID:
        return id_
    return hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()
