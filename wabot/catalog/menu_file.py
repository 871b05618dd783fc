"""A menu file, read and written: TOML, which holds everything, or CSV, which a spreadsheet can change."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath

from wabot.catalog import menu_check, menu_csv, menu_document, menu_ids, menu_toml
from wabot.catalog.menu_amounts import Currency
from wabot.catalog.menu_notes import Broken, Note, Notes, spelled
from wabot.words import Menu, OrderType, PaymentMethod


class Form(StrEnum):
    CSV = "csv"
    TOML = "toml"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a file; without errors the menu can be kept."""

    menu: Menu
    errors: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()


def form_of(name: str, body: bytes) -> Form:
    """Which format a file is in: by its name, else by what its first lines look like."""
    ending = PurePath(name).suffix.lower().lstrip(".")
    if ending in set(Form):
        return Form(ending)
    lines = (line.strip() for line in body[:4096].decode("utf-8", "replace").splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    is_toml = first.startswith("[") or ("=" in first and not first.lower().startswith("sep="))
    return Form.TOML if is_toml else Form.CSV


def currency_of(body: bytes, form: Form) -> str:
    """The currency that a file says its prices are in; nothing where it does not say or cannot be read."""
    try:
        said = menu_toml.read(body).get("currency", "") if form is Form.TOML else ""
    except Broken:
        return ""
    return said if isinstance(said, str) else ""


def read(
    body: bytes, form: Form, currency: Currency, present: Menu, *, types: tuple[OrderType, ...] | None = None
) -> Checked:
    """The menu in a file, with everything that is to be said about it, each thing with its place.

    `present` is the menu that it replaces: what lacks an id keeps the one it had there, and what CSV cannot hold stays
    as it is. `types` are the kinds of order from now on, where they are said beside the file.
    """
    try:
        document, notes = _document(body, form)
    except Broken as broken:
        return Checked(Menu(), (broken.note,))
    menu = menu_document.read(document, currency, notes)
    if form is Form.CSV:
        menu = replace(menu, branches=present.branches, types=present.types, payments=present.payments)
        if types is None and not present.categories:
            types = _usual(menu, notes)
    if types is not None:
        menu = replace(menu, types=types, payments=menu.payments or ((PaymentMethod.CASH,) if types else ()))
    menu = menu_ids.filled(menu, present)
    menu_check.check(menu, notes)
    return Checked(menu, tuple(notes.errors), tuple(notes.warnings))


def _usual(menu: Menu, notes: Notes) -> tuple[OrderType, ...]:
    """The kinds of order of a first sheet, which cannot say them: those that its items name, else the one that every
    shop can serve."""
    named = {kind for category in menu.categories for item in category.items for kind in item.types}
    usual = tuple(kind for kind in OrderType if kind in named) or (OrderType.PICKUP,)
    taken = ", ".join(usual)
    notes.warn(("types",), f"a sheet does not say them: orders are taken for {taken} until --type says otherwise")
    return usual


def _document(body: bytes, form: Form) -> tuple[menu_document.Document, Notes]:
    if form is Form.TOML:
        return menu_toml.read(body), Notes(spelled)
    sheet = menu_csv.read(body)
    return sheet.document, sheet.notes


def write(menu: Menu, form: Form, currency: Currency) -> bytes:
    """The file from which `read` makes the same menu; of CSV, its categories and items."""
    return menu_toml.write(menu, currency) if form is Form.TOML else menu_csv.write(menu, currency)
