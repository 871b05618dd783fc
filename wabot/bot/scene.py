"""All that a step may look at, and the replies it may make: whatever it says, they fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wabot.bot import drafting, fitting, shelves, wording
from wabot.bot.cart import Cart, Pick
from wabot.bot.shelves import Shelves
from wabot.bot.state import Heard, Known, Offered, Profile, State, Step
from wabot.bot.wording import Wording
from wabot.words import Button, Draft, OrderSeen, OrderStatus, OrderType, Purpose, Rated, Row, Want, WantKind, Wish

_CUSTOMER = 40
_OVER = (OrderStatus.DELIVERED, OrderStatus.RATED, OrderStatus.CANCELLED)


class Missing(Exception):
    """Something has to be fetched before the step can answer."""

    def __init__(self, *wants: Want) -> None:
        super().__init__(*wants)
        self.wants = wants


@dataclass(frozen=True, slots=True)
class Reply:
    """What a step makes of a message: what it says, the state as it leaves it, and what follows from it.

    `here` is the choice that shows the same again without doing anything; empty where there is none. `offered` is what
    others are about to offer where the step itself says nothing.
    """

    state: State
    draft: Draft | None
    here: str = ""
    needs_person: bool = False
    orders: tuple[Wish, ...] = ()
    ratings: tuple[Rated, ...] = ()
    remind: tuple[str, ...] = ()
    understood: bool = True
    keep: bool = False
    offered: Offered = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """The message, what is known, and the state as the step has changed it so far.

    `branch_id` is the branch that the known items are of; `notice` is said before whatever is said.
    """

    profile: Profile
    known: Known
    heard: Heard
    state: State
    branch_id: str
    shelves: Shelves
    wording: Wording
    has_said_salam: bool
    notice: str = ""

    @property
    def cart(self) -> Cart:
        return self.state.cart

    @property
    def is_first(self) -> bool:
        """Whether this customer was never answered before."""
        return self.state.step == Step.START

    @property
    def takes_orders(self) -> bool:
        """Whether anything can be ordered here, as far as it is known."""
        return bool(self.known.menu.types) or not self.known.is_known

    @property
    def open_orders(self) -> tuple[OrderSeen, ...]:
        return tuple(order for order in self.known.orders if order.status not in _OVER)

    def within(self, locale: str) -> "Scene":
        """The same scene in another language, which the customer chose."""
        return replace(self, wording=wording.of(locale), state=replace(self.state, locale=locale))

    def saying(self, notice: str) -> "Scene":
        """The same scene with something to be said first."""
        return replace(self, notice=drafting.joined(self.notice, notice))

    def with_cart(self, cart: Cart) -> "Scene":
        """The same scene with another cart, its shelves holding what can be had in this kind of order."""
        arranged = self.shelves if cart.type is self.cart.type else shelves.arrange(self.known.menu, cart.type)
        return replace(self, state=replace(self.state, cart=cart), shelves=arranged)

    def with_type(self, type_: OrderType | None) -> "Scene":
        return self if type_ is self.cart.type else self.with_cart(self.cart.changed(type=type_))

    def with_pick(self, pick: Pick | None) -> "Scene":
        return replace(self, state=replace(self.state, pick=pick))

    def need_menu(self) -> None:
        """Raises Missing where the categories and branches are not known yet."""
        if not self.known.is_known:
            raise Missing(Want(WantKind.CATALOG))

    def wanted(self, category: str) -> tuple[Want, ...]:
        """What has to be fetched before the category's items are known. Nothing where the branch has only just been
        chosen: only after this answer is it known of which branch items are asked."""
        shelf = self.shelves.categories.get(category)
        if shelf is None or shelf.is_known or self.cart.branch_id != self.branch_id:
            return ()
        return (Want(WantKind.ITEMS, f"{shelf.id}|{self.branch_id}"),)

    def need_items(self, category: str) -> None:
        """Raises Missing where the category's items are not known yet."""
        if wants := self.wanted(category):
            raise Missing(*wants)

    def tell(self, step: Step, text: str) -> Reply:
        """A plain text."""
        return self._reply(drafting.tell(step, self.opened(step, text), self._purpose()), "")

    def offer(self, step: Step, text: str, buttons: Sequence[Button], *, here: str = "") -> Reply:
        """A text with up to three buttons."""
        return self._reply(drafting.offer(step, self.opened(step, text), buttons, self._purpose()), here)

    def lay_out(self, step: Step, text: str, rows: Sequence[Row], *, here: str = "") -> Reply:
        """A text with a list of up to ten rows."""
        button = self.wording.buttons["list"]
        return self._reply(drafting.lay_out(step, self.opened(step, text), rows, button, self._purpose()), here)

    def button(self, name: str, choice: str) -> Button:
        return Button(choice, self.wording.buttons[name])

    def row(self, name: str, choice: str) -> Row:
        return Row(choice, self.wording.buttons[name])

    def home(self) -> tuple[Button, ...]:
        """The buttons that are always there: the cart or the menu if there is one, an order on its way or a person,
        the other language."""
        other = wording.other(self.wording.locale)
        language = Button(f"lang:{other.locale}", other.buttons["language"])
        person = self.button("person", "person")
        way = self.button("track", "track") if self.open_orders else person
        return (*self._way_in(), way, language)

    def opened(self, step: Step, text: str) -> str:
        """The text after all that has to be said first."""
        expired = self.wording.say("cart_expired") if self.heard.cart_expired else ""
        hello = self._hello() if self.is_first or step is Step.WELCOME else ""
        return drafting.joined(hello, expired, self.notice, text)

    def _way_in(self) -> tuple[Button, ...]:
        if not self.cart.is_empty:
            return (self.button("cart", "cart"),)
        if self.takes_orders and (self.shelves.categories or not self.known.is_known):
            return (self.button("order", "order"),)
        return (self.button("menu", "menu"),) if self.shelves.categories else ()

    def _hello(self) -> str:
        greeting = "salam" if self.has_said_salam else "hello"
        name = fitting.cut(fitting.line(self.heard.customer_name), _CUSTOMER)
        if not any(map(str.isalpha, name)):
            return self.wording.say(greeting)
        return self.wording.say(f"{greeting}_named", customer=name)

    def _purpose(self) -> str:
        return Purpose.WELCOME if self.is_first else Purpose.REPLY

    def _reply(self, draft: Draft, here: str) -> Reply:
        return Reply(self.state, draft, here, keep=self.heard.cart_expired)


def of(state: State, heard: Heard, profile: Profile, known: Known, *, has_said_salam: bool) -> Scene:
    """The scene that a message opens."""
    return Scene(
        profile=profile,
        known=known,
        heard=heard,
        state=state,
        branch_id=state.branch_id,
        shelves=shelves.arrange(known.menu, state.cart.type),
        wording=wording.of(state.locale or profile.locale),
        has_said_salam=has_said_salam,
    )
