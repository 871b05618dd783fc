"""`wabot order`: what customers ordered, and what somebody has to decide about it."""

from typing import Any

import click

from wabot import words
from wabot.cli import options, output
from wabot.cli.base import ACTOR, Failed, Group
from wabot.core import order_shapes, resolving, stepping, tenancy
from wabot.store import order_lists, orders, tenants
from wabot.store.orders import Order

COLUMNS = ("id", "createdAt", "orderNumber", "status", "type", "customer", "total", "paymentStatus", "submission")
MOST_LISTED = 1000
STATUS = click.Choice([status.value for status in words.OrderStatus], case_sensitive=False)


@click.group(cls=Group)
def order() -> None:
    """List orders, move them, and settle those that the platform left open."""


@order.command("list")
@click.argument("slug")
@click.option("--status", type=STATUS, help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), metavar="N", default=50, show_default=True,
              help="How many.")  # fmt: skip
@options.as_json
def list_(slug: str, status: str | None, limit: int, as_json: bool) -> None:
    """List a tenant's orders, newest first."""
    tenant = tenancy.find_tenant(slug)
    found = order_lists.page(tenant.id, status=status or "", most=limit)
    rows = order_shapes.page(tenant, found)
    if as_json:
        output.document({"data": rows})
        return
    output.table(COLUMNS, ([_cell(row, column) for column in COLUMNS] for row in rows))


def _cell(row: dict[str, Any], column: str) -> Any:
    if column == "customer":
        return row["customer"]["name"] or row["customer"]["waId"] or row["customer"]["userId"]
    return f"{row['total']} {row['currency']}" if column == "total" else row[column]


@order.command()
@click.argument("order_id", metavar="ID", type=int)
@click.argument("new_status", metavar="NEWSTATUS", type=STATUS)
@options.as_json
def status(order_id: int, new_status: str, as_json: bool) -> None:
    """Bring an order one step on, such as to PREPARING; its customer is told."""
    found = orders.by_id(order_id)
    tenant = tenants.by_id(found.tenant_id) if found else None
    if found is None or tenant is None:
        raise Failed(f"there is no order {order_id}")
    moved = stepping.move(tenant.id, order_id, words.OrderStatus(new_status), actor=ACTOR, slug=tenant.slug)
    _said(moved, f"Order {order_id} is {moved.status}.", as_json)


@order.command()
@click.argument("order_id", metavar="ID", type=int)
@click.option("--force", is_flag=True, help="Also where it may then be at the platform twice.")
@options.as_json
def submit(order_id: int, force: bool, as_json: bool) -> None:
    """Have an order placed at the platform now, one whose outcome nobody knows only by force."""
    placed = resolving.place_again(order_id, force=force, actor=ACTOR)
    _said(placed, f"Order {order_id} is placed as soon as the consumer gets to it.", as_json)


@order.command()
@click.argument("order_id", metavar="ID", type=int)
@click.option("--number", required=True, metavar="N", help="What the platform calls it.")
@options.as_json
def confirm(order_id: int, number: str, as_json: bool) -> None:
    """Confirm an order that somebody found at the platform, under its number there."""
    confirmed = resolving.confirm(order_id, number, actor=ACTOR)
    _said(confirmed, f"Order {order_id} is {confirmed.status} as {number}.", as_json)


def _said(row: Order, sentence: str, as_json: bool) -> None:
    tenant = tenants.by_id(row.tenant_id)
    if tenant is None:
        raise Failed(f"there is no order {row.id}")
    output.said(order_shapes.one(tenant, row), sentence, as_json)
