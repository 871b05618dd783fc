"""Ask a provider what became of a send whose outcome nobody knows, where it can be asked, before the stated policy has
to guess."""

import logging
from datetime import datetime, timedelta

from wabot import clock, config, errors
from wabot.core import delivery, policy, tenancy
from wabot.providers import by_name
from wabot.providers.base import Accepted
from wabot.store import attempts, db, messages, unknowns
from wabot.store.attempts import Attempt
from wabot.store.messages import Message

log = logging.getLogger(__name__)

SHARE_OF_DEADLINE = 0.5
"""After this share of the unknown deadline: receipts have had their time, and the provider's list knows the message."""


def next_due() -> datetime | None:
    """When the next question is due."""
    found = unknowns.next_to_ask(policy.askable())
    return found[1] + _patience() if found else None


def ask_next() -> bool:
    """Ask for the next message that is due; False when none is. No transaction is open meanwhile."""
    found = unknowns.next_to_ask(policy.askable())
    if found is None or found[1] + _patience() > clock.now():
        return False
    message = messages.by_id(found[0])
    made = attempts.of_message(found[0])
    if message is None or not made:
        return False
    answer = _ask(message, made[-1])
    db.write(lambda: _note(message.id, made[-1].id, answer, clock.now()))
    return True


def _patience() -> timedelta:
    return timedelta(seconds=config.settings().wabot_unknown_deadline * SHARE_OF_DEADLINE)


def _ask(message: Message, attempt: Attempt) -> Accepted | None:
    channel = message.channel
    known = attempts.provider_ids(channel.id, message.customer_id)
    try:
        account = tenancy.account(channel)
        recipient, since = message.customer.address, attempt.started_at
        return by_name(channel.provider).find(account, recipient, message.draft(), since, known, config.settings())
    except (errors.ProviderFailure, errors.SealError) as error:
        log.warning("a provider could not be asked", extra={"message_id": message.id, "why": type(error).__name__})
    except Exception:
        log.exception("an adapter failed to ask", extra={"message_id": message.id})
    return None


def _note(message_id: int, attempt_id: int, answer: Accepted | None, now: datetime) -> None:
    messages.change(message_id, asked_at=now)
    if answer is not None:
        delivery.settle(attempt_id, answer, now)
