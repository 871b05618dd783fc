"""The ledger asked about money: what a day's messages were for, and which may be behind a difference with the provider.
Everything here is one channel's day, or messages that are named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wabot import clock
from wabot.store import db, usage
from wabot.store.usage import BILLING, CATEGORY, Group, Span


class Dimension(StrEnum):
    """What costs are told apart by: the flow step that wrote a message, WhatsApp's kind, why it was sent (`type` on
    the wire)."""

    STEP = "step"
    KIND = "kind"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class Part:
    """The messages of a day with one value of a dimension: how many a provider accepted, and what was delivered."""

    value: str
    sent: int
    groups: tuple[Group, ...]


_COLUMNS = {Dimension.STEP: "m.step", Dimension.KIND: "m.kind", Dimension.TYPE: "m.purpose"}
_OUT_WITHIN = "m.channel_id = ? AND m.created_at >= ? AND m.created_at < ? AND m.tenant_id = ? AND m.direction = 'OUT'"
_NAMED = "LEFT JOIN template t ON t.id = m.template_id JOIN customer c ON c.id = m.customer_id"


def parts(span: Span, by: Dimension) -> list[Part]:
    """The day's outgoing messages by this dimension, from the ledger."""
    sql = (
        f"SELECT {_COLUMNS[by]}, {CATEGORY}, {BILLING}, c.address, c.user_id, count(m.delivered_at), count(*) "  # noqa: S608
        f"FROM message m {_NAMED} WHERE {_OUT_WITHIN} AND m.sent_at IS NOT NULL GROUP BY 1, 2, 3, c.id"
    )
    found: dict[str, list[tuple[str, str, str, str, int]]] = {}
    sent: dict[str, int] = {}
    for value, *group, number in db.rows(sql, span.channel_id, span.begins_at, span.ends_at, span.tenant_id):
        found.setdefault(value, []).append(tuple(group))
        sent[value] = sent.get(value, 0) + number
    return [Part(value, sent[value], usage.grouped(rows)) for value, rows in sorted(found.items())]


def groups(tenant_ids: Sequence[int], since: datetime, until: datetime) -> dict[tuple[int, int], tuple[Group, ...]]:
    """What was delivered of what these tenants sent from `since` on and before `until`, by tenant and channel."""
    marks = ", ".join("?" * len(tenant_ids))
    sql = (
        f"SELECT m.tenant_id, m.channel_id, {CATEGORY}, {BILLING}, c.address, c.user_id, count(*) "  # noqa: S608
        f"FROM channel s CROSS JOIN message m ON m.channel_id = s.id AND m.tenant_id = s.tenant_id {_NAMED} "
        f"WHERE s.tenant_id IN ({marks}) AND m.created_at >= ? AND m.created_at < ? AND m.direction = 'OUT' "
        "AND m.sent_at IS NOT NULL AND m.delivered_at IS NOT NULL GROUP BY 1, 2, 3, 4, c.id"
    )
    found: dict[tuple[int, int], list[tuple[str, str, str, str, int]]] = {}
    for tenant_id, channel_id, *group in db.rows(sql, *tenant_ids, since, until):
        found.setdefault((tenant_id, channel_id), []).append(tuple(group))
    return {key: usage.grouped(rows) for key, rows in found.items()}


def delivered(tenant_id: int, ids: Iterable[int]) -> list[tuple[int, datetime, Group]]:
    """The channel, moment and group of each of the tenant's messages with these ids that was delivered."""
    known = list(ids)
    marks = ", ".join("?" * len(known))
    sql = (
        f"SELECT m.channel_id, m.created_at, {CATEGORY}, {BILLING}, c.address, c.user_id FROM message m {_NAMED} "  # noqa: S608
        f"WHERE m.id IN ({marks}) AND m.tenant_id = ? AND m.direction = 'OUT' AND m.delivered_at IS NOT NULL"
    )
    return [
        (channel_id, clock.from_ms(at), usage.grouped([(*group, 1)])[0])
        for channel_id, at, *group in db.rows(sql, *known, tenant_id)
    ]


class Why(StrEnum):
    """Why a message may be behind a difference. We count more: the provider never said how it bills it, or it was
    delivered after the day. The provider counts more: its delivery was never reported to us, or it was sent before the
    day and delivered in it."""

    NO_PRICING = "no_pricing"
    DELIVERED_LATER = "delivered_later"
    NO_RECEIPT = "no_receipt"
    DELIVERED_FROM_BEFORE = "delivered_from_before"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A message that may be behind a difference."""

    message_id: int
    category: str
    why: Why


LONGEST_WAY = timedelta(days=2)
"""What takes longer to be delivered is not looked for."""
_NORMAL = f"replace(replace(lower(trim({CATEGORY})), '-', '_'), ' ', '_')"
"""As usage.normal."""
_OURS = f"""
SELECT m.id, CASE WHEN m.category IS NULL THEN 'no_pricing' ELSE 'delivered_later' END
FROM message m LEFT JOIN template t ON t.id = m.template_id WHERE {_OUT_WITHIN}
AND m.delivered_at IS NOT NULL AND (m.category IS NULL OR m.delivered_at >= ?) AND {_NORMAL} = ? ORDER BY m.id LIMIT ?
"""  # noqa: S608 - fixed text
_THEIRS = f"""
SELECT m.id, CASE WHEN m.delivered_at IS NULL THEN 'no_receipt' ELSE 'delivered_from_before' END
FROM message m LEFT JOIN template t ON t.id = m.template_id WHERE {_OUT_WITHIN} AND m.sent_at IS NOT NULL
AND (m.delivered_at IS NULL AND m.created_at >= ? OR m.created_at < ? AND m.delivered_at >= ? AND m.delivered_at < ?)
AND {_NORMAL} = ? ORDER BY m.id LIMIT ?
"""  # noqa: S608 - fixed text


def counted_by_us(span: Span, category: str, most: int) -> list[Suspect]:
    """Messages of the day that we count in this category and the provider perhaps does not, oldest first."""
    begins, ends = span.begins_at, span.ends_at
    rows = db.rows(_OURS, span.channel_id, begins, ends, span.tenant_id, ends, category, most)
    return [Suspect(message_id, category, Why(why)) for message_id, why in rows]


def counted_by_them(span: Span, category: str, most: int) -> list[Suspect]:
    """Messages that the provider perhaps counts on this day in this category and we do not, oldest first."""
    begins, ends = span.begins_at, span.ends_at
    within = (span.channel_id, begins - LONGEST_WAY, ends, span.tenant_id)
    rows = db.rows(_THEIRS, *within, begins, begins, begins, ends, category, most)
    return [Suspect(message_id, category, Why(why)) for message_id, why in rows]
