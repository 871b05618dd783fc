"""Orders placed at the imitated platform over real HTTP: whatever breaks on the way, it has each of them at most
once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.conftest import Stage
from tests.core.kitchen import Kitchen
from tests.fakes import sufrah
from wabot import config, words
from wabot.store import db, tenants
from wabot.store.orders import Submission
from wabot.words import Line, OrderStatus, OrderType, PaymentMethod, PaymentStatus, Wish

LINE = Line(sufrah.SHAWARMA, {"en": "Chicken shawarma"}, 1850, 2, (), (words.Picked("a", {"en": "Garlic"}, 150),))
WISH = Wish(OrderType.DELIVERY, (LINE,), PaymentMethod.ONLINE, sufrah.OLAYA, 24.69, 46.68, "", "ring twice")
BREAKS: list[tuple[dict[str, Any], int]] = [
    ({"mode": "timeout"}, 1),
    ({"mode": "reset_after"}, 1),
    ({"mode": "reset_before"}, 0),
    ({"mode": "error", "status": 500, "accepted": True}, 1),
    ({"mode": "error", "status": 502}, 0),
]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Any]:
    with sufrah.running(tmp_path / "platform.jsonl") as running:
        yield running


@pytest.fixture
def kitchen(stage: Stage, platform: Any, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    for name, value in (("API_BASE", platform.url), ("API_KEY", platform.key)):
        monkeypatch.setenv(f"SUFRAH_{name}", value)
    monkeypatch.setenv("WABOT_SEND_TIMEOUT", "1")
    config.settings.cache_clear()
    stage.provider.add_passthru(platform.url)
    kitchen = Kitchen(stage)
    db.write(lambda: tenants.change(kitchen.tenant.id, catalog_merchant=sufrah.MERCHANT))
    return kitchen


def call_back(kitchen: Kitchen, platform: Any, number: str, **moved: str) -> None:
    platform.move(number, **moved)
    url = f"/webhooks/orders/{kitchen.tenant.orders_key}"
    assert kitchen.stage.client.post(url, json=platform.callback(number)).status_code == 200
    kitchen.stage.read()


def test_an_order_goes_there_and_its_way_back_to_the_end(kitchen: Kitchen, platform: Any) -> None:
    order = kitchen.place(WISH)
    kitchen.work()
    order = kitchen.fresh(order)
    assert (order.status, order.number) == (OrderStatus.CONFIRMED, str(sufrah.FIRST_NUMBER))
    assert order.payment_link.startswith("https://pay.example/")
    for status, payment in (("In Progress", "paid"), ("OUT_FOR_DELIVERY", "paid"), ("Completed", "paid")):
        call_back(kitchen, platform, order.number, status=status, payment=payment)
    order = kitchen.fresh(order)
    assert (order.status, order.payment_status) == (OrderStatus.DELIVERED, PaymentStatus.PAID)
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING", "paid", "OUT_FOR_DELIVERY", "DELIVERED"]


@pytest.mark.parametrize(("how", "taken"), BREAKS, ids=[str(how) for how, _ in BREAKS])
def test_what_breaks_on_the_way_is_not_repeated_and_found_if_it_is_there(
    kitchen: Kitchen, platform: Any, how: dict[str, Any], taken: int
) -> None:
    platform.order({"on": "submit", **how})
    order = kitchen.place(WISH)
    kitchen.work()
    for seconds in (10, 60, 120, 3600):
        assert kitchen.fresh(order).submission is Submission.UNKNOWN
        kitchen.stage.later(seconds=seconds)
        kitchen.work()
    assert (len(platform.calls("submit")), len(platform.orders)) == (1, taken)
    assert kitchen.told(order) == ["placing", "uncertain"]
    if taken:
        call_back(kitchen, platform, str(sufrah.FIRST_NUMBER), status="preparing")
        assert kitchen.fresh(order).status is OrderStatus.PREPARING


def test_a_platform_that_is_not_there_is_tried_again_and_takes_it_once(
    kitchen: Kitchen, platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUFRAH_API_BASE", "http://127.0.0.1:9")
    config.settings.cache_clear()
    kitchen.stage.provider.add_passthru("http://127.0.0.1:9")
    order = kitchen.place(WISH)
    kitchen.work()
    assert kitchen.fresh(order).submission is Submission.WAITING
    monkeypatch.setenv("SUFRAH_API_BASE", platform.url)
    config.settings.cache_clear()
    kitchen.stage.later(seconds=5)
    kitchen.work()
    assert (len(platform.orders), kitchen.fresh(order).status) == (1, OrderStatus.CONFIRMED)


def test_an_answer_in_plain_text_confirms_it(kitchen: Kitchen, platform: Any) -> None:
    platform.order({"on": "submit", "mode": "ok", "text": "Order number {number}", "content_type": "text/plain"})
    order = kitchen.place(WISH)
    kitchen.work()
    assert kitchen.fresh(order).number == str(sufrah.FIRST_NUMBER)


def test_an_answer_that_is_cut_off_does_not_place_it_twice(kitchen: Kitchen, platform: Any) -> None:
    platform.order({"on": "submit", "mode": "broken_json"})
    order = kitchen.place(WISH)
    kitchen.work()
    assert len(platform.orders) == 1
    assert kitchen.fresh(order).number in ("", str(sufrah.FIRST_NUMBER))
