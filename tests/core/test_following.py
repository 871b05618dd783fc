"""What follows from the bot's answers, when it cannot be done as the bot thought."""

import pytest

from tests.core.conftest import Stage
from tests.core.kitchen import WISH, Kitchen
from wabot import clock, words
from wabot.bot import conversation as bot
from wabot.core import following, sending, tenancy
from wabot.store import db, orders
from wabot.words import Draft, Kind


@pytest.fixture
def kitchen(stage: Stage) -> Kitchen:
    return Kitchen(stage)


def test_a_customer_whose_order_cannot_be_placed_is_told_whatever_else_was_said(kitchen: Kitchen) -> None:
    kitchen.with_a_menu()
    conversation, now = kitchen.conversation(), clock.now()
    tenancy.edit_tenant("bait", {}, {"minimum_order": "1000"})
    key = "answer:4711"

    def answer() -> None:
        said = Draft(Kind.TEXT, "Noted.", purpose=words.Purpose.REPLY, step="noted")
        sending.enqueue(conversation, said, key=f"{key}:1", now=now, ttl_seconds=60)
        found = bot.Answer(bot.State.from_json(conversation.bot_state), (said,), orders=(WISH,))
        following.follow(kitchen.tenant, conversation, found, 4711, now)

    db.write(answer)
    assert [message.step for message in kitchen.stage.out()][-2:] == ["noted", "order.not_placed"]
    assert orders.by_key(kitchen.tenant.id, key) is None
