"""What an answer of the platform other than a success means."""

import re

from wabot import errors, http, words

LONGEST_WAIT_SECONDS = 3600.0
LONGEST_MESSAGE = 300


def of(answer: http.Answer, *, missing: str, may_have_acted: bool = False) -> errors.ProviderFailure:
    """The failure; `missing` is our word for what a 404 says is not there. After a request that changes something
    (`may_have_acted`) a server's own fault says nothing about whether it did."""
    verdict, code, reason = _meaning(answer.status, missing, may_have_acted)
    waits = retry_after(answer) if verdict in (errors.Throttled, errors.TemporaryFailure) else None
    return verdict(code, _message(answer), answer.raw, waits, reason)


def _meaning(status: int, missing: str, may_have_acted: bool) -> tuple[type[errors.ProviderFailure], str, words.Reason]:
    code = f"http_{status}"
    if status < 400:
        return errors.SetupRefused, "unexpected_redirect", words.Reason.SETUP
    if status in (401, 403):
        return errors.CredentialsRefused, code, words.Reason.TOKEN
    if status == 404:
        return errors.PermanentFailure, missing, words.Reason.SETUP
    if status == 408:
        return errors.TemporaryFailure, code, words.Reason.PROVIDER
    if status == 429:
        return errors.Throttled, code, words.Reason.RATE
    if status < 500:
        return errors.PermanentFailure, code, words.Reason.UNKNOWN
    return errors.UnknownOutcome if may_have_acted else errors.TemporaryFailure, code, words.Reason.PROVIDER


def retry_after(answer: http.Answer) -> float | None:
    """Whole seconds that the answer asks to wait, an hour at most; None where it says nothing usable."""
    said = answer.headers.get("retry-after", "").strip()
    return min(LONGEST_WAIT_SECONDS, float(said)) if re.fullmatch(r"[0-9]{1,9}", said) else None


def _message(answer: http.Answer) -> str:
    """What the platform says about it, where it says so in a field that such answers have."""
    said = answer.json()
    found = (said.get(name) for name in ("message", "error", "detail", "title")) if isinstance(said, dict) else ()
    text = next((value for value in found if isinstance(value, str) and value), "")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:LONGEST_MESSAGE]
