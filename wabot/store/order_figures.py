"""Figures of a tenant's orders, counted by SQLite from the orders themselves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wabot import clock
from wabot.store import db

EARNING = "status NOT IN ('DRAFT', 'CANCELLED')"
"""What nobody has taken, or nobody wants any more, earns nothing."""


@dataclass(frozen=True, slots=True)
class OfDay:
    """How many orders were placed on a day, and what they earn in minor units."""

    day: str
    count: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class Popular:
    """How often an item was ordered under its latest name, and what it earned in minor units."""

    name: Mapping[str, str]
    quantity: int
    revenue_minor: int


def by_status(tenant_id: int, since: datetime, before: datetime) -> dict[str, int]:
    """How many of the orders that were placed in this time are in which state."""
    sql = "SELECT status, count(*) FROM orders WHERE tenant_id = ? AND created_at >= ? AND created_at < ? GROUP BY 1"
    return dict(db.rows(sql, tenant_id, since, before))


def by_day(tenant_id: int, currency: str, spans: Sequence[tuple[str, datetime, datetime]]) -> list[OfDay]:
    """The orders placed on each of these days, in their order; revenue of what was sold in this currency."""
    bounds = [[day, clock.to_ms(begins), clock.to_ms(ends)] for day, begins, ends in spans]
    return [OfDay(*row) for row in db.rows(_BY_DAY, json.dumps(bounds), tenant_id, currency)]


_BY_DAY = f"""
WITH day AS (SELECT key AS n, value ->> 0 AS name, value ->> 1 AS begins, value ->> 2 AS ends FROM json_each(?1))
SELECT day.name, count(o.id), coalesce(sum(iif(o.{EARNING} AND o.currency = ?3, o.total_minor, 0)), 0)
FROM day LEFT JOIN orders o ON o.tenant_id = ?2 AND o.created_at >= day.begins AND o.created_at < day.ends
GROUP BY day.n ORDER BY day.n
"""  # noqa: S608 - text of our own


def ratings(tenant_id: int, since: datetime, before: datetime) -> dict[int, int]:
    """How many of the orders that were placed in this time got how many stars."""
    sql = (
        "SELECT rating, count(*) FROM orders WHERE tenant_id = ? AND created_at >= ? AND created_at < ? "
        "AND rating IS NOT NULL GROUP BY 1"
    )
    return dict(db.rows(sql, tenant_id, since, before))


def popular(tenant_id: int, currency: str, since: datetime, before: datetime, most: int) -> list[Popular]:
    """The items that were ordered most often in this time, most often first."""
    found = db.rows(_POPULAR, tenant_id, since, before, currency, most)
    return [Popular(json.loads(name), quantity, revenue) for name, quantity, revenue, _ in found]


_POPULAR = f"""
SELECT i.name, sum(i.quantity), sum(iif(o.currency = ?4, i.total_minor, 0)), max(i.id)
FROM orders o JOIN order_item i ON i.order_id = o.id
WHERE o.tenant_id = ?1 AND o.created_at >= ?2 AND o.created_at < ?3 AND o.{EARNING}
GROUP BY i.item_id ORDER BY 2 DESC, 3 DESC, 4 DESC LIMIT ?5
"""  # noqa: S608 - text of our own; of SQLite's bare columns the name is that of the row with the largest id
