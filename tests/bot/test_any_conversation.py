"""Whatever a customer does, the bot answers with what WhatsApp accepts."""

from hypothesis import given
from hypothesis import strategies as st

from tests.bot.cast import Customer, options
from wabot.bot.conversation import Heard, Profile, State
from wabot.words import Menu, MenuCategory, MenuItem, Purpose

SOME_TEXT = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "menu",
            "القائمة",
            "agent",
            "english",
            "عربي",
            "hi",
            "1",
            "٢",
            "10",
            "more",
            "back",
            "{name}",
            "thanks",
        ]
    ),
    st.integers(60, 1200).map(lambda length: "طويل جداً "[: length % 10] + "x" * length),
)
NAMES = st.dictionaries(st.sampled_from(["ar", "en", "fr"]), SOME_TEXT, max_size=3)
IDS = st.one_of(st.sampled_from(["a", "b", "a:1", "a#2", ""]), st.text(max_size=5), st.just("x" * 300))
ITEMS = st.builds(MenuItem, IDS, NAMES, st.integers(-10, 10**12), NAMES)
CATEGORIES = st.builds(MenuCategory, IDS, NAMES, st.lists(ITEMS, max_size=4).map(tuple))


def many(menu: Menu, times: int) -> Menu:
    """The same menu with every category and item several times over: long lists, cheaply drawn."""
    categories = (MenuCategory(c.id, c.name, c.items * times) for c in menu.categories * times)
    return Menu(tuple(categories))


MENUS = st.builds(many, st.builds(Menu, st.lists(CATEGORIES, max_size=4).map(tuple)), st.sampled_from([1, 1, 3, 6]))
PROFILES = st.builds(
    Profile,
    name=SOME_TEXT,
    locale=st.sampled_from(["ar", "en", "ar-SA", "", "fr"]),
    currency=st.sampled_from(["SAR", "KWD", "", "a very long name of a currency that is none"]),
    currency_digits=st.integers(0, 3),
    support_contact=SOME_TEXT,
    app_link=SOME_TEXT,
)
STALE = st.one_of(
    st.text(max_size=20),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["cat", "item", "lang", "menu", "hello", "cat:a"]),
        st.text(max_size=9),
    ),
    st.sampled_from(["menu:9999", "menu:-1", "cat:a:99999999999", "item:", "cat::", "lang:", "person:x", "menu:²"]),
)
KINDS = st.sampled_from(["text", "text", "interactive", "button", "image", "location", "reaction", "unsupported", "?"])
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("tap"), st.integers(0, 1000)),
        st.tuples(st.just("stale"), STALE),
        st.tuples(st.just("say"), st.tuples(KINDS, SOME_TEXT)),
        st.tuples(st.just("menu"), MENUS),
    ),
    min_size=1,
    max_size=12,
)


def heard(act: str, what: object, seen: list[tuple[str, str]], name: str) -> Heard:
    if act == "say":
        kind, text = what
        return Heard(kind, text, customer_name=name)
    choice, title = seen[what % len(seen)] if act == "tap" and seen else (str(what), "")
    return Heard("interactive", title, choice, name)


@given(PROFILES, MENUS, SOME_TEXT, ACTS)
def test_any_conversation_is_answered_within_the_limits(profile, menu, name, acts):
    customer, seen = Customer(profile, menu, name), []
    for act, what in acts:
        if act == "menu":
            customer.menu = what
            continue
        was_first = customer.state.step == "start"
        answer = customer.hear(heard(act, what, seen, name))
        assert len(answer.drafts) <= 1
        for draft in answer.drafts:
            assert (draft.purpose == Purpose.WELCOME) == was_first
            assert answer.state.step == draft.step
            assert answer.needs_person == (draft.step == "handover")
            seen += options(draft).items()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from(["locale", "step", "offered"]), JSON | st.sampled_from(["ar", "welcome"])))
def test_any_json_gives_a_state_that_goes_on(kept):
    assert Customer(state=State.from_json(kept)).say("menu").step == "menu.categories"
