"""What a month will have cost at its end, as a range. Each day that is left becomes as one of its weekday was in the
last eight weeks: a quiet one (lower quartile of what was delivered), a middling one (median) or a busy one (upper
quartile). Those days are then priced like all others, by the cards of their dates and what is left of the free tier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from wabot.core import costing, days, metering, money
from wabot.core.costing import Cost, Rates
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store import usage
from wabot.store.tenants import Tenant
from wabot.store.usage import Figures

WEEKS = 8
FEW_DAYS = 7
"""With less than a week behind it nothing is known of weekdays: the range then goes from nothing more to twice as
much."""
ALIKE = 2
"""Days of the same weekday from which on they speak for themselves; below, all days do."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the month will have cost, each currency by itself."""

    low: Cost
    expected: Cost
    high: Cost

    def within(self, currency: str) -> tuple[int, int, int]:
        """Low, expected and high in micros of this currency."""
        low, expected, high = (cost.micros.get(currency, 0) for cost in (self.low, self.expected, self.high))
        return low, expected, high


def of_current_month(tenant: Tenant, now: datetime) -> Forecast | None:
    """The range of the month that it is there now; None where the tenant has no day behind it to go by."""
    today = days.of(tenant.timezone, now)
    began = min(usage.first_messages(tenant.id).values(), default=None)
    if began is None:
        return None
    first = max(days.of(tenant.timezone, began), today - timedelta(weeks=WEEKS))
    found = metering.of_days(tenant, min(first, today.replace(day=1)), today, now)
    return project(found, first, today, Rates())


def shape(tenant: Tenant, now: datetime, currency: str = "") -> dict[str, Any] | None:
    """The same as it is shown, in this currency or in the only one in which something is to pay, among several in the
    tenant's; None where nothing is to go by, no price is known, or none in that currency."""
    found = of_current_month(tenant, now)
    if found is None or found.high.is_unknown:
        return None
    known = dict(found.high.micros) or {costing.shown_currency(tenant): 0}
    to_pay = [one for one, micros in known.items() if micros] or [*known]
    spoken = [*known] if currency else to_pay
    currency = currency or (to_pay[0] if len(to_pay) == 1 else tenant.currency)
    if not currency or currency not in spoken:
        return None
    low, expected, high = (money.number(micros) for micros in found.within(currency))
    return {"low": low, "expected": expected, "high": high, "currency": currency}


def project(found: Sequence[Day], first: date, today: date, known: Rates) -> Forecast | None:
    """The range of the month of `today`, of which as of all days from `first` on these were with traffic."""
    behind = list(days.between(first, today - timedelta(days=1)))
    if not behind:
        return None
    by_date: dict[date, list[Day]] = {day: [] for day in behind}
    for row in found:
        by_date.setdefault(row.day, []).append(row)
    costs = [_cost(_month(by_date, behind, today, pick), known) for pick in _picks(len(behind))]
    return _in_order(_cost(_so_far(by_date, today), known), costs)


Pick = Callable[[Sequence[date], Mapping[date, list[Day]]], list[Day]]


def _picks(known_days: int) -> tuple[Pick, Pick, Pick]:
    if known_days < FEW_DAYS:
        return (lambda _, __: []), _quantile(1, 2), lambda pool, of: _twice(_quantile(1, 2)(pool, of))
    return _quantile(1, 4), _quantile(1, 2), _quantile(3, 4)


def _quantile(part: int, of: int) -> Pick:
    def pick(pool: Sequence[date], by_date: Mapping[date, list[Day]]) -> list[Day]:
        ranked = sorted(pool, key=lambda day: (_delivered(by_date[day]), day))
        last = len(ranked) - 1
        return by_date[ranked[last - last * (of - part) // of if part * 2 > of else last * part // of]]

    return pick


def _twice(found: list[Day]) -> list[Day]:
    return [replace(row, figures=_doubled(row.figures)) for row in found]


def _doubled(figures: Figures) -> Figures:
    return replace(figures, groups=tuple(replace(group, count=2 * group.count) for group in figures.groups))


def _so_far(by_date: Mapping[date, list[Day]], today: date) -> list[Day]:
    return [row for day, of in by_date.items() if today.replace(day=1) <= day <= today for row in of]


def _month(by_date: Mapping[date, list[Day]], behind: Sequence[date], today: date, pick: Pick) -> list[Day]:
    """The month so far with the days that are left. Of today at least what happened already."""
    found = _so_far(by_date, today)
    for day in days.between(today, Month.of(today).last):
        alike = [other for other in behind if other.weekday() == day.weekday()]
        like = pick(alike if len(alike) >= ALIKE else behind, by_date)
        if day == today:
            if _delivered(like) <= _delivered(by_date.get(today, [])):
                continue
            found = [row for row in found if row.day != today]
        found += [costing.later(row, day) for row in like]
    return found


def _delivered(found: Sequence[Day]) -> int:
    return sum(group.count for row in found for group in row.figures.groups)


def _cost(found: Sequence[Day], known: Rates) -> Cost:
    return costing.add_up(row.cost for row in costing.charge(found, known))


def _in_order(so_far: Cost, costs: Sequence[Cost]) -> Forecast:
    """A busy day can be one of cheap messages: the range still goes from low to high, and never below what is spent."""
    known = {currency for cost in (so_far, *costs) for currency in cost.micros}
    ranked = {
        currency: sorted(max(so_far.micros.get(currency, 0), cost.micros.get(currency, 0)) for cost in costs)
        for currency in known
    }
    unpriced = sorted(cost.unpriced for cost in costs)
    low, expected, high = (
        Cost({currency: values[n] for currency, values in ranked.items()}, unpriced[n]) for n in range(3)
    )
    return Forecast(low, expected, high)
