"""What a month's messages cost by what they were for: the flow step that wrote them, their kind, their purpose. Of a
day's messages that cost the same, free ones are spread evenly, so that the parts add up to the whole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wabot.core import budgets, costing, days, estimating
from wabot.core.costing import Charge, Charged, Cost
from wabot.core.days import Month
from wabot.store import charges
from wabot.store.charges import Dimension, Part
from wabot.store.tenants import Tenant
from wabot.store.usage import Group, Source, Span


@dataclass(slots=True)
class Share:
    """What has one value of a dimension: messages accepted and delivered, of these billed, and what they cost."""

    sent: int = 0
    delivered: int = 0
    charges: list[Charge] = field(default_factory=list)


def of_month(tenant: Tenant, month: Month, by: Dimension, now: datetime) -> dict[str, Share]:
    """The month's outgoing messages by this dimension; '' are those that have no value of it."""
    shares: dict[str, Share] = {}
    for row in estimating.of_days(tenant, month.first, month.last, now):
        bounds = days.bounds(tenant.timezone, row.day.day, row.day.day)
        span = Span(tenant.id, row.day.channel_id, row.day.day.isoformat(), *bounds)
        parts = charges.parts(span, by)
        for part in parts:
            share = shares.setdefault(part.value, Share())
            share.sent += part.sent
            share.delivered += sum(group.count for group in part.groups)
        for value, charge in _split(row, parts):
            shares[value].charges.append(charge)
    return shares


def _split(row: Charged, parts: Iterable[Part]) -> Iterator[tuple[str, Charge]]:
    """The day's charges, each divided among the parts that have messages of its group."""
    holders: dict[tuple[str, str, str], list[tuple[str, int]]] = {}
    for part in parts:
        for group in part.groups:
            holders.setdefault(_key(group), []).append((part.value, group.count))
    for charge in row.charges:
        holding = holders.get(_key(charge.group), [])
        numbers = [number for _, number in holding]
        billed, unpriced = divide(charge.billed, numbers), divide(charge.unpriced, numbers)
        price = charge.micros // charge.billed if charge.billed else 0
        for (value, _), paid, unknown in zip(holding, billed, unpriced, strict=True):
            yield value, Charge(charge.group, paid, paid * price, charge.currency, unknown)


def _key(group: Group) -> tuple[str, str, str]:
    return group.category, group.country, group.billing


def divide(total: int, weights: Iterable[int]) -> list[int]:
    """The total in whole parts by these weights, which add up to it."""
    weights = list(weights)
    whole, so_far, parts = sum(weights), 0, []
    for weight in weights:
        parts.append(total * (so_far + weight) // whole - total * so_far // whole)
        so_far += weight
    return parts


def shape(tenant: Tenant, month: Month, by: Dimension, now: datetime) -> list[dict[str, Any]]:
    """The same as it is shown, what was sent most first; null where messages have no value of the dimension."""
    nothing_in = costing.shown_currency(tenant)
    found = of_month(tenant, month, by, now)
    return [
        {
            by.value: value or None,
            "messages": share.sent,
            "delivered": share.delivered,
            "billed": sum(charge.billed for charge in share.charges),
            **costing.shape(costing.total(share.charges), nothing_in),
            "costIs": budgets.basis(Source.OBSERVED),
        }
        for value, share in sorted(found.items(), key=lambda item: (-item[1].sent, item[0]))
    ]


def of_messages(tenant: Tenant, ids: Iterable[int], now: datetime) -> tuple[int, Cost]:
    """How many of the tenant's messages with these ids were billed or would be if a price were known, and what they
    cost: each its share of what messages like it cost on its day, rounded up, for what belongs to one order."""
    found = charges.delivered(tenant.id, ids)
    billed, costs = 0, []
    for day in sorted({days.of(tenant.timezone, at) for _, at, _ in found}):
        charged = {row.day.channel_id: row for row in estimating.of_days(tenant, day, day, now)}
        for channel_id, at, group in found:
            if days.of(tenant.timezone, at) == day and channel_id in charged:
                one = _like(charged[channel_id], group)
                billed += one.billed + one.unpriced
                costs.append(costing.total([one]))
    return billed, costing.add_up(costs)


def _like(row: Charged, group: Group) -> Charge:
    """One message's share of its group's charge."""
    for charge in row.charges:
        if _key(charge.group) == _key(group):
            number = charge.group.count
            billed, unpriced = -(-charge.billed // number), -(-charge.unpriced // number)
            return Charge(group, billed, -(-charge.micros // number), charge.currency, unpriced)
    return Charge(group)
