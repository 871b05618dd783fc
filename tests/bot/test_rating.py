"""Ratings: at any time, in any state, once for each tap; what they ask of the rooms above."""

import pytest

from tests.bot.kitchen import DINER, GRILL, Guest, an_order, at_the_summary, offered
from wabot.bot import conversation, telling
from wabot.bot.conversation import Heard, Known, State
from wabot.words import OrderStatus, Purpose, Rated

UID = an_order().uid


def guest(**more) -> Guest:
    one = Guest(DINER, name="Sam", orders=(an_order(),), **more)
    one.tell(telling.step(one.orders[0], DINER, ""))
    return one


def hear(choice: str, one: Guest):
    return one.hear(Heard("interactive", "", choice))


def test_rate_now_offers_five_stars_down_to_one():
    draft = guest().tap("Rate now")
    assert [(choice, title) for choice, title in offered(draft)] == [
        (f"rate:{n}:{UID}", "⭐" * n) for n in (5, 4, 3, 2, 1)
    ]
    assert (draft.purpose, draft.step) == (Purpose.RATING, "rating.stars")


@pytest.mark.parametrize("score", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("typed", ["{n}", "{n} stars", "{n} نجوم", "{arabic}", "{stars}", "{wide}"])
def test_a_typed_number_is_so_many_stars_wherever_their_row_stands(typed, score):
    """A list shows no numbers: whoever types 5 means the best, not the fifth row."""
    one = guest()
    one.tap("Rate now")
    text = typed.format(n=score, arabic="٠١٢٣٤٥"[score], stars="⭐" * score, wide="⭐\ufe0f " * score)
    assert one.hear(Heard("text", text)).ratings == (Rated(UID, score),)


@pytest.mark.parametrize("typed", ["0", "6", "55", "⭐" * 6, "⭐" * 3000])
def test_what_is_no_number_of_stars_rates_nothing(typed):
    one = guest()
    one.tap("Rate now")
    assert one.hear(Heard("text", typed)).ratings == ()
    assert one.state.step == "rating.stars"


@pytest.mark.parametrize("score", [4, 5])
def test_a_good_rating_is_thanked_with_the_app(score):
    one = guest()
    answer = hear(f"rate:{score}:{UID}", one)
    assert answer.ratings == (Rated(UID, score),)
    assert answer.keep
    [draft] = answer.drafts
    assert "our pleasure" in draft.text
    assert "https://app.example/dar" in draft.text
    assert "+966" not in draft.text
    assert draft.purpose == Purpose.RATING


@pytest.mark.parametrize("score", [1, 2, 3])
def test_a_poor_rating_is_apologised_for_with_the_contact(score):
    answer = hear(f"rate:{score}:{UID}", guest())
    assert answer.ratings == (Rated(UID, score),)
    assert "We're sorry" in answer.drafts[0].text
    assert "+966 55 123 4567" in answer.drafts[0].text
    assert "app.example" not in answer.drafts[0].text


def test_the_next_text_is_the_comment_and_only_that_one():
    one = guest()
    hear(f"rate:5:{UID}", one)
    answer = one.hear(Heard("text", "  The bread \n was perfect "))
    assert answer.ratings == (Rated(UID, None, "The bread\nwas perfect"),)
    assert one.hear(Heard("text", "and so was the tea")).ratings == ()


@pytest.mark.parametrize("said", ["thanks", "menu", "agent", "English", "عربي", "cola", "where is my order", "hi"])
def test_what_means_something_else_is_no_comment(said):
    one = guest()
    hear(f"rate:5:{UID}", one)
    assert one.hear(Heard("text", said)).ratings == ()
    assert one.hear(Heard("text", "late comment")).ratings == ()


@pytest.mark.parametrize("kind", ["image", "audio", "interactive"])
def test_a_file_or_a_tap_is_no_comment(kind):
    one = guest()
    hear(f"rate:5:{UID}", one)
    assert one.hear(Heard(kind, "the bread was perfect")).ratings == ()


def test_a_reaction_leaves_the_comment_open():
    one = guest()
    hear(f"rate:5:{UID}", one)
    one.hear(Heard("reaction", "👍"))
    assert one.hear(Heard("text", "delicious")).ratings == (Rated(UID, None, "delicious"),)


def test_later_asks_for_a_reminder():
    answer = hear(f"rate:later:{UID}", guest())
    assert (answer.remind, answer.ratings, answer.drafts[0].step) == ((UID,), (), "rating.later")


def test_help_calls_a_person():
    answer = hear(f"rate:help:{UID}", guest())
    assert answer.needs_person
    assert answer.drafts[0].step == "handover"


def test_rating_twice_is_answered_and_counted_once():
    one = guest()
    hear(f"rate:5:{UID}", one)
    for what in ("1", "now", "later"):
        answer = hear(f"rate:{what}:{UID}", one)
        assert (answer.ratings, answer.remind) == ((), ())
        assert "already have your rating" in answer.drafts[0].text


def test_an_order_that_is_not_known_any_more_is_rated_all_the_same():
    one = guest()
    one.orders = ()
    assert hear(f"rate:2:{UID}", one).ratings == (Rated(UID, 2),)


@pytest.mark.parametrize(
    "forged",
    ["rate:6:" + UID, "rate:0:" + UID, "rate:5:", "rate:5:x y", "rate:5:" + "a" * 99, "rate", "rate:now", "rate::"],
)
def test_a_forged_rating_rates_nothing(forged):
    answer = hear(forged, guest())
    assert (answer.ratings, answer.remind, answer.needs_person) == ((), (), False)


@pytest.mark.parametrize(
    "acts", [[], ["hello"], ["order"], ["order", "delivery"], ["2 kebab", "pickup"], ["shawarma"], ["agent"]]
)
def test_a_rating_is_understood_in_any_state_and_loses_no_cart(acts):
    one = guest()
    for act in acts:
        one.say(act)
    cart = one.state.cart
    answer = hear(f"rate:5:{UID}", one)
    assert answer.ratings == (Rated(UID, 5),)
    assert one.state.cart == cart
    assert ("cart" in dict(offered(answer.drafts[0]))) == (not cart.is_empty)


def test_a_comment_at_the_summary_of_the_next_order_is_a_note_of_that():
    one = guest()
    hear(f"rate:5:{UID}", one)
    at_the_summary(one)
    assert one.hear(Heard("text", "ring twice")).ratings == ()
    assert one.state.cart.notes == "ring twice"


@pytest.mark.parametrize("word", ["rate", "تقييم"])
def test_the_newest_delivered_order_can_be_rated_in_words(word):
    one = Guest(GRILL, orders=(an_order(OrderStatus.PREPARING, "1043"), an_order(), an_order(number="1041")))
    assert offered(one.say(word))[0][0] == f"rate:5:{UID}"


@pytest.mark.parametrize("status", [OrderStatus.CONFIRMED, OrderStatus.PREPARING, OrderStatus.CANCELLED])
@pytest.mark.parametrize("choice", ["now", "later", "5", "1"])
def test_an_order_that_was_not_delivered_is_not_rated(status, choice):
    answer = hear(f"rate:{choice}:{UID}", Guest(DINER, name="Sam", orders=(an_order(status),)))
    assert (answer.ratings, answer.remind) == ((), ())
    assert "no order waiting" in answer.drafts[0].text


def test_nothing_to_rate_is_said_so():
    assert "no order waiting" in Guest(DINER, name="Sam").say("rate").text


def test_the_numbers_of_a_notice_are_understood_when_typed():
    one = guest()
    assert one.say("1").step == "rating.stars"
    one = guest()
    one.say("3")
    assert one.state.step == "handover"


def test_a_notice_without_buttons_leaves_what_was_offered():
    state = State("en", "menu.categories", (("cat:g:0", "Grill"),))
    notice = telling.step(an_order(OrderStatus.PREPARING), DINER, "en")
    assert conversation.told(state, notice) == state


def test_a_rating_needs_no_menu():
    heard = Heard("interactive", "", f"rate:5:{UID}")
    answer = conversation.answer(State(), heard, DINER, Known(is_known=False))
    assert (answer.ratings, answer.wants) == ((Rated(UID, 5),), ())
