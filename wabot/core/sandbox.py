"""A provider that needs no account, inside the same product: it takes our sends over HTTP, and delivers
signed webhooks and statuses to us over HTTP. It can be told to misbehave (store.sandbox.Switches)."""

import hashlib
import hmac
import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wabot import clock, errors, http, words
from wabot.core import sandbox_files, tenancy
from wabot.store import db, sandbox, tenants
from wabot.store.tenants import Channel

log = logging.getLogger(__name__)

MOST_TRIES = 10
RETRY = timedelta(seconds=2)
SHUFFLE_MS = 1500
STATUS_AFTER = {"sent": timedelta(milliseconds=150), "delivered": timedelta(milliseconds=450)}


@dataclass(frozen=True, slots=True)
class Taken:
    """What the sandbox's API answers to a send."""

    status: int
    body: Mapping[str, Any]


STRANGER = Taken(401, {"error": {"code": "credentials", "message": "unknown number or wrong secret"}})
REFUSES = Taken(400, {"error": {"code": "temporary", "message": "the sandbox was told to refuse"}})


def take(secret: str, sent: Mapping[str, Any]) -> Taken | None:
    """Take a message that we send. None means: accept the request and never answer it (`time_out`)."""
    channel = authorised(secret, str(sent.get("from", "")))
    if channel is None:
        return STRANGER
    message, to = sent.get("message"), str(sent.get("to", ""))
    if not isinstance(message, Mapping) or not to:
        return refusal("permanent", "to and message are needed")
    switches = sandbox.switches(channel.id)
    if switches.refuse:
        return REFUSES
    try:
        sandbox_files.check(channel.id, message)
    except errors.Refused as refused:
        return refusal(refused.code, str(refused))
    message_id = "sbx." + words.uid(clock.now())
    db.write(lambda: _note_sent(channel, to, message_id, str(sent.get("reference", "")), message))
    return None if switches.time_out else Taken(201, {"id": message_id})


def take_file(channel: Channel, body: bytes, mime_type: str, filename: str) -> Taken:
    """Take a file that we upload, to be named in messages of this channel."""
    if sandbox.switches(channel.id).refuse:
        return REFUSES
    try:
        return Taken(201, {"id": sandbox_files.keep(channel.id, body, mime_type, filename).key})
    except errors.Refused as refused:
        return refusal("media", str(refused))


def refusal(code: str, message: str) -> Taken:
    """What the sandbox answers to what it does not do; the code is one of the sandbox's own."""
    return Taken(400, {"error": {"code": code, "message": message}})


def authorised(secret: str, number: str) -> Channel | None:
    """The channel with this number, if the secret is its own."""
    channel = tenants.channel_by_route("sandbox", number)
    if channel is None or not secret:
        return None
    known = tenancy.open_credentials(channel)["secret"]
    return channel if hmac.compare_digest(known.encode(), secret.encode()) else None


def _note_sent(channel: Channel, to: str, message_id: str, reference: str, message: Mapping[str, Any]) -> None:
    now = clock.now()
    sandbox.carry(
        channel.id, to, "OUT", message_id, reference=reference, body=dict(message), status="accepted", created_at=now
    )
    for status, after in STATUS_AFTER.items():
        _schedule(channel.id, _status(message_id, status, reference), after)


def say(channel_id: int, phone: str, name: str, message: Mapping[str, Any]) -> str:
    """A customer writes: returns the provider's id of what they wrote. Raises NotFound."""
    channel = _sandbox_channel(channel_id)
    message_id = "sbx." + words.uid(clock.now())
    item = {
        "type": "message",
        "id": message_id,
        "from": {"phone": phone},
        "name": name,
        "message": dict(message),
    }

    def store() -> None:
        sandbox.carry(channel.id, phone, "IN", message_id, body=dict(message), status="sent", created_at=clock.now())
        _schedule(channel.id, item, timedelta())

    db.write(store)
    return message_id


def read(channel_id: int, phone: str) -> None:
    """The customer looks at the thread: what was delivered is now read. Raises NotFound."""
    channel = _sandbox_channel(channel_id)
    if not sandbox.unread_by_customer(channel.id, phone):
        return

    def store() -> None:
        for carried in sandbox.unread_by_customer(channel.id, phone):
            sandbox.advance(carried.provider_message_id, "read")
            _schedule(channel.id, _status(carried.provider_message_id, "read", carried.reference), timedelta())

    db.write(store)


def set_switches(channel_id: int, switches: sandbox.Switches) -> None:
    """Tell the sandbox how to misbehave for this channel. Raises NotFound."""
    channel = _sandbox_channel(channel_id)
    db.write(lambda: sandbox.keep_switches(channel.id, switches))


def _sandbox_channel(channel_id: int) -> Channel:
    channel = tenancy.find_channel(channel_id)
    if channel.provider != "sandbox":
        raise errors.NotFound(f"channel {channel_id} is not a sandbox")
    return channel


def _status(message_id: str, status: str, reference: str) -> dict[str, Any]:
    return {"type": "status", "id": message_id, "status": status, "reference": reference}


def _schedule(channel_id: int, item: Mapping[str, Any], after: timedelta) -> None:
    switches = sandbox.switches(channel_id)
    shuffle = random.randrange(SHUFFLE_MS) if switches.reorder else 0  # noqa: S311
    happens_at = clock.now() + after
    due_at = happens_at + timedelta(milliseconds=switches.delay_ms + shuffle)
    body = json.dumps({"items": [{**item, "at": clock.iso(happens_at)}]}, ensure_ascii=False).encode("utf-8", "replace")
    for _ in range(2 if switches.duplicate else 1):
        sandbox.deliver(channel_id, body, due_at)


def carry_next() -> bool:
    """Deliver the next webhook that is due, over HTTP, signed; False when none was."""
    delivery = sandbox.due(clock.now())
    if delivery is None:
        return False
    channel = tenants.channel(delivery.channel_id)
    if channel is None or delivery.tries >= MOST_TRIES:
        log.warning("the sandbox gave up on a webhook", extra={"channel": delivery.channel_id})
        db.write(lambda: sandbox.delivered(delivery.id))
        return True
    if _post(channel, delivery.body):
        db.write(lambda: _delivered(delivery))
    else:
        db.write(lambda: sandbox.put_off(delivery.id, clock.now() + RETRY))
    return True


def _post(channel: Channel, body: bytes) -> bool:
    account = tenancy.account(channel)
    signature = hmac.new(account.credentials["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Sandbox-Signature": f"sha256={signature}"}
    url = f"{account.credentials['api_base']}/webhooks/{channel.key}"
    try:
        return http.request("POST", url, headers=headers, data=body, deadline_seconds=10).status == 200
    except errors.ProviderFailure:
        return False


def _delivered(delivery: sandbox.Delivery) -> None:
    sandbox.delivered(delivery.id)
    for item in json.loads(delivery.body)["items"]:
        if item["type"] == "message" or item["status"] == "delivered":
            sandbox.advance(item["id"], "delivered")
