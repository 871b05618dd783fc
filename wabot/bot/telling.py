"""What a customer is told of an order without having asked: accepted, on its way, delivered, paid.

Pure as all of the bot: whoever moves an order sends these. Choices carry the order's uid, so that they
are understood at any time. An empty `locale` is the tenant's.
"""

from collections.abc import Mapping

from wabot.bot import drafting, fitting, wording
from wabot.bot.state import Profile, Step
from wabot.bot.wording import Wording
from wabot.words import Button, Draft, OrderSeen, OrderStatus, OrderType, PaymentMethod, PaymentStatus, Purpose

_NUMBER = 40
_BRANCH = 100
_LINK = 500
_NEWS: Mapping[OrderStatus, Step] = {
    OrderStatus.PREPARING: Step.ORDER_PREPARING,
    OrderStatus.OUT_FOR_DELIVERY: Step.ORDER_OUT,
    OrderStatus.READY: Step.ORDER_READY,
}


def accepted(order: OrderSeen, profile: Profile, locale: str) -> Draft:
    """The order has its number: what it costs, where it is to be had, how it is paid."""
    says = wording.of(locale or profile.locale)
    text = drafting.joined(
        named(says, "order_accepted", order), way(says, order), total(says, order), payment(says, order)
    )
    buttons = (track(says, order), *_ways_on(says))
    return drafting.offer(Step.ORDER_ACCEPTED, text, buttons, Purpose.ORDER)


def after_order(says: Wording) -> tuple[tuple[str, str], ...]:
    """Id and title of what `accepted` will offer, before the order has its uid, so that numbers are understood."""
    buttons = (_button(says, "track", "track"), *_ways_on(says))
    return tuple((button.id, button.title) for button in buttons)


def placing(profile: Profile, locale: str) -> Draft:
    """The order has been passed on and nobody has answered yet."""
    says = wording.of(locale or profile.locale)
    return drafting.tell(Step.ORDER_PLACING, says.say("order_placing"), Purpose.ORDER)


def not_placed(profile: Profile, locale: str) -> Draft:
    """The order was refused for good: its cart can be brought back, and a person asked."""
    says = wording.of(locale or profile.locale)
    buttons = (_button(says, "again", "again"), _button(says, "person", "person"))
    return drafting.offer(Step.ORDER_NOT_PLACED, says.say("order_not_placed"), buttons, Purpose.ORDER)


def uncertain(profile: Profile, locale: str) -> Draft:
    """Nobody can tell yet whether the order was taken; it should not be ordered again meanwhile."""
    says = wording.of(locale or profile.locale)
    return drafting.tell(Step.ORDER_UNCERTAIN, says.say("order_uncertain"), Purpose.ORDER)


def step(order: OrderSeen, profile: Profile, locale: str) -> Draft | None:
    """What the order's state is told as; None for states that are told otherwise or not at all."""
    says = wording.of(locale or profile.locale)
    match order.status:
        case OrderStatus.PREPARING | OrderStatus.OUT_FOR_DELIVERY | OrderStatus.READY:
            return drafting.tell(_NEWS[order.status], state(says, order), Purpose.ORDER)
        case OrderStatus.DELIVERED:
            return _delivered(says, order)
        case OrderStatus.CANCELLED:
            text = drafting.joined(state(says, order), payment(says, order))
            return drafting.offer(Step.ORDER_CANCELLED, text, _ways_on(says), Purpose.ORDER)
    return None


def paid(order: OrderSeen, profile: Profile, locale: str) -> Draft:
    """The payment of an order has come."""
    says = wording.of(locale or profile.locale)
    return drafting.tell(Step.ORDER_PAID, named(says, "order_paid", order), Purpose.ORDER)


def payment_failed(order: OrderSeen, profile: Profile, locale: str) -> Draft:
    """The payment did not go through; with the link, where there is one, it can be tried again."""
    says = wording.of(locale or profile.locale)
    text = drafting.joined(named(says, "order_payment_failed", order), link(says, order, "pay_again"))
    buttons = (track(says, order), _button(says, "person", "person"))
    return drafting.offer(Step.ORDER_PAYMENT_FAILED, text, buttons, Purpose.ORDER)


def rating_reminder(order: OrderSeen, profile: Profile, locale: str) -> Draft:
    """The one reminder of who chose to rate later; it offers no later again."""
    says = wording.of(locale or profile.locale)
    buttons = (_rate(says, "rate_now", "now", order), _rate(says, "rate_help", "help", order))
    return drafting.offer(Step.RATING_REMINDER, named(says, "rating_reminder", order), buttons, Purpose.RATING)


def state(says: Wording, order: OrderSeen) -> str:
    """Where an order stands, in a sentence with its number."""
    return named(says, f"order_{_state(order)}", order)


def named(says: Wording, text: str, order: OrderSeen) -> str:
    """The text with the order's number, where it has one already."""
    number = fitting.cut(fitting.line(order.number), _NUMBER)
    return says.say(text, numbered=f" {says.say('order_number', number=number)}" if number else "")


def total(says: Wording, order: OrderSeen) -> str:
    """What the order costs, with its label, in the currency in which it was placed."""
    return says.say("total", total=says.price(order.total_minor, order.currency, order.currency_digits))


def way(says: Wording, order: OrderSeen) -> str:
    """How and where the order is to be had."""
    branch = fitting.cut(says.name_or_nothing(order.branch), _BRANCH)
    kind = says.say(f"type_{order.type}")
    return says.say("where", type=kind, branch=branch) if branch else says.say("where_plain", type=kind)


def payment(says: Wording, order: OrderSeen) -> str:
    """How the order is paid: that it is, the link, or in cash; of what needs no payment any more, only a refund."""
    if order.payment_status is PaymentStatus.REFUNDED:
        return says.say("refunded")
    if order.status in (OrderStatus.CANCELLED, OrderStatus.DELIVERED, OrderStatus.RATED):
        return ""
    if order.payment_status is PaymentStatus.PAID:
        return says.say("paid")
    if order.payment is PaymentMethod.ONLINE:
        return link(says, order, "pay") or says.say("pay_unavailable")
    return in_cash(says, order.type)


def in_cash(says: Wording, type_: OrderType | None) -> str:
    """Where the cash changes hands."""
    return says.say("pay_cash" if type_ is OrderType.DELIVERY else "pay_there")


def link(says: Wording, order: OrderSeen, text: str) -> str:
    """The text with the order's payment link; nothing where there is none that can be shown."""
    address = order.payment_link.strip()
    shown = fitting.line(address)
    return says.say(text, link=shown) if shown and shown == address and len(shown) <= _LINK else ""


def track(says: Wording, order: OrderSeen) -> Button:
    return _button(says, "track", f"track:{order.uid}")


def _delivered(says: Wording, order: OrderSeen) -> Draft:
    buttons = (
        _rate(says, "rate_now", "now", order),
        _rate(says, "rate_later", "later", order),
        _rate(says, "rate_help", "help", order),
    )
    text = drafting.joined(state(says, order), says.say("rating_ask"))
    return drafting.offer(Step.ORDER_DELIVERED, text, buttons, Purpose.RATING)


def _rate(says: Wording, button: str, what: str, order: OrderSeen) -> Button:
    return _button(says, button, f"rate:{what}:{order.uid}")


def _ways_on(says: Wording) -> tuple[Button, Button]:
    return (_button(says, "order", "order"), _button(says, "person", "person"))


def _button(says: Wording, name: str, choice: str) -> Button:
    return Button(choice, says.buttons[name])


def _state(order: OrderSeen) -> str:
    """The end of the text's name: being ready and being delivered differ by the kind of order."""
    word = order.status.lower()
    if order.status is OrderStatus.READY:
        return f"{word}_{order.type}"
    if order.status is OrderStatus.DELIVERED:
        return f"{word}_delivery" if order.type is OrderType.DELIVERY else word
    return word
