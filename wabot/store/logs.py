"""The log of outgoing messages: pages of it, its figures, and what a customer may see of one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wabot import words
from wabot.store import db
from wabot.store.attempts import Attempt
from wabot.store.customers import Customer
from wabot.store.failed import HAS_FAILED
from wabot.store.fields import clean
from wabot.store.messages import Message
from wabot.store.tenants import Channel, Tenant


@dataclass(frozen=True, slots=True)
class Asked:
    """Which messages are looked for; what is not said finds all. `status` failed also finds what waits for its retry
    and what is dead; `text` is part of the customer's name or number, or of the provider's id."""

    tenant_id: int | None = None
    status: str = ""
    purpose: str = ""
    kind: str = ""
    min_retries: int = 0
    since: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Outgoing messages: all of them, those that failed, and of these what only the operator can mend."""

    total: int
    failed: int
    critical: int


@dataclass(frozen=True, slots=True)
class Held:
    """A paused channel, and how many messages wait for it."""

    channel: Channel
    waiting: int


def page_of(asked: Asked, *, page: int = 1, page_size: int = 50) -> tuple[list[Message], int]:
    """One page of outgoing messages, newest first, each with its tenant, channel and customer; and how many there are
    in all."""
    where, values = _where(asked)
    found = db.one(f"SELECT count(*) FROM message WHERE {where}", *values)  # noqa: S608
    rest = f"WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"
    rows = Message.load(rest, *values, page_size, (page - 1) * page_size)
    return _with_kin(rows), int(found[0]) if found else 0


def with_ids(ids: Sequence[int]) -> list[Message]:
    """These messages, newest first, each with its tenant, channel and customer."""
    return _with_kin(Message.load(f"WHERE id IN ({_marks(ids)}) ORDER BY id DESC", *ids)) if ids else []


def attempts_of(rows: Iterable[Message]) -> Mapping[int, list[Attempt]]:
    """The attempts of these messages by the message's id, first to last."""
    ids = [row.id for row in rows]
    found: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.load(f"WHERE message_id IN ({_marks(ids)}) ORDER BY message_id, n", *ids) if ids else ():
        found[attempt.message_id].append(attempt)
    return found


def counts(tenant_id: int | None) -> Outgoing:
    """Counts over the ledger of a tenant, or of all (None). What waits for its retry has failed, too."""
    mine, values = _of_tenant(tenant_id)
    sql = (
        f"SELECT (SELECT count(*) FROM message WHERE direction = 'OUT'{mine}), count(*), coalesce(sum(critical), 0) "  # noqa: S608
        f"FROM message WHERE direction = 'OUT' AND {HAS_FAILED}{mine}"
    )
    [found] = db.rows(sql, *values, *values)
    return Outgoing(*found)


def retry_success(tenant_id: int | None) -> float:
    """Of the messages that were sent again at least once, by their plan or by hand, how many percent got through;
    0 without any."""
    mine, values = _of_tenant(tenant_id)
    sql = (
        "SELECT count(*), coalesce(sum(status IN ('sent', 'delivered', 'read')), 0) FROM message "  # noqa: S608
        "WHERE direction = 'OUT' AND attempts > 1 AND (retry_count > 0 OR EXISTS ("
        f"SELECT 1 FROM attempt a WHERE a.message_id = message.id AND a.by <> 'auto')){mine}"
    )
    [(retried, through)] = db.rows(sql, *values)
    return round(100 * through / retried, 1) if retried else 0.0


def held(tenant_id: int | None) -> list[Held]:
    """The paused channels of a tenant, or of all (None), in the order they were added."""
    mine, values = _of_tenant(tenant_id)
    channels = Channel.load(f"WHERE status = 'paused'{mine} ORDER BY id", *values)
    ids = [channel.id for channel in channels]
    sql = (
        f"SELECT channel_id, count(*) FROM message WHERE status = 'queued' AND channel_id IN ({_marks(ids)}) "  # noqa: S608
        "GROUP BY channel_id"
    )
    waiting = dict(db.rows(sql, *ids)) if ids else {}
    return [Held(channel, waiting.get(channel.id, 0)) for channel in channels]


def with_token(token: str) -> Message | None:
    """The message whose customer was given this token."""
    return Message.load_one("WHERE token = ?", clean(token))


def _of_tenant(tenant_id: int | None) -> tuple[str, list[Any]]:
    return ("", []) if tenant_id is None else (" AND tenant_id = ?", [tenant_id])


_TEXT = """(customer_id IN (
    SELECT id FROM customer WHERE (? IS NULL OR tenant_id = ?)
    AND (instr(address, ?) OR instr(wa_id, ?) OR instr(user_id, ?) OR instr(lower(name), lower(?))))
OR instr(coalesce(provider_message_id, ''), ?)
OR EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = message.id AND ? IN (a.provider_message_id, a.alias)))"""


def _where(asked: Asked) -> tuple[str, list[Any]]:
    """The condition and its values. Whose it is comes first, so that nobody's text is looked for in another's rows."""
    mine, values = _of_tenant(asked.tenant_id)
    text = clean(asked.text)
    parts: list[tuple[str, tuple[Any, ...]]] = [
        ("purpose = ?", (clean(asked.purpose),) if asked.purpose else ()),
        ("kind = ?", (clean(asked.kind),) if asked.kind else ()),
        ("retry_count >= ?", (asked.min_retries,) if asked.min_retries else ()),
        ("created_at >= ?", (asked.since,) if asked.since else ()),
        (_TEXT, (asked.tenant_id, asked.tenant_id, *(text,) * 6) if text else ()),
    ]
    wanted = [(sql, given) for sql, given in parts if given]
    where = " AND ".join([f"direction = 'OUT'{mine}", *_status(asked.status), *(sql for sql, _ in wanted)])
    return where, values + [value for _, given in wanted for value in given]


def _status(status: str) -> list[str]:
    """What reads `failed` while it waits for its retry is not found as queued."""
    if status == words.Status.FAILED:
        return [HAS_FAILED]
    if status == words.Status.QUEUED:
        return ["status = 'queued' AND retry_due = 0"]
    return [f"status = '{words.Status(status)}'"] if status else []


def _with_kin(rows: list[Message]) -> list[Message]:
    """Loaded in three queries for all of them, not in three for each."""
    for name, model in (("tenant", Tenant), ("channel", Channel), ("customer", Customer)) if rows else ():
        ids = list({getattr(row, f"{name}_id") for row in rows})
        found = {kin.id: kin for kin in model.load(f"WHERE id IN ({_marks(ids)})", *ids)}
        for row in rows:
            setattr(row, name, found[getattr(row, f"{name}_id")])
    return rows


def _marks(ids: Sequence[int]) -> str:
    return ", ".join("?" * len(ids))
