"""Where an order stands: by its button, its number, or in words."""

import pytest

from tests.bot.kitchen import DINER, Guest, an_order, offered
from wabot.words import OrderStatus, PaymentStatus

ON_THE_WAY = an_order(OrderStatus.OUT_FOR_DELIVERY, "1043")
PREPARED = an_order(OrderStatus.PREPARING, "1044")
DELIVERED = an_order(OrderStatus.DELIVERED, "1042")


def guest(*orders) -> Guest:
    return Guest(DINER, name="Sam", orders=orders)


def test_without_an_order_there_is_nothing_to_track():
    assert guest().say("track").text.endswith("You have no orders yet. How can we help you?")


@pytest.mark.parametrize("said", ["where is my order", "وين طلبي؟", "track my order"])
def test_the_one_on_its_way_is_told_though_a_newer_one_is_over(said):
    draft = guest(an_order(OrderStatus.CANCELLED, "1050"), ON_THE_WAY, DELIVERED).say(said)
    assert "Your order 1043 is on its way to you 🛵" in draft.text
    assert "Total: 58 SAR" in draft.text


def test_with_none_on_its_way_the_newest_is_told_and_can_be_rated():
    draft = guest(DELIVERED, an_order(OrderStatus.CANCELLED, "1000")).say("track")
    assert "Your order 1042 has been delivered" in draft.text
    assert f"rate:now:{DELIVERED.uid}" in dict(offered(draft))


def test_several_on_their_way_are_listed():
    one = guest(PREPARED, ON_THE_WAY, DELIVERED)
    draft = one.say("my orders")
    assert [title for _, title in offered(draft)] == ["Order 1044", "Order 1043"]
    assert "is being prepared" in one.tap("Order 1044").text


def test_more_than_ten_on_their_way_still_fit():
    one = guest(*(an_order(OrderStatus.PREPARING, str(2000 + n)) for n in range(14)))
    assert len(offered(one.say("track"))) == 10


@pytest.mark.parametrize("said", ["1042", "١٠٤٢", "#1042", "order 1042", "وين طلب رقم 1042"])
def test_an_order_is_found_by_its_number(said):
    assert "Your order 1042 has been delivered" in guest(ON_THE_WAY, DELIVERED).say(said).text


@pytest.mark.parametrize("said", ["9999", "104", "my friend lives at house 1042 of this long street here"])
def test_other_numbers_are_no_order(said):
    one = guest(ON_THE_WAY, DELIVERED)
    one.say("hello")
    assert one.say(said).step == "fallback"


def test_an_order_of_somebody_else_is_not_there():
    one = guest(DELIVERED)
    assert one.choose(f"track:{ON_THE_WAY.uid}").step == "menu.categories"


def test_an_order_without_a_number_is_told_without_one():
    draft = guest(an_order(OrderStatus.DRAFT, "")).say("track")
    assert "Your order is with the branch" in draft.text


def test_an_order_that_is_paid_or_refunded_is_told_so_and_shows_no_link():
    for status, told in ((PaymentStatus.PAID, "Paid ✅"), (PaymentStatus.REFUNDED, "Refunded")):
        order = an_order(OrderStatus.PREPARING, payment_status=status, payment_link="https://pay.example/1")
        text = guest(order).say("track").text
        assert told in text
        assert "pay.example" not in text


def test_a_cancelled_order_that_is_refunded_is_told_so():
    order = an_order(OrderStatus.CANCELLED, payment_status=PaymentStatus.REFUNDED)
    assert guest(order).say("track").text.endswith("Refunded")


def test_somebody_with_an_order_on_its_way_is_offered_to_track_it():
    assert "track" in dict(offered(guest(ON_THE_WAY).say("hello")))
    assert "track" not in dict(offered(guest(DELIVERED).say("hello")))


def test_a_cancelled_order_that_was_refunded_is_told_so():
    order = an_order(OrderStatus.CANCELLED, payment_status=PaymentStatus.REFUNDED)
    assert guest(order).say("track").text.endswith("Refunded")


@pytest.mark.parametrize("said", ["cancel my order", "إلغاء الطلب", "cancel"])
def test_who_asks_to_cancel_an_order_that_was_placed_learns_that_it_still_stands(said):
    draft = guest(ON_THE_WAY).say(said)
    assert draft.text.endswith("Your order hasn't been cancelled. To cancel it, please talk to a person.")
    assert list(dict(offered(draft))) == ["person", "track"]
    assert "Your cart is empty" in guest(DELIVERED).say(said).text
