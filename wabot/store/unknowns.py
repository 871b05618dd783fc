"""Messages of which nobody knows whether they were sent: which of them a provider can be asked about, and which have
waited for an answer long enough."""

from collections.abc import Sequence
from datetime import datetime

from wabot import clock
from wabot.store import db

_UNKNOWN = "FROM message m JOIN channel c ON c.id = m.channel_id WHERE m.status = 'unknown'"


def due(moment: datetime, askable: Sequence[str]) -> list[int]:
    """The messages whose outcome has been unknown since `moment` or longer, and of which their provider, where it is
    one of the `askable`, has been asked."""
    sql = f"SELECT m.id {_UNKNOWN} AND m.unknown_since <= ? AND {_asked(askable)}"
    return [row[0] for row in db.rows(sql, moment, *askable)]


def oldest(askable: Sequence[str]) -> datetime | None:
    """Since when the oldest of them has been unknown."""
    found = db.one(f"SELECT min(m.unknown_since) {_UNKNOWN} AND {_asked(askable)}", *askable)
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def next_to_ask(askable: Sequence[str]) -> tuple[int, datetime] | None:
    """The message whose provider is to be asked next what became of it, and since when that is unknown."""
    sql = f"SELECT m.id, m.unknown_since {_UNKNOWN} AND NOT {_asked(askable)} ORDER BY m.unknown_since LIMIT 1"
    found = db.one(sql, *askable)
    return (found[0], clock.from_ms(found[1])) if found else None


def _asked(askable: Sequence[str]) -> str:
    return f"(m.asked_at IS NOT NULL OR c.provider NOT IN ({', '.join('?' * len(askable))}))"
