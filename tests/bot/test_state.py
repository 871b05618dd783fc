import json
from dataclasses import replace

import pytest

from tests.bot.kitchen import Guest, at_the_summary
from wabot.bot.cart import Cart
from wabot.bot.conversation import State


def test_a_state_survives_json():
    state = State("ar", "menu.items", (("cat:b:0", "البرجر"), ("menu", "القائمة")))
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    "kept",
    [
        {},
        None,
        [],
        "start",
        {"step": "order.of.another.version", "offered": []},
        {"step": ["welcome"], "offered": []},
        {"step": "welcome"},
        {"step": "welcome", "offered": "ab"},
        {"step": "welcome", "offered": [["menu"]]},
        {"step": "welcome", "offered": [["menu", 1]]},
        {"step": "welcome", "offered": [None]},
        {"locale": {}, "step": "welcome", "offered": {"menu": "Menu"}},
        {"locale": 7, "step": 7, "offered": 7},
    ],
)
def test_what_cannot_be_read_begins_again(kept):
    assert State.from_json(kept) == State()


def test_a_customer_keeps_the_language_though_the_rest_cannot_be_read():
    assert State.from_json({"locale": "en", "step": "order.of.another.version", "cart": [1]}) == State(
        "en", cart=Cart(1)
    )


def test_a_language_that_is_unknown_is_none():
    assert State.from_json({"locale": "fr", "step": "welcome", "offered": []}) == State("", "welcome")


def test_keys_of_a_newer_version_are_passed_over():
    assert State.from_json({"locale": "", "step": "welcome", "offered": [], "basket": []}) == State("", "welcome")


def test_a_state_with_all_there_is_survives_json():
    guest = Guest()
    at_the_summary(guest)
    guest.say("بدون بصل")
    guest.say("كاش")
    guest.say("3 شاورما")
    guest.say("كبير")
    state = replace(guest.state, comment_on="019a")
    assert state.pick
    assert state.last
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


BROKEN_CARTS = [
    ("cart", "format", 0),
    ("cart", "entries", "abc"),
    ("cart", "entries", [{}]),
    ("cart", "entries", [None] * 51),
    ("cart", "version", -1),
    ("cart", "version", True),
    ("cart", "type", "by drone"),
    ("cart", "latitude", 91),
    ("cart", "longitude", "east"),
    ("cart", "latitude", float("nan")),
    ("cart", "notes", None),
    ("cart", "branch_id", 7),
]


@pytest.mark.parametrize(("part", "name", "value"), BROKEN_CARTS)
def test_a_cart_that_cannot_be_read_is_dropped_and_the_language_and_its_version_survive(part, name, value):
    guest = Guest()
    at_the_summary(guest)
    guest.say("English")
    kept = guest.state.to_json()
    kept[part] = kept[part] | {name: value}
    state = State.from_json(kept)
    assert state.cart == Cart(guest.state.cart.version + 1)
    assert (state.locale, state.pick, state.last) == ("en", None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("quantity", 0), ("quantity", 100), ("price_minor", 10**13), ("price_minor", 1.5), ("choices", 3)],
)
def test_a_line_that_cannot_be_read_drops_its_cart(name, value):
    guest = Guest()
    at_the_summary(guest)
    kept = guest.state.to_json()
    [entry] = kept["cart"]["entries"]
    kept["cart"]["entries"] = [entry | {"line": entry["line"] | {name: value}}]
    assert State.from_json(kept).cart.is_empty


@pytest.mark.parametrize("pick", [7, {}, {"address": 1}, {"address": "g/x", "choices": [1]}])
def test_an_item_that_was_being_chosen_and_cannot_be_read_is_chosen_anew(pick):
    guest = Guest()
    at_the_summary(guest)
    state = State.from_json(guest.state.to_json() | {"pick": pick})
    assert (state.pick, state.cart) == (None, guest.state.cart)


def test_a_state_without_its_cart_keeps_language_and_step_and_forgets_the_rest():
    guest = Guest()
    at_the_summary(guest)
    state = guest.state.without_cart()
    assert (state.cart.is_empty, state.pick, state.last, state.offered) == (True, None, None, ())
    assert state.cart.version > guest.state.cart.version
    assert state.branch_id == ""
