"""Lists of orders, and what belongs to each of a list: its items, its steps, its messages."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from wabot.store import db
from wabot.store.customers import Customer
from wabot.store.fields import clean
from wabot.store.orders import Order, OrderItem, OrderStep

_NUMBERLIKE = re.compile(r"[\d\s+#().-]+")


def page(tenant_id: int, *, status: str = "", search: str = "", before: int | None = None, most: int) -> list[Order]:
    """A tenant's orders, newest first; `before` is the id to go on from. `search` is an order number, or part of a
    customer's name or number."""
    asked: list[str] = ["tenant_id = ?"]
    values: list[Any] = [tenant_id]
    if before is not None:
        asked.append("id < ?")
        values.append(before)
    if status:
        asked.append("status = ?")
        values.append(status)
    if search := clean(search.strip()):
        found, given = _searched(tenant_id, search)
        asked.append(found)
        values.extend(given)
    return Order.load(f"WHERE {' AND '.join(asked)} ORDER BY id DESC LIMIT ?", *values, most)


def _searched(tenant_id: int, search: str) -> tuple[str, list[Any]]:
    """What is nothing but a number may be an order's or a customer's, in any spelling and any digits."""
    if _NUMBERLIKE.fullmatch(search) and (digits := _digits(search)):
        like, columns = _like(digits), ("address", "wa_id")
    else:
        digits, like, columns = search, _like(search), ("name", "user_id")
    parts = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    mine = f"SELECT id FROM customer WHERE tenant_id = ? AND ({parts})"  # noqa: S608 - names of our own
    return f"(number = ? OR customer_id IN ({mine}))", [digits, tenant_id, like, like]


def _digits(search: str) -> str:
    return "".join(str(int(letter)) for letter in search if letter.isdecimal())


def _like(part: str) -> str:
    return "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def items_of(tenant_id: int, ids: Sequence[int]) -> Mapping[int, list[OrderItem]]:
    """The items of these orders of the tenant, by order."""
    found: dict[int, list[OrderItem]] = {order_id: [] for order_id in ids}
    for row in OrderItem.load(f"WHERE tenant_id = ? AND order_id IN ({_marks(ids)}) ORDER BY id", tenant_id, *ids):
        found[row.order_id].append(row)
    return found


def steps_of(tenant_id: int, ids: Sequence[int]) -> Mapping[int, list[OrderStep]]:
    """The steps of these orders of the tenant, by order, first to last."""
    found: dict[int, list[OrderStep]] = {order_id: [] for order_id in ids}
    for row in OrderStep.load(f"WHERE tenant_id = ? AND order_id IN ({_marks(ids)}) ORDER BY id", tenant_id, *ids):
        found[row.order_id].append(row)
    return found


def customers_of(tenant_id: int, rows: Sequence[Order]) -> Mapping[int, Customer]:
    """The customers of these orders of the tenant, by their ids."""
    ids = sorted({row.customer_id for row in rows})
    return {row.id: row for row in Customer.load(f"WHERE tenant_id = ? AND id IN ({_marks(ids)})", tenant_id, *ids)}


def sent_for(tenant_id: int, ids: Sequence[int]) -> Mapping[int, list[int]]:
    """The messages that were sent for each of these orders of the tenant, by order."""
    sql = (
        "SELECT order_id, id FROM message "  # noqa: S608 - marks of our own
        f"WHERE order_id IN ({_marks(ids)}) AND +tenant_id = ? AND direction = 'OUT' AND sent_at IS NOT NULL"
    )
    found: dict[int, list[int]] = {order_id: [] for order_id in ids}
    for order_id, message_id in db.rows(sql, *ids, tenant_id):
        found[order_id].append(message_id)
    return found


def link_flow(order: Order, since: datetime) -> int:
    """Inside a write: the conversation's messages since then that belong to no order led to this one. Returns how many
    messages of the customer shared an answer with others: messages of ours that were not sent."""
    before = "SELECT id FROM message WHERE conversation_id = ?2 AND created_at < ?3 ORDER BY id DESC LIMIT 1"
    mine = f"conversation_id = ?2 AND id > coalesce(({before}), 0) AND order_id IS NULL AND purpose <> 'rating'"
    db.run(f"UPDATE message SET order_id = ?1 WHERE {mine}", order.id, order.conversation_id, since)  # noqa: S608
    [(wrote, answers)] = db.rows(_SAVED, order.id)
    return max(0, int(wrote) - int(answers) - 1)


_SAVED = """
SELECT coalesce(sum(direction = 'IN' AND for_person = '' AND kind IN ('text', 'interactive', 'button', 'location')), 0),
    count(DISTINCT iif(key LIKE 'answer:%', substr(key, 8, instr(substr(key, 8), ':')), NULL))
FROM (SELECT direction, for_person, kind, idempotency_key AS key FROM message WHERE order_id = ?)
"""
"""What the customer wrote, and how many of that was answered by itself; what ordered is answered by the order."""


def link_rating(order: Order) -> None:
    """Inside a write: what the customer was asked about the order, since they began to order it, belongs to it."""
    first = "SELECT min(id) FROM message WHERE order_id = ?1"
    mine = f"conversation_id = ?2 AND id > coalesce(({first}), 0) AND order_id IS NULL AND purpose = 'rating'"
    db.run(f"UPDATE message SET order_id = ?1 WHERE {mine}", order.id, order.conversation_id)  # noqa: S608


def _marks(ids: Sequence[int]) -> str:
    return ", ".join("?" * len(ids))
