"""A tenant's orders: listed, and moved from state to state."""

from flask import Blueprint, Response, jsonify, request

from wabot import words
from wabot.core import order_shapes, stepping
from wabot.store import order_lists
from wabot.web import auth
from wabot.web.api import drafts, paging, queries
from wabot.web.problems import Problem

blueprint = Blueprint("orders", __name__, url_prefix="/restaurants/<slug>/orders")


class StatusBody(drafts.Body):
    """The state that an order is to be in."""

    status: drafts.Text


@blueprint.get("")
def orders(slug: str) -> Response:
    """A page of orders, newest first; `q` is an order number, or part of a customer's name or number."""
    tenant = auth.tenant_for(slug)
    status, page = request.args.get("status", ""), paging.requested()
    if status:
        _status(status)
    search = request.args.get("q", "")[: queries.LONGEST_TEXT]
    found = order_lists.page(tenant.id, status=status, search=search, before=page.before, most=page.limit + 1)
    shaped = paging.shaped(found, page, lambda row: {"id": row.id}, lambda row: row.id)
    return jsonify(shaped | {"data": order_shapes.page(tenant, found[: page.limit])})


@blueprint.patch("/<int:order_id>/status")
def move(slug: str, order_id: int) -> Response:
    """Bring an order one step on; its customer is told."""
    tenant = auth.tenant_for(slug, to_write=True)
    wanted = _status(drafts.read(StatusBody, drafts.json_body()).status)
    moved = stepping.move(tenant.id, order_id, wanted, actor=auth.actor(), slug=tenant.slug)
    return jsonify(order_shapes.one(tenant, moved))


def _status(text: str) -> words.OrderStatus:
    if text not in set(words.OrderStatus):
        raise Problem(400, "bad_status", f"status is one of {', '.join(words.OrderStatus)}.")
    return words.OrderStatus(text)
