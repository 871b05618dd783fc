"""The sandbox: our own simulated provider, spoken to over HTTP like any other, without an account.

Its webhook is a JSON body, signed by `X-Sandbox-Signature: sha256=<hex of HMAC-SHA256(secret, raw body)>`:

    {"items": [{"type": "message", "id", "from": {"phone", "userId"}, "name", "at", "quotedId",
                "message": {"kind": "text", "text"}
                         | {"kind": "interactive", "reply": {"type": "button" | "list", "id", "title"}}
                         | {"kind": <any other>, …}},
               {"type": "status", "id", "status": "accepted" | "sent" | "delivered" | "read" | "failed" |
                "undelivered", "reference", "at", "error": {"code", "message"}}]}

of which `from` needs one of its two keys, and `name`, `at` (ISO 8601), `quotedId`, `reference` and `error` may
lack. Its API: `POST <api_base>/sandbox/api/messages` with `Authorization: Bearer <secret>` and
`{"from", "to", "reference", "message": {"kind", "text", …}}` answers 201 `{"id"}`, or
`{"error": {"code", "message"}}` with a code of CODES, or any other with a status that speaks for itself.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wabot import errors, http, words
from wabot.config import Settings
from wabot.providers import answers, bodies, limits
from wabot.providers.base import Accepted, Account, Address, Answer, Arrived, Structures

CODES: Mapping[str, answers.Verdict] = {
    "temporary": errors.TemporaryFailure,
    "permanent": errors.PermanentFailure,
    "throttled": errors.Throttled,
    "credentials": errors.CredentialsRefused,
    "unknown": errors.UnknownOutcome,
}
PROGRESS: Mapping[str, words.Progress] = {
    "accepted": words.Progress.ACCEPTED,
    "sent": words.Progress.SENT,
    "delivered": words.Progress.DELIVERED,
    "read": words.Progress.READ,
    "undelivered": words.Progress.UNDELIVERED,
    "failed": words.Progress.FAILED,
}
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104
_PHONE = re.compile(r"\+?([0-9]{4,20})")


class Sandbox:
    """See `base.Provider`."""

    name = "sandbox"
    required: tuple[str, ...] = ("secret",)
    optional: tuple[str, ...] = ("api_base",)
    generated: tuple[str, ...] = ("secret",)
    echoes_reference = True
    webhook_budget_seconds = 8.0
    answer = Answer()

    def account(self, number: str, credentials: Mapping[str, str], settings: Settings) -> Account:
        """Its API is this very installation unless `api_base` says otherwise."""
        base = credentials.get("api_base") or _own_address(settings)
        return Account(number, {"secret": "", **credentials, "api_base": base.rstrip("/")})

    def default_account(self, settings: Settings) -> Account | None:  # noqa: ARG002
        return None

    def urls(self, public_url: str, key: str) -> tuple[str, str]:
        return f"{public_url}/webhooks/{key}", f"{public_url}/webhooks/{key}"

    def recognises(self, arrived: Arrived) -> bool:
        return "x-sandbox-signature" in arrived.headers

    def route(self, account: Account) -> str:
        return account.number

    def addresses(self, arrived: Arrived) -> Sequence[Address]:  # noqa: ARG002
        return ()

    def challenge(self, arrived: Arrived, account: Account) -> Answer | None:  # noqa: ARG002
        return None

    def must_verify(self, settings: Settings) -> bool:  # noqa: ARG002
        return True

    def verify(self, arrived: Arrived, account: Account, public_url: str) -> bool:  # noqa: ARG002
        secret = account.credentials.get("secret", "")
        given = arrived.headers.get("x-sandbox-signature", "")
        if not secret or not given or arrived.method != "POST":
            return False
        return hmac.compare_digest(given.encode("utf-8", "replace"), sign(arrived.body, secret).encode())

    def parse(self, arrived: Arrived) -> Sequence[words.Item]:
        items = bodies.json_object(arrived.body).get("items")
        if not isinstance(items, list):
            raise errors.Unreadable("items is not a list")
        return [_read(index, item) for index, item in enumerate(items)]

    def check(self, draft: words.Draft) -> None:
        limits.check(draft)

    def send(
        self,
        account: Account,
        recipient: str,
        draft: words.Draft,
        *,
        reference: str,
        structures: Structures,  # noqa: ARG002
        settings: Settings,
    ) -> Accepted:
        message = {"kind": draft.kind, "text": draft.text, **draft.payload()}
        answer = http.request(
            "POST",
            f"{account.credentials['api_base']}/sandbox/api/messages",
            deadline_seconds=settings.wabot_send_timeout,
            headers={"Authorization": f"Bearer {account.credentials['secret']}"},
            json=bodies.tidy({"from": account.number, "to": recipient, "reference": reference, "message": message}),
        )
        return _accepted(answer)

    def probe(self, account: Account, settings: Settings) -> None:  # noqa: ARG002
        """There is nobody to ask: any secret is good."""
        if not account.credentials.get("secret"):
            raise errors.CredentialsRefused("credentials", "the channel has no secret")

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return CODES.get(code, errors.TemporaryFailure)(code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("the sandbox keeps no history")


def sign(body: bytes, secret: str) -> str:
    """The value of X-Sandbox-Signature."""
    return "sha256=" + hmac.digest(secret.encode("utf-8", "replace"), body, hashlib.sha256).hex()


def _own_address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.wabot_host, settings.wabot_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.wabot_port}"


def _accepted(answer: http.Answer) -> Accepted:
    said = answer.json()
    said = said if isinstance(said, dict) else {}
    message_id = said.get("id")
    if 200 <= answer.status < 300 and isinstance(message_id, str) and message_id:
        return Accepted(message_id, answer.raw)
    problem = said.get("error")
    problem = problem if isinstance(problem, dict) else {}
    raise answers.failure(answer, str(problem.get("code") or ""), str(problem.get("message") or ""), CODES)


def _read(index: int, item: Any) -> words.Item:
    try:
        return _understood(bodies.tidy(item))
    except errors.Unreadable as error:
        return words.Unread(index, str(error))


def _understood(item: Any) -> words.Item:
    kind = item.get("type") if isinstance(item, dict) else None
    if kind == "message":
        return _incoming(item)
    if kind == "status":
        return _receipt(item)
    raise errors.Unreadable(f"the type {str(kind)[:40]!r} is unknown")


def _incoming(item: Mapping[str, Any]) -> words.Incoming:
    message = _part(item, "message")
    kind = _text(message, "kind", required=True)
    reply = _part(message, "reply") if kind == words.Kind.INTERACTIVE else {}
    plain = kind in (words.Kind.TEXT, words.Kind.INTERACTIVE)
    return words.Incoming(
        _text(item, "id", required=True),
        _identity(_part(item, "from")),
        kind,
        text=_text(reply, "title", required=True)
        if reply
        else _text(message, "text", required=kind == words.Kind.TEXT),
        choice=_text(reply, "id", required=True) if reply else "",
        name=_text(item, "name"),
        quoted_id=_text(item, "quotedId"),
        payload={} if plain else message,
        sent_at=_moment(_text(item, "at")),
    )


def _identity(sender: Mapping[str, Any]) -> words.Identity:
    phone, user_id = _text(sender, "phone"), _text(sender, "userId")
    number = _PHONE.fullmatch(phone)
    if phone and not number:
        raise errors.Unreadable("from.phone is not a number")
    if not number and not user_id:
        raise errors.Unreadable("from has neither phone nor userId")
    return words.Identity(phone=f"+{number[1]}" if number else "", user_id=user_id)


def _receipt(item: Mapping[str, Any]) -> words.Receipt:
    status = _text(item, "status", required=True)
    if status not in PROGRESS:
        raise errors.Unreadable(f"the status {status[:40]!r} is unknown")
    problem = _part(item, "error") if item.get("error") else {}
    return words.Receipt(
        _text(item, "id", required=True),
        PROGRESS[status],
        reference=_text(item, "reference"),
        at=_moment(_text(item, "at")),
        error_code=_text(problem, "code"),
        error_message=_text(problem, "message"),
    )


def _part(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise errors.Unreadable(f"{name} is not an object")
    return part


def _text(whole: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    text = whole.get(name)
    if text is None and not required:
        return ""
    if not isinstance(text, str) or (required and not text):
        raise errors.Unreadable(f"{name} is not a text")
    return text


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.Unreadable("at is not an ISO 8601 time") from error
