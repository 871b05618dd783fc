"""`wabot usage pull`, `schedule`, `unschedule` and `jobs`: the providers' own figures, and when they are asked for."""

from datetime import date
from typing import Any

import click

from wabot.cli import options, output
from wabot.cli.base import ACTOR, Command, Failed
from wabot.cli.usage import Day
from wabot.core import asking_usage, scheduling, tenancy, usage_jobs
from wabot.store import tenants
from wabot.store.schedules import DEFAULT_CRON

JOBS = ("restaurantId", "cron", "timezone", "enabled", "nextRunAt", "lastRunAt", "lastDate", "channels", "ok", "failed")
PULLED = ("restaurantId", "date", "channelId", "result", "days", "code", "reason")


@click.command(cls=Command)
@click.option("--tenant", "slug", metavar="SLUG", help="Of this tenant; default all, one after the other.")
@click.option("--date", "day", type=Day(), help="Which day, such as 2026-11-20; default each tenant's yesterday.")
@options.as_json
def pull(slug: str | None, day: date | None, as_json: bool) -> None:
    """Ask the providers now what each channel did on a day and the two before it; exit 1 if one does not say."""
    rows: list[dict[str, Any]] = []
    chosen = [tenancy.find_tenant(slug)] if slug else tenants.all_tenants()
    for tenant in chosen:
        asking_usage.check(tenant, day)
    for tenant in chosen:
        asked = asking_usage.ask(tenant, day, actor=ACTOR)
        rows += usage_jobs.pulled(asked, asking_usage.work_off(asked))
    output.listing(rows, PULLED, as_json)
    failed = [
        f"channel {row['channelId']}: {row['code']} ({row['reason']})" for row in rows if row["result"] == "failed"
    ]
    if failed:
        raise Failed("; ".join(failed))


@click.command(cls=Command)
@click.argument("slug")
@click.option("--cron", default=DEFAULT_CRON, show_default=True, help="When, as five cron fields.")
@click.option("--timezone", help="Whose clock it goes by; default the tenant's.")
@options.as_json
def schedule(slug: str, cron: str, timezone: str | None, as_json: bool) -> None:
    """Have a tenant's usage pulled at these times; a day that is missed is caught up once, for a week back."""
    tenant = tenancy.find_tenant(slug)
    scheduling.schedule(tenant, cron, timezone, actor=ACTOR)
    found = usage_jobs.job(tenant)
    output.said(found, f"{slug}'s usage is pulled next at {found['nextRunAt']}.", as_json)


@click.command(cls=Command)
@click.argument("slug")
@options.as_json
def unschedule(slug: str, as_json: bool) -> None:
    """Have a tenant's usage pulled no more, until it is scheduled again."""
    tenant = tenancy.find_tenant(slug)
    scheduling.unschedule(tenant, actor=ACTOR)
    output.said(usage_jobs.job(tenant), f"{slug}'s usage is pulled no more, until it is scheduled again.", as_json)


@click.command(cls=Command)
@options.as_json
def jobs(as_json: bool) -> None:
    """List when each tenant's usage is pulled, and what the last run brought."""
    rows = usage_jobs.listing()
    output.listing(rows if as_json else map(_flat, rows), JOBS, as_json)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A job with its last result beside it, for a table."""
    last = row["lastResult"] or {"date": None, "channels": None, "ok": None, "failed": []}
    failed = [f"channel {each['channelId']}: {each['code']}" for each in last["failed"]]
    return row | last | {"lastDate": last["date"], "failed": failed}


COMMANDS = (pull, schedule, unschedule, jobs)
"""What the group `wabot usage` has beside its own."""
