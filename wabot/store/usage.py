"""Figures of a channel's day: counted from the ledger, and kept once the day is over."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import peewee

from wabot import clock
from wabot.store import countries, db
from wabot.store.fields import Json, Moment, Text, Word


class Source(StrEnum):
    """Who counted: wabot from its ledger, or the provider."""

    OBSERVED = "observed"
    PROVIDER = "provider"


class Billing(StrEnum):
    """What receipts say of whether a message is charged. ALLOWED is free as long as the number's free tier, or the
    customer's window, lasts; UNSAID leaves it to the rate card."""

    BILLED = "billed"
    ALLOWED = "allowed"
    FREE = "free"
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Delivered messages that cost the same: `category` in lower case with `_` between words, `country` the
    customers' (`countries.UNKNOWN` where nothing tells)."""

    category: str
    country: str
    billing: Billing
    count: int


class DailyUsage(db.Row):
    """One day of one channel by one source; `day` is the tenant's, from `begins_at` on and before `ends_at`, and of a
    provider's row the provider's. `stale` counts what changed in it since it was counted; `details` are its groups."""

    tenant_id = peewee.IntegerField()
    channel_id = peewee.IntegerField()
    day = Text()
    source = Word(Source)
    begins_at = Moment()
    ends_at = Moment()
    messages_in = peewee.IntegerField(default=0)
    messages_out = peewee.IntegerField(default=0)
    delivered = peewee.IntegerField(default=0)
    billable = peewee.IntegerField(default=0)
    conversations = peewee.IntegerField(default=0)
    categories = Json(default=dict)
    cost_micros = peewee.IntegerField(null=True)
    currency = Text(default="")
    stale = peewee.IntegerField(default=0)
    computed_at = Moment()
    details = Json(default=list)

    def figures(self) -> "Figures":
        """What was counted."""
        return Figures(
            messages_in=self.messages_in,
            messages_out=self.messages_out,
            delivered=self.delivered,
            billable=self.billable,
            conversations=self.conversations,
            categories=self.categories,
            groups=tuple(
                Group(category, country, Billing(billing), n) for category, country, billing, n in self.details
            ),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """`messages_out` are those that a provider accepted, `categories` the same by what they are billed as, in the
    provider's words; `conversations` are sessions that were opened. `groups` are what was delivered, as it is priced;
    sums have none."""

    messages_in: int = 0
    messages_out: int = 0
    delivered: int = 0
    billable: int = 0
    conversations: int = 0
    categories: dict[str, int] = field(default_factory=dict)
    groups: tuple[Group, ...] = field(default=(), compare=False)


NUMBERS = ("messages_in", "messages_out", "delivered", "billable", "conversations")


@dataclass(frozen=True, slots=True)
class Span:
    """A day of a channel of a tenant, with the moments between which it lies."""

    tenant_id: int
    channel_id: int
    day: str
    begins_at: datetime
    ends_at: datetime


CATEGORY = """
CASE WHEN m.category <> '' THEN m.category WHEN m.kind <> 'template' THEN 'service'
ELSE coalesce(nullif(lower(t.category), ''), 'unknown') END
"""
"""What a message `m` with its template `t` is billed as: what a receipt says, else what it is."""
BILLING = """
CASE WHEN m.billable = 1 THEN 'billed' WHEN m.billable = 0 AND lower(m.pricing_type) = 'free_customer_service'
THEN 'allowed' WHEN m.billable = 0 OR m.turn IS NULL THEN 'free' ELSE 'unsaid' END
"""
"""Billing's word. What somebody wrote in the business's own app (it has no turn) is free unless a receipt differs."""
_WITHIN = "m.channel_id = ? AND m.created_at >= ? AND m.created_at < ? AND m.tenant_id = ?"
_COUNT = f"""
SELECT m.direction = 'IN', CASE WHEN m.direction = 'IN' THEN '' ELSE {CATEGORY} END, {BILLING}, c.address, c.user_id,
    count(*), sum(m.delivered_at IS NOT NULL), coalesce(sum(m.billable), 0)
FROM message m LEFT JOIN template t ON t.id = m.template_id
LEFT JOIN customer c ON c.id = m.customer_id AND m.direction = 'OUT'
WHERE {_WITHIN}
AND (m.sent_at IS NOT NULL OR m.direction = 'IN' AND m.kind NOT IN ('system', 'preference'))
GROUP BY 1, 2, 3, c.id ORDER BY 2
"""  # noqa: S608 - fixed text
_COUNT_SESSIONS = """
SELECT count(*) FROM session WHERE channel_id = ? AND opened_at >= ? AND opened_at < ? AND tenant_id = ?
"""


def count(span: Span) -> Figures:
    """The figures of a day from the ledger, as it is now."""
    asked = (span.channel_id, span.begins_at, span.ends_at, span.tenant_id)
    rows = db.rows(_COUNT, *asked)
    [(conversations,)] = db.rows(_COUNT_SESSIONS, *asked)
    out = [row for row in rows if not row[0]]
    categories: Counter[str] = Counter()
    for row in out:
        categories[row[1]] += row[5]
    return Figures(
        messages_in=sum(row[5] for row in rows if row[0]),
        messages_out=sum(row[5] for row in out),
        delivered=sum(row[6] for row in out),
        billable=sum(row[7] for row in out),
        conversations=conversations,
        categories=dict(categories),
        groups=grouped((*row[1:5], row[6]) for row in out),
    )


def grouped(rows: Iterable[tuple[str, str, str, str, int]]) -> tuple[Group, ...]:
    """Groups in order, of category, billing, the customer's address and user id, and how many were delivered."""
    found: Counter[tuple[str, str, str]] = Counter()
    for category, billing, address, user_id, number in rows:
        found[normal(category), countries.of(address or "", user_id or ""), billing] += number
    return tuple(Group(*key[:2], Billing(key[2]), number) for key, number in sorted(found.items()) if number)


def normal(category: str) -> str:
    """A provider's word for a category in one spelling: receipts write `authentication-international`, reports
    `AUTHENTICATION_INTERNATIONAL` (facts/providers §2.10)."""
    return category.strip().lower().replace("-", "_").replace(" ", "_")


def kept(tenant_id: int, first: str, last: str) -> list[DailyUsage]:
    """The tenant's kept days from `first` to `last`, both included: ours, and what providers told."""
    return DailyUsage.load("WHERE tenant_id = ? AND day >= ? AND day <= ?", tenant_id, first, last)


def begin(spans: Iterable[Span], now: datetime) -> list[int]:
    """Inside a write: mark these days as not counted; returns for each what `keep` has to be told."""
    sql = (
        "INSERT INTO daily_usage (tenant_id, channel_id, day, source, begins_at, ends_at, computed_at, stale) "
        "VALUES (?, ?, ?, 'observed', ?, ?, ?, 1) ON CONFLICT (tenant_id, channel_id, day, source) DO UPDATE SET "
        "begins_at = excluded.begins_at, ends_at = excluded.ends_at, stale = stale + 1 RETURNING stale"
    )
    return [
        int(db.rows(sql, span.tenant_id, span.channel_id, span.day, span.begins_at, span.ends_at, now)[0][0])
        for span in spans
    ]


def keep(span: Span, figures: Figures, begun: int, now: datetime) -> bool:
    """Inside a write: replace the day's figures; False when something changed in it since `begin` said `begun`."""
    row = DailyUsage.load_one(
        "WHERE tenant_id = ? AND channel_id = ? AND day = ? AND source = 'observed' AND stale = ?",
        span.tenant_id,
        span.channel_id,
        span.day,
        begun,
    )
    if row is None:
        return False
    values = {name: getattr(figures, name) for name in (*NUMBERS, "categories")}
    details = [[group.category, group.country, group.billing, group.count] for group in figures.groups]
    DailyUsage.change(row.id, **values, details=details, stale=0, computed_at=now)
    return True


def first_messages(tenant_id: int) -> dict[int, datetime]:
    """The tenant's channels that ever had a message, each with the moment of its first."""
    return {channel_id: clock.from_ms(first) for channel_id, first, _ in _activity(tenant_id)}


def activity(tenant_id: int) -> tuple[datetime | None, datetime | None]:
    """The moments of the tenant's first and last message, in or out."""
    found = [(first, last) for _, first, last in _activity(tenant_id)]
    if not found:
        return None, None
    return clock.from_ms(min(first for first, _ in found)), clock.from_ms(max(last for _, last in found))


_ACTIVITY = """
SELECT c.id,
    (SELECT created_at FROM message m WHERE m.channel_id = c.id AND m.kind NOT IN ('system', 'preference')
    ORDER BY created_at LIMIT 1),
    (SELECT created_at FROM message m WHERE m.channel_id = c.id AND m.kind NOT IN ('system', 'preference')
    ORDER BY created_at DESC LIMIT 1)
FROM channel c WHERE c.tenant_id = ?
"""


def _activity(tenant_id: int) -> list[tuple[Any, ...]]:
    return [row for row in db.rows(_ACTIVITY, tenant_id) if row[1] is not None]
