"""What customers do with orders: place one, look at theirs, rate one, put the rating off."""

import logging
from datetime import datetime, timedelta

from wabot import errors, words
from wabot.core import catalogs, informing, profile, stepping
from wabot.store import alerts, events, order_lists, orders, rules, tenants
from wabot.store.alerts import AlertKind
from wabot.store.customers import Conversation
from wabot.store.events import Topic
from wabot.store.orders import Order, Submission
from wabot.store.tenants import Tenant
from wabot.words import OrderStatus

log = logging.getLogger(__name__)

CUSTOMER = "customer"
"""How the timeline names the customer."""
TELL_AFTER = timedelta(seconds=10)
"""How long a customer waits for the platform without a word from us."""
FLOW = timedelta(hours=24)
"""What was said longer ago did not lead to this order."""
MOST_LINES = 50
MOST_OF_ONE = 99
MOST_TOTAL_MINOR = 10**11
LOW = 3
LONGEST_COMMENT = 1000
REMIND_AFTER = timedelta(hours=3)


def place(conversation: Conversation, wish: words.Wish, *, key: str, now: datetime) -> Order:
    """Inside a write: the order under this key, placed if there is none: taken at once by a tenant with a menu of its
    own, else on its way to the platform. Raises Refused (`bad_order`, `minimum_order`) for what no bot may ask for."""
    known = orders.by_key(conversation.tenant_id, key)
    if known is not None:
        return known
    tenant = tenants.by_id(conversation.tenant_id)
    if tenant is None:
        raise errors.NotFound("the tenant is gone")
    order = _add(conversation, tenant, wish, key, now)
    if not order.merchant:
        stepping.take(order, OrderStatus.CONFIRMED, by=tenant.slug, now=now)
    return order


def _add(conversation: Conversation, tenant: Tenant, wish: words.Wish, key: str, now: datetime) -> Order:
    total = _total(tenant, wish)
    merchant = tenant.catalog_merchant if catalogs.is_fetched(tenant) else ""
    order = orders.add(
        conversation,
        wish,
        key=key,
        now=now,
        by=CUSTOMER,
        merchant=merchant,
        total_minor=total,
        currency=tenant.currency,
        currency_digits=profile.currency_digits(tenant),
        branch=_branch(tenant, wish.branch_id, now),
        **(_to_be_placed(now) if merchant else {"number": orders.next_number(tenant.id)}),
    )
    order.saved = order_lists.link_flow(order, now - FLOW)
    orders.change(order.id, saved=order.saved)
    events.add(tenant.id, Topic.ORDERS, "order.created", order.id, now)
    log.info("an order was placed", extra={"order": order.id, "tenant": tenant.slug})
    return order


def _to_be_placed(now: datetime) -> dict[str, object]:
    return {"submission": Submission.WAITING, "submit_due_at": now, "tell_at": now + TELL_AFTER}


def _branch(tenant: Tenant, branch_id: str, now: datetime) -> words.Names:
    """What the branch is called."""
    branches = catalogs.known(tenant, now).menu.branches if branch_id else ()
    return next((dict(branch.name) for branch in branches if branch.id == branch_id), {})


def _total(tenant: Tenant, wish: words.Wish) -> int:
    """What the wish comes to, added up here. Raises Refused for a wish that no cart can hold."""
    if not 0 < len(wish.lines) <= MOST_LINES:
        raise errors.Refused("bad_order", f"an order has 1 to {MOST_LINES} lines, not {len(wish.lines)}")
    total = sum(_line_total(line) for line in wish.lines)
    if total > MOST_TOTAL_MINOR:
        raise errors.Refused("bad_order", "an order cannot be worth that much")
    if total < profile.minimum_order_minor(tenant):
        raise errors.Refused("minimum_order", "the order is worth less than the tenant's least")
    return total


def _line_total(line: words.Line) -> int:
    picked = (*line.choices, *line.add_ons)
    quantities = [line.quantity, *(one.quantity for one in picked)]
    prices = [line.price_minor, *(one.price_minor for one in picked)]
    if not all(0 < quantity <= MOST_OF_ONE for quantity in quantities) or min(prices) < 0:
        raise errors.Refused("bad_order", "a line has a quantity or a price that cannot be")
    return line.total_minor


def latest_of(tenant_id: int, customer_id: int, most: int = 5) -> tuple[words.OrderSeen, ...]:
    """The customer's latest orders, newest first, as the bot sees them."""
    return tuple(order.seen() for order in orders.of_customer(tenant_id, customer_id, most))


def rate(tenant_id: int, conversation: Conversation, rated: words.Rated, now: datetime) -> bool:
    """Inside a write, after what the bot answers is queued: note what the customer thinks of an order of theirs that
    was delivered. The first stars count; a comment is added. False where it changes nothing: the order is not theirs,
    was not delivered, or was rated."""
    order = orders.by_uid(tenant_id, rated.order_uid)
    if order is None or order.customer_id != conversation.customer_id:
        return False
    scored = rated.score is not None and _score(order, rated.score, now)
    commented = _comment(order, rated.comment)
    order_lists.link_rating(order)
    if commented and not scored:
        events.add(tenant_id, Topic.ORDERS, "order.updated", order.id, now)
    return scored or commented


def _score(order: Order, score: int, now: datetime) -> bool:
    if not 1 <= score <= 5 or not orders.rate(order, score, now):
        return False
    order.status = OrderStatus.RATED
    stepping.note(order, OrderStatus.RATED, by=CUSTOMER, now=now)
    if score <= LOW:
        alerts.raise_once(order.tenant_id, AlertKind.RATING, order.uid, now, order=order.id, score=score)
        log.warning("a low rating", extra={"order": order.id, "score": score})
    return True


def _comment(order: Order, comment: str) -> bool:
    """What is said in several messages is one comment, as long as it is not endless."""
    said = comment.strip()
    if not said or order.status is not OrderStatus.RATED:
        return False
    before = f"{order.rating_comment}\n" if order.rating_comment else ""
    if said in order.rating_comment.split("\n") or len(before) > LONGEST_COMMENT:
        return False
    orders.change(order.id, rating_comment=(before + said)[:LONGEST_COMMENT])
    return True


def remind_later(tenant_id: int, order_uid: str, conversation: Conversation, now: datetime) -> bool:
    """Inside a write: the customer wants to rate a delivered order later, and is reminded once, within the time in
    which they may be written to. False where there is nothing to remind of."""
    order = orders.by_uid(tenant_id, order_uid)
    if order is None or order.customer_id != conversation.customer_id or order.status is not OrderStatus.DELIVERED:
        return False
    if order.reminded or order.remind_at:
        return False
    orders.change(order.id, remind_at=now + REMIND_AFTER, reminded=True)
    order_lists.link_rating(order)
    return True


def remind(order: Order, now: datetime) -> bool:
    """Inside a write: the time of the reminder has come. It is dropped where the order was rated meanwhile, or its
    customer can no longer be written to."""
    orders.change(order.id, remind_at=None)
    if order.status is not OrderStatus.DELIVERED or not rules.is_window_open(order.conversation, now):
        return False
    informing.remind(order, now)
    return True
