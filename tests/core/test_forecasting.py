"""What a month will have cost: ranges of series that are known to the last message."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.conftest import Stage
from tests.core.prices import ENTRY_POINT, REGULAR, delivers, load
from tests.core.test_metering import tenant
from wabot.core import days, forecasting, tenancy
from wabot.core.costing import Rates
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store.rates import Rate
from wabot.store.usage import Billing, Figures, Group

WEDNESDAY = date(2027, 3, 10)


class OneRate(Rates):
    """Cards that say one thing; from `changes` on it costs ten times as much."""

    def __init__(self, free: int = 0, changes: date = date.max) -> None:
        super().__init__()
        self._free, self._changes = free, changes

    def on(self, category: str, country: str, day: date) -> Rate | None:
        price = 10_000_000 if day >= self._changes else 1_000_000
        return Rate(category, country, day.isoformat(), "SAR", price, self._free)


def series(first: date, last: date, messages: Callable[[date], int]) -> list[Day]:
    """A channel's days with so many delivered messages."""
    found = []
    for day in days.between(first, last):
        if number := messages(day):
            groups = (Group("service", "SA", Billing.UNSAID, number),)
            found.append(Day(day, 1, Figures(messages_out=number, delivered=number, groups=groups)))
    return found


def ranged(
    found: Sequence[Day], first: date, today: date = WEDNESDAY, known: Rates | None = None
) -> tuple[int, int, int]:
    """Low, expected and high in whole riyals."""
    forecast = forecasting.project(found, first, today, known or OneRate())
    assert forecast is not None
    low, expected, high = (micros // 1_000_000 for micros in forecast.within("SAR"))
    return low, expected, high


def test_a_steady_tenant_has_a_range_of_no_width() -> None:
    first = WEDNESDAY - timedelta(weeks=8)
    assert ranged(series(first, WEDNESDAY, lambda _: 10), first) == (310, 310, 310)


def test_weekdays_are_told_apart() -> None:
    first = WEDNESDAY - timedelta(weeks=8)
    busy_fridays = series(first, WEDNESDAY, lambda day: 100 if day.weekday() == 4 else 1)
    assert ranged(busy_fridays, first) == (427, 427, 427)


def test_quiet_middling_and_busy_weeks_make_the_range() -> None:
    """Weeks of 1 to 8 messages a day: each weekday's quartiles are 2, 4 and 7."""
    first = date(2027, 1, 4)
    weeks = series(first, date(2027, 2, 28), lambda day: 1 + (day - first).days // 7)
    assert ranged(weeks, first, date(2027, 3, 1)) == (31 * 2, 31 * 4, 31 * 7)


def test_a_day_without_traffic_is_a_quiet_day() -> None:
    first = WEDNESDAY - timedelta(weeks=8)
    assert ranged(series(first, first, lambda _: 1), first) == (0, 0, 0)


def test_of_today_counts_at_least_what_happened() -> None:
    first = WEDNESDAY - timedelta(weeks=8)
    quiet = series(first, WEDNESDAY - timedelta(days=1), lambda _: 10)
    assert ranged(quiet + series(WEDNESDAY, WEDNESDAY, lambda _: 4), first) == (310, 310, 310)
    assert ranged(quiet + series(WEDNESDAY, WEDNESDAY, lambda _: 50), first) == (350, 350, 350)


def test_on_the_last_day_only_that_day_is_open() -> None:
    first, last = date(2027, 1, 1), date(2027, 3, 31)
    found = series(first, last - timedelta(days=1), lambda day: 3) + series(last, last, lambda _: 1)
    assert ranged(found, first, last) == (93, 93, 93)


def test_of_a_first_day_nobody_can_say_anything() -> None:
    assert forecasting.project(series(WEDNESDAY, WEDNESDAY, lambda _: 9), WEDNESDAY, WEDNESDAY, OneRate()) is None
    assert forecasting.project([], WEDNESDAY, WEDNESDAY, OneRate()) is None


def test_with_one_day_behind_it_the_range_goes_from_nothing_more_to_twice_as_much() -> None:
    first = WEDNESDAY - timedelta(days=1)
    assert ranged(series(first, first, lambda _: 5), first) == (5, 5 + 22 * 5, 5 + 22 * 10)


def test_what_is_left_of_the_free_tier_is_taken_off() -> None:
    first = WEDNESDAY - timedelta(weeks=8)
    assert ranged(series(first, WEDNESDAY, lambda _: 10), first, known=OneRate(free=250)) == (60, 60, 60)
    assert ranged(series(first, WEDNESDAY, lambda _: 10), first, known=OneRate(free=1000)) == (0, 0, 0)


def test_a_card_that_changes_later_in_the_month_counts_from_then_on() -> None:
    first = WEDNESDAY - timedelta(weeks=8)
    changed = ranged(series(first, WEDNESDAY, lambda _: 1), first, known=OneRate(changes=date(2027, 3, 31)))
    assert changed == (40, 40, 40)


def test_the_months_before_count_for_nothing_themselves() -> None:
    first = date(2027, 2, 1)
    assert ranged(series(first, date(2027, 2, 28), lambda _: 10), first, date(2027, 3, 1)) == (310, 310, 310)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=70), st.integers(0, 60), st.integers(0, 40))
def test_the_range_goes_from_low_to_high_and_never_below_what_is_spent(sent: list[int], offset: int, free: int) -> None:
    today = date(2027, 3, 1) + timedelta(days=offset)
    first = max(today - timedelta(days=len(sent)), today - timedelta(weeks=8))
    found = series(first, today, lambda day: sent[(day - first).days % len(sent)])
    low, expected, high = ranged(found, first, today, OneRate(free=free))
    month = Month.of(today)
    so_far = sum(day.figures.delivered for day in found if Month.of(day.day) == month)
    assert max(0, so_far - free) <= low <= expected <= high


@pytest.mark.parametrize("zone", ["Asia/Riyadh", "Europe/London", "Pacific/Kiritimati"])
def test_the_ledger_s_own_month_is_forecast_in_the_tenant_s_zone(stage: Stage, zone: str) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    load("utility,*,2026-01-01,SAR,1,0")
    now = days.begins_at(zone, date(2027, 3, 10)) + timedelta(minutes=1)
    assert forecasting.of_current_month(tenant(), now) is None
    for number in range(1, 21):
        delivers(stage, now - timedelta(days=number), category="utility", **REGULAR)
    shown = forecasting.shape(tenant(), now)
    assert shown == {"low": 31, "expected": 31, "high": 31, "currency": "SAR"}


def test_without_a_price_nothing_is_forecast(stage: Stage) -> None:
    now = datetime(2027, 3, 10, 12, tzinfo=UTC)
    delivers(stage, now - timedelta(days=9), category="utility", **REGULAR)
    assert forecasting.shape(tenant(), now) is None


@pytest.mark.parametrize(
    ("currencies", "shown"),
    [
        (("EUR", "USD"), None),
        (("EUR", "SAR"), "SAR"),
        (("EUR", "EUR"), "EUR"),
    ],
)
def test_among_several_currencies_only_the_tenant_s_is_forecast_and_never_as_nothing(
    stage: Stage, currencies: tuple[str, str], shown: str | None
) -> None:
    marketing, utility = currencies
    load(f"marketing,*,2026-01-01,{marketing},1,0", f"utility,*,2026-01-01,{utility},1,0")
    now = datetime(2027, 3, 10, 12, tzinfo=UTC)
    for category in ("marketing", "utility"):
        delivers(stage, now - timedelta(days=2), category=category, **REGULAR)
    found = forecasting.shape(tenant(), now)
    assert (found and found["currency"]) == shown
    assert found is None or found["high"] > 0


def test_a_currency_with_nothing_to_pay_is_not_forecast_beside_another(stage: Stage) -> None:
    load("marketing,*,2026-01-01,USD,1,0", "utility,*,2026-01-01,SAR,1,0")
    now = datetime(2027, 3, 10, 12, tzinfo=UTC)
    delivers(stage, now - timedelta(days=2), category="marketing", **REGULAR)
    delivers(stage, now - timedelta(days=2), category="utility", **ENTRY_POINT)
    found = forecasting.shape(tenant(), now)
    assert found is not None
    assert (found["currency"], found["low"]) == ("USD", 1)


def test_what_is_free_in_the_tenant_s_currency_is_no_forecast_of_what_is_paid_in_others(stage: Stage) -> None:
    rates = ("marketing,*,2026-01-01,USD", "utility,*,2026-01-01,EUR", "service,*,2026-01-01,SAR")
    load(*(f"{rate},1,0" for rate in rates))
    now = datetime(2027, 3, 10, 12, tzinfo=UTC)
    for category in ("marketing", "utility"):
        delivers(stage, now - timedelta(days=2), category=category, **REGULAR)
    delivers(stage, now - timedelta(days=2), category="service", **ENTRY_POINT)
    assert forecasting.shape(tenant(), now) is None
    assert forecasting.shape(tenant(), now, "SAR") == {"low": 0, "expected": 0, "high": 0, "currency": "SAR"}
