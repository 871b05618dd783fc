"""Usage pulls, for the operator: when they run, what the last one brought, and one by hand."""

from datetime import date
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from wabot.core import asking_usage, days, scheduling, tenancy, usage_jobs
from wabot.store.schedules import DEFAULT_CRON
from wabot.web import auth
from wabot.web.api import drafts
from wabot.web.problems import Problem

blueprint = Blueprint("usage_jobs", __name__, url_prefix="/usage")

Word = Annotated[str, Field(max_length=200)]


class JobBody(drafts.Body):
    """What is left out is the default: every morning at nine, where the tenant is."""

    cron: Word | None = None
    timezone: Word | None = None


class RunBody(drafts.Body):
    date: Word | None = None


@blueprint.get("/jobs")
def jobs() -> Response:
    """Every tenant's usage job: when it runs, when it ran last, and what that brought."""
    auth.operator_only()
    return jsonify(data=usage_jobs.listing())


@blueprint.put("/jobs/<slug>")
def schedule(slug: str) -> Response:
    """Have the tenant's usage pulled at these times of a time zone, by default the tenant's own."""
    auth.operator_only(to_write=True)
    body, tenant = drafts.read(JobBody, _body()), tenancy.find_tenant(slug)
    cron = DEFAULT_CRON if body.cron is None else body.cron
    scheduling.schedule(tenant, cron, body.timezone, actor=auth.actor())
    return jsonify(usage_jobs.job(tenant))


@blueprint.delete("/jobs/<slug>")
def unschedule(slug: str) -> tuple[str, int]:
    """Have the tenant's usage pulled no more; remembered until somebody schedules it again."""
    auth.operator_only(to_write=True)
    scheduling.unschedule(tenancy.find_tenant(slug), actor=auth.actor())
    return "", 204


@blueprint.post("/<slug>/run")
def run(slug: str) -> tuple[Response, int]:
    """Have a day of the tenant's pulled now, by default its yesterday; the run of that day that is in work, if any."""
    auth.operator_only(to_write=True)
    body, tenant = drafts.read(RunBody, _body()), tenancy.find_tenant(slug)
    asked = asking_usage.ask(tenant, _day(body.date), actor=auth.actor())
    return jsonify(usage_jobs.accepted(asked)), 202


def _body() -> dict[str, Any]:
    """The request's JSON object; an empty one where there is no body."""
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    return drafts.json_body() if has_body else {}


def _day(text: str | None) -> date | None:
    """The day that the body names. Raises Problem 422."""
    try:
        return days.parse(text) if text is not None else None
    except ValueError as error:
        raise Problem(422, "bad_date", "date is a day such as 2026-11-20.") from error
