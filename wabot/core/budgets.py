"""What a tenant wants to spend in a month, how much of it is spent, and who must be told once that much of it is."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wabot import clock
from wabot.core import costing, days, estimating, forecasting, metering, money, profile
from wabot.core.days import Month
from wabot.store import alerts, db
from wabot.store.alerts import Alert, AlertKind
from wabot.store.tenants import Tenant
from wabot.store.usage import Source

log = logging.getLogger(__name__)

LEVELS = (50, 75, 90, 100)
"""Percent of a budget at which the tenant is told."""
MOST_ALERTS = 200


@dataclass(frozen=True, slots=True)
class Spent:
    """What a month cost so far in the tenant's currency, and who says so."""

    micros: int
    source: Source


def amount(tenant: Tenant) -> int | None:
    """The tenant's budget for a month in micros of its currency; None where it has none."""
    try:
        return money.parse(profile.setting(tenant, "budget")) or None
    except ValueError:
        return None


def spent(tenant: Tenant, month: Month, now: datetime) -> Spent | None:
    """Our estimate; where that asks for nothing in the tenant's currency, what its providers told in it; else None.
    What is in other currencies counts for nothing: nobody knows at which rate."""
    estimate = estimating.of_month(tenant, month, now)
    ours = estimate.micros.get(tenant.currency)
    if ours:
        return Spent(ours, Source.OBSERVED)
    told = [row for row in metering.told(tenant, month.first, month.last) if row.currency == tenant.currency]
    if any(row.cost_micros is not None for row in told):
        return Spent(sum(row.cost_micros or 0 for row in told), Source.PROVIDER)
    if ours is None and (estimate.is_unknown or costing.shown_currency(tenant) != tenant.currency):
        return None
    return Spent(0, Source.OBSERVED)


def check(tenant: Tenant, now: datetime) -> list[int]:
    """Tell a tenant whose budget is spent to one of LEVELS, once for each level, month and budget; returns the levels
    of which it is told now."""
    budget, month = amount(tenant), Month.of(days.of(tenant.timezone, now))
    known = spent(tenant, month, now) if budget else None
    if budget is None or known is None:
        return []
    reached = [level for level in LEVELS if known.micros * 100 >= budget * level]
    if not reached:
        return []
    told = db.write(lambda: [level for level in reached if _raise(tenant, month, level, budget, known, now)])
    for level in told:
        log.warning("a budget is spent to %s %%", level, extra={"tenant": tenant.slug, "month": str(month)})
    return told


def _raise(tenant: Tenant, month: Month, level: int, budget: int, known: Spent, now: datetime) -> bool:
    """Who is given another budget in the middle of a month is told anew."""
    occasion = f"{month}:{level}:{money.text(budget)}{tenant.currency}"
    values = {"percent": level, "budget_micros": budget, "spent_micros": known.micros, "currency": tenant.currency}
    return alerts.raise_once(tenant.id, AlertKind.BUDGET, occasion, now, **values)


def shape(tenant: Tenant, now: datetime) -> dict[str, Any] | None:
    """The budget as it is shown: what is spent of it and what will have been; None where there is none."""
    budget, month = amount(tenant), Month.of(days.of(tenant.timezone, now))
    if budget is None:
        return None
    known = spent(tenant, month, now)
    ours = known is not None and known.source is Source.OBSERVED
    told = alerts.of_kind(tenant.id, AlertKind.BUDGET, f"{month}:", MOST_ALERTS)
    return {
        **money.shape(budget, tenant.currency),
        "month": str(month),
        "spent": None if known is None else money.number(known.micros),
        "spentIs": None if known is None else basis(known.source),
        "percent": None if known is None else known.micros * 100 // budget,
        "forecast": forecasting.shape(tenant, now, tenant.currency) if ours else None,
        "alerts": [_alert(alert) for alert in reversed(told)],
    }


def basis(source: Source) -> str:
    """How it is said that a cost is ours or the provider's."""
    return "provider" if source is Source.PROVIDER else "estimate"


def _alert(alert: Alert) -> dict[str, Any]:
    budget = alert.data.get("budget_micros", 0)
    return {"percent": alert.data.get("percent"), "budget": money.number(budget), "at": clock.iso(alert.at)}
