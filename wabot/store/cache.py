"""Entries with a time to live: answers of elsewhere, kept per tenant so that nobody waits for them twice. An entry is
fresh, then usable while somebody fetches it anew, then gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock
from wabot.store import db
from wabot.store.fields import unpack

MOST_ENTRIES = 500
MOST_BYTES = 16 << 20
"""What one tenant's entries may take; the oldest go first."""
LARGEST = 8 << 20
AHEAD = timedelta(minutes=1)
"""An entry that was fetched further ahead than this was written by a clock that was wrong, and counts for nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """That something is there, without its body; `size` is what that takes in the file."""

    id: int
    fetched_at: datetime
    is_fresh: bool
    size: int


def usable(tenant_id: int, now: datetime) -> Mapping[str, Entry]:
    """The tenant's entries that can be used now, fresh or not, by their keys."""
    sql = (
        "SELECT key, id, fetched_at, fresh_until, size FROM cache "
        "WHERE tenant_id = ? AND usable_until > ? AND fetched_at <= ?"
    )
    found = db.rows(sql, tenant_id, now, now + AHEAD)
    present = clock.to_ms(now)
    return {key: Entry(id_, clock.from_ms(at), until > present, size) for key, id_, at, until, size in found}


def body(tenant_id: int, entry_id: int, fetched_at: datetime) -> bytes | None:
    """The body of the tenant's entry as it was fetched then; None where it went or was replaced meanwhile."""
    sql = "SELECT body FROM cache WHERE id = ? AND tenant_id = ? AND fetched_at = ?"
    found = db.one(sql, entry_id, tenant_id, fetched_at)
    return unpack(found[0]) if found else None


def put(tenant_id: int, key: str, packed: bytes, *, now: datetime, fresh_for: timedelta, usable_for: timedelta) -> bool:
    """Inside a write: keep an entry in place of the one before; False, and nothing is kept, where it is too large.
    `packed` is what `fields.pack` made of the body before, because compressing megabytes would hold everybody up."""
    if len(packed) > LARGEST:
        return False
    db.run(
        "INSERT INTO cache (tenant_id, key, body, size, fetched_at, fresh_until, usable_until) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, key) DO UPDATE SET body = excluded.body, "
        "size = excluded.size, fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until, "
        "usable_until = excluded.usable_until",
        tenant_id, key, packed, len(packed), now, now + fresh_for, now + usable_for,
    )  # fmt: skip
    _make_room(tenant_id, key)
    return True


def _make_room(tenant_id: int, kept: str) -> None:
    """The oldest entries of the tenant go until the others fit; never the one that was just kept."""
    found = db.rows("SELECT id, key, size FROM cache WHERE tenant_id = ? ORDER BY fetched_at, id", tenant_id)
    left, size = len(found), sum(row[2] for row in found)
    for id_, key, bytes_ in found:
        if left <= MOST_ENTRIES and size <= MOST_BYTES:
            return
        if key != kept:
            db.run("DELETE FROM cache WHERE id = ?", id_)
            left, size = left - 1, size - bytes_


def expire(now: datetime, most: int) -> int:
    """Inside a write: drop entries that can no longer be used; returns how many."""
    old = "SELECT id FROM cache WHERE usable_until <= ? LIMIT ?"
    return db.run(f"DELETE FROM cache WHERE id IN ({old})", now, most)  # noqa: S608


def forget_tenant(tenant_id: int) -> int:
    """Inside a write: drop all entries of a tenant, whose source has changed; returns how many."""
    return db.run("DELETE FROM cache WHERE tenant_id = ?", tenant_id)
