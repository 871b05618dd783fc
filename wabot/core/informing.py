"""What customers are told about their orders, in their language, each thing once. What may not be sent now is queued
all the same: the outbox says in the message's row why it was not sent."""

import logging
from datetime import datetime

from wabot import errors, words
from wabot.bot import telling
from wabot.bot.state import Profile, State
from wabot.core import profile, remembering, sending
from wabot.core.templates import UNUSABLE
from wabot.store import rules, templates, tenants
from wabot.store.orders import Order
from wabot.words import Draft, OrderStatus, PaymentMethod, PaymentStatus

log = logging.getLogger(__name__)


def of_step(order: Order, now: datetime) -> None:
    """Inside a write: the customer is told of the state that the order is in, where it is one to be told of."""
    say = telling.accepted if order.status is OrderStatus.CONFIRMED else telling.step
    _tell(order, order.status.value, say(order.seen(), *_to(order)), now)


def of_payment(order: Order, now: datetime) -> None:
    """Inside a write: a customer who pays online is told that the payment came, or did not; who pays in cash knows."""
    if order.payment is not PaymentMethod.ONLINE:
        return
    if order.payment_status is PaymentStatus.PAID:
        _tell(order, "paid", telling.paid(order.seen(), *_to(order)), now)
    elif order.payment_status is PaymentStatus.FAILED:
        _tell(order, "payment_failed", telling.payment_failed(order.seen(), *_to(order)), now)


def of_placing(order: Order, now: datetime) -> None:
    """Inside a write: the customer is told that the platform has not answered yet."""
    _tell(order, "placing", telling.placing(*_to(order)), now)


def of_refusal(order: Order, now: datetime) -> None:
    """Inside a write: the customer is told that the order could not be placed."""
    _tell(order, "not_placed", telling.not_placed(*_to(order)), now)


def of_doubt(order: Order, now: datetime) -> None:
    """Inside a write: the customer is told that nobody can tell yet whether the order was placed."""
    _tell(order, "uncertain", telling.uncertain(*_to(order)), now)


def remind(order: Order, now: datetime) -> None:
    """Inside a write: the customer wanted to rate the order later, which is now."""
    _tell(order, "reminder", telling.rating_reminder(order.seen(), *_to(order)), now)


def _to(order: Order) -> tuple[Profile, str]:
    """The tenant as the bot knows it, and the customer's language: the one they chose, else the tenant's."""
    tenant = tenants.by_id(order.tenant_id)
    if tenant is None:
        raise errors.NotFound("the tenant is gone")
    chosen = State.from_json(order.conversation.bot_state).locale
    return profile.for_bot(tenant), chosen or tenant.locale


def _tell(order: Order, what: str, draft: Draft | None, now: datetime) -> None:
    if draft is None:
        return
    conversation = order.conversation
    how = {"key": f"order:{order.uid}:{what}", "now": now, "ttl_seconds": sending.ANSWER_TTL, "order_id": order.id}
    try:
        if not rules.is_window_open(conversation, now) and (template := _template(order, what, draft)):
            draft = template
        sending.check(conversation, draft)
        sending.enqueue(conversation, draft, **how)  # type: ignore[arg-type]
        remembering.note_told(conversation, draft)
    except (errors.Refused, errors.NotFound):
        log.exception("a customer cannot be told of an order", extra={"order": order.id, "what": what})


def _template(order: Order, what: str, draft: Draft) -> Draft | None:
    """The channel's template `order_<state>` in the customer's language, which may be sent when the window is closed;
    its one variable, if it has any, is the order's number."""
    _, locale = _to(order)
    name = f"order_{what.lower()}"
    for row in templates.named(order.channel_id, name):
        if row.language.partition("_")[0] == locale and row.params <= 1 and row.status.upper() not in UNUSABLE:
            variables = {"1": order.number or "-"} if row.params else {}
            use = words.TemplateUse(name, row.language, variables)
            return Draft(words.Kind.TEMPLATE, template=use, purpose=draft.purpose, step=draft.step)
    return None
