"""`/sandbox`: a phone on a page for sandbox channels, and the API that our own adapter sends to. What
the phone shows is put together in `sandbox_thread`, its words are in `sandbox_texts`; files are `sandbox_media`'s,
and what is asked is read by `sandbox_asked`."""

import ipaddress
import os
import threading
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from wabot import config
from wabot.core import sandbox, sandbox_files, sandbox_usage
from wabot.store import tenants
from wabot.store.tenants import Channel
from wabot.web import sandbox_asked, sandbox_media, sandbox_texts, sandbox_thread
from wabot.web.problems import Problem

blueprint = Blueprint("sandbox", __name__, url_prefix="/sandbox")
blueprint.register_blueprint(sandbox_media.blueprint)

API_ENDPOINTS = frozenset({"sandbox.take", "sandbox.usage", "sandbox.media.take", "sandbox.media.give"})
"""The provider's side: authorised by a channel's number and secret, with no demo."""
UPLOAD_ENDPOINT = "sandbox.media.upload"
LONGEST_SILENCE_SECONDS = 25.0
LANGUAGE_COOKIE = "wabot_lang"
YEAR_SECONDS = 365 * 86400

_never = threading.Event()
_silences = threading.BoundedSemaphore(5)
"""Requests that hang hold a thread each: beyond these they are closed at once, so that webhooks never wait."""


@blueprint.post("/api/messages")
def take() -> Response:
    """The provider API that our adapter calls; with the switch `time_out` it takes and never answers."""
    try:
        sent = sandbox_asked.json_body()
    except Problem as problem:
        return _refusal(problem.status, problem.sentence)
    return _answered(sandbox.take(sandbox_asked.secret(), sent))


@blueprint.get("/api/usage")
def usage() -> Response:
    """The provider's API: what our adapter's channel did on some days; the switches apply as to sends."""
    channel = sandbox.authorised(sandbox_asked.secret(), request.headers.get("X-Sandbox-Number", ""))
    if channel is None:
        return _answered(sandbox.STRANGER)
    return _answered(sandbox_usage.tell(channel, request.args.get("from", ""), request.args.get("to", "")))


def _answered(taken: sandbox.Taken | None) -> Response:
    return _silence() if taken is None else make_response(jsonify(taken.body), taken.status)


def _refusal(status: int, sentence: str) -> Response:
    return make_response(jsonify(error={"code": "permanent", "message": sentence}), status)


def _silence() -> Response:
    """Let the caller wait until it gives up, then close. Nothing is open in the database meanwhile."""
    if _silences.acquire(blocking=False):
        try:
            _never.wait(min(LONGEST_SILENCE_SECONDS, config.settings().wabot_send_timeout + 1))
        finally:
            _silences.release()
    response = Response(status=504)
    response.headers["Connection"] = "close"
    return response


def demo_is_on() -> bool:
    """Whether the page may be used without a log-in: a demo whose public address is this machine."""
    return os.environ.get("WABOT_DEMO") == "1" and config.settings().public_host_is_loopback


@blueprint.before_request
def admit() -> None:
    """All but the API: for people at this machine during a demo, and for nobody's forged requests. A name
    that only resolves to this machine (DNS rebinding) is not this machine."""
    if request.endpoint in API_ENDPOINTS:
        return
    named = urlsplit(f"//{request.host}").hostname or ""
    if not demo_is_on() or not _is_loopback(named) or not _is_loopback(request.remote_addr or ""):
        abort(404)
    if request.method == "POST":
        _refuse_forged()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_forged() -> None:
    public = urlsplit(config.settings().wabot_public_url)
    allowed = (f"{request.scheme}://{request.host}", f"{public.scheme}://{public.netloc}")
    if request.headers.get("Origin", allowed[0]) not in allowed:
        raise Problem(403, "foreign_origin", "Another site may not do this.")
    if request.headers.get("X-Requested-With") != "wabot-sandbox":
        raise Problem(403, "forged", "Only the sandbox's own page may do this.")
    wanted = sandbox_files.UNTYPED if request.endpoint == UPLOAD_ENDPOINT else "application/json"
    if request.mimetype != wanted:
        raise Problem(415, "unsupported_media_type", f"Send {wanted}.")


@blueprint.get("")
def page() -> Response:
    """The page; everything that moves on it comes from `thread`."""
    shown = [channel for channel in tenants.channels() if channel.provider == "sandbox"]
    chosen = next((row for row in shown if str(row.id) == request.args.get("channel")), None)
    first = chosen or next(iter(shown), None)
    language = _language(first)
    seen = {
        "language": language,
        "channels": [_shape(channel) for channel in shown],
        "channel": first.id if first else None,
        "chosen": chosen is not None,
        "texts": sandbox_texts.TEXTS[language],
        "files": {kind: sorted(types) for kind, types in sandbox_files.SHOWN.items()},
        "aliases": sandbox_files.ALSO_CALLED,
        "mostBytes": sandbox_files.MAX_BYTES,
    }
    html = render_template(
        "sandbox.html",
        page=seen,
        text=sandbox_texts.TEXTS[language],
        business=first.tenant.name if first else "wabot",
        direction="rtl" if language == "ar" else "ltr",
    )
    response = make_response(html)
    response.vary.add("Cookie")
    if request.args.get("lang") == language:
        response.set_cookie(LANGUAGE_COOKIE, language, YEAR_SECONDS, path="/sandbox", httponly=True, samesite="Lax")
    return response


def _language(channel: Channel | None) -> str:
    """What the address asks for, else what it asked for last time, else the tenant's own."""
    locale = channel.tenant.locale if channel else "en"
    wishes = (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE), locale)
    return next((wish for wish in wishes if wish and wish in sandbox_texts.TEXTS), "en")


def _shape(channel: Channel) -> dict[str, Any]:
    tenant = channel.tenant
    return {"id": channel.id, "number": channel.number, "business": tenant.name, "timezone": tenant.timezone}


@blueprint.get("/thread")
def thread() -> Response:
    """All that the phone and its panels show; 304 while nothing has changed."""
    channel = sandbox_asked.channel(request.args.get("channel", ""))
    response = jsonify(sandbox_thread.shape(channel, sandbox_asked.phone(request.args.get("phone", ""))))
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.post("/say")
def say() -> Response:
    """The customer writes, taps what they were offered, or sends a file or a place."""
    body = sandbox_asked.json_body()
    channel, phone = sandbox_asked.channel(body.get("channel")), sandbox_asked.phone(body.get("phone"))
    name, message = sandbox_asked.name(body), sandbox_asked.message(channel, body)
    return make_response(jsonify(id=sandbox.say(channel.id, phone, name, message), phone=phone), 201)


@blueprint.post("/read")
def read() -> Response:
    """The customer looks at the phone."""
    body = sandbox_asked.json_body()
    sandbox.read(sandbox_asked.channel(body.get("channel")).id, sandbox_asked.phone(body.get("phone")))
    return Response(status=204)


@blueprint.post("/switches")
def switches() -> Response:
    """How this channel's sandbox is to misbehave."""
    body = sandbox_asked.json_body()
    channel = sandbox_asked.channel(body.get("channel"))
    wanted = sandbox_asked.switches(body.get("switches"))
    sandbox.set_switches(channel.id, wanted)
    return jsonify(switches=sandbox_thread.switches(wanted))
