"""`wabot order`: listed, moved, and settled by hand what the platform left open."""

import pytest

from tests.cli.conftest import Shell, Stage
from tests.core import kitchen as kitchens
from tests.core.kitchen import Kitchen
from wabot.store import db
from wabot.store.orders import Order


@pytest.fixture
def kitchen(shell: Shell, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    kitchens.settings(monkeypatch)
    return Kitchen(stage)


def unknown(kitchen: Kitchen) -> Order:
    kitchen.at_the_platform()
    kitchen.answers({}, 500)
    order = kitchen.place()
    kitchen.work()
    return kitchen.fresh(order)


def test_orders_are_listed_in_the_shape_of_the_api(shell: Shell, kitchen: Kitchen) -> None:
    first, second = kitchen.place(), kitchen.place()
    listed = shell.json("order", "list", "bait")["data"]
    assert [row["id"] for row in listed] == [second.id, first.id]
    assert (listed[0]["orderNumber"], listed[0]["total"], listed[0]["status"]) == (2, 45, "CONFIRMED")
    assert "45 SAR" in shell.ok("order", "list", "bait")
    assert shell.json("order", "list", "bait", "--status", "delivered")["data"] == []
    assert len(shell.json("order", "list", "bait", "--limit", "1")["data"]) == 1


def test_an_order_of_a_tenant_that_there_is_not_is_one_line(shell: Shell, kitchen: Kitchen) -> None:
    assert shell.refused("order", "list", "nowhere") == "there is no tenant 'nowhere'"


def test_an_order_is_moved_and_who_did_it_is_kept(shell: Shell, kitchen: Kitchen) -> None:
    order = kitchen.place()
    moved = shell.json("order", "status", str(order.id), "preparing")
    assert (moved["status"], moved["timeline"][-1]["by"]) == ("PREPARING", "operator (command line)")
    assert shell.ok("order", "status", str(order.id), "PREPARING") == f"Order {order.id} is PREPARING.\n"
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING"]
    assert db.rows("SELECT action, tenant FROM audit") == [("order PREPARING", "bait")]


def test_a_forbidden_step_says_what_is_allowed_in_one_line(shell: Shell, kitchen: Kitchen) -> None:
    order = kitchen.place()
    said = shell.refused("order", "status", str(order.id), "DELIVERED")
    assert said == "an order that is CONFIRMED cannot become DELIVERED: it can become PREPARING or CANCELLED"


@pytest.mark.parametrize("words", [("status", "99", "PREPARING"), ("submit", "99"), ("confirm", "99", "--number", "7"),
                                   ("status", "9" * 30, "PREPARING")])  # fmt: skip
def test_an_order_that_there_is_not_is_one_line(shell: Shell, kitchen: Kitchen, words: tuple[str, ...]) -> None:
    assert shell.refused("order", *words).startswith("there is no order 99")


def test_a_state_that_there_is_not_is_wrong_usage(shell: Shell, kitchen: Kitchen) -> None:
    assert "COOKED" in shell.misused("order", "status", "1", "COOKED")


def test_what_nobody_knows_is_placed_again_only_by_force(shell: Shell, kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    assert "--force" in shell.refused("order", "submit", str(order.id))
    assert shell.json("order", "submit", str(order.id), "--force")["submission"] == "waiting"


def test_what_somebody_found_at_the_platform_is_confirmed_by_its_number(shell: Shell, kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    confirmed = shell.json("order", "confirm", str(order.id), "--number", "7001")
    assert (confirmed["status"], confirmed["orderNumber"]) == ("CONFIRMED", 7001)
    assert "is CONFIRMED as 7001" in shell.refused("order", "confirm", str(order.id), "--number", "7002")
    assert shell.refused("order", "submit", str(order.id), "--force").endswith("does not wait to be placed")
    assert kitchen.told(order) == ["CONFIRMED"]


def test_what_waits_and_what_nobody_knows_is_in_the_queue(shell: Shell, kitchen: Kitchen) -> None:
    unknown(kitchen)
    kitchen.place()
    queue = shell.json("queue")
    assert (queue["ordersToPlace"], queue["ordersUnknown"]) == (1, 1)


def test_what_the_platform_told_is_listed_and_can_be_read_again(shell: Shell, kitchen: Kitchen) -> None:
    kitchen.calls_back(5, "preparing")
    [row] = shell.json("webhook", "list", "--verdict", "unrouted")["data"]
    assert (row["provider"], row["tenant"], row["about"]) == ("catalog", "bait", "order 5")
    shell.ok("webhook", "show", str(row["id"]))
    shell.ok("webhook", "replay", str(row["id"]))
    kitchen.stage.read()
    assert kitchen.verdict()[0] == "unrouted"
