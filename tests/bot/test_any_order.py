"""Whatever a customer taps, types or sends, whatever happens behind the bot meanwhile: a valid answer, a valid state,
and never an order for anything but what was shown."""

import math
from dataclasses import replace

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.bot import kitchen
from tests.bot.kitchen import Guest, offered
from tests.bot.test_any_conversation import IDS, KINDS, NAMES, PROFILES, SOME_TEXT
from wabot.bot import conversation, shelves, telling
from wabot.bot.cart import MOST_EACH, MOST_LINES
from wabot.bot.conversation import Heard, State
from wabot.words import (
    AddOn,
    Branch,
    Choice,
    Location,
    Menu,
    MenuCategory,
    MenuItem,
    Option,
    OrderStatus,
    OrderType,
    PaymentMethod,
    Wish,
)

PRICES = st.one_of(st.integers(0, 10_000), st.sampled_from([-500, 0, 10**12, 10**30]))
TYPES = st.lists(st.sampled_from(OrderType), max_size=4, unique=True).map(tuple)
CHOICES = st.builds(Choice, IDS, NAMES, PRICES)
OPTIONS = st.builds(Option, NAMES, st.lists(CHOICES, max_size=12).map(tuple))
ADD_ONS = st.builds(AddOn, IDS, NAMES, PRICES, st.integers(-1, 3), st.integers(-1, 300))
ITEMS = st.builds(
    MenuItem,
    IDS,
    NAMES,
    PRICES,
    NAMES,
    st.lists(OPTIONS, max_size=2).map(tuple),
    st.lists(ADD_ONS, max_size=3).map(tuple),
    TYPES,
)
CATEGORIES = st.builds(MenuCategory, IDS, NAMES, st.lists(ITEMS, max_size=4).map(tuple))
DEGREES = st.one_of(st.none(), st.floats(-90, 90))
BRANCHES = st.builds(Branch, IDS, NAMES, NAMES, st.just(""), DEGREES, DEGREES)
PAYMENTS = st.lists(st.sampled_from(PaymentMethod), max_size=2, unique=True).map(tuple)
MENUS = st.one_of(
    st.sampled_from([kitchen.FULL, kitchen.SMALL]),
    st.builds(
        lambda menu, times: replace(menu, categories=menu.categories * times),
        st.builds(
            Menu,
            st.lists(CATEGORIES, max_size=3).map(tuple),
            st.lists(BRANCHES, max_size=12).map(tuple),
            TYPES,
            PAYMENTS,
        ),
        st.sampled_from([1, 1, 5]),
    ),
)
WORDS = [
    "order", "menu", "back", "رجوع", "cart", "checkout", "yes", "no", "cash", "online", "delivery", "pickup", "track",
    "rate", "cancel", "english", "عربي", "1", "2", "3", "٤", "0", "99", "100", "1 2", "2 kebab", "kebab 2", "cola x 3",
    "24.70010, 46.68020", "1042", "note?", "no onions", "0551234567", "5 stars", "⭐⭐",
]  # fmt: skip
FORGED = st.builds(
    "{}:{}".format,
    st.sampled_from([*conversation._LEADS, "back", "lang", "x"]),
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            ["0", "1:cash", "0:0", "0:0:0", "9:9:9", "2:g/kebab", "g/kebab", "0:x:g/shawarma", "nan,nan", "1e400,0",
             "24.7,46.7", "delivery", "car", "5:019a", "now:019a0000-0000-7000-8000-000000001042", "1:-", "²:²", ":::"]
        ),
    ),
)  # fmt: skip
PLACES = st.one_of(
    st.just(kitchen.HOME),
    st.just(kitchen.FAR),
    st.builds(Location, st.floats(-90, 90), st.floats(-180, 180), SOME_TEXT, SOME_TEXT),
    st.sampled_from([Location(math.nan, math.inf), Location(1e308, -1e308), Location(91, 0)]),
)


def dearer(menu: Menu) -> Menu:
    shelved = (
        replace(shelf, items=tuple(replace(item, price_minor=item.price_minor + 1) for item in shelf.items))
        for shelf in menu.categories
    )
    return replace(menu, categories=tuple(shelved))


class AnyOrder(RuleBasedStateMachine):
    @initialize(
        profile=PROFILES,
        menu=MENUS,
        least=st.sampled_from([0, 0, 2000, 10**9]),
        fetched=st.booleans(),
        unnumbered=st.booleans(),
    )
    def begin(self, profile, menu, least, fetched, unnumbered):
        self.ordered: set[str] = set()
        self.guest = Guest(
            replace(profile, minimum_order_minor=least), menu, is_fetched=fetched, needs_phone=unnumbered
        )

    @rule(which=st.integers(0, 10_000), last=st.booleans())
    def taps(self, which, last):
        drafts = self.guest.drafts[-1:] if last else self.guest.drafts
        seen = [one for draft in drafts for one in offered(draft)]
        if seen:
            choice, title = seen[which % len(seen)]
            self.hear(Heard("interactive", title, choice, self.guest.name))

    @rule(which=st.integers(0, 10_000))
    def taps_the_last(self, which):
        self.taps(which, last=True)

    @rule(choice=FORGED)
    def taps_what_was_never_offered(self, choice):
        self.hear(Heard("interactive", "", choice))

    @rule(kind=KINDS, text=st.one_of(SOME_TEXT, st.sampled_from(WORDS)))
    def writes(self, kind, text):
        self.hear(Heard(kind, text))

    @rule(text=st.sampled_from(WORDS))
    def writes_what_is_known(self, text):
        self.hear(Heard("text", text))

    @rule(place=PLACES)
    def sends_a_place(self, place):
        self.hear(Heard("location", "", location=place))

    @rule(which=st.integers(0, 10_000))
    def goes_on(self, which):
        """Taps something of the last message that leads on, where anything does."""
        seen = [one for draft in self.guest.drafts[-1:] for one in offered(draft)]
        ahead = [one for one in seen if not one[0].startswith(("undo:", "home", "person", "lang:", "types", "track"))]
        if ahead:
            choice, title = ahead[which % len(ahead)]
            self.hear(Heard("interactive", title, choice, self.guest.name))

    @rule(which=st.integers(0, 10_000), quantity=st.integers(1, 4), type_=st.sampled_from(OrderType))
    def hurries(self, which, quantity, type_):
        """A customer who knows the menu: the kind of order, a place, something to eat, the check-out."""
        places = list(shelves.arrange(self.guest.menu).places)
        self.hear(Heard("interactive", "", f"type:{type_}"))
        self.hear(Heard("location", "", location=kitchen.HOME))
        for branch in list(shelves.branches(self.guest.menu))[:1]:
            self.hear(Heard("interactive", "", f"branch:{branch}"))
        if places:
            self.hear(Heard("interactive", "", f"buy:{quantity}:{places[which % len(places)]}"))
        self.hear(Heard("interactive", "", "checkout"))

    @rule(which=st.integers(0, 10_000), rises=st.booleans(), twice=st.booleans())
    def confirms(self, which, rises, twice):
        """Taps a confirmation of the last message or of any, perhaps a dearer one by now, perhaps two times."""
        drafts = self.guest.drafts[-1:] if which % 2 else self.guest.drafts
        seen = [one for draft in drafts for one in offered(draft) if one[0].startswith("confirm:")]
        if rises:
            self.guest.menu = dearer(self.guest.menu)
        for choice, title in [seen[which % len(seen)]] * (1 + twice) if seen else []:
            self.hear(Heard("interactive", title, choice, self.guest.name))

    @rule(menu=MENUS, now=st.integers(0, 3))
    def the_menu_changes(self, menu, now):
        if now == 0:
            self.guest.menu = menu
            self.guest.wanted.clear()

    @rule(what=st.sampled_from(["rise", "down", "up", "up", "expire", "refuse", *OrderStatus]))
    def something_happens(self, what):
        if what == "rise":
            self.guest.menu = dearer(self.guest.menu)
        elif what in ("down", "up"):
            self.guest.is_down = what == "down"
        elif what == "expire":
            self.guest.state = self.guest.state.without_cart()
            self.hear(Heard("text", "hello", cart_expired=True))
        elif what == "refuse":
            self.guest.tell(telling.not_placed(self.guest.profile, self.guest.state.locale))
        elif self.guest.orders:
            self.guest.move(OrderStatus(what))

    @invariant()
    def the_cart_is_bounded(self):
        cart = self.guest.state.cart if hasattr(self, "guest") else State().cart
        assert len(cart.entries) <= MOST_LINES
        assert all(1 <= line.quantity <= MOST_EACH and line.total_minor >= 0 for line in cart.lines)

    def hear(self, heard):
        before, orders = self.guest.state, len(self.guest.wishes)
        answer = self.guest.hear(heard)
        event(f"{answer.state.step}{' ordered' * len(answer.orders)}")
        assert len(answer.drafts) <= 1
        if not answer.drafts and not answer.orders:
            assert heard.kind in ("reaction", "unsupported")
            assert answer.state == before
        for wish in self.guest.wishes[orders:]:
            self.was_shown(wish, before)
            assert not heard.choice or heard.choice not in self.ordered, "one button ordered two times"
            self.ordered.add(heard.choice)

    def was_shown(self, wish: Wish, before: State) -> None:
        """An order is what the cart was, at today's prices, complete, and worth enough."""
        menu = self.guest.menu
        assert wish.lines == before.cart.lines
        assert wish.type in menu.types
        assert wish.payment in (menu.payments or (PaymentMethod.CASH,))
        assert wish.total_minor >= self.guest.profile.minimum_order_minor
        assert (wish.latitude is not None) == (wish.type is OrderType.DELIVERY)
        sold = [item for shelf in menu.categories for item in shelf.items]
        for line in wish.lines:
            alike = [item for item in sold if (item.id, item.price_minor) == (line.item_id, line.price_minor)]
            assert any(not item.types or wish.type in item.types for item in alike)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
