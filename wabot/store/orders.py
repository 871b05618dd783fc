"""Orders: what was wished, where each stands, and the steps that it took. Which step may follow which is not known
here; placing them elsewhere is `submissions`'."""

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

import peewee

from wabot import words
from wabot.store import db
from wabot.store.customers import Conversation, Customer
from wabot.store.fields import Flag, Json, Moment, Text, Word, clean
from wabot.words import OrderStatus, OrderType, PaymentMethod, PaymentStatus

LARGEST_ID = (1 << 63) - 1


class Submission(StrEnum):
    """How far an order is on its way to the platform; `NONE` where it goes to no platform, `BY_HAND` where a person
    settled it."""

    NONE = ""
    WAITING = "waiting"
    CALLING = "calling"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    BY_HAND = "by_hand"


class Order(db.Row):
    """One order. `number` is what people call it, empty until it has one; `merchant` whose numbers those are, empty
    for the tenant's own. `tell_at` is when its customer has to be told that it takes longer, `ask_at` when the
    platform can be asked about `maybe_number`; `saved` counts messages that were not sent because one did."""

    customer_id: int
    conversation_id: int

    uid = Text()
    tenant_id = peewee.IntegerField()
    channel_id = peewee.IntegerField()
    customer = peewee.ForeignKeyField(Customer)
    conversation = peewee.ForeignKeyField(Conversation)
    key = Text()
    merchant = Text(default="")
    number = Text(default="")
    status = Word(OrderStatus, default=OrderStatus.DRAFT)
    type = Word(OrderType)
    total_minor = peewee.IntegerField()
    currency = Text()
    currency_digits = peewee.IntegerField()
    payment = Word(PaymentMethod)
    payment_status = Word(PaymentStatus, default=PaymentStatus.PENDING)
    payment_link = Text(default="")
    branch_id = Text(default="")
    branch = Json(default=dict)
    latitude = peewee.FloatField(null=True)
    longitude = peewee.FloatField(null=True)
    address = Text(default="")
    notes = Text(default="")
    contact = Text(default="")
    saved = peewee.IntegerField(default=0)
    rating = peewee.IntegerField(null=True)
    rating_comment = Text(default="")
    rated_at = Moment(null=True)
    remind_at = Moment(null=True)
    reminded = Flag(default=False)
    submission = Word(Submission, default=Submission.NONE)
    submit_due_at = Moment(null=True)
    submit_attempts = peewee.IntegerField(default=0)
    submit_begun_at = Moment(null=True)
    submit_worker = Text(default="")
    submit_code = Text(default="")
    maybe_number = Text(default="")
    ask_at = Moment(null=True)
    tell_at = Moment(null=True)
    created_at = Moment()
    updated_at = Moment()

    class Meta:
        table_name = "orders"

    @property
    def begun_at(self) -> datetime:
        """When somebody last began to place it; before that, when it was wished."""
        begun: datetime = self.submit_begun_at or self.created_at
        return begun

    def seen(self) -> words.OrderSeen:
        """The order as its customer is told of it."""
        return words.OrderSeen(
            uid=self.uid,
            number=self.number,
            status=self.status,
            type=self.type,
            total_minor=self.total_minor,
            currency=self.currency,
            currency_digits=self.currency_digits,
            payment=self.payment,
            payment_status=self.payment_status,
            payment_link=self.payment_link,
            branch=self.branch,
        )


class OrderItem(db.Row):
    """So many of an item of an order; `total_minor` is all of them with what was taken with them."""

    order_id = peewee.IntegerField()
    tenant_id = peewee.IntegerField()
    item_id = Text()
    name = Json()
    quantity = peewee.IntegerField()
    price_minor = peewee.IntegerField()
    total_minor = peewee.IntegerField()
    choices = Json(default=list)
    add_ons = Json(default=list)
    notes = Text(default="")

    class Meta:
        table_name = "order_item"

    def line(self) -> words.Line:
        """The line as it was wished."""
        choices, add_ons = (tuple(words.Picked(**one) for one in kept) for kept in (self.choices, self.add_ons))
        return words.Line(self.item_id, self.name, self.price_minor, self.quantity, choices, add_ons, self.notes)


class OrderStep(db.Row):
    """A state that an order came into, and who brought it there."""

    order_id = peewee.IntegerField()
    tenant_id = peewee.IntegerField()
    status = Word(OrderStatus)
    by = Text()
    at = Moment()

    class Meta:
        table_name = "order_step"


def add(conversation: Conversation, wish: words.Wish, *, key: str, now: datetime, by: str, **values: Any) -> Order:
    """Inside a write: a wish as a new order, a draft; the caller looked whether the key is known."""
    order = Order.add(
        uid=words.uid(now),
        tenant_id=conversation.tenant_id,
        channel_id=conversation.channel_id,
        customer=conversation.customer_id,
        conversation=conversation.id,
        key=key,
        type=wish.type,
        payment=wish.payment,
        branch_id=wish.branch_id,
        latitude=wish.latitude,
        longitude=wish.longitude,
        address=wish.address,
        notes=wish.notes,
        contact=wish.phone,
        created_at=now,
        updated_at=now,
        **values,
    )
    for line in wish.lines:
        _add_item(order, line)
    add_step(order, OrderStatus.DRAFT, by, now)
    return order


def _add_item(order: Order, line: words.Line) -> None:
    OrderItem.add(
        order_id=order.id,
        tenant_id=order.tenant_id,
        item_id=line.item_id,
        name=dict(line.name),
        quantity=line.quantity,
        price_minor=line.price_minor,
        total_minor=line.total_minor,
        choices=[asdict(picked) for picked in line.choices],
        add_ons=[asdict(picked) for picked in line.add_ons],
        notes=line.notes,
    )


def add_step(order: Order, status: OrderStatus, by: str, now: datetime) -> None:
    """Inside a write: the order came into this state."""
    OrderStep.add(order_id=order.id, tenant_id=order.tenant_id, status=status, by=by, at=now)


def step(order: Order, status: OrderStatus, now: datetime) -> bool:
    """Inside a write: bring the order from the state in which it was read into this one; False, and nothing changes,
    when somebody else was there first."""
    sql = "UPDATE orders SET status = ?, updated_at = ? WHERE id = ? AND tenant_id = ? AND status = ?"
    return bool(db.run(sql, status.value, now, order.id, order.tenant_id, order.status.value))


def rate(order: Order, score: int, now: datetime) -> bool:
    """Inside a write: the order is rated, from being delivered on and once; False when it was not waiting for that."""
    sql = (
        "UPDATE orders SET status = 'RATED', rating = ?, rated_at = ?, remind_at = NULL, updated_at = ? "
        "WHERE id = ? AND tenant_id = ? AND status = 'DELIVERED'"
    )
    return bool(db.run(sql, score, now, now, order.id, order.tenant_id))


def pay(order: Order, status: PaymentStatus, now: datetime) -> bool:
    """Inside a write: the order's payment comes from the state in which it was read into this one; False when somebody
    else was there first."""
    sql = "UPDATE orders SET payment_status = ?, updated_at = ? WHERE id = ? AND tenant_id = ? AND payment_status = ?"
    return bool(db.run(sql, status.value, now, order.id, order.tenant_id, order.payment_status.value))


def change(order_id: int, **values: Any) -> None:
    """Inside a write: set columns of one order; its state is for `step`."""
    Order.change(order_id, **values)


def next_number(tenant_id: int) -> str:
    """Inside a write: the next of the tenant's own order numbers; none is ever given twice."""
    [(number,)] = db.rows(
        "INSERT INTO order_counter (tenant_id, last) VALUES (?, 1) "
        "ON CONFLICT (tenant_id) DO UPDATE SET last = last + 1 RETURNING last",
        tenant_id,
    )
    return str(number)


def find(tenant_id: int, order_id: int) -> Order | None:
    """The tenant's order with this id."""
    if not 0 < order_id <= LARGEST_ID:
        return None
    return Order.load_one("WHERE id = ? AND tenant_id = ?", order_id, tenant_id)


def by_id(order_id: int) -> Order | None:
    """The order with this id, whoever's it is; for the operator and for work that has claimed it."""
    return Order.load_one("WHERE id = ?", order_id) if 0 < order_id <= LARGEST_ID else None


def by_uid(tenant_id: int, uid: str) -> Order | None:
    """The tenant's order with this uid."""
    return Order.load_one("WHERE uid = ? AND tenant_id = ?", clean(uid), tenant_id)


def by_key(tenant_id: int, key: str) -> Order | None:
    """The tenant's order that was placed under this key."""
    return Order.load_one("WHERE tenant_id = ? AND key = ?", tenant_id, key)


def numbered(tenant_id: int, number: str) -> list[Order]:
    """The tenant's orders that somebody calls so, newest first: the tenant's own numbers and a platform's may meet."""
    if not number:
        return []
    return Order.load("WHERE tenant_id = ? AND number = ? AND number <> '' ORDER BY +id DESC", tenant_id, clean(number))


def of_customer(tenant_id: int, customer_id: int, most: int) -> list[Order]:
    """The customer's orders, newest first."""
    return Order.load("WHERE tenant_id = ? AND customer_id = ? ORDER BY id DESC LIMIT ?", tenant_id, customer_id, most)


def items(order: Order) -> list[OrderItem]:
    """What the order consists of."""
    return OrderItem.load("WHERE order_id = ? AND tenant_id = ? ORDER BY id", order.id, order.tenant_id)


def wish(order: Order) -> words.Wish:
    """What its customer wished, as it was placed."""
    return words.Wish(
        type=order.type,
        lines=tuple(item.line() for item in items(order)),
        payment=order.payment,
        branch_id=order.branch_id,
        latitude=order.latitude,
        longitude=order.longitude,
        address=order.address,
        notes=order.notes,
        phone=order.contact,
    )
