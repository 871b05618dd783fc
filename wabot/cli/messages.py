"""`wabot send` and `wabot log`: the outbox from both ends."""

from datetime import datetime

import click

from wabot import words
from wabot.cli import options, output
from wabot.cli.base import Command
from wabot.core import sending, shapes, tenancy
from wabot.store import attempts, inspect, messages

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
    output.said({"message": shapes.message(queued)}, str(queued.id), as_json)


@click.command(cls=Command)
@click.option("--tenant", "slug", metavar="SLUG", help="Of this tenant; default all.")
@click.option("--status", type=click.Choice(OUTGOING), help="`failed` also finds what waits for its retry or is dead.")
@click.option("--type", "purpose", default="", metavar="WORD", help="Why it was sent, such as reply or welcome.")
@click.option("--kind", default="", metavar="WORD", help="WhatsApp's type, such as text or template.")
@click.option("--min-retries", type=click.IntRange(min=0), default=0, metavar="N", help="Retried at least so often.")
@click.option("--since", type=options.Moment(), help="From when on, such as 2h or 2026-11-20.")
@click.option("--customer", default="", metavar="NUMBER", help="To a number that contains this.")
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
    found, total = messages.log(
        tenant_id=tenant_id,
        status=status or "",
        purpose=purpose,
        kind=kind,
        min_retries=min_retries,
        since=since,
        customer=customer,
        page=page,
        page_size=page_size,
    )
    rows = [shapes.log_row(row, attempts.of_message(row.id)) for row in found]
    pages = -(-total // page_size)
    if as_json:
        pagination = {"page": page, "pageSize": page_size, "total": total, "totalPages": pages}
        output.document({"logs": rows, "pagination": pagination, "stats": _stats(tenant_id)})
        return
    output.table(COLUMNS, ([_cell(row, column) for column in COLUMNS] for row in rows))
    if pages > 1:
        click.echo(f"Page {page} of {pages}, {total} messages.", err=True)


def _stats(tenant_id: int | None) -> dict[str, int]:
    counted = inspect.count_outgoing(tenant_id, shapes.CRITICAL_CODES)
    return {"total": counted.total, "failed": counted.failed, "critical": counted.critical}


def _cell(row: dict[str, object], column: str) -> object:
    value = row[column]
    return (value.get("waId") or value.get("name")) if isinstance(value, dict) else value
