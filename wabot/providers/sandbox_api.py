"""The sandbox's API for one account, as `sandbox` specifies it: its calls within one deadline, and what its answers
mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from wabot import clock, errors, http, words
from wabot.providers import answers, bodies, figures, media
from wabot.providers.base import MAX_MEDIA_BYTES, Accepted, Account, Files

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


@dataclass(frozen=True, slots=True)
class Api:
    """The sandbox's API for one account; all calls together end at `ends_at` (monotonic)."""

    account: Account
    seconds: float
    ends_at: float

    @classmethod
    def within(cls, seconds: float, account: Account) -> Self:
        return cls(account, seconds, clock.monotonic() + seconds)

    def call(
        self, method: str, path: str, *, share: float = 1.0, headers: Mapping[str, str] | None = None, **more: Any
    ) -> http.Answer:
        return http.request(
            method,
            address(self.account, path),
            deadline_seconds=min(self.ends_at - clock.monotonic(), share * self.seconds),
            headers={**bearer(self.account), **(headers or {})},
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
        with figures.nothing_sent():
            return _id(self.call("POST", "media", share=UPLOADS_SHARE, headers=headers, data=body))

    def download(self, media_id: str) -> http.Answer:
        """What it answers when asked for a file. Nothing is sent by asking: no outcome is unknown."""
        headers = {"X-Sandbox-Number": self.account.number}
        try:
            return self.call("GET", f"media/{media_id}", headers=headers, most_bytes=MAX_MEDIA_BYTES)
        except errors.UnknownOutcome as error:
            if error.code == "answer_too_large":
                raise media.too_large() from error
            raise media.failure(errors.TemporaryFailure, error.code, error.message) from error


def address(account: Account, path: str) -> str:
    """Where this path of the sandbox's API is."""
    return f"{account.credentials['api_base']}/sandbox/api/{path}"


def bearer(account: Account) -> dict[str, str]:
    """The header that carries the channel's secret."""
    return {"Authorization": f"Bearer {account.credentials['secret']}"}


def named(file: words.Media, media_id: str) -> dict[str, str]:
    """A file as the sandbox's API names it."""
    where = {"id": media_id} if media_id else {"url": file.url}
    described = {"type": str(file.type), **where, "filename": file.filename, "mimeType": file.mime_type}
    return {name: value for name, value in described.items() if value}


def _id(answer: http.Answer) -> str:
    """The id that the sandbox gave what it took. Raises ProviderFailure where it took nothing."""
    found = _object(answer.json()).get("id")
    if 200 <= answer.status < 300 and isinstance(found, str) and found:
        return found
    raise failure(answer)


def failure(answer: http.Answer) -> errors.ProviderFailure:
    """What an answer other than "accepted" means; returned, not raised."""
    problem = _object(_object(answer.json()).get("error"))
    return answers.failure(answer, str(problem.get("code") or ""), str(problem.get("message") or ""), CODES)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
