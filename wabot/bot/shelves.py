"""The menu laid out for taps: an address for every category and item, and the pages of a long list."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from wabot.bot import fitting
from wabot.words import AddOn, Branch, Choice, Menu, MenuCategory, MenuItem, OrderType

T = TypeVar("T")
Taken = TypeVar("Taken", Choice, AddOn)

_LONGEST_ID = fitting.ID - 50  # leaves room for what stands before and behind it


@dataclass(frozen=True, slots=True)
class Place:
    """An item, the address of its category, and how many stand before it there."""

    category: str
    index: int
    item: MenuItem


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a menu offers, by address. Categories without items are not offered, unless those are not known yet.

    An item's address begins with its category's, so that it can be looked for where only that is known.
    """

    categories: Mapping[str, MenuCategory]
    places: Mapping[str, Place]

    def within(self, category: str) -> list[tuple[str, MenuItem]]:
        """The category's items in their order, with their addresses."""
        return [(address, place.item) for address, place in self.places.items() if place.category == category]

    def category_of(self, address: str) -> str:
        """The category in which an item's address is, or would be; empty where there is none such."""
        if address in self.places:
            return self.places[address].category
        return max((c for c in self.categories if address.startswith(f"{c}/")), key=len, default="")


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


def arrange(menu: Menu, type_: OrderType | None = None) -> Shelves:
    """The menu's shelves, with what can be had in that kind of order, or in any that the tenant takes.

    Ids that are repeated or too long for a row still lead to their own thing.
    """
    types = frozenset((type_,) if type_ else menu.types)
    stocked = ((category, _available(category, types)) for category in menu.categories)
    kept = [(category.id, (category, items)) for category, items in stocked if items or not category.is_known]
    shelved = _addressed(kept)
    places = _addressed(
        (f"{address}/{item.id}", Place(address, index, item))
        for address, (_, items) in shelved.items()
        for index, item in enumerate(items)
    )
    return Shelves({address: category for address, (category, _) in shelved.items()}, places)


def branches(menu: Menu) -> dict[str, Branch]:
    """The menu's branches by an address that fits into a row's id."""
    return _addressed((branch.id, branch) for branch in menu.branches)


def keyed(things: Iterable[Taken]) -> dict[str, Taken]:
    """Choices or add-ons by a short key that lasts as long as their id does."""
    return _addressed((hashlib.sha256(_bytes(thing.id)).hexdigest()[:8], thing) for thing in things)


def page(count: int, number: int, *, beside: int = 0) -> Page:
    """Page `number` (from 0) of `count` things, or the last one: ten rows, or nine and one for more; fewer where
    others stand `beside` them."""
    full = fitting.ROWS - 1 - beside
    pages = max(1, -(-(count - 1) // full))
    number = min(number, pages - 1)
    end = count if number == pages - 1 else (number + 1) * full
    return Page(number, pages, number * full, end)


def page_of(index: int) -> int:
    """A page number that, clamped by `page`, shows the thing at `index`."""
    return index // (fitting.ROWS - 1)


def _available(category: MenuCategory, types: frozenset[OrderType]) -> list[MenuItem]:
    if not types:
        return list(category.items)
    return [item for item in category.items if not item.types or types.intersection(item.types)]


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
    return hashlib.sha256(_bytes(id_)).hexdigest()


def _bytes(id_: str) -> bytes:
    return id_.encode("utf-8", "surrogatepass")
