"""Who a customer is: by any of their names, merged when two turn out to be one, never across tenants."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.conftest import Stage
from wabot import words
from wabot.core import sending
from wabot.store import aliases, db
from wabot.store.customers import Conversation, Customer

PHONE, USER = {"phone": "+966511111111"}, {"userId": "SA.77"}


def says(stage: Stage, who: dict[str, str], text: str) -> None:
    stage.webhook(stage.item(text) | {"from": who})
    stage.answer()


def test_a_number_and_an_id_that_come_together_make_one_customer_with_all_history(stage: Stage) -> None:
    says(stage, PHONE, "by number")
    says(stage, USER, "by id")
    assert Customer.select().count() == 2
    says(stage, PHONE | USER, "both")
    [customer] = Customer.select()
    [conversation] = Conversation.select()
    assert (customer.address, customer.user_id) == ("+966511111111", "SA.77")
    assert [message.body for message in stage.in_()] == ["by number", "by id", "both"]
    assert {message.conversation_id for message in (*stage.in_(), *stage.out())} == {conversation.id}
    assert {message.customer_id for message in (*stage.in_(), *stage.out())} == {customer.id}
    assert db.rows("PRAGMA foreign_key_check") == []


def test_what_waits_in_both_conversations_is_sent_once_and_in_order(stage: Stage) -> None:
    says(stage, PHONE, "by number")
    says(stage, USER, "by id")
    says(stage, PHONE | USER, "both")
    assert stage.deliver() == 3
    turns = [message.turn for message in stage.out()]
    assert sorted(turns) == turns
    assert len(set(turns)) == 3


def test_a_person_who_was_asked_for_stays_asked_for_after_the_merge(stage: Stage) -> None:
    says(stage, PHONE, "hello")
    says(stage, USER, "agent")
    says(stage, PHONE | USER, "both")
    [conversation] = Conversation.select()
    assert conversation.state is words.ConversationState.NEEDS_PERSON
    assert conversation.bot_paused_until is not None
    assert stage.in_()[-1].for_person == "taken_over"


def test_the_same_names_at_another_tenant_are_another_customer(stage: Stage, make_channel: Callable[..., Any]) -> None:
    other = make_channel("luma", "+447700900001")
    says(stage, PHONE, "hello")
    stage.webhook(stage.item("hello") | {"from": PHONE | USER}, channel=other)
    stage.read()
    assert Customer.select().count() == 2
    assert {customer.tenant_id for customer in Customer.select()} == {1, 2}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("+5215512345678", "+525512345678", True),
        ("+525512345678", "+5215512345678", True),
        ("+5511987654321", "+551187654321", True),
        ("+551187654321", "+5511987654321", True),
        ("+551133334444", "+5511933334444", False),
        ("+541112345678", "+5491112345678", True),
        ("+5491112345678", "+541112345678", False),
        ("+966511111111", "+966511111112", False),
    ],
)
def test_another_spelling_of_a_number_finds_the_customer_and_rewrites_nothing(
    stage: Stage, first: str, second: str, same: bool
) -> None:
    says(stage, {"phone": first}, "hello")
    says(stage, {"phone": second}, "again")
    assert Customer.select().count() == (1 if same else 2)
    assert Customer.select().order_by(Customer.id).first().address == first


def test_a_message_to_the_other_spelling_goes_to_the_identifier_that_the_provider_gave(stage: Stage) -> None:
    says(stage, {"phone": "+5215512345678"}, "hello")
    message = sending.send("bait", "+525512345678", words.Draft(words.Kind.TEXT, "hi"))
    assert message.customer.address == "+5215512345678"


def test_spellings_are_looked_up_and_never_stored(stage: Stage) -> None:
    says(stage, {"phone": "+5215512345678"}, "hello")
    assert db.rows("SELECT alias FROM alias") == [("phone:+5215512345678",)]
    assert list(aliases.variants("not a number")) == []
