"""Entries with a time to live: answers of elsewhere, kept per tenant so that nobody waits for them twice. An entry is
fresh, then usable while somebody fetches it anew, then gone."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock
from wabot.store import db
from wabot.store.fields import pack, unpack

MOST_ENTRIES = 500
MOST_BYTES = 16 << 20
"""What one tenant's entries may take; the oldest go first."""
LARGEST = 8 << 20
AHEAD = timedelta(minutes=1)
"""An entry that was fetched further ahead than this was written by a clock that was wrong, and counts for nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """That something is there, without its body."""

    id: int
    fetched_at: datetime
    is_fresh: bool


def usable(tenant_id: int, now: datetime) -> Mapping[str, Entry]:
    """The tenant's entries that can be used now, fresh or not, by their keys."""
    sql = (
        "SELECT key, id, fetched_at, fresh_until FROM cache "
        "WHERE tenant_id = ? AND usable_until > ? AND fetched_at <= ?"
    )
    found = db.rows(sql, tenant_id, now, now + AHEAD)
    present = clock.to_ms(now)
    return {key: Entry(id_, clock.from_ms(at), until > present) for key, id_, at, until in found}


def bodies(tenant_id: int, entries: Iterable[Entry]) -> Mapping[int, bytes]:
    """The bodies of the tenant's entries by their ids; one that went meanwhile is missing."""
    ids = json.dumps([entry.id for entry in entries])
    sql = "SELECT id, body FROM cache WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))"
    return {id_: unpack(body) for id_, body in db.rows(sql, tenant_id, ids)}


def put(tenant_id: int, key: str, body: bytes, *, now: datetime, fresh_for: timedelta, usable_for: timedelta) -> bool:
    """Inside a write: keep an entry in place of the one before; False, and nothing is kept, where it is too large."""
    packed = pack(body)
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
