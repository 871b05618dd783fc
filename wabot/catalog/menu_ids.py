"""Ids for what a file gives none: the one that it had in the menu before, else one that only its name decides, so that
the buttons which customers still see stay good when a menu is imported again."""

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from wabot.words import AddOn, Branch, Choice, Menu, MenuCategory, MenuItem, Names, Option

LONGEST = 40
_FEW = 20
_GAPS = re.compile(r"[^a-z0-9]+")
T = TypeVar("T", MenuCategory, MenuItem, Branch, Choice, AddOn)


def plain(name: str) -> str:
    """A name as it is compared: whatever its case and its spaces are."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def filled(menu: Menu, present: Menu) -> Menu:
    """The menu with an id for everything; `present` is the one that it replaces."""
    categories = _filled(menu.categories, present.categories)
    items = iter(_items(categories, {category.id: category for category in present.categories}, present))
    categories = [replace(category, items=tuple(next(items) for _ in category.items)) for category in categories]
    branches = _filled(menu.branches, present.branches)
    return replace(menu, categories=tuple(categories), branches=tuple(branches))


def _items(categories: list[MenuCategory], former: Mapping[str, MenuCategory], present: Menu) -> Iterator[MenuItem]:
    """All items: their ids are told apart over the whole menu, their names within a category."""
    taken = {item.id for category in categories for item in category.items}
    known = {item.id: item for category in present.categories for item in category.items}
    for category in categories:
        before = former[category.id].items if category.id in former else ()
        for item in _filled(category.items, before, taken, prefix=category.id):
            yield _inner(item, known.get(item.id))


def _inner(item: MenuItem, before: MenuItem | None) -> MenuItem:
    """The item with ids for its choices, over all its options, and for its add-ons."""
    taken = {choice.id for option in item.options for choice in option.choices}
    options = [_option(option, before.options if before else (), taken) for option in item.options]
    add_ons = _filled(item.add_ons, before.add_ons if before else ())
    return replace(item, options=tuple(options), add_ons=tuple(add_ons))


def _option(option: Option, before: Iterable[Option], taken: set[str]) -> Option:
    names = _known_names(option.name)
    former = next((one.choices for one in before if names & _known_names(one.name)), ())
    prefix = _from_name(option.name)
    return replace(option, choices=tuple(_filled(option.choices, former, taken, prefix=prefix)))


def _filled(things: Iterable[T], before: Iterable[T], taken: set[str] | None = None, prefix: str = "") -> list[T]:
    things = list(things)
    taken = {thing.id for thing in things} if taken is None else taken
    former = {name: one.id for one in reversed(list(before)) for name in _known_names(one.name)}
    return [thing if thing.id else replace(thing, id=_take(thing.name, former, taken, prefix)) for thing in things]


def _take(names: Names, former: Mapping[Any, str], taken: set[str], prefix: str) -> str:
    had = [former[name] for name in sorted(_known_names(names)) if name in former]
    found = next(id_ for id_ in _candidates(had, _from_name(names), prefix, len(taken)) if id_ not in taken)
    taken.add(found)
    return found


def _candidates(had: Iterable[str], derived: str, prefix: str, taken: int) -> Iterator[str]:
    """Ids from the best on, of which one is free though `taken` are not. After a few numbers it goes on with one that
    nobody can have: to try them all for each of a hundred thousand equal names would take hours."""
    yield from had
    yield derived
    base = f"{prefix[:LONGEST]}-{derived}"[: LONGEST + 20].strip("-") if prefix else derived
    yield base
    for number in itertools.chain(range(2, _FEW), itertools.count(taken + _FEW)):
        yield f"{base}-{number}"


def _known_names(names: Names) -> set[tuple[str, str]]:
    return {(language, plain(name)) for language, name in names.items() if plain(name)}


def _from_name(names: Names) -> str:
    """Latin letters and digits of the English name; a short digest where there are none."""
    letters = unicodedata.normalize("NFKD", names.get("en", "").casefold())
    slug = _GAPS.sub("-", letters.encode("ascii", "ignore").decode()).strip("-")[:LONGEST].strip("-")
    if slug:
        return slug
    whole = "|".join(f"{language}={plain(name)}" for language, name in sorted(names.items()))
    return "n" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:10]
