"""Gupshup's webhooks: what lets them in, and the events that they bring, in both versions of its format. Messages
of the second version are read in `gupshup_messages`; the third is Meta's own format, which `meta_webhooks` reads.

Sources, as of November 2026: https://docs.gupshup.io/docs/inbound-messages, …/subscriptions-and-notifications,
https://partner-docs.gupshup.io/docs/message-events, …/bsuid and …/reference/setsubscription-api-v3
(facts/providers §3.4 to §3.6).

Our id of a message is the `messageId` that its send was answered with. Events name it `gsId`, with WhatsApp's own
in `id`; but the first ones (`enqueued`, and a `failed` before WhatsApp was asked) have it in `id`, and a week later
`gsId` is missing. So WhatsApp's id is kept as a receipt's alias wherever both are known.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wabot import errors, words
from wabot.providers import bodies, gupshup_messages, meta_messages, meta_webhooks
from wabot.providers.base import Account, Arrived
from wabot.providers.bodies import part, text_of, word

RAW_BYTES_KEPT = 2048

PROGRESS: Mapping[str, words.Progress] = {
    "enqueued": words.Progress.ACCEPTED,
    "sent": words.Progress.SENT,
    "delivered": words.Progress.DELIVERED,
    "read": words.Progress.READ,
    "failed": words.Progress.FAILED,
}
_NOT_STATUSES: Mapping[str, str] = {
    "deleted": "the customer deleted a message of ours",
    "mismatch": "the customer's number is another one on WhatsApp",
}
_NEWS: Mapping[str, tuple[str, ...]] = {
    "account-event": ("type", "status", "event"),
}
"""What is told beside messages, and which words of it make one line; a customer's number is never one."""
_GREETINGS = ("sandbox-start",)
"""What Gupshup posts to see whether the address answers."""


def verify(arrived: Arrived, account: Account, required: tuple[str, ...]) -> bool:
    """Whether it came by this account's own address, with the header that was agreed on, if one was: Gupshup signs
    nothing. Half of an agreement lets nobody in."""
    credentials = account.credentials
    name, value = credentials.get("header_name", ""), credentials.get("header_value", "")
    if arrived.method != "POST" or not all(credentials.get(key) for key in required) or bool(name) != bool(value):
        return False
    given = arrived.headers.get(name.lower(), "")
    return not name or hmac.compare_digest(given.encode("utf-8", "replace"), value.encode("utf-8", "replace"))


def parse(arrived: Arrived) -> list[words.Item]:
    """Every item of a webhook, in its order. Raises Unreadable for the whole of it."""
    said = bodies.json_object(arrived.body)
    if "entry" in said:
        return _as_meta(arrived, said)
    kind, route = text_of(said, "type", required=True), word(said, "app")
    try:
        told = bodies.tidy(part(said, "payload"))
        items = list(_read(bodies.clean(kind), told, word(said, "timestamp")))
    except errors.Unreadable as error:
        items = [words.Unread(0, str(error))]
    return [replace(item, route=route) for item in items]


def _read(kind: str, told: Mapping[str, Any], timestamp: str) -> Iterator[words.Item]:
    if kind == "message":
        yield gupshup_messages.incoming(told, timestamp)
    elif kind == "message-event":
        yield _event(told, timestamp)
    elif kind == "preference-event":
        yield from gupshup_messages.preferences(told)
    elif kind == "template-event":
        yield _template(told)
    elif kind == "billing-event":
        yield words.Notice(kind, _bill(told))
        yield from _billed(told)
    elif kind != "user-event" or word(told, "type") not in _GREETINGS:
        named = [word(told, name) for name in _NEWS.get(kind, ("type",))]
        yield words.Notice(kind[:40], " · ".join(said for said in named if said)[:200])


def _template(told: Mapping[str, Any]) -> words.Notice:
    name, language, status = (word(told, key) for key in ("elementName", "languageCode", "status"))
    said = ", ".join(part for part in (status, word(told, "description")[:80]) if part)
    about = f"{name[:80] or 'a template'} ({language})" if language else name[:80] or "a template"
    return words.Notice(
        "template-event",
        f"{about}: {said}"[:200],
        template=name,
        template_language=language,
        template_status=status,
    )


def _bill(told: Mapping[str, Any]) -> str:
    deductions = told.get("deductions")
    cost = deductions if isinstance(deductions, dict) else {}
    return " · ".join(said for said in (word(cost, "category") or word(cost, "type"), word(cost, "model")) if said)


def _billed(told: Mapping[str, Any]) -> Iterator[words.Receipt]:
    """What is billed was accepted; nothing more is known of it. Its `type` is its category again."""
    cost, named = told.get("deductions"), told.get("references")
    pricing = meta_messages.pricing({"pricing": {**cost, "type": ""}}) if isinstance(cost, dict) else None
    if pricing is None or not isinstance(named, dict) or not (word(named, "id") or word(named, "gsId")):
        return
    ours, theirs = _ids(named)
    yield words.Receipt(ours, words.Progress.ACCEPTED, raw=_raw(told), alias=theirs, pricing=pricing)


def _event(told: Mapping[str, Any], timestamp: str) -> words.Item:
    said = text_of(told, "type", required=True)
    if said in _NOT_STATUSES:
        return words.Notice(said, _NOT_STATUSES[said])
    if said not in PROGRESS:
        raise errors.Unreadable(f"the status {said[:40]!r} is unknown")
    more = told.get("payload")
    inner = more if isinstance(more, dict) else {}
    ours, theirs = _ids(told, word(inner, "whatsappMessageId"))
    failed = said == "failed"
    return words.Receipt(
        ours,
        PROGRESS[said],
        at=meta_messages.moment(word(inner, "ts")) or meta_messages.moment(timestamp),
        error_code=word(inner, "code")[:40] if failed else "",
        error_message=word(inner, "reason")[:500] if failed else "",
        raw=_raw(told),
        alias=theirs,
        pricing=meta_messages.pricing(told) or meta_messages.pricing(inner),
    )


def _ids(told: Mapping[str, Any], named: str = "") -> tuple[str, str]:
    """Our id of the message an event is about, and the one by which later events may name it alone; where only one
    is there, it may be either."""
    first, ours = word(told, "id"), word(told, "gsId") or word(told, "gs_id")
    if not first and not ours:
        raise errors.Unreadable("an event without an id")
    known = ours or first
    others = (first, named, word(told, "meta_msg_id"))
    return known, next((other for other in others if other and other != known), "")


def _raw(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()[:RAW_BYTES_KEPT]


def _as_meta(arrived: Arrived, said: dict[str, Any]) -> list[words.Item]:
    """The third version: Meta's body, but its statuses name our id `gs_id`, know `enqueued`, and have that one's
    time in milliseconds; files have an address at Gupshup. It came by the channel's own address: its routes, which
    are Meta's, say nothing here."""
    receipts = [_status(status) for status in _taken_statuses(said)]
    try:
        rest = replace(arrived, body=json.dumps(said).encode())
    except (ValueError, RecursionError) as error:
        raise errors.Unreadable(f"not JSON: {type(error).__name__}") from error
    found = [*(_ours(item) for item in meta_webhooks.parse(rest)), *receipts]
    return [replace(item, index=index) if isinstance(item, words.Unread) else item for index, item in enumerate(found)]


def _taken_statuses(said: Mapping[str, Any]) -> Iterator[Any]:
    """The statuses of all changes, which are taken out of it."""
    entries = said.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        for change in changes if isinstance(changes, list) else []:
            value = change.get("value") if isinstance(change, dict) else None
            taken = value.pop("statuses", None) if isinstance(value, dict) else None
            yield from taken if isinstance(taken, list) else [taken] if taken else []


def _status(status: Any) -> words.Item:
    try:
        return _receipt(part({"the item": bodies.tidy(status)}, "the item"))
    except errors.Unreadable as error:
        return words.Unread(0, str(error))


def _receipt(told: Mapping[str, Any]) -> words.Receipt:
    said = text_of(told, "status", required=True)
    progress = PROGRESS.get(said, meta_webhooks.PROGRESS.get(said))
    if progress is None:
        raise errors.Unreadable(f"the status {said[:40]!r} is unknown")
    ours, theirs = _ids(told)
    code, message = meta_webhooks.problem(told) if said == "failed" else ("", "")
    at = meta_messages.moment(word(told, "timestamp"))
    return words.Receipt(
        ours,
        progress,
        at=at,
        error_code=code,
        error_message=message,
        raw=_raw(told),
        alias=theirs,
        pricing=meta_messages.pricing(told),
    )


def _ours(item: words.Item) -> words.Item:
    if isinstance(item, words.Notice):
        return replace(item, route="", account="")
    if not isinstance(item, words.Incoming):
        return replace(item, route="")
    content = item.payload.get(item.kind)
    found = gupshup_messages.attachment(item.kind, content) if isinstance(content, dict) else None
    return replace(item, route="", attachments=(found,) if found else ())
