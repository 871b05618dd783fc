"""Budgets: what they may be, what is spent of them, and who is told, once."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import Stage
from tests.core.prices import NOON, REGULAR, delivers, load, provider_tells
from tests.core.test_metering import go_to, tenant
from wabot import errors
from wabot.core import budgets, tenancy, upkeep
from wabot.store import alerts, db, tenants
from wabot.store.alerts import Alert, AlertKind

UTILITY: dict[str, Any] = {"category": "utility", **REGULAR}


def budget(value: str, **changes: Any) -> None:
    tenancy.edit_tenant("bait", changes, {"budget": value})


def spend(stage: Stage, number: int, at: datetime = NOON) -> None:
    """So many riyals."""
    delivers(stage, at, number, **UTILITY)


def shown(now: datetime = NOON + timedelta(hours=1)) -> dict[str, Any]:
    found = budgets.shape(tenant(), now)
    assert found is not None
    return found


@pytest.fixture
def priced(stage: Stage) -> Stage:
    """A message costs a riyal."""
    load("utility,*,2026-01-01,SAR,1,0")
    return stage


@pytest.mark.parametrize("value", ["500", "0.5", "499.50", "999999999.999999", ""])
def test_a_budget_is_an_amount_or_none(stage: Stage, value: str) -> None:
    budget(value)
    assert budgets.amount(tenant()) == (round(float(value) * 1_000_000) if value else None)


@pytest.mark.parametrize(
    "value", ["0", "0.00", "-5", "5e2", "NaN", "1,000", "500 SAR", "1" * 10, "0.0000001", " ", "٥"]
)
def test_what_is_no_amount_is_refused(stage: Stage, value: str) -> None:
    with pytest.raises(errors.Refused, match="budget is an amount above 0"):
        budget(value)


def test_an_amount_from_before_they_were_checked_is_none(stage: Stage) -> None:
    db.write(lambda: tenants.change(tenant().id, settings={"budget": "lots"}))
    assert budgets.amount(tenant()) is None
    assert budgets.check(tenant(), NOON) == []
    assert budgets.shape(tenant(), NOON) is None


def test_it_is_told_once_at_each_level(priced: Stage, caplog: pytest.LogCaptureFixture) -> None:
    budget("20")
    told = []
    for _ in range(22):
        spend(priced, 1)
        told.append(budgets.check(tenant(), NOON + timedelta(hours=1)))
    assert [(number + 1, levels) for number, levels in enumerate(told) if levels] == [
        (10, [50]),
        (15, [75]),
        (18, [90]),
        (20, [100]),
    ]
    lines = [record for record in caplog.records if record.name == "wabot.core.budgets"]
    assert [record.getMessage() for record in lines] == [f"a budget is spent to {level} %" for level in budgets.LEVELS]
    assert [alert["percent"] for alert in shown()["alerts"]] == [50, 75, 90, 100]


def test_levels_that_are_passed_at_once_are_told_together(priced: Stage) -> None:
    budget("10")
    spend(priced, 9)
    assert budgets.check(tenant(), NOON) == [50, 75, 90]
    assert budgets.check(tenant(), NOON) == []


def test_a_raised_budget_is_another_that_is_told_anew_and_an_old_one_is_not_told_twice(priced: Stage) -> None:
    budget("10")
    spend(priced, 8)
    assert budgets.check(tenant(), NOON) == [50, 75]
    budget("20")
    assert budgets.check(tenant(), NOON) == []
    spend(priced, 2)
    assert budgets.check(tenant(), NOON) == [50]
    budget("10")
    assert budgets.check(tenant(), NOON) == [90, 100]
    assert [(alert["percent"], alert["budget"]) for alert in shown()["alerts"]] == [
        (50, 10), (75, 10), (50, 20), (90, 10), (100, 10)]  # fmt: skip


def test_each_month_of_the_tenant_s_has_its_own_alerts(priced: Stage) -> None:
    budget("2")
    april = datetime(2027, 3, 31, 21, tzinfo=UTC)
    spend(priced, 1, april - timedelta(milliseconds=1))
    spend(priced, 2, april)
    assert budgets.check(tenant(), april - timedelta(milliseconds=1)) == [50]
    assert budgets.check(tenant(), april) == [50, 75, 90, 100]
    assert shown(april)["month"] == "2027-04"
    assert [alert["percent"] for alert in shown(april - timedelta(milliseconds=1))["alerts"]] == [50]


def test_two_who_look_at_once_tell_it_once(priced: Stage) -> None:
    budget("2")
    spend(priced, 1)
    told: list[list[int]] = []
    looks = [threading.Thread(target=lambda: told.append(budgets.check(tenant(), NOON))) for _ in range(8)]
    for look in looks:
        look.start()
    for look in looks:
        look.join()
    assert sorted(told) == [[]] * 7 + [[50]]
    assert Alert.select().count() == 1


def test_it_is_shown_with_what_is_spent_and_will_be(priced: Stage) -> None:
    budget("100")
    for number in range(1, 60):
        spend(priced, 1, NOON - timedelta(days=number))
    assert shown() == {
        "amount": 100,
        "currency": "SAR",
        "month": "2027-03",
        "spent": 9,
        "spentIs": "estimate",
        "percent": 9,
        "forecast": {"low": 31, "expected": 31, "high": 31, "currency": "SAR"},
        "alerts": [],
    }


def test_what_is_in_another_currency_counts_for_nothing(stage: Stage) -> None:
    load("utility,SA,2026-01-01,USD,1,0")
    budget("10")
    spend(stage, 10)
    assert (shown()["spent"], shown()["percent"], shown()["forecast"]) == (None, None, None)
    assert budgets.check(tenant(), NOON) == []


def test_without_a_card_the_provider_s_cost_in_the_tenant_s_currency_counts(stage: Stage) -> None:
    budget("10")
    spend(stage, 1)
    assert (shown()["spent"], shown()["spentIs"]) == (None, None)
    provider_tells(stage, "2027-03-09", NOON - timedelta(days=1), cost_micros=5_500_000, currency="SAR")
    provider_tells(stage, "2027-03-08", NOON - timedelta(days=2), cost_micros=9_000_000, currency="USD")
    provider_tells(stage, "2027-02-28", NOON - timedelta(days=10), cost_micros=9_000_000, currency="SAR")
    assert (shown()["spent"], shown()["spentIs"], shown()["percent"]) == (5.5, "provider", 55)
    assert budgets.check(tenant(), NOON) == [50]
    load("utility,*,2026-01-01,SAR,1,0")
    assert (shown()["spent"], shown()["spentIs"]) == (1, "estimate")


def test_a_free_message_of_ours_hides_nothing_of_what_the_provider_asks_for(stage: Stage) -> None:
    load("utility,*,2026-01-01,SAR,0,0", "marketing,*,2026-01-01,USD,0.1,0")
    budget("10")
    spend(stage, 1)
    assert (shown()["spent"], shown()["spentIs"]) == (0, "estimate")
    provider_tells(stage, "2027-03-09", NOON - timedelta(days=1), cost_micros=5_500_000, currency="SAR")
    assert (shown()["spent"], shown()["spentIs"]) == (5.5, "provider")


def test_a_month_without_traffic_has_spent_nothing(priced: Stage) -> None:
    budget("10")
    assert (shown()["spent"], shown()["percent"], shown()["alerts"]) == (0, 0, [])


def test_it_is_looked_after_every_ten_minutes_of_every_tenant(
    priced: Stage, make_channel: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_channel("luma", "+447700900001")
    monkeypatch.setattr(upkeep._watch, "kept_days_at", float("-inf"))
    budget("2")
    tenancy.suspend("bait")
    spend(priced, 2)
    go_to(priced, NOON)
    priced.keep_house()
    assert [alert.data["percent"] for alert in alerts.of_kind(tenant().id, AlertKind.BUDGET, "", 9)] == [
        100,
        90,
        75,
        50,
    ]
    assert alerts.of_tenant(tenant("luma").id, 9) == []
    spend(priced, 1)
    priced.keep_house()
    assert Alert.select().count() == 4


def test_after_a_jump_of_the_clock_it_is_looked_after_at_once(priced: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep._watch, "kept_days_at", float("-inf"))
    monkeypatch.setattr(upkeep._watch, "lead", None)
    budget("2")
    go_to(priced, NOON)
    priced.keep_house()
    spend(priced, 1, NOON + timedelta(hours=1))
    go_to(priced, NOON + timedelta(hours=2))
    priced.keep_house()
    assert [alert.data["percent"] for alert in alerts.of_kind(tenant().id, AlertKind.BUDGET, "", 9)] == [50]


def test_the_log_and_the_alert_name_no_customer(priced: Stage, caplog: pytest.LogCaptureFixture) -> None:
    budget("1")
    spend(priced, 1)
    with caplog.at_level(logging.DEBUG):
        budgets.check(tenant(), NOON)
    [alert] = Alert.select().where(Alert.occasion.startswith("2027-03:100"))
    assert alert.data == {
        "percent": 100, "budget_micros": 1_000_000, "spent_micros": 1_000_000, "currency": "SAR"}  # fmt: skip
    assert "966511111111" not in str([vars(record) for record in caplog.records])
