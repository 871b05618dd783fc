"""`wabot menu`: a tenant's own menu as a file."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.menus import SAR, SMALL
from tests.cli.conftest import Shell
from wabot import clock
from wabot.catalog import menu_file
from wabot.catalog.menu_file import Form
from wabot.core import demo, tenancy
from wabot.store import db, menus
from wabot.words import Menu, OrderType, PaymentMethod

SHEET = "category_en,name_en,price\nGrill,Kebab,46\nGrill,Arayes,32\n"


@pytest.fixture
def shop(bait: Callable[..., Any], shell: Shell) -> Shell:
    """A shell with the tenant `bait`."""
    return shell


def written(menu: Menu = SMALL, form: Form = Form.TOML) -> str:
    path = Path(f"menu.{form}")
    path.write_bytes(menu_file.write(menu, form, SAR))
    return str(path)


def kept() -> Menu:
    return menus.load(tenancy.find_tenant("bait").id)


def test_a_menu_is_imported_and_exported_the_same(shop: Shell) -> None:
    assert shop.ok("menu", "import", "bait", written()) == "Imported 3 items in 2 categories into bait.\n"
    assert kept() == SMALL
    for form in Form:
        exported = shop.ok("menu", "export", "bait", "--format", form.value)
        assert exported.encode() == menu_file.write(SMALL, form, SAR).replace(b"\r\n", b"\n"), "as the runner shows it"
        assert shop.json("menu", "import", "bait", "-", typed=exported)["ok"]
        assert kept() == SMALL


def test_a_sheet_changes_the_items_and_leaves_the_rest(shop: Shell) -> None:
    shop.ok("menu", "import", "bait", written())
    found = shop.json("menu", "import", "bait", "-", typed=SHEET)
    assert found == {"ok": True, "categories": 1, "items": 2, "data": []}
    assert [item.price_minor for item in kept().categories[0].items] == [4600, 3200]
    assert (kept().branches, kept().types, kept().payments) == (SMALL.branches, SMALL.types, SMALL.payments)


def test_a_first_sheet_takes_orders_for_pickup_until_it_is_told_of_which_kind(shop: Shell) -> None:
    assert "orders are taken for pickup until --type" in shop.ok("menu", "import", "bait", "-", typed=SHEET)
    assert (kept().types, kept().payments) == ((OrderType.PICKUP,), (PaymentMethod.CASH,))
    shop.ok("menu", "import", "bait", "-", "--type", "pickup", "--type", "car", typed=SHEET)
    assert (kept().types, kept().payments) == ((OrderType.PICKUP, OrderType.CAR), (PaymentMethod.CASH,))
    assert "only looked at" in shop.ok("menu", "import", "bait", "-", "--type", "none", typed=SHEET)
    assert kept().types == ()
    assert "only looked at" in shop.ok("menu", "import", "bait", "-", typed=SHEET)
    assert kept().types == ()


def test_a_menu_with_errors_is_not_imported_and_all_of_them_are_shown(shop: Shell) -> None:
    shop.ok("menu", "import", "bait", written())
    wrong = "category_en,name_en,price\nGrill,Kebab,free\nGrill,,32\n"
    done = shop.run("menu", "import", "bait", "-", typed=wrong)
    assert (done.exit_code, done.stderr) == (1, "wabot: nothing was imported: 2 errors in standard input\n")
    assert "error  row 2, price  'free' is not a price: write it like 14.50" in done.stdout
    assert "error  row 3         has no name: give one in Arabic or English" in done.stdout
    done = shop.run("menu", "import", "bait", "-", "--json", typed=wrong)
    assert (done.exit_code, json.loads(done.stdout)["ok"], len(json.loads(done.stdout)["data"])) == (1, False, 2)
    assert kept() == SMALL


def test_a_file_is_checked_without_a_database(bare: Shell) -> None:
    Path("menu.csv").write_text(SHEET)
    assert "2 items in 1 categories: it can be imported." in bare.ok("menu", "check", "menu.csv")
    found = bare.json("menu", "check", "menu.csv")
    assert (found["ok"], found["items"], [row["kind"] for row in found["data"]]) == (True, 2, ["warning"])
    assert not (bare.folder / "wabot.db").exists()
    done = bare.run("menu", "check", "-", typed="category_en,name_en,price\nG,K,1.234\n")
    assert (done.exit_code, done.stderr) == (1, "wabot: 1 error in standard input\n")
    bare.ok("menu", "check", "-", "--currency", "KWD", typed="category_en,name_en,price\nG,K,1.234\n")
    assert bare.refused("menu", "check", "menu.csv", "--currency", "riyal").startswith("currency: ")
    bare.misused("menu", "check", "nowhere.csv")


def test_a_check_takes_the_currency_that_the_file_says(bare: Shell) -> None:
    item = "[[categories]]\nname_en = 'G'\n[[categories.items]]\nname_en = 'K'\nprice = 1.234\n"
    assert bare.json("menu", "check", "-", typed=f"currency = 'KWD'\n{item}")["ok"]
    assert bare.run("menu", "check", "-", typed=item).exit_code == 1
    assert bare.run("menu", "check", "-", "--format", "csv", typed=item).exit_code == 1


def test_a_menu_of_its_own_comes_before_the_catalog_s_and_that_is_said(shop: Shell) -> None:
    shop.ok("tenant", "edit", "bait", "--catalog-merchant", "0f8fad5b-d9cb-469f-a165-70867728950e")
    shown = shop.ok("menu", "import", "bait", written())
    assert "has a merchant at the catalog too: its own menu comes first while it is kept" in shown


def test_a_menu_is_removed_and_then_there_is_none(shop: Shell) -> None:
    shop.ok("menu", "import", "bait", written())
    shop.misused("menu", "remove", "bait")
    assert shop.ok("menu", "remove", "bait", "--yes") == "Removed the menu of bait.\n"
    for command in (("remove", "bait", "--yes"), ("export", "bait"), ("export", "bait", "--json")):
        assert shop.refused("menu", *command) == "bait has no menu of its own"
    assert not menus.is_kept(tenancy.find_tenant("bait").id)


def test_as_json_an_export_has_the_keys_of_its_toml_and_exact_prices(shop: Shell) -> None:
    shop.ok("menu", "import", "bait", written())
    document = shop.json("menu", "export", "bait")
    keys = tomllib.loads(shop.ok("menu", "export", "bait"))
    assert document.keys() == keys.keys()
    assert document["categories"][0]["items"][0]["price"] == "46.00"
    assert document["categories"][0]["items"][0].keys() == keys["categories"][0]["items"][0].keys()


@pytest.mark.parametrize("slug", ["bait-alsham", "luma-salon"])
@pytest.mark.parametrize("form", Form)
def test_the_demo_s_menus_can_be_exported_and_imported(shell: Shell, slug: str, form: Form) -> None:
    demo.set_up(shell.folder, clock.now())
    before = menus.load(tenancy.find_tenant(slug).id)
    shell.ok("menu", "import", slug, "-", typed=shell.ok("menu", "export", slug, "--format", form.value))
    assert menus.load(tenancy.find_tenant(slug).id) == before


def test_what_people_did_to_a_menu_is_kept(shop: Shell) -> None:
    shop.ok("menu", "import", "bait", written())
    shop.ok("menu", "remove", "bait", "--yes")
    assert db.rows("SELECT action, tenant, subject FROM audit ORDER BY id") == [
        ("import menu", "bait", "3 items"), ("remove menu", "bait", "")]  # fmt: skip


def test_nobody_imports_into_nowhere(shell: Shell) -> None:
    path = written()
    assert shell.refused("menu", "import", "nowhere", path) == "there is no tenant 'nowhere'"
    assert shell.refused("menu", "export", "nowhere") == "there is no tenant 'nowhere'"
