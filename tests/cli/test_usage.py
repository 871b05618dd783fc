"""`wabot usage`: the API's shapes on the command line, and the file for accounting."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Shell, Stage
from tests.core.prices import REGULAR, delivers, load
from tests.core.test_metering import comes_in, go_to, goes_out
from wabot.cli.usage import table
from wabot.core import tenancy

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def shop(stage: Stage) -> Shell:
    """Bait was written to on two days of March, and wrote once."""
    comes_in(stage, NOON)
    goes_out(stage, NOON, category="utility")
    comes_in(stage, NOON + timedelta(days=2))
    go_to(stage, NOON + timedelta(days=5))
    return Shell(stage.clock_file.parent)


def test_a_tenant_is_shown_with_its_history(shop: Shell) -> None:
    found = shop.json("usage", "show", "bait")
    assert (found["conversationsThisMonth"], found["allowance"]["monthlyRemaining"]) == (2, 29998)
    assert len(found["history"]) == 6
    shown = shop.ok("usage", "show", "bait")
    assert "conversationsThisMonth" in shown
    assert "2027  3      2" in shown


def test_one_month_is_shown_also_without_traffic(shop: Shell) -> None:
    march = shop.json("usage", "show", "bait", "--month", "2027-03")
    assert (march["year"], march["month"], march["conversations"], march["utility"]) == (2027, 3, 2, 1)
    assert shop.json("usage", "show", "bait", "--month", "2027-02")["conversations"] == 0


def test_all_tenants_are_listed_by_pages(shop: Shell) -> None:
    tenancy.add_tenant(tenancy.NewTenant("arz", "Arz"), {})
    found = shop.json("usage", "list")
    assert [row["restaurantId"] for row in found["data"]] == ["arz", "bait"]
    assert found["pagination"] == {"total": 2, "limit": 100, "offset": 0, "hasMore": False}
    assert shop.json("usage", "list", "--limit", "1")["pagination"]["hasMore"] is True
    assert "29998" in shop.ok("usage", "list")


def test_days_are_listed_within_their_ends(shop: Shell) -> None:
    days = [row["date"] for row in shop.json("usage", "daily", "bait")["data"]]
    assert days == ["2027-03-12", "2027-03-10"]
    [day] = shop.json("usage", "daily", "bait", "--from", "2027-03-10", "--to", "2027-03-11")["data"]
    assert (day["date"], day["messagesOut"], day["categories"]) == ("2027-03-10", 1, {"utility": 1})
    assert "2027-03-12" in shop.ok("usage", "daily", "bait")


def test_what_was_paid_in_two_currencies_is_listed_in_both(shop: Shell, stage: Stage) -> None:
    load("utility,*,2027-01-01,USD,0.04,0", "marketing,*,2027-01-01,EUR,0.2,0")
    for category in ("utility", "marketing"):
        delivers(stage, NOON, category=category, **REGULAR)
    assert shop.json("usage", "daily", "bait", "--to", "2027-03-10")["data"][0]["cost"] is None
    for listing in ("daily", "costs"):
        assert "0.2 EUR, 0.04 USD" in shop.ok("usage", listing, "bait")


def test_a_month_is_exported_oldest_day_first(shop: Shell) -> None:
    rows = list(csv.DictReader(io.StringIO(shop.ok("usage", "export", "--month", "2027-03"))))
    assert [(row["restaurantId"], row["date"], row["messagesIn"]) for row in rows] == [
        ("bait", "2027-03-10", "1"),
        ("bait", "2027-03-12", "1"),
    ]
    assert (rows[0]["categories"], rows[0]["cost"]) == ("utility=1", "")
    as_json = shop.json("usage", "export", "--month", "2027-03")
    assert [row["date"] for row in as_json["data"]] == ["2027-03-10", "2027-03-12"]
    assert shop.ok("usage", "export", "--month", "2027-03", "--format", "json") == shop.ok(
        "usage", "export", "--month", "2027-03", "--json"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_takes_for_a_formula_is_made_text(start: str) -> None:
    [_, row] = csv.reader(io.StringIO(table([{"name": f"{start}cmd()", "n": 1}], ("name", "n")), newline=""))
    assert row == [f"'{start}cmd()", "1"]


def test_quotes_and_commas_stay_in_their_cell() -> None:
    [_, row] = csv.reader(io.StringIO(table([{"name": 'a, "b"\nc'}], ("name",)), newline=""))
    assert row == ['a, "b"\nc']


def test_who_is_unknown_and_what_is_no_day_is_said(shop: Shell) -> None:
    assert "there is no tenant 'nobody'" in shop.refused("usage", "show", "nobody")
    assert "there is no tenant 'nobody'" in shop.refused("usage", "daily", "nobody")
    assert "no month such as" in shop.misused("usage", "show", "bait", "--month", "2027-13")
    assert "no day such as" in shop.misused("usage", "daily", "bait", "--from", "monday")
    assert "--from is later" in shop.misused("usage", "daily", "bait", "--from", "2027-03-12", "--to", "2027-03-11")
    assert "Missing option '--month'" in shop.misused("usage", "export")
