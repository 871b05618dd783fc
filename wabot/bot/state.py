"""What the bot is told and what it gives back. `conversation` hands these on to callers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from wabot.bot import keeping
from wabot.bot.cart import Cart, Pick
from wabot.words import Coverage, Draft, Location, Menu, OrderSeen, Rated, Want, Wish

LOCALES = ("ar", "en")
Offered = tuple[tuple[str, str], ...]


class Step(StrEnum):
    """Every step of the flow, as it stands in `State.step` and `Draft.step`."""

    START = "start"
    WELCOME = "welcome"
    HOME = "home"
    CATEGORIES = "menu.categories"
    ITEMS = "menu.items"
    ITEM = "menu.item"
    TYPE = "order.type"
    PLACE = "order.place"
    NOT_COVERED = "order.not_covered"
    BRANCH = "order.branch"
    OPTION = "item.option"
    ADD_ONS = "item.add_ons"
    QUANTITY = "item.quantity"
    CART = "cart"
    LINES = "cart.lines"
    LINE = "cart.line"
    LINE_QUANTITY = "cart.quantity"
    CLEAR = "cart.clear"
    PHONE = "order.phone"
    SUMMARY = "order.summary"
    CONFIRMED = "order.confirmed"
    ORDER_ACCEPTED = "order.accepted"
    ORDER_PLACING = "order.placing"
    ORDER_NOT_PLACED = "order.not_placed"
    ORDER_UNCERTAIN = "order.uncertain"
    ORDER_PREPARING = "order.preparing"
    ORDER_OUT = "order.out_for_delivery"
    ORDER_READY = "order.ready"
    ORDER_DELIVERED = "order.delivered"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_PAID = "order.paid"
    ORDER_PAYMENT_FAILED = "order.payment_failed"
    ORDERS = "orders"
    TRACKING = "orders.one"
    RATING = "rating.stars"
    RATED = "rating.thanks"
    RATED_LOW = "rating.sorry"
    RATING_LATER = "rating.later"
    RATING_REMINDER = "rating.reminder"
    COMMENTED = "rating.comment"
    TROUBLE = "trouble"
    HANDOVER = "handover"
    LANGUAGE = "language"
    THANKS = "thanks"
    UNREADABLE = "unreadable"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Profile:
    """The tenant as the bot knows it. `currency_digits` is how many digits the minor unit has; an order is worth
    at least `minimum_order_minor` of it."""

    name: str
    locale: str
    currency: str
    currency_digits: int = 2
    support_contact: str = ""
    app_link: str = ""
    minimum_order_minor: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What can be known without waiting; items are those of `State.branch_id`.

    `is_known` is False where the categories and branches are not fetched yet. What is in `failed` could not be
    fetched a moment ago. `coverage` is by `Want.key`; where `checks_places` is False nobody can tell it, and every
    place is delivered to from the nearest branch. `orders` are this customer's latest, newest first. `needs_phone`
    tells that whoever takes orders wants a number to call, and that nobody knows this customer's.
    """

    menu: Menu = field(default_factory=Menu)
    is_known: bool = True
    failed: frozenset[Want] = frozenset()
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    checks_places: bool = True
    orders: tuple[OrderSeen, ...] = ()
    needs_phone: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the customer; `choice` is the id of a tapped button or row. `cart_expired` tells that a cart
    was given up since the last one."""

    kind: str
    text: str
    choice: str = ""
    customer_name: str = ""
    location: Location | None = None
    cart_expired: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Where the conversation stands.

    `locale` is empty until the customer chooses a language. `offered` holds id and title of what was offered last,
    so that typed titles and numbers are understood; `here` is the choice that shows the same again. `last` is the
    cart that became an order, `comment_on` the order that the next text may be a comment on.
    """

    locale: str = ""
    step: str = Step.START.value
    offered: Offered = ()
    here: str = ""
    cart: Cart = field(default_factory=Cart)
    pick: Pick | None = None
    last: Cart | None = None
    comment_on: str = ""

    @property
    def branch_id(self) -> str:
        """The branch whose items this conversation is about; empty: none yet, or any."""
        return self.cart.branch_id

    def without_cart(self) -> Self:
        """The same, with nothing ordered or about to be: for a cart that was left alone for too long.

        Buttons of the cart that is gone stay worthless.
        """
        return replace(self, cart=self.cart.emptied(), pick=None, last=None, here="", offered=())

    def to_json(self) -> dict[str, Any]:
        """JSON-ready values that `from_json` reads back to an equal state."""
        kept: dict[str, Any] = {
            "locale": self.locale,
            "step": self.step,
            "offered": [list(pair) for pair in self.offered],
        }
        if self.here:
            kept["here"] = self.here
        if self.comment_on:
            kept["comment_on"] = self.comment_on
        return kept | keeping.dump(self.cart, self.pick, self.last)

    @classmethod
    def from_json(cls, kept: object) -> Self:
        """The kept state; the beginning where it is broken or of another version. Language and cart survive each
        other, as far as they can be read."""
        if not isinstance(kept, Mapping):
            return cls()
        locale = kept.get("locale") if kept.get("locale") in LOCALES else ""
        cart, pick, last = keeping.restore(kept)
        state = cls(locale=str(locale), cart=cart, pick=pick, last=last)
        if kept.get("step") not in list(Step) or not _are_pairs(kept.get("offered")):
            return state
        pairs = tuple((id_, title) for id_, title in kept["offered"])
        here, comment_on = (_text(kept.get(name)) for name in ("here", "comment_on"))
        return replace(state, step=str(kept["step"]), offered=pairs, here=here, comment_on=comment_on)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot makes of a message.

    With `wants` nothing else counts: they are to be fetched, and the same message asked again. `orders` were
    confirmed and are answered by whoever takes them; `remind` are the uids of orders that will be rated later.
    `needs_person` asks for a person to take over. `understood` is False where the drafts say that the message was
    not; `keep` tells that they must reach the customer even where a later answer would do.
    """

    state: State
    drafts: tuple[Draft, ...]
    needs_person: bool = False
    orders: tuple[Wish, ...] = ()
    ratings: tuple[Rated, ...] = ()
    remind: tuple[str, ...] = ()
    wants: tuple[Want, ...] = ()
    understood: bool = True
    keep: bool = False


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _are_pairs(value: object) -> bool:
    return isinstance(value, list | tuple) and all(_is_pair(pair) for pair in value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)
