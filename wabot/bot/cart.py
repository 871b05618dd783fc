"""The cart and its arithmetic: what is in it, where it is to go, and the item that is being chosen."""

from dataclasses import dataclass, replace
from typing import Self

from wabot.words import Line, OrderType

MOST_LINES = 50
MOST_EACH = 99
MOST_MINOR = 10**12
"""A price beyond this is a mistake: nobody is sold anything for it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the cart, and the address at which the menu has its item."""

    address: str
    line: Line


@dataclass(frozen=True, slots=True)
class Cart:
    """What a customer is about to order.

    `version` grows with every change and never falls, so that a button which carries it is good for this very cart
    alone. Degrees and address are where a delivery goes; `phone` is where a customer without a number can be called.
    """

    version: int = 0
    type: OrderType | None = None
    branch_id: str = ""
    latitude: float | None = None
    longitude: float | None = None
    address: str = ""
    entries: tuple[Entry, ...] = ()
    notes: str = ""
    phone: str = ""

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(entry.line for entry in self.entries)

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def is_empty(self) -> bool:
        return not self.entries

    def changed(self, **parts: object) -> Self:
        """The cart with these parts, as a new version."""
        return replace(self, version=self.version + 1, **parts)  # type: ignore[arg-type]

    def emptied(self) -> Self:
        """A cart that begins anew, as a new version; who orders stays the same."""
        return type(self)(version=self.version + 1, phone=self.phone)

    def has_room_for(self, entry: Entry) -> bool:
        """Whether all of the entry can be added: as a new line, or to the line that is like it."""
        like = self._like(entry)
        if like is None:
            return len(self.entries) < MOST_LINES
        return self.entries[like].line.quantity + entry.line.quantity <= MOST_EACH

    def added(self, entry: Entry) -> Self:
        """The cart with the entry; one that is there already with the same choices becomes more."""
        like = self._like(entry)
        if like is None:
            return self.changed(entries=(*self.entries, entry))
        return self.with_quantity(like, self.entries[like].line.quantity + entry.line.quantity)

    def with_quantity(self, position: int, quantity: int) -> Self:
        """The cart with so many of the line at `position`; none of it: without that line."""
        if quantity <= 0:
            return self.changed(entries=self.entries[:position] + self.entries[position + 1 :])
        entry = self.entries[position]
        line = replace(entry.line, quantity=min(quantity, MOST_EACH))
        entries = (*self.entries[:position], Entry(entry.address, line), *self.entries[position + 1 :])
        return self.changed(entries=entries)

    def has(self, address: str) -> bool:
        return any(entry.address == address for entry in self.entries)

    def _like(self, entry: Entry) -> int | None:
        key = _taken(entry)
        return next((n for n, other in enumerate(self.entries) if _taken(other) == key), None)


@dataclass(frozen=True, slots=True)
class Pick:
    """An item that is being chosen: the key of the choice for each option so far (empty: not yet), how many of each
    add-on by its key, and how many of the whole (0: not said yet)."""

    address: str
    choices: tuple[str, ...] = ()
    add_ons: tuple[tuple[str, int], ...] = ()
    has_add_ons: bool = False
    quantity: int = 0


def _taken(entry: Entry) -> tuple[object, ...]:
    """What makes two entries the same thing: the item, what was taken with it, and its price."""
    line = entry.line
    picked = [(picked.id, picked.price_minor, picked.quantity) for picked in (*line.choices, *line.add_ons)]
    return (entry.address, line.price_minor, len(line.choices), picked, line.notes)
