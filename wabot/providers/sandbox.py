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
    GET /usage?from=<first day>&to=<last day>
                       With X-Sandbox-Number: what the channel did on each of at most 100 days, which are UTC's, those
                       left out on which it did nothing: {"days": [{"date": "2026-11-20", "currency": "USD", "cost":
                       "0.0345" | null, "categories": {"service": 3, "utility": 1}, "conversations", "messagesIn",
                       "messagesOut", "delivered", "billable"}]}. `conversations` are the customers of that day. Each
                       delivered message is billed, at simulated prices: 0.001 for `service`, 0.0315 for a template,
                       which is `utility`.

What is refused is answered `{"error": {"code", "message"}}` with a code of `sandbox_api.CODES`, or any other with a
status that speaks for itself.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from wabot import errors, words
from wabot.config import Settings
from wabot.providers import answers, bodies, limits, media, sandbox_api, sandbox_usage, sandbox_webhooks
from wabot.providers.base import (
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
from wabot.providers.metered import Pace, UsageAsked, UsageDay
from wabot.providers.sandbox_api import Api

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
        api = Api.within(settings.wabot_send_timeout, account)
        message = {"kind": draft.kind, "text": draft.text, **draft.payload()}
        if draft.media is not None:
            message["media"] = sandbox_api.named(draft.media, api.uploaded(draft.media, files))
        return api.send({"from": account.number, "to": recipient, "reference": reference, "message": message})

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:  # noqa: ARG002
        if not _PLAIN_ID.fullmatch(attachment.reference):
            raise media.failure(errors.PermanentFailure, "media_reference", "not an id of the sandbox")
        return media.fetched(Api.within(MEDIA_SECONDS, account).download(attachment.reference), attachment)

    def usage_pace(self, account: Account, settings: Settings) -> Pace:  # noqa: ARG002
        return sandbox_usage.pace(account)

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:  # noqa: ARG002
        return sandbox_usage.usage(account, asked)

    def probe(self, account: Account, settings: Settings) -> None:  # noqa: ARG002
        """There is nobody to ask: any secret is good."""
        if not account.credentials.get("secret"):
            raise errors.CredentialsRefused("credentials", "the channel has no secret")

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return answers.told(sandbox_api.CODES, code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("the sandbox keeps no history")


def sign(body: bytes, secret: str) -> str:
    """The value of X-Sandbox-Signature."""
    return "sha256=" + hmac.digest(secret.encode("utf-8", "replace"), body, hashlib.sha256).hex()


def _own_address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.wabot_host, settings.wabot_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.wabot_port}"
