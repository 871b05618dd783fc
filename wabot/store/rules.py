"""What forbids sending something to a customer now. Asked when a message is queued, again when it is claimed, and of
its customer once more just before the call; the words are those of CONTRACT §5."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from wabot.store import consent
from wabot.store.customers import Conversation
from wabot.store.templates import Template
from wabot.store.tenants import Channel

WINDOW = timedelta(hours=24)
MARKETING = "MARKETING"


def forbids(
    conversation: Conversation, channel: Channel, now: datetime, *, free: bool, template: Template | None
) -> str:
    """Why this may not be sent: `opted_out`, `window_closed`, `allowance_spent`, or nothing. `free` is a free-form
    message, which needs an open window; `template` is known of a message that is sent with one."""
    if wants_none(conversation, template):
        return "opted_out"
    if free and not is_window_open(conversation, now):
        return "window_closed"
    if sent_today(channel, now) >= channel.out_per_day:
        return "allowance_spent"
    return ""


def wants_none(conversation: Conversation, template: Template | None) -> bool:
    """Whether the customer opted out of everything, or of the marketing that this template is."""
    if consent.has_opted_out(conversation.customer_id):
        return True
    if template is None or template.category.upper() != MARKETING:
        return False
    return consent.refuses_marketing(conversation.customer_id, conversation.channel_id)


def is_window_open(conversation: Conversation, now: datetime) -> bool:
    """Whether free-form messages may be sent: 24 h from the customer's last message, by its event time."""
    return conversation.last_in_at is not None and conversation.last_in_at + WINDOW > now


def day(channel: Channel, now: datetime) -> str:
    """The tenant's day at this moment, `YYYY-MM-DD`."""
    return now.astimezone(_zone(channel.tenant.timezone)).date().isoformat()


def sent_today(channel: Channel, now: datetime) -> int:
    """How many messages the channel has begun to send in the tenant's day."""
    return channel.sent_today if channel.sent_today and channel.sent_day == day(channel, now) else 0


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
