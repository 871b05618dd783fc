"""Welcome bootstraps: one row for each welcome, with what it fetched. How many run at a time and begin in a minute is
counted here, exactly, over all processes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import peewee

from wabot import clock
from wabot.store import db, tallies, workers
from wabot.store.customers import Customer
from wabot.store.fields import Moment, Text, Word
from wabot.store.tenants import Tenant

MOST_AT_A_TIME = 5
MOST_A_MINUTE = 20
MINUTE = timedelta(minutes=1)


class BootstrapStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    DEAD = "dead"


class Bootstrap(db.Row):
    """`categories`, `branches` and `templates` are how many there are, None until that is known. A running one is due
    again when its lease is over; one that has ended has no due time."""

    tenant_id: int
    customer_id: int

    tenant = peewee.ForeignKeyField(Tenant)
    channel_id = peewee.IntegerField(null=True)
    customer = peewee.ForeignKeyField(Customer)
    status = Word(BootstrapStatus, default=BootstrapStatus.QUEUED)
    attempts = peewee.IntegerField(default=0)
    due_at = Moment(null=True)
    worker = Text(default="")
    categories = peewee.IntegerField(null=True)
    branches = peewee.IntegerField(null=True)
    templates = peewee.IntegerField(null=True)
    ms = peewee.IntegerField(default=0)
    error = Text(default="")
    created_at = Moment()
    ended_at = Moment(null=True)


def add(tenant_id: int, channel_id: int | None, customer_id: int, now: datetime) -> Bootstrap:
    """Inside a write: a bootstrap that is due now."""
    return Bootstrap.add(tenant=tenant_id, channel_id=channel_id, customer=customer_id, due_at=now, created_at=now)


def had_one(customer_id: int, channel_id: int) -> bool:
    """Whether there is a bootstrap for this customer's welcome by this channel."""
    sql = "SELECT 1 FROM bootstrap WHERE customer_id = ? AND channel_id = ? LIMIT 1"
    return db.one(sql, customer_id, channel_id) is not None


def find(bootstrap_id: int) -> Bootstrap | None:
    """The bootstrap with this id, whoever's it is; for whoever has just added it."""
    return Bootstrap.load_one("WHERE id = ?", bootstrap_id)


def listed(tenant_id: int | None, most: int) -> Sequence[Bootstrap]:
    """The newest bootstraps of a tenant, or for the operator of all."""
    found = Bootstrap.select(Bootstrap, Tenant, Customer).join(Tenant).switch(Bootstrap).join(Customer)
    mine = found if tenant_id is None else found.where(Bootstrap.tenant == tenant_id)
    return list(mine.order_by(Bootstrap.id.desc()).limit(most))


def next_due(now: datetime) -> datetime | None:
    """When the next bootstrap can be claimed, as far as that is known now: the next commit may change it."""
    queued, lost = _first("queued"), _first("running")
    if queued is not None and _running(now) < MOST_AT_A_TIME:
        return max(queued, _may_begin_at(now)) if lost is None else min(lost, max(queued, _may_begin_at(now)))
    return lost


def _first(status: str) -> datetime | None:
    found = db.one("SELECT min(due_at) FROM bootstrap WHERE status = ? AND due_at IS NOT NULL", status)
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def _running(now: datetime) -> int:
    [(running,)] = db.rows(
        "SELECT count(*) FROM bootstrap WHERE status = 'running' AND due_at IS NOT NULL AND due_at > ?", now
    )
    return int(running)


def _may_begin_at(now: datetime) -> datetime:
    """A minute after the twentieth youngest start; now, where there were fewer."""
    sql = "SELECT at FROM bootstrap_start WHERE at > ? AND at <= ? ORDER BY at DESC LIMIT 1 OFFSET ?"
    found = db.one(sql, now - MINUTE, now + MINUTE, MOST_A_MINUTE - 1)
    return clock.from_ms(found[0]) + MINUTE if found else now


def claim(now: datetime, lease: timedelta, only: int | None = None) -> tuple[Bootstrap, int] | None:
    """Inside a write: the next bootstrap that may run (or that one), its attempt counted, with the id of its start;
    None when none is due, five are running, or twenty have begun within the last minute."""
    db.run("UPDATE bootstrap SET status = 'queued', worker = '' WHERE status = 'running' AND due_at <= ?", now)
    if _running(now) >= MOST_AT_A_TIME or _may_begin_at(now) > now:
        return None
    mine = "" if only is None else f"AND id = {only:d} "
    taken = db.rows(
        "UPDATE bootstrap SET status = 'running', attempts = attempts + 1, due_at = ?, worker = ? WHERE id = "  # noqa: S608
        f"(SELECT id FROM bootstrap WHERE status = 'queued' AND due_at <= ? {mine}ORDER BY due_at, id LIMIT 1) "
        "RETURNING id",
        now + lease, workers.me(), now,
    )  # fmt: skip
    if not taken:
        return None
    db.run("DELETE FROM bootstrap_start WHERE at <= ? OR at > ?", now - MINUTE, now + MINUTE)
    [(start,)] = db.rows("INSERT INTO bootstrap_start (at) VALUES (?) RETURNING id", now)
    [claimed] = Bootstrap.load("WHERE id = ?", taken[0][0])
    return claimed, int(start)


def settle(claimed: Bootstrap, status: BootstrapStatus, due_at: datetime | None, now: datetime) -> bool:
    """Inside a write: keep what the row in hand has found, with its new status; due again then, or over. False, and
    nothing is kept, when its lease went to somebody else meanwhile."""
    is_over = due_at is None
    kept = db.run(
        "UPDATE bootstrap SET status = ?, due_at = ?, worker = '', attempts = ?, categories = ?, branches = ?, "
        "templates = ?, ms = ?, error = ?, ended_at = ? WHERE id = ? AND status = 'running' AND due_at = ?",
        status.value, due_at, claimed.attempts, claimed.categories, claimed.branches, claimed.templates, claimed.ms,
        claimed.error, now if is_over else None, claimed.id, claimed.due_at,
    )  # fmt: skip
    if kept and is_over:
        tallies.count(tallies.BOOTSTRAPS, status=status.value)
    return bool(kept)


def forget_start(start: int) -> None:
    """Inside a write: this start was none, because somebody else was at work on the same."""
    db.run("DELETE FROM bootstrap_start WHERE id = ?", start)


def owners() -> list[str]:
    """The processes that are running a bootstrap at present."""
    sql = "SELECT DISTINCT worker FROM bootstrap WHERE status = 'running' AND due_at IS NOT NULL"
    return [row[0] for row in db.rows(sql)]


def abandon(owner: str, now: datetime) -> int:
    """Inside a write: what this process was running when it died is due now; returns how much."""
    return db.run(
        "UPDATE bootstrap SET status = 'queued', worker = '', due_at = ? WHERE status = 'running' AND worker = ? "
        "AND due_at IS NOT NULL",
        now, owner,
    )  # fmt: skip


def bring_forward(now: datetime, furthest: timedelta) -> None:
    """Inside a write: what is due further ahead than anything can be is due now, because the clock went back."""
    db.run("UPDATE bootstrap SET due_at = ? WHERE due_at > ?", now, now + furthest)


def forget(before: datetime, most: int) -> int:
    """Inside a write: drop bootstraps that ended before then."""
    old = "SELECT id FROM bootstrap WHERE ended_at < ? LIMIT ?"
    return db.run(f"DELETE FROM bootstrap WHERE id IN ({old})", before, most)  # noqa: S608
