"""Menus of every size and names of every kind: a whole order goes through each, and every message fits everywhere."""

from dataclasses import replace

import pytest

from tests.bot.kitchen import DINER, FULL, GRILL, HOME, Guest, offered
from wabot.bot import shelves
from wabot.providers import REGISTRY, plain
from wabot.words import AddOn, Branch, Choice, Kind, Menu, MenuCategory, MenuItem, Names, Option

NAMES: dict[str, Names] = {
    "short": {"ar": "طبق {n}", "en": "Dish {n}"},
    "long": {"ar": "طبق {n} " + "طويل " * 40, "en": "{n} dish " + "long " * 40},
    "empty": {"ar": "", "en": ""},
    "arabic": {"ar": "طبق {n}", "en": ""},
    "english": {"ar": " ", "en": "Dish {n}"},
    "alike": {"ar": "طبق", "en": "Dish"},
    "none": {},
}


def named(kind: str, n: int) -> Names:
    return {language: name.replace("{n}", str(n))[:200] for language, name in NAMES[kind].items()}


def dish(kind: str, n: int) -> MenuItem:
    choices = tuple(Choice(f"c{m}", named(kind, m), m * 50) for m in range(12))
    extras = tuple(AddOn(f"a{m}", named(kind, m), 100, 0, 3) for m in range(12))
    return MenuItem(f"i{n}", named(kind, n), 2500, named(kind, n), (Option(named(kind, 0), choices),), extras)


def menu_of(count: int, kind: str) -> Menu:
    per_shelf = 40
    shelved = [range(start, min(start + per_shelf, count)) for start in range(0, count, per_shelf)]
    categories = tuple(
        MenuCategory(f"s{s}", named(kind, s), tuple(dish(kind, n) for n in some)) for s, some in enumerate(shelved)
    )
    branches = tuple(Branch(f"b{n}", named(kind, n), named(kind, n), "", 24.0 + n / 10, 46.0) for n in range(12))
    return replace(FULL, categories=categories, branches=branches)


def walk_to_the_last(one: Guest, prefix: str) -> str:
    """Through all pages of what is offered now; the last choice of that kind."""
    while True:
        more = next((choice for choice, title in offered(one.drafts[-1]) if title in ("More…", "المزيد…")), "")
        if not more:
            return [choice for choice, _ in offered(one.drafts[-1]) if choice.startswith(prefix)][-1]
        one.choose(more)


@pytest.mark.parametrize("profile", [GRILL, DINER], ids=["ar", "en"])
@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("count", [1, 30, 300])
def test_a_whole_order_of_the_last_item_goes_through(count, kind, profile):
    one = Guest(profile, menu_of(count, kind), name="N" * 200)
    one.say("order")
    one.choose("type:pickup")
    one.choose(walk_to_the_last(one, "branch:"))
    if one.state.step == "menu.categories":
        one.choose(walk_to_the_last(one, "cat:"))
    one.choose(walk_to_the_last(one, "item:"))
    one.choose(walk_to_the_last(one, "opt:"))
    one.choose(walk_to_the_last(one, "add:"))
    one.choose(offered(one.drafts[-1])[0][0])
    one.say("2")
    one.choose("lines")
    one.choose(walk_to_the_last(one, "line:"))
    one.choose("checkout")
    one.choose(offered(one.drafts[-1])[0][0])
    [wish] = one.wishes
    assert wish.lines[0].item_id == f"i{count - 1}"
    assert wish.total_minor == 2 * (2500 + 11 * 50 + 100)


@pytest.mark.parametrize("profile", [GRILL, DINER], ids=["ar", "en"])
def test_a_restaurant_with_nothing_on_its_menu_says_so(profile):
    one = Guest(profile, replace(FULL, categories=()))
    for said in ("hello", "menu", "2 kebab", "checkout"):
        one.say(said)
    one.say("order")
    assert one.state.step in ("order.type", "fallback")
    assert one.wishes == []


def test_no_item_of_three_hundred_is_dropped():
    one = Guest(DINER, menu_of(300, "alike"))
    found = set()
    for category in shelves.arrange(one.menu).categories:
        one.choose(f"cat:{category}:0")
        while True:
            choices = offered(one.drafts[-1])
            found |= {choice for choice, _ in choices if choice.startswith("item:")}
            more = next((choice for choice, title in choices if title == "More…"), "")
            if not more:
                break
            one.choose(more)
    assert len(found) == 300


@pytest.mark.parametrize("profile", [GRILL, DINER], ids=["ar", "en"])
def test_a_whole_order_goes_by_typed_digits_alone_where_kinds_go_as_numbered_text(profile):
    """The customer of a provider without buttons and lists sees numbers, and types them."""
    one = Guest(profile, FULL)
    one.say("hello")
    for said in ("1", "1", "24.7001, 46.6802", "1", "2", "2", "2", "2", "1", "3", "1", "1"):
        shown = plain.as_text(one.drafts[-1])
        assert shown.kind is Kind.TEXT
        assert f"\n{said}. " in shown.text or "." in said or said == "3" or one.state.step == "order.type"
        one.say(said)
        if one.wishes:
            break
    assert one.wishes


@pytest.mark.parametrize("provider", REGISTRY)
def test_every_message_of_an_order_fits_every_provider(provider):
    one = Guest(GRILL, menu_of(300, "long"), name="ن" * 300)
    one.send(HOME)
    for choice in ("cat:s0:0", "item:s0/i1", "menu", "cart", "checkout", "track", "stars"):
        one.choose(choice)
    for draft in one.drafts:
        REGISTRY[provider].check(draft)


@pytest.mark.timeout(60)
def test_a_menu_of_ten_thousand_items_is_answered():
    items = tuple(MenuItem(f"i{n}", {"en": f"Dish {n}"}, 100) for n in range(10_000))
    one = Guest(DINER, replace(FULL, categories=(MenuCategory("c", {"en": "All"}, items),)))
    assert one.say("2 dish 9999").step == "cart"
    assert one.choose("cat:c:99999").step == "menu.items"
