"""`wabot tenant`: who the bots work for."""

from typing import Any

import click

from wabot import clock, config, words
from wabot.bot.state import LOCALES
from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.core import profile, tenancy
from wabot.store import tenants
from wabot.store.tenants import Tenant

COLUMNS = ("id", "name", "status", "timezone", "locale", "currency", "dailyLimit", "createdAt")
LIMIT = click.IntRange(min=1)
LOCALE = click.Choice(LOCALES)
KEYS = f"One of {', '.join(profile.TENANT_KEYS)}; can be given again."


def shape(tenant: Tenant) -> dict[str, Any]:
    """A tenant as `--json` shows it, with its effective limits and settings."""
    settings = config.settings()
    default = round(settings.rate_limit_max_requests * 60_000 / settings.rate_limit_window_ms)
    return {
        "id": tenant.slug,
        "restaurantId": tenant.slug,
        "name": tenant.name,
        "timezone": tenant.timezone,
        "locale": tenant.locale,
        "currency": tenant.currency,
        "catalogMerchant": tenant.catalog_merchant or None,
        "dailyLimit": tenant.daily_limit,
        "inPerMinute": tenant.in_per_minute or default,
        "inPerCustomer": tenant.in_per_customer or settings.customer_rate_limit,
        "settings": {key: profile.setting(tenant, key) for key in profile.TENANT_KEYS},
        "status": tenant.status,
        "isActive": tenant.status is words.TenantStatus.ACTIVE,
        "ordersUrl": f"{settings.wabot_public_url}/webhooks/orders/{tenant.orders_key}",
        "createdAt": clock.iso(tenant.created_at),
    }


@click.group(cls=Group)
def tenant() -> None:
    """Add, change, suspend and remove tenants."""


@tenant.command()
@click.argument("slug")
@click.option("--name", required=True, help="What its customers call it.")
@click.option("--timezone", default="Asia/Riyadh", show_default=True, help="Where its days begin and end.")
@click.option("--locale", type=LOCALE, default="ar", show_default=True, help="Its bot's language.")
@click.option("--currency", default="SAR", show_default=True, help="What its prices are in.")
@click.option("--catalog-merchant", default="", metavar="UUID", help="Its merchant id at the catalog.")
@click.option("--daily-limit", type=LIMIT, metavar="N", default=1000, show_default=True, help="Conversations a day.")
@click.option(
    "--in-per-minute", type=LIMIT, metavar="N", help="Messages answered a minute; default RATE_LIMIT_MAX_REQUESTS."
)
@click.option(
    "--in-per-customer", type=LIMIT, metavar="N", help="The same for one customer; default CUSTOMER_RATE_LIMIT."
)
@options.pick(KEYS)
@options.as_json
def add(slug: str, values: dict[str, str], as_json: bool, **given: Any) -> None:
    """Add a tenant."""
    added = tenancy.add_tenant(tenancy.NewTenant(slug, **given), values)
    output.said(shape(added), f"Added {slug}. Next: wabot channel add {slug} …", as_json)


@tenant.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """List all tenants."""
    output.listing((shape(row) for row in tenants.all_tenants()), COLUMNS, as_json)


@tenant.command()
@click.argument("slug")
@options.as_json
def show(slug: str, as_json: bool) -> None:
    """Show everything about a tenant."""
    output.one(shape(tenancy.find_tenant(slug)), as_json)


@tenant.command()
@click.argument("slug")
@click.option("--name", help="What its customers call it.")
@click.option("--timezone", help="Where its days begin and end.")
@click.option("--locale", type=LOCALE, help="Its bot's language.")
@click.option("--currency", help="What its prices are in.")
@click.option("--catalog-merchant", metavar="UUID", help="Its merchant id at the catalog.")
@click.option("--daily-limit", type=LIMIT, metavar="N", help="Conversations a day.")
@click.option("--in-per-minute", type=LIMIT, metavar="N", help="Messages answered a minute.")
@click.option("--in-per-customer", type=LIMIT, metavar="N", help="The same for one customer.")
@options.pick(KEYS)
@options.as_json
def edit(slug: str, values: dict[str, str], as_json: bool, **given: Any) -> None:
    """Change what is given, and only that."""
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes and not values:
        raise click.UsageError("Say what to change.")
    output.said(shape(tenancy.edit_tenant(slug, changes, values)), f"Changed {slug}.", as_json)


@tenant.command()
@click.argument("slug")
@options.as_json
def suspend(slug: str, as_json: bool) -> None:
    """Silence a tenant: its webhooks are kept, nothing is answered or sent, its tokens get 403."""
    tenancy.suspend(slug)
    output.said(shape(tenancy.find_tenant(slug)), f"Suspended {slug}; its messages wait.", as_json)


@tenant.command()
@click.argument("slug")
@options.as_json
def resume(slug: str, as_json: bool) -> None:
    """Undo suspend: what waited is sent, unless it waited too long."""
    tenancy.resume_tenant(slug)
    output.said(shape(tenancy.find_tenant(slug)), f"Resumed {slug}.", as_json)


@tenant.command()
@click.argument("slug")
@options.yes
@options.as_json
def remove(slug: str, as_json: bool) -> None:
    """Delete a tenant with its channels, customers and messages."""
    tenancy.remove_tenant(slug)
    output.said({"id": slug, "removed": True}, f"Removed {slug} and all that was its own.", as_json)
