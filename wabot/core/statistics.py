"""The dashboard's figures, from the ledger as it is now: what happened in the last 24 hours against the 24 before, and
what happened between two days of the tenant's. All are counted when somebody asks; nothing is kept."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from wabot import clock
from wabot.core import days, estimating, order_statistics, profile
from wabot.store import rates, statistics, tenants
from wabot.store.statistics import Delivery, Traffic
from wabot.store.tenants import Tenant

WINDOW = timedelta(hours=24)
_DOLLARS = "USD"
HOURS = 24
_HOUR = timedelta(hours=1)
_THIS_MOMENT = timedelta(milliseconds=1)
"""The smallest step of the file: what came in at the very moment of asking counts."""


def dashboard(tenant: Tenant | None, now: datetime) -> dict[str, Any]:
    """What `/api/stats` answers for a tenant, or for the operator (None) over all of them."""
    return {"stats": stats(tenant, now), "timeline": timeline(tenant, now), "timestamp": clock.iso(now)}


def stats(tenant: Tenant | None, now: datetime) -> dict[str, Any]:
    """The figures of the last 24 hours, with their trends; in the shape that live views are sent, too."""
    until = now + _THIS_MOMENT
    edges = [until - 2 * WINDOW, until - WINDOW, until]
    before, this = (
        _window(tenant, *span, cost) for span, cost in zip(pairwise(edges), costs(tenant, edges), strict=True)
    )
    return {
        "totalMessages": this.traffic.messages,
        "activeUsers": this.traffic.customers,
        "avgResponseTime": _seconds(this.wait),
        "apiCosts": _amounts(this.costs),
        "trends": {
            "messages": _trend(this.traffic.messages, before.traffic.messages),
            "users": _trend(this.traffic.customers, before.traffic.customers),
            "responseTime": _trend(this.wait, before.wait, down_is_good=True),
            "costs": _trend(*_comparable(this.costs, before.costs), down_is_good=True),
        },
    }


def timeline(tenant: Tenant | None, now: datetime) -> list[dict[str, Any]]:
    """Messages in and out in each of the last 24 hours, the present one last, by the tenant's clock or UTC. Each is 60
    minutes long: where clocks are changed, an hour's name is missing, or there twice."""
    zone = ZoneInfo(tenant.timezone) if tenant else UTC
    local = now.astimezone(zone)
    this_hour = now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    began = this_hour - (HOURS - 1) * _HOUR
    counted = statistics.messages_by_hour(_id(tenant), began, HOURS)
    names = [f"{(began + number * _HOUR).astimezone(zone):%H:%M}" for number in range(HOURS)]
    return [{"time": name, "messages": messages} for name, messages in zip(names, counted, strict=True)]


def analytics(tenant: Tenant, first: date, last: date) -> dict[str, Any]:
    """What happened at a tenant from `first` to `last`, both included. Times are seconds, null when nobody was
    answered."""
    since, until = days.bounds(tenant.timezone, first, last)
    ordered = order_statistics.figures(tenant, first, last)
    waits = statistics.waits(tenant.id, since, until)
    return {
        "orders": ordered["orders"],
        "responseTime": {"p50": _to_seconds(waits.p50), "p95": _to_seconds(waits.p95)},
        "ratings": ordered["ratings"],
        "popularItems": ordered["popularItems"],
        "customers": _customers(tenant, since, until),
        "delivery": _delivery(statistics.delivery(tenant.id, since, until)),
    }


def costs(tenant: Tenant | None, edges: Sequence[datetime]) -> list[Mapping[str, int]]:
    """What the messages of each window between two moments cost by our own estimate, in micros by currency: a tenant's,
    or everybody's (None). What no rate card prices is not in it."""
    if not rates.currencies():
        return [{} for _ in pairwise(edges)]
    of = [tenant] if tenant else tenants.with_ids(statistics.who_sent(edges[0], edges[-1]))
    return [cost.micros for cost in estimating.of_windows(of, edges, edges[-1])]


@dataclass(frozen=True, slots=True)
class _Window:
    """24 hours; `wait` is the mean in milliseconds, None when nobody was answered."""

    traffic: Traffic
    wait: float | None
    costs: Mapping[str, int]


def _window(tenant: Tenant | None, since: datetime, until: datetime, cost: Mapping[str, int]) -> _Window:
    asked = (_id(tenant), since, until)
    return _Window(statistics.traffic(*asked), statistics.waits(*asked).mean, cost)


def _trend(now: float | None, before: float | None, *, down_is_good: bool = False) -> dict[str, Any]:
    """By how many percent it changed. Without something to compare with, or where the change rounds to nothing, there
    was none."""
    if not before or now is None:
        return {"value": 0, "isPositive": True}
    percent = _tenths(100 * abs(now - before) / before)
    return {"value": percent, "isPositive": not percent or (now < before) == down_is_good}


def _comparable(this: Mapping[str, int], before: Mapping[str, int]) -> tuple[int | None, int | None]:
    """The sums of both, if they are of one currency: there is no exchange rate here."""
    if len({currency for costs in (this, before) for currency, micros in costs.items() if micros}) > 1:
        return None, None
    return sum(this.values()), sum(before.values())


def _seconds(milliseconds: float | None) -> str:
    """For people, to a tenth of a second, also beyond the minute."""
    return "0s" if milliseconds is None else f"{_tenths(milliseconds / 1000):.1f}s"


def _amounts(costs: Mapping[str, int]) -> str:
    """For people, dollars first; what costs nothing is not listed beside what does."""
    listed = sorted((currency != _DOLLARS, currency, micros) for currency, micros in costs.items() if micros)
    return " + ".join(_amount(currency, micros) for _, currency, micros in listed) or _amount(_DOLLARS, 0)


def _amount(currency: str, micros: int) -> str:
    smallest = Decimal(1).scaleb(-profile.minor_digits(currency))
    amount = Decimal(micros).scaleb(-6).quantize(smallest, ROUND_HALF_UP)
    return f"${amount}" if currency == _DOLLARS else f"{currency} {amount}"


def _customers(tenant: Tenant, since: datetime, until: datetime) -> dict[str, Any]:
    new, returning = statistics.new_and_returning(tenant.id, since, until)
    by_hour = statistics.customers_by_hour(tenant.id, days.offsets(tenant.timezone, since, until))
    return {"new": new, "returning": returning, "byHour": by_hour}


def _delivery(found: Delivery) -> dict[str, Any]:
    return {
        "sent": found.sent,
        "delivered": found.delivered,
        "read": found.read,
        "failed": found.failed,
        "retrySuccessRate": round(100 * found.through / found.retried, 1) if found.retried else 0.0,
    }


def _to_seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _tenths(value: float) -> float:
    """Rounded to a tenth as people do, halves up."""
    return math.floor(value * 10 + 0.5) / 10


def _id(tenant: Tenant | None) -> int | None:
    return tenant.id if tenant else None
