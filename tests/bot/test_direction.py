"""Arabic and Latin in one line: what is put into a text turns nothing around it, and is not turned."""

import pytest

from tests.bot.cast import RESTAURANT, Customer, options
from tests.bot.kitchen import FULL, GRILL, Guest, an_order
from wabot.bot import telling, wording
from wabot.words import Menu, MenuCategory, MenuItem, OrderStatus, OrderType

ARABIC, ENGLISH = wording.ALL["ar"], wording.ALL["en"]
LATIN = Menu(
    (MenuCategory("c", {"en": "Burgers"}, (MenuItem("i", {"en": "Big Burger"}, 2450),)),), types=(OrderType.PICKUP,)
)


@pytest.mark.parametrize("value", ["+966 55 123 4567", "12 King Fahd Rd", "2024-1042", "7 Eleven", "Emma", "18 KWD"])
def test_latin_letters_and_groups_of_digits_are_isolated_in_arabic(value):
    assert ARABIC.say("notes", notes=value) == f"ملاحظة: \u2068{value}\u2069"


@pytest.mark.parametrize("value", ["1042", "24.50", "18 ر.س", "شارع العليا 5-7", "🙂"])
def test_what_reads_alike_in_arabic_stands_as_it_is(value):
    assert ARABIC.say("notes", notes=value) == f"ملاحظة: {value}"


def test_arabic_is_isolated_in_english_and_nothing_else():
    assert ENGLISH.say("notes", notes="العليا") == "Note: \u2068العليا\u2069"
    assert ENGLISH.say("notes", notes="+966 55, Flat 2") == "Note: +966 55, Flat 2"


@pytest.mark.parametrize("link", ["https://pay.example/1", "wa.me/966551234567", "help@dar.example", "us: dar.example"])
def test_nothing_follows_a_link_that_could_be_taken_for_a_part_of_it(link):
    assert ARABIC.say("pay", link=link) == f"للدفع: {link}"


def test_a_name_in_bold_stands_bare_between_its_asterisks():
    assert ARABIC.say("items", category="Drinks").startswith("قسم *Drinks*،")


def test_a_sign_stays_before_its_number_in_arabic():
    assert ARABIC.price(600, "SAR", 2, sign="+") == "\u2066+6\u2069 ر.س"
    assert ARABIC.price(-600, "SAR", 2) == "\u2066-6\u2069 ر.س"
    assert ENGLISH.price(600, "SAR", 2, sign="+") == "+6 SAR"


def test_a_line_of_the_cart_keeps_its_order_whatever_its_name_is_written_in():
    guest = Guest(GRILL, LATIN)
    guest.say("مرحبا")
    guest.say("طلب جديد")
    assert "• 2 × \u2068Big Burger\u2069 = 49 ر.س" in guest.say("2 big burger").text


def test_an_order_number_is_isolated_once():
    order = an_order(OrderStatus.PREPARING, "A-7")
    assert telling.state(ARABIC, order).count("\u2068") == 1


def test_the_number_to_call_reads_in_its_order():
    assert Customer(RESTAURANT).say("موظف").text.endswith("\u2068+966 55 123 4567\u2069")


def test_a_title_that_holds_an_isolate_is_understood_when_typed():
    guest = Guest(GRILL, FULL, orders=(an_order(OrderStatus.PREPARING, "A-7"), an_order(OrderStatus.PREPARING, "B-8")))
    assert "طلب رقم \u2068A-7\u2069" in options(guest.say("تتبع")).values()
    assert "A-7" in guest.say("طلب رقم A-7").text
