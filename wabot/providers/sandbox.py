"""The sandbox: our own simulated provider, spoken to over HTTP like any other, without an account.

Its webhook is a JSON body, signed by `X-Sandbox-Signature: sha256=<hex of HMAC-SHA256(secret, raw body)>`:

    {"items": [{"type": "message", "id", "from": {"phone", "userId"}, "name", "at", "quotedId",
                "message": {"kind": "text", "text"}
                         | {"kind": "interactive", "reply": {"type": "button" | "list", "id", "title"}}
                         | {"kind": "image" | "video" | "audio" | "document" | "sticker", "text",
                            "media": {"id", "mimeType", "filename"}}
                         | {"kind": "location", "latitude", "longitude", "name", "address"}
                         | {"kind": <any other>, …}},
               {"type": "status", "id", "status": "accepted" | "sent" | "delivered" | "read" | "failed" |
                "undelivered", "reference", "at", "error": {"code", "message"}}]}

of which `from` needs one of its two keys; `name`, `at` (ISO 8601), `quotedId`, `reference`, `error`, a file's `text`
(its caption), `mimeType` and `filename`, and a place's `name` and `address` may lack.

Its API is at `<api_base>/sandbox/api`, with `Authorization: Bearer <secret>`:

    POST /messages     {"from", "to", "reference", "message": {"kind", "text", …}}; of a file `"kind": "media"` and
                       "media": {"type", "id" | "url", "filename", "mimeType"}, of a place "location": {"latitude",
                       "longitude", "name", "address"}, the rest as in `words.Draft.payload`. Answers 201 {"id"}.
    POST /media        The bytes of a file, at most 16 MB, with X-Sandbox-Number (ours), Content-Type and
                       X-Sandbox-Filename (percent-encoded UTF-8). Answers 201 {"id"}, by which a message names it.
    GET /media/<id>    With X-Sandbox-Number: the bytes, and their type as Content-Type. 404 once they are gone.

What is refused is answered `{"error": {"code", "message"}}` with a code of CODES, or any other with a status that
speaks for itself.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wabot import clock, errors, http, words
from wabot.config import Settings
from wabot.providers import answers, bodies, limits, media, sandbox_webhooks
from wabot.providers.base import (
    MAX_MEDIA_BYTES,
    MEDIA_SECONDS,
    Accepted,
    Account,
    Address,
    Answer,
    Arrived,
    Fetched,
    Files,
    Lacking,
    Structures,
)

CODES: Mapping[str, answers.Meaning] = answers.meanings(
    ("temporary", errors.TemporaryFailure, words.Reason.PROVIDER),
    ("permanent", errors.PermanentFailure, words.Reason.UNKNOWN),
    ("media", errors.PermanentFailure, words.Reason.MEDIA),
    ("recipient", errors.RecipientRefused, words.Reason.NUMBER),
    ("window", errors.RecipientRefused, words.Reason.WINDOW),
    ("template", errors.TemplateRefused, words.Reason.TEMPLATE_REFUSED),
    ("setup", errors.SetupRefused, words.Reason.SETUP),
    ("throttled", errors.Throttled, words.Reason.RATE),
    ("credentials", errors.CredentialsRefused, words.Reason.TOKEN),
    ("unknown", errors.UnknownOutcome, words.Reason.NO_ANSWER),
)
UPLOADS_SHARE = 0.75
"""Of the time for a send, how much its file may take: something must be left for the message."""
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104
_PLAIN_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,64}")


class Sandbox(Lacking):
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

    def group(self, account: Account) -> str:  # noqa: ARG002
        return ""

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
        return [sandbox_webhooks.read(index, item) for index, item in enumerate(items)]

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
        files: Files,
        settings: Settings,
    ) -> Accepted:
        api = _Api.within(settings.wabot_send_timeout, account)
        message = {"kind": draft.kind, "text": draft.text, **draft.payload()}
        if draft.media is not None:
            message["media"] = _named(draft.media, api.uploaded(draft.media, files))
        return api.send({"from": account.number, "to": recipient, "reference": reference, "message": message})

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:  # noqa: ARG002
        if not _PLAIN_ID.fullmatch(attachment.reference):
            raise media.failure(errors.PermanentFailure, "media_reference", "not an id of the sandbox")
        return media.fetched(_Api.within(MEDIA_SECONDS, account).download(attachment.reference), attachment)

    def probe(self, account: Account, settings: Settings) -> None:  # noqa: ARG002
        """There is nobody to ask: any secret is good."""
        if not account.credentials.get("secret"):
            raise errors.CredentialsRefused("credentials", "the channel has no secret")

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return answers.told(CODES, code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("the sandbox keeps no history")


def sign(body: bytes, secret: str) -> str:
    """The value of X-Sandbox-Signature."""
    return "sha256=" + hmac.digest(secret.encode("utf-8", "replace"), body, hashlib.sha256).hex()


def _own_address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.wabot_host, settings.wabot_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.wabot_port}"


@dataclass(frozen=True, slots=True)
class _Api:
    """The sandbox's API for one account; all calls together end at `ends_at` (monotonic)."""

    account: Account
    seconds: float
    ends_at: float

    @classmethod
    def within(cls, seconds: float, account: Account) -> "_Api":
        return cls(account, seconds, clock.monotonic() + seconds)

    def call(
        self, method: str, path: str, *, share: float = 1.0, headers: Mapping[str, str] | None = None, **more: Any
    ) -> http.Answer:
        credentials, left = self.account.credentials, self.ends_at - clock.monotonic()
        return http.request(
            method,
            f"{credentials['api_base']}/sandbox/api/{path}",
            deadline_seconds=min(left, share * self.seconds),
            headers={"Authorization": f"Bearer {credentials['secret']}", **(headers or {})},
            **more,
        )

    def send(self, sent: Mapping[str, Any]) -> Accepted:
        answer = self.call("POST", "messages", json=bodies.tidy(sent))
        return Accepted(_id(answer), answer.raw)

    def uploaded(self, file: words.Media, files: Files) -> str:
        """The sandbox's id of our file; empty where the file is an address. Nothing was sent, whatever happens here:
        no outcome is unknown."""
        if not file.media_id:
            return ""
        headers = {
            "X-Sandbox-Number": self.account.number,
            "Content-Type": file.mime_type or "application/octet-stream",
            "X-Sandbox-Filename": quote(bodies.clean(file.filename), safe=""),
        }
        body = files.read(file.media_id)
        try:
            return _id(self.call("POST", "media", share=UPLOADS_SHARE, headers=headers, data=body))
        except errors.UnknownOutcome as error:
            known = (error.code, error.message, error.raw, error.retry_after, error.reason)
            raise errors.TemporaryFailure(*known) from error

    def download(self, media_id: str) -> http.Answer:
        """What it answers when asked for a file. Nothing is sent by asking: no outcome is unknown."""
        headers = {"X-Sandbox-Number": self.account.number}
        try:
            return self.call("GET", f"media/{media_id}", headers=headers, most_bytes=MAX_MEDIA_BYTES)
        except errors.UnknownOutcome as error:
            if error.code == "answer_too_large":
                raise media.too_large() from error
            raise media.failure(errors.TemporaryFailure, error.code, error.message) from error


def _named(file: words.Media, media_id: str) -> dict[str, str]:
    """A file as the sandbox's API names it."""
    where = {"id": media_id} if media_id else {"url": file.url}
    described = {"type": str(file.type), **where, "filename": file.filename, "mimeType": file.mime_type}
    return {name: value for name, value in described.items() if value}


def _id(answer: http.Answer) -> str:
    """The id that the sandbox gave what it took. Raises ProviderFailure where it took nothing."""
    found = _object(answer.json()).get("id")
    if 200 <= answer.status < 300 and isinstance(found, str) and found:
        return found
    raise _failure(answer)


def _failure(answer: http.Answer) -> errors.ProviderFailure:
    problem = _object(_object(answer.json()).get("error"))
    return answers.failure(answer, str(problem.get("code") or ""), str(problem.get("message") or ""), CODES)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
