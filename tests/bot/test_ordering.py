"""What kind of order it is, where it goes, or from which branch it is had."""

from dataclasses import replace

import pytest

from tests.bot.kitchen import DINER, FAR, FULL, GRILL, HOME, NAKHEEL, OLAYA, SMALL, Guest, at_the_summary, offered
from wabot.words import Branch, Location, Menu, OrderType


def titles(draft) -> list[str]:
    return [title for _, title in offered(draft)]


def choices(draft) -> list[str]:
    return [choice for choice, _ in offered(draft)]


def guest(menu: Menu = FULL, **more) -> Guest:
    return Guest(DINER, menu, name="Sam", **more)


def test_the_kinds_of_order_are_those_of_the_menu():
    few = replace(FULL, types=(OrderType.DELIVERY, OrderType.CAR))
    assert titles(guest(few).say("new order")) == ["Delivery", "Curbside pickup"]
    assert choices(guest().say("new order"))[:4] == [f"type:{type_}" for type_ in OrderType]


def test_a_single_kind_of_order_is_not_asked_about():
    assert guest(SMALL).say("order").step == "order.place"
    assert guest(replace(SMALL, types=(OrderType.PICKUP,))).say("order").step == "menu.categories"


def test_a_menu_without_kinds_of_order_is_only_looked_at():
    one = guest(replace(FULL, types=()))
    assert one.say("order").step == "menu.categories"
    assert choices(one.say("kebab")) == ["cat:g:0", "menu", "person"]
    assert one.choose("qty:1:g/kebab").step == "menu.item"
    assert one.choose("type:delivery").step == "menu.categories"
    assert one.state.cart.is_empty


@pytest.mark.parametrize("type_", [OrderType.PICKUP, OrderType.DINE_IN, OrderType.CAR])
def test_a_single_branch_is_not_asked_about(type_):
    one = guest(replace(FULL, branches=(OLAYA,)))
    assert one.choose(f"type:{type_}").step == "menu.categories"
    assert one.state.branch_id == "olaya"


def test_without_branches_none_is_asked_about():
    one = guest(replace(FULL, branches=()))
    assert one.say("pickup").step == "menu.categories"
    assert one.state.branch_id == ""


def test_branches_are_listed_nearest_first_once_the_place_is_known():
    one = guest(replace(FULL, branches=(NAKHEEL, OLAYA, Branch("lost", {"en": "Nowhere"}))))
    assert titles(one.say("pickup"))[:3] == ["Nakheel", "Olaya", "Nowhere"]
    draft = one.send(HOME)
    assert titles(draft)[:3] == ["Olaya", "Nakheel", "Nowhere"]
    assert draft.text.endswith("From which branch?\nNearest to you: Olaya (0.9 km)")


def test_many_branches_are_paged_and_none_is_dropped():
    branches = tuple(Branch(f"b{n}", {"en": f"Branch {n}"}) for n in range(30))
    one = guest(replace(FULL, branches=branches))
    found, draft = [], one.say("pickup")
    while any(title == "More…" for title in titles(draft)):
        found += [choice for choice in choices(draft) if choice.startswith("branch:")]
        draft = one.tap("More…")
    found += [choice for choice in choices(draft) if choice.startswith("branch:")]
    assert found == [f"branch:b{n}" for n in range(30)]


def test_a_branch_that_is_gone_shows_those_there_are():
    draft = guest().choose("branch:closed")
    assert draft.step == "order.branch"
    assert draft.text.startswith("Hello Sam 👋\nThat option is no longer available.")


def test_a_place_that_is_covered_leads_to_the_menu_of_its_branch():
    one = guest()
    one.say("delivery")
    assert one.send(HOME).step == "menu.categories"
    assert (one.state.branch_id, one.state.cart.latitude, one.state.cart.longitude) == ("olaya", 24.7001, 46.6802)


def test_a_place_that_is_not_covered_is_told_with_other_ways():
    one = guest()
    one.say("delivery")
    assert choices(one.send(FAR)) == ["type:pickup", "place", "person"]
    assert one.tap("Another location").step == "order.place"
    assert one.send(HOME).step == "menu.categories"
    assert choices(guest(SMALL).send(FAR)) == ["place", "person"]


def test_where_nobody_can_tell_what_is_covered_the_nearest_branch_delivers():
    one = guest(checks_places=False)
    assert one.send(HOME).step == "menu.categories"
    assert (one.state.branch_id, one.wanted) == ("olaya", [])
    one.send(FAR)
    assert one.state.branch_id == "nakheel"
    vague = guest(replace(FULL, branches=(Branch("a", {}), Branch("b", {}))), checks_places=False)
    vague.send(HOME)
    assert vague.state.branch_id == ""


def test_a_place_that_is_sent_unasked_begins_a_delivery():
    one = guest()
    assert one.send(HOME).step == "menu.categories"
    assert one.state.cart.type is OrderType.DELIVERY


@pytest.mark.parametrize(
    "text",
    [
        "24.7001, 46.6802",
        "https://maps.google.com/?q=24.7001,46.6802",
        "my home https://www.google.com/maps/place/x/@24.70010,46.68020,17z",
        "https://maps.example/?ll=24.7001%2C46.6802",
    ],
)
def test_a_place_that_is_written_as_degrees_or_a_link_is_a_place(text):
    one = guest()
    one.say("delivery")
    assert one.say(text).step == "menu.categories"
    assert (one.state.cart.latitude, one.state.cart.longitude) == (24.7001, 46.6802)


@pytest.mark.parametrize("text", ["24, 46", "99.7001, 46.6802", "24.7001", "1.234,5.678,9", "10.0.0.1, 10.0.0.2"])
def test_other_numbers_are_no_place(text):
    one = guest()
    one.say("delivery")
    one.say(text)
    assert one.state.cart.latitude != 24.7001
    assert one.state.step in ("order.place", "order.not_covered")


@pytest.mark.parametrize(
    "place", [Location(91, 0), Location(0, 181), Location(float("nan"), 0), Location(0, float("inf"))]
)
def test_a_place_that_is_not_on_earth_is_asked_for_again(place):
    one = guest()
    one.say("delivery")
    assert one.send(place).step in ("order.place", "unreadable")
    assert one.state.cart.latitude is None


def test_an_address_in_words_is_answered_with_what_is_needed():
    one = guest()
    one.say("delivery")
    draft = one.say("Olaya street, next to the mosque")
    assert draft.step == "order.place"
    assert draft.text.startswith("We need your location from WhatsApp itself")


def test_a_place_for_a_tenant_that_takes_no_orders_and_has_no_branches_is_not_read():
    assert guest(replace(FULL, types=(), branches=())).send(HOME).step in ("unreadable", "welcome")


def test_what_cannot_be_had_in_this_kind_of_order_is_not_offered():
    one = guest()
    one.send(HOME)
    assert "Family platter" not in titles(one.choose("cat:g:0"))
    one.choose("type:dine_in")
    one.choose("branch:olaya")
    assert "Family platter" in titles(one.choose("cat:g:0"))


def test_another_kind_of_order_asks_for_its_place_anew_and_keeps_the_cart():
    one = guest()
    at_the_summary(one)
    assert one.say("pickup").step == "order.branch"
    assert one.choose("branch:nakheel").step == "order.summary"
    assert len(one.state.cart.entries) == 1
    assert one.state.cart.latitude is None


def test_a_new_order_with_something_in_the_cart_goes_on_with_that_cart():
    one = guest()
    at_the_summary(one)
    assert one.say("new order").step == "cart"


def test_a_cart_that_was_filled_before_anything_was_asked_is_asked_the_rest_at_the_checkout():
    one = guest()
    one.say("2 kebab")
    assert one.say("checkout").step == "order.type"
    assert one.tap("Pickup").step == "order.branch"
    assert one.tap("Nakheel").step == "order.summary"


@pytest.mark.parametrize(
    ("acts", "back"),
    [
        (["hello"], "home"),
        (["order"], "home"),
        (["order", "delivery"], "order.type"),
        (["order", "pickup"], "order.type"),
        (["order", "pickup", "Olaya"], "order.type"),
        (["order", "pickup", "Olaya", "Drinks"], "menu.categories"),
        (["order", "pickup", "Olaya", "kebab"], "menu.items"),
        (["order", "pickup", "Olaya", "shawarma"], "menu.items"),
        (["order", "pickup", "Olaya", "shawarma", "large"], "item.option"),
        (["order", "pickup", "Olaya", "shawarma", "large", "no extras"], "item.add_ons"),
        (["2 kebab"], "menu.categories"),
        (["2 kebab", "menu"], "cart"),
        (["2 kebab", "edit cart"], "cart"),
        (["2 kebab", "edit cart", "1"], "cart.lines"),
        (["2 kebab", "edit cart", "1", "1"], "cart.lines"),
        (["2 kebab", "cancel"], "cart"),
        (["2 kebab", "pickup", "olaya"], "cart"),
        (["rate"], "home"),
        (["track"], "home"),
        (["agent"], "home"),
    ],
)
@pytest.mark.parametrize("word", ["back", "رجوع"])
def test_back_leads_one_step_back_from_everywhere(acts, back, word):
    one = guest()
    for act in acts:
        one.say(act)
    assert one.say(word).step == back


@pytest.mark.parametrize(
    ("acts", "step"),
    [
        (["order"], "order.type"),
        (["order", "delivery"], "order.place"),
        (["order", "pickup"], "order.branch"),
        (["order", "pickup", "Olaya"], "menu.categories"),
        (["order", "pickup", "Olaya", "Drinks"], "menu.items"),
        (["order", "pickup", "Olaya", "kebab"], "menu.item"),
        (["order", "pickup", "Olaya", "shawarma"], "item.option"),
        (["order", "pickup", "Olaya", "shawarma", "large"], "item.add_ons"),
        (["order", "pickup", "Olaya", "shawarma", "large", "no extras"], "item.quantity"),
        (["2 kebab"], "cart"),
        (["2 kebab", "edit cart"], "cart.lines"),
        (["2 kebab", "edit cart", "1"], "cart.line"),
        (["2 kebab", "edit cart", "1", "1"], "cart.quantity"),
        (["2 kebab", "cancel"], "cart.clear"),
        (["2 kebab", "pickup", "olaya"], "order.summary"),
    ],
)
def test_the_language_can_be_changed_at_every_step_and_the_customer_goes_on_there(acts, step):
    one = guest()
    for act in acts:
        one.say(act)
    cart, pick = one.state.cart, one.state.pick
    draft = one.say("عربي")
    assert (draft.step, one.state.cart, one.state.pick) == (step, cart, pick)
    assert draft.text.startswith("تمام، نكمل بالعربية.")
    assert one.state.locale == "ar"
    one.say("in english")
    assert (one.state.step, one.state.cart) == (step, cart)


@pytest.mark.parametrize(
    "acts", [["order"], ["order", "delivery"], ["2 kebab"], ["2 kebab", "edit cart"], ["shawarma"]]
)
def test_what_is_not_understood_in_mid_order_shows_the_same_step_again(acts):
    one = guest()
    for act in acts:
        one.say(act)
    step, cart = one.state.step, one.state.cart
    assert one.say("qwertz asdf").step == step
    assert one.state.cart == cart


def test_a_cart_that_expired_is_mentioned_once():
    one = Guest(GRILL)
    one.say("2 كباب")
    one.state = one.state.without_cart()
    draft = one.say("هلا", cart_expired=True)
    assert "سلتكم السابقة انتهت مدتها" in draft.text
    assert "انتهت" not in one.say("هلا").text


def test_nobody_is_asked_where_an_order_goes_while_there_is_nothing_to_order():
    draft = guest(replace(FULL, categories=())).say("new order")
    assert draft.text.endswith("The menu isn't available right now. How can we help you?")
