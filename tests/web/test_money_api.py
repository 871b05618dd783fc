"""Money over the API: two sources that are never added up, costs that say what they are, bills and budgets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.core.prices import NOON, REGULAR, delivers, load, provider_tells
from tests.core.test_metering import comes_in, go_to
from tests.web.conftest import Cast
from wabot.core import tenancy

UTILITY: dict[str, Any] = {"category": "utility", **REGULAR}
MARCH_8 = datetime(2027, 3, 8, 8, tzinfo=UTC)


def usage(cast: Cast, path: str, who: str = "alice") -> Any:
    answer = cast.get(f"/api/usage/bait{path}", who)
    assert answer.status_code == 200, answer.json
    return answer.json


def refused(cast: Cast, path: str) -> tuple[int, str]:
    answer = cast.get(f"/api/usage/bait{path}")
    return answer.status_code, answer.json["code"]


@pytest.fixture
def march(cast: Cast) -> Cast:
    """Two months of messages at a riyal each, and two days that the provider told of."""
    load("utility,*,2026-01-01,SAR,1,0")
    delivers(cast.stage, NOON - timedelta(days=28), 5, **UTILITY)
    delivers(cast.stage, NOON, 2, **UTILITY)
    told = {"UTILITY": 3, "GROUP_MARKETING": 1, "AUTHENTICATION_INTERNATIONAL": 2}
    provider_tells(cast.stage, "2027-03-08", MARCH_8, categories=told, cost_micros=4_200_000, currency="USD")
    provider_tells(cast.stage, "2027-02-28", MARCH_8 - timedelta(days=8), categories={"utility": 1})
    go_to(cast.stage, NOON + timedelta(hours=1))
    return cast


def test_days_of_both_sources_stand_beside_each_other(march: Cast) -> None:
    ours, theirs, *_ = usage(march, "/daily")["data"]
    assert (ours["date"], ours["source"], ours["cost"], ours["costIs"]) == (
        "2027-03-10", "observed", {"amount": 2, "currency": "SAR"}, "estimate")  # fmt: skip
    assert theirs == {
        "date": "2027-03-08",
        "channelId": march.stage.channel.id,
        "source": "provider",
        "marketing": 1,
        "utility": 3,
        "authentication": 2,
        "service": 0,
        "categories": {"UTILITY": 3, "GROUP_MARKETING": 1, "AUTHENTICATION_INTERNATIONAL": 2},
        "conversations": 0,
        "messagesIn": 0,
        "messagesOut": 0,
        "cost": {"amount": 4.2, "currency": "USD"},
        "costs": [{"amount": 4.2, "currency": "USD"}],
        "unpriced": 0,
        "costIs": "provider",
    }


def test_of_one_day_ours_comes_before_the_provider_s(march: Cast) -> None:
    provider_tells(march.stage, "2027-03-10", NOON, categories={"utility": 2})
    both = [row["source"] for row in usage(march, "/daily?from=2027-03-10")["data"]]
    assert both == ["observed", "provider"]


def test_a_provider_that_told_no_cost_has_not_told_nothing(march: Cast) -> None:
    [row] = usage(march, "/daily?from=2027-02-28&to=2027-02-28")["data"]
    assert (row["cost"], row["costs"], row["unpriced"], row["costIs"]) == (None, [], 1, "provider")
    provider_tells(march.stage, "2027-02-27", MARCH_8 - timedelta(days=9), conversations=4)
    [row] = usage(march, "/daily?from=2027-02-27&to=2027-02-27")["data"]
    assert (row["cost"], row["conversations"]) == (None, 4)


def test_months_have_a_row_for_each_source_and_the_current_one_of_ours_always(march: Cast) -> None:
    rows = usage(march, "/monthly?months=4")["data"]
    assert [(row["year"], row["month"], row["source"], row["utility"]) for row in rows] == [
        (2027, 3, "observed", 2),
        (2027, 3, "provider", 3),
        (2027, 2, "observed", 5),
        (2027, 2, "provider", 1),
    ]
    assert [row["cost"] and row["cost"]["amount"] for row in rows] == [2, 4.2, 5, None]
    assert [row["cumulativeCost"] and row["cumulativeCost"]["amount"] for row in rows] == [7, 4.2, 5, None]
    assert [row["forecast"] is not None for row in rows] == [True, False, False, False]
    go_to(march.stage, NOON + timedelta(days=30))
    april = usage(march, "/monthly?months=4")["data"][0]
    assert (april["month"], april["source"], april["messagesOut"]) == (4, "observed", 0)
    assert april["cost"] == {"amount": 0, "currency": "SAR"}
    assert april["cumulativeCost"] == {"amount": 7, "currency": "SAR"}


def test_over_a_year_s_end_costs_run_on_from_the_oldest_month_shown(cast: Cast) -> None:
    load("utility,*,2026-01-01,SAR,1,0", "utility,*,2027-01-01,USD,10,0")
    for month in (datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 12, 31, 20, tzinfo=UTC), NOON):
        delivers(cast.stage, month, **UTILITY)
    go_to(cast.stage, NOON + timedelta(hours=1))

    def shown(months: int) -> list[tuple[int, Any, Any]]:
        rows = usage(cast, f"/monthly?months={months}")["data"]
        return [(row["month"], row["cost"]["amount"], row["cumulativeCost"]["amount"]) for row in rows]

    assert shown(12) == [(3, 10, 10), (12, 1, 2), (11, 1, 1)]
    assert shown(4) == [(3, 10, 10), (12, 1, 1)]


def test_several_currencies_in_a_month_are_listed_and_not_added(cast: Cast) -> None:
    load("utility,*,2026-01-01,SAR,1,0", "utility,*,2027-03-10,USD,10,0")
    for days in (0, 1):
        delivers(cast.stage, NOON - timedelta(days=days), **UTILITY)
    go_to(cast.stage, NOON + timedelta(hours=1))
    [march] = usage(cast, "/monthly?months=1")["data"]
    assert (march["cost"], march["cumulativeCost"]) == (None, None)
    assert march["costs"] == [{"amount": 1, "currency": "SAR"}, {"amount": 10, "currency": "USD"}]


def test_a_card_that_is_loaded_changes_what_was_shown_a_moment_ago(march: Cast) -> None:
    before = usage(march, "/daily")["data"][0]["cost"]
    load("utility,SA,2027-03-10,SAR,3,0")
    after = usage(march, "/daily")["data"][0]["cost"]
    assert (before["amount"], after["amount"]) == (2, 6)


def test_a_tenant_without_a_channel_has_its_current_month(cast: Cast) -> None:
    tenancy.add_tenant(tenancy.NewTenant("empty", "Empty"), {})
    [month] = cast.get("/api/usage/empty/monthly", "admin").json["data"]
    assert (month["source"], month["cost"], month["forecast"], month["categories"]) == ("observed", None, None, {})
    assert cast.get("/api/usage/empty/daily", "admin").json == {"data": []}
    assert cast.get("/api/usage/empty/check", "admin").json == {"data": []}
    assert cast.get("/api/usage/empty/costs", "admin").json == {"data": []}


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_a_tenant_s_budget_is_shown_with_its_current_month_and_nowhere_else(march: Cast, who: str) -> None:
    assert usage(march, "/monthly", who)["data"][0]["budget"] is None
    tenancy.edit_tenant("bait", {}, {"budget": "10"})
    budget = usage(march, "/monthly", who)["data"][0]["budget"]
    assert (budget["amount"], budget["currency"], budget["spent"], budget["percent"]) == (10, "SAR", 2, 20)
    assert set(budget["forecast"]) == {"low", "expected", "high", "currency"}
    assert budget["alerts"] == []
    assert "budget" not in usage(march, "", "admin")
    page = march.get("/api/usage", "admin").json["data"]
    assert "budget" not in page[0]
    assert "budget" not in march.get("/api/usage").json


def test_costs_are_told_apart_by_step_kind_and_type(march: Cast) -> None:
    comes_in(march.stage, NOON)
    for by in ("step", "kind", "type"):
        [row] = usage(march, f"/costs?month=2027-03&by={by}")["data"]
        assert (row["messages"], row["billed"], row["cost"]) == (2, 2, {"amount": 2, "currency": "SAR"})
        assert by in row
    assert usage(march, "/costs") == usage(march, "/costs?month=2027-03&by=step")
    assert usage(march, "/costs", "admin") == usage(march, "/costs")


def test_the_bill_check_compares_the_days_that_a_provider_told(march: Cast) -> None:
    newest, oldest = usage(march, "/check")["data"]
    assert (newest["date"], oldest["date"], newest["matches"]) == ("2027-03-08", "2027-02-28", False)
    assert newest["total"] == {"of": "delivered", "ours": 0, "theirs": 6, "difference": 6}
    assert usage(march, "/check?from=2027-03-01&to=2027-03-07")["data"] == []
    assert usage(march, "/check", "admin")["data"] == [newest, oldest]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/costs?month=2027-13", "bad_month"), ("/costs?month=march", "bad_month"), ("/costs?by=customer", "bad_by"),
     ("/costs?by=STEP", "bad_by"), ("/check?from=monday", "bad_from"),
     ("/check?from=2027-03-09&to=2027-03-08", "bad_range"),
     ("/check?from=2025-01-01&to=2027-01-01", "bad_range")],
)  # fmt: skip
def test_what_there_cannot_be_is_refused(cast: Cast, path: str, code: str) -> None:
    assert refused(cast, path) == (400, code)
