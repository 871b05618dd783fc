"""Twilio's REST API for one account: its calls within one deadline, and what its answers mean.

Sources: twilio-oai `twilio_api_v2010.json` and `twilio_content_v1.json`, as of November 2026 (facts/providers §1.6,
§1.9).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from wabot import clock, errors, http
from wabot.config import Settings
from wabot.providers import answers, twilio_codes, twilio_content
from wabot.providers.base import Accepted, Account


@dataclass(frozen=True, slots=True)
class Api:
    """All calls together end at `ends_at` (monotonic)."""

    account: Account
    settings: Settings
    seconds: float
    ends_at: float

    @classmethod
    def within(cls, seconds: float, account: Account, settings: Settings) -> Self:
        return cls(account, settings, seconds, clock.monotonic() + seconds)

    def call(self, method: str, url: str, *, seconds: float | None = None, **body: Any) -> http.Answer:
        """A call with the account's credentials, within what is left of the time."""
        left = self.ends_at - clock.monotonic()
        credentials = self.account.credentials
        return http.request(
            method,
            url,
            deadline_seconds=min(left, seconds or left),
            auth=(credentials["account_sid"], credentials["auth_token"]),
            **body,
        )

    def send(self, fields: Mapping[str, str]) -> Accepted:
        """One message. Raises ProviderFailure."""
        answer = self.call("POST", f"{account_url(self.account, self.settings)}/Messages.json", form=fields)
        sid = told(answer).get("sid")
        if 200 <= answer.status < 300 and isinstance(sid, str) and sid:
            return Accepted(sid, answer.raw)
        raise failure(answer)

    def create(self, content: twilio_content.Content, key: str) -> str:
        """A new content's id. Nothing was sent, whatever happens here: no outcome is unknown."""
        url = f"{self.settings.twilio_content_api}/v1/Content"
        try:
            answer = self.call("POST", url, seconds=self.seconds / 2, json=content.creation(key))
            sid = told(answer).get("sid")
            if 200 <= answer.status < 300 and isinstance(sid, str) and sid:
                return sid
            raise failure(answer)
        except errors.UnknownOutcome as error:
            raise errors.TemporaryFailure(
                error.code, error.message, error.raw, error.retry_after, error.reason
            ) from error


def account_url(account: Account, settings: Settings) -> str:
    """The address below which all that belongs to the account is."""
    sid = quote(account.credentials["account_sid"], safe="")
    return f"{settings.twilio_api_base}/2010-04-01/Accounts/{sid}"


def same_host(uri: str, base: str) -> str:
    """The next page's address, on the configured host and nowhere else: it gets our credentials. Raises
    PermanentFailure."""
    if uri.startswith("/") and not uri.startswith("//"):
        return base + uri
    if uri.startswith(base + "/"):
        return uri
    raise errors.PermanentFailure("unexpected_redirect", "the next page is on another host")


def failure(answer: http.Answer) -> errors.ProviderFailure:
    """What an answer other than "accepted" means; returned, not raised."""
    code, message = _problem(told(answer))
    return answers.failure(answer, code, message, twilio_codes.MEANINGS)


def _problem(said: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of an error in either of Twilio's two shapes: its own, and RFC 9457's."""
    code = said.get("code")
    message = said.get("message") or said.get("detail") or said.get("title") or ""
    known = isinstance(code, str | int) and not isinstance(code, bool)
    return (str(code)[:40] if known else ""), str(message)


def told(answer: http.Answer) -> dict[str, Any]:
    """The object that an answer holds; empty where it holds none."""
    said = answer.json()
    return said if isinstance(said, dict) else {}
