"""A person takes over: for whom the bot is silent, how long, and whose the messages are that came meanwhile."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.core.conftest import PHONE, Stage
from wabot import clock, errors, words
from wabot.core import handing_over, sending, shapes, tenancy
from wabot.store import db
from wabot.store.customers import Conversation
from wabot.store.events import Topic
from wabot.words import ConversationState, Draft, Kind, Purpose


def conversation() -> Conversation:
    return Conversation.get()


def shape() -> dict[str, object]:
    return shapes.conversation(conversation(), None)


def told() -> list[tuple[str, str, int]]:
    return [(topic, kind, subject) for topic, kind, subject in db.rows("SELECT topic, type, subject_id FROM event")]


def reply(stage: Stage, purpose: str = Purpose.AGENT, **values: object) -> None:
    tenant = tenancy.find_tenant("bait")
    sending.reply(tenant.id, conversation().id, Draft(Kind.TEXT, "on its way", purpose=purpose), **values)  # type: ignore[arg-type]


def send(stage: Stage, purpose: str = Purpose.AGENT) -> None:
    sending.send("bait", PHONE, Draft(Kind.TEXT, "on its way", purpose=purpose))


def says(stage: Stage, text: str = "hello?") -> int:
    """The customer writes; returns how many messages there are to them then."""
    stage.says(text)
    stage.answer()
    return len(stage.out())


@pytest.fixture
def met(stage: Stage) -> Stage:
    """The bot has greeted the customer."""
    says(stage, "hello")
    return stage


@pytest.mark.parametrize("answer", [reply, send])
@pytest.mark.parametrize("minutes", [30, 5])
def test_who_answers_has_the_customer_for_a_while_and_everybody_can_see_it(
    met: Stage, answer: Callable[[Stage], None], minutes: int
) -> None:
    tenancy.edit_tenant("bait", {}, {"handover_minutes": str(minutes)})
    answer(met)
    seen = shape()
    assert (seen["isBotActive"], seen["state"]) == (False, "waiting")
    assert seen["botPausedUntil"] == clock.iso(conversation().bot_paused_until)
    until = conversation().bot_paused_until
    assert abs(until - clock.now() - timedelta(minutes=minutes)) < timedelta(seconds=20)
    assert says(met) == 2
    assert (met.in_()[-1].for_person, shape()["state"]) == ("taken_over", "needs_person")
    met.later(minutes=minutes, seconds=1)
    assert (shape()["isBotActive"], shape()["botPausedUntil"]) == (True, None)
    assert says(met) == 3
    assert [message.for_person for message in met.in_()] == ["", "taken_over", ""], "what came meanwhile stays theirs"


@pytest.mark.parametrize("purpose", ["confirmation", "reminder", "order", "rating", "welcome", "reply", "my own word"])
@pytest.mark.parametrize("answer", [reply, send])
def test_a_message_of_another_purpose_is_no_person_s(
    met: Stage, answer: Callable[[Stage, str], None], purpose: str
) -> None:
    answer(met, purpose)
    assert shape()["isBotActive"] is True
    assert says(met) == 3


def test_a_person_s_answer_calms_the_call_for_one(met: Stage) -> None:
    says(met, "agent")
    assert shape()["state"] == "needs_person"
    reply(met)
    assert shape()["state"] == "waiting"
    says(met, "thanks")
    assert shape()["state"] == "needs_person"


def test_what_still_waited_for_the_bot_is_answered_by_the_person(met: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "2"})
    says(met, "where is my order?")
    reply(met)
    met.later(seconds=5)
    met.answer()
    assert [message.for_person for message in met.in_()] == ["", "taken_over"]
    assert (len(met.out()), shape()["state"]) == (2, "waiting")


def test_where_nobody_is_given_a_while_the_bot_goes_on_at_once(met: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"handover_minutes": "0"})
    reply(met)
    met.later(seconds=1)
    assert says(met) == 3


def test_another_customer_s_bot_goes_on(met: Stage) -> None:
    reply(met)
    met.says("hello", phone="+966522222222")
    met.answer()
    assert met.out()[-1].customer.address == "+966522222222"


def test_who_answers_by_another_channel_has_both(met: Stage) -> None:
    other = tenancy.add_channel("bait", "sandbox", "+966500000002", {"secret": "s" * 32, "api_base": "http://x.test"})
    says(met)
    with pytest.raises(errors.Refused):
        reply(met, channel_id=other.id)
    assert shape()["isBotActive"] is True, "what was refused took nobody over"
    met.says("hello", phone=PHONE)
    item = met.item("hello there")
    met.webhook(item, channel=other, secret="s" * 32)
    met.answer()
    reply(met, channel_id=other.id)
    assert [row.bot_paused_until is not None for row in Conversation.select()] == [True, True]


def test_a_request_that_is_repeated_takes_over_once(met: Stage) -> None:
    reply(met, idempotency_key="k")
    until = conversation().bot_paused_until
    met.later(minutes=10)
    reply(met, idempotency_key="k")
    assert conversation().bot_paused_until == until


def change(stage: Stage, **values: object) -> Conversation:
    tenant = tenancy.find_tenant("bait")
    return handing_over.change(tenant.id, conversation().id, actor="token x", **values)  # type: ignore[arg-type]


def test_a_bot_that_is_switched_off_is_silent_until_it_is_switched_on(met: Stage) -> None:
    change(met, is_bot_active=False)
    assert (shape()["isBotActive"], shape()["botPausedUntil"]) == (False, None)
    met.later(hours=20)
    assert says(met) == 1
    assert (met.in_()[-1].for_person, shape()["state"]) == ("taken_over", "needs_person")
    change(met, is_bot_active=True)
    assert (shape()["isBotActive"], shape()["state"]) == (True, "bot")
    met.answer()
    assert len(met.out()) == 1, "what came meanwhile stays a person's"
    assert says(met) == 2


def test_switching_on_ends_a_pause_at_once(met: Stage) -> None:
    reply(met)
    change(met, is_bot_active=True)
    assert (shape()["isBotActive"], shape()["botPausedUntil"]) == (True, None)
    assert says(met) == 3


def test_an_answer_while_the_bot_is_off_does_not_bring_it_back_later(met: Stage) -> None:
    change(met, is_bot_active=False)
    reply(met)
    met.later(hours=5)
    assert says(met) == 2


@pytest.mark.parametrize("state", ConversationState)
def test_a_state_is_what_somebody_says_it_is_until_something_happens(met: Stage, state: ConversationState) -> None:
    assert change(met, state=state, is_bot_active=True).state is state
    before = len(met.out())
    assert says(met) == before + 1
    assert shape()["state"] == ("needs_person" if state == "needs_person" else "waiting")


def test_reading_marks_as_read_and_nothing_else(stage: Stage) -> None:
    stage.says("hello")
    stage.read()
    assert conversation().unread == 1
    assert change(stage, is_read=True).unread == 0
    assert conversation().state is ConversationState.BOT


def test_live_views_and_the_journal_hear_of_each_change_once(met: Stage) -> None:
    assert told() == []
    change(met, is_bot_active=False, state=ConversationState.DONE)
    change(met, is_bot_active=False, state=ConversationState.DONE)
    happened = (Topic.CONVERSATIONS, "conversation.updated", conversation().id)
    assert told() == [happened]
    assert db.rows("SELECT actor, action, tenant, subject FROM audit") == [
        ("token x", "change conversation", "bait", f"conversation {conversation().id}")]  # fmt: skip
    says(met)
    says(met)
    assert told() == [happened] * 2, "called once"
    reply(met)
    assert told() == [happened] * 3


def test_a_stranger_s_conversation_cannot_be_changed(met: Stage) -> None:
    with pytest.raises(errors.NotFound):
        handing_over.change(99, conversation().id, is_bot_active=False, actor="x")
    assert conversation().bot_active
    assert words.ConversationState.WAITING is conversation().state
