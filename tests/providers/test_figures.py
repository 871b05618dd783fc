"""Figures as providers write them: what is a number, what is money, what is a day, and what is none of these."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot import errors
from wabot.providers import figures
from wabot.providers.metered import UsageDay

DAY = date(2026, 11, 20)
TOLD = UsageDay(DAY, figures.midnight(DAY), figures.midnight(DAY) + figures.ONE_DAY)
REFUSED: list[tuple[Callable[[Any], Any], Any]] = [
    (figures.count, -1),
    (figures.count, "-1"),
    (figures.count, "1.5"),
    (figures.count, 1.5),
    (figures.count, True),
    (figures.count, "٣"),
    (figures.count, "1_000"),
    (figures.count, "many"),
    (figures.count, [1]),
    (figures.count, {"value": 1}),
    (figures.count, figures.MOST_MESSAGES + 1),
    (figures.count, "1e99"),
    (figures.money, "-0.01"),
    (figures.money, "Infinity"),
    (figures.money, "1e30"),
    (figures.money, "$5"),
    (figures.currency, "US$"),
    (figures.currency, "DOLLARS"),
    (figures.currency, 978),
    (figures.day, "2026-02-30"),
    (figures.day, "20261120"),
    (figures.day, "2026-W47-5"),
    (figures.day, "2026-11-20T00:00:00Z"),
    (figures.day, 20261120),
    (figures.day, None),
    (figures.midnight, date.min),
    (figures.midnight, date.max),
    (figures.parsed, b'{"a": NaN}'),
    (figures.parsed, b'{"a": -Infinity}'),
    (figures.parsed, b"[1]"),
    (figures.parsed, b'{"a": 1'),
    (figures.parsed, b"[" * 100_000),
    (figures.cost, [(1, Decimal(figures.MOST_MONEY)), (1, Decimal("0.01"))]),
    (figures.plausible, [TOLD, replace(TOLD, delivered=3)]),
    (figures.plausible, [replace(TOLD, delivered=figures.MOST_MESSAGES + 1)]),
    (figures.plausible, [replace(TOLD, categories={f"c{n}": 1 for n in range(figures.MOST_CATEGORIES + 1)})]),
]


@pytest.mark.parametrize(("read", "value"), REFUSED)
def test_what_is_no_figure_is_unreadable(read: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(errors.Unreadable):
        read(value)


@pytest.mark.parametrize(
    ("value", "number"), [(None, 0), ("", 0), (7, 7), ("7", 7), (" 7 ", 7), ("7.0", 7), ("1e3", 1000)]
)
def test_a_count_is_a_number_or_its_text(value: Any, number: int) -> None:
    assert figures.count(value) == number


@pytest.mark.parametrize(
    ("body", "micros"),
    [
        (b'{"cost": 0.29}', 290_000),
        (b'{"cost": 1.005}', 1_005_000),
        (b'{"cost": 4.35}', 4_350_000),
        (b'{"cost": "0.0000005"}', 0),
        (b'{"cost": "0.0000015"}', 2),
        (b'{"cost": 3e-3}', 3_000),
        (b'{"cost": 0}', 0),
        (b'{"cost": null}', None),
        (b"{}", None),
    ],
)
def test_money_is_read_as_it_is_written(body: bytes, micros: int | None) -> None:
    assert figures.cost([(1, figures.money(figures.parsed(body).get("cost")))]) == micros


@given(st.lists(st.decimals(0, 1000, places=4), min_size=1, max_size=50))
def test_many_small_amounts_add_up_without_drift(amounts: list[Decimal]) -> None:
    assert figures.cost((1, amount) for amount in amounts) == int(sum(amounts) * figures.MICROS)


def test_a_cost_is_known_when_all_that_was_billed_has_a_price() -> None:
    assert figures.cost([(3, Decimal("0.1")), (0, None)]) == 100_000
    assert figures.cost([(3, Decimal("0.1")), (1, None)]) is None
    assert figures.cost([(0, None)]) is None
    assert figures.cost([]) is None


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("AUTHENTICATION_INTERNATIONAL", "authentication_international"),
        ("authentication-international", "authentication_international"),
        ("  Marketing Lite ", "marketing_lite"),
        ("--", ""),
        ("تسويق", ""),
        (7, ""),
        (None, ""),
        ("x" * 500, "x" * figures.LONGEST_CATEGORY),
    ],
)
def test_a_category_is_one_word_however_it_is_spelled(value: Any, word: str) -> None:
    assert figures.category(value) == word


def test_sums_in_two_currencies_are_none() -> None:
    assert figures.one_currency(["USD", "", "USD"]) == "USD"
    assert figures.one_currency(["", ""]) == ""
    assert figures.one_currency(["USD", "EUR"]) is None


def test_a_day_begins_at_midnight_in_utc() -> None:
    assert figures.midnight(DAY) == datetime(2026, 11, 20, tzinfo=UTC)
