"""The client against the imitation of the platform, over real HTTP: what it asks, what it understands, and what each
failure means."""

import dataclasses
from collections.abc import Callable

import pytest

from tests.fakes import sufrah
from wabot import errors, words
from wabot.catalog import Catalog, Placed, Told
from wabot.words import AddOn, Branch, Choice, Coverage, Line, MenuCategory, Option, OrderStatus, OrderType

Make = Callable[..., Catalog]

WISH = words.Wish(
    OrderType.DELIVERY,
    (
        Line(
            sufrah.SHAWARMA,
            {"en": "Chicken shawarma"},
            1850,
            quantity=2,
            choices=(words.Picked("size-l", {"en": "Large"}, 500),),
            add_ons=(words.Picked("garlic", {"en": "Garlic"}, 150, quantity=3),),
            notes="no onions",
        ),
        Line(sufrah.WATER, {"en": "Water"}, 200),
    ),
    words.PaymentMethod.ONLINE,
    branch_id=sufrah.OLAYA,
    latitude=24.71,
    longitude=46.67,
    address="Villa 5",
    notes="ring twice",
)


def place(catalog: Catalog, wish: words.Wish = WISH) -> Placed:
    return catalog.submit(wish, customer_name="Sara", customer_phone="+966511111111", reference="order-1")


def test_categories_come_in_their_display_order_with_the_names_they_have(client: Make) -> None:
    assert client().categories() == (
        MenuCategory(sufrah.GRILLS, {"ar": "مشويات", "en": "Grills"}, is_known=False),
        MenuCategory(sufrah.DRINKS, {"ar": "مشروبات", "en": "Drinks"}, is_known=False),
    )


def test_branches_have_their_place_in_numbers(client: Make) -> None:
    olaya, malaz = client().branches()
    assert olaya == Branch(sufrah.OLAYA, {"ar": "العليا", "en": "Olaya"}, {"ar": "الرياض", "en": "Riyadh"},
                           "+966112345678", 24.69, 46.685)  # fmt: skip
    assert malaz.name == {"ar": "الملز"}


def test_items_have_prices_in_minor_units_options_add_ons_and_the_orders_they_can_be_part_of(client: Make) -> None:
    shawarma, kebab = client().items(sufrah.GRILLS)
    assert shawarma.price_minor == 1850
    [size] = shawarma.options
    assert size == Option({"ar": "الحجم", "en": "Size"}, (
        Choice(sufrah.SIZES["subOptions"][0]["id"], {"ar": "عادي", "en": "Regular"}),
        Choice(sufrah.SIZES["subOptions"][1]["id"], {"ar": "كبير", "en": "Large"}, 500),
    ))  # fmt: skip
    assert shawarma.add_ons == (AddOn(sufrah.GARLIC["id"], {"ar": "ثومية", "en": "Garlic sauce"}, 150, 0, 3),)
    assert (kebab.name, kebab.price_minor, kebab.types) == ({"ar": "كباب"}, 2475, ())
    water, laban = client().items(sufrah.DRINKS)
    assert water.types == (OrderType.DELIVERY, OrderType.PICKUP, OrderType.DINE_IN)
    assert (laban.name, laban.price_minor) == ({"en": "Laban"}, 450)


def test_the_branch_is_asked_for_in_the_query_and_ids_are_quoted(client: Make, platform: sufrah.Sufrah) -> None:
    platform.products["a/b?c d"] = []
    assert client().items("a/b?c d", "x&y=1") == ()
    assert platform.calls()[-1]["path"] == "/categories/a%2Fb%3Fc%20d/products?branchId=x%26y%3D1"


@pytest.mark.parametrize("merchant", ["", ".", ".."])
def test_an_id_that_would_lead_elsewhere_is_no_merchant_and_makes_no_call(
    merchant: str, client: Make, platform: sufrah.Sufrah
) -> None:
    for ask in (client(merchant).categories, client(merchant).branches, lambda: place(client(merchant))):
        with pytest.raises(errors.PermanentFailure) as raised:
            ask()
        assert raised.value.code == "no_merchant"
    assert platform.calls() == []


@pytest.mark.parametrize("key", [sufrah.KEY, f"ApiToken {sufrah.KEY}", f"  {sufrah.KEY} "])
def test_the_key_gets_its_prefix_when_it_lacks_it(key: str, client: Make) -> None:
    assert client(SUFRAH_API_KEY=key).categories()


def test_without_a_key_nothing_is_called(client: Make, platform: sufrah.Sufrah) -> None:
    with pytest.raises(errors.SetupRefused) as raised:
        client(SUFRAH_API_KEY="").categories()
    assert raised.value.code == "not_configured"
    assert platform.calls() == []


def test_a_bare_object_is_a_list_of_one_and_text_plain_may_be_json(client: Make, platform: sufrah.Sufrah) -> None:
    platform.merchants[sufrah.MERCHANT]["branches"] = sufrah.BRANCHES[:1]
    platform.order({"on": "branches", "mode": "ok", "bare": True, "content_type": "text/plain"})
    assert [branch.id for branch in client().branches()] == [sufrah.OLAYA]


@pytest.mark.parametrize(
    ("answer", "understood"),
    [
        (True, Coverage(True)),
        (False, Coverage(False)),
        ({"isAvailable": True, "branchId": "b"}, Coverage(True, "b")),
        ({"available": "true", "nearestBranchId": "n"}, Coverage(True, "n")),
        ({"isAvailable": False, "nearestBranchId": "n"}, Coverage(False)),
        ([{"isAvailable": True}], Coverage(True)),
        ({"isAvailable": True, "branchId": "a|b", "nearestBranchId": "n"}, Coverage(True, "n")),
        ({"isAvailable": True, "branchId": "b" * 10_000}, Coverage(True)),
    ],
)
def test_coverage_is_a_truth_value_or_an_object(
    answer: object, understood: Coverage, client: Make, platform: sufrah.Sufrah
) -> None:
    platform.covered = lambda latitude, longitude: answer
    assert client().coverage(24.713552, 46.675297) == understood
    assert "Lat=24.71355&Lng=46.67530" in platform.calls()[-1]["path"]


@pytest.mark.parametrize("text", ["True", " false "])
def test_coverage_may_be_a_word(text: str, client: Make, platform: sufrah.Sufrah) -> None:
    platform.order({"on": "coverage", "mode": "ok", "text": text, "content_type": "text/plain"})
    assert client().coverage(24.7, 46.6).is_covered is (text.strip() == "True")


def test_an_order_goes_in_the_platforms_words(client: Make, platform: sufrah.Sufrah) -> None:
    placed = place(client())
    assert placed.order_number == "1001"
    assert placed.branch_id == sufrah.OLAYA
    assert placed.payment_link.startswith("https://pay.example/")
    [line] = platform.calls("submit")
    assert line["key"] == "order-1"
    assert line["order"] == {
        "merchantId": sufrah.MERCHANT,
        "orderType": "Delivery",
        "paymentMethod": "Online",
        "branchId": sufrah.OLAYA,
        "customerName": "Sara",
        "customerPhone": "+966511111111",
        "lat": 24.71,
        "lng": 46.67,
        "items": [
            {
                "productId": sufrah.SHAWARMA,
                "quantity": 2,
                "notes": "no onions | ring twice | Villa 5",
                "addons": [{"productAddonId": "garlic", "quantity": 3}],
                "options": ["size-l"],
            },
            {"productId": sufrah.WATER, "quantity": 1, "notes": "", "addons": [], "options": []},
        ],
    }


@pytest.mark.parametrize("kind", OrderType)
def test_every_kind_of_order_is_taken(kind: OrderType, client: Make, platform: sufrah.Sufrah) -> None:
    wish = dataclasses.replace(WISH, type=kind, latitude=None, longitude=None, payment=words.PaymentMethod.CASH)
    assert place(client(), wish).payment_link == ""
    assert "lat" not in platform.calls("submit")[0]["order"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("{number}", "1001"),
        ('"{number}"', "1001"),
        ("Order number: {number}", "1001"),
        ("Order #{number} for 2 items", "1001"),
        ('{"orderNumber": "{number}"}', "1001"),
        ('{"data": {"orderNumber": {number}}}', "1001"),
        ("تم استلام الطلب رقم {number}", "1001"),
    ],
)
def test_the_number_is_found_in_plain_text_too(text: str, number: str, client: Make, platform: sufrah.Sufrah) -> None:
    platform.order({"on": "submit", "mode": "ok", "text": text, "content_type": "text/plain"})
    assert place(client()).order_number == number


@pytest.mark.parametrize(
    "text", ["", "OK", "{}", "null", "<html>1001</html>", "2 of 3 items", '{"orderNumber": 0}', "[]", "1" * 40]
)
def test_an_answer_without_a_number_is_an_unknown_outcome(text: str, client: Make, platform: sufrah.Sufrah) -> None:
    platform.order({"on": "submit", "mode": "ok", "text": text})
    with pytest.raises(errors.UnknownOutcome) as raised:
        place(client())
    assert raised.value.code == "unreadable_answer"
    assert len(platform.orders) == 1


def test_a_branch_that_can_be_none_is_left_out_of_an_order_that_was_placed(
    client: Make, platform: sufrah.Sufrah
) -> None:
    text = '{"orderNumber": {number}, "branchId": "' + "b" * 10_000 + '"}'
    platform.order({"on": "submit", "mode": "ok", "text": text})
    assert place(client()).branch_id == ""


def test_an_orders_status_is_told_in_our_words(client: Make, platform: sufrah.Sufrah) -> None:
    number = place(client()).order_number
    platform.move(number, "OUT_FOR_DELIVERY", "PAID")
    assert client().status(number) == Told(OrderStatus.OUT_FOR_DELIVERY, words.PaymentStatus.PAID)
    platform.move(number, "Abducted", "?")
    assert client().status(number) == Told(None, None)
    with pytest.raises(errors.PermanentFailure) as raised:
        client().status("77")
    assert raised.value.code == "no_order"


READS: dict[str, Callable[[Catalog], object]] = {
    "categories": lambda catalog: catalog.categories(),
    "branches": lambda catalog: catalog.branches(),
    "products": lambda catalog: catalog.items(sufrah.GRILLS),
    "coverage": lambda catalog: catalog.coverage(24.7, 46.6),
    "status": lambda catalog: catalog.status("1001"),
}
FAULTS = [
    ({"mode": "error", "status": 500}, errors.TemporaryFailure, "http_500"),
    ({"mode": "error", "status": 503, "retry_after": 7}, errors.TemporaryFailure, "http_503"),
    ({"mode": "error", "status": 429, "retry_after": 7}, errors.Throttled, "http_429"),
    ({"mode": "error", "status": 408}, errors.TemporaryFailure, "http_408"),
    ({"mode": "error", "status": 401}, errors.CredentialsRefused, "http_401"),
    ({"mode": "error", "status": 403}, errors.CredentialsRefused, "http_403"),
    ({"mode": "error", "status": 400, "body": {"message": "no\nsuch thing"}}, errors.PermanentFailure, "http_400"),
    ({"mode": "redirect"}, errors.SetupRefused, "unexpected_redirect"),
    ({"mode": "reset_before"}, errors.TemporaryFailure, "connection_lost"),
    ({"mode": "timeout"}, errors.TemporaryFailure, "timeout"),
    ({"mode": "broken_json"}, errors.TemporaryFailure, "unreadable_answer"),
    ({"mode": "ok", "text": ""}, errors.TemporaryFailure, "unreadable_answer"),
    ({"mode": "ok", "text": "<html>"}, errors.TemporaryFailure, "unreadable_answer"),
    ({"mode": "ok", "text": '"hello"'}, errors.TemporaryFailure, "unreadable_answer"),
    ({"mode": "ok", "text": '{"message": "hello"}'}, errors.TemporaryFailure, "unreadable_answer"),
    ({"mode": "ok", "text": "[" * 200000}, errors.TemporaryFailure, "unreadable_answer"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "verdict", "code"), FAULTS, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("kind", READS)
def test_what_goes_wrong_while_asking_has_its_verdict(
    kind: str, fault: dict[str, object], verdict: type[Exception], code: str, client: Make, platform: sufrah.Sufrah
) -> None:
    place(client())
    platform.order({"on": kind, **fault})
    with pytest.raises(errors.ProviderFailure) as raised:
        READS[kind](client(seconds=0.4))
    assert type(raised.value) is verdict
    assert raised.value.code == code
    assert raised.value.retry_after == fault.get("retry_after")
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    ("fault", "verdict", "code", "taken"),
    [
        ({"mode": "error", "status": 500, "accepted": True}, errors.UnknownOutcome, "http_500", 1),
        ({"mode": "error", "status": 503, "retry_after": 1}, errors.UnknownOutcome, "http_503", 0),
        ({"mode": "timeout"}, errors.UnknownOutcome, "timeout", 1),
        ({"mode": "reset_after"}, errors.UnknownOutcome, "connection_lost", 1),
        ({"mode": "reset_before"}, errors.UnknownOutcome, "connection_lost", 0),
        ({"mode": "broken_json"}, errors.UnknownOutcome, "unreadable_answer", 1),
        ({"mode": "error", "status": 400, "body": {"message": "sold out"}}, errors.PermanentFailure, "http_400", 0),
        ({"mode": "error", "status": 429}, errors.Throttled, "http_429", 0),
        ({"mode": "error", "status": 401}, errors.CredentialsRefused, "http_401", 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_goes_wrong_while_ordering_says_whether_the_order_can_be_there(
    fault: dict[str, object], verdict: type[Exception], code: str, taken: int, client: Make, platform: sufrah.Sufrah
) -> None:
    platform.order({"on": "submit", **fault})
    with pytest.raises(errors.ProviderFailure) as raised:
        place(client(seconds=0.4))
    assert (type(raised.value), raised.value.code) == (verdict, code)
    assert len(platform.orders) == taken


def test_a_platform_that_cannot_be_reached_was_surely_not_asked(client: Make) -> None:
    unreachable = client(SUFRAH_API_BASE="http://127.0.0.1:9")
    for call in (unreachable.categories, lambda: place(unreachable)):
        with pytest.raises(errors.TemporaryFailure) as raised:
            call()
        assert raised.value.code == "not_sent"


@pytest.mark.parametrize("kind", ["categories", "branches", "coverage"])
def test_a_merchant_that_the_platform_does_not_know_has_a_code_of_its_own(kind: str, client: Make) -> None:
    with pytest.raises(errors.PermanentFailure) as raised:
        READS[kind](client("somebody-else"))
    assert raised.value.code == "no_merchant"


def test_ten_thousand_products_come_within_the_limit(client: Make, platform: sufrah.Sufrah) -> None:
    many = [sufrah.product(f"p{n}", f"طبق {n}", f"Dish {n}", f"{n}.25", descriptionEn="d" * 300) for n in range(10000)]
    platform.products[sufrah.GRILLS] = many
    found = client(seconds=30).items(sufrah.GRILLS)
    assert len(found) == 10000
    assert found[9999].price_minor == 999925


def test_more_than_the_limit_is_not_read(client: Make, platform: sufrah.Sufrah) -> None:
    platform.order({"on": "categories", "mode": "ok", "text": "x" * (5 << 20)})
    with pytest.raises(errors.TemporaryFailure) as raised:
        client().categories()
    assert raised.value.code == "answer_too_large"
