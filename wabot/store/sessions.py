"""Sessions: 24 hours from a message, in or out, during which its customer and tenant are in touch. They are what
allowances count as conversations; day and channel are those of the first message, by our own clock."""

from datetime import datetime, timedelta

import peewee

from wabot import clock, words
from wabot.store import db
from wabot.store.fields import Moment

LASTS = timedelta(hours=24)
_NEVER = (1 << 63) - 1


class Session(db.Row):
    """`message_id` is the message that opened it, which may be gone."""

    tenant_id = peewee.IntegerField()
    channel_id = peewee.IntegerField()
    customer_id = peewee.IntegerField()
    message_id = peewee.IntegerField()
    opened_at = Moment()
    ends_at = Moment()


def note(tenant_id: int, channel_id: int, customer_id: int, message_id: int, *, kind: str, at: datetime) -> None:
    """Inside a write, the one that stores the message: open a session unless one is open. What the provider writes
    about a customer opens none. Sessions never overlap, even when an older message is stored later."""
    if kind in words.NOTICES or is_open(tenant_id, customer_id, at):
        return
    Session.add(
        tenant_id=tenant_id,
        channel_id=channel_id,
        customer_id=customer_id,
        message_id=message_id,
        opened_at=at,
        ends_at=at + LASTS,
    )


def is_open(tenant_id: int, customer_id: int, at: datetime) -> bool:
    """Whether a message of this moment opens no session: one is open, or a later message opened one already."""
    sql = "SELECT 1 FROM session WHERE tenant_id = ? AND customer_id = ? AND opened_at > ? AND opened_at < ? LIMIT 1"
    return db.one(sql, tenant_id, customer_id, at - LASTS, at + LASTS) is not None


def merge(tenant_id: int, kept: int, gone: int) -> None:
    """Inside a write: two customers are one person, who was in one session where both were at the same time."""
    db.run("UPDATE session SET customer_id = ? WHERE tenant_id = ? AND customer_id = ?", kept, tenant_id, gone)
    open_until: datetime | None = None
    mine = "WHERE tenant_id = ? AND customer_id = ? ORDER BY opened_at, id"
    for session in Session.load(mine, tenant_id, kept):
        if open_until is not None and session.opened_at < open_until:
            db.run("DELETE FROM session WHERE id = ?", session.id)
        else:
            open_until = session.ends_at


def opened(tenant_id: int, since: datetime, until: datetime) -> int:
    """How many sessions of the tenant were opened from `since` on and before `until`."""
    sql = "SELECT count(*) FROM session WHERE tenant_id = ? AND opened_at >= ? AND opened_at < ?"
    [(count,)] = db.rows(sql, tenant_id, since, until)
    return int(count)


def newest(tenant_id: int, since: datetime | None = None, until: datetime | None = None) -> datetime | None:
    """When the tenant's newest session, of all or of that time, was opened."""
    sql = "SELECT max(opened_at) FROM session WHERE tenant_id = ? AND opened_at >= ? AND opened_at < ?"
    [(at,)] = db.rows(sql, tenant_id, since or 0, until or _NEVER)
    return None if at is None else clock.from_ms(at)


def backfill(most: int) -> bool:
    """Inside a write: open the sessions of the next messages of a file that was older than sessions, from the first
    message on; False when none is left."""
    found = db.one("SELECT cursor, last_id FROM backfill WHERE name = 'sessions'")
    if found is None:
        return False
    sql = (
        "SELECT id, tenant_id, channel_id, customer_id, kind, created_at FROM message WHERE id > ? AND id <= ? "
        "ORDER BY id LIMIT ?"
    )
    rows = db.rows(sql, *found, most)
    for message_id, tenant_id, channel_id, customer_id, kind, created_at in rows:
        note(tenant_id, channel_id, customer_id, message_id, kind=kind, at=clock.from_ms(created_at))
    if rows:
        db.run("UPDATE backfill SET cursor = ? WHERE name = 'sessions'", rows[-1][0])
    else:
        db.run("DELETE FROM backfill WHERE name = 'sessions'")
    return bool(rows)
