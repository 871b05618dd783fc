"""Usage: a tenant's own figures, and the operator's view of all of them."""

from datetime import datetime

from flask import Blueprint, Response, jsonify, request

from wabot import clock
from wabot.core import attributing, days, reconciling, reporting, tenancy
from wabot.core.days import Month
from wabot.store.charges import Dimension
from wabot.store.tenants import Tenant
from wabot.web import auth
from wabot.web.api import queries
from wabot.web.problems import Problem

blueprint = Blueprint("usage", __name__, url_prefix="/usage")

MOST_MONTHS = 36
FURTHEST_OFFSET = 1_000_000_000


@blueprint.get("")
def overview() -> Response:
    """A tenant's conversations, what is left of its allowance, and when it was active; for the operator a page of
    all tenants."""
    own = auth.tenant_or_operator()
    limit = queries.number("limit", "bad_limit", default=20, least=1, most=100)
    offset = queries.number("offset", "bad_offset", default=0, least=0, most=FURTHEST_OFFSET)
    now = clock.now()
    return jsonify(reporting.overview(own, now) if own else reporting.page(limit, offset, now))


@blueprint.get("/<slug>")
def of_tenant(slug: str) -> Response:
    """The same of one tenant with its last six months, for the operator."""
    auth.operator_only()
    return jsonify(reporting.detail(tenancy.find_tenant(slug), clock.now()))


@blueprint.get("/<slug>/daily")
def daily(slug: str) -> Response:
    """What each channel did on each day with traffic, newest first; `from` and `to` are days of the tenant's zone."""
    tenant, now = auth.tenant_for(slug), clock.now()
    return jsonify(data=reporting.daily(tenant, *queries.span(tenant, now), now))


@blueprint.get("/<slug>/monthly")
def monthly(slug: str) -> Response:
    """The tenant's last `months` with traffic, newest first; the current one is always there."""
    tenant = auth.tenant_for(slug)
    months = queries.number("months", "bad_months", default=12, least=1, most=MOST_MONTHS)
    return jsonify(data=reporting.monthly(tenant, months, clock.now()))


@blueprint.get("/<slug>/costs")
def costs(slug: str) -> Response:
    """What the outgoing messages of a `month` cost, `by` the flow step that wrote them, their kind or their type."""
    tenant, now = auth.tenant_for(slug), clock.now()
    return jsonify(data=attributing.shape(tenant, _month(tenant, now), _dimension(), now))


@blueprint.get("/<slug>/check")
def check(slug: str) -> Response:
    """What providers told of their days beside our ledger, with the differences and the messages behind them."""
    tenant = auth.tenant_for(slug)
    return jsonify(data=reconciling.shapes(tenant, *queries.span(tenant, clock.now())))


def _month(tenant: Tenant, now: datetime) -> Month:
    """The month that the query asks for, else the current one. Raises Problem 400."""
    text = request.args.get("month", "")
    try:
        return Month.parse(text) if text else Month.of(days.of(tenant.timezone, now))
    except ValueError as error:
        raise Problem(400, "bad_month", "month is a month such as 2026-11.") from error


def _dimension() -> Dimension:
    """What the costs are told apart by. Raises Problem 400."""
    text = request.args.get("by") or Dimension.STEP.value
    if text not in set(Dimension):
        raise Problem(400, "bad_by", f"by is one of {', '.join(Dimension)}.")
    return Dimension(text)
