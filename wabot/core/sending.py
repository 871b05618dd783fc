"""May we send this? Then put it in the outbox, once per idempotency key."""

import hashlib
import json
from datetime import datetime, timedelta

from wabot import clock, config, errors, words
from wabot.core import numbers, tenancy
from wabot.providers import by_name
from wabot.store import customers, db, messages, outbox, tenants
from wabot.store.customers import Conversation, Customer
from wabot.store.messages import Message
from wabot.store.tenants import Channel

ANSWER_TTL = 3600


def send(
    slug: str, to: str, draft: words.Draft, *, channel_id: int | None = None, idempotency_key: str | None = None
) -> Message:
    """Queue a draft for a customer of a tenant. Raises NotFound, and Refused with a word of CONTRACT §5."""
    tenant = tenancy.find_tenant(slug)
    candidates = tenants.channels(tenant.id)
    if not candidates:
        raise errors.Refused("no_channel", "the tenant has no channel")
    identity = numbers.customer(to, candidates[0].number)

    def store() -> Message:
        customer = customers.find(tenant.id, identity)
        channel = _channel(tenant.id, channel_id, customer)
        conversation = customer and customers.existing_conversation(tenant.id, channel.id, customer.id)
        if not conversation and draft.kind is not words.Kind.TEMPLATE:
            raise errors.Refused("window_closed", "the customer has not written in the last 24 hours: send a template")
        now = clock.now()
        if not conversation:
            customer = customer or customers.meet(tenant.id, identity, "", now)
            conversation = customers.conversation(tenant.id, channel.id, customer.id, now)
        check(conversation, draft, now)
        key = f"api:{idempotency_key}" if idempotency_key else None
        return enqueue(conversation, draft, key=key, now=now, ttl_seconds=config.settings().wabot_message_ttl)

    return db.write(store)


def _channel(tenant_id: int, channel_id: int | None, customer: Customer | None) -> Channel:
    """The channel that was asked for, else the one of the customer's latest conversation, else the first active."""
    latest = customers.latest_conversation(tenant_id, customer.id) if customer and not channel_id else None
    wanted = channel_id or (latest.channel_id if latest else None)
    channel = tenants.channel(wanted) if wanted else tenants.first_active_channel(tenant_id)
    if channel is None or channel.tenant_id != tenant_id:
        raise errors.Refused("no_channel", "the tenant has no active channel")
    return channel


def check(conversation: Conversation, draft: words.Draft, now: datetime | None = None) -> None:
    """Raises Refused when the provider cannot carry the draft or the 24 h window is closed."""
    by_name(conversation.channel.provider).check(draft)
    if now is not None and draft.kind is not words.Kind.TEMPLATE and not window_open(conversation, now):
        raise errors.Refused("window_closed", "the customer has not written in the last 24 hours: send a template")


def window_open(conversation: Conversation, now: datetime) -> bool:
    """Whether free-form messages may be sent: 24 h from the customer's last message, by its event time."""
    return conversation.last_in_at is not None and conversation.last_in_at + outbox.WINDOW > now


def enqueue(
    conversation: Conversation, draft: words.Draft, *, key: str | None, now: datetime, ttl_seconds: int
) -> Message:
    """Inside a write: the message under this key, queued if it is new. Raises Refused
    (`idempotency_mismatch`) when the key was used for something else."""
    fingerprint = _fingerprint(conversation, draft)
    known = messages.by_idempotency_key(conversation.tenant_id, key) if key else None
    if known is not None:
        if bytes(known.idempotency_hash or b"") != fingerprint and not (key or "").startswith("answer:"):
            raise errors.Refused("idempotency_mismatch", "this Idempotency-Key was used for another request")
        return known
    return messages.add_outgoing(
        conversation,
        draft,
        idempotency_key=key,
        idempotency_hash=fingerprint if key else None,
        max_retries=len(config.settings().wabot_retry_delays),
        expires_at=now + timedelta(seconds=ttl_seconds),
        now=now,
    )


def _fingerprint(conversation: Conversation, draft: words.Draft) -> bytes:
    parts = [conversation.id, draft.kind, draft.text, draft.purpose, draft.payload()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode("utf-8", "surrogatepass")).digest()
