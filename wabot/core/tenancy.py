"""Tenants, channels and tokens: added, changed, suspended, paused and removed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from wabot import clock, config, errors, sealing, words
from wabot.core import numbers, profile, scheduling
from wabot.providers import REGISTRY, by_name
from wabot.providers.base import Account, Provider
from wabot.store import access, cache, db, outbox, tenants
from wabot.store.tenants import Channel, Tenant

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
RESERVED = frozenset({"jobs"})
"""Words that stand in the API's paths where a slug would."""
ROTATION = timedelta(hours=24)
"""How long replaced credentials go on verifying webhooks, unless the operator says otherwise."""


@dataclass(frozen=True, slots=True)
class NewTenant:
    slug: str
    name: str
    timezone: str = "Asia/Riyadh"
    locale: str = "ar"
    currency: str = "SAR"
    catalog_merchant: str = ""
    daily_limit: int = 1000
    in_per_minute: int | None = None
    in_per_customer: int | None = None


def add_tenant(new: NewTenant, settings: Mapping[str, str]) -> Tenant:
    """A tenant with its schedule, ready for its channels. Raises Conflict for a slug in use, Refused for what cannot
    be."""
    if not _SLUG.fullmatch(new.slug):
        raise errors.Refused("slug", f"{new.slug!r}: a slug is lower-case letters, digits, - and _, at most 64")
    if new.slug in RESERVED:
        raise errors.Refused("slug", f"{new.slug!r} is a word of the API: choose another slug")
    values = {name: getattr(new, name) for name in NewTenant.__slots__}
    profile.check(values, settings)

    def store() -> Tenant:
        if tenants.by_slug(new.slug):
            raise errors.Conflict(f"there is a tenant {new.slug} already")
        now = clock.now()
        tenant = Tenant.create(**values, settings=dict(settings), created_at=now)
        scheduling.add(tenant, now)
        return tenant

    return db.write(store)


def edit_tenant(slug: str, changes: Mapping[str, Any], settings: Mapping[str, str]) -> Tenant:
    """The tenant with these values changed. Raises NotFound, Refused."""
    profile.check(changes, settings)

    def store() -> Tenant:
        tenant = find_tenant(slug)
        merged = {**tenant.settings, **settings}
        tenants.change(tenant.id, **changes, settings=merged)
        if {"catalog_merchant", "currency"} & set(changes):
            cache.forget_tenant(tenant.id)
        changed = find_tenant(slug)
        scheduling.follow(changed, clock.now())
        return changed

    return db.write(store)


def find_tenant(slug: str) -> Tenant:
    """The tenant with this slug. Raises NotFound."""
    tenant = tenants.by_slug(slug)
    if tenant is None:
        raise errors.NotFound(f"there is no tenant {slug!r}")
    return tenant


def suspend(slug: str) -> None:
    """Silence a tenant: webhooks are still stored, nothing is answered or sent. Raises NotFound."""
    _set_status(slug, words.TenantStatus.SUSPENDED)


def resume_tenant(slug: str) -> None:
    """Undo `suspend`: what still waits is sent. Raises NotFound."""
    _set_status(slug, words.TenantStatus.ACTIVE)


def _set_status(slug: str, status: words.TenantStatus) -> None:
    tenant = find_tenant(slug)
    db.write(lambda: tenants.change(tenant.id, status=status))


def remove_tenant(slug: str) -> None:
    """Delete a tenant and all that is its own, in small steps that nobody waits for. Raises NotFound."""
    tenant_id = find_tenant(slug).id
    suspend(slug)
    for table in tenants.TENANT_TABLES:
        while db.write(lambda table=table: tenants.delete_some(table, tenant_id)):  # type: ignore[misc]
            continue
    db.write(lambda: tenants.delete(tenant_id))


def add_channel(
    slug: str,
    provider_name: str,
    number: str,
    credentials: Mapping[str, str],
    *,
    out_per_minute: int | None = None,
    out_per_day: int = 1000,
) -> Channel:
    """A channel that is routed at once. Raises NotFound, Refused, and Conflict for a number in use."""
    tenant, provider = find_tenant(slug), by_name(provider_name)
    normal = numbers.business(number)
    given = {**{key: words.unguessable() for key in provider.generated}, **credentials}
    _check_credentials(provider, normal, given)
    sealed = sealing.seal(config.settings(), given)
    account = provider.account(normal, given, config.settings())
    route = provider.route(account)

    def store() -> Channel:
        _check_route(provider.name, normal, route, None)
        return Channel.create(
            tenant=tenant.id,
            provider=provider.name,
            number=normal,
            route=route,
            account=provider.group(account),
            credentials=sealed,
            out_per_minute=out_per_minute,
            out_per_day=out_per_day,
            created_at=clock.now(),
        )

    return db.write(store)


def edit_channel(
    channel_id: int, credentials: Mapping[str, str], *, overlap: timedelta = ROTATION, **changes: Any
) -> Channel:
    """The channel with these values changed; one that was paused for its credentials goes on when they are
    replaced. The former ones still verify webhooks for `overlap`, because a provider changes over when it likes.
    Raises NotFound, Refused, and Conflict when it would be another channel's."""
    channel = find_channel(channel_id)
    provider = by_name(channel.provider)
    merged = {**_kept_credentials(channel), **credentials}
    _check_credentials(provider, channel.number, merged)

    account = provider.account(channel.number, merged, config.settings())
    route = provider.route(account)
    sealed = sealing.seal(config.settings(), merged)
    if credentials and not _keeps_former(channel, credentials, overlap):
        changes |= {"former_credentials": channel.credentials, "former_until": clock.now() + overlap}

    def store() -> None:
        if channel.status is words.ChannelStatus.ACTIVE:
            _check_route(provider.name, channel.number, route, channel_id)
        tenants.change_channel(channel_id, **changes, route=route, account=provider.group(account), credentials=sealed)
        if credentials and channel.pause_code == "credentials":
            _go_on(channel)

    db.write(store)
    return find_channel(channel_id)


def _keeps_former(channel: Channel, credentials: Mapping[str, str], overlap: timedelta) -> bool:
    """Whether what was replaced a short while ago goes on verifying: it was another of the channel's credentials, such
    as the secret a minute before the token."""
    if former_account(channel, clock.now()) is None or not overlap:
        return False
    former, present = _opened(bytes(channel.former_credentials or b"")), _kept_credentials(channel)
    replaced = {key for key, value in former.items() if value != present.get(key)}
    return replaced.isdisjoint(credentials)


def pause_channel(channel_id: int) -> None:
    """Hold back what a channel would send; inbound goes on. Raises NotFound."""
    find_channel(channel_id)
    db.write(lambda: tenants.pause(channel_id, "paused", "paused by the operator", clock.now()))


def resume_channel(channel_id: int) -> None:
    """Let a channel send again, in order. Raises NotFound, and Conflict if its number moved on."""

    def store() -> None:
        channel = find_channel(channel_id)
        _check_route(channel.provider, channel.number, channel.route, channel_id)
        _go_on(channel)

    db.write(store)


def _go_on(channel: Channel) -> None:
    """Inside a write: what has waited is sent in its order, and no faster than the channel's rate."""
    tenants.resume(channel.id)
    outbox.pace_evenly(channel, config.settings().wabot_out_per_minute, clock.now())


def find_channel(channel_id: int) -> Channel:
    """The channel with this id. Raises NotFound."""
    channel = tenants.channel(channel_id)
    if channel is None:
        raise errors.NotFound(f"there is no channel {channel_id}")
    return channel


def account(channel: Channel) -> Account:
    """The channel as its adapter sees it, credentials opened. Raises SealError."""
    return account_for(channel.provider, channel.number, bytes(channel.credentials))


def former_account(channel: Channel, now: datetime) -> Account | None:
    """The channel with the credentials that it had before they were replaced, while they still verify webhooks."""
    if channel.former_credentials is None or channel.former_until is None or channel.former_until <= now:
        return None
    try:
        return account_for(channel.provider, channel.number, bytes(channel.former_credentials))
    except errors.SealError:
        return None


def account_for(provider_name: str, number: str, sealed: bytes) -> Account:
    """The same, from the parts that a claimed message carries. Raises SealError."""
    return by_name(provider_name).account(number, _opened(sealed), config.settings())


def open_credentials(channel: Channel) -> dict[str, str]:
    """The channel's own credentials, without defaults. Raises SealError."""
    return dict(_opened(bytes(channel.credentials)))


def _kept_credentials(channel: Channel) -> dict[str, str]:
    """What a new value is put beside. With a lost secret key nothing is left, and all have to be given anew."""
    try:
        return open_credentials(channel)
    except errors.SealError:
        return {}


@lru_cache(maxsize=512)
def _opened(sealed: bytes) -> Mapping[str, str]:
    return sealing.unseal(config.settings(), sealed)


def _check_credentials(provider: Provider, number: str, given: Mapping[str, str]) -> None:
    allowed = (*provider.required, *provider.optional)
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise errors.Refused("set", f"{unknown[0]!r} is not one of {', '.join(allowed)}")
    full = provider.account(number, given, config.settings()).credentials
    missing = [key for key in provider.required if not full.get(key)]
    if missing:
        raise errors.Refused("set", f"a {provider.name} channel needs {', '.join(missing)}")


def _check_route(provider: str, number: str, route: str, channel_id: int | None) -> None:
    if tenants.routed_elsewhere(provider, number, route, channel_id):
        raise errors.Conflict(f"{number} is already routed to an active channel")


def create_token(slug: str | None, *, read_only: bool, name: str, days: int | None) -> tuple[int, str]:
    """A new token's id and the token, for a tenant or (None) for the operator. Raises NotFound."""
    tenant_id = find_tenant(slug).id if slug else None
    now = clock.now()
    expires_at = now + timedelta(days=days) if days else None
    return db.write(lambda: access.create(tenant_id, read_only=read_only, name=name, expires_at=expires_at, now=now))


def revoke_token(token_id: int) -> None:
    """Make a token worthless at once. Raises NotFound."""
    if not db.write(lambda: access.revoke(token_id, clock.now())):
        raise errors.NotFound(f"there is no token {token_id}")


def urls(channel: Channel) -> tuple[str, str]:
    """The webhook URL and the status URL to enter at the channel's provider."""
    return by_name(channel.provider).urls(config.settings().wabot_public_url, channel.key)


def provider_names() -> tuple[str, ...]:
    """Every provider that a channel can be added for."""
    return tuple(REGISTRY)
