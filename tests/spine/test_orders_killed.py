"""The consumer is killed (-9) while the platform takes orders: it has each of them once, ours are never placed again by
themselves, and they turn up by the platform's callback."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes import sufrah
from tests.spine.stack import ROOT, Stack, running, wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path, WABOT_UNKNOWN_DEADLINE="4", SUFRAH_API_KEY=sufrah.KEY) as stack:
        yield stack


def start_platform(stack: Stack) -> str:
    """The platform, which calls the tenant's route; web and consumer know it. Its address."""
    url = stack.cli("tenant", "edit", "demo", "--catalog-merchant", sufrah.MERCHANT)["ordersUrl"]
    platform = f"http://127.0.0.1:{stack.start_other('sufrah', '--webhook', url)}"
    stack.env["SUFRAH_API_BASE"] = platform
    restart_consumer(stack)
    return platform


def restart_consumer(stack: Stack) -> None:
    stack.kill(stack.consumer)
    stack.start_consumer()


def control(platform: str, **order: Any) -> None:
    requests.post(f"{platform}/_control", json=order, timeout=5).raise_for_status()


def place(stack: Stack, count: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.spine.place_orders", "demo", str(count)],
        cwd=ROOT, env=stack.environment(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout))


def submitted(stack: Stack) -> list[dict[str, Any]]:
    return [line for line in stack.ledger_of("sufrah") if line["call"] == "submit"]


def orders(stack: Stack) -> list[dict[str, Any]]:
    return list(stack.cli("order", "list", "demo")["data"])


def test_an_order_whose_worker_is_killed_in_the_call_is_there_once_and_turns_up(stack: Stack) -> None:
    platform = start_platform(stack)
    control(platform, on="submit", mode="timeout", count=1)
    place(stack, 1)
    wait_until(lambda: submitted(stack), seconds=20, what="the platform has it")
    [before] = orders(stack)
    assert (before["status"], before["submission"], before["orderNumber"]) == ("DRAFT", "calling", None)
    restart_consumer(stack)
    wait_until(lambda: orders(stack)[0]["submission"] == "unknown", seconds=30, what="it is known to be unknown")
    wait_until(
        lambda: [row for row in stack.api("/restaurants/demo/conversations")["data"] if row["state"] == "needs_person"],
        seconds=30,
        what="a person is called",
    )
    [line] = submitted(stack)
    control(platform, orderNumber=line["number"], status="In Progress")
    wait_until(lambda: orders(stack)[0]["status"] == "PREPARING", seconds=20, what="the callback finds it")
    [after] = orders(stack)
    assert (after["orderNumber"], after["submission"]) == (line["number"], "accepted")
    assert len(submitted(stack)) == 1


def test_ten_kills_while_thirty_orders_are_placed_place_none_twice(stack: Stack) -> None:
    platform = start_platform(stack)
    control(platform, on="submit", mode="ok", delay_ms=80, count=1000)
    placed = place(stack, 30)
    for point in range(2, 22, 2):
        wait_until(lambda point=point: len(submitted(stack)) >= point, seconds=60, what=f"{point} orders")
        restart_consumer(stack)
    settled = ("accepted", "unknown")
    wait_until(
        lambda: all(row["submission"] in settled for row in orders(stack)), seconds=90, what="all orders are settled"
    )
    there = Counter(line["key"] for line in submitted(stack))
    assert set(there.values()) == {1}
    numbers = {line["key"]: line["number"] for line in submitted(stack)}
    rows = orders(stack)
    assert {row["uid"] for row in rows} == set(placed)
    assert Counter(row["status"] for row in rows)["CONFIRMED"] >= 10
    for row in rows:
        assert row["orderNumber"] in (None, numbers.get(row["uid"])), "an order has another one's number"
        assert (row["orderNumber"] is None) == (row["submission"] == "unknown")
