"""Figures of orders over the tenant's days, against orders that are added up by hand."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.conftest import Stage
from tests.core.kitchen import JUICE, SHAWARMA, Kitchen
from wabot import clock
from wabot.core import days, order_statistics, ordering, stepping, tenancy
from wabot.store import customers, db, orders
from wabot.store.orders import Order
from wabot.words import Line, OrderStatus, Rated

SHAPE = {
    "orders": {"count", "byStatus", "byDay", "revenue"},
    "ratings": {"1", "2", "3", "4", "5", "average"},
}


@pytest.fixture
def kitchen(stage: Stage) -> Kitchen:
    return Kitchen(stage)


def today(kitchen: Kitchen) -> date:
    return days.of(kitchen.tenant.timezone, clock.now())


def figures(kitchen: Kitchen, back: int = 0) -> dict[str, Any]:
    last = today(kitchen)
    return order_statistics.figures(kitchen.tenant, last - timedelta(days=back), last)


def move(order: Order, *steps: OrderStatus) -> None:
    for step in steps:
        stepping.move(order.tenant_id, order.id, step, actor="a test", slug="bait")


def test_without_orders_all_is_nought_and_every_day_is_there(kitchen: Kitchen) -> None:
    found = figures(kitchen, back=6)
    assert set(found) == {"orders", "ratings", "popularItems"}
    assert {name: set(found[name]) for name in SHAPE} == SHAPE
    assert found["orders"]["count"] == found["orders"]["revenue"] == 0
    assert found["orders"]["byStatus"] == dict.fromkeys([status.value for status in OrderStatus], 0)
    assert [set(day) for day in found["orders"]["byDay"]] == [{"date", "count", "revenue"}] * 7
    assert found["orders"]["byDay"][-1]["date"] == today(kitchen).isoformat()
    assert found["ratings"] == {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0, "average": None}
    assert found["popularItems"] == []


def test_what_is_cancelled_is_counted_and_earns_nothing(kitchen: Kitchen) -> None:
    kitchen.place()
    move(kitchen.place(), OrderStatus.CANCELLED)
    found = figures(kitchen)
    assert found["orders"]["count"] == 2
    assert found["orders"]["revenue"] == found["orders"]["byDay"][0]["revenue"] == 45
    assert found["orders"]["byStatus"]["CANCELLED"] == found["orders"]["byStatus"]["CONFIRMED"] == 1
    assert found["popularItems"] == [
        {"name": "Shawarma", "quantity": 2, "revenue": 37},
        {"name": "Orange juice", "quantity": 1, "revenue": 8},
    ]


def test_what_nobody_has_taken_earns_nothing(kitchen: Kitchen) -> None:
    kitchen.at_the_platform()
    kitchen.place()
    found = figures(kitchen)
    assert (found["orders"]["count"], found["orders"]["revenue"], found["popularItems"]) == (1, 0, [])


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_days_are_the_tenant_s(kitchen: Kitchen, zone: str) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    order, begins = kitchen.place(), days.begins_at(zone, today(kitchen))
    for at, expected in ((begins, [0, 1]), (begins - timedelta(milliseconds=1), [1, 0])):
        db.write(lambda at=at: orders.change(order.id, created_at=at))
        assert [day["count"] for day in figures(kitchen, back=1)["orders"]["byDay"]] == expected
    db.write(lambda: orders.change(order.id, created_at=begins - timedelta(days=1, milliseconds=1)))
    assert figures(kitchen, back=1)["orders"]["count"] == 0


def test_ratings_are_counted_with_their_average(kitchen: Kitchen) -> None:
    for stars in (5, 5, 4, 1):
        order = kitchen.place()
        move(order, OrderStatus.PREPARING, OrderStatus.DELIVERED)
        rated = Rated(order.uid, stars)
        db.write(
            lambda order=order, rated=rated: ordering.rate(order.tenant_id, order.conversation, rated, clock.now())
        )
    assert figures(kitchen)["ratings"] == {"1": 1, "2": 0, "3": 0, "4": 1, "5": 2, "average": 3.75}


def test_the_ten_most_popular_items_are_named_as_they_were_last(kitchen: Kitchen) -> None:
    for n in range(12):
        kitchen.place(lines=(Line(f"item-{n}", {"en": f"Old {n}"}, 100, n + 1),))
    kitchen.place(lines=(Line("item-11", {"ar": "جديد"}, 100, 1), SHAWARMA))
    popular = figures(kitchen)["popularItems"]
    assert len(popular) == 10
    assert popular[0] == {"name": "جديد", "quantity": 13, "revenue": 13}


def test_orders_in_a_former_currency_are_counted_without_their_revenue(kitchen: Kitchen) -> None:
    kitchen.place()
    tenancy.edit_tenant("bait", {"currency": "KWD"}, {})
    kitchen.place(lines=(JUICE,))
    found = figures(kitchen)
    assert (found["orders"]["count"], found["orders"]["revenue"]) == (2, 0.8)


def test_another_tenant_s_orders_are_not_among_them(kitchen: Kitchen, make_channel: Any) -> None:
    kitchen.place()
    other = make_channel("luma", "+966500000002")
    tenant, day = tenancy.find_tenant("luma"), today(kitchen)
    assert other.tenant_id == tenant.id
    assert order_statistics.figures(tenant, day, day)["orders"]["count"] == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9), st.booleans()), max_size=8))
def test_any_orders_add_up(kitchen: Kitchen, placed: list[tuple[int, int, bool]]) -> None:
    db.write(lambda: db.run("DELETE FROM orders"))
    conversation = customers.Conversation.get_or_none() or kitchen.conversation()
    now, by_day, earned = clock.now(), Counter[str](), Counter[str]()
    for back, quantity, is_cancelled in placed:
        line = Line("x", {"en": "X"}, 99, quantity)
        order = kitchen.place(lines=(line,), conversation=conversation)
        at = now - timedelta(days=back)
        db.write(lambda order=order, at=at: orders.change(order.id, created_at=at))
        if is_cancelled:
            move(order, OrderStatus.CANCELLED)
        day = days.of(kitchen.tenant.timezone, at).isoformat()
        by_day[day] += 1
        earned[day] += 0 if is_cancelled else 99 * quantity
    found = figures(kitchen, back=5)["orders"]
    assert {day["date"]: day["count"] for day in found["byDay"] if day["count"]} == dict(by_day)
    assert [round(day["revenue"] * 100) for day in found["byDay"]] == [earned[day["date"]] for day in found["byDay"]]
    assert round(found["revenue"] * 100) == sum(earned.values())


def test_no_figure_and_no_list_reads_a_whole_table(kitchen: Kitchen) -> None:
    """What SQLite says of each statement that these make: it searches by an index, it scans no table of orders."""
    kitchen.place()
    asked: list[str] = []
    connection = db.database.connection()
    connection.set_exec_trace(lambda cursor, sql, bindings: asked.append(cursor.expanded_sql) or True)
    try:
        figures(kitchen)
    finally:
        connection.set_exec_trace(None)
    plans = [row[3] for sql in asked for row in db.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert plans
    assert [plan for plan in plans if plan.startswith("SCAN") and ("orders" in plan or "order_item" in plan)] == []
    assert [plan for plan in plans if plan.startswith("SCAN o")] == []
