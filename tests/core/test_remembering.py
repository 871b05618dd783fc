"""Where the bot stands: a cart waits three hours for its customer, what was told unasked can be answered, and an order
ends a burst."""

from datetime import timedelta

import pytest

from tests.core.conftest import Stage
from tests.core.kitchen import MENU
from wabot import clock, words
from wabot.bot.state import Step
from wabot.core import order_steps, stepping, tenancy
from wabot.core.remembering import CART_LASTS
from wabot.store import db, menus, orders
from wabot.store.customers import Conversation
from wabot.store.orders import Order
from wabot.words import OrderStatus, OrderType, PaymentMethod

EXPIRED = "Your earlier cart has expired"


@pytest.fixture
def shop(stage: Stage) -> Stage:
    """A tenant that takes orders for pickup from a menu of one thing."""
    menu = words.Menu(MENU.categories, types=(OrderType.PICKUP,), payments=(PaymentMethod.CASH,))
    tenant_id = tenancy.find_tenant("bait").id
    db.write(lambda: menus.keep(tenant_id, menu, clock.now()))
    return stage


def says(shop: Stage, *texts: str) -> str:
    """What the last of these was answered with."""
    for text in texts:
        shop.says(text)
        shop.answer()
    return shop.out()[-1].body


def fills_a_cart(shop: Stage) -> None:
    assert "1 × Shawarma" in says(shop, "hello", "new order", "shawarma", "1")


def the_order() -> Order:
    [order] = Order.load("")
    return order


def move(status: OrderStatus) -> None:
    order = the_order()
    assert status in order_steps.following(order.status, order.type)
    db.write(lambda: stepping.take(order, status, by="a test", now=clock.now()))


def state() -> dict[str, object]:
    return dict(Conversation.get_by_id(1).bot_state)


def test_a_cart_waits_for_three_hours(shop: Stage) -> None:
    fills_a_cart(shop)
    shop.later(seconds=(CART_LASTS - timedelta(minutes=1)).total_seconds())
    assert "1 × Shawarma" in says(shop, "checkout")


def test_a_cart_that_was_left_alone_is_gone_and_it_is_said_once(shop: Stage) -> None:
    fills_a_cart(shop)
    shop.later(seconds=(CART_LASTS + timedelta(minutes=1)).total_seconds())
    assert EXPIRED in says(shop, "checkout")
    assert "Shawarma" not in says(shop, "my cart")
    assert EXPIRED not in says(shop, "hello")
    assert orders.by_key(1, "answer:1") is None


def test_each_word_of_the_customer_keeps_the_cart_and_nothing_that_they_are_told_does(shop: Stage) -> None:
    fills_a_cart(shop)
    says(shop, "checkout", "1")
    fills_a_cart(shop)
    shop.later(hours=2)
    says(shop, "my cart")
    shop.later(hours=2)
    assert "1 × Shawarma" in says(shop, "my cart")
    for status in (OrderStatus.PREPARING, OrderStatus.READY, OrderStatus.DELIVERED):
        shop.later(hours=1)
        move(status)
    shop.later(minutes=1)
    assert EXPIRED in says(shop, "checkout")


def test_a_number_typed_after_a_notice_means_its_buttons(shop: Stage) -> None:
    fills_a_cart(shop)
    says(shop, "checkout", "1")
    move(OrderStatus.PREPARING)
    move(OrderStatus.DELIVERED)
    assert state()["step"] == Step.ORDER_DELIVERED
    says(shop, "1")
    assert shop.out()[-1].step == Step.RATING
    says(shop, "5")
    assert (the_order().status, the_order().rating) == (OrderStatus.RATED, 5)


def test_after_the_order_is_taken_a_typed_number_means_the_buttons_of_that_message(shop: Stage) -> None:
    fills_a_cart(shop)
    says(shop, "checkout", "1")
    assert shop.out()[-1].step == Step.ORDER_ACCEPTED
    says(shop, "1")
    assert shop.out()[-1].step == Step.TRACKING


def test_an_order_ends_a_burst_and_what_comes_after_it_is_answered_for_itself(shop: Stage) -> None:
    fills_a_cart(shop)
    says(shop, "checkout")
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "2"})
    before = len(shop.out())
    for text in ("1", "1"):
        shop.says(text)
        shop.read()
    shop.later(seconds=5)
    shop.answer()
    assert [message.step for message in shop.out()[before:]] == [Step.ORDER_ACCEPTED, Step.TRACKING]
    assert the_order().status is OrderStatus.CONFIRMED
