"""What a failed provider call means: by the vendor's own code where its table has it, else by the answer's status
and its Retry-After. Knows no vendor."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from wabot import clock, errors, http, words
from wabot.providers import bodies

LONGEST_WAIT_SECONDS = 3600.0
SHORTEST_WAIT_SECONDS = 1.0
LONGEST_MESSAGE = 500

Verdict = type[errors.ProviderFailure]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a vendor's code means: the verdict, and the reason that people are told."""

    verdict: Verdict
    reason: words.Reason
    wait_seconds: float | None = None
    """For how long nothing can be sent after this code, where the vendor says so."""


def meanings(
    *groups: tuple[str, Verdict, words.Reason], waits: Mapping[str, float] | None = None
) -> dict[str, Meaning]:
    """A table of a vendor's codes; each group is codes with spaces between them, and what all of them mean.
    `waits` are the seconds of those codes that ask for some. Raises ValueError for a code in two groups."""
    left = dict(waits or {})
    found: dict[str, Meaning] = {}
    for codes, verdict, reason in groups:
        for code in codes.split():
            if code in found:
                raise ValueError(f"code {code} stands in two groups")
            found[code] = Meaning(verdict, reason, left.pop(code, None))
    if left:
        raise ValueError(f"codes {', '.join(left)} wait but stand in no group")
    return found


def told(known: Mapping[str, Meaning], code: str, message: str) -> errors.ProviderFailure:
    """The failure that a code of a receipt means. A code that we do not know is temporary: it is tried again."""
    meaning = known.get(code, Meaning(errors.TemporaryFailure, words.Reason.UNKNOWN))
    return meaning.verdict(code, message, retry_after=meaning.wait_seconds, reason=meaning.reason)


def failure(answer: http.Answer, code: str, message: str, known: Mapping[str, Meaning]) -> errors.ProviderFailure:
    """What an answer other than "accepted" means (faults 35 to 39); `known` are the vendor's codes.

    Without a code the failure's is `http_<status>`, or ours where the status alone decides.
    """
    meaning = _meaning(answer, known.get(code))
    waits = retry_after(answer.headers) if meaning.verdict in (errors.Throttled, errors.TemporaryFailure) else None
    return meaning.verdict(
        _code(answer, code),
        bodies.clean(message)[:LONGEST_MESSAGE],
        answer.raw,
        waits or meaning.wait_seconds,
        meaning.reason,
    )


def by_status(status: int) -> Meaning:
    """What an HTTP status means of itself, for an answer other than "accepted". One that redirects comes from a wrong
    address in the settings: no provider does that."""
    if status < 300:
        return Meaning(errors.UnknownOutcome, words.Reason.NO_ANSWER)
    if status < 400:
        return Meaning(errors.SetupRefused, words.Reason.SETUP)
    if status in (401, 403):
        return Meaning(errors.CredentialsRefused, words.Reason.TOKEN)
    if status == 408:
        return Meaning(errors.TemporaryFailure, words.Reason.PROVIDER)
    if status == 429:
        return Meaning(errors.Throttled, words.Reason.RATE)
    if status < 500:
        return Meaning(errors.PermanentFailure, words.Reason.UNKNOWN)
    return Meaning(errors.UnknownOutcome, words.Reason.NO_ANSWER)


def _meaning(answer: http.Answer, named: Meaning | None) -> Meaning:
    """The code's, but where the status is stronger than any code."""
    alone = by_status(answer.status)
    if _asks_to_wait(answer) and (named is None or named.verdict is errors.TemporaryFailure):
        return Meaning(errors.Throttled, named.reason if named else words.Reason.PROVIDER)
    if named is None:
        return alone
    decides = answer.status < 400 or answer.status in (401, 429)
    return alone if decides and named.verdict is not alone.verdict else named


def _asks_to_wait(answer: http.Answer) -> bool:
    return answer.status == 503 and "retry-after" in answer.headers


def _code(answer: http.Answer, code: str) -> str:
    if answer.status < 300:
        return "unreadable_answer"
    if answer.status < 400:
        return "unexpected_redirect"
    return code or f"http_{answer.status}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the answer asks, between one and an hour; None where it says nothing usable."""
    value = headers.get("retry-after", "").strip()
    seconds = float(value) if re.fullmatch(r"[0-9]+", value) else _until(value)
    if seconds is None:
        return None
    return min(LONGEST_WAIT_SECONDS, max(SHORTEST_WAIT_SECONDS, seconds))


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - clock.now()).total_seconds()
