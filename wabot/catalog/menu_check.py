"""What a menu must be so that it can be shown and ordered from. Refused is only what cannot work; what will look
otherwise than it was meant is said."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from wabot.catalog import menu_ids
from wabot.catalog.menu_notes import Notes, Path
from wabot.words import AddOn, Branch, Menu, MenuCategory, MenuItem, Names, Option, PaymentMethod

ROW_TITLE = 24
"""What WhatsApp shows of a list row's title (`facts/providers.md` §1.1, §2.7); what is longer is cut, and stands whole
below it."""
LONGEST_NAME = 300
LONGEST_DESCRIPTION = 2000
SHOWN_OF_DESCRIPTION = 700
LONGEST_ID = 64
MOST_TIMES = 99
MOST = {"categories": 200, "items": 2000, "options": 10, "choices": 50, "add_ons": 50, "branches": 500}
_ID = re.compile(rf"[\w.-]{{1,{LONGEST_ID}}}")


class Named(Protocol):
    @property
    def name(self) -> Names: ...


def check(menu: Menu, notes: Notes) -> None:
    """Note everything that is wrong or surprising about a menu."""
    if not any(category.items for category in menu.categories):
        notes.error(("categories",), "there is not one item: a menu has at least one")
    _check_all(menu.categories, ("categories",), notes)
    _check_ids(_placed_items(menu), notes, "the menu")
    if sum(len(category.items) for category in menu.categories) > MOST["items"]:
        notes.error(("categories",), f"there are more than {MOST['items']} items")
    for path, category in _placed(menu.categories, ("categories",)):
        _check_category(category, path, notes)
    for path, item in _placed_items(menu):
        _check_item(item, menu, path, notes)
    _check_branches(menu.branches, notes)
    _check_orders(menu, notes)


def _check_category(category: MenuCategory, path: Path, notes: Notes) -> None:
    if not category.items:
        notes.warn(path, "has no items, so it is not shown")
    _check_names(category.items, (*path, "items"), notes)


def _check_item(item: MenuItem, menu: Menu, path: Path, notes: Notes) -> None:
    for language, text in item.description.items():
        where = (*path, f"description_{language}")
        if len(text) > LONGEST_DESCRIPTION:
            notes.error(where, f"has {len(text)} characters: at most {LONGEST_DESCRIPTION}")
        elif len(text) > SHOWN_OF_DESCRIPTION:
            notes.warn(where, f"has {len(text)} characters; about {SHOWN_OF_DESCRIPTION} are shown")
    if item.types and menu.types and not set(item.types) & set(menu.types):
        notes.warn((*path, "types"), "can be part of no order: the menu takes none of these kinds")
    _check_names(item.options, (*path, "options"), notes)
    choices = [(place, choice) for where, option in _placed(item.options, (*path, "options"))
               for place, choice in _placed(option.choices, (*where, "choices"))]  # fmt: skip
    _check_ids(choices, notes, "its item")
    for where, option in _placed(item.options, (*path, "options")):
        _check_option(option, where, notes)
    _check_all(item.add_ons, (*path, "add_ons"), notes)
    for where, add_on in _placed(item.add_ons, (*path, "add_ons")):
        _check_add_on(add_on, where, notes)


def _check_option(option: Option, path: Path, notes: Notes) -> None:
    if not option.choices:
        notes.error((*path, "choices"), "there are none: an option has at least one, such as Size: Small; Large +7")
    _check_names(option.choices, (*path, "choices"), notes)


def _check_add_on(add_on: AddOn, path: Path, notes: Notes) -> None:
    if not 0 <= add_on.least <= add_on.most or not 1 <= add_on.most <= MOST_TIMES:
        bounds = f"it can be had {add_on.least} to {add_on.most} times"
        notes.error(path, f"{bounds}: the first number is 0 or more, the second at least the first, 1 to {MOST_TIMES}")


def _check_branches(branches: tuple[Branch, ...], notes: Notes) -> None:
    _check_all(branches, ("branches",), notes)
    for path, branch in _placed(branches, ("branches",)):
        place = (branch.latitude, branch.longitude)
        if None in place and place != (None, None):
            notes.error(path, "has one of latitude and longitude: give both or none")
        for key, degrees, most in (("latitude", branch.latitude, 90), ("longitude", branch.longitude, 180)):
            if degrees is not None and not -most <= degrees <= most:
                notes.error((*path, key), f"is from -{most} to {most} degrees")
        if place == (0, 0):
            notes.warn(path, "lies in the sea at 0, 0: give its place or none")


def _check_orders(menu: Menu, notes: Notes) -> None:
    if not menu.types:
        notes.warn(
            ("types",),
            "there are none, so the menu is only looked at and nothing can be ordered: import it with --type",
        )
    elif not menu.payments:
        notes.error(("payments",), "there are none: an order must be paid somehow, such as by cash")
    if PaymentMethod.ONLINE in menu.payments:
        notes.error(
            ("payments",), "online needs the order platform, which a menu of one's own goes without: take it out"
        )


def _check_all(things: Iterable[Any], path: Path, notes: Notes) -> None:
    placed = list(_placed(things, path))
    _check_ids(placed, notes, "the menu" if len(path) == 1 else "its item")
    _check_names([thing for _, thing in placed], path, notes)


def _check_ids(placed: Iterable[tuple[Path, Any]], notes: Notes, within: str) -> None:
    seen: dict[str, Path] = {}
    for path, thing in placed:
        if not _ID.fullmatch(thing.id):
            what = f"{thing.id[:40]!r} is no id: letters, digits, . _ and -, at most {LONGEST_ID}"
            notes.error((*path, "id"), what)
        elif thing.id in seen:
            notes.error((*path, "id"), f"{thing.id!r} is the id of {notes.locate(seen[thing.id])} too, within {within}")
        seen.setdefault(thing.id, path)


def _check_names(things: Iterable[Named], path: Path, notes: Notes) -> None:
    """At least one name each, none too long, none twice in one language."""
    seen: dict[tuple[str, str], Path] = {}
    placed = list(_placed(things, path))
    for where, thing in placed:
        _check_name(thing.name, where, notes)
        for language, name in thing.name.items():
            known = seen.setdefault((language, menu_ids.plain(name)), where)
            if known != where:
                what = f"{name[:40]!r} is the name of {notes.locate(known)} too: customers could not tell them apart"
                notes.error((*where, f"name_{language}"), what)
    if len(placed) > MOST[str(path[-1])]:
        notes.error(path, f"there are {len(placed)}: at most {MOST[str(path[-1])]}")


def _check_name(names: Names, path: Path, notes: Notes) -> None:
    if not any(names.values()):
        notes.error(path, "has no name: give one in Arabic or English")
    for language, name in names.items():
        where = (*path, f"name_{language}")
        if len(name) > LONGEST_NAME:
            notes.error(where, f"has {len(name)} characters: at most {LONGEST_NAME}")
        elif len(name) > ROW_TITLE:
            notes.warn(where, f"{name!r} has {len(name)} characters; a list shows {ROW_TITLE}, and the whole below")


def _placed(things: Iterable[Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for position, thing in enumerate(things):
        yield (*path, position), thing


def _placed_items(menu: Menu) -> Iterator[tuple[Path, MenuItem]]:
    for path, category in _placed(menu.categories, ("categories",)):
        yield from _placed(category.items, (*path, "items"))
