"""Runs of retries over many messages: what was asked for, how far it is, and whether somebody stopped it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import peewee

from wabot import words
from wabot.store import db
from wabot.store.fields import Flag, Json, Moment, Word


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class Run(db.Row):
    """`wanted` is the filter as asked; `last_id` the newest message that was there when it began, so that a run ends;
    `cursor` the message it has come to."""

    tenant_id = peewee.IntegerField(null=True)
    wanted = Json(default=dict)
    force = Flag(default=False)
    by = Word(words.AttemptBy)
    state = Word(RunState)
    last_id = peewee.IntegerField()
    cursor = peewee.IntegerField(default=0)
    total = peewee.IntegerField()
    done = peewee.IntegerField(default=0)
    retried = peewee.IntegerField(default=0)
    skipped = peewee.IntegerField(default=0)
    created_at = Moment()
    ended_at = Moment(null=True)


def begin(tenant_id: int | None, **values: Any) -> Run:
    """Inside a write: a new run, at its beginning."""
    return Run.add(tenant_id=tenant_id, state=RunState.RUNNING, **values)


def find(run_id: int, tenant_id: int | None) -> Run | None:
    """The run with this id: the tenant's own, or for the operator (None) any."""
    if not 0 < run_id < 1 << 63:
        return None
    if tenant_id is None:
        return Run.load_one("WHERE id = ?", run_id)
    return Run.load_one("WHERE id = ? AND tenant_id = ?", run_id, tenant_id)


def next_open() -> Run | None:
    """The oldest run that has work left."""
    return Run.load_one("WHERE state = 'running' ORDER BY id LIMIT 1")


def open_runs() -> int:
    """How many runs have work left."""
    found = db.one("SELECT count(*) FROM run WHERE state = 'running'")
    return int(found[0]) if found else 0


def advance(run_id: int, *, cursor: int, done: int, retried: int, skipped: int) -> None:
    """Inside a write: a run has come to this message, with so many more done."""
    db.run(
        "UPDATE run SET cursor = ?, done = done + ?, retried = retried + ?, skipped = skipped + ? WHERE id = ?",
        cursor, done, retried, skipped, run_id,
    )  # fmt: skip


def end(run_id: int, state: RunState, now: datetime) -> bool:
    """Inside a write: a run is over; True if it was running."""
    return bool(
        db.run("UPDATE run SET state = ?, ended_at = ? WHERE id = ? AND state = 'running'", state.value, now, run_id)
    )


def forget(before: datetime, most: int) -> int:
    """Inside a write: drop runs that ended before then."""
    return db.run("DELETE FROM run WHERE id IN (SELECT id FROM run WHERE ended_at < ? LIMIT ?)", before, most)
