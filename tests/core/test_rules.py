"""What may not be sent: opted-out customers, closed windows, spent allowances; asked when queued and when claimed."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.core.conftest import PHONE, Stage
from wabot import clock, errors, words
from wabot.core import delivery, opting, sending, tenancy
from wabot.core.structures import BeingCreated
from wabot.store import consent, db, outbox, rules, tenants
from wabot.store.customers import Conversation
from wabot.store.tenants import Channel


def queue(stage: Stage, text: str = "hello", phone: str = PHONE) -> None:
    sending.send("bait", phone, words.Draft(words.Kind.TEXT, text, purpose=words.Purpose.AGENT))


@pytest.mark.parametrize(
    "text", ["STOP", "stop", " Stop! ", "Unsubscribe", "إيقاف", "ايقاف", "الغاء الاشتراك", "STOP 🛑"]
)
def test_a_stop_silences_everything_that_waits_in_the_same_transaction(stage: Stage, text: str) -> None:
    stage.says("hello")
    stage.answer()
    stage.deliver()
    for n in range(20):
        queue(stage, f"news {n}")
    stage.says(text)
    stage.read()
    waiting = [message for message in stage.out() if message.body.startswith("news")]
    assert {(message.status, message.error_code) for message in waiting} == {(words.Status.SUPPRESSED, "opted_out")}
    stage.answer()
    assert stage.deliver() == 0
    with pytest.raises(errors.Refused, match="asked not to be") as refused:
        queue(stage)
    assert refused.value.code == "opted_out"


@pytest.mark.parametrize(
    "text", ["please stop by tomorrow", "stop the car at gate 3", "cancel", "إيقاف السيارة عند الباب", "", "🛑"]
)
def test_only_a_whole_message_is_a_stop(stage: Stage, text: str) -> None:
    stage.says("hello")
    stage.says(text)
    stage.answer()
    assert not consent.has_opted_out(1)


@pytest.mark.parametrize("text", ["START", "start.", "ابدأ", "Unstop"])
def test_only_the_customer_s_own_word_reverses_it(stage: Stage, text: str) -> None:
    stage.says("stop")
    stage.says("where is my order?")
    stage.answer()
    assert stage.out() == []
    assert Conversation.get().state is words.ConversationState.NEEDS_PERSON
    stage.says(text)
    stage.answer()
    assert stage.deliver() == 1


def test_a_stop_counts_for_all_channels_of_the_tenant_and_for_no_other_tenant(
    stage: Stage, make_channel: Callable[..., Channel]
) -> None:
    other = tenancy.add_channel(
        "bait", "sandbox", "+966500000002", {"secret": "s" * 32, "api_base": "http://provider.test"}
    )
    luma = make_channel("luma", "+966500000003")
    for channel in (stage.channel, other, luma):
        stage.webhook(stage.item("hello"), channel=channel)
    stage.answer()
    stage.webhook(stage.item("stop"), channel=other)
    stage.read()
    assert {(row.channel_id, row.status) for row in stage.out()} == {
        (stage.channel.id, words.Status.SUPPRESSED),
        (other.id, words.Status.SUPPRESSED),
        (luma.id, words.Status.QUEUED),
    }


def test_a_customer_who_comes_back_under_a_known_name_is_still_left_alone(stage: Stage) -> None:
    stage.says("hello", phone="+966522222222")
    stage.says("stop", phone="+966522222222")
    stage.says("hello", **{"from": {"phone": "+966522222222", "userId": "SA.77"}})
    stage.read()
    assert consent.has_opted_out(1)
    stage.says("hello", **{"from": {"userId": "SA.77"}})
    stage.answer()
    assert stage.deliver() == 0


def test_a_stop_that_comes_while_a_message_is_claimed_is_seen_before_the_call(stage: Stage) -> None:
    """As a sender sees it: claimed, then the STOP is read, then the last look before the call."""
    stage.says("hello")
    stage.answer()
    claimed = db.write(lambda: outbox.claim(clock.now(), stage.pace, timedelta(seconds=60)))
    assert claimed is not None
    stage.says("stop")
    stage.read()
    assert outbox.is_unwanted(claimed.message_id)
    db.write(lambda: delivery.withdraw(claimed.attempt_id, "opted_out", clock.now()))
    [message] = stage.out()
    assert (message.status, message.error_code, message.attempts) == (words.Status.SUPPRESSED, "opted_out", 0)
    assert stage.attempts() == []


def test_a_failed_message_is_not_retried_to_someone_who_opted_out_meanwhile(stage: Stage) -> None:
    stage.says("hello")
    stage.answer()
    stage.fails(400, "temporary")
    stage.deliver()
    stage.says("stop")
    stage.read()
    stage.accepts()
    stage.later(seconds=60)
    assert stage.deliver() == 0
    assert stage.out()[0].status is words.Status.SUPPRESSED


def test_the_provider_s_switch_for_marketing_stops_marketing_alone(stage: Stage) -> None:
    stage.says("hello")
    stage.answer()
    [message] = stage.in_()
    message.choice = "stop"
    db.write(lambda: opting.prefer(message, clock.now()))
    assert consent.refuses_marketing(message.customer_id, stage.channel.id)
    assert not consent.has_opted_out(message.customer_id)
    assert stage.deliver() == 1
    message.choice = "resume"
    db.write(lambda: opting.prefer(message, clock.now()))
    assert not consent.refuses_marketing(message.customer_id, stage.channel.id)


@pytest.mark.parametrize(("seconds", "is_open"), [(86399, True), (86400, False), (86401, False)])
def test_the_window_is_open_for_a_day_after_the_customer_s_last_message(
    stage: Stage, seconds: int, is_open: bool
) -> None:
    stage.says("hello")
    stage.answer()
    now, conversation = clock.now(), Conversation.get()
    conversation.last_in_at = now - timedelta(seconds=seconds)
    assert rules.is_window_open(conversation, now) is is_open
    db.write(lambda: Conversation.change(conversation.id, last_in_at=now - timedelta(seconds=seconds)))
    claimed = db.write(lambda: outbox.claim(now, stage.pace, timedelta(seconds=60)))
    assert (claimed is not None) is is_open
    assert stage.out()[0].error_code == ("" if is_open else "window_closed")


def test_a_message_from_the_future_does_not_keep_the_window_open_for_ever(stage: Stage) -> None:
    stage.says("hello", at="2099-01-01T00:00:00Z")
    stage.answer()
    assert stage.in_()[0].event_at.year == 2099
    assert Conversation.get().last_in_at <= clock.now()


def test_the_day_s_allowance_ends_with_the_tenant_s_day(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    db.write(lambda: tenants.change_channel(stage.channel.id, out_per_day=4))
    stage.says("hello")
    stage.answer()
    for n in range(5):
        queue(stage, f"news {n}")
    with caplog.at_level(logging.WARNING, "wabot.core.delivery"):
        assert stage.deliver() == 4
    told = [record.getMessage() for record in caplog.records]
    assert told == ["75 % of the day's allowance is spent", "90 % of the day's allowance is spent",
                    "100 % of the day's allowance is spent"]  # fmt: skip
    assert [row.error_code for row in stage.out() if row.status is words.Status.SUPPRESSED] == ["allowance_spent"] * 2
    with pytest.raises(errors.Refused) as refused:
        queue(stage)
    assert refused.value.code == "allowance_spent"
    stage.later(days=1)
    stage.says("hello again")
    stage.answer()
    assert stage.deliver() == 1


def test_a_message_that_has_to_wait_for_its_content_spends_no_allowance(stage: Stage) -> None:
    stage.says("hello")
    stage.answer()
    for _ in range(3):
        claimed = db.write(lambda: outbox.claim(clock.now(), stage.pace, timedelta(seconds=60)))
        assert claimed is not None
        db.write(lambda claimed=claimed: delivery.settle(claimed.attempt_id, BeingCreated("key"), clock.now()))  # type: ignore[misc]
        stage.later(seconds=1)
    assert stage.fresh_channel().sent_today == 0
    assert stage.deliver() == 1
    assert stage.fresh_channel().sent_today == 1


def test_a_retry_is_not_a_second_message_of_the_allowance(stage: Stage) -> None:
    db.write(lambda: tenants.change_channel(stage.channel.id, out_per_day=1))
    stage.says("hello")
    stage.answer()
    stage.fails(400, "temporary")
    stage.deliver()
    stage.accepts()
    stage.later(seconds=6)
    assert stage.deliver() == 1
    assert stage.out()[0].status is words.Status.SENT
    assert tenants.channel(stage.channel.id).sent_today == 1  # type: ignore[union-attr]
