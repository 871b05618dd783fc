"""What the bot wants to know: asked for once, never waited for where it failed, never needed for a welcome."""

import pytest

from tests.bot.kitchen import CATEGORIES, DINER, FULL, HOME, SMALL, Guest, at_the_summary, offered
from wabot.bot import conversation
from wabot.bot.conversation import Heard, Known, State
from wabot.words import Coverage, Location, Menu, MenuCategory, Want, WantKind

CATALOG = Want(WantKind.CATALOG)
UNKNOWN = Known(Menu(), is_known=False)


def answer(state: State, known: Known, **heard: object):
    return conversation.answer(state, Heard(**{"kind": "text", "text": ""} | heard), DINER, known)


def guest(menu=FULL) -> Guest:
    return Guest(DINER, menu, name="Sam", is_fetched=True)


@pytest.mark.parametrize(
    "said", ["hello", "thanks", "agent", "English", "how are you", "track", "rate", "cart", "cola"]
)
def test_who_is_welcomed_thanked_or_handed_over_waits_for_nothing(said):
    assert answer(State(), UNKNOWN, text=said).wants == ()


def test_a_welcome_before_the_menu_is_known_offers_to_order():
    [draft] = answer(State(), UNKNOWN, text="hello").drafts
    assert dict(offered(draft))["order"] == "New order"


@pytest.mark.parametrize(
    "choice",
    ["order", "menu", "menu:3", "cat:g:0", "item:g/kebab", "qty:1:g/kebab", "types", "type:pickup", "branches"],
)
def test_what_needs_the_menu_wants_it_and_changes_nothing(choice):
    state = State("en", "welcome", (("order", "New order"),))
    told = answer(state, UNKNOWN, kind="interactive", choice=choice)
    assert (told.wants, told.state, told.drafts) == ((CATALOG,), state, ())


def test_what_failed_is_said_and_not_wanted_again():
    failed = Known(Menu(), is_known=False, failed=frozenset({CATALOG}))
    told = answer(State(), failed, kind="interactive", choice="order")
    assert told.wants == ()
    [draft] = told.drafts
    assert draft.step == "trouble"
    assert offered(draft) == [("order", "Try again"), ("person", "Talk to a person")]


def test_trying_again_does_what_could_not_be_done():
    one = guest()
    one.say("hello")
    one.is_down = True
    assert one.tap("New order").step == "trouble"
    one.is_down = False
    assert one.tap("Try again").step == "order.type"


def test_the_items_of_a_category_are_wanted_for_the_branch():
    one = guest()
    one.say("pickup")
    one.tap("Nakheel")
    one.tap("From the grill")
    assert one.wanted == [CATALOG, Want(WantKind.ITEMS, "g|nakheel")]


def test_an_old_row_of_an_item_wants_its_category():
    one = guest()
    one.say("menu")
    assert one.choose("item:d/cola").step == "menu.item"
    assert one.wanted[-1] == Want(WantKind.ITEMS, "d|")


def test_a_place_is_wanted_with_five_decimals():
    told = answer(State(), Known(FULL), kind="location", location=Location(24.7001234567, 46.68))
    assert told.wants == (Want(WantKind.COVERAGE, "24.70012,46.68000"),)


def test_a_place_that_cannot_be_checked_is_tried_again_without_being_sent_again():
    want = Want(WantKind.COVERAGE, "24.70010,46.68020")
    known = Known(FULL, failed=frozenset({want}))
    told = answer(State("en", "order.place"), known, kind="location", location=HOME)
    assert offered(told.drafts[0])[0] == ("at:24.70010,46.68020", "Try again")
    known = Known(FULL, coverage={want.key: Coverage(True, "olaya")})
    again = answer(told.state, known, kind="interactive", choice="at:24.70010,46.68020")
    assert again.state.branch_id == "olaya"


def test_a_single_category_is_not_looked_into_in_the_answer_that_chooses_the_branch():
    menu = Menu((MenuCategory("g", {"en": "All"}, (), is_known=False),), FULL.branches, FULL.types)
    told = answer(State(), Known(menu), kind="interactive", choice="type:pickup")
    told = answer(told.state, Known(menu), kind="interactive", choice="branch:olaya")
    assert told.wants == ()
    assert offered(told.drafts[0]) == [("cat:g:0", "All")]
    told = answer(told.state, Known(menu), kind="interactive", choice="cat:g:0")
    assert told.wants == (Want(WantKind.ITEMS, "g|olaya"),)


def test_the_checkout_wants_what_it_must_look_up_of_every_line():
    one = guest(SMALL)
    at_the_summary(one)
    one.wanted = [CATALOG]
    told = answer(one.state, one.known(set()), kind="interactive", choice="checkout")
    assert told.wants == (Want(WantKind.ITEMS, "g|olaya"),)
    one.is_down = True
    assert one.choose("checkout").step == "trouble"
    assert len(one.state.cart.entries) == 1


def test_a_confirmation_is_not_taken_unchecked():
    one = guest(SMALL)
    confirm = offered(at_the_summary(one))[0][0]
    one.wanted.clear()
    one.is_down = True
    assert one.choose(confirm).step == "trouble"
    assert one.wishes == []
    one.is_down = False
    one.tap("Try again")
    assert len(one.wishes) == 1


def test_a_category_that_turns_out_to_be_empty_is_said_so():
    one = Guest(DINER, Menu((CATEGORIES[1], MenuCategory("e", {"en": "Soon"}))), name="Sam", is_fetched=True)
    one.say("menu")
    draft = one.tap("Soon")
    assert draft.text.startswith("There's nothing in that section at the moment.")
    assert [choice for choice, _ in offered(draft)] == ["item:d/cola", "item:d/tea"]


def test_a_language_can_be_chosen_though_nothing_can_be_fetched():
    one = guest()
    one.say("order")
    one.wanted.clear()
    one.is_down = True
    one.say("عربي")
    assert one.state.locale == "ar"


def test_a_catalog_without_anything_is_said_to_be_empty():
    one = Guest(DINER, Menu(types=FULL.types, branches=FULL.branches), name="Sam", is_fetched=True)
    one.say("pickup")
    assert "isn't available" in one.tap("Olaya").text


def test_a_cart_that_moves_to_another_branch_is_looked_up_there_before_it_is_ordered():
    one = guest()
    at_the_summary(one)
    one.say("pickup")
    one.wanted = [CATALOG]
    draft = one.tap("Nakheel")
    assert (draft.step, one.wanted) == ("order.summary", [CATALOG])
    one.say("cash")
    assert one.wanted == [CATALOG, Want(WantKind.ITEMS, "g|nakheel")]
    assert one.wishes[0].branch_id == "nakheel"
