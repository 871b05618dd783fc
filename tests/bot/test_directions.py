"""Names, numbers and prices of one direction among words of the other: without marks a phone shows the price in the
place of the quantity, and a telephone number from its end."""

from dataclasses import replace

import pytest

from tests.bot.kitchen import DINER, FULL, GRILL, HOME, Guest, an_order, at_the_summary, names
from wabot.bot import fitting, telling, wording
from wabot.words import AddOn, Branch, Choice, MenuCategory, MenuItem, Option, OrderStatus

SIZES = Option(names("الحجم", "Size"), (Choice("s", {"ar": "صغير"}), Choice("l", {"ar": "كبير"}, 600)))
ARABIC_ONLY = MenuItem("i", {"ar": "كباب"}, 3200, options=(SIZES,), add_ons=(AddOn("a", {"ar": "جبن"}, 300, most=2),))
LATIN_ONLY = MenuItem("i", {"en": "برجر Big"}, 3200)


def shelf(item: MenuItem) -> Guest:
    return Guest(DINER, replace(FULL, categories=(MenuCategory("c", {"en": "All"}, (item,)),)))


def test_an_arabic_name_in_an_english_cart_stands_apart_from_its_price():
    one = shelf(ARABIC_ONLY)
    one.choose("type:delivery")
    one.send(HOME)
    assert "• \u2068كبير\u2069: +6 SAR" in one.choose("item:c/i").text
    one.tap("كبير")
    one.tap("جبن")
    one.tap("That's all")
    assert "You chose: \u2068كبير\u2069, \u2068جبن\u2069" in one.drafts[-1].text
    assert "• 2 × \u2068كباب\u2069 (\u2068كبير\u2069, \u2068جبن\u2069) = 82 SAR" in one.tap("Add 2").text


def test_a_latin_name_in_an_arabic_cart_stands_apart_from_its_price():
    one = replace(shelf(LATIN_ONLY), profile=GRILL)
    one.choose("type:delivery")
    one.send(HOME)
    assert "• 2 × \u2068برجر Big\u2069 = 64 ر.س" in one.choose("buy:2:c/i").text


def test_a_line_that_is_cut_lets_its_price_stand_alone_all_the_same():
    choices = tuple(Option(names("س", "Q"), (Choice("x", {"ar": "خيار طويل " * 6}),)) for _ in range(9))
    one = shelf(replace(ARABIC_ONLY, options=choices, add_ons=()))
    one.choose("type:delivery")
    one.send(HOME)
    [line] = [line for line in one.choose("buy:1:c/i").text.splitlines() if line.startswith("•")]
    assert line.endswith("…\u2069 = 32 SAR")
    assert line.count("\u2068") == line.count("\u2069")


def test_the_nearest_branch_stands_apart_from_its_distance():
    branches = (Branch("o", {"ar": "العليا"}, latitude=24.6936, longitude=46.6853), FULL.branches[1])
    one = Guest(DINER, replace(FULL, branches=branches))
    one.choose("type:pickup")
    assert "Nearest to you: \u2068العليا\u2069 (0.9 km)" in one.send(HOME).text


def test_in_arabic_a_sign_stays_on_the_left_of_its_number():
    assert wording.ALL["ar"].price(600, "SAR", 2, is_extra=True) == "\u2066+6\u2069 ر.س"
    assert wording.ALL["ar"].price(-600, "SAR", 2, is_extra=True) == "\u2066-6\u2069 ر.س"
    assert wording.ALL["en"].price(600, "SAR", 2, is_extra=True) == "+6 SAR"
    assert wording.ALL["ar"].price(600, "SAR", 2) == "6 ر.س"


def test_in_arabic_a_telephone_number_is_shown_from_its_beginning():
    one = Guest(GRILL, FULL, needs_phone=True)
    assert "وللتواصل المباشر: \u200e+966 55 123 4567" in one.say("موظف").text
    at_the_summary(one)
    assert "رقم الجوال: \u200e+966551234567" in one.say("+966551234567").text


@pytest.mark.parametrize(("number", "shown"), [("1042", "1042"), ("1042-3", "\u20681042-3\u2069")])
def test_in_arabic_an_orders_number_is_shown_from_its_beginning(number, shown):
    order = an_order(OrderStatus.PREPARING, number)
    assert telling.step(order, GRILL, "ar").text.startswith(f"بدأنا تحضير طلبكم رقم {shown}")


def test_what_runs_as_the_language_does_is_left_alone():
    assert wording.ALL["ar"].apart("شاورما دجاج 3") == "شاورما دجاج 3"
    assert wording.ALL["en"].apart("Shawarma no. 3") == "Shawarma no. 3"
    assert fitting.line(wording.ALL["en"].apart("كباب")) == "كباب"


def test_nothing_stays_nothing():
    order = replace(an_order(OrderStatus.PREPARING), number="")
    assert telling.step(order, GRILL, "ar").text == "بدأنا تحضير طلبكم 👨‍🍳"
