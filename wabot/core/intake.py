"""Take a webhook in: find the channel, verify, write it down once, then answer. Nothing is read here
beyond what routing needs."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from wabot import clock, config, errors, words
from wabot.core import callbacks, tenancy
from wabot.providers import REGISTRY, by_name
from wabot.providers.base import Account, Address, Answer, Arrived, Provider
from wabot.store import db, messages, tallies, tenants, webhooks
from wabot.store.tenants import Channel

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 3 << 20
RETRY_AFTER_SECONDS = 5
PLATFORM_BUDGET_SECONDS = 8.0
"""How long the order platform may wait for its answer; it does not say how long it would."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the door answers; `retry_after` in seconds."""

    status: int
    content_type: str = "text/plain"
    body: str = ""
    retry_after: int | None = None


FORBIDDEN = Reply(403, body="forbidden\n")
"""One and the same for a bad signature, a missing one, and an unknown key."""


def accept(arrived: Arrived) -> Reply:
    """Take in a request on a route that several channels share."""
    began = clock.monotonic()
    provider = next((provider for provider in REGISTRY.values() if provider.recognises(arrived)), None)
    if provider is None:
        return _refused("", None, "unknown_dialect", arrived)
    addressed = [_addressed(provider, address) for address in provider.addresses(arrived)]
    known = {channel.id: channel for channels in addressed for channel in channels}
    signed = {channel_id: _signed_by(provider, arrived, channel) for channel_id, channel in known.items()}
    verified = [channel for channel in known.values() if signed[channel.id]]
    all_verified = bool(addressed) and all(addressed) and len(verified) == len(known)
    if not verified and not _verified_by_default(provider, arrived):
        return _refused(provider.name, next(iter(known), None), "bad_signature", arrived)
    entries = [_entry(provider, arrived, channel) for channel in verified]
    if not all_verified:
        entries.append(_entry(provider, arrived, None))
    return _journal(provider, entries, began, by_former=list(signed.values()).count(_FORMER))


def accept_for_key(key: str, arrived: Arrived) -> Reply:
    """Take in a request on a channel's own route."""
    began = clock.monotonic()
    channel = tenants.channel_by_key(key)
    if channel is None:
        return _refused("", None, "unknown_key", arrived)
    provider = by_name(channel.provider)
    signed = _signed_by(provider, arrived, channel)
    if not signed:
        return _refused(provider.name, channel.id, "bad_signature", arrived)
    return _journal(provider, [_entry(provider, arrived, channel)], began, by_former=int(signed == _FORMER))


def accept_of_orders(key: str, arrived: Arrived) -> Reply:
    """Take in what the order platform tells, on a tenant's own route: whoever knows its key is the platform."""
    began = clock.monotonic()
    tenant = tenants.by_orders_key(key)
    if tenant is None:
        return _refused(callbacks.PROVIDER, None, "unknown_key", arrived)
    entry = webhooks.entry(
        tenant_id=tenant.id,
        channel_id=None,
        provider=callbacks.PROVIDER,
        dedupe_key=hashlib.sha256(f"orders {tenant.id}\n".encode() + arrived.body).digest(),
        target=arrived.target,
        content_type=arrived.headers.get("content-type", ""),
        body=arrived.body,
        verdict=words.Verdict.ACCEPTED,
        now=clock.now(),
    )
    done = Reply(200, body="")
    return _write_down(callbacks.PROVIDER, PLATFORM_BUDGET_SECONDS, [entry], done, began, by_former=0)


def challenge(arrived: Arrived, key: str | None = None) -> Answer | None:
    """The answer to a provider's subscription handshake, by the channel's token (`key`) or any token that
    we have; None when it is no handshake or nobody's token."""
    settings = config.settings()
    if key is not None:
        channel = tenants.channel_by_key(key)
        return by_name(channel.provider).challenge(arrived, tenancy.account(channel)) if channel else None
    for provider in REGISTRY.values():
        accounts = [tenancy.account(channel) for channel in tenants.active_channels(provider.name)]
        default = provider.default_account(settings)
        for account in [default, *accounts] if default else accounts:
            if answer := provider.challenge(arrived, account):
                return answer
    return None


def route(provider: Provider, arrived: Arrived) -> Channel | None:
    """The channel that an unaddressed webhook is for by now; for replaying what was unrouted."""
    found = [channel for address in provider.addresses(arrived) for channel in _addressed(provider, address)]
    return found[0] if found else None


def _addressed(provider: Provider, address: Address) -> list[Channel]:
    """The channels that an address means: one, or all of an account."""
    if address.account:
        return tenants.channels_of_account(provider.name, address.account)
    uid = address.reference.partition(".")[0]
    message = messages.by_uid(uid) if uid else None
    if message is not None:
        channel = tenants.channel(message.channel_id)
        return [channel] if channel is not None and channel.provider == provider.name else []
    named = tenants.channel_by_route(provider.name, address.route) if address.route else None
    return [named] if named else []


_PRESENT, _FORMER = "present", "former"


def _signed_by(provider: Provider, arrived: Arrived, channel: Channel) -> str:
    """Which of the channel's credentials signed this: the present ones, the former ones that they replaced a short
    while ago, or none."""
    if _verified(provider, arrived, tenancy.account(channel)):
        return _PRESENT
    former = tenancy.former_account(channel, clock.now())
    if former is None or not _verified(provider, arrived, former):
        return ""
    log.warning("a webhook was signed with replaced credentials", extra={"channel": channel.id})
    return _FORMER


def _verified_by_default(provider: Provider, arrived: Arrived) -> bool:
    account = provider.default_account(config.settings())
    return account is not None and _verified(provider, arrived, account)


def _verified(provider: Provider, arrived: Arrived, account: Account) -> bool:
    settings = config.settings()
    return not provider.must_verify(settings) or provider.verify(arrived, account, settings.wabot_public_url)


def _entry(provider: Provider, arrived: Arrived, channel: Channel | None) -> webhooks.Entry:
    """The journal row for one channel of a webhook; for None, of what no verified channel is there for."""
    return webhooks.entry(
        tenant_id=channel.tenant_id if channel else None,
        channel_id=channel.id if channel else None,
        provider=provider.name,
        dedupe_key=_dedupe_key(channel, arrived),
        target=arrived.target,
        content_type=arrived.headers.get("content-type", ""),
        body=arrived.body,
        verdict=words.Verdict.ACCEPTED if channel else words.Verdict.UNROUTED,
        reason="" if channel else "no channel has this number",
        now=clock.now(),
    )


def _journal(provider: Provider, entries: Sequence[webhooks.Entry], began: float, *, by_former: int) -> Reply:
    done = Reply(200, provider.answer.content_type, provider.answer.body)
    return _write_down(provider.name, provider.webhook_budget_seconds, entries, done, began, by_former=by_former)


def _write_down(
    name: str, budget_seconds: float, entries: Sequence[webhooks.Entry], done: Reply, began: float, *, by_former: int
) -> Reply:
    """`by_former` of the entries were signed with replaced credentials; they are counted in the one write that there
    is, because a webhook must not wait for two."""
    earlier = tallies.noted()

    def store() -> list[webhooks.Journalled]:
        tallies.write_noted(earlier)
        for _ in range(by_former):
            tallies.count(tallies.FORMER_SECRETS, provider=name)
        return [webhooks.add(entry) for entry in entries]

    try:
        journalled = db.write(store, deadline=budget_seconds)
    except errors.CannotWrite:
        log.exception("a webhook could not be written down", extra={"provider": name})
        return Reply(503, body="try again\n", retry_after=RETRY_AFTER_SECONDS)
    log.debug("webhook taken in", extra={"webhooks": [row.id for row in journalled if row.new]})
    tallies.note(tallies.WEBHOOK_SECONDS, clock.monotonic() - began, provider=name)
    return done


def _dedupe_key(channel: Channel | None, arrived: Arrived) -> bytes:
    """The same request to the same channel. GET webhooks carry everything in their query."""
    digest = hashlib.sha256(f"{channel.id if channel else 0}\n".encode())
    digest.update(arrived.body or arrived.target.encode())
    return digest.digest()


def _refused(provider: str, channel_id: int | None, reason: str, arrived: Arrived) -> Reply:
    now = clock.now()
    try:
        db.write(lambda: webhooks.refuse(provider, channel_id, reason, len(arrived.body), now), deadline=1)
    except errors.CannotWrite:
        log.warning("a refused webhook could not be noted")
    return FORBIDDEN
