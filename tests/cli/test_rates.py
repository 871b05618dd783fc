"""`wabot usage rates`, and what else the command line shows of money."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.cli.conftest import Shell, Stage
from tests.core.prices import NOON, REGULAR, delivers, load, provider_tells
from tests.core.test_metering import go_to
from wabot.cli.usage import table
from wabot.core import demo, demo_rates

UTILITY: dict[str, Any] = {"category": "utility", **REGULAR}
CARD = "category,country,from,currency,price,free_per_number_month\nutility,SA,2026-01-01,SAR,0.04,0\n"


@pytest.fixture
def shop(stage: Stage) -> Shell:
    """Bait sent two messages on 10 March at a riyal each, and its provider told of that day."""
    load("utility,*,2026-01-01,SAR,1,0")
    delivers(stage, NOON, 2, **UTILITY)
    told = {"categories": {"utility": 1}, "cost_micros": 1_250_000, "currency": "SAR"}
    provider_tells(stage, "2027-03-10", NOON - timedelta(hours=4), **told)
    go_to(stage, NOON + timedelta(days=1))
    return Shell(stage.clock_file.parent)


def test_a_card_is_loaded_and_shown(shell: Shell) -> None:
    assert shell.json("usage", "rates", "show") == {"data": []}
    (shell.folder / "ours.csv").write_text(CARD)
    assert shell.json("usage", "rates", "load", "ours.csv") == {
        "card": 1, "file": "ours.csv", "rates": 1, "currencies": ["SAR"]}  # fmt: skip
    [rate] = shell.json("usage", "rates", "show")["data"]
    assert rate.pop("loadedAt").endswith("Z")
    assert rate == {"category": "utility", "country": "SA", "from": "2026-01-01", "currency": "SAR", "price": 0.04,
                    "freePerNumberMonth": 0, "card": 1, "file": "ours.csv"}  # fmt: skip
    assert "Loaded 1 rates from ours.csv." in shell.ok("usage", "rates", "load", "ours.csv")
    assert len(shell.json("usage", "rates", "show")["data"]) == 1
    assert len(shell.json("usage", "rates", "show", "--all")["data"]) == 2
    assert "ours.csv" in shell.ok("usage", "rates", "show")


def test_a_bad_row_refuses_the_file_with_its_line_and_exit_1(shell: Shell) -> None:
    (shell.folder / "bad.csv").write_text(CARD + "utility,SA,2026-13-01,SAR,1,0\n")
    said = shell.refused("usage", "rates", "load", "bad.csv")
    assert said == "card: line 3: '2026-13-01' is no day such as 2026-10-01; nothing was loaded"
    assert "No such file" in shell.refused("usage", "rates", "load", "none.csv")
    assert shell.json("usage", "rates", "show", "--all") == {"data": []}


def test_the_example_can_be_loaded_as_it_is_printed_and_needs_no_file(bare: Shell) -> None:
    printed = bare.ok("usage", "rates", "example")
    assert printed == demo_rates.EXAMPLE
    assert len(bare.json("usage", "rates", "example")["data"]) == printed.count("2026-")
    bare.ok("migrate")
    (bare.folder / "example.csv").write_text(printed)
    assert bare.json("usage", "rates", "load", "example.csv")["currencies"] == ["GBP", "SAR", "USD"]


def test_the_demo_has_the_example_card(shell: Shell) -> None:
    demo.set_up(shell.folder, NOON)
    demo.set_up(shell.folder, NOON)
    files = {row["file"] for row in shell.json("usage", "rates", "show", "--all")["data"]}
    assert files == {"example-rates.csv (invented prices)"}


def test_a_month_is_shown_with_what_its_provider_told(shop: Shell) -> None:
    march = shop.json("usage", "show", "bait", "--month", "2027-03")
    assert (march["source"], march["cost"], march["provider"]["cost"]) == (
        "observed", {"amount": 2, "currency": "SAR"}, {"amount": 1.25, "currency": "SAR"})  # fmt: skip
    assert shop.json("usage", "show", "bait", "--month", "2026-03")["provider"] is None
    assert "cost=1.25 SAR" in shop.ok("usage", "show", "bait", "--month", "2027-03")


def test_days_of_both_sources_are_listed(shop: Shell) -> None:
    assert [row["source"] for row in shop.json("usage", "daily", "bait")["data"]] == ["observed", "provider"]
    assert "provider" in shop.ok("usage", "daily", "bait")


def test_a_budget_is_set_checked_and_shown(shop: Shell) -> None:
    assert "budget is an amount" in shop.refused("tenant", "edit", "bait", "--set", "budget=lots")
    shop.ok("tenant", "edit", "bait", "--set", "budget=500")
    assert shop.json("usage", "show", "bait", "--month", "2027-03")["budget"]["amount"] == 500
    assert "amount=500" in shop.ok("usage", "show", "bait")
    shop.ok("tenant", "edit", "bait", "--set", "budget=")
    assert shop.json("usage", "show", "bait", "--month", "2027-03")["budget"] is None
    assert "budget" not in shop.json("usage", "show", "bait")


def test_costs_are_listed_by_step_kind_and_type(shop: Shell) -> None:
    [row] = shop.json("usage", "costs", "bait", "--month", "2027-03", "--by", "kind")["data"]
    assert (row["kind"], row["billed"]) == ("text", 2)
    assert "step" in shop.ok("usage", "costs", "bait")
    amount = row["cost"]["amount"]
    assert f"  {amount} {row['cost']['currency']}  " in shop.ok("usage", "costs", "bait", "--month", "2027-03")
    assert "'customer' is not one of" in shop.misused("usage", "costs", "bait", "--by", "customer")
    assert "there is no tenant" in shop.refused("usage", "costs", "nobody")


def test_the_bill_is_checked(shop: Shell) -> None:
    [row] = shop.json("usage", "check", "bait", "--from", "2027-03-10", "--to", "2027-03-10")["data"]
    assert (row["matches"], row["total"]["difference"], row["cost"]["difference"]["amount"]) == (False, -1, -0.75)
    assert "2027-03-10" in shop.ok("usage", "check", "bait")
    assert "--from is later" in shop.misused("usage", "check", "bait", "--from", "2027-03-12", "--to", "2027-03-11")


def test_the_export_has_costs_as_numbers_of_both_sources(shop: Shell) -> None:
    rows = list(csv.DictReader(io.StringIO(shop.ok("usage", "export", "--month", "2027-03"))))
    shown = [(row["source"], row["cost"], row["currency"], row["costIs"], row["costs"]) for row in rows]
    assert shown == [
        ("observed", "2", "SAR", "estimate", "SAR=2"),
        ("provider", "1.25", "SAR", "provider", "SAR=1.25"),
    ]
    as_json = shop.json("usage", "export", "--month", "2027-03")["data"]
    assert [row["cost"] for row in as_json] == [{"amount": 2, "currency": "SAR"}, {"amount": 1.25, "currency": "SAR"}]


@pytest.mark.parametrize(
    "text", ["=1+1", " =1+1", "\t=1+1", "\u00a0@x", "\r\n-1", "\n", "\uff1dcmd", "-1", "+966", "\tx"]
)
def test_text_that_could_be_a_formula_is_made_text_and_numbers_stay_numbers(text: str) -> None:
    rows = [{"name": text, "n": -1, "cost": -0.000001, "all": {text: 1}, "none": None}]
    [_, row] = csv.reader(io.StringIO(table(rows, ("name", "n", "cost", "all", "none")), newline=""))
    assert row == [f"'{text}", "-1", "-0.000001", f"'{text}=1", ""]


@pytest.mark.parametrize("text", ["plain", "a=b", "1-2", "", "بيت"])
def test_other_text_stays_as_it_is(text: str) -> None:
    [_, row, *_] = csv.reader(io.StringIO(table([{"name": text, "n": 0}], ("name", "n")), newline=""))
    assert row == [text, "0"]
