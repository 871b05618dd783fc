"""The webhook routes: raw bytes in, one call to `core.intake`, its answer out. Never a 500: what cannot
be written down now is answered 503, so that the provider sends it again."""

import logging
from collections.abc import Callable

from flask import Blueprint, Response, request

from wabot.core import intake
from wabot.core.intake import MAX_BODY_BYTES, RETRY_AFTER_SECONDS, Reply
from wabot.providers.base import Arrived
from wabot.web import bodies

log = logging.getLogger(__name__)

blueprint = Blueprint("webhooks", __name__)

_HEADERS = ("HTTP_", "CONTENT_TYPE", "CONTENT_LENGTH")
"""What WSGI's names of headers begin with; these two it spells without the prefix."""


@blueprint.route("/whatsapp/webhook", methods=["GET", "POST"])
@blueprint.route("/whatsapp/status", methods=["POST"])
def shared() -> Response:
    """A webhook on a route that several channels share."""
    return _taken_in(None)


@blueprint.route("/webhooks/<key>", methods=["GET", "POST"])
def of_channel(key: str) -> Response:
    """A webhook on a channel's own route."""
    return _taken_in(key)


@blueprint.post("/webhooks/orders/<key>")
def of_orders(key: str) -> Response:
    """What the order platform tells about a tenant's orders."""
    return _taken_in(key, intake.accept_of_orders)


def _taken_in(key: str | None, accept: Callable[[str, Arrived], Reply] = intake.accept_for_key) -> Response:
    if request.method == "HEAD":
        return _response(Reply(405))
    headers = _headers()
    if headers.get("content-encoding", "").lower() not in ("", "identity"):
        return _response(Reply(415, body="send it uncompressed\n"))
    body = bodies.read(MAX_BODY_BYTES)
    if body is None:
        return _response(Reply(413, body="too large\n"))
    arrived = Arrived(request.method, _target(), headers, body)
    try:
        if request.method == "GET" and (answer := intake.challenge(arrived, key)):
            return _response(Reply(200, answer.content_type, answer.body))
        return _response(intake.accept(arrived) if key is None else accept(key, arrived))
    except Exception:
        log.exception("a webhook could not be taken in")
        return _response(Reply(503, body="try again\n", retry_after=RETRY_AFTER_SECONDS))


def _headers() -> dict[str, str]:
    """Every header by its name in lower case, straight from WSGI: werkzeug's mapping takes thrice as long."""
    given = request.environ.items()
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in given
        if name.startswith(_HEADERS)
    }


def _target() -> str:
    """Path and query exactly as they were requested."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    return str(raw) if raw else request.full_path.removesuffix("?")


def _response(reply: Reply) -> Response:
    response = Response(reply.body, status=reply.status, content_type=reply.content_type)
    if reply.retry_after is not None:
        response.headers["Retry-After"] = str(reply.retry_after)
    if reply.status == 413:
        response.headers["Connection"] = "close"
    return response
