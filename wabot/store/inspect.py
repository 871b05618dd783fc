"""What an operator's commands look at: the health of the file, what waits, and counts over the ledger.
Only reads."""

from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from wabot.store import db


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of each kind of work waits, besides the outbox."""

    webhooks: int
    answers: int
    tasks: int
    sandbox_deliveries: int
    channels_paused: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Outgoing messages: all of them, those that failed, and of these what only the operator can mend."""

    total: int
    failed: int
    critical: int


def sqlite_version() -> str:
    """The SQLite that this process works with."""
    return apsw.sqlite_lib_version()


def damage() -> list[str]:
    """What SQLite's own checks find wrong with the file; nothing when it is sound. Slow for a large file."""
    try:
        found = [str(line) for (line,) in db.rows("PRAGMA quick_check(10)") if line != "ok"]
        orphans = db.rows("PRAGMA foreign_key_check")[:10]
    except apsw.Error as error:
        return [str(error)]
    return found + [f"{table} {rowid} refers to a missing {parent}" for table, rowid, parent, _ in orphans]


def waiting() -> Waiting:
    """How much waits at this moment."""
    counts = (
        "SELECT count(*) FROM webhook WHERE reading = 'pending'",
        "SELECT count(*) FROM message WHERE answer_due_at IS NOT NULL",
        "SELECT count(*) FROM task",
        "SELECT count(*) FROM sandbox_delivery",
        "SELECT count(*) FROM channel WHERE status = 'paused'",
    )
    return Waiting(*(_count(sql) for sql in counts))


def count_outgoing(tenant_id: int | None, critical_codes: Iterable[str]) -> Outgoing:
    """Counts over the ledger of a tenant, or of all (None). What waits for its retry has failed, too."""
    codes = sorted(critical_codes)
    failed = "(status IN ('failed', 'undelivered', 'dead') OR (status = 'queued' AND retry_due = 1))"
    marks = ", ".join("?" * len(codes))
    sql = (
        f"SELECT count(*), coalesce(sum({failed}), 0), "  # noqa: S608 - words of ours and question marks
        f"coalesce(sum(status = 'dead' OR ({failed} AND error_code IN ({marks}))), 0) "
        "FROM message WHERE direction = 'OUT' AND (? IS NULL OR tenant_id = ?)"
    )
    [counts] = db.rows(sql, *codes, tenant_id, tenant_id)
    return Outgoing(*counts)


def quarantined_webhooks() -> list[int]:
    """The ids of all quarantined webhooks, oldest first."""
    return [row[0] for row in db.rows("SELECT id FROM webhook WHERE verdict = 'quarantined' ORDER BY id")]


def knows_incoming(channel_id: int, provider_message_id: str) -> bool:
    """Whether this message of a customer is in the ledger."""
    sql = "SELECT 1 FROM message WHERE channel_id = ? AND provider_message_id = ? AND direction = 'IN'"
    return db.one(sql, channel_id, provider_message_id) is not None


def _count(sql: str) -> int:
    [(count,)] = db.rows(sql)
    return int(count)
