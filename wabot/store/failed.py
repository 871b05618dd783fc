"""Messages that failed, found by what somebody wants to send again. What waits for its retry has failed, too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from wabot import clock, words
from wabot.store import db, usage
from wabot.store.fields import clean
from wabot.store.messages import Message
from wabot.store.usage import Billing, Group

HAS_FAILED = "(status IN ('failed', 'undelivered', 'dead') OR (status = 'queued' AND retry_due = 1))"
"""Word for word the condition of the index `message_failed`, which serves no other."""
_FAILED = f"direction = 'OUT' AND turn IS NOT NULL AND {HAS_FAILED}"
MOST_IDS = 1 << 63
"""No file holds an id from here on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failed messages are wanted; what is not said finds all."""

    ids: tuple[int, ...] = ()
    status: str = ""
    purpose: str = ""
    since: datetime | None = None
    customer: str = ""
    channel_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept with a run."""
        return {
            "ids": list(self.ids),
            "status": self.status,
            "purpose": self.purpose,
            "since": clock.to_ms(self.since) if self.since else None,
            "customer": self.customer,
            "channel_id": self.channel_id,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_json` kept."""
        since = clock.from_ms(kept["since"]) if kept["since"] else None
        return cls(**{**kept, "ids": tuple(kept["ids"]), "since": since})


def find(tenant_id: int | None, message_id: int) -> Message | None:
    """The outgoing message with this id: the tenant's own, or for the operator (None) anybody's."""
    if not 0 < message_id < MOST_IDS:
        return None
    return Message.load_one(
        "WHERE id = ? AND direction = 'OUT' AND (? IS NULL OR tenant_id = ?)", message_id, tenant_id, tenant_id
    )


def states(tenant_id: int | None, ids: Iterable[int]) -> dict[int, str]:
    """The states of the outgoing messages with these ids, of those that there are: the tenant's own, or anybody's."""
    known = [message_id for message_id in ids if 0 < message_id < MOST_IDS]
    marks = ", ".join("?" * len(known))
    sql = (
        f"SELECT id, status FROM message WHERE id IN ({marks}) AND direction = 'OUT' "  # noqa: S608
        "AND (? IS NULL OR tenant_id = ?)"
    )
    return dict(db.rows(sql, *known, tenant_id, tenant_id))


def ids(tenant_id: int | None, wanted: Wanted) -> set[int]:
    """The ids of the failed messages that are wanted."""
    where, values = _where(tenant_id, wanted)
    return {row[0] for row in db.rows(f"SELECT id FROM message WHERE {where}", *values)}  # noqa: S608


def waiting_retries(now: datetime) -> int:
    """How many retries are due and wait all the same: for their channel, their tenant, or their turn."""
    found = db.one("SELECT count(*) FROM message WHERE status = 'queued' AND retry_due = 1 AND due_at <= ?", now)
    return int(found[0]) if found else 0


def count(tenant_id: int | None, wanted: Wanted) -> tuple[int, int]:
    """How many failed messages are wanted, and the id of the newest."""
    where, values = _where(tenant_id, wanted)
    [(number, newest)] = db.rows(f"SELECT count(*), coalesce(max(id), 0) FROM message WHERE {where}", *values)  # noqa: S608
    return int(number), int(newest)


def count_outside_window(tenant_id: int | None, wanted: Wanted, before: datetime) -> int:
    """How many of them are free-form messages to customers who have last written before then, or never."""
    where, values = _where(tenant_id, wanted)
    sql = (
        f"SELECT count(*) FROM (SELECT conversation_id FROM message WHERE {where} AND kind <> ?) m "  # noqa: S608
        "JOIN conversation c ON c.id = m.conversation_id WHERE coalesce(c.last_in_at, 0) <= ?"
    )
    [(number,)] = db.rows(sql, *values, words.Kind.TEMPLATE.value, before)
    return int(number)


def sendable(tenant_id: int | None, wanted: Wanted, before: datetime) -> dict[tuple[int, int], tuple[Group, ...]]:
    """What of them the window allows, as it would be priced, by tenant and channel: templates, and free-form messages
    to customers who have written since `before`."""
    where, values = _where(tenant_id, wanted)
    sql = (
        f"SELECT m.tenant_id, m.channel_id, {usage.CATEGORY}, c.address, c.user_id, count(*) "  # noqa: S608
        f"FROM (SELECT * FROM message WHERE {where}) m JOIN customer c ON c.id = m.customer_id "
        "JOIN conversation v ON v.id = m.conversation_id LEFT JOIN template t ON t.id = m.template_id "
        "WHERE m.kind = ? OR coalesce(v.last_in_at, 0) > ? GROUP BY 1, 2, 3, c.id"
    )
    found: dict[tuple[int, int], list[tuple[str, str, str, str, int]]] = {}
    for tenant, channel, category, address, user_id, number in db.rows(sql, *values, words.Kind.TEMPLATE.value, before):
        row = (category, Billing.UNSAID.value, address, user_id, number)
        found.setdefault((tenant, channel), []).append(row)
    return {key: usage.grouped(rows) for key, rows in found.items()}


def some(tenant_id: int | None, wanted: Wanted, *, after: int, until: int, most: int) -> list[Message]:
    """The next of them, oldest first, behind the message `after` and up to `until`."""
    where, values = _where(tenant_id, wanted)
    return Message.load(f"WHERE {where} AND id > ? AND id <= ? ORDER BY id LIMIT ?", *values, after, until, most)


_CUSTOMER = "customer_id IN (SELECT id FROM customer WHERE instr(address, ?) OR instr(lower(name), lower(?)))"


def _where(tenant_id: int | None, wanted: Wanted) -> tuple[str, list[Any]]:
    """The condition and its values; `failed` as a status means all that this module is about."""
    status = "" if wanted.status == words.Status.FAILED else wanted.status
    known = tuple(message_id for message_id in wanted.ids if 0 < message_id < MOST_IDS)
    marks = ", ".join("?" * len(known))
    parts: list[tuple[str, tuple[Any, ...]]] = [
        ("tenant_id = ?", (tenant_id,) if tenant_id is not None else ()),
        ("status = ?", (status,) if status else ()),
        ("purpose = ?", (clean(wanted.purpose),) if wanted.purpose else ()),
        ("created_at >= ?", (wanted.since,) if wanted.since else ()),
        ("channel_id = ?", (wanted.channel_id,) if wanted.channel_id is not None else ()),
        (_CUSTOMER, (clean(wanted.customer),) * 2 if wanted.customer else ()),
        (f"id IN ({marks})", known),
    ]
    asked = [(sql, values) for sql, values in parts if values]
    none = ["0"] if wanted.ids and not known else []
    where = " AND ".join([_FAILED, *none, *(sql for sql, _ in asked)])
    return where, [value for _, values in asked for value in values]
