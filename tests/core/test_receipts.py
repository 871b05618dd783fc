"""Receipts move an attempt forward, never backward, in whatever order they come."""

import itertools
from datetime import timedelta

import pytest

from tests.core.conftest import SECRET, Stage
from tests.core.test_delivery import one, queue
from wabot import clock
from wabot.core import delivery
from wabot.store import db, outbox
from wabot.store.attempts import Attempt
from wabot.words import Status


def sent(stage: Stage) -> str:
    """A message that was accepted; its reference."""
    queue(stage, "hi")
    stage.deliver()
    return f"{one(stage).uid}.1"


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_in_any_order_the_highest_status_stays_and_each_step_has_its_time(stage: Stage, order: list[str]) -> None:
    reference = sent(stage)
    for status in order:
        stage.status(status, reference, id="sbx.1")
    message = one(stage)
    assert message.status is Status.READ
    assert message.sent_at
    assert message.delivered_at
    assert message.read_at


def test_read_without_delivered_means_delivered(stage: Stage) -> None:
    stage.status("read", sent(stage), id="sbx.1")
    assert one(stage).delivered_at == one(stage).read_at


def test_a_receipt_is_found_by_the_provider_s_id_alone(stage: Stage) -> None:
    sent(stage)
    stage.status("delivered", "", id="sbx.1")
    assert one(stage).status is Status.DELIVERED


def test_a_receipt_that_beats_our_own_commit_is_parked_and_applied_later(stage: Stage) -> None:
    queue(stage, "hi")
    stage.status("delivered", "", id="sbx.1")
    assert one(stage).status is Status.QUEUED
    stage.deliver()
    assert one(stage).status is Status.DELIVERED
    assert db.one("SELECT count(*) FROM parked") == (0,)


def test_a_receipt_for_nothing_we_know_is_dropped_after_a_day(stage: Stage) -> None:
    stage.status("delivered", "", id="sbx.foreign")
    stage.later(hours=23)
    stage.keep_house()
    assert db.one("SELECT count(*) FROM parked") == (1,)
    stage.later(hours=2)
    stage.keep_house()
    assert db.one("SELECT count(*) FROM parked") == (0,)


def test_failed_then_delivered_ends_delivered_and_is_not_sent_again(stage: Stage) -> None:
    reference = sent(stage)
    stage.status("failed", reference, id="sbx.1", error={"code": "temporary", "message": "later"})
    stage.status("delivered", reference, id="sbx.1")
    stage.later(seconds=20)
    assert stage.deliver() == 0
    assert one(stage).status is Status.DELIVERED


def test_undelivered_goes_back_to_the_retry_plan_as_a_new_attempt(stage: Stage) -> None:
    stage.status("undelivered", sent(stage), id="sbx.1", error={"code": "temporary", "message": "later"})
    assert one(stage).status is Status.QUEUED
    stage.later(seconds=6)
    assert stage.deliver() == 1
    assert [attempt.status for attempt in stage.attempts()] == [Status.UNDELIVERED, Status.SENT]
    assert (one(stage).status, one(stage).retry_count) == (Status.SENT, 1)


def test_a_permanent_failure_after_acceptance_is_final(stage: Stage) -> None:
    stage.status("failed", sent(stage), id="sbx.1", error={"code": "permanent", "message": "no such number"})
    assert (one(stage).status, one(stage).error_code) == (Status.FAILED, "permanent")
    stage.later(seconds=60)
    assert stage.deliver() == 0


def test_a_failure_after_delivery_changes_nothing(stage: Stage) -> None:
    reference = sent(stage)
    stage.status("delivered", reference, id="sbx.1")
    stage.status("failed", reference, id="sbx.1", error={"code": "temporary", "message": "odd"})
    assert one(stage).status is Status.DELIVERED
    assert [attempt.status for attempt in stage.attempts()] == [Status.DELIVERED]


def test_delivered_of_an_earlier_attempt_cancels_a_retry_that_is_not_claimed(stage: Stage) -> None:
    reference = sent(stage)
    stage.status("undelivered", reference, id="sbx.1", error={"code": "temporary", "message": "later"})
    stage.status("read", reference, id="sbx.1")
    stage.later(seconds=30)
    assert stage.deliver() == 0
    assert one(stage).status is Status.READ


def test_an_earlier_attempt_s_failure_says_nothing_about_the_newest(stage: Stage) -> None:
    reference = sent(stage)
    stage.status("undelivered", reference, id="sbx.1", error={"code": "temporary", "message": "later"})
    stage.later(seconds=6)
    stage.deliver()
    stage.status("failed", reference, id="sbx.1", error={"code": "permanent", "message": "too late"})
    assert one(stage).status is Status.SENT


def test_a_receipt_while_the_call_is_still_open_is_kept(stage: Stage) -> None:
    queue(stage, "hi")
    claim = db.write(lambda: outbox.claim(clock.now(), stage.pace, delivery.lease()))
    assert claim is not None
    stage.status("delivered", claim.reference, id="sbx.1")
    stage.later(seconds=61)
    delivery.recover_lost()
    assert one(stage).status is Status.DELIVERED
    assert Attempt.get().lease_until is None


def test_another_channel_s_receipt_with_our_reference_changes_nothing(stage: Stage, make_channel: object) -> None:
    reference = sent(stage)
    other = make_channel("luma", "+447700900001")  # type: ignore[operator]
    item = {"type": "status", "id": "sbx.1", "status": "read", "reference": reference, "at": clock.iso(clock.now())}
    assert stage.webhook(item, channel=other, secret=SECRET).status_code == 200
    stage.read()
    assert one(stage).status is Status.SENT


def test_times_of_receipts_are_their_event_times(stage: Stage) -> None:
    reference = sent(stage)
    at = clock.now() - timedelta(seconds=30)
    item = {"type": "status", "id": "sbx.1", "status": "delivered", "reference": reference, "at": clock.iso(at)}
    stage.webhook(item)
    stage.read()
    assert one(stage).delivered_at == at


def test_a_failure_of_the_unknown_attempt_says_nothing_about_its_resend(stage: Stage) -> None:
    queue(stage, "hi")
    stage.fails(500, body="")
    stage.deliver()
    stage.accepts()
    stage.later(seconds=121)
    stage.keep_house()
    stage.deliver()
    stage.status("failed", f"{one(stage).uid}.1", id="sbx.lost", error={"code": "permanent", "message": "no"})
    assert one(stage).status is Status.SENT
    assert [attempt.status for attempt in stage.attempts()] == [Status.FAILED, Status.SENT]


@pytest.mark.parametrize(("status", "code"), [("undelivered", "temporary"), ("failed", "permanent")])
def test_a_sent_that_comes_after_the_failure_does_not_undo_it(stage: Stage, status: str, code: str) -> None:
    reference = sent(stage)
    stage.status(status, reference, id="sbx.1", error={"code": code, "message": "as told"})
    before = one(stage)
    stage.status("sent", reference, id="sbx.1")
    after = one(stage)
    assert (after.status, after.due_at) == (before.status, before.due_at)
    assert stage.attempts()[0].status == status
