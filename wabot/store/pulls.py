"""Runs of usage pulls: a run is one day of one tenant, a pull one channel's part of it and the unit of work."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import peewee

from wabot import clock
from wabot.store import db, workers
from wabot.store.fields import Moment, Text, Word


class AskedBy(StrEnum):
    """Who asked for a run."""

    SCHEDULE = "schedule"
    HAND = "hand"


class PullState(StrEnum):
    """`waiting` with an error is one that failed and will be tried again."""

    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class UsageRun(db.Row):
    """One day of a tenant, which every channel is asked for; over once every channel's pull is."""

    tenant_id = peewee.IntegerField()
    day = Text()
    asked_by = Word(AskedBy)
    created_at = Moment()
    ended_at = Moment(null=True)


class UsagePull(db.Row):
    """One channel of a run. `worker`, `lease_until` and the number in `claims` are the claim's;
    `days` how many days the provider told of."""

    tenant_id = peewee.IntegerField()
    run_id = peewee.IntegerField()
    channel_id = peewee.IntegerField()
    state = Word(PullState, default=PullState.WAITING)
    tries = peewee.IntegerField(default=0)
    due_at = Moment()
    worker = Text(default="")
    lease_until = Moment(null=True)
    claims = peewee.IntegerField(default=0)
    error_code = Text(default="")
    error_message = Text(default="")
    days = peewee.IntegerField(default=0)

    @property
    def has_failed(self) -> bool:
        """Whether its last try failed, be it the last of all or not."""
        return bool(self.error_code) and self.state is not PullState.SKIPPED

    @property
    def is_in_hand(self) -> bool:
        """Whether a process is at it, or will be now: it waits for its first try."""
        return self.state is PullState.RUNNING or (self.state is PullState.WAITING and not self.error_code)


def begin(tenant_id: int, day: str, asked_by: AskedBy, channel_ids: Iterable[int], now: datetime) -> int | None:
    """Inside a write: a new run with a pull for each channel, due now; its id, or None when the schedule has had this
    day before or a run of it is in work."""
    made = db.rows(
        "INSERT INTO usage_run (tenant_id, day, asked_by, created_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING id",
        tenant_id, day, asked_by.value, now,
    )  # fmt: skip
    if not made:
        return None
    [(run_id,)] = made
    for channel_id in channel_ids:
        UsagePull.add(tenant_id=tenant_id, run_id=run_id, channel_id=channel_id, due_at=now)
    end_if_over(run_id, now)
    return int(run_id)


def run(tenant_id: int, run_id: int) -> UsageRun | None:
    """The tenant's run with this id."""
    return UsageRun.load_one("WHERE id = ? AND tenant_id = ?", run_id, tenant_id)


def open_run(tenant_id: int, day: str) -> UsageRun | None:
    """The run of this day that is in work."""
    return UsageRun.load_one("WHERE tenant_id = ? AND day = ? AND ended_at IS NULL", tenant_id, day)


def of_run(tenant_id: int, run_id: int) -> list[UsagePull]:
    """The pulls of the tenant's run, in the order of its channels."""
    return UsagePull.load("WHERE run_id = ? AND tenant_id = ? ORDER BY id", run_id, tenant_id)


def last_told(tenant_id: int) -> UsageRun | None:
    """The tenant's newest run of which something is known of every channel."""
    return UsageRun.load_one(
        "WHERE tenant_id = ? AND NOT EXISTS (SELECT 1 FROM usage_pull p WHERE p.run_id = usage_run.id "
        "AND p.state IN ('waiting', 'running') AND p.error_code = '') ORDER BY id DESC LIMIT 1",
        tenant_id,
    )


def try_now(run_id: int, now: datetime) -> None:
    """Inside a write: what waits for its next try is due now."""
    db.run("UPDATE usage_pull SET due_at = ? WHERE run_id = ? AND state = 'waiting'", now, run_id)


def next_due(now: datetime, furthest: timedelta) -> datetime | None:
    """When the next pull is due. One beyond `furthest` was put off by a clock that was ahead: it is due now."""
    found = db.one("SELECT min(due_at) FROM usage_pull WHERE state = 'waiting'")
    if not found or found[0] is None:
        return None
    due_at = clock.from_ms(found[0])
    return now if due_at > now + furthest else due_at


_CLAIM = """
UPDATE usage_pull SET state = 'running', tries = tries + 1, claims = claims + 1, worker = ?, lease_until = ?
WHERE id = (SELECT id FROM usage_pull WHERE state = 'waiting' {mine} AND (due_at <= ? OR due_at > ?)
    ORDER BY due_at, id LIMIT 1)
RETURNING id
"""


def claim(now: datetime, lease: timedelta, furthest: timedelta, run_id: int | None = None) -> UsagePull | None:
    """Inside a write: the pull that is due first, of this run or of any, taken by this process with one try more."""
    mine = ("", ()) if run_id is None else ("AND run_id = ?", (run_id,))
    taken = db.rows(_CLAIM.format(mine=mine[0]), workers.me(), now + lease, *mine[1], now, now + furthest)
    return UsagePull.load_one("WHERE id = ?", taken[0][0]) if taken else None


def holds(claimed: UsagePull) -> bool:
    """Inside a write: whether the pull is still this claim's, not taken over meanwhile or gone with its tenant."""
    sql = "SELECT 1 FROM usage_pull WHERE id = ? AND state = 'running' AND worker = ? AND claims = ?"
    return db.one(sql, claimed.id, claimed.worker, claimed.claims) is not None


def settle(pull_id: int, state: PullState, *, code: str = "", message: str = "", days: int = 0) -> None:
    """Inside a write: a claimed pull is over."""
    UsagePull.change(
        pull_id, state=state, error_code=code, error_message=message, days=days, worker="", lease_until=None
    )


def put_off(pull_id: int, due_at: datetime, *, code: str, message: str, tries: int) -> None:
    """Inside a write: a claimed pull failed and is tried again at `due_at`, as one with so many tries."""
    UsagePull.change(
        pull_id,
        state=PullState.WAITING,
        due_at=due_at,
        error_code=code,
        error_message=message,
        tries=tries,
        worker="",
        lease_until=None,
    )


def lost(now: datetime, lease: timedelta) -> list[UsagePull]:
    """Claimed pulls whose process is gone, or whose lease is over or longer than any can be."""
    claimed = UsagePull.load("WHERE state = 'running'")
    gone = {worker: workers.is_gone(worker) for worker in {pull.worker for pull in claimed}}
    return [pull for pull in claimed if gone[pull.worker] or not now < pull.lease_until <= now + lease]


def postpone_leases(until: datetime) -> None:
    """Inside a write: after a jump of the clock every lease runs anew."""
    db.run("UPDATE usage_pull SET lease_until = ? WHERE state = 'running'", until)


def end_if_over(run_id: int, now: datetime) -> bool:
    """Inside a write: note that a run is over, once each of its pulls is; True for the one who notes it."""
    return bool(
        db.run(
            "UPDATE usage_run SET ended_at = ? WHERE id = ? AND ended_at IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM usage_pull p WHERE p.run_id = usage_run.id AND p.state IN ('waiting', 'running'))",
            now, run_id,
        )
    )  # fmt: skip


def failed_in_a_row(channel_id: int, most: int) -> int:
    """How many of the channel's newest pulls that came to an end failed, one after the other; at most so many."""
    sql = (
        "SELECT state FROM usage_pull WHERE channel_id = ? AND state IN ('ok', 'failed', 'skipped') "
        "ORDER BY id DESC LIMIT ?"
    )
    states = [row[0] for row in db.rows(sql, channel_id, most)]
    return next((n for n, state in enumerate(states) if state != PullState.FAILED), len(states))


def forget(before: datetime, most: int) -> int:
    """Inside a write: drop runs that ended before then, with their pulls, but for each tenant's newest."""
    newest = "SELECT max(id) FROM usage_run r WHERE r.tenant_id = usage_run.tenant_id"
    old = f"SELECT id FROM usage_run WHERE created_at < ? AND ended_at < ? AND id <> ({newest}) LIMIT ?"  # noqa: S608
    return db.run(f"DELETE FROM usage_run WHERE id IN ({old})", before, before, most)  # noqa: S608 - fixed text


def forget_future(after: datetime) -> int:
    """Inside a write: drop runs that a clock which was ahead began; their days will come, with runs of their own."""
    return db.run("DELETE FROM usage_run WHERE created_at > ?", after)


def any_after(moment: datetime) -> bool:
    """Whether a run began later than that."""
    return db.one("SELECT 1 FROM usage_run WHERE created_at > ? LIMIT 1", moment) is not None
