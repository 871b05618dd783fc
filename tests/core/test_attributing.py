"""What messages cost by what they were for: the parts add up to the month."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.conftest import Stage
from tests.core.prices import NOON, REGULAR, delivers, load, template
from tests.core.test_metering import goes_out, tenant
from wabot.core import attributing, costing, estimating
from wabot.core.costing import Cost
from wabot.core.days import Month
from wabot.store import db, messages
from wabot.store.charges import Dimension

MARCH = Month(2027, 3)
LATER = NOON + timedelta(days=4)


def speaks(stage: Stage, step: str, number: int, days: int = 0, **values: Any) -> list[int]:
    """The flow step wrote so many messages, which were delivered."""
    made = delivers(stage, NOON + timedelta(days=days), number, **values)
    db.write(lambda: [messages.change(message.id, step=step, purpose=step and f"of {step}") for message in made])
    return [message.id for message in made]


def shown(by: Dimension = Dimension.STEP) -> dict[str | None, dict[str, Any]]:
    return {row[by.value]: row for row in attributing.shape(tenant(), MARCH, by, LATER)}


def test_each_flow_step_has_its_messages_and_their_cost(stage: Stage) -> None:
    load("utility,SA,2027-01-01,SAR,0.04,0", "marketing,SA,2027-01-01,SAR,0.5,0")
    speaks(stage, "welcome", 3, category="utility", **REGULAR)
    speaks(stage, "menu", 1, category="marketing", **REGULAR)
    speaks(stage, "menu", 1, days=1, category="utility", **REGULAR)
    goes_out(stage, NOON)
    found = attributing.shape(tenant(), MARCH, Dimension.STEP, LATER)
    assert [row["step"] for row in found] == ["welcome", "menu", None]
    assert found[1] == {
        "step": "menu",
        "messages": 2,
        "delivered": 2,
        "billed": 2,
        "cost": {"amount": 0.54, "currency": "SAR"},
        "costs": [{"amount": 0.54, "currency": "SAR"}],
        "unpriced": 0,
        "costIs": "estimate",
    }
    assert (found[2]["messages"], found[2]["delivered"], found[2]["cost"]) == (1, 0, {"amount": 0, "currency": "SAR"})


def test_kinds_and_purposes_are_told_apart_too(stage: Stage) -> None:
    load("utility,SA,2027-01-01,SAR,0.04,0", "service,*,2027-01-01,SAR,1,0")
    speaks(stage, "welcome", 2, **template(stage, "utility"))
    speaks(stage, "", 1)
    assert {kind: row["cost"]["amount"] for kind, row in shown(Dimension.KIND).items()} == {"template": 0.08, "text": 1}
    assert {word: row["cost"]["amount"] for word, row in shown(Dimension.TYPE).items()} == {"of welcome": 0.08, None: 1}


def test_free_messages_are_spread_over_the_steps_of_the_day_that_crossed_the_tier(stage: Stage) -> None:
    load("service,*,2027-01-01,SAR,1,6")
    speaks(stage, "menu", 8)
    speaks(stage, "welcome", 4)
    assert {step: (row["billed"], row["cost"]["amount"]) for step, row in shown().items()} == {
        "menu": (4, 4), "welcome": (2, 2)}  # fmt: skip
    assert estimating.of_month(tenant(), MARCH, LATER) == Cost({"SAR": 6_000_000})


def test_without_a_price_it_says_so(stage: Stage) -> None:
    speaks(stage, "menu", 2, category="utility", **REGULAR)
    assert (shown()["menu"]["cost"], shown()["menu"]["unpriced"]) == (None, 2)


def test_a_month_without_traffic_has_no_rows(stage: Stage) -> None:
    assert attributing.shape(tenant(), Month(2026, 12), Dimension.STEP, LATER) == []


@pytest.mark.parametrize("by", list(Dimension))
def test_the_parts_add_up_to_the_month(stage: Stage, by: Dimension) -> None:
    load("service,*,2027-01-01,SAR,0.07,11", "service,EG,2027-01-01,USD,0.013,5", "utility,*,2027-03-12,SAR,0.3,0")
    for number in range(24):
        values: dict[str, Any] = {"category": "utility", **REGULAR} if number % 3 else {}
        phone = "+201001234567" if number % 4 == 1 else "+966511111111"
        speaks(stage, f"step{number % 5}", 1 + number % 3, days=number % 4, phone=phone, **values)
    parts = attributing.of_month(tenant(), MARCH, by, LATER).values()
    whole = estimating.of_month(tenant(), MARCH, LATER)
    assert costing.add_up(costing.total(part.charges) for part in parts) == whole
    assert whole.unpriced > 0
    assert len(whole.micros) == 2


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_what_is_divided_adds_up_and_nobody_gets_more_than_one_above_its_share(total: int, weights: list[int]) -> None:
    parts = attributing.divide(total, weights)
    assert sum(parts) == total
    assert all(abs(part * sum(weights) - total * weight) <= sum(weights) for part, weight in zip(parts, weights))  # noqa: B905


def test_messages_that_are_named_cost_their_share_of_their_day(stage: Stage) -> None:
    load("service,*,2027-01-01,SAR,1,6", "utility,SA,2027-01-01,SAR,0.04,0")
    ids = speaks(stage, "menu", 12)
    ids += speaks(stage, "menu", 2, days=1, category="utility", **REGULAR)
    assert attributing.of_each(tenant(), {0: ids[:3]}, LATER)[0] == (2, Cost({"SAR": 1_500_000}))
    assert attributing.of_each(tenant(), {0: ids[11:]}, LATER)[0] == (3, Cost({"SAR": 580_000}))
    assert attributing.of_each(tenant(), {0: []}, LATER)[0] == (0, Cost())
    unsent = goes_out(stage, NOON).id
    assert attributing.of_each(tenant(), {0: [unsent, 10**15]}, LATER)[0] == (0, Cost())


def test_a_day_s_parts_are_found_by_an_index(stage: Stage) -> None:
    asked: list[str] = []
    speaks(stage, "menu", 1)
    connection = db.database.connection()
    connection.set_exec_trace(lambda cursor, sql, bindings: (asked.append(sql), True)[1])
    try:
        attributing.of_month(tenant(), MARCH, Dimension.STEP, LATER)
    finally:
        connection.set_exec_trace(None)
    [parts] = [sql for sql in asked if "m.step" in sql]
    steps = [row[3] for row in db.rows("EXPLAIN QUERY PLAN " + parts, 1, 1, 1, 1)]
    assert not [step for step in steps if step.startswith("SCAN")]
    assert "message_day" in " ".join(steps)
