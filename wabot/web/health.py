"""Whether all is well: for load balancers and for people."""

from flask import Blueprint, Response, jsonify

from wabot import clock
from wabot.core import upkeep
from wabot.web import auth

blueprint = Blueprint("health", __name__)
_started = clock.monotonic()


@blueprint.get("/health")
def health() -> Response:
    """ok, degraded or down; the details only for the operator."""
    found = upkeep.health()
    body: dict[str, object] = {"status": found.status}
    if auth.is_admin():
        uptime = round(clock.monotonic() - _started, 1)
        body |= {"database": found.database, "queue": found.queue, "consumer": found.consumer, "uptime": uptime}
    response = jsonify(body)
    response.status_code = 503 if found.status == "down" else 200
    return response


@blueprint.get("/health/live")
def live() -> Response:
    """200 while web can write webhooks down."""
    alive = upkeep.could_write()
    response = jsonify(status="ok" if alive else "down")
    response.status_code = 200 if alive else 503
    return response
