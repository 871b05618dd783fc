import pytest

from tests.bot.cast import MENU, RESTAURANT, SALON, Customer, greeted, options
from wabot.bot.conversation import Heard, Profile, State
from wabot.words import Menu, Purpose


def test_the_first_message_is_answered_with_a_welcome_by_name_in_the_tenants_language():
    draft = Customer(RESTAURANT, name="سارة").say("عندكم توصيل؟")
    assert draft.text == "أهلاً سارة 👋\nحيّاكم الله في برجر الحي. كيف نقدر نخدمكم؟"
    assert (draft.purpose, draft.step) == (Purpose.WELCOME, "welcome")
    assert options(draft) == {"menu": "القائمة", "person": "التحدث مع موظف", "lang:en": "English"}


def test_an_english_tenant_welcomes_in_english_and_offers_arabic_by_its_own_name():
    draft = Customer(SALON).say("hello")
    assert draft.text == "Hello Sara 👋\nWelcome to Glow Salon. How can we help you?"
    assert options(draft) == {"menu": "Menu", "person": "Talk to a person", "lang:ar": "العربية"}


def test_writing_in_the_other_script_does_not_change_the_tenants_language():
    assert "حيّاكم" in Customer(RESTAURANT).say("Good evening").text


def test_a_locale_that_the_bot_does_not_speak_is_answered_in_english():
    assert "Welcome" in Customer(Profile("Chez Nous", "fr", "EUR")).say("bonjour").text


def test_a_locale_with_a_region_is_understood():
    assert "حيّاكم" in Customer(Profile("مطعم", "ar-SA", "SAR")).say("hi").text


@pytest.mark.parametrize("nameless", ["", "   ", "\n\t", ".", "🌸🌸", "123", "\u202e\u200f"])
def test_a_customer_without_a_name_is_greeted_without_one(nameless):
    assert Customer(name=nameless).say("hi").text.startswith("Hello 👋\n")


def test_a_name_is_one_line_of_at_most_forty_characters():
    first_line = Customer(name="  Sara\r\nBcc: x\x00\u202e " + "y" * 99).say("hi").text.splitlines()[0]
    assert first_line == "Hello Sara Bcc: x yyyyyyyyyyyyyyyyyyyyyyyyyyy… 👋"
    assert len(first_line) == len("Hello  👋") + 40


def test_the_salam_is_returned():
    assert (
        Customer(RESTAURANT).say("السلام عليكم، عندكم توصيل؟").text.startswith("وعليكم السلام، أهلاً \u2068Sara\u2069")
    )
    assert greeted().say("Salam alaikum").text.startswith("Wa alaikum assalam, Sara")
    assert Customer(RESTAURANT, name="").say("سلام").text.startswith("وعليكم السلام 👋\n")
    assert not Customer(RESTAURANT).say("سلامتك").text.startswith("وعليكم")


def test_a_later_greeting_is_a_reply_and_not_a_welcome():
    draft = greeted().say("Good morning!")
    assert (draft.purpose, draft.step) == (Purpose.REPLY, "welcome")


def test_a_first_message_that_is_understood_is_answered_at_once_under_a_greeting():
    draft = Customer(SALON).say("menu")
    assert draft.text.startswith("Hello Sara 👋\n")
    assert (draft.purpose, draft.step) == (Purpose.WELCOME, "menu.categories")


def test_the_menu_is_not_offered_where_there_is_none():
    assert "menu" not in options(Customer(menu=Menu()).say("hi"))
    hollow = Menu((type(MENU.categories[0])("x", {"en": "Empty"}),))
    assert "menu" not in options(Customer(menu=hollow).say("hi"))


def test_what_is_not_understood_is_said_so_with_the_buttons():
    draft = greeted().say("asdf qwer")
    assert draft.step == "fallback"
    assert set(options(draft)) == {"menu", "person", "lang:ar"}


@pytest.mark.parametrize("text", ["", "   ", "\n", "🙂", "!!!", "\u200f"])
def test_a_text_that_says_nothing_is_not_understood(text):
    assert greeted().say(text).step == "fallback"


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker", "location", "contacts", "poll"])
def test_what_the_bot_cannot_read_is_told_kindly_with_the_buttons(kind):
    draft = greeted().say("", kind)
    assert draft.step == "unreadable"
    assert "read this kind of message" in draft.text
    assert "person" in options(draft)


def test_a_caption_that_is_understood_is_answered():
    assert greeted().say("menu", "image").step == "menu.categories"


@pytest.mark.parametrize("kind", ["reaction", "system", "unsupported", "edit", "revoke"])
def test_a_reaction_and_its_like_get_no_answer_and_change_nothing(kind):
    for customer in (Customer(), greeted()):
        before = customer.state
        answer = customer.hear(Heard(kind, "menu"))
        assert (answer.drafts, answer.state, answer.needs_person) == ((), before, False)


def test_a_reaction_first_leaves_the_welcome_for_later():
    customer = Customer()
    customer.hear(Heard("reaction", "👍"))
    assert customer.say("hi").purpose == Purpose.WELCOME


def test_thanks_are_returned():
    assert greeted().say("Thanks!").step == "thanks"
    assert greeted(RESTAURANT).say("الله يعطيكم العافية").step == "thanks"


def test_choosing_a_language_is_answered_in_it_and_kept():
    customer = greeted(RESTAURANT)
    draft = customer.tap("lang:en")
    assert draft.step == "language"
    assert options(draft) == {"menu": "Menu", "person": "Talk to a person", "lang:ar": "العربية"}
    assert customer.state.locale == "en"
    assert customer.say("nonsense words").text.startswith("Sorry")
    assert customer.say("hi").text.startswith("Hello")


def test_a_language_is_chosen_by_its_name():
    assert greeted(RESTAURANT).say("English please").step == "language"
    assert "بالعربية" in greeted().say("عربي").text


def test_until_a_customer_chooses_the_tenant_may_change_its_language():
    customer = greeted(RESTAURANT)
    customer.profile = SALON
    assert customer.state.locale == ""
    assert customer.say("hi").text.startswith("Hello")


def test_a_choice_of_language_at_first_contact_greets_in_it():
    draft = Customer(RESTAURANT).say("English")
    assert draft.text.startswith("Hello Sara 👋\nSure")
    assert draft.purpose == Purpose.WELCOME


def test_a_language_that_is_none_is_an_old_button():
    customer = greeted()
    assert "no longer available" in customer.tap("lang:xx").text
    assert customer.state == State("", "menu.categories", customer.state.offered, "menu:0")
