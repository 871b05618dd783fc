"""A restaurant that takes orders, and a stand-in for what lies behind the bot: it fetches what the bot wants, takes
the orders that are confirmed, and tells of them, as the rooms above do."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from tests.bot.cast import assert_whatsapp_accepts, category
from wabot.bot import conversation, telling
from wabot.bot.conversation import Answer, Heard, Known, Profile, State
from wabot.providers import REGISTRY
from wabot.words import (
    AddOn,
    Branch,
    Choice,
    Coverage,
    Draft,
    Location,
    Menu,
    MenuCategory,
    MenuItem,
    Option,
    OrderSeen,
    OrderStatus,
    OrderType,
    PaymentMethod,
    PaymentStatus,
    Rated,
    Want,
    WantKind,
    Wish,
)

GRILL = Profile(
    "مشاوي الدار", "ar", "SAR", support_contact="+966 55 123 4567", app_link="https://app.example/dar",
    minimum_order_minor=2000,
)  # fmt: skip
DINER = replace(GRILL, name="The Diner", locale="en")


def names(ar: str, en: str) -> dict[str, str]:
    return {"ar": ar, "en": en}


SHAWARMA = MenuItem(
    "shawarma",
    names("شاورما", "Shawarma"),
    1800,
    names("شرائح دجاج متبلة على السيخ", "Marinated chicken from the spit"),
    options=(
        Option(
            names("الحجم", "Size"),
            (Choice("s", names("صغير", "Small")), Choice("l", names("كبير", "Large"), 600)),
        ),
        Option(names("الخبز", "Bread"), (Choice("saj", names("صاج", "Saj")),)),
    ),
    add_ons=(
        AddOn("cheese", names("جبن", "Cheese"), 300, most=2),
        AddOn("garlic", names("ثومية", "Garlic sauce"), 200),
    ),
)
KEBAB = MenuItem("kebab", names("كباب", "Kebab"), 3200, names("لحم غنم على الفحم", "Lamb, charcoal-grilled"))
PLATTER = MenuItem("platter", names("طبق العائلة", "Family platter"), 9900, types=(OrderType.DINE_IN,))
COLA = MenuItem("cola", names("كولا", "Cola"), 500)
TEA = MenuItem(
    "tea",
    names("شاي", "Tea"),
    300,
    options=(
        Option(names("السكر", "Sugar"), (Choice("no", names("بدون", "None")), Choice("yes", names("عادي", "Some")))),
    ),
)
CATEGORIES = (
    category("g", "المشاوي", "From the grill", SHAWARMA, KEBAB, PLATTER),
    category("d", "المشروبات", "Drinks", COLA, TEA),
)
OLAYA = Branch("olaya", names("فرع العليا", "Olaya"), names("الرياض", "Riyadh"), latitude=24.6936, longitude=46.6853)
NAKHEEL = Branch(
    "nakheel", names("فرع النخيل", "Nakheel"), names("الرياض", "Riyadh"), latitude=24.7743, longitude=46.6261
)
FULL = Menu(CATEGORIES, (OLAYA, NAKHEEL), tuple(OrderType), (PaymentMethod.CASH, PaymentMethod.ONLINE))
SMALL = Menu(CATEGORIES, (OLAYA,), (OrderType.DELIVERY,), (PaymentMethod.CASH,))

HOME = Location(24.7001, 46.6802, "البيت", "شارع العليا، الرياض")
FAR = Location(21.5433, 39.1728)


@dataclass
class Guest:
    """A customer of the restaurant. `catalog` is what can be fetched; where it is None the menu is kept and known.

    Every state goes through JSON, every draft through every provider's own limits.
    """

    profile: Profile = GRILL
    menu: Menu = FULL
    name: str = "سارة"
    is_fetched: bool = False
    checks_places: bool = True
    is_down: bool = False
    needs_phone: bool = False
    state: State = field(default_factory=State)
    drafts: list[Draft] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    orders: tuple[OrderSeen, ...] = ()
    ratings: list[Rated] = field(default_factory=list)
    reminded: list[str] = field(default_factory=list)
    wanted: list[Want] = field(default_factory=list)

    def say(self, text: str, kind: str = "text", **more: object) -> Draft:
        return self._last(Heard(kind, text, customer_name=self.name, **more))

    def tap(self, title: str) -> Draft:
        """Tap what was offered under this title, last first: old messages can still be tapped."""
        for draft in reversed(self.drafts):
            for choice, shown in offered(draft):
                if shown == title:
                    return self._last(Heard("interactive", title, choice, self.name))
        raise AssertionError(f"{title!r} was never offered")

    def choose(self, choice: str) -> Draft:
        return self._last(Heard("interactive", "", choice, self.name))

    def send(self, place: Location) -> Draft:
        return self._last(Heard("location", "", customer_name=self.name, location=place))

    def hear(self, heard: Heard) -> Answer:
        """One message, asked again until nothing is wanted: as the rooms above do."""
        fetched: set[Want] = set()
        while True:
            answer = conversation.answer(self.state, heard, self.profile, self.known(fetched))
            if not answer.wants:
                break
            assert answer.state == self.state
            assert not fetched.intersection(answer.wants), "wanted again"
            fetched.update(answer.wants)
            self.wanted += answer.wants
        self.state = State.from_json(json.loads(json.dumps(answer.state.to_json())))
        assert self.state == answer.state
        self._take(answer)
        return answer

    def known(self, fetched: set[Want]) -> Known:
        """With a catalog nothing is known that was not fetched; fetching fails while it is down."""
        coverage = {want.key: self.covered(want.key) for want in fetched if want.kind is WantKind.COVERAGE}
        if not self.is_fetched:
            return Known(
                self.menu, coverage=coverage, checks_places=self.checks_places, orders=self.orders,
                needs_phone=self.needs_phone,
            )  # fmt: skip
        if self.is_down:
            return Known(Menu(), is_known=False, failed=frozenset(fetched), orders=self.orders)
        got = {want.key for want in fetched | set(self.wanted) if want.kind is WantKind.ITEMS}
        kept = tuple(
            shelf if f"{shelf.id}|{self.state.branch_id}" in got else MenuCategory(shelf.id, shelf.name, (), False)
            for shelf in self.menu.categories
        )
        is_known = any(want.kind is WantKind.CATALOG for want in fetched | set(self.wanted))
        menu = replace(self.menu, categories=kept) if is_known else Menu()
        return Known(menu, is_known, coverage=coverage, orders=self.orders, needs_phone=self.needs_phone)

    def covered(self, key: str) -> Coverage:
        """Riyadh is delivered to, from the first branch."""
        is_near = key.startswith("24.")
        return Coverage(is_near, self.menu.branches[0].id if is_near and self.menu.branches else "")

    def move(self, status: OrderStatus) -> Draft | None:
        """The newest order moves, and the customer is told."""
        self.orders = (replace(self.orders[0], status=status), *self.orders[1:])
        return self.tell(telling.step(self.orders[0], self.profile, self.state.locale))

    def pay(self, how: str, told: PaymentStatus) -> Draft | None:
        """The newest order's payment comes, or does not."""
        self.orders = (replace(self.orders[0], payment_status=told), *self.orders[1:])
        return self.tell(getattr(telling, how)(self.orders[0], self.profile, self.state.locale))

    def tell(self, draft: Draft | None) -> Draft | None:
        if draft:
            assert_every_provider_accepts(draft)
            self.state = conversation.told(self.state, draft)
            self.drafts.append(draft)
        return draft

    def _last(self, heard: Heard) -> Draft:
        before = len(self.drafts)
        self.hear(heard)
        assert len(self.drafts) > before, "no answer"
        return self.drafts[-1]

    def _take(self, answer: Answer) -> None:
        for draft in answer.drafts:
            assert_every_provider_accepts(draft)
            self.drafts.append(draft)
        self.ratings += answer.ratings
        self.reminded += answer.remind
        for rated in answer.ratings:
            self.orders = tuple(
                replace(order, status=OrderStatus.RATED) if order.uid == rated.order_uid else order
                for order in self.orders
            )
        for wish in answer.orders:
            assert wish.phone or not self.needs_phone
            self.wishes.append(wish)
            self._place(wish)

    def _place(self, wish: Wish) -> None:
        number = 1041 + len(self.wishes)
        is_online = wish.payment is PaymentMethod.ONLINE
        branch = next((b.name for b in self.menu.branches if b.id == wish.branch_id), {})
        seen = OrderSeen(
            uid=f"019a0000-0000-7000-8000-{number:012d}",
            number=str(number),
            status=OrderStatus.CONFIRMED,
            type=wish.type,
            total_minor=wish.total_minor,
            currency=self.profile.currency,
            currency_digits=self.profile.currency_digits,
            payment=wish.payment,
            payment_status=PaymentStatus.PENDING,
            payment_link=f"https://pay.example/{number}" if is_online else "",
            branch=branch,
        )
        self.orders = (seen, *self.orders)
        self.tell(telling.accepted(seen, self.profile, self.state.locale))


def an_order(status: OrderStatus = OrderStatus.DELIVERED, number: str = "1042", **more: Any) -> OrderSeen:
    uid = f"019a0000-0000-7000-8000-{number:>012}"
    return OrderSeen(uid, number, status, OrderType.DELIVERY, 5800, "SAR", 2, PaymentMethod.CASH, **more)


def at_the_summary(guest: Guest) -> Draft:
    """A kebab, to be delivered home, ready to be confirmed."""
    guest.choose("type:delivery")
    guest.send(HOME)
    guest.choose("buy:1:g/kebab")
    return guest.choose("checkout")


def offered(draft: Draft) -> list[tuple[str, str]]:
    """Choice and title of all that can be tapped."""
    rows = [row for section in draft.sections for row in section.rows]
    return [(option.id, option.title) for option in (*draft.buttons, *rows)]


def assert_every_provider_accepts(draft: Draft) -> None:
    assert_whatsapp_accepts(draft)
    for provider in REGISTRY.values():
        provider.check(draft)
