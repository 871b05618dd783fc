"""`wabot channel`: the numbers that customers write to."""

from datetime import datetime, timedelta
from typing import Any

import click

from wabot import clock, config, errors
from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.core import checkup, recovery, tenancy
from wabot.store import rules, tenants
from wabot.store.tenants import Channel

COLUMNS = ("id", "tenant", "provider", "number", "status", "pauseCode", "pauseReason", "credentials")
KEYS = "A credential of the provider, `-` reads it from standard input; can be given again."
LIMIT = click.IntRange(min=1)


def shape(channel: Channel) -> dict[str, Any]:
    """A channel as `channel add --json` shows it."""
    webhook_url, status_url = tenancy.urls(channel)
    return {
        "id": channel.id,
        "tenant": channel.tenant.slug,
        "provider": channel.provider,
        "number": channel.number,
        "key": channel.key,
        "webhookUrl": webhook_url,
        "statusUrl": status_url,
        "status": channel.status,
    }


def full_shape(channel: Channel) -> dict[str, Any]:
    """The same with why it is paused, its limits, and its own credentials as their last four characters."""
    return shape(channel) | {
        "pauseCode": channel.pause_code or None,
        "pauseReason": channel.pause_reason or None,
        "pausedAt": clock.iso(channel.paused_at),
        "outPerMinute": channel.out_per_minute or config.settings().wabot_out_per_minute,
        "outPerDay": channel.out_per_day,
        "sentToday": rules.sent_today(channel, clock.now()),
        "failuresInARow": channel.failures,
        "credentials": _masked(channel),
        "createdAt": clock.iso(channel.created_at),
    }


def _masked(channel: Channel) -> dict[str, str] | None:
    """None where they do not open; `doctor` says what to do then."""
    try:
        return {name: config.mask(value) for name, value in tenancy.open_credentials(channel).items()}
    except errors.SealError:
        return None


@click.group(cls=Group)
def channel() -> None:
    """Add, check, pause and repair the numbers that customers write to."""


@channel.command()
@click.argument("slug")
@click.argument("provider", type=click.Choice(tenancy.provider_names()))
@click.argument("number")
@options.pick(KEYS, callback=options.secrets)
@click.option("--out-per-minute", type=LIMIT, metavar="N", help="Messages sent a minute; default WABOT_OUT_PER_MINUTE.")
@click.option("--out-per-day", type=LIMIT, metavar="N", default=1000, show_default=True, help="Messages sent a day.")
@options.as_json
def add(slug: str, provider: str, number: str, values: dict[str, str], as_json: bool, **limits: Any) -> None:
    """Add a number to a tenant and print the addresses to enter at the provider."""
    added = tenancy.find_channel(tenancy.add_channel(slug, provider, number, values, **limits).id)
    output.one(shape(added), as_json)


@channel.command("list")
@click.argument("slug", required=False)
@options.as_json
def list_(slug: str | None, as_json: bool) -> None:
    """List the channels of a tenant, or all."""
    found = tenants.channels(tenancy.find_tenant(slug).id if slug else None)
    output.listing((full_shape(row) for row in found), COLUMNS, as_json)


@channel.command()
@click.argument("channel_id", metavar="ID", type=int)
@options.as_json
def pause(channel_id: int, as_json: bool) -> None:
    """Hold back what a channel would send; what comes in is still taken."""
    tenancy.pause_channel(channel_id)
    output.said(full_shape(tenancy.find_channel(channel_id)), f"Paused channel {channel_id}; its sends wait.", as_json)


@channel.command()
@click.argument("channel_id", metavar="ID", type=int)
@options.as_json
def resume(channel_id: int, as_json: bool) -> None:
    """Let a channel send again, in order."""
    tenancy.resume_channel(channel_id)
    output.said(full_shape(tenancy.find_channel(channel_id)), f"Resumed channel {channel_id}.", as_json)


@channel.command()
@click.argument("channel_id", metavar="ID", type=int)
@options.pick(KEYS, callback=options.secrets)
@click.option("--out-per-minute", type=LIMIT, metavar="N", help="Messages sent a minute.")
@click.option("--out-per-day", type=LIMIT, metavar="N", help="Messages sent a day.")
@click.option(
    "--overlap-hours", type=click.IntRange(0, 168), metavar="N", default=24, show_default=True,
    help="How long replaced credentials still verify webhooks; 0 where they have leaked.",
)  # fmt: skip
@options.as_json
def edit(channel_id: int, values: dict[str, str], overlap_hours: int, as_json: bool, **given: Any) -> None:
    """Replace credentials or limits; a channel paused for its credentials goes on."""
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes and not values:
        raise click.UsageError("Say what to change.")
    tenancy.edit_channel(channel_id, values, overlap=timedelta(hours=overlap_hours), **changes)
    output.said(full_shape(tenancy.find_channel(channel_id)), f"Changed channel {channel_id}.", as_json)


@channel.command()
@click.argument("channel_id", metavar="ID", type=int)
@options.as_json
@click.pass_context
def check(ctx: click.Context, channel_id: int, as_json: bool) -> None:
    """Check a channel's credentials, addresses and routing, each with its fix; exit 1 if one fails."""
    checks = checkup.examine(channel_id)
    output.checks(checks, as_json)
    ctx.exit(int(not all(found.ok for found in checks)))


@channel.command()
@click.argument("channel_id", metavar="ID", type=int)
@click.option("--since", type=options.Moment(), required=True, help="From when on, such as 2h or 2026-11-20T09:30Z.")
@options.as_json
def recover(channel_id: int, since: datetime, as_json: bool) -> None:
    """Fetch what customers wrote from the provider's history, and read what was missed."""
    found = recovery.recover(channel_id, since)
    row = {"id": channel_id, "since": clock.iso(since), "found": found.found, "new": found.new}
    output.said(row, f"{found.found} found, {found.new} of them new.", as_json)
