"""Sending again what failed: one message, some, or all that a filter finds."""

from typing import Annotated, Any

from flask import Blueprint, Response, jsonify
from pydantic import Field, model_validator

from wabot import errors, words
from wabot.core import retrying, shapes
from wabot.core.retrying import Result
from wabot.store import logs
from wabot.store.failed import Wanted
from wabot.store.messages import FAILED_WORDS
from wabot.web import auth
from wabot.web.api import drafts, queries
from wabot.web.api.logs import scope
from wabot.web.problems import Problem

blueprint = Blueprint("retries", __name__, url_prefix="/whatsapp/retry")

MOST_IDS = 1000
Id = Annotated[int, Field(ge=1, strict=False)]
Word = Annotated[str, Field(max_length=100)]


class FilterBody(drafts.Body):
    status: Word = ""
    type: Word = ""
    since: Word = ""
    customer: Word = ""
    channel_id: Annotated[int, Field(ge=1, lt=1 << 63)] | None = None
    business_id: Word = ""


class RetryBody(drafts.Body):
    """One of `logId`, `logIds` and `filter`; without any of them all that failed."""

    log_id: Id | None = None
    log_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS)] | None = None
    filter: FilterBody | None = None
    dry_run: bool = False
    force: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> "RetryBody":
        if sum(given is not None for given in (self.log_id, self.log_ids, self.filter)) > 1:
            raise ValueError("give one of logId, logIds and filter")
        return self

    def wanted(self) -> Wanted:
        """Raises Problem 400."""
        if self.filter is None:
            return Wanted(ids=(self.log_id,) if self.log_id else tuple(self.log_ids or ()))
        asked = self.filter
        if asked.status and asked.status not in set(FAILED_WORDS):
            raise Problem(400, "bad_status", f"status is one of {', '.join(FAILED_WORDS)}.")
        return Wanted(
            status=asked.status,
            purpose=asked.type,
            since=queries.since(asked.since),
            customer=asked.customer.strip(),
            channel_id=asked.channel_id,
        )


@blueprint.post("")
def retry() -> Response:
    """Send again, or with `dryRun` only say what would be sent."""
    own = auth.tenant_or_operator(to_write=True)
    body = drafts.read(RetryBody, drafts.json_body())
    tenant_id = scope(own, body.filter.business_id if body.filter else "")
    if body.dry_run:
        found = retrying.forecast(tenant_id, body.wanted())
        return jsonify(matching=found.matching, outsideWindow=found.outside_window, estimatedCost=found.cost)
    return _accepted(_retry_one(tenant_id, body) if body.log_id else _retry_many(tenant_id, body))


def _retry_one(tenant_id: int | None, body: RetryBody) -> Result:
    how: dict[str, Any] = {"by": words.AttemptBy.HAND, "actor": auth.actor(), "force": body.force}
    try:
        return retrying.retry_one(tenant_id, body.log_id or 0, **how)
    except errors.Conflict as error:
        raise Problem(409, "not_failed", f"{error}.".capitalize()) from error


def _retry_many(tenant_id: int | None, body: RetryBody) -> Result:
    wanted = body.wanted()
    return retrying.retry_many(tenant_id, wanted, by=words.AttemptBy.HAND, actor=auth.actor(), force=body.force)


def _accepted(result: Result) -> Response:
    rows = logs.with_ids(result.retried)
    attempts, lang = logs.attempts_of(rows), queries.language()
    response = jsonify(shapes.retried(result, [shapes.log_row(row, attempts.get(row.id, ()), lang) for row in rows]))
    response.status_code = 202
    return response


@blueprint.get("/<int:run_id>")
def progress(run_id: int) -> Response:
    """How far a retry of many is."""
    own = auth.tenant_or_operator()
    return jsonify(shapes.run(retrying.find_run(run_id, own.id if own else None)))


@blueprint.delete("/<int:run_id>")
def stop(run_id: int) -> Response:
    """End a retry of many where it is."""
    own = auth.tenant_or_operator(to_write=True)
    return jsonify(shapes.run(retrying.stop(run_id, own.id if own else None, actor=auth.actor())))
