"""What others see of orders: the JSON of CONTRACT §5, for the API, for live views and for `--json` alike. Money is in
major units, as a number; `currency` stands beside it."""

from collections.abc import Sequence
from typing import Any

from wabot import clock, words
from wabot.core import attributing, costing, money, order_steps, shapes
from wabot.store import order_lists
from wabot.store.customers import Customer
from wabot.store.orders import Order, OrderItem, OrderStep
from wabot.store.tenants import Tenant

_MICRO_DIGITS = 6


def page(tenant: Tenant, rows: Sequence[Order]) -> list[dict[str, Any]]:
    """These orders of the tenant, each with all that belongs to it."""
    ids = [row.id for row in rows]
    items, steps = order_lists.items_of(tenant.id, ids), order_lists.steps_of(tenant.id, ids)
    customers = order_lists.customers_of(tenant.id, rows)
    messages = _messages(tenant, rows)
    return [
        _order(row, customers[row.customer_id], items[row.id], steps[row.id], tenant.locale)
        | {"messages": messages[row.id]}
        for row in rows
    ]


def one(tenant: Tenant, row: Order) -> dict[str, Any]:
    """The tenant's order with all that belongs to it."""
    [shaped] = page(tenant, [row])
    return shaped


def major(minor: int, digits: int) -> float | int:
    """An amount in major units: 29.5 of 2950, whole where it is whole."""
    return money.number(minor * 10 ** (_MICRO_DIGITS - digits))


def number(row: Order) -> int | str | None:
    """What people call the order: a number as the platform gives it, text where it is none; None while it has none."""
    written = row.number
    is_plain = written.isdecimal() and len(written) <= 15 and str(int(written)) == written
    return int(written) if is_plain else written or None


def _order(
    row: Order, customer: Customer, items: Sequence[OrderItem], steps: Sequence[OrderStep], locale: str
) -> dict[str, Any]:
    return {
        "id": row.id,
        "uid": row.uid,
        "orderNumber": number(row),
        "status": row.status,
        "allowed": list(order_steps.following(row.status, row.type)),
        "type": row.type,
        "items": [_item(item, row.currency_digits, locale) for item in items],
        "total": major(row.total_minor, row.currency_digits),
        "currency": row.currency,
        "paymentMethod": row.payment,
        "paymentStatus": row.payment_status,
        "paymentLink": row.payment_link or None,
        "branchId": row.branch_id or None,
        "branchName": named(row.branch, locale) or None,
        "location": _place(row),
        "notes": row.notes or None,
        "customer": shapes.customer(customer),
        "contactPhone": row.contact or None,
        "conversationId": row.conversation_id,
        "channelId": row.channel_id,
        "rating": row.rating,
        "ratingComment": row.rating_comment or None,
        "submission": row.submission.value or None,
        "timeline": [{"status": step.status, "at": clock.iso(step.at), "by": step.by} for step in steps],
        "createdAt": clock.iso(row.created_at),
        "updatedAt": clock.iso(row.updated_at),
    }


def _place(row: Order) -> dict[str, Any] | None:
    if row.latitude is None and not row.address:
        return None
    return {"latitude": row.latitude, "longitude": row.longitude, "address": row.address or None}


def _item(item: OrderItem, digits: int, locale: str) -> dict[str, Any]:
    line = item.line()
    return {
        "id": item.item_id,
        "name": named(item.name, locale),
        "quantity": item.quantity,
        "price": major(item.price_minor, digits),
        "total": major(item.total_minor, digits),
        "options": [_picked(one, digits, locale) for one in line.choices],
        "addOns": [_picked(one, digits, locale) | {"quantity": one.quantity} for one in line.add_ons],
        "notes": item.notes or None,
    }


def _picked(picked: words.Picked, digits: int, locale: str) -> dict[str, Any]:
    return {"id": picked.id, "name": named(picked.name, locale), "price": major(picked.price_minor, digits)}


def named(names: words.Names, locale: str) -> str:
    """The name in this language, else in the one that there is."""
    return names.get(locale) or next((name for _, name in sorted(names.items()) if name), "")


def _messages(tenant: Tenant, rows: Sequence[Order]) -> dict[int, dict[str, Any]]:
    """What each order took to come about and to be followed: messages sent, how many of them are charged, what they
    cost by the rate cards, and how many were not sent because one did."""
    sent = order_lists.sent_for(tenant.id, [row.id for row in rows])
    charged = attributing.of_each(tenant, sent, clock.now())
    nothing_in = costing.shown_currency(tenant)
    found = {}
    for row in rows:
        billable, cost = charged[row.id]
        shown = costing.one(cost, nothing_in)
        found[row.id] = {"count": len(sent[row.id]), "billable": billable, "cost": shown, "saved": row.saved}
    return found
