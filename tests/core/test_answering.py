"""When the bot answers, and when it leaves a message to a person."""

from datetime import timedelta
from typing import Any

import pytest

from tests.core.conftest import Stage
from wabot import clock, words
from wabot.core import answering, inbox, tenancy
from wabot.store import db, messages
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Tenant


def reasons(stage: Stage) -> list[str]:
    return [message.for_person for message in stage.in_()]


def test_a_message_is_answered_in_the_same_moment(stage: Stage) -> None:
    stage.says("hello")
    stage.answer()
    [answer] = stage.out()
    assert answer.idempotency_key == f"answer:{stage.in_()[0].id}:1"
    assert (answer.kind, answer.purpose, answer.step) == ("buttons", "welcome", "welcome")
    assert "Sara" in answer.body


def test_a_replay_never_answers_twice(stage: Stage) -> None:
    stage.says("hello")
    stage.answer()
    inbox.replay(1)
    stage.answer()
    db.write(lambda: messages.change(stage.in_()[0].id, answer_due_at=clock.now(), admitted=True))
    stage.answer()
    assert len(stage.out()) == 1


def test_a_stale_message_is_left_to_a_person(stage: Stage) -> None:
    stage.says("hello", at=clock.iso(clock.now() - timedelta(hours=1, seconds=1)))
    stage.answer()
    assert reasons(stage) == ["stale"]
    assert stage.out() == []
    assert Conversation.get().state is words.ConversationState.NEEDS_PERSON


def test_a_message_from_the_future_is_answered_now(stage: Stage) -> None:
    stage.says("hello", at=clock.iso(clock.now() + timedelta(minutes=10)))
    stage.answer()
    assert len(stage.out()) == 1


def test_the_bot_is_silent_after_a_person_was_asked_for_and_comes_back_later(stage: Stage) -> None:
    stage.says("agent")
    stage.answer()
    stage.says("are you there?")
    stage.answer()
    assert len(stage.out()) == 1
    assert reasons(stage) == ["", "taken_over"]
    assert Conversation.get().state is words.ConversationState.NEEDS_PERSON
    stage.later(minutes=31)
    stage.says("hello")
    stage.answer()
    assert len(stage.out()) == 2


def test_a_suspended_tenant_s_messages_are_stored_and_not_answered(stage: Stage) -> None:
    tenancy.suspend("bait")
    stage.says("hello")
    stage.answer()
    assert reasons(stage) == ["suspended"]
    assert stage.out() == []


def test_over_the_customer_s_limit_messages_are_stored_at_once_and_answered_as_the_bucket_allows(stage: Stage) -> None:
    for n in range(23):
        stage.says(f"hello {n}")
    stage.answer()
    assert len(stage.in_()) == 23
    assert len(stage.out()) == 20
    stage.later(seconds=3.1)
    stage.answer()
    assert len(stage.out()) == 21
    stage.later(seconds=7)
    stage.answer()
    assert len(stage.out()) == 23


def test_over_the_tenant_s_limit_everybody_waits_in_order(stage: Stage) -> None:
    db.write(lambda: Tenant.update(in_per_minute=3).execute())
    for n in range(5):
        stage.says("hello", phone=f"+96651111110{n}")
    stage.answer()
    assert len(stage.out()) == 3
    stage.later(seconds=21)
    stage.answer()
    assert len(stage.out()) == 4
    stage.later(seconds=20)
    stage.answer()
    assert [message.customer.address for message in stage.out()] == [f"+96651111110{n}" for n in range(5)]


def test_a_flood_of_one_customer_leaves_the_others_their_answers(stage: Stage) -> None:
    db.write(lambda: Tenant.update(in_per_customer=2, in_per_minute=10).execute())
    for n in range(50):
        stage.says(f"spam {n}", phone="+966522222222")
    stage.says("hello")
    stage.answer()
    assert [m.customer.address for m in stage.out()].count("+966511111111") == 1


def test_what_could_not_be_answered_within_the_hour_is_left_to_a_person(stage: Stage) -> None:
    db.write(lambda: Tenant.update(in_per_customer=1).execute())
    for n in range(63):
        stage.says(f"spam {n}")
    stage.read()
    assert reasons(stage).count("too_many") == 2


def test_a_debounce_answers_a_burst_after_its_last_message(stage: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "2"})
    stage.says("hello")
    stage.answer()
    stage.later(seconds=1.5)
    stage.says("hello again")
    stage.answer()
    stage.later(seconds=1)
    stage.answer()
    assert stage.out() == []
    stage.later(seconds=1.1)
    stage.answer()
    [answer] = stage.out()
    assert answer.idempotency_key == f"answer:{stage.in_()[1].id}:1"


def test_two_bots_that_answer_each_other_are_stopped_and_handed_to_a_person(stage: Stage) -> None:
    db.write(lambda: Tenant.update(in_per_customer=30).execute())
    for n in range(45):
        stage.says(f"I am a bot {n}")
        stage.answer()
        stage.later(seconds=0.5)
    assert len(stage.out()) <= 31
    assert "loop" in reasons(stage)
    assert Conversation.get().state is words.ConversationState.NEEDS_PERSON


def test_a_bot_that_fails_leaves_its_own_conversation_to_a_person_and_answers_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = answering.bot.answer

    def broken(state: object, heard: object, *rest: object) -> object:
        if heard.text == "break":  # type: ignore[attr-defined]
            raise KeyError("a bug")
        return genuine(state, heard, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(answering.bot, "answer", broken)
    stage.says("break")
    stage.says("hello", phone="+966533333333")
    stage.answer()
    assert reasons(stage) == ["bot_failed", ""]
    assert len(stage.out()) == 1


def test_reactions_are_read_and_not_answered(stage: Stage) -> None:
    stage.says(message={"kind": "reaction", "emoji": "👍"})
    stage.answer()
    assert stage.out() == []
    assert Message.select().where(Message.answer_due_at.is_null(False)).count() == 0


def test_a_conversation_that_cannot_be_answered_does_not_keep_the_others_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = answering.remembering.keep

    def broken(conversation_id: int, *state: Any) -> None:
        if conversation_id == 1:
            raise RuntimeError("a bug of ours")
        genuine(conversation_id, *state)

    monkeypatch.setattr(answering.remembering, "keep", broken)
    stage.says("hello")
    stage.says("hello", phone="+966533333333")
    stage.answer()
    assert reasons(stage) == ["bot_failed", ""]
    assert [message.conversation_id for message in stage.out()] == [2]
