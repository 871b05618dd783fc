import pytest

from tests.bot.cast import MENU, RESTAURANT, SALON, Customer, category, greeted, item, menu_of, options
from wabot.bot.conversation import Profile
from wabot.words import Draft, Kind, Menu, MenuCategory, MenuItem


def rows(draft: Draft) -> list:
    [section] = draft.sections
    return list(section.rows)


def walk(customer: Customer, choice: str) -> list:
    """The rows of a list and of all its further pages, without those that lead on."""
    found, draft = [], customer.tap(choice)
    while rows(draft)[-1].title == "More…":
        found += rows(draft)[:-1]
        draft = customer.tap(rows(draft)[-1].id)
    return found + rows(draft)


def test_the_menu_shows_its_categories():
    draft = greeted().tap("menu")
    assert (draft.kind, draft.step) == (Kind.LIST, "menu.categories")
    assert options(draft) == {"cat:b:0": "Burgers", "cat:d:0": "Drinks"}


def test_a_category_shows_its_items_with_price_and_description():
    draft = greeted(RESTAURANT).tap("cat:b:0")
    assert draft.step == "menu.items"
    assert [(row.id, row.title, row.description) for row in rows(draft)] == [
        ("item:b/beef", "برجر لحم", "24.50 ر.س · Fresh brioche bun"),
        ("item:b/chicken", "برجر دجاج", "22 ر.س"),
    ]


def test_an_item_shows_all_of_itself_and_the_ways_back():
    draft = greeted().tap("item:b/beef")
    assert draft.step == "menu.item"
    assert draft.text == "*Beef burger*\nPrice: 24.50 SAR\nFresh brioche bun"
    assert options(draft) == {"cat:b:0": "Back", "menu": "Menu", "person": "Talk to a person"}


def test_an_item_names_the_app_where_the_tenant_has_one():
    app = Profile("x", "en", "SAR", app_link="https://app.example/x")
    assert greeted(app).tap("item:b/beef").text.endswith("\nOur app: https://app.example/x")


@pytest.mark.parametrize(
    ("minor", "currency", "digits", "shown"),
    [
        (2450, "SAR", 2, "24.50 SAR"),
        (2400, "SAR", 2, "24 SAR"),
        (5, "USD", 2, "0.05 USD"),
        (0, "SAR", 2, "0 SAR"),
        (500, "KWD", 3, "0.500 KWD"),
        (300, "JPY", 0, "300 JPY"),
        (-150, "SAR", 2, "-1.50 SAR"),
    ],
)
def test_prices_are_exact_and_whole_ones_have_no_decimals(minor, currency, digits, shown):
    menu = Menu((category("c", "", "C", item("i", "", "I", minor)),))
    assert f"Price: {shown}" in greeted(Profile("x", "en", currency, digits), menu).tap("item:c/i").text


def test_in_arabic_the_riyal_has_its_word_and_other_currencies_their_code():
    assert "السعر: 24.50 ر.س" in greeted(RESTAURANT).tap("item:b/beef").text
    assert "السعر: \u206824.50 USD\u2069" in greeted(Profile("x", "ar", "USD")).tap("item:b/beef").text


@pytest.mark.parametrize("count", [1, 9, 10, 11, 18, 19, 20, 28, 30, 300])
def test_no_item_of_a_long_category_is_dropped_or_shown_twice(count):
    assert [row.id for row in walk(greeted(menu=menu_of(count)), "cat:c0:0")] == [f"item:c0/i{n}" for n in range(count)]


@pytest.mark.parametrize("count", [2, 10, 11, 30, 300])
def test_no_category_of_a_long_menu_is_dropped_or_shown_twice(count):
    found = [row.id for row in walk(greeted(menu=menu_of(count, categories=count)), "menu")]
    assert found == [f"cat:c{n}:0" for n in range(count)]


def test_ten_rows_fit_on_one_page():
    draft = greeted(menu=menu_of(10)).tap("cat:c0:0")
    assert len(rows(draft)) == 10
    assert "Page" not in draft.text


def test_the_eleventh_moves_two_to_the_next_page():
    customer = greeted(menu=menu_of(11))
    assert "Page 1 of 2" in customer.tap("cat:c0:0").text
    assert [row.title for row in rows(customer.say("more"))] == ["Item 9", "Item 10"]


@pytest.mark.parametrize("index", [0, 8, 9, 18, 27, 28])
def test_back_leads_to_the_page_that_shows_the_item(index):
    customer = greeted(menu=menu_of(29))
    customer.tap(f"item:c0/i{index}")
    assert f"item:c0/i{index}" in options(customer.say("back"))


def test_a_page_beyond_the_last_is_the_last():
    customer = greeted(menu=menu_of(11))
    assert customer.tap("cat:c0:99").text == customer.tap("cat:c0:1").text
    assert customer.tap("cat:c0:" + "9" * 5000).step == "menu.items"


def test_a_menu_of_one_category_goes_straight_to_its_items():
    customer = greeted(menu=menu_of(3))
    assert customer.tap("menu").step == "menu.items"
    assert options(customer.tap("item:c0/i1")) == {"cat:c0:0": "Back", "person": "Talk to a person"}


def test_an_empty_category_is_not_shown():
    menu = Menu((*MENU.categories, MenuCategory("x", {"en": "Soon"})))
    assert "cat:x:0" not in options(greeted(menu=menu).tap("menu"))


def test_a_long_name_is_cut_in_its_row_and_whole_in_its_details():
    menu = Menu((category("c", "", "C", item("i", "", "Chicken " * 25)),))
    customer = greeted(menu=menu)
    [row] = rows(customer.tap("cat:c:0"))
    assert row.title == "Chicken Chicken Chicken…"
    assert row.description.startswith("24.50 SAR · Chicken Chicken Chicken Chicken")
    assert ("Chicken " * 25).strip() in customer.tap("item:c/i").text


def test_a_long_description_gives_way_to_name_price_and_app():
    profile = Profile("x", "en", "SAR", app_link="https://app.example/" + "x" * 150)
    menu = Menu((category("c", "", "C", item("i", "", "n" * 200, 2450, "words " * 900)),))
    for customer in (greeted(profile, menu), Customer(profile, menu, name="N" * 200)):
        text = customer.tap("item:c/i").text
        assert all(part in text for part in ("n" * 200, "24.50 SAR", "words words", profile.app_link))


def test_an_empty_name_falls_back_to_the_other_language_and_then_to_a_word():
    names = ({"ar": "", "en": "Tea"}, {"ar": " \n", "en": ""}, {}, {"en": "\u200f"}, {"ar": "شاي"})
    menu = Menu((MenuCategory("c", {}, tuple(MenuItem(f"{n}", name, 100) for n, name in enumerate(names))),))
    draft = greeted(RESTAURANT, menu).tap("cat:c:0")
    assert [row.title for row in rows(draft)] == ["Tea", "صنف", "صنف (2)", "صنف (3)", "شاي"]
    assert "قسم" in draft.text


def test_duplicate_names_are_told_apart_and_each_leads_to_its_own():
    menu = Menu((category("c", "", "C", *(item(f"i{n}", "", "Tea with mint and honey!!", n) for n in range(10))),))
    customer = greeted(SALON, menu)
    titles = options(customer.tap("cat:c:0"))
    assert titles["item:c/i9"] == "Tea with mint and… (10)"
    assert "0.09 SAR" in customer.say("Tea with mint and… (10)").text


def test_ids_that_are_repeated_empty_or_endless_lead_to_their_own_thing():
    ids = ["same", "same", "same#2", "", "x" * 500, "x" * 499 + "y", "a:b:3"]
    items = [item(id_, "", f"Dish {n}", n) for n, id_ in enumerate(ids)]
    menu = Menu((category("c:1", "", "C", *items), category("c:1", "", "D", item("same", "", "Dish 7", 7))))
    customer = greeted(menu=menu)
    found = [row.id for choice in options(customer.tap("menu")) for row in rows(customer.tap(choice))]
    texts = [customer.tap(choice).text for choice in found]
    assert [f"*Dish {n}*\nPrice: 0.0{n} SAR" if n else "*Dish 0*\nPrice: 0 SAR" for n in range(8)] == texts


@pytest.mark.parametrize("gone", ["cat:gone:0", "item:gone", "cat:", "item", "nonsense", "cat:b", "\x00", "menu2"])
def test_an_old_button_shows_what_there_is_now(gone):
    draft = greeted().tap(gone)
    assert draft.text.startswith("That option is no longer available.\n")
    assert options(draft) == {"cat:b:0": "Burgers", "cat:d:0": "Drinks"}


def test_an_old_button_of_a_tenant_without_a_menu_offers_the_other_buttons():
    draft = greeted(menu=Menu()).tap("cat:b:0")
    assert draft.text == "That option is no longer available."
    assert set(options(draft)) == {"person", "lang:ar"}


def test_an_old_row_whose_name_still_exists_is_found_by_it():
    assert greeted().tap("item:old-id", title="Cola").text.startswith("*Cola*")


def test_the_menu_of_a_tenant_that_has_none_is_said_to_be_missing():
    draft = greeted(menu=Menu()).say("menu")
    assert "isn't available" in draft.text
    assert set(options(draft)) == {"person", "lang:ar"}
