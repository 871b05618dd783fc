"""What the dashboard counts in the ledger. Every question reads the rows of its own span and no older ones, by channel
and moment: `message_day` finds them, whoever else has written how much."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wabot import words
from wabot.store import db
from wabot.store.failed import HAS_FAILED

_HOUR_MS = 3_600_000
_NOTICES = ", ".join(f"'{kind}'" for kind in sorted(words.NOTICES))
_WROTE = f"direction = 'IN' AND kind NOT IN ({_NOTICES})"
"""A message of a customer; what the provider tells about one is none."""
_WENT_OUT = "direction = 'OUT' AND sent_at IS NOT NULL"
"""A message of ours that a provider accepted, or that somebody wrote elsewhere."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages in and out, and how many customers wrote."""

    messages: int
    customers: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long customers waited for our first answer, in milliseconds; all None when nobody was answered. Half of them
    waited no longer than `p50`, 95 of 100 no longer than `p95`."""

    mean: float | None
    p50: int | None
    p95: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of outgoing messages; `failed` also counts what waits for its retry, `retried` those that were sent
    again, of which `through` got through."""

    sent: int
    delivered: int
    read: int
    failed: int
    retried: int
    through: int


def traffic(tenant_id: int | None, since: datetime, until: datetime) -> Traffic:
    """Of a tenant, or for the operator (None) of all: what was stored from `since` on and before `until`. What no
    provider accepted is no message yet."""
    mine, values = _within(tenant_id, since, until)
    sql = (
        f"SELECT count(*), count(DISTINCT CASE direction WHEN 'IN' THEN customer_id END) FROM message "  # noqa: S608
        f"WHERE {mine} AND ({_WROTE} OR {_WENT_OUT})"
    )
    [found] = db.rows(sql, *values)
    return Traffic(*found)


def messages_by_hour(tenant_id: int | None, since: datetime, hours: int) -> list[int]:
    """Messages in and out in each of so many hours from `since` on, as `traffic` counts them."""
    mine, values = _within(tenant_id, since, since + timedelta(hours=hours))
    sql = (
        f"SELECT (created_at - ?) / {_HOUR_MS}, count(*) FROM message "  # noqa: S608
        f"WHERE {mine} AND ({_WROTE} OR {_WENT_OUT}) GROUP BY 1"
    )
    found = dict(db.rows(sql, since, *values))
    return [found.get(hour, 0) for hour in range(hours)]


def who_sent(since: datetime, until: datetime) -> list[int]:
    """The tenants of whose messages a provider accepted one that was queued in this span."""
    mine, values = _within(None, since, until)
    return [row[0] for row in db.rows(f"SELECT DISTINCT tenant_id FROM message WHERE {mine} AND {_WENT_OUT}", *values)]  # noqa: S608


_WAITS = f"""
WITH wait AS MATERIALIZED (
    SELECT created_at AS asked_at, (
        SELECT sent_at FROM message a WHERE a.conversation_id = m.conversation_id AND a.id > m.id AND {_WENT_OUT}
        ORDER BY a.id LIMIT 1) AS answered_at
    FROM message m WHERE {{mine}} AND {_WROTE} AND coalesce((
        SELECT direction FROM message b WHERE b.conversation_id = m.conversation_id AND b.id < m.id
        AND ({_WROTE} OR {_WENT_OUT}) ORDER BY b.id DESC LIMIT 1), 'OUT') = 'OUT'
), ranked AS (
    SELECT ms, row_number() OVER (ORDER BY ms) AS n, count(*) OVER () AS of_all
    FROM (SELECT max(0, answered_at - asked_at) AS ms FROM wait WHERE answered_at IS NOT NULL)
)
SELECT avg(ms), min(CASE WHEN 100 * n >= 50 * of_all THEN ms END), min(CASE WHEN 100 * n >= 95 * of_all THEN ms END)
FROM ranked
"""  # noqa: S608 - our own words
"""The first message of a customer that nobody had answered yet, and the next message that went out to them."""


def waits(tenant_id: int | None, since: datetime, until: datetime) -> Waits:
    """Of a tenant, or for the operator (None) of all: the waits that began from `since` on and before `until` and have
    ended. A wait begins with the first message of a customer that follows an answer, or nothing; it ends when the next
    message in that conversation is sent, whoever wrote it. Further messages of either side change nothing."""
    mine, values = _within(tenant_id, since, until)
    [found] = db.rows(_WAITS.format(mine=mine), *values)
    return Waits(*found)


def new_and_returning(tenant_id: int, since: datetime, until: datetime) -> tuple[int, int]:
    """How many of the customers who wrote in this span had never written before, and how many had."""
    mine, values = _within(tenant_id, since, until)
    sql = (
        "SELECT count(*), coalesce(sum(began < ?), 0) FROM (SELECT ("  # noqa: S608
        f"SELECT created_at FROM message f WHERE f.customer_id = w.customer_id AND {_WROTE} ORDER BY f.id LIMIT 1"
        f") AS began FROM (SELECT DISTINCT customer_id FROM message WHERE {mine} AND {_WROTE}) w)"
    )
    [(wrote, returning)] = db.rows(sql, since, *values)
    return wrote - returning, returning


def customers_by_hour(tenant_id: int, spans: Iterable[tuple[datetime, datetime, timedelta]]) -> list[int]:
    """How many customers wrote in each of the 24 hours of the day; who writes all through an hour is counted once in
    it. Each span comes with what the clocks there are ahead of UTC by."""
    hours = [0] * 24
    for since, until, ahead in spans:
        mine, values = _within(tenant_id, since, until)
        sql = (
            f"SELECT (created_at + ?) / {_HOUR_MS}, count(DISTINCT customer_id) FROM message "  # noqa: S608
            f"WHERE {mine} AND {_WROTE} GROUP BY 1"
        )
        for hour, customers in db.rows(sql, ahead // timedelta(milliseconds=1), *values):
            hours[hour % 24] += customers
    return hours


def delivery(tenant_id: int, since: datetime, until: datetime) -> Delivery:
    """What became of the messages that were queued in this span."""
    mine, values = _within(tenant_id, since, until)
    sql = (
        "SELECT coalesce(sum(sent_at IS NOT NULL), 0), coalesce(sum(delivered_at IS NOT NULL), 0), "  # noqa: S608
        f"coalesce(sum(read_at IS NOT NULL), 0), coalesce(sum({HAS_FAILED}), 0), coalesce(sum(retried), 0), "
        "coalesce(sum(retried AND status IN ('sent', 'delivered', 'read')), 0) FROM (SELECT *, attempts > 1 AND ("
        "retry_count > 0 OR EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = message.id AND a.by <> 'auto')"
        f") AS retried FROM message WHERE {mine} AND direction = 'OUT')"
    )
    [found] = db.rows(sql, *values)
    return Delivery(*found)


def _within(tenant_id: int | None, since: datetime, until: datetime) -> tuple[str, list[Any]]:
    """The condition that finds a span's messages of these channels, and its values. Each channel is looked up by
    itself, because there is no index over the moments of all: every webhook would have to pay for it."""
    whose = "SELECT id FROM channel" if tenant_id is None else "SELECT id FROM channel WHERE tenant_id = ?"
    sql = f"channel_id IN ({whose}) AND created_at >= ? AND created_at < ?"
    return sql, [*([] if tenant_id is None else [tenant_id]), since, until]
