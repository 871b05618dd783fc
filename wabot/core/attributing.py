"""What a month's messages cost by what they were for: the flow step that wrote them, their kind, their purpose. Of a
day's messages that cost the same, free ones are spread evenly, so that the parts add up to the whole."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
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


def of_each(tenant: Tenant, wanted: Mapping[int, Iterable[int]], now: datetime) -> dict[int, tuple[int, Cost]]:
    """Of several sets of the tenant's messages, by their keys, how many are charged and what they cost: their share of
    what messages like them cost on their day, rounded up. For what belongs together, such as the messages of an order;
    the days are counted once for all of them."""
    counted = {key: _by_day(tenant, ids) for key, ids in wanted.items()}
    known = {day for found in counted.values() for day in found}
    charged = estimating.of_days(tenant, min(known), max(known), now) if known else []
    return {key: _shares(found, charged) for key, found in counted.items()}


_Counted = Mapping[date, Mapping[tuple[int, tuple[str, str, str]], int]]


def _by_day(tenant: Tenant, ids: Iterable[int]) -> _Counted:
    found: dict[date, Counter[tuple[int, tuple[str, str, str]]]] = {}
    for channel_id, at, group in charges.delivered(tenant.id, ids):
        found.setdefault(days.of(tenant.timezone, at), Counter())[channel_id, _key(group)] += 1
    return found


def _shares(wanted: _Counted, charged: Iterable[Charged]) -> tuple[int, Cost]:
    found = [
        _share(charge, wanted[row.day.day].get((row.day.channel_id, _key(charge.group)), 0))
        for row in charged
        if row.day.day in wanted
        for charge in row.charges
    ]
    return sum(charge.billed + charge.unpriced for charge in found), costing.total(found)


def _share(charge: Charge, number: int) -> Charge:
    """What so many of a group's messages cost; nothing at all for none."""
    if not number:
        return Charge(charge.group)
    billed, micros, unpriced = (
        -(-value * number // charge.group.count) for value in (charge.billed, charge.micros, charge.unpriced)
    )
    return Charge(charge.group, billed, micros, charge.currency, unpriced)
