"""A customer at a menu that is at the platform: the bot says what it has to know, and goes on when that is there."""

from dataclasses import dataclass

import pytest

from tests.core.conftest import Stage
from tests.core.menus_at_the_platform import bootstrap_all, fetch_all, platform, tenant
from tests.fakes import sufrah
from wabot import clock, words
from wabot.core import catalogs
from wabot.store import messages

__all__ = ["platform"]


@dataclass
class Customer:
    stage: Stage

    def says(self, text: str) -> None:
        self.stage.says(text)
        self.stage.answer()

    def hears(self) -> list[str]:
        """What came last and what is offered with it."""
        draft = self.stage.out()[-1].draft()
        rows = [row.title for section in draft.sections for row in section.rows]
        return [draft.text, *(button.title for button in draft.buttons), *rows]

    def waits(self) -> bool:
        return bool(messages.unanswered(1))


@pytest.fixture
def customer(stage: Stage) -> Customer:
    return Customer(stage)


def test_after_the_bootstrap_the_first_taps_make_no_call(customer: Customer, platform: sufrah.Sufrah) -> None:
    customer.says("hello")
    bootstrap_all()
    before = platform.calls()
    customer.says("order")
    customer.says("Pickup")
    customer.says("Olaya")
    assert platform.calls() == before
    assert {"Grills", "Drinks"} <= set(customer.hears())
    assert not customer.waits()


def test_without_it_the_answer_waits_for_the_fetch_and_comes_with_it(
    customer: Customer, platform: sufrah.Sufrah
) -> None:
    customer.says("hello")
    customer.says("order")
    assert customer.waits()
    assert len(customer.stage.out()) == 1
    assert fetch_all() == 1
    customer.stage.answer()
    assert "Pickup" in customer.hears()
    assert not customer.waits()


def test_a_shelf_is_fetched_when_somebody_goes_there_and_once(customer: Customer, platform: sufrah.Sufrah) -> None:
    for text in ("hello", "order"):
        customer.says(text)
    fetch_all()
    customer.stage.answer()
    for text in ("Pickup", "Olaya", "Grills"):
        customer.says(text)
    assert customer.waits()
    fetch_all()
    customer.stage.answer()
    assert any("shawarma" in said for said in customer.hears())
    customer.says("back")
    customer.says("Grills")
    assert any("shawarma" in said for said in customer.hears())
    assert len(platform.calls("products")) == 1


def test_when_it_cannot_be_had_the_customer_is_told_and_can_try_again(
    customer: Customer, platform: sufrah.Sufrah
) -> None:
    platform.order({"mode": "error", "status": 500, "count": 2})
    customer.says("hello")
    customer.says("order")
    fetch_all()
    customer.stage.answer()
    assert not customer.waits()
    assert len(customer.stage.out()) == 2
    assert len(customer.hears()) > 1
    customer.stage.later(seconds=11)
    customer.says(customer.hears()[1])
    fetch_all()
    customer.stage.answer()
    assert "Pickup" in customer.hears()


def test_what_comes_meanwhile_is_answered_in_its_turn(customer: Customer, platform: sufrah.Sufrah) -> None:
    customer.says("hello")
    customer.says("order")
    customer.says("Pickup")
    assert len(customer.stage.out()) == 1
    fetch_all()
    customer.stage.answer()
    assert len(customer.stage.out()) == 3
    assert "Olaya" in customer.hears()


def test_a_place_is_asked_about_once(customer: Customer, platform: sufrah.Sufrah) -> None:
    customer.says("hello")
    bootstrap_all()
    customer.says("order")
    customer.says("Delivery")
    place = {"kind": "location", "latitude": 24.7, "longitude": 46.7}
    customer.stage.says(message=place)
    customer.stage.answer()
    fetch_all()
    customer.stage.answer()
    assert len(platform.calls("coverage")) == 1
    assert {"Grills", "Drinks"} <= set(customer.hears())


def test_stale_menus_are_shown_at_once_and_fetched_anew(customer: Customer, platform: sufrah.Sufrah) -> None:
    customer.says("hello")
    bootstrap_all()
    customer.stage.later(minutes=5)
    customer.says("order")
    assert not customer.waits()
    assert fetch_all() >= 1
    assert len(platform.calls("categories")) == 2
    assert catalogs.known(tenant(customer.stage), clock.now()).stale == ()


def test_a_menu_of_its_own_never_waits(stage: Stage, customer: Customer) -> None:
    customer.says("hello")
    customer.says("menu")
    assert not customer.waits()
    assert stage.out()[-1].purpose in tuple(words.Purpose)
