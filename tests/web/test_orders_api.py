"""Orders over the API: listed, found, moved; exactly the contract's object."""

import json
from typing import Any

import pytest

from tests.core import prices
from tests.core.kitchen import SHAWARMA, Kitchen
from tests.web.conftest import Cast
from wabot import clock, words
from wabot.core import order_shapes, ordering
from wabot.store import db, order_lists
from wabot.store.messages import Message
from wabot.store.orders import Order
from wabot.words import Line, OrderStatus, OrderType

CONTRACT = {
    "id", "orderNumber", "status", "type", "items", "total", "currency", "paymentMethod", "paymentStatus",
    "paymentLink", "branchId", "notes", "customer", "channelId", "rating", "ratingComment", "timeline", "createdAt",
}  # fmt: skip
URL = "/api/restaurants/bait/orders"
HOSTILE = ["'", '"', "%", "_", "\\", "%' OR 1=1 --", "x" * 5000, "\x00", "[", "*", "١", "((((", "𓂀", "' UNION SELECT 1"]


@pytest.fixture
def kitchen(cast: Cast) -> Kitchen:
    return Kitchen(cast.stage)


def listed(cast: Cast, query: str = "", who: str = "alice") -> list[dict[str, Any]]:
    answer = cast.get(URL + query, who)
    assert answer.status_code == 200, answer.json
    return list(answer.json["data"])


def patch(cast: Cast, order: Order | int, body: Any, who: str = "alice") -> Any:
    order_id = order if isinstance(order, int) else order.id
    return cast.client.patch(f"{URL}/{order_id}/status", json=body, headers=cast.headers(who))


def test_an_order_is_shown_as_the_contract_says(cast: Cast, kitchen: Kitchen) -> None:
    kitchen.place(branch_id="b-1")
    [shown] = listed(cast)
    assert set(shown) >= CONTRACT
    expected = {
        "orderNumber": 1, "status": "CONFIRMED", "type": "delivery", "total": 45, "currency": "SAR", "branchId": "b-1",
        "paymentMethod": "cash", "paymentStatus": "pending", "paymentLink": None, "notes": "no onions",
        "rating": None, "ratingComment": None, "channelId": cast.stage.channel.id,
        "allowed": ["PREPARING", "CANCELLED"],
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected
    assert shown["customer"].items() >= {"waId": "966511111111", "userId": None, "name": "Sara"}.items()
    assert shown["items"][0] == {
        "id": "shawarma", "name": "Shawarma", "quantity": 2, "price": 12.5, "total": 37, "notes": None,
        "options": [{"id": "large", "name": "Large", "price": 3}],
        "addOns": [{"id": "garlic", "name": "Garlic", "price": 1.5, "quantity": 2}],
    }  # fmt: skip
    assert [(step["status"], step["by"]) for step in shown["timeline"]] == [
        ("DRAFT", "customer"),
        ("CONFIRMED", "bait"),
    ]
    assert shown["location"] == {"latitude": 24.7, "longitude": 46.7, "address": "King Fahd Road"}
    assert set(shown["messages"]) == {"count", "billable", "cost", "saved"}


def test_an_order_without_a_number_shows_none(cast: Cast, kitchen: Kitchen) -> None:
    kitchen.at_the_platform()
    kitchen.place()
    [shown] = listed(cast)
    assert (shown["orderNumber"], shown["status"], shown["submission"]) == (None, "DRAFT", "waiting")


@pytest.mark.parametrize(
    ("number", "shown"), [("7", 7), ("007", "007"), ("A-7", "A-7"), ("9" * 20, "9" * 20), ("", None)]
)
def test_a_number_is_shown_as_the_platform_gives_it(number: str, shown: Any) -> None:
    assert order_shapes.number(Order(number=number)) == shown


@pytest.mark.parametrize(("minor", "digits", "major"), [(2950, 2, 29.5), (1, 2, 0.01), (1234, 3, 1.234), (500, 0, 500),
                                                        (10**11, 2, 10**9), (1999, 2, 19.99), (0, 2, 0)])  # fmt: skip
def test_money_is_a_number_in_major_units(minor: int, digits: int, major: float) -> None:
    shown = order_shapes.major(minor, digits)
    assert shown == major
    assert round(shown * 10**digits) == minor
    assert len(json.dumps(shown)) <= 14


def test_pages_go_on_where_the_last_one_ended(cast: Cast, kitchen: Kitchen) -> None:
    placed = [kitchen.place().id for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        answer = cast.get(f"{URL}?limit=2&cursor={cursor}").json
        seen += [row["id"] for row in answer["data"]]
        cursor = answer["pagination"]["nextCursor"]
        assert answer["pagination"]["hasMore"] is (cursor is not None)
    assert seen == sorted(placed, reverse=True)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=-1", "status=COOKED", "status=draft"]
)
def test_a_query_that_cannot_be_is_400(cast: Cast, query: str) -> None:
    assert cast.get(f"{URL}?{query}").status_code == 400


def test_orders_are_found_by_state_number_name_and_customer_s_number(cast: Cast, kitchen: Kitchen) -> None:
    first = kitchen.place()
    cast.stage.says("hi", phone="+966522222222", name="Ömer 100%")
    cast.stage.answer()
    second = kitchen.place(conversation=kitchen.conversation("+966522222222"))
    assert second.customer.name
    patch(cast, second, {"status": "PREPARING"})
    found = {
        query: [row["id"] for row in listed(cast, f"?{query}")]
        for query in ("status=PREPARING", "status=DELIVERED", "q=1", "q=2", "q=%232", "q=sar", "q=5222",
                      "q=966522222222", "q=%2B966 52 222-2222", "q=٥٢٢٢٢٢٢٢٢", "status=CONFIRMED&q=sara", "q=nobody")
    }  # fmt: skip
    both = [second.id, first.id]
    assert found["status=PREPARING"] == found["q=2"] == found["q=%232"] == [second.id]
    assert (
        found["q=5222"]
        == found["q=966522222222"]
        == found["q=%2B966 52 222-2222"]
        == found["q=٥٢٢٢٢٢٢٢٢"]
        == [second.id]
    )
    assert found["q=1"] in ([first.id], both)
    assert found["status=CONFIRMED&q=sara"] == [first.id]
    assert found["status=DELIVERED"] == found["q=nobody"] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_finds_nothing_and_breaks_nothing(cast: Cast, kitchen: Kitchen, text: str) -> None:
    kitchen.place()
    answer = cast.client.get(URL, query_string={"q": text}, headers=cast.headers("alice"))
    assert answer.status_code == 200
    assert (
        [row["orderNumber"] for row in answer.json["data"]] in ([], [1]) if text == "١" else answer.json["data"] == []
    )


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_an_order_is_moved_and_answered_as_it_is_then(cast: Cast, kitchen: Kitchen, who: str) -> None:
    order = kitchen.place()
    answer = patch(cast, order, {"status": "PREPARING"}, who)
    assert (answer.status_code, answer.json["status"]) == (200, "PREPARING")
    assert set(answer.json) >= CONTRACT
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING"]
    [(actor, action, tenant, subject)] = db.rows("SELECT actor, action, tenant, subject FROM audit")
    assert (action, tenant, subject) == ("order PREPARING", "bait", f"order {order.id}")
    assert actor == ("admin key" if who == "admin" else answer.json["timeline"][-1]["by"])


def test_repeating_the_present_state_is_200_and_sends_nothing(cast: Cast, kitchen: Kitchen) -> None:
    order = kitchen.place()
    for _ in range(3):
        assert patch(cast, order, {"status": "PREPARING"}).status_code == 200
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING"]


@pytest.mark.parametrize("status", ["DRAFT", "OUT_FOR_DELIVERY", "READY", "DELIVERED", "RATED"])
def test_a_forbidden_step_is_409_with_what_is_allowed(cast: Cast, kitchen: Kitchen, status: str) -> None:
    answer = patch(cast, kitchen.place(), {"status": status})
    assert answer.status_code == 409
    assert list(answer.json) == ["error", "code", "allowed", "requestId"]
    assert (answer.json["code"], answer.json["allowed"]) == ("forbidden_step", ["PREPARING", "CANCELLED"])
    assert answer.json["error"].startswith("An order that is CONFIRMED cannot become")


def test_nothing_can_follow_the_end_but_the_end(cast: Cast, kitchen: Kitchen) -> None:
    order = kitchen.place(type=OrderType.PICKUP)
    for status in ("PREPARING", "READY", "DELIVERED"):
        assert patch(cast, order, {"status": status}).status_code == 200
    assert patch(cast, order, {"status": "CANCELLED"}).json["allowed"] == []
    rated = words.Rated(order.uid, 5)
    db.write(lambda: ordering.rate(order.tenant_id, order.conversation, rated, clock.now()))
    assert patch(cast, order, {"status": "RATED"}).status_code == 200
    assert patch(cast, order, {"status": "DELIVERED"}).status_code == 409


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": "COOKED"}, {"status": "preparing"}, {"status": 1},
                                  {"status": ["PREPARING"]}, {"status": "PREPARING", "force": True}, [],
                                  "PREPARING"])  # fmt: skip
def test_a_body_that_cannot_be_is_400(cast: Cast, kitchen: Kitchen, body: Any) -> None:
    order = kitchen.place()
    assert patch(cast, order, body).status_code == 400
    assert kitchen.fresh(order).status is OrderStatus.CONFIRMED


@pytest.mark.parametrize("order_id", [0, 10**15, 10**40])
def test_an_order_that_there_is_not_is_404(cast: Cast, order_id: int) -> None:
    assert patch(cast, order_id, {"status": "PREPARING"}).status_code == 404


def test_names_are_in_the_tenant_s_language_else_in_the_one_that_there_is(cast: Cast, kitchen: Kitchen) -> None:
    lines = (SHAWARMA, Line("x", {"ar": "عصير"}, 1), Line("y", {"en": "", "ar": "ماء"}, 1), Line("z", {}, 1))
    kitchen.place(lines=lines)
    [shown] = listed(cast)
    assert [item["name"] for item in shown["items"]] == ["Shawarma", "عصير", "ماء", ""]


def test_a_page_of_many_takes_no_more_questions_than_a_page_of_one(cast: Cast, kitchen: Kitchen) -> None:
    for n in range(5):
        kitchen.place(conversation=kitchen.conversation(f"+96652222222{n}"))
    asked: list[str] = []
    connection, rows = db.database.connection(), order_lists.page(kitchen.tenant.id, most=50)
    tenant = kitchen.tenant
    connection.set_exec_trace(lambda _cursor, sql, _values: asked.append(sql) or True)
    try:
        order_shapes.page(tenant, rows[:1])
        of_one = len(asked)
        order_shapes.page(tenant, rows)
    finally:
        connection.set_exec_trace(None)
    assert len(asked) - of_one <= of_one + 4


def test_messages_of_an_order_are_counted_when_they_are_sent_and_cost_what_the_rate_card_says(
    cast: Cast, kitchen: Kitchen
) -> None:
    order = kitchen.place()
    assert listed(cast)[0]["messages"] == {"count": 0, "billable": 0, "cost": None, "saved": 0}
    cast.stage.deliver()
    for message in Message.select().where(Message.order_id == order.id, Message.direction == "OUT"):
        cast.stage.status("delivered", f"{message.uid}.1", id=message.provider_message_id)
    assert listed(cast)[0]["messages"] == {"count": 3, "billable": 3, "cost": None, "saved": 0}
    prices.load("service,*,2020-01-01,SAR,0.05,0")
    cost = {"amount": 0.15, "currency": "SAR"}
    assert listed(cast)[0]["messages"] == {"count": 3, "billable": 3, "cost": cost, "saved": 0}


def test_each_order_of_a_page_has_the_cost_of_its_own_messages(cast: Cast, kitchen: Kitchen) -> None:
    prices.load("service,*,2020-01-01,SAR,0.05,0")
    first = kitchen.place()
    second = kitchen.place(conversation=first.conversation)
    cast.stage.deliver()
    for message in Message.select().where(Message.direction == "OUT", Message.order_id.is_null(False)):
        cast.stage.status("delivered", f"{message.uid}.1", id=message.provider_message_id)
    shown = {row["id"]: row["messages"]["cost"]["amount"] for row in listed(cast)}
    assert shown == {first.id: 0.15, second.id: 0.05}
