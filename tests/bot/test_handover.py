import pytest

from tests.bot.cast import RESTAURANT, SALON, greeted
from wabot.bot.conversation import Heard, Profile
from wabot.words import Kind


def test_the_button_for_a_person_calls_one_and_confirms_it():
    answer = greeted(RESTAURANT).hear(Heard("interactive", "التحدث مع موظف", "person"))
    assert answer.needs_person
    [draft] = answer.drafts
    assert (draft.kind, draft.step) == (Kind.TEXT, "handover")
    assert draft.text.endswith("وللتواصل المباشر: \u2068+966 55 123 4567\u2069")


def test_without_a_support_contact_none_is_named():
    draft = greeted(SALON).say("agent")
    assert draft.text.count("\n") == 0
    assert ":" not in draft.text


@pytest.mark.parametrize(
    "text",
    [
        "agent",
        "HUMAN!",
        "Person",
        "ｈｕｍａｎ",
        "🙏 customer service 🙏",
        "I want to talk to a person, please",
        *(
            "موظف",
            "مُوَظَّف",
            "شـخـص",
            "خدمة العملاء",
            "خدمه العملاء",
            "أبغى أكلم موظف لو سمحت",
            "إنسان؟",
            "انسان",
        ),
    ],
)
def test_a_person_can_be_asked_for_in_words(text):
    assert greeted().hear(Heard("text", text)).needs_person


@pytest.mark.parametrize("text", ["the person at the door was rude", "agents of chaos", "ما ابغى موظف", "شخصية"])
def test_a_word_inside_a_sentence_is_no_request(text):
    assert not greeted().hear(Heard("text", text)).needs_person


def test_a_contact_of_any_length_leaves_the_confirmation_whole():
    assert greeted(Profile("x", "en", "SAR", support_contact="9" * 5000)).say("agent").text.startswith("We've")


def test_old_buttons_do_not_answer_to_numbers_after_a_handover():
    customer = greeted()
    customer.say("agent")
    assert customer.say("1").step == "fallback"
