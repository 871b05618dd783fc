"""Orders of a tenant that takes them itself: placed, moved, told of, once each."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.conftest import Stage
from tests.core.kitchen import JUICE, WISH, Kitchen
from wabot import clock, errors, words
from wabot.bot import telling
from wabot.core import order_steps, ordering, profile, stepping, templates, tenancy
from wabot.store import consent, customers, db, order_lists, orders
from wabot.store.events import Topic
from wabot.store.messages import Message
from wabot.store.orders import Order
from wabot.words import Line, OrderStatus, OrderType, PaymentMethod, Picked


@pytest.fixture
def kitchen(stage: Stage) -> Kitchen:
    return Kitchen(stage)


def move(order: Order, status: OrderStatus) -> Order:
    return stepping.move(order.tenant_id, order.id, status, actor="a test", slug="bait")


def events() -> list[tuple[str, int]]:
    return db.rows("SELECT type, subject_id FROM event WHERE topic = ? ORDER BY id", Topic.ORDERS.value)  # type: ignore[return-value]


def test_an_order_is_taken_at_once_and_its_customer_told_with_its_number(kitchen: Kitchen) -> None:
    order = kitchen.place()
    assert (order.status, order.number, order.total_minor, order.currency) == (OrderStatus.CONFIRMED, "1", 4500, "SAR")
    assert kitchen.timeline(order) == ["DRAFT", "CONFIRMED"]
    assert kitchen.told(order) == ["CONFIRMED"]
    assert events() == [("order.created", order.id), ("order.updated", order.id)]
    kitchen.stage.deliver()
    assert "order 1 " in kitchen.stage.out()[-1].body
    assert kitchen.stage.out()[-1].status is words.Status.SENT


def test_what_was_wished_can_be_read_again_as_it_was(kitchen: Kitchen) -> None:
    assert orders.wish(kitchen.place()) == WISH


def test_the_same_key_is_the_same_order(kitchen: Kitchen) -> None:
    first, second = kitchen.place(key="answer:7"), kitchen.place(key="answer:7", notes="again")
    assert first.id == second.id
    assert (len(kitchen.told(first)), Order.select().count()) == (1, 1)


def test_numbers_count_for_each_tenant_by_itself(kitchen: Kitchen, make_channel: Any) -> None:
    other = make_channel("luma", "+966500000002")
    assert [kitchen.place().number for _ in range(3)] == ["1", "2", "3"]
    kitchen.stage.webhook(kitchen.stage.item(phone="+966522222222"), channel=other)
    kitchen.stage.answer()
    conversation = customers.Conversation.get(customers.Conversation.channel == other.id)
    assert kitchen.place(conversation=conversation).number == "1"


def test_a_tenant_with_a_menu_of_its_own_and_a_merchant_takes_its_orders_itself(kitchen: Kitchen) -> None:
    kitchen.at_the_platform()
    kitchen.with_a_menu()
    assert kitchen.place().status is OrderStatus.CONFIRMED


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (JUICE,) * 51,
        (replace(JUICE, quantity=0),),
        (replace(JUICE, quantity=-3),),
        (replace(JUICE, quantity=100),),
        (replace(JUICE, price_minor=-1),),
        (replace(JUICE, price_minor=10**12),),
        (replace(JUICE, choices=(Picked("x", {}, -800),)),),
        (replace(JUICE, add_ons=(Picked("x", {}, 100, -9),)),),
    ],
)
def test_a_wish_that_no_cart_can_hold_is_refused_and_leaves_nothing(kitchen: Kitchen, lines: tuple[Line, ...]) -> None:
    with pytest.raises(errors.Refused) as refused:
        kitchen.place(lines=lines)
    assert refused.value.code == "bad_order"
    assert Order.select().count() == 0


@pytest.mark.parametrize(("least", "total", "is_taken"), [("8", 800, True), ("8.01", 800, False), ("", 800, True)])
def test_the_minimum_order_holds_whatever_the_bot_has_added_up(
    kitchen: Kitchen, least: str, total: int, is_taken: bool
) -> None:
    tenancy.edit_tenant("bait", {}, {"minimum_order": least})
    if is_taken:
        assert kitchen.place(lines=(JUICE,)).total_minor == total
    else:
        with pytest.raises(errors.Refused, match="least"):
            kitchen.place(lines=(JUICE,))


@pytest.mark.parametrize("text", ["thirty", "-1", "1e5", "1,5", "٣٠", "99999999999"])
def test_a_minimum_order_that_is_no_amount_is_refused(kitchen: Kitchen, text: str) -> None:
    with pytest.raises(errors.Refused):
        tenancy.edit_tenant("bait", {}, {"minimum_order": text})


@pytest.mark.parametrize(("currency", "minor"), [("SAR", 2950), ("KWD", 29500), ("JPY", 29)])
def test_the_minimum_order_is_in_the_tenant_s_currency(kitchen: Kitchen, currency: str, minor: int) -> None:
    tenancy.edit_tenant("bait", {"currency": currency}, {"minimum_order": "29.5"})
    assert profile.minimum_order_minor(kitchen.tenant) == minor


picks = st.builds(Picked, st.just("p"), st.just({}), st.integers(0, 10**5), st.integers(1, 99))
lines = st.builds(
    Line, st.just("i"), st.just({"en": "x"}), st.integers(0, 10**5), st.integers(1, 99),
    st.lists(picks, max_size=3).map(tuple), st.lists(picks, max_size=3).map(tuple),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(lines, min_size=1, max_size=8))
def test_totals_are_the_sum_of_their_lines(kitchen: Kitchen, wished: list[Line]) -> None:
    conversation = customers.Conversation.get_or_none() or kitchen.conversation()
    order = kitchen.place(lines=tuple(wished), conversation=conversation)
    total = 0
    for line in wished:
        for _ in range(line.quantity):
            total += line.price_minor
            total += sum(picked.price_minor * picked.quantity for picked in line.choices + line.add_ons)
    assert order.total_minor == total == sum(item.total_minor for item in orders.items(order))


@pytest.mark.parametrize("kind", OrderType)
def test_each_step_is_told_once_and_repeating_it_changes_nothing(kitchen: Kitchen, kind: OrderType) -> None:
    order = kitchen.place(type=kind)
    waiting = OrderStatus.OUT_FOR_DELIVERY if kind is OrderType.DELIVERY else OrderStatus.READY
    steps = [OrderStatus.PREPARING, waiting, OrderStatus.DELIVERED]
    for status in steps:
        for _ in range(2):
            assert move(order, status).status is status
    assert kitchen.told(order) == ["CONFIRMED", *steps]
    assert kitchen.timeline(order) == ["DRAFT", "CONFIRMED", *steps]
    assert len(events()) == 5


def test_a_forbidden_step_says_what_is_allowed_and_changes_nothing(kitchen: Kitchen) -> None:
    order = kitchen.place()
    with pytest.raises(errors.StepForbidden) as forbidden:
        move(order, OrderStatus.DELIVERED)
    assert forbidden.value.allowed == (OrderStatus.PREPARING, OrderStatus.CANCELLED)
    assert kitchen.fresh(order).status is OrderStatus.CONFIRMED
    assert kitchen.told(order) == ["CONFIRMED"]


def test_another_tenant_s_order_is_not_found(kitchen: Kitchen, make_channel: Any) -> None:
    order, other = kitchen.place(), make_channel("luma", "+966500000002")
    with pytest.raises(errors.NotFound):
        stepping.move(other.tenant_id, order.id, OrderStatus.PREPARING, actor="a test", slug="luma")
    assert orders.by_uid(other.tenant_id, order.uid) is None
    assert order_lists.page(other.tenant_id, most=10) == []


def test_who_read_the_order_before_another_moved_it_moves_nothing(kitchen: Kitchen) -> None:
    stale = kitchen.place()
    move(stale, OrderStatus.PREPARING)
    now = clock.now()
    assert not db.write(lambda: orders.step(stale, OrderStatus.CANCELLED, now))
    assert not db.write(lambda: orders.rate(stale, 5, now))
    with pytest.raises(errors.Conflict):
        db.write(lambda: stepping.take(stale, OrderStatus.CANCELLED, by="late", now=now))
    assert kitchen.fresh(stale).status is OrderStatus.PREPARING
    db.write(lambda: orders.pay(stale, words.PaymentStatus.FAILED, now))
    assert not db.write(lambda: orders.pay(stale, words.PaymentStatus.PAID, now))


def test_many_who_move_it_at_the_same_time_move_it_once(kitchen: Kitchen) -> None:
    order = kitchen.place()
    start, refused = threading.Barrier(8), []

    def race(status: OrderStatus) -> None:
        start.wait()
        try:
            move(order, status)
        except errors.StepForbidden:
            refused.append(status)

    wanted = [OrderStatus.PREPARING, OrderStatus.CANCELLED] * 4
    threads = [threading.Thread(target=race, args=(status,)) for status in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = kitchen.told(order)
    assert len(told) == len(set(told))
    assert kitchen.timeline(order) == ["DRAFT", *told]
    assert told[-1] == "CANCELLED"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.sampled_from(OrderType), st.lists(st.sampled_from(OrderStatus), max_size=12))
def test_any_sequence_leaves_the_file_true_to_the_steps_that_were_allowed(
    kitchen: Kitchen, kind: OrderType, wanted: list[OrderStatus]
) -> None:
    conversation = customers.Conversation.get_or_none() or kitchen.conversation()
    order = kitchen.place(type=kind, conversation=conversation)
    status, taken = OrderStatus.CONFIRMED, ["DRAFT", "CONFIRMED"]
    for target in wanted:
        if target is status or target in order_steps.following(status, kind):
            move(order, target)
            taken += [target.value] * (target is not status)
            status = target
        else:
            with pytest.raises(errors.StepForbidden):
                move(order, target)
    assert (kitchen.fresh(order).status, kitchen.timeline(order), kitchen.told(order)) == (status, taken, taken[1:])


@pytest.mark.parametrize(("locale", "word"), [("ar", "تحضير"), ("en", "prepar"), ("", "prepar")])
def test_the_customer_is_told_in_their_language_else_in_the_tenant_s(kitchen: Kitchen, locale: str, word: str) -> None:
    order = kitchen.place()
    db.write(lambda: customers.keep_bot_state(order.conversation_id, {"locale": locale}))
    move(order, OrderStatus.PREPARING)
    told = Message.get(Message.idempotency_key == f"order:{order.uid}:PREPARING")
    assert word in told.body


def test_when_the_window_is_closed_the_outbox_says_why_it_was_not_told(kitchen: Kitchen) -> None:
    order = kitchen.place()
    kitchen.stage.deliver()
    kitchen.stage.later(hours=25)
    move(order, OrderStatus.PREPARING)
    assert kitchen.stage.deliver() == 0
    told = kitchen.stage.out()[-1]
    assert (told.status, told.error_code) == (words.Status.SUPPRESSED, "window_closed")
    assert kitchen.fresh(order).status is OrderStatus.PREPARING


def test_who_opted_out_is_told_nothing_and_the_order_goes_on(kitchen: Kitchen) -> None:
    order = kitchen.place()
    kitchen.stage.deliver()
    kitchen.stage.says("STOP")
    kitchen.stage.read()
    assert consent.has_opted_out(order.customer_id)
    kitchen.stage.deliver()
    move(order, OrderStatus.PREPARING)
    kitchen.stage.deliver()
    told = Message.get(Message.idempotency_key == f"order:{order.uid}:PREPARING")
    assert (told.status, told.error_code) == (words.Status.SUPPRESSED, "opted_out")


@pytest.mark.parametrize(("language", "params", "status", "is_used"), [
    ("en", 1, "APPROVED", True), ("en_GB", 0, "APPROVED", True), ("ar", 1, "APPROVED", False),
    ("en", 2, "APPROVED", False), ("en", 1, "REJECTED", False),
])  # fmt: skip
def test_a_template_of_the_step_is_sent_where_the_window_is_closed(
    kitchen: Kitchen, language: str, params: int, status: str, is_used: bool
) -> None:
    order = kitchen.place()
    kitchen.stage.deliver()
    known = words.Template(
        "order_preparing", language, "tpl-1", "UTILITY", status, "Order {{1}} is on the stove", params
    )
    templates.add(kitchen.stage.channel.id, known)
    kitchen.stage.later(hours=25)
    move(order, OrderStatus.PREPARING)
    kitchen.stage.deliver()
    told = kitchen.stage.out()[-1]
    assert (told.kind == "template") is is_used
    assert (told.status is words.Status.SENT) is is_used
    if params == 1 and is_used:
        assert told.body == "Order 1 is on the stove"


def test_the_messages_of_the_flow_and_the_news_belong_to_their_order(kitchen: Kitchen) -> None:
    first = kitchen.place()
    kitchen.stage.deliver()
    kitchen.stage.says("one more")
    kitchen.stage.answer()
    second = kitchen.place(conversation=first.conversation)
    move(first, OrderStatus.PREPARING)
    kitchen.stage.deliver()
    sent = order_lists.sent_for(kitchen.tenant.id, [first.id, second.id])
    assert (len(sent[first.id]), len(sent[second.id])) == (3, 2)
    assert Message.select().where(Message.order_id.is_null()).count() == 0


def test_what_was_said_a_day_ago_did_not_lead_to_the_order(kitchen: Kitchen) -> None:
    conversation = kitchen.conversation()
    kitchen.stage.later(hours=25)
    order = kitchen.place(conversation=conversation)
    assert Message.select().where(Message.order_id == order.id).count() == 1


def test_messages_that_share_an_answer_are_counted_as_saved(kitchen: Kitchen) -> None:
    conversation = kitchen.conversation()
    for n in range(3):
        kitchen.stage.says(f"part {n}")
    kitchen.stage.read()
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL WHERE answer_due_at IS NOT NULL"))
    assert kitchen.place(conversation=conversation).saved == 2


def test_the_customer_s_latest_orders_are_seen_newest_first(kitchen: Kitchen) -> None:
    placed = [kitchen.place() for _ in range(6)]
    seen = ordering.latest_of(kitchen.tenant.id, placed[0].customer_id)
    assert [order.number for order in seen] == ["6", "5", "4", "3", "2"]
    assert ordering.latest_of(kitchen.tenant.id, placed[0].customer_id + 1) == ()


def test_an_order_is_told_in_the_currency_in_which_it_was_placed(kitchen: Kitchen) -> None:
    order = kitchen.place()
    tenancy.edit_tenant("bait", {"currency": "KWD"}, {})
    [seen] = ordering.latest_of(kitchen.tenant.id, order.customer_id)
    assert "Total: 45 SAR" in telling.accepted(seen, profile.for_bot(kitchen.tenant), "en").text


def test_two_customers_who_turn_out_to_be_one_have_all_their_orders(kitchen: Kitchen) -> None:
    order = kitchen.place()
    other = kitchen.conversation("+966533333333")
    kitchen.place(conversation=other)
    both = words.Identity(phone="+966511111111", user_id="SA.1")
    db.write(
        lambda: customers.meet(
            kitchen.tenant.id, words.Identity(phone="+966533333333", user_id="SA.1"), "", clock.now()
        )
    )
    db.write(lambda: customers.meet(kitchen.tenant.id, both, "", clock.now()))
    assert len(ordering.latest_of(kitchen.tenant.id, order.customer_id)) == 2
    assert {row.conversation_id for row in Order.select()} == {order.conversation_id}


def test_a_removed_tenant_leaves_no_order(kitchen: Kitchen) -> None:
    kitchen.place()
    tenancy.remove_tenant("bait")
    for table in ("orders", "order_item", "order_step", "order_counter"):
        assert db.rows(f"SELECT 1 FROM {table}") == []


def test_a_suspended_tenant_s_order_moves_and_its_message_waits(kitchen: Kitchen) -> None:
    order = kitchen.place()
    kitchen.stage.deliver()
    tenancy.suspend("bait")
    move(order, OrderStatus.PREPARING)
    assert kitchen.stage.deliver() == 0
    assert kitchen.stage.out()[-1].status is words.Status.QUEUED


@pytest.mark.parametrize(("paid", "payment", "told"), [
    (["paid", "paid"], PaymentMethod.ONLINE, ["paid"]),
    (["failed", "paid", "failed"], PaymentMethod.ONLINE, ["payment_failed", "paid"]),
    (["paid", "refunded", "paid"], PaymentMethod.ONLINE, ["paid"]),
    (["paid"], PaymentMethod.CASH, []),
])  # fmt: skip
def test_a_payment_goes_forward_and_who_pays_online_is_told(
    kitchen: Kitchen, paid: list[str], payment: PaymentMethod, told: list[str]
) -> None:
    order = kitchen.place(payment=payment)
    for status in paid:
        db.write(lambda status=status: stepping.pay(kitchen.fresh(order), words.PaymentStatus(status), clock.now()))
    assert kitchen.told(order) == ["CONFIRMED", *told]


def test_the_tenant_s_own_words_cannot_be_changed_behind_an_order(kitchen: Kitchen) -> None:
    """What is kept of an order is what was agreed on, whatever the tenant's currency becomes."""
    order = kitchen.place()
    tenancy.edit_tenant("bait", {"currency": "KWD"}, {})
    assert (kitchen.fresh(order).currency, kitchen.fresh(order).currency_digits) == ("SAR", 2)
