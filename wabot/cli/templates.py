"""`wabot template`: what each channel can send outside the window."""

import click

from wabot import words
from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.core import shapes, tenancy
from wabot.core import templates as registry
from wabot.store import templates

COLUMNS = ("channelId", "name", "language", "category", "status", "params", "body")


@click.group(cls=Group)
def template() -> None:
    """List the templates of a tenant, and bring them up to date."""


@template.command("list")
@click.argument("slug")
@options.as_json
def list_(slug: str, as_json: bool) -> None:
    """List a tenant's templates, by channel and name."""
    tenant = tenancy.find_tenant(slug)
    output.listing(map(shapes.template, templates.of_tenant(tenant.id)), COLUMNS, as_json)


@template.command("set")
@click.argument("channel_id", metavar="CHANNEL", type=int)
@click.argument("name")
@click.argument("provider_id")
@click.option("--language", default="ar", show_default=True, help="The language it is in.")
@click.option("--body", default="", metavar="TEXT", help="Its text, with {{1}} or {{name}} where variables go.")
@click.option(
    "--params", type=click.IntRange(0), metavar="N", default=0, help="How many variables; default as in TEXT."
)
@options.as_json
def set_(channel_id: int, name: str, provider_id: str, language: str, body: str, params: int, as_json: bool) -> None:
    """Say what a channel's provider calls a template."""
    given = words.Template(name, language, provider_id, body=body, params=params)
    row = registry.add(channel_id, given)
    output.said(shapes.template(row), f"Set {row.name} ({row.language}) of channel {channel_id}.", as_json)


@template.command()
@click.argument("channel_id", metavar="CHANNEL", type=int)
@options.as_json
def pull(channel_id: int, as_json: bool) -> None:
    """Replace what was pulled before by what the channel's provider lists now."""
    pulled = registry.pull(channel_id)
    sentence = f"{pulled.listed} listed, {pulled.dropped} dropped."
    output.said({"channelId": channel_id, "listed": pulled.listed, "dropped": pulled.dropped}, sentence, as_json)


@template.command()
@click.argument("channel_id", metavar="[CHANNEL]", type=int, required=False)
@options.as_json
def warm(channel_id: int | None, as_json: bool) -> None:
    """Register the templates that settings name, for a channel or for all."""
    number = registry.warm(channel_id)
    output.said({"templates": number}, f"{number} registered.", as_json)
