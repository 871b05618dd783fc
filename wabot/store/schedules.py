"""When each tenant's usage is pulled from its providers: one row a tenant. Huey's own `schedule` is another thing."""

from datetime import date, datetime
from typing import Any

import peewee

from wabot import clock
from wabot.store import db
from wabot.store.fields import Flag, Moment, Text

DEFAULT_CRON = "0 9 * * *"


class Schedule(db.Row):
    """`timezone` is None where it is the tenant's, and then follows it; `covered_day` the last day, of the tenant's,
    that the schedule has had a run for, empty before the first. A disabled row is kept: it remembers that somebody
    unscheduled the tenant."""

    tenant_id = peewee.IntegerField()
    cron = Text(default=DEFAULT_CRON)
    timezone = Text(null=True)
    enabled = Flag(default=True)
    next_run_at = Moment()
    covered_day = Text(default="")

    @property
    def covered(self) -> date | None:
        """The last day that it has had a run for."""
        return date.fromisoformat(self.covered_day) if self.covered_day else None

    class Meta:
        table_name = "usage_schedule"


def of_tenant(tenant_id: int) -> Schedule | None:
    """The tenant's schedule."""
    return Schedule.load_one("WHERE tenant_id = ?", tenant_id)


def add(tenant_id: int, *, next_run_at: datetime, **values: Any) -> Schedule:
    """Inside a write: the schedule of a tenant that has none."""
    return Schedule.add(tenant_id=tenant_id, next_run_at=next_run_at, **values)


def change(tenant_id: int, **values: Any) -> None:
    """Inside a write: set columns of the tenant's schedule."""
    found = of_tenant(tenant_id)
    if found is not None:
        Schedule.change(found.id, **values)


def tenants_without() -> list[int]:
    """The tenants that have no schedule, not even a disabled one."""
    missing = "NOT EXISTS (SELECT 1 FROM usage_schedule s WHERE s.tenant_id = tenant.id)"
    return [row[0] for row in db.rows(f"SELECT id FROM tenant WHERE {missing} ORDER BY id")]  # noqa: S608


def enabled() -> list[Schedule]:
    """Every schedule that runs."""
    return Schedule.load("WHERE enabled = 1 ORDER BY tenant_id")


def all_schedules() -> list[Schedule]:
    """Every schedule, disabled ones too, in the order of their tenants' slugs."""
    return Schedule.load("ORDER BY (SELECT slug FROM tenant WHERE tenant.id = usage_schedule.tenant_id)")


def due(now: datetime) -> Schedule | None:
    """The schedule that has been due longest."""
    return Schedule.load_one("WHERE enabled = 1 AND next_run_at <= ? ORDER BY next_run_at, id LIMIT 1", now)


def next_due() -> datetime | None:
    """When the next schedule is due."""
    found = db.one("SELECT min(next_run_at) FROM usage_schedule WHERE enabled = 1")
    return clock.from_ms(found[0]) if found and found[0] is not None else None
