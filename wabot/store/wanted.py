"""What has to be fetched from elsewhere, one row for each thing however many want it, and the conversations that wait
for it. A row is due, claimed (due again when its lease is over) or failed lately; what was fetched is gone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import peewee

from wabot import clock
from wabot.store import db, workers
from wabot.store.fields import Moment, Text


class Wanted(db.Row):
    """`key` is the cache's. `due_at` is None after a failure, until somebody asks again."""

    tenant_id = peewee.IntegerField()
    key = Text()
    due_at = Moment(null=True)
    tries = peewee.IntegerField(default=0)
    worker = Text(default="")
    failed_at = Moment(null=True)
    error_code = Text(default="")


_FREE = "due_at IS NOT NULL AND (due_at <= ? OR due_at > ?)"
"""Due, or due further ahead than any lease: then it was written by a clock that was ahead."""


def ask(tenant_id: int, key: str, due_at: datetime) -> int:
    """Inside a write: have a thing fetched from `due_at` on; returns its row. One that is asked for already stays as it
    is, one that failed is tried again."""
    [(wanted_id,)] = db.rows(
        "INSERT INTO wanted (tenant_id, key, due_at) VALUES (?, ?, ?) ON CONFLICT (tenant_id, key) DO UPDATE SET "
        "tries = iif(due_at IS NULL, 0, tries), due_at = coalesce(due_at, excluded.due_at), failed_at = NULL, "
        "error_code = '' RETURNING id",
        tenant_id, key, due_at,
    )  # fmt: skip
    return int(wanted_id)


def wait(wanted_id: int, conversation_id: int, until: datetime) -> None:
    """Inside a write: a conversation waits for it, and for whatever else it waits for, but not beyond `until`."""
    db.run(
        "INSERT INTO waiting (wanted_id, conversation_id, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        wanted_id, conversation_id, until,
    )  # fmt: skip
    db.run("UPDATE waiting SET until = ? WHERE conversation_id = ?", until, conversation_id)


def hold_answers(conversation_id: int, until: datetime) -> None:
    """Inside a write: no message of the conversation is answered before `until`. One that was due already would have
    the bot called without end: it answers in order."""
    db.run(
        "UPDATE message SET answer_due_at = max(answer_due_at, ?) WHERE conversation_id = ? "
        "AND answer_due_at IS NOT NULL",
        until, conversation_id,
    )  # fmt: skip


def next_due() -> datetime | None:
    """When the next thing can be claimed."""
    found = db.one("SELECT min(due_at) FROM wanted WHERE due_at IS NOT NULL")
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def first_due(now: datetime, lease: timedelta) -> Wanted | None:
    """The thing that has been due for longest."""
    return Wanted.load_one(f"WHERE {_FREE} ORDER BY due_at, id LIMIT 1", now, now + lease)


def claim(tenant_id: int, keys: Iterable[str], now: datetime, lease: timedelta) -> list[Wanted]:
    """Inside a write: those of these things that nobody is fetching, now fetched by the caller, with the try counted.
    A process that dies costs a try and no more."""
    claimed = []
    for key in keys:
        taken = db.rows(
            f"UPDATE wanted SET due_at = ?, tries = tries + 1, worker = ? WHERE tenant_id = ? AND key = ? "  # noqa: S608
            f"AND {_FREE} RETURNING id",
            now + lease, workers.me(), tenant_id, key, now, now + lease,
        )  # fmt: skip
        claimed += [row for (id_,) in taken if (row := Wanted.load_one("WHERE id = ?", id_))]
    return claimed


def finish(wanted: Wanted, now: datetime) -> None:
    """Inside a write: it is here; who waited for it is answered now, unless they wait for something else too."""
    for conversation_id, until in _end_waiting(wanted.id):
        if db.one("SELECT 1 FROM waiting WHERE conversation_id = ? AND until > ?", conversation_id, now) is None:
            _wake(conversation_id, until, now)
    db.run("DELETE FROM wanted WHERE id = ?", wanted.id)


def fail(wanted: Wanted, code: str, now: datetime) -> None:
    """Inside a write: it could not be fetched; who waited for it is told now. Nothing happens when somebody else has
    claimed it meanwhile."""
    failed = db.run(
        "UPDATE wanted SET due_at = NULL, worker = '', failed_at = ?, error_code = ? WHERE id = ? AND due_at = ?",
        now, code, wanted.id, wanted.due_at,
    )  # fmt: skip
    for conversation_id, until in _end_waiting(wanted.id) if failed else ():
        _wake(conversation_id, until, now)


def _end_waiting(wanted_id: int) -> list[tuple[int, int]]:
    return db.rows("DELETE FROM waiting WHERE wanted_id = ? RETURNING conversation_id, until", wanted_id)


def _wake(conversation_id: int, until: int, now: datetime) -> None:
    """What was put off until the very moment to which the wait was limited is due now; what must wait for another
    reason goes on waiting."""
    sql = "UPDATE message SET answer_due_at = ? WHERE conversation_id = ? AND answer_due_at = ?"
    db.run(sql, now, conversation_id, until)


def failed_since(tenant_id: int, since: datetime, now: datetime) -> frozenset[str]:
    """The keys of the tenant's things that could not be fetched since then."""
    sql = "SELECT key FROM wanted WHERE tenant_id = ? AND failed_at > ? AND failed_at <= ?"
    return frozenset(row[0] for row in db.rows(sql, tenant_id, since, now))


def owners() -> list[str]:
    """The processes that are fetching something at present."""
    return [row[0] for row in db.rows("SELECT DISTINCT worker FROM wanted WHERE worker <> '' AND due_at IS NOT NULL")]


def abandon(owner: str, now: datetime) -> int:
    """Inside a write: what this process was fetching when it died is due now; returns how much."""
    return db.run("UPDATE wanted SET due_at = ?, worker = '' WHERE worker = ? AND due_at IS NOT NULL", now, owner)


def bring_forward(now: datetime, furthest: timedelta) -> None:
    """Inside a write: what is due further ahead than anything can be is due now, because the clock went back."""
    db.run("UPDATE wanted SET due_at = ? WHERE due_at > ?", now, now + furthest)


def forget_failed(before: datetime, most: int) -> int:
    """Inside a write: drop what failed before then and nobody asked for again; returns how many."""
    old = "SELECT id FROM wanted WHERE due_at IS NULL AND failed_at <= ? LIMIT ?"
    return db.run(f"DELETE FROM wanted WHERE id IN ({old})", before, most)  # noqa: S608
