"""A menu as a plain document, the one shape behind both file formats: what TOML says with its own keys and CSV with its
columns. Both ways, exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from wabot.catalog import menu_amounts
from wabot.catalog.menu_amounts import Currency, NoAmount
from wabot.catalog.menu_notes import Notes, Path
from wabot.words import (
    AddOn,
    Branch,
    Choice,
    Menu,
    MenuCategory,
    MenuItem,
    Names,
    Option,
    OrderType,
    PaymentMethod,
)

LANGUAGES = ("ar", "en")
_LARGEST = 10**12
Document = Mapping[str, Any]
W = TypeVar("W", bound=StrEnum)


def read(document: Document, currency: Currency, notes: Notes) -> Menu:
    """The menu that the document says, without the ids that it does not say; what cannot be read is noted."""
    top = _Table(document, (), currency, notes)
    said = top.text("currency")
    if said and said != currency.code:
        notes.error(
            ("currency",), f"is {said[:40]}, but the prices are taken as {currency.code}: change one of the two"
        )
    types = top.words("types", OrderType)
    usual = (PaymentMethod.CASH,) if types and "payments" not in document else ()
    menu = Menu(
        categories=tuple(map(_category, top.tables("categories"))),
        branches=tuple(map(_branch, top.tables("branches"))),
        types=types,
        payments=top.words("payments", PaymentMethod) or usual,
    )
    top.close()
    return menu


def _category(table: "_Table") -> MenuCategory:
    items = tuple(map(_item, table.tables("items")))
    return table.closing(MenuCategory(table.text("id"), table.names("name"), items))


def _item(table: "_Table") -> MenuItem:
    item = MenuItem(
        id=table.text("id"),
        name=table.names("name"),
        price_minor=table.price("price", needed=True),
        description=table.names("description", lines=True),
        options=tuple(map(_option, table.tables("options"))),
        add_ons=tuple(map(_add_on, table.tables("add_ons"))),
        types=table.words("types", OrderType),
    )
    return table.closing(item)


def _option(table: "_Table") -> Option:
    choices = tuple(
        each.closing(Choice(each.text("id"), each.names("name"), each.price("price")))
        for each in table.tables("choices")
    )
    return table.closing(Option(table.names("name"), choices))


def _add_on(table: "_Table") -> AddOn:
    price, least, most = table.price("price"), table.whole("least", 0), table.whole("most", 1)
    return table.closing(AddOn(table.text("id"), table.names("name"), price, least, most))


def _branch(table: "_Table") -> Branch:
    branch = Branch(
        id=table.text("id"),
        name=table.names("name"),
        city=table.names("city"),
        phone=table.text("phone"),
        latitude=table.degrees("latitude"),
        longitude=table.degrees("longitude"),
    )
    return table.closing(branch)


T = TypeVar("T")


@dataclass(slots=True)
class _Table:
    """One table of a document: its values by their kind, and a note for each that is of another."""

    values: Mapping[str, Any]
    path: Path
    currency: Currency
    notes: Notes
    asked: set[str] = field(default_factory=set)

    def tables(self, key: str) -> Iterator["_Table"]:
        """The tables of an array."""
        found = self._take(key, [])
        if not isinstance(found, list | tuple):
            self._wrong(key, "is a list of tables")
            return
        for position, values in enumerate(found):
            if isinstance(values, Mapping):
                yield _Table(values, (*self.path, key, position), self.currency, self.notes)
            else:
                self.notes.error((*self.path, key, position), "is a table, with a name and so on")

    def text(self, key: str, *, lines: bool = False) -> str:
        """A text on one line, or on several; empty where there is none."""
        found = self._take(key, "")
        if _is_whole(found):
            return str(found)
        if not isinstance(found, str):
            self._wrong(key, "is a text in quotation marks")
            return ""
        if lines:
            return "\n".join(_line(line) for line in found.splitlines()).strip("\n")
        return _line(found)

    def names(self, key: str, *, lines: bool = False) -> Names:
        """The texts of `<key>_ar` and `<key>_en` that are there."""
        found = {language: self.text(f"{key}_{language}", lines=lines) for language in LANGUAGES}
        return {language: text for language, text in found.items() if text}

    def price(self, key: str, *, needed: bool = False) -> int:
        """A price in minor units; nothing where it may lack and does."""
        found = self._take(key, "")
        if found == "" or found is None:
            if needed:
                self._wrong(key, "is missing: write it like 14.50, or 0")
            return 0
        try:
            return menu_amounts.minor(found, self.currency)
        except NoAmount as error:
            self._wrong(key, str(error))
            return 0

    def whole(self, key: str, otherwise: int) -> int:
        """A whole number."""
        found = self._take(key, otherwise)
        if _is_whole(found):
            return int(found)
        self._wrong(key, "is a whole number")
        return otherwise

    def degrees(self, key: str) -> float | None:
        """A part of a place; None where there is none."""
        found = self._take(key, None)
        if found is None or _is_whole(found) or isinstance(found, float | Decimal):
            return None if found is None else float(found)
        self._wrong(key, "is a number of degrees, such as 24.6911")
        return None

    def words(self, key: str, allowed: type[W]) -> tuple[W, ...]:
        """Words of an enum, each once."""
        found = self._take(key, [])
        if not isinstance(found, list | tuple):
            self._wrong(key, f"is a list of words: {', '.join(allowed)}")
            return ()
        good = {word: allowed(word) for word in found if isinstance(word, str) and word in set(allowed)}
        for word in found:
            if not isinstance(word, str) or word not in good:
                shown = repr(word[:40]) if isinstance(word, str) else "something"
                self._wrong(key, f"{shown} is not one of {', '.join(allowed)}")
        return tuple(good.values())

    def closing(self, made: T) -> T:
        """What was made of this table, now that all was asked for."""
        self.close()
        return made

    def close(self) -> None:
        """Note what nobody asked for: a slip of the pen would else pass in silence."""
        for key in sorted(self.values.keys() - self.asked):
            self.notes.warn((*self.path, str(key)), f"is not known and was left out; known are {self._known()}")

    def _known(self) -> str:
        return ", ".join(sorted(self.asked))

    def _take(self, key: str, otherwise: Any) -> Any:
        self.asked.add(key)
        return self.values.get(key, otherwise)

    def _wrong(self, key: str, what: str) -> None:
        self.notes.error((*self.path, key), what)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _line(text: str) -> str:
    """One line, its gaps single spaces, without what nobody sees."""
    seen = "".join(" " if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in text)
    return " ".join(seen.encode("utf-8", "replace").decode().split())


def write(menu: Menu, currency: Currency) -> dict[str, Any]:
    """The document that `read` makes the same menu of; prices as decimals in major units."""
    return {
        "currency": currency.code,
        "types": [word.value for word in menu.types],
        "payments": [word.value for word in menu.payments],
        **_kept("branches", [_branch_document(branch) for branch in menu.branches]),
        **_kept("categories", [_category_document(category, currency) for category in menu.categories]),
    }


def _branch_document(branch: Branch) -> dict[str, Any]:
    head = {
        "id": branch.id,
        **_names("name", branch.name),
        **_names("city", branch.city),
        **_kept("phone", branch.phone),
    }
    place = {"latitude": branch.latitude, "longitude": branch.longitude}
    return head | {key: degrees for key, degrees in place.items() if degrees is not None}


def _category_document(category: MenuCategory, currency: Currency) -> dict[str, Any]:
    items = [_item_document(item, currency) for item in category.items]
    return {"id": category.id, **_names("name", category.name), **_kept("items", items)}


def _item_document(item: MenuItem, currency: Currency) -> dict[str, Any]:
    return {
        "id": item.id,
        **_names("name", item.name),
        "price": menu_amounts.major(item.price_minor, currency),
        **_names("description", item.description),
        **_kept("types", [word.value for word in item.types]),
        **_kept("options", [_option_document(option, currency) for option in item.options]),
        **_kept("add_ons", [_add_on_document(add_on, currency) for add_on in item.add_ons]),
    }


def _option_document(option: Option, currency: Currency) -> dict[str, Any]:
    return {**_names("name", option.name), **_kept("choices", [_priced(choice, currency) for choice in option.choices])}


def _add_on_document(add_on: AddOn, currency: Currency) -> dict[str, Any]:
    bounds = {"least": (add_on.least, 0), "most": (add_on.most, 1)}
    return _priced(add_on, currency) | {key: number for key, (number, usual) in bounds.items() if number != usual}


def _priced(thing: Choice | AddOn, currency: Currency) -> dict[str, Any]:
    head = {"id": thing.id, **_names("name", thing.name)}
    return head | ({"price": menu_amounts.major(thing.price_minor, currency)} if thing.price_minor else {})


def _names(key: str, names: Names) -> dict[str, str]:
    return {f"{key}_{language}": names[language] for language in LANGUAGES if names.get(language)}


def _kept(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
