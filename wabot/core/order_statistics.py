"""A tenant's orders over days of its zone: how many, what they earned, how they were rated, what is popular. All
figures are about the orders that were placed in these days; what was cancelled, or never taken, earns nothing."""

from datetime import date
from typing import Any

from wabot.core import days, order_shapes, profile
from wabot.store import order_figures
from wabot.store.tenants import Tenant
from wabot.words import OrderStatus

MOST_POPULAR = 10
STARS = range(1, 6)


def figures(tenant: Tenant, first: date, last: date) -> dict[str, Any]:
    """`{orders: {count, byStatus, byDay, revenue}, ratings: {"1" … "5", average}, popularItems}` for the days from
    `first` to `last`, both included and each of them there. Revenue is in major units of the tenant's currency; orders
    in another, from before it was changed, are counted without it."""
    spans = [(day.isoformat(), *days.bounds(tenant.timezone, day, day)) for day in days.between(first, last)]
    since, before = days.bounds(tenant.timezone, first, last)
    by_status = order_figures.by_status(tenant.id, since, before)
    by_day = order_figures.by_day(tenant.id, tenant.currency, spans)
    stars = order_figures.ratings(tenant.id, since, before)
    popular = order_figures.popular(tenant.id, tenant.currency, since, before, MOST_POPULAR)
    digits = profile.currency_digits(tenant)
    return {
        "orders": {
            "count": sum(by_status.values()),
            "byStatus": {status.value: by_status.get(status.value, 0) for status in OrderStatus},
            "byDay": [
                {"date": one.day, "count": one.count, "revenue": order_shapes.major(one.revenue_minor, digits)}
                for one in by_day
            ],
            "revenue": order_shapes.major(sum(one.revenue_minor for one in by_day), digits),
        },
        "ratings": {str(star): stars.get(star, 0) for star in STARS} | {"average": _average(stars)},
        "popularItems": [
            {
                "name": order_shapes.named(one.name, tenant.locale),
                "quantity": one.quantity,
                "revenue": order_shapes.major(one.revenue_minor, digits),
            }
            for one in popular
        ],
    }


def _average(stars: dict[int, int]) -> float | None:
    """To two decimals; None where nobody rated."""
    rated = sum(stars.values())
    return round(sum(star * count for star, count in stars.items()) / rated, 2) if rated else None
