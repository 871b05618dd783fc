"""May we send this? Then put it in the outbox, once per idempotency key."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wabot import clock, config, errors, words
from wabot.core import allowances, handing_over, media, numbers, templates, tenancy
from wabot.providers import by_name
from wabot.store import customers, db, messages, rules, tenants
from wabot.store.customers import Conversation, Customer
from wabot.store.messages import Message
from wabot.store.tenants import Channel

ANSWER_TTL = 3600


def send(
    slug: str, to: str, draft: words.Draft, *, channel_id: int | None = None, idempotency_key: str | None = None
) -> Message:
    """Queue a draft for a customer of a tenant, with a token by which the customer can see what became of it. A
    request that was repeated is answered as the first time. Raises NotFound, and Refused with a word of CONTRACT §5."""
    tenant = tenancy.find_tenant(slug)
    once = _Once(idempotency_key, _fingerprint(draft, "send", to, channel_id))

    def store() -> Message:
        known = once.known(tenant.id)
        if known is not None:
            return known
        described = media.described(tenant.id, draft)
        identity = numbers.customer(to, _home(tenant.id, channel_id).number)
        customer = customers.find(tenant.id, identity)
        channel = _channel(tenant.id, channel_id, customer)
        conversation = customer and customers.existing_conversation(tenant.id, channel.id, customer.id)
        now = clock.now()
        if not conversation:
            if draft.kind is not words.Kind.TEMPLATE:
                raise errors.Refused("window_closed", _WHY_NOT["window_closed"])
            customer = customer or customers.meet(tenant.id, identity, "", now)
            conversation = customers.conversation(tenant.id, channel.id, customer.id, now)
        return _queue(conversation, described, once, now, token=words.unguessable())

    return db.write(store)


def reply(
    tenant_id: int,
    conversation_id: int,
    draft: words.Draft,
    *,
    channel_id: int | None = None,
    idempotency_key: str | None = None,
) -> Message:
    """Queue a draft in a conversation of the tenant, or for its customer by another channel. A request that was
    repeated is answered as the first time. Raises NotFound, and Refused with a word of CONTRACT §5."""
    once = _Once(idempotency_key, _fingerprint(draft, "reply", conversation_id, channel_id))

    def store() -> Message:
        known = once.known(tenant_id)
        if known is not None:
            return known
        described = media.described(tenant_id, draft)
        conversation = customers.conversation_of(tenant_id, conversation_id)
        if conversation is None:
            raise errors.NotFound("there is no such conversation")
        now = clock.now()
        if channel_id is not None and channel_id != conversation.channel_id:
            channel, answered = _channel(tenant_id, channel_id, None), conversation
            conversation = customers.conversation(tenant_id, channel.id, conversation.customer_id, now)
            _yield(answered, draft, now)
        return _queue(conversation, described, once, now)

    return db.write(store)


@dataclass(frozen=True, slots=True)
class _Once:
    """A caller's Idempotency-Key, and what was asked under it: what was asked, not what it was resolved to, because
    the same request may find another channel or file tomorrow."""

    given: str | None
    fingerprint: bytes

    @property
    def key(self) -> str | None:
        return f"api:{self.given}" if self.given else None

    def known(self, tenant_id: int) -> Message | None:
        """The message of the first time. Raises Refused (`idempotency_mismatch`) when it was another request."""
        found = messages.by_idempotency_key(tenant_id, self.key) if self.key else None
        if found is not None and bytes(found.idempotency_hash or b"") != self.fingerprint:
            raise errors.Refused("idempotency_mismatch", "this Idempotency-Key was used for another request")
        return found


def _fingerprint(draft: words.Draft, *asked: object) -> bytes:
    parts = [*asked, draft.kind, draft.text, draft.purpose, draft.payload()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode("utf-8", "surrogatepass")).digest()


def _queue(conversation: Conversation, draft: words.Draft, once: _Once, now: datetime, **values: Any) -> Message:
    """Inside a write: what may be sent now, in the outbox. When a person wrote it, the bot yields."""
    refuse(conversation, draft, now)
    ttl, hashed = config.settings().wabot_message_ttl, once.fingerprint if once.key else None
    queued = enqueue(conversation, draft, key=once.key, now=now, ttl_seconds=ttl, idempotency_hash=hashed, **values)
    _yield(conversation, draft, now)
    return queued


def _yield(conversation: Conversation, draft: words.Draft, now: datetime) -> None:
    if draft.purpose == words.Purpose.AGENT:
        handing_over.yield_to_person(conversation.tenant, conversation, now, now)


def _home(tenant_id: int, channel_id: int | None) -> Channel:
    """The channel in whose country a number without a country code is read."""
    found = tenants.channel(channel_id) if channel_id else tenants.first_active_channel(tenant_id)
    if found is None and not channel_id:
        found = next(iter(tenants.channels(tenant_id)), None)
    if found is None or found.tenant_id != tenant_id:
        raise errors.Refused("no_channel", "the tenant has no such channel" if channel_id else _NO_CHANNEL)
    return found


def _channel(tenant_id: int, channel_id: int | None, customer: Customer | None) -> Channel:
    """The channel that was asked for, else the one of the customer's latest conversation, else the first active."""
    latest = customers.latest_conversation(tenant_id, customer.id) if customer and not channel_id else None
    wanted = channel_id or (latest.channel_id if latest else None)
    channel = tenants.channel(wanted) if wanted else tenants.first_active_channel(tenant_id)
    if channel is None or channel.tenant_id != tenant_id:
        raise errors.Refused("no_channel", _NO_CHANNEL)
    return channel


_NO_CHANNEL = "the tenant has no active channel"


def check(conversation: Conversation, draft: words.Draft) -> None:
    """Raises Refused when the provider cannot carry the draft."""
    by_name(conversation.channel.provider).check(draft)


def refuse(conversation: Conversation, draft: words.Draft, now: datetime) -> None:
    """Inside a write: raises Refused for what cannot be carried, or may not be sent now; the code is the first reason
    that a later try would not mend by itself."""
    check(conversation, draft)
    template = templates.resolve(conversation.channel, draft).row
    free = draft.kind is not words.Kind.TEMPLATE
    code = rules.forbids(conversation, conversation.channel, now, free=free, template=template)
    if code:
        raise errors.Refused(code, _WHY_NOT[code])
    if allowances.forbids(conversation, now):
        raise errors.Refused("allowance_spent", "the tenant's allowance of conversations is spent")


_WHY_NOT = {
    "opted_out": "the customer has asked not to be written to",
    "window_closed": "the customer has not written in the last 24 hours: send a template",
    "allowance_spent": "the channel's allowance for today is spent",
}


def enqueue(
    conversation: Conversation, draft: words.Draft, *, key: str | None, now: datetime, ttl_seconds: int, **values: Any
) -> Message:
    """Inside a write: the message under this key, queued if there is none. Raises Refused (`template_unknown`,
    `template_variables`)."""
    known = messages.by_idempotency_key(conversation.tenant_id, key) if key else None
    if known is not None:
        return known
    resolved = templates.resolve(conversation.channel, draft)
    return messages.add_outgoing(
        conversation,
        resolved.draft,
        idempotency_key=key,
        max_retries=len(config.settings().wabot_retry_delays),
        expires_at=now + timedelta(seconds=ttl_seconds),
        template_id=resolved.row.id if resolved.row else None,
        now=now,
        **{"idempotency_hash": None, **values},
    )
