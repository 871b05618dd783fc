"""Look after orders on their way to the platform: those whose outcome nobody knows, customers who wait, and what a
person decides. An order may turn up by the platform's word, by its number, or in the end by somebody looking."""

import logging
from datetime import datetime, timedelta

from wabot import catalog, clock, errors
from wabot.core import informing, order_steps, ordering, stepping, submitting
from wabot.store import audit, customers, db, events, orders, submissions
from wabot.store.events import Topic
from wabot.store.orders import Order, Submission
from wabot.words import OrderStatus

log = logging.getLogger(__name__)

ASK_EVERY = timedelta(seconds=15)
AT_ONCE = 20
LONGEST_NUMBER = 18
ADOPTED_WITHIN = timedelta(hours=2)
"""What the platform tells later than that is about an order that was placed elsewhere."""


def work_next() -> bool:
    """Place the next order, or ask the platform about one; False when there was nothing to do."""
    return submitting.place_next() or ask_next()


def ask_next() -> bool:
    """Ask the platform about the next order of which only a number is known; False when there is none."""
    now = clock.now()
    order = db.write(lambda: submissions.claim_question(now, now + ASK_EVERY))
    if order is None:
        return False
    told: catalog.Told | None = None
    try:
        told = submitting.platform(order).status(order.maybe_number)
    except errors.PermanentFailure:
        db.write(lambda: orders.change(order.id, ask_at=None, maybe_number=""))
    except errors.ProviderFailure as failure:
        log.warning("the platform could not be asked", extra={"order": order.id, "code": failure.code})
    if told is not None and told.status is not None:
        status = told.status
        db.write(lambda: found(order.id, order.maybe_number, status, clock.now()))
    return True


def found(order_id: int, number: str, status: OrderStatus, now: datetime) -> bool:
    """Inside a write: an order whose outcome was unknown is at the platform under this number, in this state. False
    where it was settled meanwhile, or the number is another's."""
    order = orders.by_id(order_id)
    if order is None or order.submission is not Submission.UNKNOWN or submitting.is_taken(order, number):
        return False
    further = order_steps.leads_to(OrderStatus.CONFIRMED, status, order.type)
    submitting.accept(order, number, now=now, tell=not further)
    if further:
        order = orders.by_id(order_id)
        stepping.jump(order, status, by=stepping.PLATFORM, now=now) if order else None
    return True


def recover_lost() -> bool:
    """Orders that nobody will settle: whether they were placed is unknown, never "not placed"."""
    lost = submissions.lost(clock.now())
    if lost:
        db.write(lambda: _lose([(order.id, order.submit_attempts) for order in lost], clock.now()))
    return bool(lost)


def _lose(claimed: list[tuple[int, int]], now: datetime) -> None:
    for order_id, attempt in claimed:
        submitting.settle(order_id, attempt, errors.UnknownOutcome("worker_lost", "who placed it is gone"), now)


def look_after() -> bool:
    """What orders wait for beside the platform: dead workers, customers to be told or reminded, deadlines. False when
    nothing was due."""
    now = clock.now()
    lost = recover_lost()
    return db.write(lambda: _look_after(now)) or lost if _anything(now) else lost


def _anything(now: datetime) -> bool:
    due = submissions.next_deadline()
    return due is not None and due <= now


def _look_after(now: datetime) -> bool:
    told, late = submissions.to_tell(now, AT_ONCE), submissions.overdue(now, AT_ONCE)
    wanted = submissions.to_remind(now, AT_ONCE)
    for order in told:
        _tell(order, now)
    for order in late:
        _call_person(order, now)
    for order in wanted:
        ordering.remind(order, now)
    return bool(told or late or wanted)


def _tell(order: Order, now: datetime) -> None:
    """First that it takes longer, then that nobody can tell; each once."""
    in_doubt = order.submission is Submission.UNKNOWN
    doubt_at = submitting.doubt_at(order)
    if in_doubt and now >= doubt_at:
        informing.of_doubt(order, now)
    elif order.status is OrderStatus.DRAFT:
        informing.of_placing(order, now)
    orders.change(order.id, tell_at=doubt_at if in_doubt and now < doubt_at else None)


def _call_person(order: Order, now: datetime) -> None:
    """The deadline has come: the owner is told, and somebody has to look. It may still turn up by itself."""
    orders.change(order.id, submit_due_at=None, ask_at=None)
    if order.tell_at is not None:
        informing.of_doubt(order, now)
        orders.change(order.id, tell_at=None)
    customers.call_person(order.conversation_id)
    events.add(order.tenant_id, Topic.CONVERSATIONS, "conversation.updated", order.conversation_id, now)
    stepping.alert(order, "unknown", now, code=order.submit_code)
    log.critical("nobody knows whether an order was placed: look at the platform", extra={"order": order.id})


def adopt(tenant_id: int, merchant: str, branch_id: str, number: str, status: OrderStatus | None, told_at: datetime,
          now: datetime) -> Order | None:  # fmt: skip
    """Inside a write: the order that the platform speaks of by a number which nobody knew: the only one of this
    merchant and branch whose outcome is unknown. None where there is none, or more than one, or while another one is
    being placed, which it may be."""
    if submissions.being_placed(tenant_id):
        return None
    waiting = [order for order in submissions.unresolved(tenant_id, merchant) if _may_be(order, branch_id, told_at)]
    if len(waiting) != 1 or not found(waiting[0].id, number, status or OrderStatus.CONFIRMED, now):
        return None
    log.info("an order whose outcome was unknown turned up", extra={"order": waiting[0].id})
    return waiting[0]


def _may_be(order: Order, branch_id: str, told_at: datetime) -> bool:
    begun = order.begun_at
    same_branch = not branch_id or not order.branch_id or branch_id.casefold() == order.branch_id.casefold()
    return same_branch and begun <= told_at < begun + ADOPTED_WITHIN


def place_again(order_id: int, *, force: bool, actor: str) -> Order:
    """Have an order placed now that waits for its next try; with `force` also one whose outcome is unknown, which then
    may be at the platform twice. Raises NotFound, Conflict."""

    def store() -> Order:
        order, now = _of_any_tenant(order_id), clock.now()
        if order.submission is Submission.UNKNOWN and not force:
            raise errors.Conflict(
                "nobody knows whether it was placed: look at the platform, then say --force to place it again, "
                "or `wabot order confirm` with its number"
            )
        if order.submission not in (Submission.WAITING, Submission.UNKNOWN):
            raise errors.Conflict(f"order {order.id} is {order.status} and does not wait to be placed")
        audit.note("order submit", now, actor=actor, subject=f"order {order.id}")
        again = stepping.settled(Submission.WAITING) | {"submit_due_at": now}
        orders.change(order.id, **again)
        return _of_any_tenant(order_id)

    return db.write(store)


def confirm(order_id: int, number: str, *, actor: str) -> Order:
    """Note the number under which somebody found an order at the platform, which confirms it. Raises NotFound, Refused
    (`number`), and Conflict for an order that has one, or is cancelled, and for a number of another."""

    def store() -> Order:
        order, now = _of_any_tenant(order_id), clock.now()
        if not number.isdecimal() or len(number) > LONGEST_NUMBER:
            raise errors.Refused("number", "the platform's number is a whole number")
        if order.number or order.status is OrderStatus.CANCELLED:
            raise errors.Conflict(f"order {order.id} is {order.status}" + f" as {order.number}" * bool(order.number))
        if submitting.is_taken(order, number):
            raise errors.Conflict(f"another order has the number {number}")
        audit.note("order confirm", now, actor=actor, subject=f"order {order.id}")
        submitting.accept(order, number, by=actor, now=now)
        return _of_any_tenant(order_id)

    return db.write(store)


def _of_any_tenant(order_id: int) -> Order:
    order = orders.by_id(order_id)
    if order is None:
        raise errors.NotFound(f"there is no order {order_id}")
    return order
