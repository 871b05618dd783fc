"""What the answer to a provider call means where the vendor's own code does not say: by its status
and its Retry-After. Knows no vendor."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from wabot import clock, errors, http
from wabot.providers import bodies

LONGEST_WAIT_SECONDS = 3600.0
SHORTEST_WAIT_SECONDS = 1.0
LONGEST_MESSAGE = 500

Verdict = type[errors.ProviderFailure]


def failure(answer: http.Answer, code: str, message: str, known: Mapping[str, Verdict]) -> errors.ProviderFailure:
    """What an answer other than "accepted" means (faults 35 to 39); `known` are the vendor's codes.

    Without a code the failure's is `http_<status>`, or ours where the status alone decides.
    """
    verdict = _verdict(answer, known.get(code))
    waits = retry_after(answer.headers) if verdict in (errors.Throttled, errors.TemporaryFailure) else None
    return verdict(_code(answer, code), bodies.clean(message)[:LONGEST_MESSAGE], answer.raw, waits)


def _verdict(answer: http.Answer, named: Verdict | None) -> Verdict:
    if answer.status < 300:
        return errors.UnknownOutcome
    if answer.status < 400:
        return errors.PermanentFailure
    if answer.status == 429 or (_asks_to_wait(answer) and named in (None, errors.TemporaryFailure)):
        return errors.Throttled
    if answer.status == 401:
        return errors.CredentialsRefused
    return named or _by_status(answer.status)


def _by_status(status: int) -> Verdict:
    if status == 403:
        return errors.CredentialsRefused
    if status == 408:
        return errors.TemporaryFailure
    return errors.PermanentFailure if 400 <= status < 500 else errors.UnknownOutcome


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
