"""The log of outgoing messages: a tenant's own, and the operator's over all tenants."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from wabot.core import shapes
from wabot.store import logs
from wabot.store.logs import Asked
from wabot.store.tenants import Tenant
from wabot.web import auth
from wabot.web.api import queries

blueprint = Blueprint("logs", __name__)


@blueprint.get("/whatsapp/logs")
def of_tenant() -> Response:
    """A page of a tenant's log; the operator sees one tenant's with its `businessId`, else all."""
    tenant_id = scope(auth.tenant_or_operator(), request.args.get("businessId", ""))
    asked = queries.asked(tenant_id)
    return jsonify(_page(asked) | {"stats": shapes.log_stats(logs.counts(tenant_id))})


@blueprint.get("/admin/whatsapp-logs")
def of_all() -> Response:
    """A page of all tenants' log, or of one with its `businessId`, and what the operator has to look at."""
    auth.operator_only()
    tenant_id = scope(None, request.args.get("businessId", ""))
    found, lang = _page(queries.asked(tenant_id)), queries.language()
    counted = logs.counts(tenant_id)
    stats = {
        "totalFailed": counted.failed,
        "criticalIssues": counted.critical,
        "retrySuccessRate": logs.retry_success(tenant_id),
        "pausedChannels": [shapes.held_channel(held, lang) for held in logs.held(tenant_id)],
    }
    return jsonify(found | {"stats": stats})


def scope(own: Tenant | None, slug: str) -> int | None:
    """The id of the tenant that the caller means, whose name may lack; None is all of them, for the operator. Raises
    Problem 404 for another's and for one that there is not."""
    tenant = auth.meant(own, slug)
    return tenant.id if tenant else None


def _page(asked: Asked) -> dict[str, Any]:
    (page, size), lang = queries.page(), queries.language()
    rows, total = logs.page_of(asked, page=page, page_size=size)
    attempts = logs.attempts_of(rows)
    return shapes.log_page([shapes.log_row(row, attempts.get(row.id, ()), lang) for row in rows], page, size, total)
