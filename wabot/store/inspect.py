"""What an operator's commands look at: the health of the file, what waits, and counts over the ledger.
Only reads."""

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
