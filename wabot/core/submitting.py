"""Place orders at the platform: claim, call, settle. No transaction is open meanwhile, and an order whose outcome
nobody knows is never placed again by itself: `resolving` looks for it."""

import logging
import re
from datetime import datetime, timedelta

from wabot import catalog, clock, config, errors
from wabot.core import informing, stepping
from wabot.store import db, orders, submissions, webhooks
from wabot.store.orders import Order, Submission
from wabot.words import OrderStatus

log = logging.getLogger(__name__)

LEASES_PER_TIMEOUT = 3
LEASES_TO_RECORD = 10
"""How long an outcome waits for a file that cannot be written: while it cannot, nobody can call the order lost."""
DOUBT_AFTER = 0.5
"""After this share of the unknown deadline the customer is told that nobody can tell yet."""
LATEST_REMINDER = timedelta(hours=24)
"""Nobody may be reminded of a rating later than that after they wrote."""
LONGEST_WAIT_SECONDS = 60.0
"""Whoever wants to eat does not wait longer for the order to be taken, whatever the platform asks for."""
_NUMBER = re.compile(rb'"orderNumber"\s*:\s*"?([0-9]{1,18})\b')

Outcome = catalog.Placed | errors.ProviderFailure


def place_next() -> bool:
    """Place the next order that is due; False when none was."""
    order = db.write(lambda: submissions.claim(clock.now(), _lease()))
    if order is None:
        return False
    outcome = _call(order)
    seconds = LEASES_TO_RECORD * _lease().total_seconds()
    db.write(lambda: settle(order.id, order.submit_attempts, outcome, clock.now()), deadline=seconds)
    return True


def _lease() -> timedelta:
    return timedelta(seconds=LEASES_PER_TIMEOUT * config.settings().wabot_send_timeout)


def platform(order: Order) -> catalog.Catalog:
    """The platform as the order's merchant sees it."""
    settings = config.settings()
    return catalog.Catalog(settings, order.merchant, seconds=settings.wabot_send_timeout, digits=order.currency_digits)


def _call(order: Order) -> Outcome:
    try:
        customer = order.customer
        number = customer.number or order.contact
        return platform(order).submit(
            orders.wish(order), customer_name=customer.name, customer_phone=number, reference=order.uid
        )
    except errors.ProviderFailure as failure:
        return failure
    except Exception as error:
        log.exception("placing an order failed", extra={"order": order.id})
        return errors.UnknownOutcome("client_failed", type(error).__name__)


def settle(order_id: int, attempt: int, outcome: Outcome, now: datetime) -> None:
    """Inside a write: record what became of placing an order, and what follows. A late worker is heard too: it can
    still resolve what is unknown because of it, and once somebody else began again it is told to the owner."""
    order = orders.by_id(order_id)
    if order is None:
        return
    if isinstance(outcome, catalog.Placed):
        _placed(order, attempt, outcome, now)
    elif order.submit_attempts != attempt or order.submission not in (Submission.CALLING, Submission.UNKNOWN):
        log.warning("a late outcome changes nothing", extra={"order": order.id, "code": outcome.code})
    elif order.status is not OrderStatus.DRAFT:
        _left(order, outcome, now)
    elif isinstance(outcome, errors.UnknownOutcome):
        _unknown(order, outcome, now)
    elif isinstance(outcome, errors.TemporaryFailure | errors.Throttled) and (wait := _wait(order, outcome)):
        again = {"submission": Submission.WAITING, "submit_due_at": now + wait, "submit_code": outcome.code}
        orders.change(order.id, **again)
        _read_again(order)
    else:
        _refused(order, outcome, now)
        _read_again(order)


def _left(order: Order, failure: errors.ProviderFailure, now: datetime) -> None:
    """A person moved it during its call, so nothing is tried again; where it may be there, the owner hears of it."""
    orders.change(order.id, submit_code=failure.code, **stepping.settled(Submission.BY_HAND))
    if isinstance(failure, errors.UnknownOutcome):
        stepping.alert(order, "unknown", now, code=failure.code)
    _read_again(order)


def _wait(order: Order, failure: errors.ProviderFailure) -> timedelta | None:
    """How long until it is tried again, by the retry plan or as the platform asks; None when the plan is used up."""
    plan = config.settings().wabot_retry_delays
    if order.submit_attempts > len(plan) or (failure.retry_after or 0) > LONGEST_WAIT_SECONDS:
        return None
    return timedelta(seconds=max(plan[order.submit_attempts - 1], failure.retry_after or 0))


def _placed(order: Order, attempt: int, placed: catalog.Placed, now: datetime) -> None:
    if order.number not in ("", placed.order_number):
        stepping.alert(order, "placed_twice", now, number=placed.order_number)
        return
    if is_taken(order, placed.order_number):
        _unknown(order, errors.UnknownOutcome("number_taken", "the platform gave another order's number"), now)
        return
    details = {"payment_link": placed.payment_link, "branch_id": placed.branch_id}
    if any(details.values()):
        orders.change(order.id, **{name: value for name, value in details.items() if value})
    if order.submit_attempts != attempt:
        stepping.alert(order, "repeated", now, number=placed.order_number)
    accept(order, placed.order_number, now=now)


def is_taken(order: Order, number: str) -> bool:
    """Whether another order of the merchant has this number."""
    named = orders.numbered(order.tenant_id, number)
    return any(other.merchant == order.merchant and other.id != order.id for other in named)


def accept(order: Order, number: str, *, by: str = stepping.PLATFORM, now: datetime, tell: bool = True) -> None:
    """Inside a write: the order is at the platform under this number. What the platform told about it before is read
    again. Where it was cancelled here meanwhile, somebody has to cancel it there."""
    orders.change(order.id, number=number, **stepping.settled(Submission.ACCEPTED))
    found = orders.by_id(order.id)
    if found is None:
        return
    if found.status is OrderStatus.DRAFT and tell:
        stepping.take(found, OrderStatus.CONFIRMED, by=by, now=now)
    elif found.status is OrderStatus.CANCELLED:
        stepping.alert(found, "cancelled_here_only", now, number=number)
    _read_again(found)


def _read_again(order: Order) -> None:
    """What the platform told while this order was being placed may have been about it: now that is known."""
    for webhook_id in submissions.unplaced_webhooks(order.tenant_id, order.begun_at):
        webhooks.replay(webhook_id, order.tenant_id, None)


def _refused(order: Order, failure: errors.ProviderFailure, now: datetime) -> None:
    log.error("an order was refused", extra={"order": order.id, "code": failure.code})
    orders.change(order.id, submit_code=failure.code, **stepping.settled(Submission.REFUSED))
    order.submission = Submission.REFUSED
    stepping.take(order, OrderStatus.CANCELLED, by=stepping.PLATFORM, now=now, tell=False)
    informing.of_refusal(order, now)
    stepping.alert(order, "refused", now, code=failure.code)


def _unknown(order: Order, failure: errors.UnknownOutcome, now: datetime) -> None:
    """Never again by itself. The platform may have answered with a number before it broke off: then it can be asked."""
    log.warning("nobody knows whether an order was placed", extra={"order": order.id, "code": failure.code})
    number = _NUMBER.search(failure.raw)
    orders.change(
        order.id,
        submission=Submission.UNKNOWN,
        submit_code=failure.code,
        submit_due_at=min(order.begun_at, now) + timedelta(seconds=config.settings().wabot_unknown_deadline),
        tell_at=order.tell_at or doubt_at(order),
        maybe_number=number[1].decode() if number else "",
        ask_at=now if number else None,
    )
    _read_again(order)


def doubt_at(order: Order) -> datetime:
    """When a customer is told that nobody can tell yet whether the order was placed."""
    return order.begun_at + DOUBT_AFTER * timedelta(seconds=config.settings().wabot_unknown_deadline)


def mind_the_clock() -> None:
    """After a jump of the clock: claims run anew, and what was put off into an impossible future is due now."""
    now = clock.now()
    settings = config.settings()
    furthest = max(3600, settings.wabot_unknown_deadline, *settings.wabot_retry_delays, 0) + 1

    def mend() -> None:
        submissions.postpone_leases(now + _lease())
        submissions.bring_forward(now, timedelta(seconds=furthest), LATEST_REMINDER)

    db.write(mend)
