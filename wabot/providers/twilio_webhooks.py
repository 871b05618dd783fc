"""Twilio's webhooks: what signs them, whom they are for, and what they say.

Sources: https://www.twilio.com/docs/messaging/guides/webhook-request (parameters),
https://www.twilio.com/docs/usage/webhooks/webhooks-security (signature) and
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks (statuses), all as
of November 2026; facts/providers §1.1 to §1.4.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from wabot import errors, words
from wabot.providers import bodies, limits
from wabot.providers.base import Account, Address, Arrived

FORM = "application/x-www-form-urlencoded"
SENT_AT = "WabotSentAt"
"""Our own field: the event time of a message that was recovered; Twilio's webhooks carry none."""
RAW_BYTES_KEPT = 2048
SMALL_FORM = 4096
"""Bytes up to which a form's fields are kept for the next question about the same request."""

PROGRESS: Mapping[str, words.Progress] = {
    "accepted": words.Progress.ACCEPTED,
    "queued": words.Progress.ACCEPTED,
    "scheduled": words.Progress.ACCEPTED,
    "sending": words.Progress.ACCEPTED,
    "sent": words.Progress.SENT,
    "delivered": words.Progress.DELIVERED,
    "read": words.Progress.READ,
    "undelivered": words.Progress.UNDELIVERED,
    "failed": words.Progress.FAILED,
    "canceled": words.Progress.FAILED,
}
_OF_INBOUND = ("", "received", "receiving")

_PHONE = re.compile(r"(?:whatsapp:)?\s*\+?([0-9]{4,20})\s*")
_USER_ID = re.compile(r"(?:whatsapp:)?([A-Z]{2}\.[A-Za-z0-9]{1,128})")
_MEDIA_KINDS = ("image", "audio", "video")
MOST_FILES = 10
"""As many as any message of Twilio's has; on WhatsApp it is one."""
_TYPES = frozenset(words.MediaType)
_PORTS = {"http": ":80", "https": ":443"}


def is_form(arrived: Arrived) -> bool:
    """Whether the request says that its body is a form."""
    return arrived.headers.get("content-type", "").strip().lower().startswith(FORM)


def verify(arrived: Arrived, account: Account, public_url: str) -> bool:
    """Whether the account's token signed this request as Twilio signs."""
    token = account.credentials.get("auth_token", "")
    given = arrived.headers.get("x-twilio-signature", "")
    if not token or not given or not _is_for(arrived, account):
        return False
    try:
        signed = _signed_parameters(arrived)
    except errors.Unreadable:
        return False
    candidates = [
        sign(url.encode("utf-8", "replace") + signed, token) for url in called_urls(public_url, arrived.target)
    ]
    return any(hmac.compare_digest(given.encode("utf-8", "replace"), candidate) for candidate in candidates)


def sign(signed: bytes, token: str) -> bytes:
    """The value of X-Twilio-Signature."""
    return base64.b64encode(hmac.digest(token.encode("utf-8", "replace"), signed, "sha1"))


def called_urls(public_url: str, target: str) -> list[str]:
    """The URLs that Twilio may have signed for this raw target: as configured, and with or without the
    default port ("sig generation on back end is inconsistent", twilio-python request_validator)."""
    scheme, _, rest = public_url.partition("://")
    host, slash, prefix = rest.partition("/")
    prefix = slash + prefix
    path = target.partition("?")[0]
    doubled = prefix and (path == prefix or path.startswith(prefix + "/"))
    tail = target if doubled else prefix + target
    return [f"{scheme}://{name}{tail}" for name in _with_and_without_port(scheme, host)]


def _with_and_without_port(scheme: str, host: str) -> list[str]:
    default = _PORTS.get(scheme.lower(), "")
    if default and host.endswith(default):
        return [host, host.removesuffix(default)]
    return [host] if re.search(r":[0-9]+$", host) else [host, host + default]


def _signed_parameters(arrived: Arrived) -> bytes:
    """What follows the URL in the signed text, for any method: a body counts either as a form, or by its
    hash in the URL. Raises Unreadable for one that no signature would cover."""
    hashes = [value for name, value in _fields(_query(arrived)) if name == b"bodySHA256"]
    digest = hashlib.sha256(arrived.body).hexdigest().encode() if hashes else b""
    if not all(hmac.compare_digest(value, digest) for value in hashes):
        raise errors.Unreadable("bodySHA256 is not the body's")
    if not arrived.body:
        return b""
    if is_form(arrived):
        return b"".join(name + value for name, value in sorted(set(_fields(arrived.body))))
    if not hashes:
        raise errors.Unreadable("nothing signs this body")
    return b""


def _is_for(arrived: Arrived, account: Account) -> bool:
    named = parameters(arrived, b"AccountSid").get("AccountSid", "")
    own = account.credentials.get("account_sid", "")
    return not named or not own or named == own


def parameters(arrived: Arrived, *only: bytes) -> dict[str, str]:
    """The parameters, or only these, as text, from the form or (GET) from the query; empty where there are none."""
    if arrived.body and not is_form(arrived):
        return {}
    try:
        fields = _fields(arrived.body or _query(arrived))
    except errors.Unreadable:
        return {}
    return {bodies.decoded(name): bodies.decoded(value) for name, value in fields if not only or name in only}


def _query(arrived: Arrived) -> bytes:
    return arrived.query.encode("utf-8", "replace")


def _fields(raw: bytes) -> Sequence[tuple[bytes, bytes]]:
    """The fields of a form: whom it is for and who signed it are questions about the same ones."""
    return _small_form(raw) if len(raw) <= SMALL_FORM else bodies.form(raw)


@lru_cache(maxsize=64)
def _small_form(raw: bytes) -> Sequence[tuple[bytes, bytes]]:
    return tuple(bodies.form(raw))


def address(arrived: Arrived) -> Address:
    """Whom the request says it is for; a status callback comes from our number."""
    said = parameters(arrived, b"From", b"To", b"MessageStatus")
    ours = said.get("From" if _is_status(said) else "To", "")
    return Address(route=_phone(ours), reference=_reference(arrived))


def _is_status(said: Mapping[str, str]) -> bool:
    return said.get("MessageStatus", "") not in _OF_INBOUND


def _reference(arrived: Arrived) -> str:
    try:
        fields = _fields(_query(arrived))
    except errors.Unreadable:
        return ""
    return next((bodies.decoded(value) for name, value in fields if name == b"m"), "")


def parse(arrived: Arrived) -> list[words.Item]:
    """The one item of a verified webhook. Raises Unreadable."""
    if arrived.body and not is_form(arrived):
        raise errors.Unreadable("not a form")
    said = parameters(arrived)
    message_sid = said.get("MessageSid") or said.get("SmsMessageSid") or said.get("SmsSid") or ""
    if not message_sid:
        raise errors.Unreadable("no MessageSid")
    return [_receipt(arrived, said, message_sid) if _is_status(said) else _incoming(said, message_sid)]


def _receipt(arrived: Arrived, said: Mapping[str, str], message_sid: str) -> words.Item:
    progress = PROGRESS.get(said["MessageStatus"].lower())
    if progress is None:
        return words.Unread(0, f"the status {said['MessageStatus'][:40]!r} is unknown")
    failed = progress in (words.Progress.FAILED, words.Progress.UNDELIVERED)
    return words.Receipt(
        message_sid,
        progress,
        reference=_reference(arrived),
        error_code=said.get("ErrorCode", "") if failed else "",
        error_message=(said.get("ChannelStatusMessage") or said.get("ErrorMessage", "")) if failed else "",
        raw=(arrived.body or _query(arrived))[:RAW_BYTES_KEPT],
    )


def _incoming(said: Mapping[str, str], message_sid: str) -> words.Item:
    customer = _identity(said)
    if not customer.aliases():
        return words.Unread(0, f"From is neither a number nor a user id: {said.get('From', '')[:60]!r}")
    kind, choice = _kind(said), said.get("ButtonPayload") or said.get("ListId") or ""
    files = _attachments(said, kind)
    plain = choice or (kind == words.Kind.TEXT and not files)
    return words.Incoming(
        message_sid,
        customer,
        kind,
        text=next(
            (said[name] for name in ("Body", "ButtonText", "ListTitle", "Label", "Address") if said.get(name)), ""
        ),
        choice=choice,
        name=said.get("ProfileName", ""),
        quoted_id=said.get("OriginalRepliedMessageSid", ""),
        payload=_extras(said) if plain else {**said, **_location(said)},
        attachments=files,
        sent_at=moment(said.get(SENT_AT, "")),
    )


def _identity(said: Mapping[str, str]) -> words.Identity:
    """A customer with a username has a business-scoped id and perhaps no number (facts §1.3)."""
    sender = said.get("From", "")
    known = _USER_ID.fullmatch(sender) or _USER_ID.fullmatch(said.get("ExternalUserId", ""))
    wa_id = said.get("WaId", "")
    return words.Identity(
        phone=_phone(sender),
        user_id=known[1] if known else "",
        wa_id=wa_id if re.fullmatch(r"[0-9]{4,20}", wa_id) else "",
    )


def _phone(text: str) -> str:
    found = _PHONE.fullmatch(text)
    return f"+{found[1]}" if found else ""


def _kind(said: Mapping[str, str]) -> str:
    named = said.get("MessageType", "").strip().lower()
    if named:
        return named[:40]
    if said.get("ButtonPayload"):
        return words.Kind.BUTTON
    if said.get("ListId"):
        return words.Kind.INTERACTIVE
    if said.get("NumMedia", "").strip("0"):
        return _media_kind(said.get("MediaContentType0", ""))
    return "location" if said.get("Latitude") else words.Kind.TEXT


def _attachments(said: Mapping[str, str], kind: str) -> tuple[words.Attachment, ...]:
    """The files that have an address, whatever NumMedia says. The message's type is that of the first."""
    found = []
    for n in range(MOST_FILES):
        url, content_type = said.get(f"MediaUrl{n}", ""), said.get(f"MediaContentType{n}", "")
        if len(url) <= limits.URL and limits.is_web_address(url):
            told = _media_kind(content_type)
            own = kind if kind in _TYPES and n == 0 else told if told in _TYPES else words.MediaType.DOCUMENT
            found.append(words.Attachment(own, url, content_type[:100]))
    return tuple(found)


def _location(said: Mapping[str, str]) -> dict[str, Any]:
    """The place of a message as all providers have it."""
    if not said.get("Latitude"):
        return {}
    named = {"name": said.get("Label", ""), "address": said.get("Address", "")}
    at = {"latitude": bodies.number(said["Latitude"]), "longitude": bodies.number(said.get("Longitude", ""))}
    return {"location": at | {name: text for name, text in named.items() if text}}


def _media_kind(content_type: str) -> str:
    main = content_type.partition("/")[0].strip().lower()
    if not main:
        return words.Kind.UNKNOWN
    return main if main in _MEDIA_KINDS else "document"


def _extras(said: Mapping[str, str]) -> dict[str, str]:
    """What an ordinary message carries beyond its text: the advertisement it answers, and forwarding."""
    return {name: value for name, value in said.items() if value and _is_extra(name, value)}


def _is_extra(name: str, value: str) -> bool:
    if name.startswith("Referral"):
        return (name, value) != ("ReferralNumMedia", "0")
    if name in ("Forwarded", "FrequentlyForwarded"):
        return value.lower() == "true"
    return name in ("InteractiveData", "FlowData", "ListDescription")


def moment(text: str) -> datetime | None:
    """An ISO 8601 or RFC 2822 time, in UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
