"""What a tenant's days, months and other spans of time cost, and what would be: our estimate from the ledger."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from wabot.core import costing, days, metering
from wabot.core.costing import Charged, Cost, Rates
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store import charges
from wabot.store.tenants import Tenant
from wabot.store.usage import Figures, Group


def of_days(tenant: Tenant, first: date, last: date, now: datetime, known: Rates | None = None) -> list[Charged]:
    """The tenant's days with traffic from `first` to `last`, oldest first, by channel, with what they cost."""
    found = metering.of_days(tenant, first.replace(day=1), last, now)
    return [row for row in costing.charge(found, known or costing.Rates()) if row.day.day >= first]


def of_month(tenant: Tenant, month: Month, now: datetime) -> Cost:
    """What the month cost so far."""
    return costing.add_up(row.cost for row in of_days(tenant, month.first, month.last, now))


def of_windows(of: Sequence[Tenant], edges: Sequence[datetime], now: datetime) -> list[Cost]:
    """What these tenants sent in each window between two of these moments costs together, to the millisecond, oldest
    first: each window leaves to the next what is left of the free tier. What came before the first is read only of
    tenants for whom it matters."""
    known = costing.Rates()
    windows = [_delivered(of, since, until) for since, until in pairwise(edges)]
    found: list[list[Cost]] = [[] for _ in windows]
    for tenant in of:
        tier, sent = costing.FreeTier(), [window.get(tenant.id, []) for window in windows]
        if any(costing.depends_on_the_tier(row, known) for rows in sent for row in rows):
            costing.spend(costing.charge(_before(tenant, edges[0], now), known, tier))
        for costs, rows in zip(found, sent, strict=True):
            costs += [row.cost for row in costing.charge(rows, known, tier)]
    return [costing.add_up(costs) for costs in found]


def _delivered(of: Iterable[Tenant], since: datetime, until: datetime) -> dict[int, list[Day]]:
    """What was delivered of what these tenants sent in a window, by tenant, as the parts of days that it is made of.
    Where it is the same day for several, the ledger is asked once."""
    zones: dict[str, list[int]] = {}
    for tenant in of:
        zones.setdefault(tenant.timezone, []).append(tenant.id)
    found: dict[int, list[Day]] = {}
    for zone, ids in zones.items():
        first, last = (days.of(zone, at) for at in (since, until - timedelta(milliseconds=1)))
        for day in days.between(first, last):
            begins, ends = days.bounds(zone, day, day)
            for (tenant_id, channel_id), groups in charges.groups(ids, max(begins, since), min(ends, until)).items():
                found.setdefault(tenant_id, []).append(Day(day, channel_id, Figures(groups=groups)))
    return found


def _before(tenant: Tenant, since: datetime, now: datetime) -> list[Day]:
    """What used up free messages before: the month's days before this one, and of it what was before `since`."""
    day = days.of(tenant.timezone, since)
    first, yesterday = day.replace(day=1), day - timedelta(days=1)
    found = metering.of_days(tenant, first, yesterday, now) if first <= yesterday else []
    begins = days.begins_at(tenant.timezone, day)
    return found + (_delivered([tenant], begins, since).get(tenant.id, []) if begins < since else [])


def of_groups(channel_id: int, groups: Iterable[Group], tenant: Tenant, now: datetime) -> Cost:
    """What these messages would cost if they were sent and delivered now, by this channel."""
    today, known, tier = days.of(tenant.timezone, now), costing.Rates(), costing.FreeTier()
    so_far = [row for row in metering.of_days(tenant, today.replace(day=1), today, now) if row.channel_id == channel_id]
    costing.spend(costing.charge(so_far, known, tier))
    more = Day(today, channel_id, Figures(groups=tuple(groups)))
    return costing.add_up(row.cost for row in costing.charge([more], known, tier))
