"""The cart: its arithmetic against a plain list, its bounds, and the screens that change it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bot.kitchen import DINER, FULL, Guest, offered
from wabot.bot.cart import MOST_EACH, MOST_LINES, Cart, Entry
from wabot.words import Line, Picked

LINES = st.builds(
    Line,
    item_id=st.sampled_from(["a", "b"]),
    name=st.just({"en": "x"}),
    price_minor=st.sampled_from([0, 100, 250]),
    quantity=st.integers(1, MOST_EACH),
    choices=st.sampled_from([(), (Picked("l", {}, 600),), (Picked("s", {}),)]),
    add_ons=st.sampled_from([(), (Picked("c", {}, 300, 2),)]),
)
ACTS = st.lists(
    st.one_of(
        LINES.map(lambda line: ("add", Entry(f"g/{line.item_id}", line))),
        st.tuples(st.just("set"), st.tuples(st.integers(0, 9), st.integers(0, 2 * MOST_EACH))),
        st.just(("empty", None)),
    ),
    max_size=25,
)


def each(line: Line) -> int:
    return line.price_minor + sum(p.price_minor * p.quantity for p in (*line.choices, *line.add_ons))


@given(ACTS)
def test_a_cart_comes_to_what_a_plain_list_of_its_things_does(acts):
    cart, plain, version = Cart(), [], 0
    for act, what in acts:
        if act == "add" and cart.has_room_for(what):
            cart = cart.added(what)
            plain += [(what.address, each(what.line), what.line.choices, what.line.add_ons)] * what.line.quantity
        elif act == "set" and what[0] < len(cart.entries):
            entry = cart.entries[what[0]]
            key = (entry.address, each(entry.line), entry.line.choices, entry.line.add_ons)
            cart = cart.with_quantity(*what)
            plain = [one for one in plain if one != key] + [key] * min(what[1], MOST_EACH)
        elif act == "empty":
            cart, plain = cart.emptied(), []
        else:
            continue
        assert cart.version > version
        version = cart.version
        assert cart.total_minor == sum(price for _, price, *_ in plain)
        assert sum(line.quantity for line in cart.lines) == len(plain)
        assert all(1 <= line.quantity <= MOST_EACH for line in cart.lines)


def guest() -> Guest:
    return Guest(DINER, FULL, name="Sam")


def test_the_same_with_the_same_choices_becomes_more_and_with_others_another_line():
    one = guest()
    one.say("1 kebab")
    one.say("2 kebab")
    for size in ("small", "large", "large"):
        for said in ("shawarma", size, "no extras", "1"):
            one.say(said)
    assert [(line.item_id, line.quantity) for line in one.state.cart.lines] == [
        ("kebab", 3),
        ("shawarma", 1),
        ("shawarma", 2),
    ]


def test_a_tap_that_is_repeated_does_not_put_twice_as_many_into_the_cart():
    one = guest()
    one.say("kebab")
    one.tap("Add 2")
    assert one.tap("Add 2").step == "cart"
    assert [line.quantity for line in one.state.cart.lines] == [2]


def test_an_old_button_of_an_item_that_is_not_in_the_cart_does_what_it_says():
    one = guest()
    one.say("kebab")
    one.say("menu")
    one.tap("Add 2")
    assert [line.quantity for line in one.state.cart.lines] == [2]


@pytest.mark.parametrize("said", ["-1", "-٢", "−3", "0", "1.5"])
def test_what_is_no_whole_number_of_one_or_more_is_no_quantity(said):
    one = guest()
    one.say("kebab")
    assert one.say(said).step == "menu.item"
    assert one.state.cart.lines == ()


def test_any_number_can_be_typed_as_a_quantity_up_to_the_most():
    for said, kept in (("7", 7), ("٩٩", 99), ("۱۲", 12)):
        one = guest()
        one.say("kebab")
        one.say(said)
        assert [line.quantity for line in one.state.cart.lines] == [kept]
    one = guest()
    one.say("kebab")
    draft = one.say("100")
    assert draft.text.startswith("We can take up to 99 of one item.")
    assert draft.step == "menu.item"
    assert one.say("0").step == "menu.item"
    assert one.state.cart.is_empty


def test_a_line_never_becomes_more_than_the_most():
    one = guest()
    one.say("98 kebab")
    draft = one.say("2 kebab")
    assert draft.text.startswith("Your cart is full")
    assert one.state.cart.lines[0].quantity == 98


def test_a_cart_has_a_last_line():
    menu_ids = [f"g/{n}" for n in range(MOST_LINES)]
    full = Cart(entries=tuple(Entry(address, Line(address, {}, 1)) for address in menu_ids))
    assert not full.has_room_for(Entry("g/another", Line("another", {}, 1)))
    assert full.has_room_for(full.entries[0])


def test_an_empty_cart_is_said_to_be_empty():
    for word in ("my cart", "edit cart", "checkout", "cancel"):
        assert guest().say(word).step in ("cart", "welcome")
    assert "empty" in guest().say("cart").text


def test_a_line_is_changed_by_its_number_and_removed_by_none():
    one = guest()
    one.say("2 kebab")
    one.say("1 cola")
    one.tap("Edit cart")
    one.tap("2 × Kebab")
    one.tap("Change quantity")
    assert "4 × Kebab = 128 SAR" in one.say("4").text
    one.tap("Edit cart")
    one.tap("4 × Kebab")
    one.tap("Change quantity")
    assert one.say("0").text.startswith("Removed from your cart ✅")
    assert [line.item_id for line in one.state.cart.lines] == ["cola"]


def test_too_many_of_a_line_are_asked_again():
    one = guest()
    one.say("2 kebab")
    for said in ("edit cart", "1", "1", "100"):
        draft = one.say(said)
    assert (draft.step, one.state.cart.lines[0].quantity) == ("cart.quantity", 2)


def test_buttons_of_an_earlier_cart_change_nothing():
    one = guest()
    one.say("2 kebab")
    one.say("1 cola")
    one.tap("Edit cart")
    one.tap("1 × Cola")
    old = [choice for choice, _ in offered(one.drafts[-1]) if not choice.startswith("lines")]
    one.say("1 tea")
    one.say("some")
    one.say("1")
    before = one.state.cart
    for choice in (*old, "set:1:0:5", "line:0:0", "set:x", "cleared:1"):
        assert one.choose(choice).step == "cart"
        assert one.state.cart == before


def test_emptying_is_asked_about_once_and_can_be_declined():
    one = guest()
    one.say("2 kebab")
    assert one.say("cancel my order").step == "cart.clear"
    assert one.say("no").step == "cart"
    one.say("cancel")
    assert one.tap("Yes, empty it").text.startswith("Your cart is empty now.")
    assert one.state.cart.is_empty
    assert one.tap("Yes, empty it").text.startswith("Your cart is empty.")


def test_a_long_cart_is_paged_and_every_line_can_be_reached():
    one = guest()
    lines = tuple(Entry(f"g/{n}", Line(f"{n}", {"en": f"Dish {n}"}, 100)) for n in range(MOST_LINES))
    one.state = type(one.state)(cart=Cart(version=1, entries=lines))
    found, draft = [], one.say("cart")
    draft = one.tap("Edit cart")
    while True:
        found += [choice for choice, _ in offered(draft) if choice.startswith("line:")]
        if "More…" not in dict(offered(draft)).values():
            break
        draft = one.choose(next(choice for choice, title in offered(draft) if title == "More…"))
    assert found == [f"line:1:{n}" for n in range(MOST_LINES)]
