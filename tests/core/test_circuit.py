"""A provider that is down: its channel is tried with growing waits, nothing dies of it, and nothing bursts after it."""

from datetime import timedelta

import pytest
import requests

from tests.core.conftest import Stage
from wabot import clock, words
from wabot.core import delivery, tenancy
from wabot.store import db, outbox, tenants
from wabot.words import Status


def fill(stage: Stage, customers: int) -> None:
    """One waiting answer for each of so many customers."""
    for n in range(customers):
        stage.says("hello", phone=f"+96650001{n:04}")
    stage.answer()


def test_a_few_messages_that_fail_do_not_call_the_provider_down(stage: Stage) -> None:
    fill(stage, 4)
    stage.breaks(requests.ConnectionError())
    for _ in range(4):
        stage.deliver()
        stage.later(seconds=20)
    assert {row.status for row in stage.out()} == {Status.DEAD}


def test_an_outage_opens_the_circuit_and_kills_nothing(stage: Stage) -> None:
    fill(stage, 60)
    stage.breaks(requests.ConnectionError())
    calls = stage.deliver()
    assert outbox.CIRCUIT_OPENS <= calls < 60
    probes = 0
    for _ in range(50):
        stage.later(minutes=1)
        probes += stage.deliver()
    assert 9 <= probes <= 16, "about every five minutes, one message at a time"
    assert {row.status for row in stage.out()} == {Status.QUEUED}
    stage.later(minutes=15)
    assert [stage.deliver() for _ in range(5)] == [0] * 5
    assert {(row.status, row.error_code) for row in stage.out()} == {(Status.SUPPRESSED, "expired")}


def test_after_an_outage_what_waited_goes_out_no_faster_than_the_channel_s_rate(stage: Stage) -> None:
    db.write(lambda: tenants.change_channel(stage.channel.id, out_per_minute=60))
    fill(stage, 80)
    stage.breaks(requests.ConnectionError())
    stage.deliver()
    stage.accepts()
    stage.later(minutes=10)
    sent = [stage.deliver()]
    for _ in range(30):
        stage.later(seconds=1)
        sent.append(stage.deliver())
    assert sent[0] == 1, "one probe"
    assert max(sent) <= 2
    assert 28 <= sum(sent) <= 33


def test_one_good_answer_closes_the_circuit(stage: Stage) -> None:
    db.write(lambda: tenants.change_channel(stage.channel.id, failures=outbox.CIRCUIT_OPENS + 5))
    fill(stage, 2)
    assert stage.deliver() >= 1
    assert stage.fresh_channel().failures == 0


def test_a_refusal_is_an_answer_too(stage: Stage) -> None:
    db.write(lambda: tenants.change_channel(stage.channel.id, failures=outbox.CIRCUIT_OPENS - 1))
    fill(stage, 1)
    stage.fails(400, "permanent")
    stage.deliver()
    assert stage.fresh_channel().failures == 0


def test_another_channel_s_messages_leave_meanwhile(stage: Stage) -> None:
    given = {"secret": "s" * 32, "api_base": "http://other.test"}
    other = tenancy.add_channel("bait", "sandbox", "+966500000002", given)
    db.write(lambda: tenants.change_channel(stage.channel.id, failures=outbox.CIRCUIT_OPENS,
                                            held_until=clock.now() + timedelta(minutes=5)))  # fmt: skip
    fill(stage, 2)
    stage.webhook(stage.item("hello"), channel=other)
    stage.answer()
    stage.provider.add("POST", "http://other.test/sandbox/api/messages", json={"id": "x"}, status=201)
    assert stage.deliver() == 1


def test_credentials_that_were_replaced_while_a_send_was_on_its_way_do_not_pause_the_channel(stage: Stage) -> None:
    fill(stage, 1)
    claimed = db.write(lambda: outbox.claim(clock.now(), stage.pace, timedelta(seconds=60)))
    assert claimed is not None
    tenancy.edit_channel(stage.channel.id, {"secret": "n" * 32})
    stage.fails(401, "credentials")
    db.write(lambda: delivery._record(claimed, delivery._call(claimed), 0.1))
    assert stage.fresh_channel().status is words.ChannelStatus.ACTIVE
    stage.accepts()
    stage.later(seconds=2)
    assert stage.deliver() == 1
    assert stage.out()[0].status is Status.SENT


@pytest.mark.parametrize("mend", ["resume", "edit"])
def test_a_channel_that_goes_on_does_not_burst(stage: Stage, mend: str) -> None:
    db.write(lambda: tenants.change_channel(stage.channel.id, out_per_minute=60))
    fill(stage, 40)
    stage.fails(401, "credentials")
    stage.deliver()
    assert stage.fresh_channel().pause_code == "credentials"
    stage.accepts()
    if mend == "resume":
        tenancy.resume_channel(stage.channel.id)
    else:
        tenancy.edit_channel(stage.channel.id, {"secret": "n" * 32})
    stage.later(seconds=10)
    assert 8 <= stage.deliver() <= 11


def test_sends_that_died_with_their_worker_say_nothing_against_the_provider(stage: Stage) -> None:
    fill(stage, outbox.CIRCUIT_OPENS + 5)
    for _ in range(outbox.CIRCUIT_OPENS + 5):
        assert db.write(lambda: outbox.claim(clock.now(), stage.pace, timedelta(seconds=1)))
    stage.later(seconds=2)
    delivery.recover_lost()
    assert {row.status for row in stage.out()} == {Status.UNKNOWN}
    assert (stage.fresh_channel().failures, stage.fresh_channel().held_until) == (0, None)


def test_failures_that_receipts_tell_do_not_call_the_provider_down(stage: Stage) -> None:
    fill(stage, outbox.CIRCUIT_OPENS + 5)
    stage.deliver()
    for attempt in stage.attempts():
        reference, error = f"{attempt.message.uid}.{attempt.n}", {"code": "temporary", "message": ""}
        stage.status("undelivered", reference, id=attempt.provider_message_id, error=error)
    assert {row.status for row in stage.out()} == {Status.QUEUED}
    assert (stage.fresh_channel().failures, stage.fresh_channel().held_until) == (0, None)
