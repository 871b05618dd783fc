"""Statistics: the dashboard's last 24 hours, and what happened at a tenant between two days."""

from flask import Blueprint, Response, jsonify, request

from wabot import clock
from wabot.core import statistics
from wabot.web import auth
from wabot.web.api import queries

blueprint = Blueprint("statistics", __name__)


@blueprint.get("/stats")
def stats() -> Response:
    """A tenant's last 24 hours against the 24 before; with the dashboard's key and for the operator over all tenants,
    or of one with its `restaurantId`."""
    tenant = auth.meant(auth.tenant_or_dashboard(), request.args.get("restaurantId", ""))
    return jsonify(statistics.dashboard(tenant, clock.now()))


@blueprint.get("/restaurants/<slug>/analytics")
def analytics(slug: str) -> Response:
    """What happened at a tenant between two days of its zone, both included; the last thirty unless `from` and `to`
    say otherwise."""
    tenant = auth.tenant_for(slug)
    return jsonify(statistics.analytics(tenant, *queries.span(tenant, clock.now())))
