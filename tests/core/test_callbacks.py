"""What the order platform calls back: in any spelling, doubled, late, hostile; applied once and only forward."""

import contextlib
import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core import kitchen as kitchens
from tests.core.conftest import Stage
from tests.core.kitchen import MERCHANT, Kitchen
from tests.core.test_order_steps import ahead
from wabot import clock, errors
from wabot.core import callbacks, recovery, tenancy
from wabot.store import db, orders, webhooks
from wabot.store.orders import Order
from wabot.words import OrderStatus, OrderType, PaymentMethod, PaymentStatus

SPELLED = {
    OrderStatus.CONFIRMED: ["received", "Confirmed", "RECEIVED"],
    OrderStatus.PREPARING: ["in progress", "In_Progress", "inProgress", "PREPARING", "preparing "],
    OrderStatus.OUT_FOR_DELIVERY: ["out for delivery", "OutForDelivery", "OUT_FOR_DELIVERY", "out-for-delivery"],
    OrderStatus.DELIVERED: ["delivered", "Completed", "COMPLETED"],
    OrderStatus.CANCELLED: ["cancelled", "Canceled", "rejected", "REJECTED"],
}


@pytest.fixture
def kitchen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    kitchens.settings(monkeypatch)
    kitchen = Kitchen(stage)
    kitchen.at_the_platform()
    return kitchen


def placed(kitchen: Kitchen, number: int = 1001, **changes: Any) -> Order:
    """An order that the platform has taken."""
    kitchen.answers({"orderNumber": number})
    order = kitchen.place(**changes)
    kitchen.work()
    return kitchen.fresh(order)


@pytest.mark.parametrize(("status", "word"), [(status, word) for status, said in SPELLED.items() for word in said])
def test_a_status_is_understood_in_any_case_and_spelling(kitchen: Kitchen, status: OrderStatus, word: str) -> None:
    order = placed(kitchen)
    kitchen.calls_back(1001, word)
    assert kitchen.fresh(order).status is status
    assert kitchen.verdict()[0] == "accepted"


@pytest.mark.parametrize("number", [1001, "1001", 1001.0, " 1001 ", "#1001", "01001", "١٠٠١"])
def test_a_number_is_understood_as_number_and_as_text(kitchen: Kitchen, number: Any) -> None:
    order = placed(kitchen)
    kitchen.calls_back(number, "preparing")
    assert kitchen.fresh(order).status is OrderStatus.PREPARING


@pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for first in SPELLED for second in SPELLED if first is not OrderStatus.CONFIRMED],
)
def test_it_jumps_forward_with_one_notification_and_never_back(
    kitchen: Kitchen, first: OrderStatus, second: OrderStatus
) -> None:
    order = placed(kitchen)
    kitchen.calls_back(1001, SPELLED[first][0])
    kitchen.calls_back(1001, SPELLED[second][0])
    moves = ahead(first, second, "delivery")
    assert kitchen.fresh(order).status is (second if moves else first)
    assert kitchen.told(order) == ["CONFIRMED", first, *[second] * moves]
    assert kitchen.verdict()[0] == "accepted"
    if not moves and first is not second:
        assert kitchen.verdict()[2] == f"order 1001: {second} ignored: it is {first}"


@pytest.mark.parametrize(("kind", "word"), [(OrderType.DELIVERY, "ready"), (OrderType.CAR, "out for delivery")])
def test_a_step_that_its_kind_does_not_have_is_ignored_and_recorded(
    kitchen: Kitchen, kind: OrderType, word: str
) -> None:
    order = placed(kitchen, type=kind)
    kitchen.calls_back(1001, word)
    assert kitchen.fresh(order).status is OrderStatus.CONFIRMED
    assert "ignored" in kitchen.verdict()[2]


def test_the_same_callback_again_is_counted_and_nobody_is_told_twice(kitchen: Kitchen) -> None:
    order = placed(kitchen)
    for _ in range(5):
        kitchen.calls_back(1001, "preparing")
    [journalled] = [row for row in webhooks.page() if row.provider == "catalog"]
    assert journalled.duplicates == 4
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING"]


def test_many_that_say_the_same_and_are_read_at_the_same_time_are_told_once(kitchen: Kitchen) -> None:
    order = placed(kitchen, payment=PaymentMethod.ONLINE)
    url = f"/webhooks/orders/{kitchen.tenant.orders_key}"
    for n in range(120):
        body = {"orderNumber": 1001, "status": "preparing", "paymentStatus": "paid", "sent": n}
        assert kitchen.stage.client.post(url, json=body).status_code == 200
    threads = [threading.Thread(target=kitchen.stage.read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING", "paid"]
    assert kitchen.timeline(order) == ["DRAFT", "CONFIRMED", "PREPARING"]


def test_read_again_it_changes_nothing(kitchen: Kitchen) -> None:
    order = placed(kitchen)
    kitchen.calls_back(1001, "preparing")
    kitchen.calls_back(1001, "delivered")
    for row in webhooks.page():
        recovery.replay(row.id)
    kitchen.stage.read()
    assert kitchen.timeline(order) == ["DRAFT", "CONFIRMED", "PREPARING", "DELIVERED"]
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING", "DELIVERED"]


@pytest.mark.parametrize("word", ["paid", "Paid", "PAID"])
def test_a_payment_is_told_once(kitchen: Kitchen, word: str) -> None:
    order = placed(kitchen, payment=PaymentMethod.ONLINE)
    kitchen.calls_back(1001, "preparing", word)
    kitchen.calls_back(1001, "delivered", word)
    kitchen.calls_back(1001, payment=word)
    assert kitchen.fresh(order).payment_status is PaymentStatus.PAID
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING", "paid", "DELIVERED"]


@pytest.mark.parametrize("body", [
    {"orderNumber": 1002}, {"merchantId": "another"}, {"orderNumber": "nonsense"}, {"orderNumber": "9" * 40},
])  # fmt: skip
def test_of_an_unknown_order_it_is_answered_200_and_unrouted(kitchen: Kitchen, body: dict[str, Any]) -> None:
    order = placed(kitchen)
    kitchen.calls_back(
        **(
            {"number": 1001, "status": "preparing"}
            | ({"number": body["orderNumber"]} if "orderNumber" in body else body)
        )
    )
    assert (kitchen.verdict()[0], kitchen.fresh(order).status) == ("unrouted", OrderStatus.CONFIRMED)


def test_the_merchant_may_lack_and_may_be_in_any_case(kitchen: Kitchen) -> None:
    order = placed(kitchen)
    kitchen.calls_back(1001, "preparing", merchantId=MERCHANT.upper())
    assert kitchen.fresh(order).status is OrderStatus.PREPARING
    kitchen.calls_back(1001, "delivered", merchantId=None)
    assert kitchen.fresh(order).status is OrderStatus.DELIVERED


def test_a_tenant_without_a_platform_can_be_told_of_its_own_orders(kitchen: Kitchen) -> None:
    tenancy.edit_tenant("bait", {"catalog_merchant": ""}, {})
    order = kitchen.place()
    kitchen.calls_back(order.number, "preparing")
    assert kitchen.fresh(order).status is OrderStatus.PREPARING


def test_an_own_number_and_the_platform_s_same_number_are_two_orders(kitchen: Kitchen) -> None:
    tenancy.edit_tenant("bait", {"catalog_merchant": ""}, {})
    own = kitchen.place()
    kitchen.at_the_platform()
    theirs = placed(kitchen, int(own.number))
    kitchen.calls_back(own.number, "preparing")
    assert [kitchen.fresh(order).status for order in (own, theirs)] == [OrderStatus.CONFIRMED, OrderStatus.PREPARING]


def test_another_tenant_s_order_of_the_same_number_is_not_touched(kitchen: Kitchen, make_channel: Any) -> None:
    order = placed(kitchen)
    make_channel("luma", "+966500000002")
    other = tenancy.find_tenant("luma")
    url = f"/webhooks/orders/{other.orders_key}"
    body = {"orderNumber": 1001, "status": "delivered", "merchantId": MERCHANT}
    assert kitchen.stage.client.post(url, json=body).status_code == 200
    kitchen.stage.read()
    assert (kitchen.verdict()[0], kitchen.fresh(order).status) == ("unrouted", OrderStatus.CONFIRMED)


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'"x"', b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"orderNumber": 1001}',
    b'{"status": "preparing"}', b'{"orderNumber": true, "status": "preparing"}',
    b'{"orderNumber": {"a": 1}, "status": "preparing"}', b'{"orderNumber": -5, "status": "preparing"}',
    b'{"orderNumber": 1001, "status": "dancing"}', b'{"orderNumber": 1001, "status": 7}',
    b'{"orderNumber": NaN, "status": "preparing"}', b'{"orderNumber": 1e999, "status": "preparing"}',
    b'{"orderNumber": 1e40, "status": "preparing"}', b'{"orderNumber": ' + b"9" * 5000 + b', "status": "preparing"}',
])  # fmt: skip
def test_what_cannot_be_understood_is_answered_200_and_kept_in_quarantine(kitchen: Kitchen, body: bytes) -> None:
    order = placed(kitchen)
    answer = kitchen.stage.client.post(f"/webhooks/orders/{kitchen.tenant.orders_key}", data=body)
    assert answer.status_code == 200
    kitchen.stage.read()
    verdict, reason, _ = kitchen.verdict()
    assert verdict == "quarantined"
    assert reason
    assert kitchen.fresh(order).status is OrderStatus.CONFIRMED


def test_of_a_word_that_nobody_knows_the_rest_is_applied_and_it_is_kept(kitchen: Kitchen) -> None:
    order = placed(kitchen, payment=PaymentMethod.ONLINE)
    kitchen.calls_back(1001, "dancing", "paid")
    assert kitchen.fresh(order).payment_status is PaymentStatus.PAID
    assert kitchen.verdict()[:2] == ("quarantined", "status is a word that nobody knows")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["orderNumber", "ordernumber", "status", "paymentStatus", "merchantId", "branchId"])


@given(st.dictionaries(names, json_values | st.sampled_from(["paid", "ready", "1001"])))
def test_any_json_is_read_or_refused_with_a_reason(body: dict[str, Any]) -> None:
    with contextlib.suppress(errors.Unreadable):
        read = callbacks.parse(json.dumps(body).encode())
        assert 0 < len(read.number) <= callbacks.LONGEST_NUMBER
        assert read.status or read.payment or read.problem


def test_a_consumer_that_dies_while_reading_leaves_it_to_be_read(kitchen: Kitchen) -> None:
    order = placed(kitchen)
    body = json.dumps({"orderNumber": 1001, "status": "preparing"})
    kitchen.stage.client.post(f"/webhooks/orders/{kitchen.tenant.orders_key}", data=body)
    taken = db.write(lambda: webhooks.begin_reading(clock.now()))
    db.write(lambda: webhooks.give_back([row.id for row in taken], suspect=True))
    kitchen.stage.read()
    assert kitchen.fresh(order).status is OrderStatus.PREPARING


def test_a_tenant_that_is_gone_cannot_be_told(kitchen: Kitchen) -> None:
    key = kitchen.tenant.orders_key
    tenancy.remove_tenant("bait")
    assert kitchen.stage.client.post(f"/webhooks/orders/{key}", json={}).status_code == 403


def test_numbers_are_looked_up_and_not_interpreted(kitchen: Kitchen) -> None:
    placed(kitchen)
    assert orders.numbered(kitchen.tenant.id, "%") == []
    assert orders.numbered(kitchen.tenant.id, "1001' OR '1'='1") == []
