"""Usage pulls by hand: a run like any other, due now; the command line works it off itself, beside the consumer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wabot import clock, errors
from wabot.core import days, pulling
from wabot.store import audit, db, pulls, tenants
from wabot.store.pulls import AskedBy, UsagePull
from wabot.store.tenants import Tenant

EARLIEST = date(2020, 1, 1)
LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that is in work: whose, its id and its day."""

    tenant: Tenant
    run_id: int
    day: date


def yesterday(tenant: Tenant, now: datetime) -> date:
    """The last day that is over where the tenant is."""
    return days.of(tenant.timezone, now) - timedelta(days=1)


def check(tenant: Tenant, day: date | None) -> None:
    """Raises Refused (`bad_date`) for a day that is yet to come where the tenant is, or too long ago."""
    today = days.of(tenant.timezone, clock.now())
    if day is not None and not EARLIEST <= day <= today:
        raise errors.Refused("bad_date", f"the date is from {EARLIEST} to {today}, {tenant.slug}'s today")


def ask(tenant: Tenant, day: date | None, *, actor: str) -> Asked:
    """Have a day pulled now, by default yesterday. A run of that day that is in work is that one, and what of it waits
    for another try is tried now. Raises Refused as `check` does."""
    check(tenant, day)
    wanted = day or yesterday(tenant, clock.now())

    def store() -> int:
        now = clock.now()
        audit.note("pull usage", now, actor=actor, tenant=tenant.slug, subject=wanted.isoformat())
        found = pulls.open_run(tenant.id, wanted.isoformat())
        if found is not None:
            pulls.try_now(found.id, now)
            return int(found.id)
        channel_ids = [channel.id for channel in tenants.channels(tenant.id)]
        run_id = pulls.begin(tenant.id, wanted.isoformat(), AskedBy.HAND, channel_ids, now)
        if run_id is None:
            raise errors.Conflict(f"{wanted} is being pulled")
        return run_id

    return Asked(tenant, db.write(store), wanted)


def work_off(asked: Asked, sleep: Callable[[float], None] = time.sleep) -> list[UsagePull]:
    """Do what is due of a run in this process, and wait for what another one is doing; returns the channels' pulls,
    each with what came of it. One that is to be tried later again has failed for now."""
    while True:
        while pulling.pull_next(asked.run_id):
            continue
        found = pulls.of_run(asked.tenant.id, asked.run_id)
        if not any(pull.is_in_hand for pull in found):
            return found
        sleep(LOOK_AGAIN_SECONDS)
        pulling.recover_lost()
