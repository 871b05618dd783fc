"""Meta's Graph API for one account: its calls within one deadline, and what its answers mean.

Sources: facebook/openapi `business-messaging-api_v23.0.yaml` and
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media/ (2026-06-16),
as of November 2026 (facts/providers §2.7, §2.8). A message with an id of a file that Meta no longer has is refused with
code 100 and the words of UPLOAD_GONE, which no page has: they are as several open-source clients quote them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from wabot import clock, errors, http, words
from wabot.config import Settings
from wabot.providers import answers, bodies, media, meta_codes, meta_webhooks
from wabot.providers.base import Accepted, Account
from wabot.providers.bodies import word

UPLOADS_SHARE = 0.75
"""Of the time for a send, how much its file may take: something must be left for the message."""
UPLOAD_GONE = "media attachment id"


@dataclass(frozen=True, slots=True)
class Graph:
    """All calls together end at `ends_at` (monotonic)."""

    account: Account
    settings: Settings
    seconds: float
    ends_at: float

    @classmethod
    def within(cls, seconds: float, account: Account, settings: Settings) -> Self:
        return cls(account, settings, seconds, clock.monotonic() + seconds)

    def call(
        self, method: str, rest: str, *, share: float = 1.0, headers: Mapping[str, str] | None = None, **body: Any
    ) -> http.Answer:
        """A call about the account's number, which takes at most this share of the time."""
        number_id = quote(self.account.credentials["phone_number_id"], safe="")
        return http.request(
            method,
            f"{self.settings.meta_graph_api}/{number_id}{rest}",
            deadline_seconds=max(0.001, min(self.ends_at - clock.monotonic(), share * self.seconds)),
            headers={**bearer(self.account), **(headers or {})},
            **body,
        )

    def send(self, message: Mapping[str, Any]) -> Accepted:
        """One message. Raises ProviderFailure."""
        answer = self.call("POST", "/messages", json=bodies.tidy(message))
        listed = told(answer).get("messages")
        first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
        message_id = first.get("id")
        if 200 <= answer.status < 300 and isinstance(message_id, str) and message_id:
            return Accepted(message_id, answer.raw)
        raise failure(answer)

    def upload(self, file: words.Media, body: bytes) -> str:
        """Meta's id of a file, which it keeps for 30 days. Nothing was sent, whatever happens here: no outcome is
        unknown."""
        kind = media.plain_type(file.mime_type) or "application/octet-stream"
        form, content_type = http.multipart(
            {
                "messaging_product": "whatsapp",
                "type": kind,
                "file": (bodies.clean(file.filename) or "file", body, kind),
            }
        )
        try:
            answer = self.call("POST", "/media", share=UPLOADS_SHARE, headers={"Content-Type": content_type}, data=form)
            media_id = word(told(answer), "id")
            if 200 <= answer.status < 300 and media_id:
                return media_id
            raise failure(answer)
        except errors.UnknownOutcome as error:
            raise errors.TemporaryFailure(
                error.code, error.message, error.raw, error.retry_after, error.reason
            ) from error


def bearer(account: Account) -> dict[str, str]:
    """The header that carries the account's token."""
    return {"Authorization": f"Bearer {account.credentials['access_token']}"}


def is_gone(error: errors.ProviderFailure) -> bool:
    """Whether a message was refused because Meta no longer has the file that was uploaded for it."""
    return error.code == "100" and UPLOAD_GONE in error.message.lower()


def failure(answer: http.Answer) -> errors.ProviderFailure:
    """What an answer other than "accepted" means; returned, not raised."""
    found = told(answer).get("error")
    error = found if isinstance(found, dict) else {}
    code = word(error, "code")[:40]
    code = meta_codes.SUBCODES.get((code, word(error, "error_subcode")), code)
    return answers.failure(answer, code, meta_webhooks.wording(error), meta_codes.MEANINGS)


def told(answer: http.Answer) -> dict[str, Any]:
    """The object that an answer holds; empty where it holds none."""
    said = answer.json()
    return said if isinstance(said, dict) else {}
