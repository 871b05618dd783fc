"""`wabot bootstrap`: what is fetched in the background when customers are welcomed."""

import click

from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.cli.messages import cell
from wabot.core import tenancy, warming

COLUMNS = ("id", "restaurantId", "customer", "status", "attempts", "categories", "branches", "templates", "ms", "error",
           "createdAt")  # fmt: skip


@click.group(cls=Group)
def bootstrap() -> None:
    """Look at the fetching ahead that goes with each welcome, or do it by hand."""


@bootstrap.command("list")
@click.option("--tenant", metavar="SLUG", help="Only this tenant's.")
@click.option("--limit", type=click.IntRange(1, 1000), metavar="N", default=50, show_default=True, help="So many.")
@options.as_json
def list_(tenant: str | None, limit: int, as_json: bool) -> None:
    """List bootstraps, newest first, with what they fetched."""
    found = warming.listed(tenancy.find_tenant(tenant) if tenant else None, limit)
    rows = [warming.shown(row) for row in found]
    output.listing(rows if as_json else [{name: cell(row, name) for name in COLUMNS} for row in rows], COLUMNS, as_json)


@bootstrap.command()
@click.argument("slug")
@click.argument("customer")
@options.as_json
def run(slug: str, customer: str, as_json: bool) -> None:
    """Fetch menu, branches and templates for a customer now, with the usual retries, and print what came of it."""
    output.one(warming.run(slug, customer), as_json)
