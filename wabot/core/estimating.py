"""What a tenant's days, months and other spans of time cost, and what would be: our estimate from the ledger."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from wabot.core import costing, days, metering
from wabot.core.costing import Charged, Cost, Rates
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store import usage
from wabot.store.tenants import Tenant
from wabot.store.usage import Figures, Group, Span


def of_days(tenant: Tenant, first: date, last: date, now: datetime, known: Rates | None = None) -> list[Charged]:
    """The tenant's days with traffic from `first` to `last`, oldest first, by channel, with what they cost."""
    found = metering.of_days(tenant, first.replace(day=1), last, now)
    return [row for row in costing.charge(found, known or costing.Rates()) if row.day.day >= first]


def of_month(tenant: Tenant, month: Month, now: datetime) -> Cost:
    """What the month cost so far."""
    return costing.add_up(row.cost for row in of_days(tenant, month.first, month.last, now))


def of_windows(tenant: Tenant, edges: Sequence[datetime], now: datetime) -> list[Cost]:
    """What was sent in each window between two of these moments costs, to the millisecond, oldest first, in one go:
    what came before the first is read once, and each leaves to the next what is left of the free tier."""
    known, tier = costing.Rates(), costing.FreeTier()
    before = _before(tenant, days.of(tenant.timezone, edges[0]), edges[0], now)
    costing.spend(costing.charge(before, known, tier))
    return [
        costing.add_up(row.cost for row in costing.charge(_days_of(tenant, since, until), known, tier))
        for since, until in pairwise(edges)
    ]


def _days_of(tenant: Tenant, since: datetime, until: datetime) -> list[Day]:
    """The days, or parts of them, that a window is made of."""
    first, last = (days.of(tenant.timezone, at) for at in (since, until - timedelta(milliseconds=1)))
    return [row for day in days.between(first, last) for row in _within(tenant, day, since, until)]


def _before(tenant: Tenant, day: date, since: datetime, now: datetime) -> list[Day]:
    """What used up free messages before: the month's days before this one, and of it what was before `since`."""
    first, yesterday = day.replace(day=1), day - timedelta(days=1)
    found = metering.of_days(tenant, first, yesterday, now) if first <= yesterday else []
    begins = days.begins_at(tenant.timezone, day)
    return found + (_within(tenant, day, begins, since) if begins < since else [])


def _within(tenant: Tenant, day: date, since: datetime, until: datetime) -> list[Day]:
    """The part of a day that lies between, of each channel."""
    begins, ends = days.bounds(tenant.timezone, day, day)
    begins, ends = max(begins, since), min(ends, until)
    found = []
    for channel_id in usage.first_messages(tenant.id):
        figures = usage.count(Span(tenant.id, channel_id, day.isoformat(), begins, ends))
        found.append(Day(day, channel_id, figures))
    return found


def of_groups(channel_id: int, groups: Iterable[Group], tenant: Tenant, now: datetime) -> Cost:
    """What these messages would cost if they were sent and delivered now, by this channel."""
    today, known, tier = days.of(tenant.timezone, now), costing.Rates(), costing.FreeTier()
    so_far = [row for row in metering.of_days(tenant, today.replace(day=1), today, now) if row.channel_id == channel_id]
    costing.spend(costing.charge(so_far, known, tier))
    more = Day(today, channel_id, Figures(groups=tuple(groups)))
    return costing.add_up(row.cost for row in costing.charge([more], known, tier))
