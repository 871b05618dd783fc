"""The summary, what is checked before it, and the customer's word: an order is only ever what was shown."""

from dataclasses import replace

import pytest

from tests.bot.kitchen import DINER, FULL, HOME, KEBAB, SHAWARMA, SMALL, Guest, at_the_summary, offered
from wabot.words import Menu, MenuCategory, MenuItem, OrderStatus, OrderType, PaymentMethod, Picked


def guest(menu: Menu = FULL, **more) -> Guest:
    return Guest(DINER, menu, name="Sam", **more)


def confirmation(draft) -> str:
    return next(choice for choice, _ in offered(draft) if choice.startswith("confirm:"))


def with_item(menu: Menu, item: MenuItem) -> Menu:
    """The menu with this item in the place of the one of its id."""
    shelves = (
        replace(shelf, items=tuple(item if old.id == item.id else old for old in shelf.items))
        for shelf in menu.categories
    )
    return replace(menu, categories=tuple(shelves))


def without(menu: Menu, *ids: str) -> Menu:
    shelves = (replace(s, items=tuple(item for item in s.items if item.id not in ids)) for s in menu.categories)
    return replace(menu, categories=tuple(shelves))


def test_the_wish_is_all_of_what_was_chosen():
    one = guest()
    one.send(HOME)
    for choice in ("item:g/shawarma", *("large", "cheese", "cheese", "that's all", "2")):
        one.choose(choice) if ":" in choice else one.say(choice)
    one.say("checkout")
    one.say("no onions,\nthird floor")
    one.tap("Pay online")
    [wish] = one.wishes
    assert (wish.type, wish.payment, wish.branch_id) == (OrderType.DELIVERY, PaymentMethod.ONLINE, "olaya")
    assert (wish.latitude, wish.longitude, wish.notes) == (24.7001, 46.6802, "no onions,\nthird floor")
    assert "شارع العليا" in wish.address
    [line] = wish.lines
    assert (line.item_id, line.name["en"], line.price_minor, line.quantity) == ("shawarma", "Shawarma", 1800, 2)
    assert line.choices == (
        Picked("l", {"ar": "كبير", "en": "Large"}, 600),
        Picked("saj", {"ar": "صاج", "en": "Saj"}),
    )
    assert line.add_ons == (Picked("cheese", {"ar": "جبن", "en": "Cheese"}, 300, 2),)
    assert wish.total_minor == line.total_minor == 2 * (1800 + 600 + 2 * 300)


def test_a_pickup_tells_its_branch_and_no_place():
    one = guest()
    one.say("pickup")
    one.send(HOME)
    one.tap("Nakheel")
    one.say("2 kebab")
    draft = one.say("checkout")
    assert "Address" not in draft.text
    one.say("cash")
    [wish] = one.wishes
    assert (wish.branch_id, wish.latitude, wish.longitude, wish.address) == ("nakheel", None, None, "")


def test_a_double_tap_orders_once():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.choose(confirm)
    draft = one.choose(confirm)
    assert len(one.wishes) == 1
    assert draft.text.startswith("We have your order, no need to confirm it again ✅\nYour order 1042 is confirmed")


def test_a_double_tap_before_the_order_is_known_is_told_so_too():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.choose(confirm)
    one.orders = ()
    assert one.choose(confirm).text == "We have your order, no need to confirm it again ✅"
    assert len(one.wishes) == 1


@pytest.mark.parametrize("change", ["2 cola", "buy:1:d/cola", "pickup"])
def test_a_button_of_an_earlier_summary_does_not_order_a_changed_cart(change):
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.choose(change) if ":" in change else one.say(change)
    draft = one.choose(confirm)
    assert one.wishes == []
    assert "Your cart has changed since then." in draft.text
    assert draft.step == "cart"


def test_a_button_of_an_earlier_order_does_not_order_the_next_cart():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.choose(confirm)
    at_the_summary(one)
    one.choose(confirm)
    assert len(one.wishes) == 1


def test_an_expired_cart_is_not_ordered_by_its_button():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.state = one.state.without_cart()
    assert one.choose(confirm).step == "cart"
    at_the_summary(one)
    one.choose(confirm)
    assert one.wishes == []


def test_a_cart_that_cannot_be_read_any_more_is_not_ordered_by_its_button():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    kept = one.state.to_json()
    kept["cart"] = {**kept["cart"], "format": 0}
    one.state = type(one.state).from_json(kept)
    assert one.state.cart.is_empty
    at_the_summary(one)
    one.choose(confirm)
    assert one.wishes == []


def test_a_confirmation_that_was_never_offered_orders_nothing():
    one = guest()
    one.say("2 kebab")
    for forged in (f"confirm:{one.state.cart.version}:cash", f"confirm:{one.state.cart.version}:barter", "confirm"):
        one.choose(forged)
    assert one.wishes == []


def test_a_price_that_rose_before_the_summary_is_told_and_charged():
    one = guest()
    one.send(HOME)
    one.say("2 kebab")
    one.menu = with_item(FULL, replace(KEBAB, price_minor=4000))
    draft = one.say("checkout")
    assert draft.text.startswith("Some prices have changed since you chose. These are the current ones.")
    assert "2 × Kebab = 80 SAR" in draft.text
    one.say("cash")
    assert one.wishes[0].total_minor == 8000


def test_a_price_that_rose_after_the_summary_is_shown_before_it_is_charged():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.menu = with_item(FULL, replace(KEBAB, price_minor=4000))
    draft = one.choose(confirm)
    assert (draft.step, one.wishes) == ("order.summary", [])
    assert "Some prices have changed" in draft.text
    one.choose(confirmation(draft))
    assert one.wishes[0].total_minor == 4000


def test_what_is_gone_is_removed_and_told():
    one = guest()
    one.send(HOME)
    one.say("2 kebab")
    one.say("1 cola")
    one.menu = without(FULL, "cola")
    draft = one.say("checkout")
    assert draft.text.startswith("Removed from your cart, no longer available: Cola\n")
    one.say("cash")
    assert [line.item_id for line in one.wishes[0].lines] == ["kebab"]


def test_a_cart_of_which_nothing_is_left_leads_to_the_menu():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.menu = without(FULL, "kebab")
    draft = one.choose(confirm)
    assert draft.step == "menu.categories"
    assert "Kebab" in draft.text
    assert one.wishes == []


@pytest.mark.parametrize(
    "changed",
    [
        replace(SHAWARMA, options=()),
        replace(SHAWARMA, options=SHAWARMA.options[:1]),
        replace(SHAWARMA, options=(replace(SHAWARMA.options[0], choices=()), SHAWARMA.options[1])),
        replace(SHAWARMA, options=(SHAWARMA.options[1], SHAWARMA.options[0])),
        replace(SHAWARMA, add_ons=()),
        replace(SHAWARMA, types=(OrderType.CAR,)),
        replace(SHAWARMA, price_minor=-1),
        replace(SHAWARMA, price_minor=10**15),
    ],
)
def test_what_can_no_longer_be_had_as_it_was_chosen_is_gone(changed):
    one = guest()
    one.send(HOME)
    for said in ("shawarma", "large", "cheese", "that's all", "1", "1 kebab"):
        one.say(said)
    one.menu = with_item(FULL, changed)
    assert "no longer available: Shawarma" in one.say("checkout").text
    assert [line.item_id for line in one.state.cart.lines] == ["kebab"]


def test_what_changes_its_kind_of_order_loses_what_that_kind_does_not_have():
    one = guest()
    one.choose("type:dine_in")
    one.choose("branch:olaya")
    one.say("1 family platter")
    one.say("1 kebab")
    one.choose("type:delivery")
    assert "no longer available: Family platter" in one.send(HOME).text


def test_an_order_below_the_minimum_is_told_how_much_is_missing():
    one = guest()
    one.send(HOME)
    one.say("3 cola")
    draft = one.say("checkout")
    assert draft.text.startswith("The minimum order is 20 SAR. Please add 5 SAR more to check out.")
    assert draft.step == "cart"
    one.say("1 cola")
    assert one.say("checkout").step == "order.summary"


def test_the_minimum_is_checked_again_when_it_is_confirmed():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    one.profile = replace(DINER, minimum_order_minor=5000)
    assert one.choose(confirm).step == "cart"
    assert one.wishes == []


@pytest.mark.parametrize("payments", [(), (PaymentMethod.CASH,), (PaymentMethod.ONLINE,)])
def test_with_one_way_to_pay_nobody_is_asked_about_it(payments):
    one = guest(replace(FULL, payments=payments))
    draft = at_the_summary(one)
    assert [title for _, title in offered(draft)] == ["Confirm order", "Change order"]
    one.say("yes")
    assert one.wishes[0].payment == (payments or (PaymentMethod.CASH,))[0]


def test_a_yes_does_not_choose_between_two_ways_to_pay():
    one = guest()
    at_the_summary(one)
    assert one.say("yes").step == "order.summary"
    assert one.wishes == []


@pytest.mark.parametrize("word", ["yes", "cash", "no"])
def test_a_yes_or_a_no_without_a_question_is_not_understood(word):
    one = guest()
    one.say("hello")
    answer_step = one.say(word).step
    assert answer_step == "fallback"
    assert one.wishes == []


def test_a_way_to_pay_that_is_not_offered_orders_nothing():
    one = guest(SMALL)
    at_the_summary(one)
    one.say("online")
    assert one.wishes == []


def test_what_is_written_at_the_summary_is_a_note_and_can_be_changed():
    one = guest()
    at_the_summary(one)
    assert "Note: ring twice" in one.say("ring twice").text
    draft = one.say("ring once")
    assert "Note: ring once" in draft.text
    assert "To change the note" in draft.text


@pytest.mark.parametrize("asks", ["how long will it take?", "كم تستغرق؟", "🙂", "", "!!!"])
def test_a_question_at_the_summary_is_no_note(asks):
    one = guest()
    at_the_summary(one)
    assert one.say(asks).step == "order.summary"
    assert one.state.cart.notes == ""


def test_a_tap_or_a_known_word_at_the_summary_is_no_note():
    for act in ("menu", "English", "agent", "cola"):
        one = guest()
        at_the_summary(one)
        one.say(act)
        assert one.state.cart.notes == ""


def test_the_summarys_last_line_is_the_question_that_its_buttons_answer():
    assert at_the_summary(guest()).text.endswith("To place the order, choose how you'd like to pay:")
    assert at_the_summary(guest(SMALL)).text.endswith("Shall we place the order?")


@pytest.mark.parametrize(
    ("method", "told"), [(PaymentMethod.CASH, "Cash on delivery"), (PaymentMethod.ONLINE, "Online payment")]
)
def test_where_there_is_one_way_to_pay_the_summary_names_it(method, told):
    assert told in at_the_summary(guest(replace(FULL, payments=(method,)))).text.splitlines()


def test_an_endless_note_is_cut_and_the_total_stays():
    one = guest()
    at_the_summary(one)
    draft = one.say("word " * 190)
    assert len(one.state.cart.notes) <= 500
    assert "Total: 32 SAR" in draft.text


def test_a_full_cart_of_long_names_still_shows_its_total_and_its_question():
    items = tuple(MenuItem(f"i{n}", {"en": f"{n} " + "x" * 198}, 1000 + n) for n in range(50))
    one = guest(replace(FULL, categories=(MenuCategory("c", {"en": "All"}, items),)))
    one.send(HOME)
    for n in range(50):
        one.choose(f"buy:99:c/i{n}")
    assert len(one.state.cart.entries) == 50
    draft = one.say("checkout")
    assert "More items: " in draft.text
    assert f"Total: {99 * sum(1000 + n for n in range(50)) / 100:.2f} SAR" in draft.text
    assert "choose how you'd like to pay" in draft.text
    one.say("cash")
    assert len(one.wishes[0].lines) == 50


def test_a_refused_order_can_be_brought_back_and_ordered_again():
    one = guest()
    one.choose(confirmation(at_the_summary(one)))
    draft = one.choose("again")
    assert (draft.step, draft.text.splitlines()[0]) == ("cart", "We've brought your previous cart back.")
    assert one.say("checkout").step == "order.summary"
    one.say("cash")
    assert one.wishes[0] == one.wishes[1]


def test_bringing_back_nothing_begins_a_new_order():
    assert guest().choose("again").step == "order.type"


def test_bringing_back_does_not_touch_a_cart_that_is_being_filled():
    one = guest()
    one.choose(confirmation(at_the_summary(one)))
    one.say("2 cola")
    one.choose("again")
    assert [line.item_id for line in one.state.cart.lines] == ["cola"]


def test_after_the_order_numbers_mean_what_its_acceptance_offers():
    one = guest()
    one.choose(confirmation(at_the_summary(one)))
    assert one.say("1").step == "orders.one"
    assert one.orders[0].status is OrderStatus.CONFIRMED


def test_a_confirmation_says_nothing_itself():
    one = guest()
    confirm = confirmation(at_the_summary(one))
    before = len(one.drafts)
    one.choose(confirm)
    assert [draft.step for draft in one.drafts[before:]] == ["order.accepted"]
    assert one.state.cart.is_empty


@pytest.mark.parametrize("kind", ["audio", "image", "sticker"])
def test_a_voice_note_in_the_middle_of_an_order_loses_nothing(kind):
    one = Guest(DINER)
    before = at_the_summary(one)
    draft = one.say("", kind)
    assert draft.step == before.step
    assert draft.buttons == before.buttons
    assert draft.text == f"Sorry, we can't read this kind of message here.\n{before.text}"
