"""Where the bot stands with each customer: kept with the conversation, and given up where it is worth nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wabot import clock, words
from wabot.bot import conversation as bot
from wabot.store import customers
from wabot.store.customers import Conversation

CART_LASTS = timedelta(hours=3)
"""How long a cart waits for its customer; prices and appetites change."""
_HEARD_AT = "at"


@dataclass(frozen=True, slots=True)
class Recalled:
    """The bot's state, and whether a cart in it was left alone for too long and is gone."""

    state: bot.State
    cart_expired: bool = False


def recall(conversation: Conversation, now: datetime) -> Recalled:
    """Where the bot stands. A cart whose customer has not been heard for CART_LASTS is emptied."""
    kept = conversation.bot_state
    state = bot.State.from_json(kept)
    heard_at = kept.get(_HEARD_AT) if isinstance(kept, dict) else None
    is_old = isinstance(heard_at, int) and heard_at < clock.to_ms(now - CART_LASTS)
    if not is_old or (state.cart.is_empty and state.pick is None):
        return Recalled(state)
    return Recalled(state.without_cart(), cart_expired=not state.cart.is_empty)


def keep(conversation_id: int, state: bot.State, now: datetime) -> None:
    """Inside a write: the bot stands here now that it has heard the customer."""
    customers.keep_bot_state(conversation_id, {**state.to_json(), _HEARD_AT: clock.to_ms(now)})


def note_told(conversation: Conversation, draft: words.Draft) -> None:
    """Inside a write: the customer is also sent this, unasked: what they type next may mean its buttons."""
    kept: dict[str, Any] = dict(conversation.bot_state)
    state = bot.State.from_json(kept)
    after = bot.told(state, draft)
    if after == state:
        return
    heard = {_HEARD_AT: kept[_HEARD_AT]} if _HEARD_AT in kept else {}
    conversation.bot_state = after.to_json() | heard
    customers.keep_bot_state(conversation.id, conversation.bot_state)
