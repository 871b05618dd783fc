"""Claim, call, settle: each fault of a provider ends where faults.md says."""

from datetime import timedelta

import pytest
import requests

from tests.core.conftest import Stage
from wabot import clock, config, errors, words
from wabot.core import delivery, sending, structures, tenancy
from wabot.providers.base import Accepted
from wabot.store import attempts, db, messages, outbox, tenants, workers
from wabot.store import structures as kept_structures
from wabot.store.messages import Message
from wabot.words import Status


def queue(stage: Stage, *texts: str, phone: str = "+966511111111") -> list[Message]:
    """Drafts for a customer whose window is open."""
    stage.says("hello", phone=phone)
    stage.read()
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL"))
    return [sending.send("bait", phone, words.Draft(words.Kind.TEXT, text)) for text in texts]


def one(stage: Stage) -> Message:
    [message] = stage.out()
    return message


def test_a_message_is_sent_once_with_our_reference(stage: Stage) -> None:
    [queued] = queue(stage, "hi")
    assert stage.deliver() == 1
    assert stage.sent == [{"from": "+966500000001", "to": "+966511111111", "reference": f"{queued.uid}.1",
                           "message": {"kind": "text", "text": "hi"}}]  # fmt: skip
    message, [attempt] = one(stage), stage.attempts()
    assert (message.status, message.provider_message_id) == (Status.SENT, "sbx.1")
    assert (attempt.status, attempt.lease_until) == (Status.SENT, None)


def test_a_temporary_failure_is_tried_again_after_five_ten_and_fifteen_seconds_and_then_dead(stage: Stage) -> None:
    queue(stage, "hi")
    stage.fails(400, "temporary")
    for retries, delay in enumerate((5, 10, 15)):
        assert stage.deliver() == 1
        message = one(stage)
        wait = message.due_at - message.failed_at
        assert timedelta(seconds=delay) <= wait < timedelta(seconds=delay + 1)
        assert (message.status, message.retry_count) == (Status.QUEUED, retries)
        assert stage.deliver() == 0
        stage.later(seconds=delay + 1)
    assert stage.deliver() == 1
    assert (one(stage).status, one(stage).retry_count, one(stage).attempts) == (Status.DEAD, 3, 4)
    stage.later(hours=1)
    assert stage.deliver() == 0


@pytest.mark.parametrize("error", [requests.ConnectionError(), requests.exceptions.SSLError()])
def test_a_connection_that_did_not_come_about_is_tried_again(stage: Stage, error: Exception) -> None:
    queue(stage, "hi")
    stage.breaks(error)
    stage.deliver()
    assert (one(stage).status, one(stage).error_code) == (Status.QUEUED, "not_sent")


def test_a_permanent_failure_is_failed_at_once_and_does_not_hold_back_the_next(stage: Stage) -> None:
    queue(stage, "bad", "good")
    stage.fails(400, "permanent")
    assert stage.deliver() == 2
    assert [message.status for message in stage.out()] == [Status.FAILED, Status.FAILED]


def test_while_a_message_waits_for_its_retry_the_next_of_its_conversation_waits_too(stage: Stage) -> None:
    queue(stage, "first", "second")
    queue(stage, "other", phone="+966544444444")
    stage.fails(400, "temporary")
    assert stage.deliver() == 2
    stage.accepts()
    stage.later(seconds=6)
    assert stage.deliver() == 3
    texts = [sent["message"]["text"] for sent in stage.sent]
    assert texts.index("first") < texts.index("second")


def test_refused_credentials_pause_the_channel_and_its_messages_wait_in_order(stage: Stage) -> None:
    queue(stage, "first", "second")
    stage.fails(401, "credentials")
    assert stage.deliver() == 1
    assert (stage.fresh_channel().status, stage.fresh_channel().pause_code) == ("paused", "credentials")
    assert {message.status for message in stage.out()} == {Status.QUEUED}
    assert one_retry_count(stage) == 0
    stage.accepts()
    tenancy.edit_channel(stage.channel.id, {"secret": "n" * 32})
    stage.deliver()
    stage.later(seconds=1)
    stage.deliver()
    assert [sent["message"]["text"] for sent in stage.sent] == ["first", "second"]


def one_retry_count(stage: Stage) -> int:
    return sum(message.retry_count for message in stage.out())


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("0", 1), ("-1", 5), ("99999999", 3600), ("soon", 5)])
def test_too_many_requests_hold_the_channel_and_spend_no_attempt(stage: Stage, header: str, seconds: int) -> None:
    queue(stage, "hi")
    stage.fails(429, "throttled", headers={"Retry-After": header})
    stage.deliver()
    waits = stage.fresh_channel().held_until - clock.now()
    assert timedelta(seconds=seconds - 1) < waits <= timedelta(seconds=seconds)
    assert (one(stage).status, one(stage).retry_count) == (Status.QUEUED, 0)
    stage.accepts()
    assert stage.deliver() == 0
    stage.later(seconds=seconds)
    assert stage.deliver() == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ""), (502, "<html>"), (504, ""), (201, "{broken"), (201, ""), (200, "<html>hi</html>"), (201, '{"id": 7}')],
)
def test_an_answer_that_cannot_be_understood_is_unknown_never_sent_again_blindly(
    stage: Stage, status: int, body: str
) -> None:
    queue(stage, "hi")
    stage.fails(status, body=body)
    stage.deliver()
    assert one(stage).status is Status.UNKNOWN
    stage.later(seconds=60)
    stage.keep_house()
    assert stage.deliver() == 0


def unknown(stage: Stage) -> Message:
    queue(stage, "hi")
    stage.fails(500, body="")
    stage.deliver()
    stage.accepts()
    return one(stage)


def test_an_unknown_outcome_is_sent_once_more_at_its_deadline_and_flagged(stage: Stage) -> None:
    unknown(stage)
    stage.later(seconds=121)
    stage.keep_house()
    assert stage.deliver() == 1
    message = one(stage)
    assert (message.status, message.resent_unknown, message.attempts) == (Status.SENT, True, 2)


def test_a_second_unknown_outcome_is_dead_as_maybe_sent(stage: Stage) -> None:
    unknown(stage)
    stage.later(seconds=121)
    stage.keep_house()
    stage.fails(500, body="")
    stage.deliver()
    stage.later(seconds=121)
    stage.keep_house()
    assert (one(stage).status, one(stage).error_code) == (Status.DEAD, "maybe_sent")


def test_under_the_policy_never_an_unknown_outcome_is_dead_as_maybe_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_UNKNOWN_POLICY", "never")
    config.settings.cache_clear()
    unknown(stage)
    stage.later(seconds=121)
    stage.keep_house()
    assert (one(stage).status, one(stage).error_code) == (Status.DEAD, "maybe_sent")


def test_a_receipt_resolves_an_unknown_outcome(stage: Stage) -> None:
    message = unknown(stage)
    stage.status("delivered", f"{message.uid}.1", id="sbx.9")
    stage.later(seconds=300)
    stage.keep_house()
    assert stage.deliver() == 0
    assert (one(stage).status, one(stage).resent_unknown) == (Status.DELIVERED, False)


def test_a_receipt_before_the_resend_is_claimed_cancels_it(stage: Stage) -> None:
    message = unknown(stage)
    stage.later(seconds=121)
    stage.keep_house()
    stage.status("sent", f"{message.uid}.1", id="sbx.9")
    assert stage.deliver() == 0
    assert one(stage).status is Status.SENT


def test_an_unknown_outcome_holds_back_what_follows_for_ten_seconds_at_most(stage: Stage) -> None:
    queue(stage, "first", "second")
    stage.fails(500, body="")
    assert stage.deliver() == 1
    stage.accepts()
    assert stage.deliver() == 0
    stage.later(seconds=10.1)
    assert stage.deliver() == 1
    assert stage.sent[0]["message"]["text"] == "second"


def claimed(stage: Stage) -> outbox.Claimed:
    queue(stage, "hi")
    found = db.write(lambda: outbox.claim(clock.now(), stage.pace, delivery.lease()))
    assert found is not None
    return found


def test_an_attempt_whose_lease_is_over_is_unknown_never_queued(stage: Stage) -> None:
    claimed(stage)
    stage.keep_house()
    assert one(stage).status is Status.SENDING
    stage.later(seconds=61)
    delivery.recover_lost()
    assert one(stage).status is Status.UNKNOWN


def test_an_attempt_whose_process_is_gone_is_unknown_at_once(stage: Stage) -> None:
    claim = claimed(stage)
    namespace = workers.me().rpartition(":")[2]
    db.write(lambda: attempts.change(claim.attempt_id, worker=f"999999:1:{namespace}"))
    stage.keep_house()
    assert one(stage).status is Status.UNKNOWN


def test_a_late_worker_resolves_what_is_still_unknown_because_of_it(stage: Stage) -> None:
    claim = claimed(stage)
    stage.later(seconds=61)
    delivery.recover_lost()
    db.write(lambda: delivery.settle(claim.attempt_id, Accepted("sbx.late"), clock.now()))
    assert (one(stage).status, one(stage).provider_message_id) == (Status.SENT, "sbx.late")


def test_a_late_worker_is_history_once_another_attempt_has_begun(stage: Stage) -> None:
    claim = claimed(stage)
    stage.later(seconds=61)
    delivery.recover_lost()
    stage.later(seconds=121)
    stage.keep_house()
    stage.deliver()
    db.write(lambda: delivery.settle(claim.attempt_id, Accepted("sbx.late"), clock.now()))
    assert one(stage).provider_message_id == "sbx.1"
    assert [attempt.provider_message_id for attempt in stage.attempts()] == ["sbx.late", "sbx.1"]


def test_a_late_worker_s_failure_is_history_too(stage: Stage) -> None:
    claim = claimed(stage)
    stage.later(seconds=61)
    delivery.recover_lost()
    stage.later(seconds=121)
    stage.keep_house()
    stage.deliver()
    db.write(lambda: delivery.settle(claim.attempt_id, errors.PermanentFailure("late"), clock.now()))
    assert one(stage).status is Status.SENT


def test_a_late_worker_s_failure_ends_what_was_unknown_because_of_it(stage: Stage) -> None:
    claim = claimed(stage)
    stage.later(seconds=61)
    delivery.recover_lost()
    db.write(lambda: delivery.settle(claim.attempt_id, errors.TemporaryFailure("late"), clock.now()))
    assert (one(stage).status, one(stage).error_code) == (Status.QUEUED, "late")


def test_after_a_jump_of_the_clock_leases_run_anew(stage: Stage) -> None:
    claimed(stage)
    stage.keep_house()
    stage.later(hours=6)
    stage.keep_house()
    assert one(stage).status is Status.SENDING


def test_after_the_clock_went_back_a_retry_is_not_hours_away(stage: Stage) -> None:
    queue(stage, "hi")
    stage.fails(400, "temporary")
    stage.deliver()
    stage.keep_house()
    stage.later(hours=-6)
    stage.accepts()
    stage.keep_house()
    assert stage.deliver() == 1


def test_ten_thousand_of_one_tenant_do_not_keep_another_tenant_waiting(stage: Stage, make_channel: object) -> None:
    other = make_channel("luma", "+447700900001")  # type: ignore[operator]
    for n in range(30):
        queue(stage, "bulk", phone=f"+9665555555{n:02}")
    stage.webhook(stage.item("hello", phone="+447700900999"), channel=other)
    stage.read()
    sending.send("luma", "+447700900999", words.Draft(words.Kind.TEXT, "single"))
    for _ in range(2):
        delivery.deliver_next(stage.pace)
    assert "single" in [sent["message"]["text"] for sent in stage.sent]


def test_a_channel_may_hold_only_its_share_of_the_senders(stage: Stage) -> None:
    for n in range(3):
        queue(stage, "hi", phone=f"+96655555550{n}")
    pace = outbox.Pace(2, 1000)
    taken = [db.write(lambda: outbox.claim(clock.now(), pace, delivery.lease())) for _ in range(3)]
    assert [claim is not None for claim in taken] == [True, True, False]


def test_the_outbound_bucket_lets_a_channel_send_as_many_as_its_minute_has(stage: Stage) -> None:
    tenancy.edit_channel(stage.channel.id, {}, out_per_minute=3)
    for n in range(5):
        queue(stage, "hi", phone=f"+96655555550{n}")
    assert stage.deliver() == 3
    stage.later(seconds=20.1)
    assert stage.deliver() == 1


def test_a_paused_channel_sends_nothing_and_resumes_in_order(stage: Stage) -> None:
    tenancy.pause_channel(stage.channel.id)
    queue(stage, "first", "second")
    assert stage.deliver() == 0
    tenancy.resume_channel(stage.channel.id)
    for _ in range(2):
        stage.later(seconds=1)
        stage.deliver()
    assert [sent["message"]["text"] for sent in stage.sent] == ["first", "second"]


def test_what_a_dead_process_was_creating_at_a_provider_is_created_by_another(stage: Stage) -> None:
    db.write(lambda: kept_structures.lease("key", clock.now()))
    stage.keep_house()
    assert not db.write(lambda: kept_structures.lease("key", clock.now())), "it is alive"
    dead = "999999:" + workers.me().partition(":")[2]
    db.write(lambda: db.run("UPDATE structure SET owner = ?", dead))
    stage.keep_house()
    assert db.write(lambda: kept_structures.lease("key", clock.now()))


def test_what_was_queued_while_the_clock_was_ahead_goes_out_when_it_is_back(stage: Stage) -> None:
    stage.keep_house()
    stage.later(hours=6)
    queue(stage, "hi")
    stage.later(hours=-6)
    stage.keep_house()
    assert stage.deliver() == 1


def test_what_was_put_off_while_the_clock_was_ahead_goes_out_though_nobody_saw_the_jump(stage: Stage) -> None:
    [message] = queue(stage, "hi")
    db.write(lambda: outbox.requeue(message, clock.now() + timedelta(hours=6)))
    delivery.recover_lost()
    assert stage.deliver() == 1


def test_a_hold_that_was_written_while_the_clock_was_ahead_does_not_hide_the_next_one(stage: Stage) -> None:
    queue(stage, "hi")
    db.write(lambda: tenants.change_channel(stage.channel.id, held_until=clock.now() + timedelta(hours=6)))
    stage.fails(429, "throttled", headers={"Retry-After": "7"})
    stage.deliver()
    assert stage.fresh_channel().held_until <= clock.now() + timedelta(seconds=7)


def test_a_suspended_tenant_sends_nothing_until_it_is_resumed(stage: Stage) -> None:
    queue(stage, "hi")
    tenancy.suspend("bait")
    assert stage.deliver() == 0
    tenancy.resume_tenant("bait")
    assert stage.deliver() == 1


def test_what_waited_longer_than_its_time_to_live_is_suppressed(stage: Stage) -> None:
    queue(stage, "hi")
    db.write(lambda: messages.change(one(stage).id, expires_at=clock.now() - timedelta(seconds=1)))
    assert stage.deliver() == 0
    assert (one(stage).status, one(stage).error_code) == (Status.SUPPRESSED, "expired")


def test_nothing_free_form_leaves_after_the_window_has_closed(stage: Stage) -> None:
    queue(stage, "hi")
    db.write(lambda: messages.change(one(stage).id, expires_at=clock.now() + timedelta(days=3)))
    stage.later(hours=24, seconds=1)
    assert stage.deliver() == 0
    assert (one(stage).status, one(stage).error_code) == (Status.SUPPRESSED, "window_closed")


def test_a_late_answer_that_nothing_was_called_changes_nothing_once_another_attempt_has_begun(stage: Stage) -> None:
    claim = claimed(stage)
    stage.later(seconds=61)
    delivery.recover_lost()
    stage.later(seconds=121)
    stage.keep_house()
    stage.deliver()
    db.write(lambda: delivery.settle(claim.attempt_id, structures.BeingCreated("k"), clock.now()))
    assert stage.deliver() == 0
    assert (one(stage).status, one(stage).attempts, len(stage.sent)) == (Status.SENT, 2, 1)


def test_many_expired_messages_are_suppressed_a_few_at_a_time(stage: Stage) -> None:
    queue(stage, *(f"{n}" for n in range(outbox.MOST_SUPPRESSED + 5)))
    db.write(lambda: db.run("UPDATE message SET expires_at = 1 WHERE direction = 'OUT'"))
    suppressed = []
    for _ in range(2):
        assert db.write(lambda: outbox.claim(clock.now(), stage.pace, delivery.lease())) is None
        suppressed.append(sum(message.status is Status.SUPPRESSED for message in stage.out()))
    assert suppressed == [outbox.MOST_SUPPRESSED, outbox.MOST_SUPPRESSED + 5]
