"""What follows from the bot's answers beyond what it says: orders are placed, ratings noted, people called."""

import logging
from datetime import datetime

from wabot import errors
from wabot.bot import conversation as bot
from wabot.bot import telling
from wabot.core import ordering, profile, remembering, sending
from wabot.store.customers import Conversation
from wabot.store.tenants import Tenant

log = logging.getLogger(__name__)


def follow(tenant: Tenant, conversation: Conversation, answer: bot.Answer, message_id: int, now: datetime) -> bot.State:
    """Inside a write, once its drafts are queued and `answer.state` or a later one is kept: what the answer to this
    message entails, each thing once. Returns where the bot stands after it."""
    for rated in answer.ratings:
        ordering.rate(tenant.id, conversation, rated, now)
    for order_uid in answer.remind:
        ordering.remind_later(tenant.id, order_uid, conversation, now)
    for wish in answer.orders:
        try:
            ordering.place(conversation, wish, key=f"answer:{message_id}", now=now)
        except errors.Refused as refused:
            log.warning("an order cannot be placed", extra={"message_id": message_id, "code": refused.code})
            _refuse(tenant, conversation, answer.state, message_id, now)
    return remembering.recall(Conversation.get_by_id(conversation.id), now).state


def _refuse(tenant: Tenant, conversation: Conversation, state: bot.State, message_id: int, now: datetime) -> None:
    draft = telling.not_placed(profile.for_bot(tenant), state.locale or tenant.locale)
    key = f"answer:{message_id}:not_placed"
    sending.enqueue(conversation, draft, key=key, now=now, ttl_seconds=sending.ANSWER_TTL)
    remembering.note_told(Conversation.get_by_id(conversation.id), draft)
