"""What the sandbox's page and its provider's API are asked, read from requests: bodies, channels, numbers, and what
the customer says. Everything wrong is a Problem or Refused, told apart by its code."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import request

from wabot.core import numbers, sandbox_files
from wabot.store import tenants
from wabot.store.sandbox import Switches
from wabot.store.tenants import Channel
from wabot.web import bodies
from wabot.web.problems import Problem

LARGEST_BODY_BYTES = 64 << 10
LONGEST_NAME = 60
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_REPLY = 256
LONGEST_DELAY_MS = 60_000


def json_body() -> Mapping[str, Any]:
    """The request's JSON object. Raises Problem 413 or 400."""
    raw = bodies.read(LARGEST_BODY_BYTES)
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


def secret() -> str:
    """What the provider's API is called with as bearer; empty where there is none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def channel(wanted: object) -> Channel:
    """The sandbox channel with this id. Raises Problem 404, for another provider's channel too."""
    number = str(wanted)
    found = tenants.channel(int(number)) if number.isdecimal() and len(number) < 19 else None
    if found is None or found.provider != "sandbox":
        raise Problem(404, "not_found", "There is no such thing.")
    return found


def phone(written: object) -> str:
    """`+digits`, from any usual spelling and any script's digits. Raises Refused (422)."""
    latin = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in str(written)[:40].strip())
    return numbers.business(f"+{latin[2:]}" if latin.startswith("00") else latin)


def name(body: Mapping[str, Any]) -> str:
    """What the customer calls themselves. Raises Problem 422."""
    return text(body.get("name", ""), LONGEST_NAME, "name")


def message(channel: Channel, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the customer says: words, a tapped choice, a file that was uploaded before, or a place. Raises Problem
    or Refused (422)."""
    if "reply" in body:
        return _reply(body["reply"])
    if "media" in body:
        return _file(channel, body["media"], body.get("text", ""))
    if "location" in body:
        return _place(body["location"])
    return _written(body.get("text"))


def _file(channel: Channel, media: object, caption: object) -> dict[str, Any]:
    given = media if isinstance(media, dict) else {}
    key, kind = (text(given.get(part), LONGEST_REPLY, "media") for part in ("id", "type"))
    return sandbox_files.as_message(channel.id, key, kind, text(caption, LONGEST_CAPTION, "text"))


def _place(location: object) -> dict[str, Any]:
    coordinates = sandbox_files.place(location)
    given = location if isinstance(location, dict) else {}
    named = {part: text(given.get(part, ""), LONGEST_REPLY, "location") for part in ("name", "address")}
    return {"kind": "location", **coordinates, **named}


def _written(wrote: object) -> dict[str, Any]:
    shown = text(wrote, LONGEST_TEXT, "text")
    if not shown:
        raise Problem(422, "text", "Write something.")
    return {"kind": "text", "text": shown}


def _reply(tapped: object) -> dict[str, Any]:
    if not isinstance(tapped, dict) or tapped.get("type") not in ("button", "list"):
        raise Problem(422, "reply", "A reply is of type button or list.")
    reply = {part: text(tapped.get(part), LONGEST_REPLY, "reply") for part in ("id", "title")}
    return {"kind": "interactive", "reply": {"type": tapped["type"], **reply}}


def text(value: object, most: int, what: str) -> str:
    """Text of at most that many characters, trimmed. Raises Problem 422."""
    if not isinstance(value, str) or len(value) > most:
        raise Problem(422, what, f"{what.capitalize()}: text of at most {most} characters.")
    return value.strip()


def switches(wanted: object) -> Switches:
    """How the sandbox is to misbehave. Raises Problem 422."""
    if not isinstance(wanted, dict):
        raise Problem(422, "switches", "Switches are an object.")
    delay = wanted.get("delayMs", 0)
    if type(delay) is not int or not 0 <= delay <= LONGEST_DELAY_MS:
        raise Problem(422, "switches", f"delayMs is a number up to {LONGEST_DELAY_MS}.")
    names = {"duplicate": "duplicate", "reorder": "reorder", "refuse": "refuse", "timeOut": "time_out"}
    if not all(isinstance(wanted.get(name, False), bool) for name in names):
        raise Problem(422, "switches", "A switch is true or false.")
    return Switches(delay_ms=delay, **{field: wanted.get(name, False) for name, field in names.items()})
