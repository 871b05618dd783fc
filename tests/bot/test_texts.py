import re

import pytest

from tests.bot.cast import MENU, RESTAURANT, Customer
from tests.bot.kitchen import Guest, an_order, at_the_summary
from wabot.bot import understanding, wording
from wabot.words import OrderType

EVERY = list(wording.ALL.values())
AT_THE_SUMMARY = {"yes", "no", "pay:cash", "pay:online", "clear", "back"}
LEADS_TO = {
    "menu": "menu.categories", "order": "order.type", "cart": "cart", "checkout": "cart", "clear": "cart.clear",
    "back": "cart", "yes": "order.summary", "no": "cart", "pay:cash": "order.accepted", "pay:online": "order.accepted",
    "type:delivery": "order.place", "type:pickup": "order.branch", "type:dine_in": "order.branch",
    "type:car": "order.branch", "track": "orders.one", "stars": "rating.stars", "person": "handover",
    "hello": "welcome", "thanks": "thanks", "lang:ar": "language", "lang:en": "language",
}  # fmt: skip
PLACE = re.compile(r"\{(\w*)\}")


def places(table: dict[str, str]) -> dict[str, set[str]]:
    return {key: set(PLACE.findall(text)) for key, text in table.items()}


def test_both_languages_have_the_same_texts_with_the_same_places():
    arabic, english = wording.ALL["ar"], wording.ALL["en"]
    assert places(arabic.says) == places(english.says)
    for part in ("buttons", "currencies", "words"):
        assert getattr(arabic, part).keys() == getattr(english, part).keys()


@pytest.mark.parametrize("language", EVERY, ids=lambda language: language.locale)
def test_every_text_is_short_and_clean(language):
    for text in (*language.says.values(), *language.buttons.values(), *language.currencies.values()):
        assert text == text.strip()
        assert text
        assert "  " not in text
    assert all(len(text) <= 160 and text.count("\n") <= 2 for text in language.says.values())
    assert not any(PLACE.search(text) for text in language.buttons.values())


@pytest.mark.parametrize("language", EVERY, ids=lambda language: language.locale)
def test_every_button_fits_and_no_two_are_alike(language):
    titles = list(language.buttons.values())
    assert all(len(title) <= 20 for title in titles)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("language", EVERY, ids=lambda language: language.locale)
def test_every_text_that_is_a_buttons_title_fits_on_one(language):
    titles = [language.say(f"type_{type_}") for type_ in OrderType]
    titles += [language.say(text, count="3") for text in ("add", "make")]
    assert all(len(title) <= 20 for title in titles)
    assert len({*titles, *language.buttons.values()}) == len(titles) + len(language.buttons)


def test_an_arabic_text_begins_in_arabic_so_that_it_is_shown_from_the_right():
    for key, text in wording.ALL["ar"].says.items():
        first = next((character for character in PLACE.sub("", text) if character.isalpha()), "")
        assert "\u0600" <= first <= "\u06ff", key
        assert not text.startswith("{"), key


def test_no_word_means_two_things():
    meanings: dict[str, set[str]] = {}
    for language in EVERY:
        for choice, phrases in (*language.words.items(), ("hello", language.salam)):
            for phrase in phrases:
                meanings.setdefault(understanding.plain(phrase), set()).add(choice)
    assert "" not in meanings
    assert {phrase: choices for phrase, choices in meanings.items() if len(choices) > 1} == {}


@pytest.mark.parametrize("language", EVERY, ids=lambda language: language.locale)
def test_every_word_is_understood_by_a_customer_of_either_language(language):
    for choice, phrases in language.words.items():
        for phrase in phrases:
            guest = Guest(orders=(an_order(),))
            if choice in AT_THE_SUMMARY:
                at_the_summary(guest)
            guest.say(phrase)
            assert guest.state.step == LEADS_TO[choice], phrase


@pytest.mark.parametrize("language", EVERY, ids=lambda language: language.locale)
def test_every_title_of_a_button_is_understood_when_typed(language):
    customer = Customer(RESTAURANT, MENU)
    assert customer.say(language.buttons["menu"]).step == "menu.categories"
    assert customer.say(language.buttons["person"]).step == "handover"
    assert customer.say(language.buttons["back"]).step == "home"
    assert customer.say(language.buttons["language"]).step == "language"


@pytest.mark.parametrize("language", EVERY, ids=lambda language: language.locale)
def test_what_a_text_asks_to_be_typed_is_understood(language):
    word = language.says["items_hint"].rpartition(":")[2]
    assert Customer(RESTAURANT).say(word).step == "menu.categories"
