"""A burst of messages is answered once: which answer that is, in which state the bot is then, and what was saved."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.conftest import PHONE, Stage
from wabot import clock, words
from wabot.bot.conversation import Answer, State
from wabot.core import bursts, demo_menus, inbox, profile, tenancy
from wabot.store import db, menus, messages, tallies, tenants
from wabot.store.customers import Conversation
from wabot.store.tenants import Tenant
from wabot.words import Draft, Kind


@pytest.fixture
def patient(stage: Stage) -> Stage:
    """A tenant with a menu whose bot waits a second for the end of a burst, and a customer who was greeted."""
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "1"})
    tenant_id = tenancy.find_tenant("bait").id
    db.write(lambda: menus.keep(tenant_id, demo_menus.RESTAURANT, clock.now()))
    burst(stage, "hello")
    assert steps(stage) == ["welcome"]
    return stage


def steps(stage: Stage) -> list[str]:
    return [message.step for message in stage.out()]


def burst(stage: Stage, *texts: str, pause: float = 0.3) -> None:
    """The customer writes these in a row, and then waits."""
    for text in texts:
        stage.says(text)
        stage.answer()
        stage.later(seconds=pause)
    stage.later(seconds=2)
    stage.answer()


def saved() -> int:
    return sum(count for _, count in tallies.counters(tallies.MESSAGES_SAVED))


def test_a_burst_is_answered_once_by_what_was_said_to_its_last_message(patient: Stage) -> None:
    burst(patient, "menu", "Mezze", "Aleppo kebab", "From the grill")
    assert steps(patient) == ["welcome", "menu.items"]
    last = patient.in_()[-1]
    assert patient.out()[-1].idempotency_key == f"answer:{last.id}:1"
    assert saved() == 3
    assert all(message.answer_due_at is None for message in patient.in_())


def test_each_message_is_heard_in_the_state_that_the_one_before_led_to(patient: Stage) -> None:
    burst(patient, "menu", "2", "2")
    [_, answer] = patient.out()
    assert answer.step == "menu.item"
    assert "Aleppo kebab" in answer.body


def test_what_was_not_understood_neither_answers_nor_leads_anywhere(patient: Stage) -> None:
    burst(patient, "menu", "ehm, asdf")
    assert steps(patient) == ["welcome", "menu.categories"]
    assert saved() == 1
    burst(patient, "2")
    assert steps(patient)[-1] == "menu.items", "the number is one of the list that the customer sees"


def test_a_number_after_something_odd_is_one_of_what_the_customer_saw_before_the_burst(patient: Stage) -> None:
    burst(patient, "menu")
    burst(patient, "well, asdf", "2")
    assert steps(patient) == ["welcome", "menu.categories", "menu.items"]


def test_a_burst_of_which_nothing_was_understood_is_told_so_once(patient: Stage) -> None:
    burst(patient, "qwertz", "asdf", "yxcv")
    assert steps(patient) == ["welcome", "fallback"]
    assert Conversation.get().bot_state["step"] == "fallback"
    assert saved() == 2


def test_a_reaction_after_a_message_does_not_swallow_its_answer(patient: Stage) -> None:
    patient.says("menu")
    patient.says(message={"kind": "reaction", "emoji": "👍"})
    patient.read()
    patient.later(seconds=2)
    patient.answer()
    assert steps(patient) == ["welcome", "menu.categories"]
    assert saved() == 0


def test_who_asks_for_a_person_in_a_burst_is_told_so_and_the_rest_is_that_person_s(patient: Stage) -> None:
    burst(patient, "menu", "agent", "hello?")
    assert steps(patient) == ["welcome", "handover"]
    assert [message.for_person for message in patient.in_()] == ["", "", "", "taken_over"]
    assert Conversation.get().state is words.ConversationState.NEEDS_PERSON


def test_without_a_debounce_each_message_has_its_answer(patient: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "0"})
    for text in ("menu", "grill", "hello"):
        patient.says(text)
    patient.answer()
    assert len(patient.out()) == 4
    assert saved() == 0


def photo(stage: Stage) -> dict[str, Any]:
    return stage.item(message={"kind": "image", "media": {"id": "m1", "mimeType": "image/jpeg"}})


def test_an_album_has_one_answer_also_without_a_debounce(patient: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "0"})
    assert patient.webhook(*(photo(patient) for _ in range(5))).status_code == 200
    patient.answer()
    assert steps(patient) == ["welcome", "unreadable"]
    assert saved() == 4
    assert all(message.answer_due_at is None for message in patient.in_())


def test_what_is_written_between_photos_has_its_own_answer(patient: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "0"})
    assert patient.webhook(photo(patient), patient.item("menu"), photo(patient), photo(patient)).status_code == 200
    patient.answer()
    assert steps(patient) == ["welcome", "unreadable", "menu.categories", "unreadable"]


def test_what_came_long_after_each_other_is_no_burst_though_it_is_due_together(patient: Stage) -> None:
    patient.says("menu")
    patient.read()
    patient.later(seconds=30)
    patient.says("hello")
    patient.read()
    patient.later(seconds=30)
    patient.answer()
    assert steps(patient) == ["welcome", "menu.categories", "welcome"]


def test_messages_of_several_customers_are_no_burst(patient: Stage) -> None:
    patient.says("hello", phone="+966511111112")
    patient.says("hello", phone="+966511111113")
    patient.read()
    patient.later(seconds=2)
    patient.answer()
    assert [message.customer.address for message in patient.out()] == [PHONE, "+966511111112", "+966511111113"]


def test_what_must_wait_for_its_rate_is_answered_alone(patient: Stage) -> None:
    db.write(lambda: Tenant.update(in_per_customer=3).execute())
    burst(patient, "menu", "Mezze", "menu", "hello", "thanks", pause=0.1)
    assert steps(patient) == ["welcome", "menu.categories"], "three tokens"
    patient.later(seconds=21)
    patient.answer()
    assert steps(patient)[2:] == ["welcome"]
    patient.later(seconds=21)
    patient.answer()
    assert steps(patient)[3:] == ["thanks"]


def test_nobody_who_goes_on_writing_waits_for_ever(patient: Stage) -> None:
    for _ in range(9):
        patient.says("menu")
        patient.later(seconds=0.8)
        patient.answer()
    assert len(patient.out()) > 1


def test_a_replay_of_a_burst_answers_nothing(patient: Stage) -> None:
    burst(patient, "menu", "hello")
    before = len(patient.out())
    for number in range(1, 4):
        inbox.replay(number)
    patient.later(seconds=5)
    patient.answer()
    assert len(patient.out()) == before


@pytest.mark.parametrize("value", ["0", "0.5", "1", "2", "2.000"])
def test_a_debounce_is_from_nothing_to_two_seconds(stage: Stage, value: str) -> None:
    tenant = tenancy.edit_tenant("bait", {}, {"debounce_seconds": value})
    assert profile.debounce(tenant).total_seconds() == float(value)


def test_a_longer_debounce_of_former_times_is_cut(stage: Stage) -> None:
    tenant_id = tenancy.find_tenant("bait").id
    db.write(lambda: tenants.change(tenant_id, settings={"debounce_seconds": "30"}))
    stage.says("hello")
    stage.read()
    stage.later(seconds=2.1)
    stage.answer()
    assert len(stage.out()) == 1


drafts = st.lists(st.text("ab", min_size=1, max_size=1).map(lambda text: Draft(Kind.TEXT, text)), max_size=2).map(tuple)
flags = st.booleans()
answers = st.builds(Answer, st.builds(State, locale=st.sampled_from(["", "ar", "en"])), drafts, flags, flags, flags)


@given(st.lists(answers, max_size=6))
def test_whatever_is_said_to_a_burst(given_answers: Sequence[Answer]) -> None:
    said = bursts.Said()
    for number, answer in enumerate(given_answers, start=1):
        said.add(number, answer)
    every = [draft for answer in given_answers for draft in answer.drafts]
    sent = said.drafts
    assert said.saved == len(every) - len(sent) >= 0
    assert bool(sent) == bool(every), "whoever would be answered is answered"
    for answer in given_answers:
        if answer.keep or answer.needs_person:
            assert all(draft in sent for draft in answer.drafts), "what must be said is said"
    spoken = [answer for answer in given_answers if answer.drafts]
    understood = [answer for answer in spoken if answer.understood]
    optional = [answer for answer in spoken if not answer.keep and not answer.needs_person]
    stands = (understood or spoken or [None])[-1]
    assert len(sent) == sum(len(answer.drafts) for answer in spoken if answer is stands or answer not in optional)
    assert said.message_id == len(given_answers)


def test_messages_are_grouped_by_the_pauses_between_them(patient: Stage) -> None:
    for pause in (0.5, 0.5, 3, 0.5, 0):
        patient.says("x")
        patient.read()
        patient.later(seconds=pause)
    waiting = messages.unanswered(Conversation.get().id)
    quiet = profile.debounce(tenancy.find_tenant("bait"))
    assert [len(burst) for burst in bursts.together(waiting, quiet)] == [3, 2]
    assert [len(burst) for burst in bursts.together(waiting, quiet * 0)] == [1] * 5
    assert list(bursts.together([], quiet)) == []
