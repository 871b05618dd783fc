"""`wabot retry`: what failed, sending it again, and giving it up."""

from datetime import datetime
from typing import Any

import click

from wabot import errors, words
from wabot.cli import messages, options, output
from wabot.cli.base import ACTOR, Failed, Group
from wabot.core import retrying, shapes, tenancy
from wabot.core.retrying import Result
from wabot.store import logs
from wabot.store.failed import Wanted
from wabot.store.logs import Asked

COLUMNS = ("id", "createdAt", "businessId", "customer", "type", "kind", "retryCount", "nextRetryAt", "errorCode")
MOST_LISTED = 1000


@click.group(cls=Group)
def retry() -> None:
    """List what failed, have it sent again, or give it up."""


@retry.command("list")
@click.option("--tenant", "slug", metavar="SLUG", help="Of this tenant; default all.")
@click.option("--since", type=options.Moment(), help="From when on, such as 2h or 2026-11-20.")
@click.option(
    "--limit", type=click.IntRange(1, MOST_LISTED), metavar="N", default=50, show_default=True, help="How many."
)
@options.as_json
def list_(slug: str | None, since: datetime | None, limit: int, as_json: bool) -> None:
    """List messages that failed, dead ones and those that wait for their retry too, newest first."""
    asked = Asked(tenant_id=_tenant_id(slug), status=words.Status.FAILED, since=since)
    found, total = logs.page_of(asked, page_size=limit)
    rows = _rows(found)
    if as_json:
        output.document({"data": rows})
        return
    output.table(COLUMNS, ([messages.cell(row, column) for column in COLUMNS] for row in rows))
    if total > len(rows):
        click.echo(f"{len(rows)} of {total}.", err=True)


@retry.command()
@click.argument("message_ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that failed.")
@click.option("--tenant", "slug", metavar="SLUG", help="With --all: of this tenant.")
@click.option("--since", type=options.Moment(), help="With --all: from when on, such as 2h or 2026-11-20.")
@click.option("--force", is_flag=True, help="Also where it may not help, or may reach the customer twice.")
@options.as_json
def run(
    message_ids: tuple[int, ...], every: bool, slug: str | None, since: datetime | None, force: bool, as_json: bool
) -> None:
    """Have failed messages sent again, once each; more than 100 in the background."""
    if bool(message_ids) is every or (message_ids and (slug or since)):
        raise click.UsageError("Say which: their ids, or --all with --tenant and --since.")
    how: dict[str, Any] = {"by": words.AttemptBy.HAND, "actor": ACTOR, "force": force}
    if len(message_ids) == 1:
        result = retrying.retry_one(None, message_ids[0], **how)
    else:
        wanted = Wanted(ids=message_ids) if message_ids else Wanted(since=since)
        result = retrying.retry_many(_tenant_id(slug), wanted, **how)
    rows = _rows(logs.with_ids(result.retried))
    output.said(shapes.retried(result, rows), _sentence(result), as_json)
    if message_ids and result.skipped:
        raise Failed("; ".join(f"{each.message_id}: {each.reason}" for each in result.skipped))


def _sentence(result: Result) -> str:
    if not result.is_over:
        return f"Run {result.run_id} goes on in the background: `wabot queue` shows when it is over."
    skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
    return f"{len(result.retried)} will be sent again{skipped}."


@retry.command()
@click.argument("message_ids", metavar="ID...", type=int, nargs=-1, required=True)
@options.as_json
def discard(message_ids: tuple[int, ...], as_json: bool) -> None:
    """Give failed messages up: they are never sent again."""
    rows = [_discard(message_id) for message_id in message_ids]
    refused = [row for row in rows if not row["discarded"]]
    output.said({"data": rows}, f"Gave up {len(rows) - len(refused)}.", as_json)
    if refused:
        raise Failed("; ".join(str(row["reason"]) for row in refused))


def _discard(message_id: int) -> dict[str, Any]:
    try:
        retrying.discard(None, message_id, actor=ACTOR)
    except (errors.NotFound, errors.Conflict) as error:
        return {"id": message_id, "discarded": False, "reason": str(error)}
    return {"id": message_id, "discarded": True, "reason": None}


def _rows(found: list[Any]) -> list[dict[str, Any]]:
    attempts = logs.attempts_of(found)
    return [shapes.log_row(row, attempts.get(row.id, ())) for row in found]


def _tenant_id(slug: str | None) -> int | None:
    return tenancy.find_tenant(slug).id if slug else None
