"""Orders at the platform: placed once, or looked for; customers and owners told of what happened."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.core import kitchen as kitchens
from tests.core.conftest import PHONE, Stage
from tests.core.kitchen import MERCHANT, Kitchen
from wabot import catalog, clock, config, errors, words
from wabot.core import resolving, stepping, submitting, tenancy, upkeep
from wabot.store import customers, db, orders, submissions, tenants
from wabot.store.orders import Order, Submission
from wabot.words import ConversationState, OrderStatus

TAKEN = {"orderNumber": 1001, "merchantId": MERCHANT, "branchId": "b-9", "paymentLink": "https://pay.test/1001"}
NOT_SENT: list[Any] = [requests.ConnectionError(), 408, 429]
"""After these it is sure that the platform has not got the order."""
LOST: list[Any] = [500, 502, 503, "thanks!", "", {"orderNumber": None}]
"""After these nobody knows; connections that break are in test_submitting_over_http."""
REFUSED: list[Any] = [400, 401, 404, 409, 422]


@pytest.fixture
def kitchen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    kitchens.settings(monkeypatch)
    kitchen = Kitchen(stage)
    kitchen.at_the_platform()
    kitchen.answers(TAKEN)
    return kitchen


def behaves(kitchen: Kitchen, how: Any) -> None:
    """The platform answers with this status, this text, or breaks in this way."""
    if isinstance(how, int):
        kitchen.answers({"message": "no"}, how)
    else:
        kitchen.answers(how)


def unknown(kitchen: Kitchen, **changes: Any) -> Order:
    """An order of which nobody knows whether it was placed."""
    kitchen.answers({}, 500)
    order = kitchen.place(**changes)
    assert kitchen.work() == 1
    kitchen.answers(TAKEN)
    assert kitchen.fresh(order).submission is Submission.UNKNOWN
    return kitchen.fresh(order)


def needs_person(order: Order) -> bool:
    return customers.Conversation.get_by_id(order.conversation_id).state is ConversationState.NEEDS_PERSON


def test_an_order_waits_as_a_draft_and_is_placed_with_all_that_was_wished(kitchen: Kitchen) -> None:
    order = kitchen.place(branch_id="b-1")
    assert (order.status, order.number, order.submission) == (OrderStatus.DRAFT, "", Submission.WAITING)
    assert kitchen.told(order) == []
    assert kitchen.work() == 1
    [call] = kitchen.calls
    assert (call["merchantId"], call["orderType"], call["paymentMethod"], call["branchId"]) == (
        MERCHANT, "Delivery", "Cash", "b-1",
    )  # fmt: skip
    assert (call["customerName"], call["customerPhone"], call["key"]) == ("Sara", PHONE, order.uid)
    assert [(item["productId"], item["quantity"]) for item in call["items"]] == [("shawarma", 2), ("juice", 1)]
    assert call["items"][0]["addons"] == [{"productAddonId": "garlic", "quantity": 2}]


def test_a_customer_without_a_number_is_asked_for_one_and_it_goes_to_the_platform(kitchen: Kitchen) -> None:
    """Faults: with usernames Meta and Twilio send a business-scoped id and no number (facts/lessons)."""
    kitchen.stage.webhook(kitchen.stage.item("hello", **{"from": {"userId": "SA.1349"}}))
    kitchen.stage.answer()
    customer = customers.find(kitchen.tenant.id, words.Identity(user_id="SA.1349"))
    assert customer is not None
    where = customers.existing_conversation(kitchen.tenant.id, kitchen.stage.channel.id, customer.id)
    order = kitchen.place(conversation=where, phone="0551234567")
    assert kitchen.work() == 1
    assert [call["customerPhone"] for call in kitchen.calls] == ["0551234567"]
    assert kitchen.fresh(order).status is OrderStatus.CONFIRMED


def test_the_number_that_whatsapp_gives_comes_before_one_that_was_typed(kitchen: Kitchen) -> None:
    kitchen.place(phone="0551234567")
    kitchen.work()
    assert [call["customerPhone"] for call in kitchen.calls] == [PHONE]


def test_what_the_platform_took_is_confirmed_with_its_number_link_and_branch(kitchen: Kitchen) -> None:
    order = kitchen.place(payment=words.PaymentMethod.ONLINE)
    kitchen.work()
    order = kitchen.fresh(order)
    assert (order.status, order.number, order.branch_id) == (OrderStatus.CONFIRMED, "1001", "b-9")
    assert (order.submission, order.submit_due_at, order.tell_at) == (Submission.ACCEPTED, None, None)
    assert kitchen.told(order) == ["CONFIRMED"]
    assert "https://pay.test/1001" in kitchen.stage.out()[-1].body
    kitchen.stage.later(hours=1)
    assert kitchen.work() == 0
    assert kitchen.told(order) == ["CONFIRMED"]


@pytest.mark.parametrize("how", NOT_SENT, ids=repr)
def test_what_was_surely_not_sent_is_tried_again_after_5_10_and_15_seconds(kitchen: Kitchen, how: Any) -> None:
    behaves(kitchen, how)
    order = kitchen.place()
    assert kitchen.work() == 1
    for seconds in (5, 10):
        kitchen.stage.later(seconds=seconds - 0.5)
        assert kitchen.work() == 0
        kitchen.stage.later(seconds=0.5)
        assert kitchen.work() == 1
    assert kitchen.told(order) == ["placing"]
    kitchen.answers(TAKEN)
    kitchen.stage.later(seconds=15)
    assert kitchen.work() == 1
    assert kitchen.told(order) == ["placing", "CONFIRMED"]
    assert {call["key"] for call in kitchen.calls} == {order.uid}


@pytest.mark.parametrize("how", NOT_SENT, ids=repr)
def test_when_the_plan_is_used_up_it_is_not_placed_and_the_owner_is_told(kitchen: Kitchen, how: Any) -> None:
    behaves(kitchen, how)
    order = kitchen.place()
    for seconds in (0, 5, 10, 15, 60):
        kitchen.stage.later(seconds=seconds)
        kitchen.work()
    order = kitchen.fresh(order)
    assert (len(kitchen.calls), order.status, order.submission) == (4, OrderStatus.CANCELLED, Submission.REFUSED)
    assert (kitchen.told(order), kitchen.alerts()) == (["placing", "not_placed"], ["refused"])


def test_a_platform_that_wants_an_hour_is_not_waited_for(kitchen: Kitchen) -> None:
    kitchen.answers({}, 429, headers={"Retry-After": "3600"})
    order = kitchen.place()
    kitchen.work()
    assert kitchen.told(order) == ["not_placed"]


def test_a_platform_that_wants_half_a_minute_gets_it(kitchen: Kitchen) -> None:
    kitchen.answers({}, 429, headers={"Retry-After": "30"})
    kitchen.place()
    kitchen.work()
    kitchen.stage.later(seconds=29)
    assert kitchen.work() == 0
    kitchen.stage.later(seconds=1)
    assert kitchen.work() == 1


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_refused_for_good_is_cancelled_at_once(kitchen: Kitchen, how: int) -> None:
    behaves(kitchen, how)
    order = kitchen.place()
    kitchen.work()
    kitchen.stage.later(hours=1)
    kitchen.work()
    order = kitchen.fresh(order)
    assert (len(kitchen.calls), order.status) == (1, OrderStatus.CANCELLED)
    assert (kitchen.told(order), kitchen.alerts()) == (["not_placed"], ["refused"])
    assert kitchen.timeline(order) == ["DRAFT", "CANCELLED"]


def test_without_a_key_of_the_platform_nothing_is_placed_and_the_owner_is_told(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUFRAH_API_KEY")
    config.settings.cache_clear()
    order = kitchen.place()
    assert kitchen.work() == 0
    assert (kitchen.told(order), kitchen.alerts()) == (["not_placed"], ["refused"])


@pytest.mark.parametrize("how", LOST, ids=repr)
def test_what_may_have_been_placed_is_never_placed_again_by_itself(kitchen: Kitchen, how: Any) -> None:
    behaves(kitchen, how)
    order = kitchen.place()
    assert kitchen.work() == 1
    kitchen.answers(TAKEN)
    for seconds in (9, 1, 49, 1, 59, 1, 3600, 86400):
        kitchen.stage.later(seconds=seconds)
        upkeep.keep_house()
        assert kitchen.work() == 0
    order = kitchen.fresh(order)
    assert (order.status, order.submission) == (OrderStatus.DRAFT, Submission.UNKNOWN)


def test_in_doubt_the_customer_is_told_twice_and_then_a_person_is_called(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    seen = []
    for _ in range(5):
        seen.append((kitchen.told(order), kitchen.alerts(), needs_person(order)))
        kitchen.stage.later(seconds=30 if len(seen) != 1 else 10)
        kitchen.work()
    assert seen == [
        ([], [], False),
        (["placing"], [], False),
        (["placing"], [], False),
        (["placing", "uncertain"], [], False),
        (["placing", "uncertain"], [], False),
    ]
    assert (kitchen.told(order), kitchen.alerts(), needs_person(order)) == (["placing", "uncertain"], ["unknown"], True)


def test_a_consumer_that_was_off_tells_only_what_is_still_true(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    kitchen.stage.later(hours=3)
    kitchen.work()
    assert (kitchen.told(order), needs_person(order)) == (["uncertain"], True)
    seen = "SELECT subject_id FROM event WHERE topic = 'conversations' ORDER BY id DESC LIMIT 1"
    assert db.rows(seen) == [(order.conversation_id,)]


@pytest.mark.parametrize("number", [1001, "1001", "1001 ", "#1001"])
def test_the_callback_of_an_unknown_number_finds_the_one_order_that_is_unknown(kitchen: Kitchen, number: Any) -> None:
    order = unknown(kitchen)
    kitchen.calls_back(number, "received", branchId="b-1")
    order = kitchen.fresh(order)
    assert (order.status, order.number, order.submission) == (OrderStatus.CONFIRMED, "1001", Submission.ACCEPTED)
    assert kitchen.told(order) == ["CONFIRMED"]
    kitchen.stage.later(hours=1)
    assert (kitchen.work(), kitchen.alerts(), needs_person(order)) == (0, [], False)


def test_an_order_that_turns_up_further_on_is_told_where_it_is(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    kitchen.calls_back(1001, "Preparing", "paid")
    assert kitchen.fresh(order).status is OrderStatus.PREPARING
    assert kitchen.timeline(order) == ["DRAFT", "PREPARING"]
    assert kitchen.told(order) == ["PREPARING"]


def test_an_order_that_turns_up_as_what_its_kind_cannot_be_is_confirmed(kitchen: Kitchen) -> None:
    order = unknown(kitchen, type=words.OrderType.PICKUP)
    kitchen.calls_back(1001, "out for delivery")
    assert (kitchen.fresh(order).status, kitchen.told(order)) == (OrderStatus.CONFIRMED, ["CONFIRMED"])


def test_of_two_unknown_orders_none_is_guessed_until_the_branch_tells_them_apart(kitchen: Kitchen) -> None:
    first, second = unknown(kitchen, branch_id="b-1"), unknown(kitchen, branch_id="b-2")
    kitchen.calls_back(1001, "received")
    assert kitchen.verdict()[0] == "unrouted"
    assert [kitchen.fresh(order).number for order in (first, second)] == ["", ""]
    kitchen.calls_back(1002, "received", branchId="B-2")
    assert [kitchen.fresh(order).number for order in (first, second)] == ["1001", "1002"]


@pytest.mark.parametrize("more", [{"merchantId": "another"}, {"branchId": "b-2"}])
def test_another_merchant_s_or_branch_s_number_finds_nothing(kitchen: Kitchen, more: dict[str, str]) -> None:
    order = unknown(kitchen, branch_id="b-1")
    kitchen.calls_back(1001, "received", **more)
    assert (kitchen.fresh(order).number, kitchen.verdict()[0]) == ("", "unrouted")


def test_while_another_order_is_being_placed_no_number_is_given_to_the_unknown_one(kitchen: Kitchen) -> None:
    first, second = unknown(kitchen), kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    kitchen.calls_back(1001, "received")
    assert (kitchen.fresh(first).number, kitchen.verdict()[0]) == ("", "unrouted")
    db.write(lambda: submitting.settle(second.id, 1, catalog.Placed("1001"), clock.now()))
    kitchen.stage.read()
    assert [kitchen.fresh(order).number for order in (first, second)] == ["", "1001"]


@pytest.mark.parametrize("failure", [errors.PermanentFailure("bad_order"), errors.Throttled("busy")])
def test_what_can_only_be_about_the_unknown_order_once_another_was_not_taken_finds_it(
    kitchen: Kitchen, failure: errors.ProviderFailure
) -> None:
    first, second = unknown(kitchen), kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    kitchen.calls_back(1001, "received")
    db.write(lambda: submitting.settle(second.id, 1, failure, clock.now()))
    kitchen.stage.read()
    assert [kitchen.fresh(order).number for order in (first, second)] == ["1001", ""]


def test_what_the_platform_tells_hours_later_is_about_another_order(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    kitchen.stage.later(hours=3)
    kitchen.calls_back(1001, "received")
    assert (kitchen.fresh(order).number, kitchen.verdict()[0]) == ("", "unrouted")


def test_a_callback_that_is_faster_than_the_answer_is_read_again_after_it(kitchen: Kitchen) -> None:
    order = kitchen.place()
    claimed = db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    assert claimed is not None
    kitchen.calls_back(1001, "preparing")
    assert (kitchen.verdict()[0], kitchen.fresh(order).status) == ("unrouted", OrderStatus.DRAFT)
    db.write(lambda: submitting.settle(order.id, 1, catalog.Placed("1001"), clock.now()))
    kitchen.stage.read()
    assert (kitchen.verdict()[0], kitchen.fresh(order).status) == ("accepted", OrderStatus.PREPARING)
    assert kitchen.told(order) == ["CONFIRMED", "PREPARING"]


def test_a_callback_that_is_faster_than_the_broken_answer_finds_the_order(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    kitchen.calls_back(1001, "preparing")
    db.write(lambda: submitting.settle(order.id, 1, errors.UnknownOutcome("timeout"), clock.now()))
    kitchen.stage.read()
    assert (kitchen.fresh(order).number, kitchen.fresh(order).status) == ("1001", OrderStatus.PREPARING)


def test_an_error_that_names_the_number_is_asked_about(kitchen: Kitchen) -> None:
    kitchen.answers({"error": "mail is down", "orderNumber": 1001}, 500)
    kitchen.says("1001", "Preparing")
    order = kitchen.place()
    kitchen.work()
    order = kitchen.fresh(order)
    assert (order.number, order.status, len(kitchen.calls)) == ("1001", OrderStatus.PREPARING, 1)


def test_a_number_that_the_platform_does_not_know_after_all_is_dropped(kitchen: Kitchen) -> None:
    kitchen.answers({"error": "rolled back", "orderNumber": 1001}, 500)
    kitchen.says("1001", "", code=404)
    order = kitchen.place()
    kitchen.work()
    order = kitchen.fresh(order)
    assert (order.number, order.maybe_number, order.submission) == ("", "", Submission.UNKNOWN)


def test_a_platform_that_cannot_be_asked_is_asked_again_until_the_deadline(kitchen: Kitchen) -> None:
    kitchen.answers({"orderNumber": 1001}, 500)
    kitchen.says("1001", "", code=503)
    order = kitchen.place()
    kitchen.work()
    asked = lambda: sum("/orders/status" in call.request.url for call in kitchen.stage.provider.calls)  # noqa: E731
    for _ in range(3):
        kitchen.stage.later(seconds=15)
        kitchen.work()
    assert asked() == 4
    kitchen.stage.later(seconds=80)
    kitchen.work()
    before = asked()
    kitchen.stage.later(hours=1)
    kitchen.work()
    assert (asked(), needs_person(order)) == (before, True)


@pytest.mark.parametrize("how", ["lease", "gone"])
def test_an_order_that_died_with_its_worker_is_unknown_and_not_placed_again(kitchen: Kitchen, how: str) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    if how == "gone":
        worker = "999999999:1:" + submissions.workers.me().rpartition(":")[2]
        db.write(lambda: orders.change(order.id, submit_worker=worker))
        upkeep.keep_house()
    else:
        kitchen.stage.later(seconds=61)
        kitchen.work()
    order = kitchen.fresh(order)
    assert (order.submission, order.submit_code, kitchen.calls) == (Submission.UNKNOWN, "worker_lost", [])


def test_a_late_worker_is_heard_and_resolves_what_is_unknown_because_of_it(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    kitchen.stage.later(seconds=61)
    kitchen.work()
    db.write(lambda: submitting.settle(order.id, 1, catalog.Placed("1001"), clock.now()))
    assert (kitchen.fresh(order).number, kitchen.fresh(order).status) == ("1001", OrderStatus.CONFIRMED)


def test_a_jump_of_the_clock_makes_no_claim_run_out(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    kitchen.stage.later(hours=5)
    submitting.mind_the_clock()
    assert resolving.recover_lost() is False
    assert kitchen.fresh(order).submission is Submission.CALLING


def test_what_a_clock_ahead_has_put_off_is_placed_when_it_is_right_again(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: orders.change(order.id, submit_due_at=clock.from_ms(clock.to_ms(clock.now()) + 10**10)))
    assert kitchen.work() == 0
    submitting.mind_the_clock()
    assert kitchen.work() == 1


@pytest.mark.parametrize("column", ["ask_at", "tell_at", "remind_at"])
def test_nothing_else_that_an_order_waits_for_is_put_off_by_a_clock_ahead_either(kitchen: Kitchen, column: str) -> None:
    order, now = kitchen.place(), clock.now()
    db.write(lambda: orders.change(order.id, **{column: now + timedelta(days=100)}))
    submitting.mind_the_clock()
    assert getattr(kitchen.fresh(order), column) <= clock.now()
    soon = clock.now() + timedelta(minutes=30)
    db.write(lambda: orders.change(order.id, **{column: soon}))
    submitting.mind_the_clock()
    assert getattr(kitchen.fresh(order), column) > clock.now()


def test_two_workers_place_each_order_once(kitchen: Kitchen) -> None:
    placed = [kitchen.place() for _ in range(6)]
    numbers = iter(range(2001, 2100))
    guard = threading.Lock()
    taken: list[str] = []

    def call(order: Order) -> catalog.Placed:
        with guard:
            taken.append(order.uid)
            return catalog.Placed(str(next(numbers)))

    def work() -> None:
        while (order := db.write(lambda: submissions.claim(clock.now(), submitting._lease()))) is not None:
            outcome = call(order)
            db.write(lambda: submitting.settle(order.id, order.submit_attempts, outcome, clock.now()))  # noqa: B023

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(order.uid for order in placed)
    assert len({kitchen.fresh(order).number for order in placed}) == 6


def test_a_number_that_another_order_has_confirms_nothing(kitchen: Kitchen) -> None:
    first, second = kitchen.place(), kitchen.place()
    kitchen.work()
    assert kitchen.fresh(first).number == "1001"
    second = kitchen.fresh(second)
    assert (second.number, second.submission, second.submit_code) == ("", Submission.UNKNOWN, "number_taken")


def test_an_order_whose_customer_nobody_can_write_to_stops_no_other(kitchen: Kitchen) -> None:
    first = unknown(kitchen)
    kitchen.stage.later(seconds=1)
    db.write(lambda: tenants.change_channel(kitchen.stage.channel.id, provider="of a newer wabot"))
    kitchen.stage.later(minutes=5)
    kitchen.work()
    assert (kitchen.told(first), kitchen.alerts(), needs_person(first)) == ([], ["unknown"], True)


def test_a_suspended_tenant_s_orders_wait(kitchen: Kitchen) -> None:
    kitchen.place()
    tenancy.suspend("bait")
    assert (submissions.next_due(), kitchen.work()) == (None, 0)
    tenancy.resume_tenant("bait")
    assert kitchen.work() == 1


def by_hand(kitchen: Kitchen, order: Order, status: OrderStatus) -> None:
    stepping.move(order.tenant_id, order.id, status, actor="a test", slug="bait")


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.CONFIRMED])
def test_what_a_person_decided_before_it_was_placed_is_never_placed(kitchen: Kitchen, status: OrderStatus) -> None:
    order = kitchen.place()
    by_hand(kitchen, order, status)
    kitchen.stage.later(hours=1)
    assert kitchen.work() == 0
    assert (kitchen.told(order), kitchen.fresh(order).submission) == ([status], Submission.BY_HAND)


def test_what_is_cancelled_while_the_platform_takes_it_has_to_be_cancelled_there(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    by_hand(kitchen, order, OrderStatus.CANCELLED)
    db.write(lambda: submitting.settle(order.id, 1, catalog.Placed("1001"), clock.now()))
    order = kitchen.fresh(order)
    assert (order.status, order.number, kitchen.alerts()) == (OrderStatus.CANCELLED, "1001", ["cancelled_here_only"])


def test_what_is_cancelled_during_a_call_that_breaks_may_have_to_be_cancelled_there(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    by_hand(kitchen, order, OrderStatus.CANCELLED)
    db.write(lambda: submitting.settle(order.id, 1, errors.UnknownOutcome("timeout"), clock.now()))
    assert (kitchen.fresh(order).submission, kitchen.alerts()) == (Submission.BY_HAND, ["unknown"])
    assert kitchen.told(order) == ["CANCELLED"]


def test_what_is_cancelled_during_its_call_may_still_be_what_the_platform_speaks_of(kitchen: Kitchen) -> None:
    lost, cancelled = unknown(kitchen), kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    by_hand(kitchen, cancelled, OrderStatus.CANCELLED)
    kitchen.calls_back(1001, "received")
    db.write(lambda: submitting.settle(cancelled.id, 1, catalog.Placed("1001"), clock.now()))
    kitchen.stage.read()
    assert [kitchen.fresh(order).number for order in (lost, cancelled)] == ["", "1001"]
    assert "cancelled_here_only" in kitchen.alerts()


@pytest.mark.parametrize("outcome", [errors.PermanentFailure("bad_order"), errors.TemporaryFailure("busy"),
                                     errors.UnknownOutcome("timeout")])  # fmt: skip
def test_what_is_cancelled_during_its_call_is_not_placed_again_and_leaves_callbacks_to_others(
    kitchen: Kitchen, outcome: errors.ProviderFailure
) -> None:
    lost, cancelled = unknown(kitchen), kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    by_hand(kitchen, cancelled, OrderStatus.CANCELLED)
    kitchen.calls_back(1001, "received")
    db.write(lambda: submitting.settle(cancelled.id, 1, outcome, clock.now()))
    kitchen.stage.read()
    assert [kitchen.fresh(order).number for order in (lost, cancelled)] == ["1001", ""]
    assert kitchen.fresh(cancelled).submission is Submission.BY_HAND
    assert kitchen.alerts() == ["unknown"] * isinstance(outcome, errors.UnknownOutcome)


def test_what_is_cancelled_while_nobody_knows_whether_it_is_there_is_told_to_the_owner(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    assert kitchen.alerts() == []
    by_hand(kitchen, order, OrderStatus.CANCELLED)
    assert (kitchen.fresh(order).submission, kitchen.alerts()) == (Submission.BY_HAND, ["unknown"])


def test_what_is_cancelled_during_a_call_whose_worker_dies_is_told_to_the_owner(kitchen: Kitchen) -> None:
    order = kitchen.place()
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    by_hand(kitchen, order, OrderStatus.CANCELLED)
    kitchen.stage.later(seconds=submitting._lease().total_seconds() + 1)
    assert resolving.look_after()
    assert (kitchen.fresh(order).submission, kitchen.alerts()) == (Submission.BY_HAND, ["unknown"])


def test_somebody_who_finds_it_at_the_platform_confirms_it_by_its_number(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    kitchen.stage.later(hours=3)
    kitchen.work()
    resolving.confirm(order.id, "1001", actor="a test")
    assert (kitchen.fresh(order).number, kitchen.told(order)[-1]) == ("1001", "CONFIRMED")
    kitchen.calls_back(1001, "preparing")
    assert kitchen.fresh(order).status is OrderStatus.PREPARING


@pytest.mark.parametrize("number", ["", "x", "-1", "1" * 19])
def test_what_is_no_number_confirms_nothing(kitchen: Kitchen, number: str) -> None:
    order = unknown(kitchen)
    with pytest.raises(errors.Refused):
        resolving.confirm(order.id, number, actor="a test")


def test_a_number_is_confirmed_once_and_for_one_order(kitchen: Kitchen) -> None:
    first, second = unknown(kitchen), unknown(kitchen)
    resolving.confirm(first.id, "1001", actor="a test")
    for order, number in ((first, "1002"), (second, "1001")):
        with pytest.raises(errors.Conflict):
            resolving.confirm(order.id, number, actor="a test")
    with pytest.raises(errors.NotFound):
        resolving.confirm(10**30, "1003", actor="a test")


def test_only_by_force_an_order_in_doubt_is_placed_again(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    with pytest.raises(errors.Conflict, match="--force"):
        resolving.place_again(order.id, force=False, actor="a test")
    resolving.place_again(order.id, force=True, actor="a test")
    assert kitchen.work() == 1
    assert kitchen.fresh(order).number == "1001"
    with pytest.raises(errors.Conflict):
        resolving.place_again(order.id, force=True, actor="a test")


def test_after_force_the_late_answer_of_the_first_worker_is_told_to_the_owner(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    resolving.place_again(order.id, force=True, actor="a test")
    kitchen.work()
    db.write(lambda: submitting.settle(order.id, 1, catalog.Placed("999"), clock.now()))
    assert (kitchen.fresh(order).number, kitchen.alerts()) == ("1001", ["placed_twice"])


def test_when_the_first_worker_is_heard_during_the_forced_call_the_owner_is_told_of_both(kitchen: Kitchen) -> None:
    order = unknown(kitchen)
    resolving.place_again(order.id, force=True, actor="a test")
    db.write(lambda: submissions.claim(clock.now(), submitting._lease()))
    for attempt, number in ((1, "999"), (2, "1000")):
        db.write(lambda n=attempt, no=number: submitting.settle(order.id, n, catalog.Placed(no), clock.now()))
    assert (kitchen.fresh(order).number, kitchen.alerts()) == ("999", ["repeated", "placed_twice"])
    assert kitchen.told(order) == ["CONFIRMED"]


def test_no_transaction_is_open_while_the_platform_is_called(kitchen: Kitchen) -> None:
    order = kitchen.place()
    wrote = []

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        db.write(lambda: orders.change(order.id, notes="written meanwhile"))
        wrote.append(db.database.connection().in_transaction)
        return 200, {}, json.dumps(TAKEN)

    kitchen.stage.provider.remove("POST", f"{kitchens.PLATFORM}/orders/submit")
    kitchen.stage.provider.add_callback("POST", f"{kitchens.PLATFORM}/orders/submit", callback=take)
    submitting.place_next()
    assert (wrote, kitchen.fresh(order).status) == ([False], OrderStatus.CONFIRMED)
