"""What tenants and the operator are shown of usage: the JSON shapes of CONTRACT §5, for the API and for `--json`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from wabot import clock, words
from wabot.core import allowances, budgets, costing, days, estimating, forecasting, metering, money
from wabot.core.costing import Charged, Cost
from wabot.core.days import Month
from wabot.store import sessions, tenants, usage
from wabot.store.tenants import Tenant
from wabot.store.usage import Figures, Source

MONTHS_OF_HISTORY = 6
DEFAULT_DAYS = 30


def overview(tenant: Tenant, now: datetime) -> dict[str, Any]:
    """How many conversations a tenant had, how many it may still have, and when it was active."""
    spent = allowances.spent(tenant, now)
    first, last = usage.activity(tenant.id)
    return {
        "restaurantId": tenant.slug,
        "restaurantName": tenant.name,
        "conversationsThisMonth": spent.this_month,
        "lastConversationAt": clock.iso(sessions.newest(tenant.id)),
        "allowance": allowances.shape(tenant, spent),
        "firstActivity": clock.iso(first),
        "lastActivity": clock.iso(last),
        "isActive": tenant.status is words.TenantStatus.ACTIVE,
    }


def page(limit: int, offset: int, now: datetime) -> dict[str, Any]:
    """The overviews of all tenants by slug, so many from `offset` on."""
    found, total = tenants.page(limit, offset), tenants.count()
    pagination = {"total": total, "limit": limit, "offset": offset, "hasMore": offset + len(found) < total}
    return {"data": [overview(tenant, now) for tenant in found], "pagination": pagination}


def detail(tenant: Tenant, now: datetime) -> dict[str, Any]:
    """The overview with `history`: the last six months, newest first, the current one and those without traffic among
    them."""
    current = Month.of(days.of(tenant.timezone, now))
    months = [current.back(number) for number in range(MONTHS_OF_HISTORY)]
    found = metering.of_months(tenant, months[-1], current, now)
    history = [
        {
            "month": month.month,
            "year": month.year,
            "conversationCount": found.get(month, Figures()).conversations,
            "lastConversationAt": clock.iso(sessions.newest(tenant.id, *_bounds(tenant, month))),
        }
        for month in months
    ]
    return overview(tenant, now) | {"history": history}


def daily(tenant: Tenant, first: date, last: date, now: datetime) -> list[dict[str, Any]]:
    """The days with traffic of each channel, newest first: ours, then what its provider told of that day."""
    free_of_cost_in = costing.shown_currency(tenant)
    found = sorted(_days(tenant, first, last, now), key=_newest_first)
    return [_day(row, free_of_cost_in) for row in found]


def monthly(tenant: Tenant, months: int, now: datetime) -> list[dict[str, Any]]:
    """The last so many months with traffic, newest first, ours before the providers'; the current one of ours is always
    there."""
    current = Month.of(days.of(tenant.timezone, now))
    return _months(tenant, current.back(months - 1), current, now)


def month(tenant: Tenant, asked: Month, now: datetime) -> dict[str, Any]:
    """One month, also one without traffic; with `provider`, what the providers told of it."""
    rows = {row["source"]: row for row in _months(tenant, asked, asked, now)}
    ours = rows.get(Source.OBSERVED) or _month(tenant, asked, Source.OBSERVED, (), now)
    return ours | {"provider": rows.get(Source.PROVIDER)}


def export(of: Iterable[Tenant], asked: Month, now: datetime) -> list[dict[str, Any]]:
    """Every day with traffic of a month, for accounting: whose, oldest first, ours and the providers'."""
    return [
        {
            "restaurantId": tenant.slug,
            **_day(row, costing.shown_currency(tenant)),
            "delivered": row.day.figures.delivered,
            "billable": row.day.figures.billable,
        }
        for tenant in of
        for row in sorted(_days(tenant, asked.first, asked.last, now), key=_oldest_first)
    ]


def span(tenant: Tenant, first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """From which to which day: until the tenant's today, and thirty days, unless said otherwise."""
    last = last or days.of(tenant.timezone, now)
    return first or last - timedelta(days=DEFAULT_DAYS - 1), last


def _bounds(tenant: Tenant, asked: Month) -> tuple[datetime, datetime]:
    return days.bounds(tenant.timezone, asked.first, asked.last)


def _days(tenant: Tenant, first: date, last: date, now: datetime) -> list[Charged]:
    """Our days and the providers', which are never added up."""
    told = [Charged(day, ()) for day in metering.told(tenant, first, last)]
    return estimating.of_days(tenant, first, last, now) + told


def _newest_first(row: Charged) -> tuple[int, int, bool]:
    return -row.day.day.toordinal(), row.day.channel_id, row.day.source is Source.PROVIDER


def _oldest_first(row: Charged) -> tuple[int, int, bool]:
    return row.day.day.toordinal(), row.day.channel_id, row.day.source is Source.PROVIDER


def _day(row: Charged, free_of_cost_in: str) -> dict[str, Any]:
    head = {"date": row.day.day.isoformat(), "channelId": row.day.channel_id, "source": row.day.source}
    return {**head, **_figures(row.day.figures), **_cost(row.cost, row.day.source, free_of_cost_in)}


def _months(tenant: Tenant, first: Month, last: Month, now: datetime) -> list[dict[str, Any]]:
    """Months with traffic, newest first, ours before the providers'."""
    current = Month.of(days.of(tenant.timezone, now))
    found = _days(tenant, first.first, last.last, now)
    rows: list[dict[str, Any]] = []
    for source in Source:
        by_month: dict[Month, list[Charged]] = {}
        if source is Source.OBSERVED and first <= current <= last:
            by_month[current] = []
        for row in found:
            if row.day.source is source:
                by_month.setdefault(Month.of(row.day.day), []).append(row)
        rows += _of_source(tenant, source, by_month, now)
    return sorted(rows, key=lambda row: (-row["year"], -row["month"], row["source"] == Source.PROVIDER))


def _of_source(
    tenant: Tenant, source: Source, by_month: Mapping[Month, Sequence[Charged]], now: datetime
) -> Iterator[dict[str, Any]]:
    """Its months, oldest first, each with what they cost up to then in the month's own currency."""
    so_far: Counter[str] = Counter()
    for month_, rows in sorted(by_month.items()):
        so_far.update(costing.add_up(row.cost for row in rows).micros)
        shown = _month(tenant, month_, source, rows, now)
        cost = shown["cost"]
        shown["cumulativeCost"] = cost and money.shape(so_far[cost["currency"]], cost["currency"])
        yield shown


def _month(tenant: Tenant, asked: Month, source: Source, rows: Sequence[Charged], now: datetime) -> dict[str, Any]:
    cost = costing.add_up(row.cost for row in rows)
    is_current = source is Source.OBSERVED and asked == Month.of(days.of(tenant.timezone, now))
    return {
        "year": asked.year,
        "month": asked.month,
        "source": source,
        **_figures(metering.total(row.day.figures for row in rows)),
        **_cost(cost, source, costing.shown_currency(tenant)),
        "cumulativeCost": None,
        "forecast": forecasting.shape(tenant, now) if is_current else None,
        "budget": budgets.shape(tenant, now) if is_current else None,
    }


def _cost(cost: Cost, source: Source, free_of_cost_in: str) -> dict[str, Any]:
    """What it cost and who says so. A provider that told nothing of cost has not told 0."""
    nothing_in = "" if source is Source.PROVIDER else free_of_cost_in
    return {**costing.shape(cost, nothing_in), "costIs": budgets.basis(source)}


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        **metering.families(figures),
        "categories": figures.categories,
        "conversations": figures.conversations,
        "messagesIn": figures.messages_in,
        "messagesOut": figures.messages_out,
    }
