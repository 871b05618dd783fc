"""The guard against a bot at the other end: two that answer each other never stop, and each answer costs money."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot.core import limits
from wabot.store import exchanges
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Ceiling:
    """So many answers to one customer within `window` are more than a person reads: at least `fewest`, and as many as
    `minutes` of the customer's own limit, so that a generous limit is not taken back here."""

    window: timedelta
    fewest: int
    minutes: int


CEILINGS = (Ceiling(timedelta(minutes=1), 30, 1), Ceiling(timedelta(minutes=10), 60, 3))
REPEATED = 10
"""So often in a row the same words get the same answer before somebody is called."""
REPEATED_WITHIN = timedelta(minutes=10)


def is_loop(tenant: Tenant, conversation: Conversation, message: Message, now: datetime) -> bool:
    """Whether answering this message would feed a loop: answers come faster than anybody reads them, for a minute or
    for ten, or the same two texts go back and forth. What is tapped is a person's."""
    if conversation.last_turn < REPEATED:
        return False
    return _is_too_fast(tenant, conversation, now) or (not message.choice and _goes_back_and_forth(message, now))


def _is_too_fast(tenant: Tenant, conversation: Conversation, now: datetime) -> bool:
    per_minute = limits.customer_rate(tenant).most
    allowed = [(ceiling.window, max(ceiling.fewest, ceiling.minutes * per_minute)) for ceiling in CEILINGS]
    if conversation.last_turn < min(most for _, most in allowed):
        return False
    answered_at = exchanges.newest_answers(conversation.id, max(most for _, most in allowed))
    return any(len(answered_at) >= most and answered_at[most - 1] > now - window for window, most in allowed)


def _goes_back_and_forth(message: Message, now: datetime) -> bool:
    exchanged = exchanges.before(message, REPEATED * 2, since=now - REPEATED_WITHIN)
    heard, said = exchanged[1::2], exchanged[::2]
    if len(exchanged) < REPEATED * 2 or set(heard) != {("IN", message.body)}:
        return False
    return len(set(said)) == 1 and said[0][0] == "OUT"
