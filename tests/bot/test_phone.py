"""A customer without a number: the platform takes no order that names none, so it is asked for once, before the
summary."""

import pytest

from tests.bot.kitchen import DINER, FULL, GRILL, Guest, at_the_summary
from wabot.bot.state import Step


def nobody(**more) -> Guest:
    return Guest(DINER, FULL, name="Huda", needs_phone=True, **more)


def test_who_has_a_number_is_never_asked():
    assert at_the_summary(Guest(DINER, FULL)).step == Step.SUMMARY


def test_the_number_is_asked_for_before_the_summary_and_goes_with_the_order():
    one = nobody()
    asked = at_the_summary(one)
    assert (asked.step, [button.title for button in asked.buttons]) == (Step.PHONE, ["My cart", "Talk to a person"])
    shown = one.say("0551234567")
    assert shown.step == Step.SUMMARY
    assert "Phone: 0551234567" in shown.text
    one.tap("Pay cash")
    assert [wish.phone for wish in one.wishes] == ["0551234567"]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0551234567", "0551234567"),
        ("+966 55 123 4567", "+966551234567"),
        ("‎+966-55-123-4567", "+966551234567"),
        ("٠٥٥١٢٣٤٥٦٧", "0551234567"),
        ("رقمي ٠٥٥ ١٢٣ ٤٥٦٧ شكراً", "0551234567"),
        ("00966551234567", "00966551234567"),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, number):
    one = nobody()
    at_the_summary(one)
    one.say(typed)
    one.tap("Pay cash")
    assert [wish.phone for wish in one.wishes] == [number]


@pytest.mark.parametrize("typed", ["12", "call me maybe", "123456", "1" * 40, "+", "()()()()", "1 2 3"])
def test_what_is_no_number_is_asked_again(typed):
    one = nobody()
    at_the_summary(one)
    assert one.say(typed).step == Step.PHONE
    assert one.state.cart.phone == ""


def test_an_old_button_orders_nothing_without_a_number():
    one = nobody()
    at_the_summary(one)
    one.needs_phone = False
    old = one.choose("checkout")
    one.needs_phone = True
    assert one.choose(old.buttons[0].id).step == Step.PHONE
    assert one.wishes == []


def test_another_number_at_the_summary_replaces_the_first_and_is_no_note():
    one = nobody()
    at_the_summary(one)
    one.say("0551234567")
    one.say("third floor")
    assert "Phone: 0559999999" in one.say("0559999999").text
    one.tap("Pay cash")
    assert [(wish.phone, wish.notes) for wish in one.wishes] == [("0559999999", "third floor")]


def test_the_next_order_goes_to_the_same_number():
    one = nobody()
    at_the_summary(one)
    one.say("0551234567")
    one.tap("Pay cash")
    assert at_the_summary(one).step == Step.SUMMARY


@pytest.mark.parametrize(("profile", "word"), [(DINER, "back"), (GRILL, "رجوع")])
def test_back_leads_to_the_cart(profile, word):
    one = Guest(profile, FULL, needs_phone=True)
    at_the_summary(one)
    assert one.say(word).step == Step.CART
