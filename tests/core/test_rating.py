"""What customers think of orders: stars once, a comment, a low one told to the owner, a reminder for who said later."""

from datetime import timedelta
from typing import Any

import pytest

from tests.core.conftest import Stage
from tests.core.kitchen import Kitchen
from wabot import clock
from wabot.core import ordering, resolving, stepping
from wabot.store import db, submissions
from wabot.store.messages import Message
from wabot.store.orders import Order
from wabot.words import OrderStatus, Rated


@pytest.fixture
def kitchen(stage: Stage) -> Kitchen:
    return Kitchen(stage)


def delivered(kitchen: Kitchen) -> Order:
    order = kitchen.place()
    for status in (OrderStatus.PREPARING, OrderStatus.DELIVERED):
        stepping.move(order.tenant_id, order.id, status, actor="a test", slug="bait")
    return kitchen.fresh(order)


def rate(order: Order, score: int | None, comment: str = "", **other: Any) -> bool:
    where = other.get("conversation", order.conversation)
    return db.write(lambda: ordering.rate(order.tenant_id, where, Rated(order.uid, score, comment), clock.now()))


def later(order: Order) -> bool:
    return db.write(lambda: ordering.remind_later(order.tenant_id, order.uid, order.conversation, clock.now()))


@pytest.mark.parametrize("score", [1, 2, 3, 4, 5])
def test_stars_make_it_rated_and_few_of_them_are_told_to_the_owner(kitchen: Kitchen, score: int) -> None:
    order = delivered(kitchen)
    assert rate(order, score)
    order = kitchen.fresh(order)
    assert (order.status, order.rating) == (OrderStatus.RATED, score)
    assert kitchen.timeline(order)[-1] == "RATED"
    assert kitchen.alerts() == ["rating"] * (score <= 3)
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING", "DELIVERED"]


def test_the_first_stars_count(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    rate(order, 5)
    assert not rate(order, 1)
    assert kitchen.fresh(order).rating == 5
    assert kitchen.timeline(order).count("RATED") == 1
    assert kitchen.alerts() == []


def test_the_same_stars_again_change_nothing(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    assert rate(order, 4)
    assert not rate(order, 4)


@pytest.mark.parametrize("score", [0, 6, -1, 10**9])
def test_what_are_no_stars_rates_nothing(kitchen: Kitchen, score: int) -> None:
    order = delivered(kitchen)
    assert not rate(order, score)
    assert kitchen.fresh(order).status is OrderStatus.DELIVERED


def test_what_was_not_delivered_is_not_rated(kitchen: Kitchen) -> None:
    order = kitchen.place()
    assert not rate(order, 5, "quick!")
    assert (kitchen.fresh(order).rating, kitchen.fresh(order).rating_comment) == (None, "")


def test_another_customer_s_order_is_not_rated_and_not_put_off(kitchen: Kitchen) -> None:
    order, stranger = delivered(kitchen), kitchen.conversation("+966599999999")
    assert not rate(order, 1, conversation=stranger)
    assert not db.write(lambda: ordering.remind_later(order.tenant_id, order.uid, stranger, clock.now()))
    assert kitchen.fresh(order).status is OrderStatus.DELIVERED


@pytest.mark.parametrize("uid", ["", "nonsense", "\x00", "%", "\ud800"])
def test_an_order_that_there_is_not_is_not_rated(kitchen: Kitchen, uid: str) -> None:
    order = delivered(kitchen)
    wanted = Rated(uid, 5)
    assert not db.write(lambda: ordering.rate(order.tenant_id, order.conversation, wanted, clock.now()))


def test_a_comment_is_added_line_by_line_once_and_not_without_end(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    rate(order, 5)
    assert rate(order, None, " very good ")
    assert not rate(order, None, "very good")
    assert rate(order, None, "and warm")
    assert kitchen.fresh(order).rating_comment == "very good\nand warm"
    rate(order, None, "x" * 5000)
    assert len(kitchen.fresh(order).rating_comment) == ordering.LONGEST_COMMENT
    assert not rate(order, None, "more")


def test_stars_and_comment_may_come_together(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    assert rate(order, 2, "cold")
    assert (kitchen.fresh(order).rating, kitchen.fresh(order).rating_comment) == (2, "cold")


def test_no_comment_is_in_the_alert_or_the_log(kitchen: Kitchen, caplog: pytest.LogCaptureFixture) -> None:
    rate(delivered(kitchen), 1, "a private matter")
    assert "private" not in caplog.text
    assert all("private" not in str(alert) for alert in kitchen.alerts())


def test_what_was_asked_about_an_order_belongs_to_it(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    kitchen.stage.says("5 stars")
    kitchen.stage.answer()
    db.write(lambda: db.run("UPDATE message SET purpose = 'rating' WHERE id = (SELECT max(id) FROM message)"))
    rate(order, 5)
    assert kitchen.stage.out()[-1].order_id == order.id


def test_who_says_later_is_reminded_once_three_hours_later(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    assert later(order)
    assert not later(order)
    kitchen.stage.later(hours=2.9)
    assert kitchen.work() == 0
    assert "reminder" not in kitchen.told(order)
    kitchen.stage.later(hours=0.2)
    kitchen.work()
    assert kitchen.told(order)[-1] == "reminder"
    assert not later(kitchen.fresh(order))
    kitchen.stage.later(hours=10)
    kitchen.work()
    assert kitchen.told(order).count("reminder") == 1


def test_who_has_rated_meanwhile_is_not_reminded(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    later(order)
    rate(order, 5)
    kitchen.stage.later(hours=4)
    kitchen.work()
    assert "reminder" not in kitchen.told(order)
    assert submissions.next_deadline() is None


def test_whose_window_is_closed_is_not_reminded(kitchen: Kitchen) -> None:
    order = delivered(kitchen)
    later(order)
    kitchen.stage.later(hours=25)
    kitchen.work()
    assert "reminder" not in kitchen.told(order)
    assert submissions.next_deadline() is None


def test_the_reminder_is_due_when_it_is_said_to_be(kitchen: Kitchen) -> None:
    before = clock.now()
    later(delivered(kitchen))
    due = submissions.next_deadline()
    assert due is not None
    assert due - before >= timedelta(hours=3)
    assert not resolving.look_after()


def test_only_what_was_delivered_can_be_rated_later(kitchen: Kitchen) -> None:
    assert not later(kitchen.place())
    assert Message.select().where(Message.idempotency_key.endswith(":reminder")).count() == 0


def test_what_was_asked_about_an_earlier_order_is_not_taken_for_a_later_one(kitchen: Kitchen) -> None:
    earlier = kitchen.place()
    kitchen.stage.says("later")
    kitchen.stage.answer()
    wrote, asked = kitchen.stage.in_()[-1].id, kitchen.stage.out()[-1].id
    db.write(lambda: db.run("UPDATE message SET order_id = ? WHERE id = ?", earlier.id, wrote))
    db.write(lambda: db.run("UPDATE message SET purpose = 'rating' WHERE id = ?", asked))
    rate(delivered(kitchen), 5)
    assert [message.order_id for message in kitchen.stage.out() if message.id == asked] == [None]
