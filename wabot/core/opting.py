"""STOP and START: what a customer's own word, or the provider's switch, says about being written to. It takes effect
in the transaction that stores the message."""

from datetime import datetime

from wabot import words
from wabot.bot import understanding
from wabot.store import consent, outbox
from wabot.store.messages import Message

STOP = (
    "stop", "stop all", "stopall", "stop messages", "stop sending", "stop sending me messages", "unsubscribe",
    "unsubscribe me", "opt out", "optout", "end", "quit", "revoke", "remove me", "do not contact me",
    "don't contact me", "no more messages", "إيقاف", "إيقاف الرسائل", "أوقف", "أوقف الرسائل", "أوقفوا الرسائل",
    "وقف", "وقف الرسائل", "توقف", "توقفوا", "إلغاء الاشتراك", "الغ الاشتراك", "ألغوا الاشتراك", "لا ترسل",
    "لا ترسلوا", "لا ترسلوا لي", "لا تراسلني", "لا تراسلوني", "لا أريد رسائل", "ما أبي رسائل", "ستوب",
)  # fmt: skip
"""Whole messages that mean: do not write to me. Of the words that SMS services honour by default CANCEL is missing: to
a restaurant it means an order."""
START = (
    "start", "unstop", "subscribe", "opt in", "optin", "resume", "ابدأ", "ابدا", "استئناف", "اشتراك", "اشترك",
    "تفعيل", "ستارت",
)  # fmt: skip

_STOP = frozenset(map(understanding.plain, STOP))
_START = frozenset(map(understanding.plain, START))


def heed(message: Message, now: datetime) -> bool:
    """Inside a write: whether a customer's message is a wish to be left alone, which is heeded and needs no answer. A
    wish to hear again is heeded too, and answered as any message."""
    said = understanding.plain(message.body) if message.kind in _SPOKEN else ""
    if said in _STOP:
        consent.opt_out(message.tenant_id, message.customer_id, "customer", now)
        outbox.suppress_waiting(message.customer_id, "opted_out", now)
        return True
    if said in _START:
        consent.opt_in(message.tenant_id, message.customer_id)
    return False


_SPOKEN = (words.Kind.TEXT, words.Kind.BUTTON, words.Kind.INTERACTIVE)


def prefer(message: Message, now: datetime) -> None:
    """Inside a write: the provider's own switch for marketing messages, which is one channel's."""
    if message.choice == "stop":
        consent.opt_out(message.tenant_id, message.customer_id, "provider", now, marketing_of=message.channel_id)
    else:
        consent.opt_in(message.tenant_id, message.customer_id, marketing_of=message.channel_id)
