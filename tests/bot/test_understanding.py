import pytest

from tests.bot.cast import MENU, RESTAURANT, Customer, category, greeted, item, options
from wabot.bot import understanding
from wabot.words import Menu


@pytest.mark.parametrize(
    "text",
    [
        *(
            "menu",
            "MENU",
            " Menu. ",
            "📋 menu 📋",
            "ｍｅｎｕ",
            "Can I see the menu please?",
            "price list",
        ),
        *("قائمة", "القائمه", "المنيو", "مَنيو", "المنيـــو", "ابغى المنيو لو سمحتم", "وش عندكم؟"),
    ],
)
def test_the_menu_can_be_asked_for_in_words(text):
    assert greeted(RESTAURANT).say(text).step == "menu.categories"


@pytest.mark.parametrize("number", ["2", "٢", "۲", "2.", " 2 ", "02", "2️⃣", "②", "２"])
def test_a_number_chooses_the_nth_that_was_offered(number):
    customer = greeted()
    customer.tap("menu")
    assert "*Drinks*" in customer.say(number).text


@pytest.mark.parametrize("number", ["0", "3", "-1 0", "99", "1e9", "٩" * 50, "1.5"])
def test_a_number_that_was_not_offered_is_not_understood(number):
    customer = greeted()
    customer.tap("menu")
    assert customer.say(number).step == "fallback"


def test_a_number_means_what_was_offered_last():
    customer = greeted()
    customer.tap("menu")
    customer.say("1")
    assert customer.say("2").text.startswith("*Chicken burger*")


@pytest.mark.parametrize("text", ["Burgers", "burgers!", "BURGERS", "البرجر", "ٱلبُرجَر"])
def test_a_typed_title_is_a_tap(text):
    customer = greeted()
    customer.tap("menu")
    assert "*Burgers*" in customer.say(text).text


@pytest.mark.parametrize("text", ["شاي أخضر بالنكهة", "شاى اخضر بالنكهه", "شايٌ أَخْضَر بالنّكهة", "شـاي  آخضر،بالنكهة"])
def test_arabic_titles_are_understood_however_they_are_spelled(text):
    menu = Menu((category("c", "ج", "C", item("i", "شاي أخضر بالنكهة", ""), item("j", "قهوة", "")),))
    assert greeted(RESTAURANT, menu).say(text).text.startswith("*شاي أخضر بالنكهة*")


def test_a_name_in_the_menu_is_found_though_it_was_not_offered():
    assert greeted().say("cola").step == "menu.item"
    assert greeted().say("I would like a beef burger please").text.startswith("*Beef burger*")


def test_the_whole_name_is_understood_where_its_row_was_cut():
    name = "Crispy chicken burger with garlic sauce"
    customer = greeted(menu=Menu((category("c", "", "C", item("i", "", name)),)))
    assert customer.tap("menu").sections[0].rows[0].title != name
    assert customer.say(name.lower()).text.startswith(f"*{name}*")


def test_what_was_offered_comes_before_a_word_that_the_bot_knows():
    menu = Menu((*MENU.categories, category("h", "", "Help", item("i", "", "Haircut"))))
    customer = greeted(menu=menu)
    assert customer.say("help").step == "welcome"
    customer.tap("menu")
    assert customer.say("help").step == "menu.items"


def test_an_offered_option_that_left_the_menu_is_said_to_be_gone():
    customer = greeted()
    customer.tap("menu")
    customer.menu = Menu(MENU.categories[:1])
    assert customer.say("2").text.startswith("That option is no longer available.")


def test_names_of_signs_alone_are_never_matched_by_a_text_that_says_nothing():
    customer = greeted(menu=Menu((category("c", "", "🍕", item("i", "", "!!!")),)))
    assert customer.say("🙂").step == "fallback"
    assert customer.say("please").step == "fallback"


def test_a_text_with_the_menus_word_inside_is_not_the_menu():
    assert greeted().say("your menu was wrong yesterday").step == "fallback"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text", ["a" * 100_000, "menu " * 20_000, "\u0316\u0301" * 50_000, "ﷺ" * 100_000, " " * 100_000]
)
def test_an_endless_text_is_not_understood_and_costs_nothing(text):
    customer = greeted()
    assert customer.say(text).step == "fallback"
    assert Customer(name=text).say(text).step == "welcome"
    customer.menu = Menu((category("c", text, text, item("i", text, text, 1, text)),))
    assert options(customer.say("menu"))


@pytest.mark.parametrize(
    "hostile", ["{{7*7}}", "{0.__class__}", "%s %(x)d", "{customer}", "{item}", "\\1 \\g<0>", "$name"]
)
def test_strangers_text_is_never_a_template(hostile):
    assert Customer(name=f"x {hostile}").say(hostile).text.startswith(f"Hello x {hostile} 👋\n")
    menu = Menu((category("c", hostile, hostile, item("i", hostile, hostile, 100, hostile)),))
    customer = greeted(menu=menu)
    assert hostile in customer.tap("menu").text
    assert customer.tap("item:c/i").text == f"*{hostile}*\nPrice: 1 SAR\n{hostile}"


def test_letters_are_compared_without_case_marks_width_and_spelling():
    assert understanding.plain("  Crème-BRÛLÉE №1! ") == "creme brulee no1"
    assert understanding.plain("إِنْـسَـانٌ، أُمَّة آلى") == "انسان امه الي"
    assert understanding.plain("سوال ٣ ۳ 3") == "سوال 3 3 3"
