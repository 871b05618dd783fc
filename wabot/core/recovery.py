"""Have what was missed read after all: a provider's history, and webhooks that are in the journal but were
not understood or not routed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from wabot import clock, config, errors, words
from wabot.core import callbacks, inbox, intake, tenancy
from wabot.providers import by_name
from wabot.providers.base import Arrived, Provider
from wabot.store import db, inspect, webhooks
from wabot.store.tenants import Channel
from wabot.store.webhooks import Journalled, Webhook


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many messages the provider's history had, and how many of them were new to us."""

    found: int
    new: int


def recover(channel_id: int, since: datetime) -> Recovered:
    """Journal what customers wrote to a channel since then, as its webhooks would have been; the consumer
    reads it. May be repeated: what is known is only counted. Raises NotFound, Conflict where the provider
    keeps no history, and ProviderFailure; what had arrived by then stays."""
    channel = tenancy.find_channel(channel_id)
    provider = by_name(channel.provider)
    found = new = 0
    for arrived in provider.recover(tenancy.account(channel), since, config.settings()):
        missed = _is_missed(provider, channel, arrived)
        found += 1
        new += _journal(channel, arrived).new and missed
    return Recovered(found, new)


def _is_missed(provider: Provider, channel: Channel, arrived: Arrived) -> bool:
    """Whether it brings a message that is not in the ledger. What cannot be parsed goes to quarantine."""
    try:
        items = provider.parse(arrived)
    except errors.Unreadable:
        return True
    incoming = [item for item in items if isinstance(item, words.Incoming)]
    known = [inspect.knows_incoming(channel.id, item.provider_message_id) for item in incoming]
    return not known or not all(known)


def _journal(channel: Channel, arrived: Arrived) -> Journalled:
    """Write it down like a webhook, under a key that no webhook has: a customer may repeat themselves."""
    digest = hashlib.sha256(f"recovered {channel.id}\n".encode() + (arrived.body or arrived.target.encode()))
    entry = webhooks.entry(
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        provider=channel.provider,
        dedupe_key=digest.digest(),
        target=arrived.target,
        content_type=arrived.headers.get("content-type", ""),
        body=arrived.body,
        verdict=words.Verdict.ACCEPTED,
        now=clock.now(),
    )
    return db.write(lambda: webhooks.add(entry))


def replay(webhook_id: int) -> None:
    """Have a webhook read again, one that was unrouted by the channel that has its number by now. Raises
    NotFound (also when its body is no longer kept), and Conflict while there is no such channel."""
    webhook = webhooks.find(webhook_id)
    is_addressed = webhook is not None and (webhook.channel_id is not None or webhook.provider == callbacks.PROVIDER)
    if webhook is None or webhook.body is None or is_addressed:
        inbox.replay(webhook_id)
        return
    channel = intake.route(by_name(webhook.provider), _arrived(webhook))
    if channel is None:
        raise errors.Conflict(f"no channel has the number that webhook {webhook_id} is for")
    tenant_id, found_id = channel.tenant_id, channel.id
    db.write(lambda: webhooks.replay(webhook_id, tenant_id, found_id))


def _arrived(webhook: Webhook) -> Arrived:
    return Arrived("POST", webhook.target, {"content-type": webhook.content_type}, webhook.body)
