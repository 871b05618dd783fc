"""Tenants and their channels."""

from collections.abc import Sequence
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
    """One WhatsApp number at one provider; `credentials` are sealed. The former ones verify webhooks, and do nothing
    else, until `former_until`. `failures` counts sends in a row that met no working provider; `sent_today` the
    messages of `sent_day`, a day of the tenant's; `account` is the provider's word for what several channels may
    share."""

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
    former_credentials = peewee.BlobField(null=True)
    former_until = Moment(null=True)
    account = Text(default="")
    failures = peewee.IntegerField(default=0)
    sent_day = Text(default="")
    sent_today = peewee.IntegerField(default=0)


def by_orders_key(key: str) -> Tenant | None:
    """The tenant whose route for what the order platform tells has this key."""
    return Tenant.load_one("WHERE orders_key = ?", key)


def all_tenants() -> list[Tenant]:
    """Every tenant, by slug."""
    return list(Tenant.select().order_by(Tenant.slug))


def page(limit: int, offset: int) -> list[Tenant]:
    """So many tenants by slug, from `offset` on."""
    return Tenant.load("ORDER BY slug LIMIT ? OFFSET ?", limit, offset)


def count() -> int:
    """How many tenants there are."""
    [(number,)] = db.rows("SELECT count(*) FROM tenant")
    return int(number)


def with_ids(ids: Sequence[int]) -> list[Tenant]:
    """The tenants with these ids."""
    return Tenant.load(f"WHERE id IN ({', '.join('?' * len(ids))})", *ids) if ids else []


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


def channels_of_account(provider: str, account: str) -> list[Channel]:
    """The channels that belong to this account at their provider, in the order they were added."""
    return Channel.load("WHERE provider = ? AND account = ? ORDER BY id", provider, account)


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
        "held_until = NULL, failures = 0 WHERE id = ?",
        channel_id,
    )


def hold(channel_id: int, until: datetime, furthest: datetime) -> None:
    """Let a channel wait after the provider said that it is too fast. A hold beyond `furthest` was written by a clock
    that was ahead, and counts for nothing."""
    held = "iif(coalesce(held_until, 0) > ?, 0, coalesce(held_until, 0))"
    db.run(f"UPDATE channel SET held_until = max({held}, ?) WHERE id = ?", furthest, until, channel_id)  # noqa: S608


def note_failure(channel_id: int) -> int:
    """Inside a write: a send met no working provider; returns how many in a row did."""
    [(failures,)] = db.rows("UPDATE channel SET failures = failures + 1 WHERE id = ? RETURNING failures", channel_id)
    return int(failures)


def note_answer(channel_id: int) -> int:
    """Inside a write: the provider is at work; returns how many sends in a row had failed until now."""
    found = db.one("SELECT failures FROM channel WHERE id = ? AND failures > 0", channel_id)
    if not found:
        return 0
    db.run("UPDATE channel SET failures = 0 WHERE id = ?", channel_id)
    return int(found[0])


def delete(tenant_id: int) -> None:
    """Inside a write: delete a tenant whose rows are gone, with its channels."""
    Tenant.delete().where(Tenant.id == tenant_id).execute()


TENANT_TABLES = (
    "order_step", "order_item", "orders", "order_counter", "bootstrap", "wanted", "cache", "usage_schedule",
    "usage_pull", "usage_run", "alert", "event", "daily_usage", "session", "run", "opt_out", "parked", "attempt",
    "media", "message", "template", "webhook", "conversation", "alias", "customer", "token", "menu",
)  # fmt: skip
"""Every table with a tenant's rows, children first; `channel` and `tenant` go last."""


def delete_some(table: str, tenant_id: int, most: int = 1000) -> int:
    """Delete at most `most` of a tenant's rows of one of TENANT_TABLES; returns how many went. Messages are found by
    their channel: an index by tenant would cost each one that comes, and without it all that there are were read."""
    if table not in TENANT_TABLES:
        raise ValueError(table)
    if table == "media" and (gone := _delete_chunks(tenant_id)):
        return gone
    key = "tenant_id" if table == "menu" else "rowid"
    if table == "alias":
        return db.run(
            "DELETE FROM alias WHERE (tenant_id, alias) IN "
            "(SELECT tenant_id, alias FROM alias WHERE tenant_id = ? LIMIT ?)",
            tenant_id,
            most,
        )
    mine = "channel_id IN (SELECT id FROM channel WHERE tenant_id = ?)" if table == "message" else "tenant_id = ?"
    return db.run(
        f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {mine} LIMIT ?)",  # noqa: S608
        tenant_id,
        most,
    )


def _delete_chunks(tenant_id: int) -> int:
    """A megabyte of the tenant's files at a time: with their rows all of it would go in one write."""
    return db.run(
        "DELETE FROM media_chunk WHERE (media_id, n) IN (SELECT c.media_id, c.n FROM media m "
        "JOIN media_chunk c ON c.media_id = m.id WHERE m.tenant_id = ? LIMIT 4)",
        tenant_id,
    )


def forget_former(now: datetime) -> None:
    """Inside a write: replaced credentials that verify nothing any more are not kept."""
    db.run(
        "UPDATE channel SET former_credentials = NULL, former_until = NULL "
        "WHERE former_until IS NOT NULL AND former_until <= ?",
        now,
    )
