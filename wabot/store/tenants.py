"""Tenants and their channels."""

from datetime import datetime
from typing import Any

import peewee

from wabot import words
from wabot.store import db
from wabot.store.fields import Json, Moment, Text, Word


class Tenant(db.Row):
    slug = Text()
    name = Text()
    timezone = Text()
    locale = Text()
    currency = Text()
    catalog_merchant = Text(default="")
    daily_limit = peewee.IntegerField(default=1000)
    in_per_minute = peewee.IntegerField(null=True)
    in_per_customer = peewee.IntegerField(null=True)
    settings = Json(default=dict)
    orders_key = Text(default=words.unguessable)
    status = Word(words.TenantStatus, default=words.TenantStatus.ACTIVE)
    created_at = Moment()


class Channel(db.Row):
    """One WhatsApp number at one provider; `credentials` are sealed."""

    tenant_id: int
    tenant = peewee.ForeignKeyField(Tenant)
    provider = Text()
    number = Text()
    route = Text()
    key = Text(default=words.unguessable)
    credentials = peewee.BlobField()
    status = Word(words.ChannelStatus, default=words.ChannelStatus.ACTIVE)
    pause_code = Text(default="")
    pause_reason = Text(default="")
    paused_at = Moment(null=True)
    held_until = Moment(null=True)
    out_per_minute = peewee.IntegerField(null=True)
    out_per_day = peewee.IntegerField(default=1000)
    last_claim = peewee.IntegerField(default=0)
    created_at = Moment()


def all_tenants() -> list[Tenant]:
    """Every tenant, by slug."""
    return list(Tenant.select().order_by(Tenant.slug))


def by_slug(slug: str) -> Tenant | None:
    """The tenant with this slug."""
    return Tenant.load_one("WHERE slug = ?", slug)


def by_id(tenant_id: int) -> Tenant | None:
    """The tenant with this id."""
    return Tenant.load_one("WHERE id = ?", tenant_id)


def channels(tenant_id: int | None = None) -> list[Channel]:
    """The channels of a tenant, or for the operator of all, in the order they were added."""
    found = Channel.select(Channel, Tenant).join(Tenant).order_by(Channel.id)
    return list(found if tenant_id is None else found.where(Channel.tenant == tenant_id))


def channel(channel_id: int) -> Channel | None:
    """The channel with this id, whoever's it is; for the operator and for work that is its own."""
    return Channel.load_one("WHERE id = ?", channel_id)


def channel_by_key(key: str) -> Channel | None:
    """The channel whose own webhook route has this key."""
    return Channel.load_one("WHERE key = ?", key)


def channel_by_route(provider: str, route: str) -> Channel | None:
    """The channel that the provider names so: the active one, else the newest paused one."""
    named = Channel.load("WHERE provider = ? AND route = ?", provider, route)
    return max(named, key=lambda channel: (channel.status is words.ChannelStatus.ACTIVE, channel.id), default=None)


def active_channels(provider: str) -> list[Channel]:
    """Every active channel at this provider; for the operator's own checks."""
    active = Channel.status == words.ChannelStatus.ACTIVE
    return list(Channel.select(Channel, Tenant).join(Tenant).where(active, Channel.provider == provider))


def first_active_channel(tenant_id: int) -> Channel | None:
    """The channel that a message goes out by when nobody says which."""
    return Channel.load_one("WHERE tenant_id = ? AND status = 'active' ORDER BY id LIMIT 1", tenant_id)


def routed_elsewhere(provider: str, number: str, route: str, channel_id: int | None) -> bool:
    """Whether another active channel has this number already, or its provider names another one so."""
    found = db.one(
        "SELECT 1 FROM channel WHERE (number = ? OR (provider = ? AND route = ?)) AND status = 'active' "
        "AND id IS NOT ? LIMIT 1",
        number,
        provider,
        route,
        channel_id,
    )
    return found is not None


def change(tenant_id: int, **values: Any) -> None:
    """Inside a write: set columns of one tenant."""
    Tenant.update(**values).where(Tenant.id == tenant_id).execute()


def change_channel(channel_id: int, **values: Any) -> None:
    """Inside a write: set columns of one channel."""
    Channel.update(**values).where(Channel.id == channel_id).execute()


def pause(channel_id: int, code: str, reason: str, now: datetime) -> bool:
    """Stop sends by this channel; True if it was active until now."""
    return bool(
        db.run(
            "UPDATE channel SET status = 'paused', pause_code = ?, pause_reason = ?, paused_at = ? "
            "WHERE id = ? AND status = 'active'",
            code,
            reason,
            now,
            channel_id,
        )
    )


def resume(channel_id: int) -> None:
    """Let a channel send again."""
    db.run(
        "UPDATE channel SET status = 'active', pause_code = '', pause_reason = '', paused_at = NULL, "
        "held_until = NULL WHERE id = ?",
        channel_id,
    )


def hold(channel_id: int, until: datetime) -> None:
    """Let a channel wait after the provider said that it is too fast."""
    db.run("UPDATE channel SET held_until = max(coalesce(held_until, 0), ?) WHERE id = ?", until, channel_id)


def delete(tenant_id: int) -> None:
    """Inside a write: delete a tenant whose rows are gone, with its channels."""
    Tenant.delete().where(Tenant.id == tenant_id).execute()


TENANT_TABLES = ("parked", "attempt", "message", "webhook", "conversation", "alias", "customer", "token", "menu")
"""Every table with a tenant's rows, children first; `channel` and `tenant` go last."""


def delete_some(table: str, tenant_id: int, most: int = 1000) -> int:
    """Delete at most `most` of a tenant's rows of one of TENANT_TABLES; returns how many went."""
    if table not in TENANT_TABLES:
        raise ValueError(table)
    key = "tenant_id" if table == "menu" else "rowid"
    if table == "alias":
        return db.run(
            "DELETE FROM alias WHERE (tenant_id, alias) IN "
            "(SELECT tenant_id, alias FROM alias WHERE tenant_id = ? LIMIT ?)",
            tenant_id,
            most,
        )
    return db.run(
        f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE tenant_id = ? LIMIT ?)",  # noqa: S608
        tenant_id,
        most,
    )
