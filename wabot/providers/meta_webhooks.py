"""Meta's webhooks: what signs them, whom they are for, the handshake, and what they say: entries of changes of
messages, statuses, echoes, preferences and notices, of which each stands for itself.

Sources: facebook/openapi `business-messaging-api_v23.0.yaml` (WebhookPayload) and
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/ (2026-09), as of
November 2026; facts/providers §2.1 to §2.6 and §2.12. Messages themselves are read in `meta_messages`, what is about
an account or a template in `meta_notices`.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wabot import errors, words
from wabot.providers import bodies, meta_messages, meta_notices
from wabot.providers.base import Account, Address, Answer, Arrived
from wabot.providers.bodies import text_of, word

SIGNATURE = "x-hub-signature-256"
OBJECT = "whatsapp_business_account"
MOST_ADDRESSES = 200
RAW_BYTES_KEPT = 2048

PROGRESS: Mapping[str, words.Progress] = {
    "sent": words.Progress.SENT,
    "delivered": words.Progress.DELIVERED,
    "read": words.Progress.READ,
    "played": words.Progress.READ,
    "failed": words.Progress.FAILED,
}
_LISTS: Mapping[str, tuple[str, Callable[[Mapping[str, Any], meta_messages.Beside], words.Incoming]]] = {
    "messages": ("messages", meta_messages.incoming),
    "message_echoes": ("message_echoes", meta_messages.echo),
    "smb_message_echoes": ("message_echoes", meta_messages.echo),
    "user_preferences": ("user_preferences", meta_messages.preference),
}
"""Fields whose value lists what concerns a customer of one number: the list's name, and who reads its items. All other
fields tell of the number, its account or its templates."""
_CHALLENGE = re.compile(r"[ -~]{1,256}")


def recognises(arrived: Arrived) -> bool:
    """Whether it has Meta's signature, asks for a handshake, or is JSON that nobody else signed."""
    if SIGNATURE in arrived.headers or (arrived.method == "GET" and _asks(arrived)):
        return True
    content_type = arrived.headers.get("content-type", "").partition(";")[0].strip().lower()
    others = [name for name in arrived.headers if name.endswith("-signature") and name != "x-hub-signature"]
    return content_type == "application/json" and not others


def _asks(arrived: Arrived) -> bool:
    return any(name == b"hub.mode" for name, _ in _query(arrived))


def verify(arrived: Arrived, account: Account) -> bool:
    """Whether the account's app secret signed this body, as raw bytes."""
    secret, given = account.credentials.get("app_secret", ""), arrived.headers.get(SIGNATURE, "")
    if not secret or not given or arrived.method != "POST":
        return False
    return hmac.compare_digest(given.encode("utf-8", "replace"), sign(arrived.body, secret).encode())


def sign(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.digest(secret.encode("utf-8", "replace"), body, "sha256").hex()


def challenge(arrived: Arrived, account: Account) -> Answer | None:
    """The challenge as it came, for a subscription with the account's token; a repeated parameter is none."""
    if arrived.method != "GET":
        return None
    query = _query(arrived)
    mode, token, asked = (_only(query, name) for name in (b"hub.mode", b"hub.verify_token", b"hub.challenge"))
    ours = account.credentials.get("verify_token", "").encode("utf-8", "replace")
    if mode != b"subscribe" or not ours or not hmac.compare_digest(token, ours):
        return None
    text = asked.decode("latin-1")
    return Answer("text/plain", text) if _CHALLENGE.fullmatch(text) else None


def _query(arrived: Arrived) -> list[tuple[bytes, bytes]]:
    try:
        return bodies.form(arrived.query.encode("utf-8", "replace"))
    except errors.Unreadable:
        return []


def _only(query: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    found = [value for key, value in query if key == name]
    return found[0] if len(found) == 1 else b""


def addresses(arrived: Arrived) -> list[Address]:
    """Every phone number id that the changes name, and every account of those that name none, each once, in their
    order; nothing of what is not JSON. More of them than any webhook has are one address that is nobody's, so that
    what is theirs counts as unrouted."""
    try:
        changes = list(_changes(bodies.json_object(arrived.body)))
    except errors.Unreadable:
        return []
    found = list(dict.fromkeys(address for account, change in changes if (address := _address(account, change))))
    return found if len(found) <= MOST_ADDRESSES else [*found[:MOST_ADDRESSES], Address()]


def _address(account: str, change: Any) -> Address | None:
    """Whom a change is for; messages without their number are for nobody."""
    field = change.get("field") if isinstance(change, dict) else None
    route = _route(change.get("value")) if isinstance(change, dict) else ""
    if route:
        return Address(route)
    return Address(account=account) if account and isinstance(field, str) and field not in _LISTS else None


def parse(arrived: Arrived) -> list[words.Item]:
    """Every item of a verified webhook, in its order. Raises Unreadable where there are no entries."""
    changes = _changes(bodies.json_object(arrived.body))
    items = [item for account, change in changes for item in _read(account, change)]
    return [replace(item, index=index) if isinstance(item, words.Unread) else item for index, item in enumerate(items)]


def _changes(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The changes of all entries, each with its WhatsApp business account, None for an entry without. Raises
    Unreadable where there are no entries."""
    entries = said.get("entry")
    if said.get("object", OBJECT) != OBJECT or not isinstance(entries, list):
        raise errors.Unreadable(f"not the entries of a {OBJECT}")
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        account = word(entry, "id") if isinstance(entry, dict) else ""
        for change in changes if isinstance(changes, list) else [None]:
            yield account, change


def _route(value: Any) -> str:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return word(metadata, "phone_number_id") if isinstance(metadata, dict) else ""


def _read(account: str, change: Any) -> Iterator[words.Item]:
    field = change.get("field") if isinstance(change, dict) else None
    if not isinstance(field, str):
        yield words.Unread(0, "a change without a field")
    elif field in _LISTS:
        yield from _read_list(field, change.get("value"))
    else:
        value = change.get("value")
        yield meta_notices.notice(field, value, route=_route(value), account=account)


def _read_list(field: str, value: Any) -> Iterator[words.Item]:
    """The items of one number. Without its id nobody could say whose they are, so none is read."""
    route = _route(value)
    if not route:
        yield words.Unread(0, f"{field} without a phone_number_id")
        return
    name, understand = _LISTS[field]
    batch = _Batch(value, route, meta_messages.Beside.of(value, name))
    yield from batch.each(name, lambda item: replace(understand(item, batch.beside), route=route))
    if field != "messages":
        return
    yield from batch.each("statuses", batch.receipt)
    if not value.get("messages") and not value.get("statuses") and value.get("errors"):
        yield batch.reported()


@dataclass(frozen=True, slots=True)
class _Batch:
    """The value of one change: messages and statuses of one of our numbers."""

    value: Mapping[str, Any]
    route: str
    beside: meta_messages.Beside

    def each(self, name: str, understand: Callable[[Mapping[str, Any]], words.Item]) -> Iterator[words.Item]:
        listed = self.value.get(name)
        if listed is None:
            return
        if not isinstance(listed, list):
            yield words.Unread(0, f"{name} is not a list", self.route)
            return
        for item in listed:
            try:
                yield understand(bodies.part({"the item": bodies.tidy(item)}, "the item"))
            except errors.Unreadable as error:
                yield words.Unread(0, str(error), self.route)

    def receipt(self, status: Mapping[str, Any]) -> words.Receipt:
        said = text_of(status, "status", required=True)
        if said not in PROGRESS:
            raise errors.Unreadable(f"the status {said[:40]!r} is unknown")
        code, message = problem(status) if said == "failed" else ("", "")
        return words.Receipt(
            text_of(status, "id", required=True),
            PROGRESS[said],
            reference=word(status, "biz_opaque_callback_data"),
            at=meta_messages.moment(word(status, "timestamp")),
            error_code=code,
            error_message=message,
            raw=json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode()[:RAW_BYTES_KEPT],
            route=self.route,
            pricing=meta_messages.pricing(status),
        )

    def reported(self) -> words.Unread:
        """An error of Meta's own that is about no message."""
        code, message = problem(self.value)
        return words.Unread(0, f"an error is reported: {code} {message}"[:200], self.route)


def problem(told: Mapping[str, Any]) -> tuple[str, str]:
    """Code and wording of the first of `errors`, wherever its details stand."""
    listed = told.get("errors")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    return word(first, "code")[:40], wording(first)


def wording(error: Mapping[str, Any]) -> str:
    """What an error says, its details behind its message where both are there."""
    more = error.get("error_data")
    details = word(more, "details") if isinstance(more, dict) else word(error, "details")
    message = word(error, "message") or word(error, "title")
    return ": ".join(dict.fromkeys(said for said in (message, details) if said))
