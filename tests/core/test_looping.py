"""The guard against a bot at the other end, and whom it must leave alone."""

import pytest

from tests.core.conftest import Stage
from wabot import words
from wabot.core import looping, tenancy
from wabot.store import db
from wabot.store.customers import Conversation
from wabot.store.tenants import Tenant


def loops(stage: Stage) -> bool:
    return "loop" in [message.for_person for message in stage.in_()]


def exchange(stage: Stage, text: str, times: int, *, seconds: float) -> int:
    """The other end writes this as often, each time after our answer; returns after how many it was given up."""
    for n in range(times):
        stage.says(text.format(n=n))
        stage.answer()
        stage.later(seconds=seconds)
        if loops(stage):
            return n
    return times


@pytest.mark.parametrize("seconds", [0.5, 5, 50])
def test_the_same_words_back_and_forth_are_a_loop_however_slow(stage: Stage, seconds: float) -> None:
    given_up = exchange(stage, "Thank you for writing. We will answer soon.", 40, seconds=seconds)
    assert given_up == looping.REPEATED + 1, "the first answer, which greets, is another"
    assert len(stage.out()) == looping.REPEATED + 1
    assert Conversation.get().state is words.ConversationState.NEEDS_PERSON


def test_a_bot_that_always_says_something_else_is_stopped_by_how_much_it_says(stage: Stage) -> None:
    assert exchange(stage, "I am a bot, ticket {n}", 200, seconds=3.1) == 60
    assert len(stage.out()) == 60


def test_whoever_keeps_within_what_a_person_can_read_is_answered_for_ever(stage: Stage) -> None:
    assert exchange(stage, "hello {n}", 100, seconds=11) == 100


@pytest.mark.parametrize("between", ["menu", "thanks"])
def test_who_also_says_something_else_is_no_loop(stage: Stage, between: str) -> None:
    for _ in range(12):
        assert exchange(stage, "hello", 3, seconds=12) == 3
        exchange(stage, between, 1, seconds=12)
    assert not loops(stage)


def test_who_taps_is_a_person(stage: Stage) -> None:
    for _ in range(20):
        stage.says(message={"kind": "interactive", "reply": {"id": "person?", "title": "Menu"}})
        stage.answer()
        stage.later(seconds=12)
    assert not loops(stage)
    assert len(stage.out()) == 20


def test_many_at_once_are_a_burst_and_no_loop(stage: Stage) -> None:
    for _ in range(20):
        stage.says("hello")
    stage.answer()
    assert (len(stage.out()), loops(stage)) == (20, False)


def test_after_a_loop_the_bot_is_silent_for_half_an_hour_even_where_it_else_comes_back_at_once(stage: Stage) -> None:
    tenancy.edit_tenant("bait", {}, {"handover_minutes": "0"})
    exchange(stage, "We are closed.", 20, seconds=5)
    before = len(stage.out())
    stage.later(minutes=28)
    exchange(stage, "We are closed.", 1, seconds=1)
    assert len(stage.out()) == before
    stage.later(minutes=2)
    stage.says("hello")
    stage.answer()
    assert len(stage.out()) == before + 1


def test_a_generous_limit_is_not_taken_back_by_the_guard(stage: Stage) -> None:
    db.write(lambda: Tenant.update(in_per_customer=100).execute())
    assert exchange(stage, "hello {n}", 99, seconds=0.1) == 99
