"""`wabot send`, `wabot message` and `wabot log`: the outbox from both ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from wabot import words
from wabot.cli import options, output
from wabot.cli.base import ACTOR, Command, Group
from wabot.core import confirming, retrying, sending, shapes, tenancy
from wabot.store import logs
from wabot.store.logs import Asked

COLUMNS = ("id", "createdAt", "businessId", "customer", "type", "kind", "status", "retryCount", "errorCode")
LARGEST_PAGE = 200
OUTGOING = [word.value for word in words.Status if word is not words.Status.RECEIVED]


@click.command(cls=Command)
@click.argument("slug")
@click.argument("to")
@click.argument("text")
@click.option("--channel", "channel_id", metavar="ID", type=int, help="By this channel; default the first active one.")
@click.option("--idempotency-key", metavar="KEY", help="The same key again queues nothing new.")
@options.as_json
def send(slug: str, to: str, text: str, channel_id: int | None, idempotency_key: str | None, as_json: bool) -> None:
    """Queue a text message to a customer who wrote in the last 24 hours, and print its id."""
    draft = words.Draft(words.Kind.TEXT, text, purpose=words.Purpose.AGENT)
    queued = sending.send(slug, to, draft, channel_id=channel_id, idempotency_key=idempotency_key)
    answer = {"message": shapes.message(queued), "confirmationUrl": confirming.url(queued)}
    output.said(answer, str(queued.id), as_json)


@click.group(cls=Group)
def message() -> None:
    """Take a message back before it is sent."""


@message.command()
@click.argument("message_id", metavar="ID", type=int)
@options.as_json
def cancel(message_id: int, as_json: bool) -> None:
    """Take a message out of the outbox, unless it is being sent or was sent."""
    cancelled = retrying.cancel(None, message_id, actor=ACTOR)
    output.said(shapes.message(cancelled), f"Cancelled message {message_id}.", as_json)


@click.command(cls=Command)
@click.option("--tenant", "slug", metavar="SLUG", help="Of this tenant; default all.")
@click.option("--status", type=click.Choice(OUTGOING), help="`failed` also finds what waits for its retry or is dead.")
@click.option("--type", "purpose", default="", metavar="WORD", help="Why it was sent, such as reply or welcome.")
@click.option("--kind", default="", metavar="WORD", help="WhatsApp's type, such as text or template.")
@click.option("--min-retries", type=click.IntRange(min=0), default=0, metavar="N", help="Retried at least so often.")
@click.option("--since", type=options.Moment(), help="From when on, such as 2h or 2026-11-20.")
@click.option("--customer", default="", metavar="TEXT", help="To a number or name that contains this.")
@click.option("--page", type=click.IntRange(min=1), metavar="N", default=1, show_default=True, help="Which page.")
@click.option(
    "--page-size", type=click.IntRange(1, LARGEST_PAGE), metavar="N", default=50, show_default=True, help="Rows a page."
)
@options.as_json
def log(
    slug: str | None,
    status: str | None,
    purpose: str,
    kind: str,
    min_retries: int,
    since: datetime | None,
    customer: str,
    page: int,
    page_size: int,
    as_json: bool,
) -> None:
    """List outgoing messages, newest first, with what became of them."""
    tenant_id = tenancy.find_tenant(slug).id if slug else None
    asked = Asked(tenant_id, status or "", purpose, kind, min_retries, since, customer)
    found, total = logs.page_of(asked, page=page, page_size=page_size)
    attempts = logs.attempts_of(found)
    shown = shapes.log_page([shapes.log_row(row, attempts.get(row.id, ())) for row in found], page, page_size, total)
    if as_json:
        output.document(shown | {"stats": shapes.log_stats(logs.counts(tenant_id))})
        return
    output.table(COLUMNS, ([cell(row, column) for column in COLUMNS] for row in shown["logs"]))
    pages = shown["pagination"]["totalPages"]
    if pages > 1:
        click.echo(f"Page {page} of {pages}, {total} messages.", err=True)


def cell(row: Mapping[str, Any], column: str) -> Any:
    """What a table of the log shows; of a customer the number."""
    value = row[column]
    return (value.get("waId") or value.get("name")) if isinstance(value, dict) else value
