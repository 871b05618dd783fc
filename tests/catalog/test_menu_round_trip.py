"""A menu that is written as a file and read again is the same menu."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.menus import JPY, KWD, SAR, SMALL, add_ons, many, menus, options
from wabot.catalog import menu_cells, menu_csv, menu_document, menu_file, menu_toml
from wabot.catalog.menu_amounts import Currency
from wabot.catalog.menu_file import Form
from wabot.catalog.menu_notes import Notes, spelled
from wabot.core import demo_menus
from wabot.words import AddOn, Menu, MenuCategory, Option

currencies = st.sampled_from([SAR, KWD, JPY])


@given(menus, currencies)
def test_toml_holds_everything_exactly(menu: Menu, currency: Currency) -> None:
    notes = Notes(spelled)
    again = menu_document.read(menu_toml.read(menu_toml.write(menu, currency)), currency, notes)
    usual = menu.payments or again.payments if menu.types else menu.payments
    assert again == replace(menu, payments=usual)
    assert (notes.errors, notes.warnings) == ([], [])


@given(menus.map(lambda menu: Menu(_named_once(menu.categories))), currencies)
def test_csv_holds_categories_and_items_exactly(menu: Menu, currency: Currency) -> None:
    sheet = menu_csv.read(menu_csv.write(menu, currency))
    assert menu_document.read(sheet.document, currency, sheet.notes) == menu
    assert sheet.notes.errors == []


def _named_once(categories: tuple[MenuCategory, ...]) -> tuple[MenuCategory, ...]:
    """In CSV categories are told apart by id and name."""
    return tuple(
        replace(category, id=f"{category.id}{n}", name={key: f"{name} {n}" for key, name in category.name.items()})
        for n, category in enumerate(categories)
    )


@given(many(options))
def test_options_in_a_cell_are_read_as_they_were_written(written: tuple[Option, ...]) -> None:
    notes = Notes(spelled)
    cell = menu_cells.write_options(written, SAR)
    document = {"categories": [{"items": [{"price": 1, "options": menu_cells.read_options(cell, (), notes)}]}]}
    [category] = menu_document.read(document, SAR, notes).categories
    assert category.items[0].options == written
    assert notes.errors == []


@given(many(add_ons))
def test_add_ons_in_a_cell_are_read_as_they_were_written(written: tuple[AddOn, ...]) -> None:
    notes = Notes(spelled)
    cell = menu_cells.write_add_ons(written, SAR)
    document = {"categories": [{"items": [{"price": 1, "add_ons": menu_cells.read_add_ons(cell, (), notes)}]}]}
    [category] = menu_document.read(document, SAR, notes).categories
    assert category.items[0].add_ons == written
    assert notes.errors == []


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("menu", [SMALL, demo_menus.RESTAURANT, demo_menus.SALON], ids=["small", "restaurant", "salon"])
def test_a_real_menu_comes_back_without_a_word(menu: Menu, form: Form) -> None:
    found = menu_file.read(menu_file.write(menu, form, SAR), form, SAR, menu)
    assert (found.menu, found.errors) == (menu, ())
    assert [note.what for note in found.warnings if menu.types] == []


@given(menus)
def test_no_cell_of_an_export_is_a_formula(menu: Menu) -> None:
    text = menu_csv.write(menu, SAR).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell] == []


@given(st.binary(max_size=400), st.sampled_from(Form))
def test_any_bytes_are_a_menu_or_a_list_of_errors(body: bytes, form: Form) -> None:
    assert menu_file.read(body, form, SAR, Menu()).errors


def _endless(number: int) -> int:
    """A number that TOML can say in hexadecimal, and Python will not write out."""
    return number << 20_000


KEYS = ["id", "name_ar", "price", "items", "options", "choices", "add_ons", "least", "types", "latitude", "x"]
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(1).map(_endless),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["categories", "branches", "types", "payments", "currency", "x"]), JSONS))
def test_any_document_is_read_and_what_does_not_fit_is_noted(document: dict[str, object]) -> None:
    notes = Notes(spelled)
    menu = menu_document.read(document, SAR, notes)
    menu_file.menu_check.check(menu_file.menu_ids.filled(menu, Menu()), notes)
    assert all(note.place and note.what for note in (*notes.errors, *notes.warnings))
