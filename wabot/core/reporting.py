"""What tenants and the operator are shown of usage: the JSON shapes of CONTRACT §5, for the API and for `--json`."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from wabot import clock, words
from wabot.core import days, metering
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store import sessions, tenants, usage
from wabot.store.tenants import Tenant
from wabot.store.usage import Figures, Source

DAYS_A_MONTH = 30
"""A month's allowance in days of it, however long the month is."""
MONTHS_OF_HISTORY = 6
DEFAULT_DAYS = 30


def overview(tenant: Tenant, now: datetime) -> dict[str, Any]:
    """How many conversations a tenant had, how many it may still have, and when it was active."""
    today = days.of(tenant.timezone, now)
    this_day = sessions.opened(tenant.id, *days.bounds(tenant.timezone, today, today))
    this_month = sessions.opened(tenant.id, *_bounds(tenant, Month.of(today)))
    monthly = DAYS_A_MONTH * tenant.daily_limit
    first, last = usage.activity(tenant.id)
    return {
        "restaurantId": tenant.slug,
        "restaurantName": tenant.name,
        "conversationsThisMonth": this_month,
        "lastConversationAt": clock.iso(sessions.newest(tenant.id)),
        "allowance": {
            "dailyLimit": tenant.daily_limit,
            "dailyRemaining": max(0, tenant.daily_limit - this_day),
            "monthlyLimit": monthly,
            "monthlyRemaining": max(0, monthly - this_month),
        },
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
    """The overview with `history`: the last six months, newest first, the current one and those without traffic
    among them."""
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
    """The days with traffic of each channel, newest first."""
    return [_day(day) for day in metering.of_days(tenant, first, last, now)]


def monthly(tenant: Tenant, months: int, now: datetime) -> list[dict[str, Any]]:
    """The last so many months with traffic, newest first; the current one is always there."""
    current = Month.of(days.of(tenant.timezone, now))
    found = metering.of_months(tenant, current.back(months - 1), current, now)
    return [_month(each, figures) for each, figures in sorted(found.items(), reverse=True)]


def month(tenant: Tenant, asked: Month, now: datetime) -> dict[str, Any]:
    """One month, also one without traffic."""
    return _month(asked, metering.of_months(tenant, asked, asked, now).get(asked, Figures()))


def export(of: Iterable[Tenant], asked: Month, now: datetime) -> list[dict[str, Any]]:
    """Every day with traffic of a month, for accounting: whose, oldest first."""
    return [
        {"restaurantId": tenant.slug, **_day(day), "delivered": day.figures.delivered, "billable": day.figures.billable}
        for tenant in of
        for day in sorted(metering.of_days(tenant, asked.first, asked.last, now), key=lambda row: row.day)
    ]


def span(tenant: Tenant, first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """From which to which day: until the tenant's today, and thirty days, unless said otherwise."""
    last = last or days.of(tenant.timezone, now)
    return first or last - timedelta(days=DEFAULT_DAYS - 1), last


def _bounds(tenant: Tenant, asked: Month) -> tuple[datetime, datetime]:
    return days.bounds(tenant.timezone, asked.first, asked.last)


def _day(row: Day) -> dict[str, Any]:
    head = {"date": row.day.isoformat(), "channelId": row.channel_id, "source": row.source}
    return {**head, **_figures(row.figures), "cost": None}


def _month(asked: Month, figures: Figures) -> dict[str, Any]:
    head = {"year": asked.year, "month": asked.month, "source": Source.OBSERVED}
    return {**head, **_figures(figures), "cost": None, "cumulativeCost": None}


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        **metering.families(figures),
        "categories": figures.categories,
        "conversations": figures.conversations,
        "messagesIn": figures.messages_in,
        "messagesOut": figures.messages_out,
    }
