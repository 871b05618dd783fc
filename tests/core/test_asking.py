"""A send of unknown outcome at a provider that can be asked: it is, once, before anything is guessed."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests

from tests.core.conftest import PHONE, Stage
from wabot import clock, words
from wabot.core import asking, policy, sending, tenancy
from wabot.store import db
from wabot.store.customers import Conversation
from wabot.words import Status

SID = "AC" + "1" * 32
SENDS = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"


@pytest.fixture
def lost(stage: Stage) -> Stage:
    """A message to a customer whose outcome nobody knows."""
    given = {"account_sid": SID, "auth_token": "t" * 32}
    channel = tenancy.add_channel("bait", "twilio", "+14155238886", given)
    stage.webhook(stage.item("hello"), channel=stage.channel)
    stage.read()
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL"))
    db.write(lambda: Conversation.update(channel=channel.id).execute())
    sending.send("bait", PHONE, words.Draft(words.Kind.TEXT, "hi"))
    stage.provider.reset()
    stage.provider.post(SENDS, body=requests.exceptions.ReadTimeout())
    db.write(lambda: None)
    stage.deliver()
    db.write(lambda: db.run("UPDATE message SET status = 'unknown', due_at = NULL, retry_due = 0, unknown_since = ? "
                            "WHERE direction = 'OUT'", clock.now()))  # fmt: skip
    db.write(lambda: db.run("UPDATE attempt SET status = 'unknown', rank = 0"))
    return stage


def answers(stage: Stage, *bodies: str) -> None:
    made = format_datetime(clock.now() - timedelta(seconds=1))
    rows: list[dict[str, Any]] = [
        {"sid": f"SM{n}", "direction": "outbound-api", "body": body, "date_created": made}
        for n, body in enumerate(bodies)
    ]
    stage.provider.reset()
    stage.provider.get(SENDS, json={"messages": rows})


def test_what_the_provider_has_is_sent(lost: Stage) -> None:
    answers(lost, "hi", "other")
    assert not asking.ask_next(), "its receipt has its time first"
    lost.later(seconds=61)
    assert asking.ask_next()
    [message] = lost.out()
    assert (message.status, message.provider_message_id) == (Status.SENT, "SM0")
    assert not asking.ask_next()


@pytest.mark.parametrize("bodies", [(), ("hi", "hi"), ("other",)])
def test_where_there_is_doubt_the_policy_decides_at_the_deadline(lost: Stage, bodies: tuple[str, ...]) -> None:
    answers(lost, *bodies)
    lost.later(seconds=61)
    assert asking.ask_next()
    assert lost.out()[0].status is Status.UNKNOWN
    assert not policy.resolve_unknown()
    lost.later(seconds=60)
    assert policy.resolve_unknown()
    assert (lost.out()[0].status, lost.out()[0].resent_unknown) == (Status.QUEUED, True)


def test_nothing_is_guessed_before_the_provider_was_asked(lost: Stage) -> None:
    lost.later(seconds=500)
    assert policy.next_unknown_deadline() is None
    assert not policy.resolve_unknown()
    answers(lost, "hi")
    assert asking.ask_next()
    assert lost.out()[0].status is Status.SENT


def test_a_provider_that_does_not_answer_does_not_hold_the_policy_up(lost: Stage) -> None:
    lost.provider.reset()
    lost.provider.get(SENDS, body=requests.ConnectionError())
    lost.later(seconds=130)
    assert asking.ask_next()
    assert policy.resolve_unknown()
    assert lost.out()[0].resent_unknown
