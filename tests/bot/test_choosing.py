"""Choosing an item: options and add-ons, one screen each and only where there is something to ask."""

from dataclasses import replace

import pytest

from tests.bot.kitchen import DINER, FULL, SHAWARMA, Guest, names, offered
from wabot.words import AddOn, Choice, Kind, MenuCategory, MenuItem, Option


def guest(*items: MenuItem) -> Guest:
    menu = replace(FULL, categories=(MenuCategory("c", names("", "All"), items),)) if items else FULL
    return Guest(DINER, menu, name="Sam")


def option(count: int, name: str = "Size") -> Option:
    return Option(names("", name), tuple(Choice(f"{n}", names("", f"{name} {n}"), n * 100) for n in range(count)))


def dish(*options: Option, add_ons: tuple[AddOn, ...] = (), price: int = 1000) -> MenuItem:
    return MenuItem("dish", names("", "Dish"), price, options=options, add_ons=add_ons)


def extras(count: int, **more: int) -> tuple[AddOn, ...]:
    return tuple(AddOn(f"{n}", names("", f"Extra {n}"), 50, **more) for n in range(count))


def titles(draft) -> list[str]:
    return [title for _, title in offered(draft)]


def line(one: Guest):
    [found] = one.state.cart.lines
    return found


def test_an_item_without_choices_is_had_in_one_screen():
    one = guest(dish())
    draft = one.choose("item:c/dish")
    assert (draft.kind, titles(draft)) == (Kind.BUTTONS, ["Add 1", "Add 2", "Add 3"])
    assert one.tap("Add 3").step == "cart"
    assert line(one).quantity == 3


def test_every_option_must_be_chosen_before_how_many_is_asked():
    one = guest(dish(option(2), option(4, "Bread")))
    assert one.choose("item:c/dish").step == "item.option"
    assert one.tap("Size 1").step == "item.option"
    assert one.tap("Bread 3").step == "item.quantity"
    one.tap("Add 1")
    assert line(one).total_minor == 1000 + 100 + 300


def test_few_short_choices_are_buttons_and_more_a_list():
    for count, kind in ((2, Kind.BUTTONS), (3, Kind.BUTTONS), (4, Kind.LIST), (9, Kind.LIST)):
        draft = guest(dish(option(count))).choose("item:c/dish")
        assert draft.kind is kind
        assert titles(draft)[:count] == [f"Size {n}" for n in range(count)]
    long = Option(names("", "Size"), (Choice("a", names("", "x" * 21)), Choice("b", names("", "y"))))
    assert guest(dish(long)).choose("item:c/dish").kind is Kind.LIST
    alike = Option(names("", "Size"), (Choice("a", names("", "y")), Choice("b", names("", "y"))))
    assert titles(guest(dish(alike)).choose("item:c/dish"))[:2] == ["y", "y (2)"]


def test_buttons_tell_what_they_cost_in_the_text():
    assert "• Size 1: +1 SAR" in guest(dish(option(2))).choose("item:c/dish").text


def test_an_option_with_a_single_choice_is_taken_and_one_without_any_passed_over():
    one = guest(dish(option(1), option(0)))
    assert one.choose("item:c/dish").step == "menu.item"
    one.say("1")
    assert [picked.id for picked in line(one).choices] == ["0"]


@pytest.mark.parametrize("count", [10, 11, 30])
def test_many_choices_are_paged_and_none_is_dropped(count):
    one = guest(dish(option(count)))
    found, draft = [], one.choose("item:c/dish")
    while "More…" in titles(draft):
        found += [title for title in titles(draft) if title.startswith("Size")]
        draft = one.choose(next(choice for choice, title in offered(draft) if title == "More…"))
    found += [title for title in titles(draft) if title.startswith("Size")]
    assert found == [f"Size {n}" for n in range(count)]
    assert one.tap(f"Size {count - 1}").step == "item.quantity"


@pytest.mark.parametrize("count", [8, 9, 30])
def test_many_add_ons_are_paged_and_none_is_dropped(count):
    one = guest(dish(add_ons=extras(count)))
    found, draft = [], one.choose("item:c/dish")
    while "More…" in titles(draft):
        found += [title for title in titles(draft) if title.startswith("Extra")]
        draft = one.choose(next(choice for choice, title in offered(draft) if title == "More…"))
    found += [title for title in titles(draft) if title.startswith("Extra")]
    assert found == [f"Extra {n}" for n in range(count)]


def test_an_option_can_be_chosen_otherwise_while_the_item_is_open():
    one = guest(dish(option(2), option(4, "Bread")))
    one.choose("item:c/dish")
    one.tap("Size 0")
    one.tap("Bread 3")
    assert "You chose: Size 1, Bread 3" in one.tap("Size 1").text
    assert one.state.step == "item.quantity"


def test_an_old_choice_of_another_item_opens_that_item_with_it():
    one = Guest(DINER, FULL, name="Sam")
    one.say("shawarma")
    one.say("tea")
    assert one.tap("Large").step == "item.add_ons"
    assert one.state.pick.address == "g/shawarma"


def test_add_ons_are_counted_to_the_most_and_then_from_the_fewest():
    one = guest(dish(add_ons=extras(2, most=2)))
    one.choose("item:c/dish")
    for told in ("Extra 0", "Extra 0 ×2", ""):
        draft = one.tap("Extra 0")
        assert f"You chose: {told}\n" in draft.text if told else "You chose" not in draft.text
    one.tap("Extra 1")
    one.tap("That's all")
    one.say("2")
    assert [(picked.id, picked.quantity) for picked in line(one).add_ons] == [("1", 1)]
    assert line(one).total_minor == 2 * 1050


def test_add_ons_that_must_be_taken_are_taken():
    one = guest(dish(add_ons=(*extras(1, least=2, most=2), AddOn("x", names("", "X"), 10, 1, 3))))
    draft = one.choose("item:c/dish")
    assert titles(draft)[0] == "That's all"
    one.tap("That's all")
    one.say("1")
    assert [(picked.id, picked.quantity) for picked in line(one).add_ons] == [("0", 2), ("x", 1)]


def test_where_nothing_about_the_add_ons_can_be_chosen_nothing_is_asked():
    one = guest(dish(add_ons=(*extras(1, least=1, most=1), AddOn("none", {}, 10, 0, 0), AddOn("less", {}, 10, 0, -3))))
    assert one.choose("item:c/dish").step == "menu.item"
    one.say("1")
    assert [picked.id for picked in line(one).add_ons] == ["0"]


def test_the_last_add_on_there_is_leads_on_at_once():
    one = guest(dish(add_ons=extras(1)))
    one.choose("item:c/dish")
    assert one.tap("Extra 0").step == "item.quantity"


@pytest.mark.parametrize("word", ["done", "that is all", "no thanks", "تم", "خلاص", "لا شكرا"])
def test_words_for_no_more_lead_on_from_the_add_ons(word):
    one = guest(dish(add_ons=extras(3)))
    assert one.say("Dish").step == "item.add_ons"
    assert one.say(word).step in {"item", "item.quantity"}


def test_several_add_ons_can_be_typed_at_once():
    one = guest(dish(add_ons=extras(4)))
    one.choose("item:c/dish")
    assert one.say("2، ٤ 5").step == "item.quantity"
    one.say("1")
    assert [picked.id for picked in line(one).add_ons] == ["0", "2", "3"]


@pytest.mark.parametrize(
    "said", ["2 dish", "dish 2", "2x dish", "dish × 2", "٢ dish", "I want 2 dish please", "2 DISH!"]
)
def test_a_number_with_a_name_puts_so_many_into_the_cart(said):
    one = guest(dish(), replace(dish(), id="other", name=names("شاورما", "")))
    assert one.say(said).step == "cart"
    assert line(one).quantity == 2


def test_a_number_with_a_name_asks_only_what_is_left_to_choose():
    one = guest(dish(option(2)))
    assert one.say("3 dish").step == "item.option"
    assert one.tap("Size 0").step == "cart"
    assert line(one).quantity == 3


def test_too_many_with_a_name_are_asked_again():
    one = guest(dish())
    assert one.say("500 dish").text.startswith("Hello Sam 👋\nWe can take up to 99 of one item.")
    assert one.state.cart.is_empty


@pytest.mark.parametrize("price", [-1, 10**12 + 1])
def test_an_item_of_an_absurd_price_is_shown_and_not_sold(price):
    one = guest(dish(price=price), replace(dish(), id="fine"))
    assert one.choose("qty:2:c/dish").step == "menu.item"
    assert "person" in [choice for choice, _ in offered(one.drafts[-1])]
    assert one.state.cart.is_empty


def test_an_item_that_a_choice_makes_cheaper_than_nothing_is_not_sold():
    cheap = dish(Option(names("", "Size"), (Choice("a", names("", "A"), -2000), Choice("b", names("", "B"), -200))))
    one = guest(cheap)
    one.choose("item:c/dish")
    one.tap("A")
    one.say("1")
    assert one.state.cart.is_empty
    one.choose("item:c/dish")
    one.tap("B")
    one.say("1")
    assert line(one).total_minor == 800


def test_choices_with_ids_that_are_repeated_empty_or_endless_lead_to_their_own():
    ids = ["same", "same", "", "x" * 500, "x" * 499 + "y"]
    choices = tuple(Choice(id_, names("", f"Kind {n}"), n) for n, id_ in enumerate(ids))
    for n in range(len(ids)):
        one = guest(dish(Option({}, choices)))
        one.choose("item:c/dish")
        one.tap(f"Kind {n}")
        one.say("1")
        assert line(one).choices[0].price_minor == n


@pytest.mark.parametrize(
    "forged",
    ["opt:9:aaaaaaaa:g/shawarma", "opt:0:zz:g/shawarma", "opt:-1:zz:g/shawarma", "opts:1:0:g/shawarma", "opts:x:y:z",
     "add:zz:g/shawarma", "adds:0:d/cola", "done:nothing", "qty:x:g/none", "undo:g/none", "buy:1:", "pick:",
     "several:1,2"],
)  # fmt: skip
def test_a_choice_that_was_never_offered_shows_the_menu(forged):
    one = Guest(DINER, FULL, name="Sam")
    one.say("hello")
    draft = one.choose(forged)
    assert draft.step in ("menu.categories", "fallback")
    assert one.state.cart.is_empty


def test_names_in_the_cart_are_bounded():
    one = guest(replace(dish(), name={"ar": "", "en": "y" * 5000, "fr": " ", "de": "z\n\u202e"}))
    one.choose("buy:1:c/dish")
    assert {key: len(name) for key, name in line(one).name.items()} == {"en": 200, "de": 1}


def test_the_shawarma_of_the_kitchen_is_what_the_tests_think_it_is():
    assert [len(asked.choices) for asked in SHAWARMA.options] == [2, 1]
