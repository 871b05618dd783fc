"""`wabot token`: credentials of the JSON API."""

from typing import Any

import click

from wabot import clock
from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.core import tenancy
from wabot.store import access, tenants
from wabot.store.access import ApiToken

COLUMNS = ("id", "tenant", "admin", "readOnly", "name", "hint", "status", "expiresAt", "createdAt")


def _shape(token: ApiToken, slugs: dict[int | None, str]) -> dict[str, Any]:
    expired = token.expires_at is not None and token.expires_at <= clock.now()
    return {
        "id": token.id,
        "tenant": slugs.get(token.tenant_id),
        "admin": token.tenant_id is None,
        "readOnly": token.read_only,
        "name": token.name or None,
        "hint": f"…{token.hint}",
        "status": "revoked" if token.revoked_at else "expired" if expired else "active",
        "createdAt": clock.iso(token.created_at),
        "expiresAt": clock.iso(token.expires_at),
        "revokedAt": clock.iso(token.revoked_at),
    }


@click.group(cls=Group)
def token() -> None:
    """Create, list and revoke API tokens."""


@token.command()
@click.option("--tenant", "slug", metavar="SLUG", help="For this tenant's own data.")
@click.option("--admin", is_flag=True, help="For the operator: all tenants.")
@click.option("--read-only", is_flag=True, help="May look, not change.")
@click.option("--name", default="", help="What it is for.")
@click.option("--expires", "days", type=click.IntRange(1, 36500), metavar="DAYS", help="Worthless after so many days.")
@options.as_json
def create(slug: str | None, admin: bool, read_only: bool, name: str, days: int | None, as_json: bool) -> None:
    """Create a token and print it, this once."""
    if bool(slug) is admin:
        raise click.UsageError("Say either --tenant SLUG or --admin.")
    token_id, created = tenancy.create_token(slug, read_only=read_only, name=name, days=days)
    output.said({"id": token_id, "token": created}, created, as_json)
    if not as_json:
        click.echo(f"Token {token_id}. It is not shown again.", err=True)


@token.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """List all tokens, each by its last four characters."""
    slugs: dict[int | None, str] = {row.id: row.slug for row in tenants.all_tenants()}
    output.listing((_shape(row, slugs) for row in access.tokens()), COLUMNS, as_json)


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@options.as_json
def revoke(token_id: int, as_json: bool) -> None:
    """Make a token worthless at once."""
    tenancy.revoke_token(token_id)
    output.said({"id": token_id, "revoked": True}, f"Revoked token {token_id}.", as_json)
