"""Menus of every sort that a file can say, for property-based tests; and one that is easy to read."""

from typing import TypeVar

from hypothesis import strategies as st

from wabot.catalog.menu_amounts import Currency
from wabot.words import (
    AddOn,
    Branch,
    Choice,
    Menu,
    MenuCategory,
    MenuItem,
    Option,
    OrderType,
    PaymentMethod,
)

SAR, KWD, JPY = Currency("SAR", 2), Currency("KWD", 3), Currency("JPY", 0)
T = TypeVar("T")

letters = st.one_of(
    st.sampled_from("\\|:;؛/+#[]'\"=-@,،. &^٫٬\u200f"),
    st.sampled_from("حمص لبنة كبير 12٣"),
    st.characters(categories=("L", "N", "P", "S", "Zs")),
)
line = st.text(letters, min_size=1, max_size=24).map(lambda text: " ".join(text.split())).filter(bool)
names = st.fixed_dictionaries({}, optional={"ar": line, "en": line}).filter(bool)
paragraphs = st.lists(line, min_size=1, max_size=3).map("\n".join)
descriptions = st.fixed_dictionaries({}, optional={"ar": paragraphs, "en": paragraphs})
ids = st.text(st.sampled_from("abcxyz0189._-"), min_size=1, max_size=8)
prices = st.integers(0, 10**7)
types = st.lists(st.sampled_from(list(OrderType)), unique=True).map(tuple)


def many(one: st.SearchStrategy[T], most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(one, max_size=most).map(tuple)


choices = st.builds(Choice, ids, names, prices)
options = st.builds(Option, names, st.lists(choices, min_size=1, max_size=3).map(tuple))
add_ons = st.builds(AddOn, ids, names, prices, st.integers(0, 2), st.integers(2, 99))
items = st.builds(
    MenuItem, id=ids, name=names, price_minor=prices, description=descriptions, options=many(options),
    add_ons=many(add_ons), types=types,
)  # fmt: skip
categories = st.builds(MenuCategory, ids, names, many(items))
degrees = st.floats(-90, 90, allow_nan=False).map(lambda number: round(number, 6))
branches = st.one_of(
    st.builds(Branch, id=ids, name=names, city=descriptions.map(lambda _: {}), phone=st.just("+966500000011")),
    st.builds(Branch, id=ids, name=names, city=names, phone=st.just(""), latitude=degrees, longitude=degrees),
)
menus = st.builds(Menu, many(categories), many(branches), types, many(st.sampled_from(list(PaymentMethod)), 1))

SMALL = Menu(
    (
        MenuCategory(
            "grill",
            {"ar": "المشاوي", "en": "Grill"},
            (
                MenuItem(
                    "kebab",
                    {"ar": "كباب", "en": "Kebab"},
                    4600,
                    {"en": "Lamb, pine nuts"},
                    (
                        Option(
                            {"ar": "الحجم", "en": "Size"},
                            (Choice("s", {"en": "Small"}), Choice("l", {"ar": "كبير", "en": "Large"}, 700)),
                        ),
                        Option({"en": "Bread"}, (Choice("saj", {"en": "Saj"}),)),
                    ),
                    (AddOn("garlic", {"en": "Garlic"}, 200, 0, 3), AddOn("tahini", {"ar": "طحينة"}, 200, 1, 1)),
                    (OrderType.PICKUP, OrderType.CAR),
                ),
                MenuItem("arayes", {"ar": "عرايس"}, 3200),
            ),
        ),
        MenuCategory("drinks", {"en": "Drinks"}, (MenuItem("cola", {"en": "Cola"}, 500),)),
    ),
    (Branch("olaya", {"en": "Olaya"}, {"en": "Riyadh"}, "+966500000011", 24.6911, 46.6853),),
    (OrderType.PICKUP, OrderType.CAR),
    (PaymentMethod.CASH,),
)
