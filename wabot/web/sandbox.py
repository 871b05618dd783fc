"""`/sandbox`: a phone on a page for sandbox channels, and the API that our own adapter sends to. What
the phone shows is put together in `sandbox_thread`, its words are in `sandbox_texts`."""

import ipaddress
import json
import os
import threading
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from wabot import config
from wabot.core import numbers, sandbox
from wabot.store import tenants
from wabot.store.sandbox import Switches
from wabot.store.tenants import Channel
from wabot.web import sandbox_texts, sandbox_thread, webhooks
from wabot.web.problems import Problem

blueprint = Blueprint("sandbox", __name__, url_prefix="/sandbox")

API_ENDPOINT = "sandbox.take"
LARGEST_BODY_BYTES = 64 << 10
LONGEST_NAME = 60
LONGEST_TEXT = 4096
LONGEST_REPLY = 256
LONGEST_DELAY_MS = 60_000
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
        sent = _json_body()
    except Problem as problem:
        return _refusal(problem.status, problem.sentence)
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    taken = sandbox.take(secret.strip() if scheme.lower() == "bearer" else "", sent)
    if taken is None:
        return _silence()
    return make_response(jsonify(taken.body), taken.status)


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
    if request.endpoint == API_ENDPOINT:
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
    if request.mimetype != "application/json":
        raise Problem(415, "unsupported_media_type", "Send JSON.")


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
    channel = _channel(request.args.get("channel", ""))
    response = jsonify(sandbox_thread.shape(channel, _phone(request.args.get("phone", ""))))
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.post("/say")
def say() -> Response:
    """The customer writes, or taps what they were offered."""
    body = _json_body()
    channel, phone = _channel(body.get("channel")), _phone(body.get("phone"))
    name = _text(body.get("name", ""), LONGEST_NAME, "name")
    message = _reply(body["reply"]) if "reply" in body else _written(body.get("text"))
    return make_response(jsonify(id=sandbox.say(channel.id, phone, name, message), phone=phone), 201)


@blueprint.post("/read")
def read() -> Response:
    """The customer looks at the phone."""
    body = _json_body()
    sandbox.read(_channel(body.get("channel")).id, _phone(body.get("phone")))
    return Response(status=204)


@blueprint.post("/switches")
def switches() -> Response:
    """How this channel's sandbox is to misbehave."""
    body = _json_body()
    channel = _channel(body.get("channel"))
    wanted = _switches(body.get("switches"))
    sandbox.set_switches(channel.id, wanted)
    return jsonify(switches=sandbox_thread.switches(wanted))


def _json_body() -> Mapping[str, Any]:
    """The request's JSON object. Raises Problem 413 or 400."""
    raw = webhooks.read_body(LARGEST_BODY_BYTES)
    if raw is None:
        raise Problem(413, "too_large", "At most 64 KiB.")
    try:
        body = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "bad_json", "This is not JSON.") from error
    if not isinstance(body, dict):
        raise Problem(400, "bad_json", "A JSON object is needed.")
    return body


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _channel(wanted: object) -> Channel:
    """The sandbox channel with this id. Raises Problem 404, for another provider's channel too."""
    number = str(wanted)
    found = tenants.channel(int(number)) if number.isdecimal() and len(number) < 19 else None
    if found is None or found.provider != "sandbox":
        raise Problem(404, "not_found", "There is no such thing.")
    return found


def _phone(written: object) -> str:
    """`+digits`, from any usual spelling and any script's digits. Raises Refused (422)."""
    latin = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in str(written)[:40].strip())
    return numbers.business(f"+{latin[2:]}" if latin.startswith("00") else latin)


def _written(text: object) -> dict[str, Any]:
    shown = _text(text, LONGEST_TEXT, "text")
    if not shown:
        raise Problem(422, "text", "Write something.")
    return {"kind": "text", "text": shown}


def _reply(tapped: object) -> dict[str, Any]:
    if not isinstance(tapped, dict) or tapped.get("type") not in ("button", "list"):
        raise Problem(422, "reply", "A reply is of type button or list.")
    reply = {part: _text(tapped.get(part), LONGEST_REPLY, "reply") for part in ("id", "title")}
    return {"kind": "interactive", "reply": {"type": tapped["type"], **reply}}


def _text(value: object, most: int, what: str) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise Problem(422, what, f"{what.capitalize()}: text of at most {most} characters.")
    return value.strip()


def _switches(wanted: object) -> Switches:
    if not isinstance(wanted, dict):
        raise Problem(422, "switches", "Switches are an object.")
    delay = wanted.get("delayMs", 0)
    if type(delay) is not int or not 0 <= delay <= LONGEST_DELAY_MS:
        raise Problem(422, "switches", f"delayMs is a number up to {LONGEST_DELAY_MS}.")
    names = {"duplicate": "duplicate", "reorder": "reorder", "refuse": "refuse", "timeOut": "time_out"}
    if not all(isinstance(wanted.get(name, False), bool) for name in names):
        raise Problem(422, "switches", "A switch is true or false.")
    return Switches(delay_ms=delay, **{field: wanted.get(name, False) for name, field in names.items()})
