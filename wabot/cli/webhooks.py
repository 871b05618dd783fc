"""`wabot webhook`: the journal of what providers sent."""

from typing import Any

import click

from wabot import clock, errors
from wabot.cli import options, output
from wabot.cli.base import Failed, Group
from wabot.core import recovery
from wabot.store import inspect, tenants, webhooks
from wabot.store.webhooks import Refusal, Webhook

COLUMNS = ("id", "receivedAt", "provider", "tenant", "channelId", "verdict", "reading", "duplicates", "about", "reason")
REFUSED_COLUMNS = ("id", "at", "provider", "channelId", "reason", "size")
VERDICTS = ("accepted", "unrouted", "quarantined", "duplicate")


def _shape(webhook: Webhook, slugs: dict[int | None, str]) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "provider": webhook.provider,
        "tenant": slugs.get(webhook.tenant_id),
        "channelId": webhook.channel_id,
        "verdict": webhook.verdict,
        "reading": webhook.reading,
        "about": webhook.about or None,
        "reason": webhook.reason or None,
        "problems": webhook.problems,
        "size": webhook.size,
        "duplicates": webhook.duplicates,
        "lastDuplicateAt": clock.iso(webhook.last_duplicate_at),
        "readAttempts": webhook.read_attempts,
        "receivedAt": clock.iso(webhook.received_at),
        "readAt": clock.iso(webhook.read_at),
    }


def _refused_shape(refusal: Refusal) -> dict[str, Any]:
    return {
        "id": refusal.id,
        "provider": refusal.provider or None,
        "channelId": refusal.channel_id,
        "reason": refusal.reason,
        "size": refusal.size,
        "at": clock.iso(refusal.at),
    }


def _slugs() -> dict[int | None, str]:
    return {row.id: row.slug for row in tenants.all_tenants()}


@click.group(cls=Group)
def webhook() -> None:
    """Look into the journal of webhooks, and have some read again."""


@webhook.command("list")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only these; `duplicate`: those that came again.")
@click.option("--refused", is_flag=True, help="Those that did not verify, which are kept without their body.")
@click.option("--limit", type=click.IntRange(1, 1000), metavar="N", default=50, show_default=True, help="How many.")
@options.as_json
def list_(verdict: str | None, refused: bool, limit: int, as_json: bool) -> None:
    """List what came in, newest first."""
    if refused and verdict:
        raise click.UsageError("A refused webhook has no verdict: say --refused or --verdict.")
    if refused:
        output.listing(map(_refused_shape, webhooks.refusals(limit)), REFUSED_COLUMNS, as_json)
        return
    slugs = _slugs()
    output.listing((_shape(row, slugs) for row in webhooks.page(verdict or "", limit)), COLUMNS, as_json)


@webhook.command()
@click.argument("webhook_id", metavar="ID", type=int)
@click.option("--body", "with_body", is_flag=True, help="Also the body as it was received: a customer's words.")
@options.as_json
def show(webhook_id: int, with_body: bool, as_json: bool) -> None:
    """Show what became of a webhook."""
    found = webhooks.find(webhook_id)
    if found is None:
        raise errors.NotFound(f"there is no webhook {webhook_id}")
    row = _shape(found, _slugs())
    if with_body:
        row["body"] = found.body.decode("utf-8", "replace") if found.body is not None else None
    output.one(row, as_json)


@webhook.command()
@click.argument("webhook_ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--quarantined", is_flag=True, help="All that are in quarantine.")
@options.as_json
def replay(webhook_ids: tuple[int, ...], quarantined: bool, as_json: bool) -> None:
    """Have webhooks read again; what is stored already stays as it is, and nothing is answered twice."""
    if bool(webhook_ids) is quarantined:
        raise click.UsageError("Say which: their ids, or --quarantined.")
    rows = [_replay(webhook_id) for webhook_id in webhook_ids or inspect.quarantined_webhooks()]
    refused = [row for row in rows if not row["replayed"]]
    output.said({"data": rows}, f"{len(rows) - len(refused)} will be read again.", as_json)
    if refused:
        raise Failed("; ".join(str(row["reason"]) for row in refused))


def _replay(webhook_id: int) -> dict[str, Any]:
    try:
        recovery.replay(webhook_id)
    except (errors.NotFound, errors.Conflict) as error:
        return {"id": webhook_id, "replayed": False, "reason": str(error)}
    return {"id": webhook_id, "replayed": True, "reason": None}
