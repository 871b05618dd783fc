"""What choosing an item comes to: which questions it has, what was answered, and the line that it makes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from wabot.bot import fitting, shelves
from wabot.bot.cart import MOST_EACH, MOST_MINOR, Pick
from wabot.words import AddOn, Choice, Line, MenuItem, Names, Option, Picked

Taken = TypeVar("Taken", Choice, AddOn)

_NAME = 200
_MOST_NAMES = 4


def is_sold(item: MenuItem) -> bool:
    """Whether its prices are such that anybody may order it."""
    choices = [choice.price_minor for option in item.options for choice in option.choices]
    extras = [*choices, *(one.price_minor for one in item.add_ons)]
    return 0 <= item.price_minor <= MOST_MINOR and all(abs(extra) <= MOST_MINOR for extra in extras)


def asked(item: MenuItem) -> Iterator[int]:
    """The options about which there is something to ask."""
    return (n for n, option in enumerate(item.options) if len(option.choices) > 1)


def next_option(item: MenuItem, pick: Pick) -> int | None:
    """The first option that is not chosen yet."""
    return next((n for n in asked(item) if _chosen(item.options[n], pick, n) is None), None)


def with_choice(item: MenuItem, pick: Pick, position: int, key: str) -> Pick | None:
    """The pick with another choice for an option; None where there is no such choice."""
    if not 0 <= position < len(item.options) or key not in shelves.keyed(item.options[position].choices):
        return None
    chosen = [*pick.choices, *([""] * len(item.options))][: len(item.options)]
    chosen[position] = key
    return replace(pick, choices=tuple(chosen))


def has_begun(pick: Pick) -> bool:
    """Whether any question about the item was answered."""
    return any(pick.choices) or bool(pick.add_ons) or pick.has_add_ons


def undone(item: MenuItem, pick: Pick) -> Pick | None:
    """The pick without the last answer; None where there was none."""
    if pick.has_add_ons and asks_add_ons(item):
        return replace(pick, has_add_ons=False, quantity=0)
    answered = [n for n in asked(item) if n < len(pick.choices) and pick.choices[n]]
    if not answered:
        return replace(pick, add_ons=()) if pick.add_ons else None
    kept = tuple("" if n >= answered[-1] else key for n, key in enumerate(pick.choices))
    return replace(pick, choices=kept, add_ons=(), quantity=0)


def add_ons(item: MenuItem) -> dict[str, AddOn]:
    """The add-ons that can be had, by their key."""
    return {key: one for key, one in shelves.keyed(item.add_ons).items() if most(one) > 0}


def asks_add_ons(item: MenuItem) -> bool:
    return any(least(one) < most(one) for one in add_ons(item).values())


def counts(item: MenuItem, pick: Pick) -> dict[str, int]:
    """How many of each add-on are taken, never fewer or more than may be."""
    taken: Mapping[str, int] = dict(pick.add_ons)
    return {key: max(least(one), min(most(one), taken.get(key, 0))) for key, one in add_ons(item).items()}


def with_one_more(item: MenuItem, pick: Pick, key: str) -> Pick | None:
    """The pick with one more of an add-on, or the fewest again after the most; None where there is no such add-on.

    Where nothing more could be added there is nothing more to ask.
    """
    offered, taken = add_ons(item), counts(item, pick)
    if key not in offered:
        return None
    taken[key] = taken[key] + 1 if taken[key] < most(offered[key]) else least(offered[key])
    is_full = all(taken[other] >= most(one) for other, one in offered.items())
    return replace(pick, add_ons=tuple(taken.items()), has_add_ons=is_full)


def least(one: AddOn) -> int:
    return max(0, min(one.least, MOST_EACH))


def most(one: AddOn) -> int:
    return max(least(one), min(one.most, MOST_EACH))


def line(item: MenuItem, pick: Pick) -> Line:
    """The item as it was picked, at today's prices."""
    chosen = (_chosen(option, pick, n) for n, option in enumerate(item.options))
    taken = zip(add_ons(item).values(), counts(item, pick).values(), strict=True)
    return Line(
        item_id=item.id,
        name=_kept(item.name),
        price_minor=item.price_minor,
        quantity=max(1, pick.quantity),
        choices=tuple(_picked(one, 1) for one in chosen if one),
        add_ons=tuple(_picked(one, count) for one, count in taken if count),
    )


def renewed(item: MenuItem, kept: Line) -> Line | None:
    """The same order for the item at today's prices; None where it cannot be had so any more."""
    options = [option for option in item.options if option.choices]
    if not is_sold(item) or len(options) != len(kept.choices):
        return None
    choices = [_same(option.choices, picked) for option, picked in zip(options, kept.choices, strict=True)]
    extras = [_same(item.add_ons, picked) for picked in kept.add_ons]
    if None in choices or None in extras:
        return None
    line = replace(
        kept,
        name=_kept(item.name),
        price_minor=item.price_minor,
        choices=tuple(_picked(one, 1) for one in choices if one),
        add_ons=tuple(
            _picked(one, min(p.quantity, most(one)))
            for one, p in zip(extras, kept.add_ons, strict=True)
            if one and most(one)
        ),
    )
    return line if line.total_minor >= 0 else None


def _chosen(option: Option, pick: Pick, position: int) -> Choice | None:
    """What was chosen; where there is a single choice nobody is asked."""
    keys = shelves.keyed(option.choices)
    if len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(pick.choices[position]) if position < len(pick.choices) else None


def _same(offered: Sequence[Taken], picked: Picked) -> Taken | None:
    """What is offered under the id that was picked, at best for the same price: ids may be repeated."""
    alike = [one for one in offered if one.id == picked.id]
    return next((one for one in alike if one.price_minor == picked.price_minor), alike[0] if alike else None)


def _picked(one: Choice | AddOn, quantity: int) -> Picked:
    return Picked(one.id, _kept(one.name), one.price_minor, quantity)


def _kept(names: Names) -> Names:
    """A name as the cart keeps it: bounded, without what says nothing."""
    told: Iterable[tuple[str, str]] = (
        (language[:8], fitting.cut(fitting.line(name), _NAME)) for language, name in names.items()
    )
    return dict([(language, name) for language, name in told if name][:_MOST_NAMES])
