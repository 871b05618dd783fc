import json

import pytest

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
