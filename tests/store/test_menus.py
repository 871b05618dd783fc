"""The kept menu: whole, and also as older versions wrote it."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.catalog.menus import SMALL
from tests.catalog.menus import menus as any_menu
from wabot import clock
from wabot.store import db, menus
from wabot.store.tenants import Tenant
from wabot.words import Menu, MenuCategory, MenuItem


def tenant() -> int:
    return int(
        db.write(
            lambda: Tenant.create(
                slug="bait", name="Bait", timezone="Asia/Riyadh", locale="ar", currency="SAR", created_at=clock.now()
            )
        ).id
    )


def test_a_menu_comes_back_whole_and_can_be_forgotten(file: Path) -> None:
    bait = tenant()
    assert (menus.load(bait), menus.is_kept(bait)) == (Menu(), False)
    db.write(lambda: menus.keep(bait, SMALL, clock.now()))
    assert (menus.load(bait), menus.is_kept(bait)) == (SMALL, True)
    assert db.write(lambda: menus.forget(bait))
    assert not db.write(lambda: menus.forget(bait))
    assert menus.load(bait) == Menu()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(menu=any_menu)
def test_every_menu_comes_back_whole(file: Path, menu: Menu) -> None:
    kept = menu
    found = Tenant.select().first()
    bait = int(found.id) if found else tenant()
    db.write(lambda: menus.keep(bait, kept, clock.now()))
    assert menus.load(bait) == menu


def test_a_menu_of_before_there_were_orders_is_only_looked_at(file: Path) -> None:
    bait = tenant()
    item = {"id": "kebab", "name": {"en": "Kebab"}, "price_minor": 4600, "description": {}}
    old = {"categories": [{"id": "grill", "name": {"en": "Grill"}, "items": [item]}]}
    db.write(lambda: db.run("INSERT INTO menu VALUES (?, ?, ?)", bait, json.dumps(old), clock.now()))
    assert menus.load(bait) == Menu(
        (MenuCategory("grill", {"en": "Grill"}, (MenuItem("kebab", {"en": "Kebab"}, 4600),)),)
    )
