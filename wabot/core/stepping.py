"""Bring an order from state to state, with all that a step entails: its timeline, the live views, its customer. Each
is done once, in the transaction of the step."""

import logging
from datetime import datetime

from wabot import clock, errors
from wabot.core import informing, order_steps
from wabot.store import alerts, audit, db, events, orders
from wabot.store.alerts import AlertKind
from wabot.store.events import Topic
from wabot.store.orders import Order, Submission
from wabot.words import OrderStatus, PaymentStatus

log = logging.getLogger(__name__)

PLATFORM = "platform"
"""How the timeline names the order platform."""
_UNSETTLED = (Submission.WAITING, Submission.UNKNOWN)
"""Nobody is calling the platform about these: what happens to the order here decides at once what becomes of it."""
_PAYMENTS = (PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.PAID, PaymentStatus.REFUNDED)


def move(tenant_id: int, order_id: int, status: OrderStatus, *, actor: str, slug: str) -> Order:
    """The tenant's order, brought one step on by a person; the state that it is in changes nothing. Raises NotFound,
    and StepForbidden with the states that can follow."""

    def step() -> Order:
        order, now = _found(tenant_id, order_id), clock.now()
        if order.status is status:
            return order
        allowed = order_steps.following(order.status, order.type)
        if status not in allowed:
            raise errors.StepForbidden(_why_not(order, status, allowed), allowed)
        audit.note(f"order {status}", now, actor=actor, tenant=slug, subject=f"order {order.id}")
        take(order, status, by=actor, now=now)
        return _found(tenant_id, order_id)

    return db.write(step)


def _why_not(order: Order, status: OrderStatus, allowed: tuple[OrderStatus, ...]) -> str:
    can = " or ".join(allowed) or "nothing"
    return f"an order that is {order.status} cannot become {status}: it can become {can}"


def _found(tenant_id: int, order_id: int) -> Order:
    order = orders.find(tenant_id, order_id)
    if order is None:
        raise errors.NotFound("there is no such order")
    return order


def jump(order: Order, status: OrderStatus, *, by: str, now: datetime) -> bool:
    """Inside a write: bring an order on, over however many steps, with one notification for where it is now; False,
    and nothing changes, where that is not ahead."""
    if not order_steps.leads_to(order.status, status, order.type):
        return False
    take(order, status, by=by, now=now)
    return True


def take(order: Order, status: OrderStatus, *, by: str, now: datetime, tell: bool = True) -> None:
    """Inside a write: the step itself, which the caller knows to be one that can follow. Raises Conflict when somebody
    else was there first. A draft that leaves that state otherwise than through the platform is never placed there: from
    now on, or from the end of the call that is placing it."""
    if not orders.step(order, status, now):
        raise errors.Conflict("somebody else moved the order")
    if order.status is OrderStatus.DRAFT and order.submission in _UNSETTLED:
        orders.change(order.id, **settled(Submission.BY_HAND))
        if order.submission is Submission.UNKNOWN:
            alert(order, "unknown", now, code=order.submit_code)
    order.status = status
    note(order, status, by=by, now=now)
    if tell:
        informing.of_step(order, now)


def settled(submission: Submission) -> dict[str, object]:
    """The columns of an order that is no longer on its way to the platform."""
    return {"submission": submission, "submit_due_at": None, "ask_at": None, "tell_at": None, "maybe_number": ""}


def alert(order: Order, what: str, now: datetime, **data: object) -> None:
    """The owner is told, once for each thing that can happen to an order."""
    alerts.raise_once(order.tenant_id, AlertKind.ORDER, f"{order.uid}:{what}", now, order=order.id, what=what, **data)


def note(order: Order, status: OrderStatus, *, by: str, now: datetime) -> None:
    """Inside a write: the order came into this state, for its timeline and for whoever looks at it."""
    orders.add_step(order, status, by, now)
    events.add(order.tenant_id, Topic.ORDERS, "order.updated", order.id, now)
    log.info("an order moved", extra={"order": order.id, "status": status.value})


def pay(order: Order, status: PaymentStatus, now: datetime) -> bool:
    """Inside a write: the order's payment is in this state; it goes only forward, from pending over failed to paid and
    refunded. False where that is nothing new."""
    if _PAYMENTS.index(status) <= _PAYMENTS.index(order.payment_status) or not orders.pay(order, status, now):
        return False
    order.payment_status = status
    events.add(order.tenant_id, Topic.ORDERS, "order.updated", order.id, now)
    informing.of_payment(order, now)
    return True
