"""Schedules of usage pulls: one for each tenant, made with it. What is due begins runs, one for each day that had none;
when a day was missed it is caught up, once, for a week back."""

import logging
from datetime import date, datetime, timedelta

from wabot import clock, errors
from wabot.core import crontabs, days, profile
from wabot.store import audit, db, pulls, schedules, tenants
from wabot.store.schedules import DEFAULT_CRON, Schedule
from wabot.store.tenants import Tenant

log = logging.getLogger(__name__)

MOST_MISSED_DAYS = 7
ONE_DAY = timedelta(days=1)
AFTER_AN_ERROR = timedelta(hours=1)
"""A schedule that cannot be read, which only a lost time zone can cause, is looked at again then."""
SLACK = timedelta(minutes=1)
"""How far ahead of this clock the one of another process may be."""


def add(tenant: Tenant, now: datetime) -> Schedule:
    """Inside a write: the default schedule of a tenant that has none, from its next time on."""
    next_run_at = crontabs.next_after(DEFAULT_CRON, tenant.timezone, now)
    return schedules.add(tenant.id, cron=DEFAULT_CRON, next_run_at=next_run_at)


def add_missing(now: datetime) -> int:
    """Give every tenant from before there were schedules its own; returns how many. An unscheduled tenant has one."""
    if not schedules.tenants_without():
        return 0

    def store() -> int:
        found = [tenant for tenant_id in schedules.tenants_without() if (tenant := tenants.by_id(tenant_id))]
        for tenant in found:
            add(tenant, now)
        return len(found)

    return db.write(store)


def schedule(tenant: Tenant, cron: str, timezone: str | None, *, actor: str) -> None:
    """Have the tenant's usage pulled at these times, in the tenant's own zone unless one is named. Days before, on
    which it was unscheduled, were not missed. Raises Refused (`cron`, `timezone`)."""
    cron = crontabs.check(cron)
    if timezone is not None:
        profile.check({"timezone": timezone}, {})

    def store() -> None:
        now = clock.now()
        found = schedules.of_tenant(tenant.id) or add(tenant, now)
        next_run_at = crontabs.next_after(cron, timezone or tenant.timezone, now)
        covered_day = found.covered_day if found.enabled else ""
        schedules.change(
            tenant.id, cron=cron, timezone=timezone, enabled=True, next_run_at=next_run_at, covered_day=covered_day
        )
        audit.note("schedule usage", now, actor=actor, tenant=tenant.slug, subject=cron)

    db.write(store)


def unschedule(tenant: Tenant, *, actor: str) -> None:
    """Have the tenant's usage pulled no more, until somebody schedules it again; a run that is in work goes on."""

    def store() -> None:
        now = clock.now()
        if schedules.of_tenant(tenant.id) is None:
            add(tenant, now)
        schedules.change(tenant.id, enabled=False)
        audit.note("unschedule usage", now, actor=actor, tenant=tenant.slug)

    db.write(store)


def follow(tenant: Tenant, now: datetime) -> None:
    """Inside a write: the tenant is in another zone now, or the clock is; what has been due stays due."""
    found = schedules.of_tenant(tenant.id)
    if found is None or not found.enabled or found.next_run_at <= now:
        return
    next_run_at = crontabs.next_after(found.cron, zone(found, tenant), now)
    if next_run_at != found.next_run_at:
        schedules.change(tenant.id, next_run_at=next_run_at)


def zone(found: Schedule, tenant: Tenant) -> str:
    """The zone that the schedule's times are in."""
    return str(found.timezone or tenant.timezone)


def begin_due() -> bool:
    """Begin the runs of the schedule that has been due longest; False when none is. One consumer does, whoever is
    first: what it begins and that it is no longer due are one transaction."""
    if schedules.due(clock.now()) is None:
        return False
    try:
        return db.write(_begin_due)
    except errors.CannotWrite:
        raise
    except Exception:
        log.exception("a schedule cannot be read")
        db.write(_put_off_due)
        return True


def _begin_due() -> bool:
    now = clock.now()
    found = schedules.due(now)
    tenant = tenants.by_id(found.tenant_id) if found else None
    if found is None or tenant is None:
        return False
    where = zone(found, tenant)
    came_at = max(found.next_run_at, crontabs.latest(found.cron, where, now))
    first_due, yesterday = (days.of(tenant.timezone, moment) - ONE_DAY for moment in (found.next_run_at, came_at))
    channel_ids = [channel.id for channel in tenants.channels(tenant.id)]
    for day in _without_run(found.covered, first_due, yesterday):
        pulls.begin(tenant.id, day.isoformat(), pulls.AskedBy.SCHEDULE, channel_ids, now)
    next_run_at = crontabs.next_after(found.cron, where, now)
    schedules.change(tenant.id, next_run_at=next_run_at, covered_day=yesterday.isoformat())
    return True


def _put_off_due() -> None:
    now = clock.now()
    found = schedules.due(now)
    if found is not None:
        schedules.change(found.tenant_id, next_run_at=now + AFTER_AN_ERROR)


def _without_run(covered: date | None, first_due: date, last: date) -> list[date]:
    """The days until `last` that had no run, at most a week of them: those after the covered one, or of a schedule that
    never ran those since it was due first. A covered day that is yet to come was written by a clock that was ahead."""
    owed = first_due if covered is None or covered > last else covered + ONE_DAY
    return list(days.between(max(owed, last - timedelta(days=MOST_MISSED_DAYS - 1)), last))


def keep(now: datetime) -> None:
    """Every tenant has a schedule, and none waits longer than until its next time: a clock that was ahead may have put
    it off, and begun runs for days that had not been."""
    add_missing(now)
    if pulls.any_after(now + SLACK):
        db.write(lambda: pulls.forget_future(now + SLACK))
    for found in schedules.enabled():
        tenant = tenants.by_id(found.tenant_id)
        if tenant is not None and found.next_run_at > now and _is_elsewhere(found, tenant, now):
            db.write(lambda tenant=tenant: follow(tenant, now))  # type: ignore[misc]


def _is_elsewhere(found: Schedule, tenant: Tenant, now: datetime) -> bool:
    """Whether the schedule waits for another moment than its next one; a zone that is not known here is left alone."""
    try:
        return bool(crontabs.next_after(found.cron, zone(found, tenant), now) != found.next_run_at)
    except (OSError, ValueError, KeyError):
        log.warning("the time zone of a schedule is not known here", extra={"tenant": tenant.id})
        return False
