"""Asking a provider for usage and reading the figures of its answer, whose numbers may be texts, negative, endless or
not there at all. Knows no vendor."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from wabot import clock, errors, http, words
from wabot.providers.base import MAX_MEDIA_BYTES, Account
from wabot.providers.metered import UsageAsked, UsageDay

ONE_DAY = timedelta(days=1)
MESSAGES_BILLED_FROM = date(2025, 7, 1)
"""Since then WhatsApp bills messages; before it, conversations (facts §2.11)."""
MICROS = 10**6
MOST_MESSAGES = 10**12
MOST_MONEY = 10**10
"""What nobody uses on one day. A year of such days can still be summed in 63 bits."""
MOST_CATEGORIES = 100
LONGEST_CATEGORY = 60

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")
Read = TypeVar("Read")


def ask(url: str, asked: UsageAsked, **call: Any) -> http.Answer:
    """The answer to one GET, after its turn and within what is left of the time. Raises ProviderFailure."""
    asked.wait_for_turn()
    left = asked.ends_at - clock.monotonic()
    if left <= 0:
        raise errors.TemporaryFailure("timeout", "there was no time left to ask for usage")
    with nothing_sent():
        return http.request("GET", url, deadline_seconds=left, most_bytes=MAX_MEDIA_BYTES, **call)


@contextmanager
def nothing_sent() -> Iterator[None]:
    """Asking sends nothing: what would leave a message's outcome unknown is a temporary failure here."""
    try:
        yield
    except errors.UnknownOutcome as error:
        known = (error.code, error.message, error.raw, error.retry_after, error.reason)
        raise errors.TemporaryFailure(*known) from error


def read(answer: http.Answer, reader: Callable[[Mapping[str, Any]], Read]) -> Read:
    """What `reader` makes of the JSON object that an answer holds. Raises TemporaryFailure (`unreadable_answer`)."""
    with understood(answer.raw):
        return reader(parsed(answer.body))


@contextmanager
def understood(raw: bytes = b"") -> Iterator[None]:
    """What cannot be read is a temporary failure (`unreadable_answer`): the next answer may be whole."""
    try:
        yield
    except errors.Unreadable as error:
        raise errors.TemporaryFailure("unreadable_answer", str(error), raw) from error


def credentials(account: Account, *names: str) -> tuple[str, ...]:
    """Those of the account's credentials. Raises SetupRefused (`not_configured`) where one lacks."""
    given = tuple(account.credentials.get(name, "") for name in names)
    lacking = [name for name, value in zip(names, given, strict=True) if not value]
    if lacking:
        why = f"without the channel's {' and '.join(lacking)} nobody can be asked for usage"
        raise errors.SetupRefused("not_configured", why, reason=words.Reason.SETUP)
    return given


def parsed(body: bytes) -> Mapping[str, Any]:
    """The JSON object in `body`, its fractions as they are written: a float would not keep money. Raises Unreadable."""
    try:
        said = json.loads(body, parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise errors.Unreadable(f"not JSON: {type(error).__name__}") from error
    if not isinstance(said, dict):
        raise errors.Unreadable("not a JSON object")
    return said


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def objects(whole: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The list of objects of this name; empty where there is none. Raises Unreadable for anything else."""
    found = whole.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise errors.Unreadable(f"{name} is not a list of objects")
    return found


def count(value: Any) -> int:
    """How many, from a number or its text; nothing is none. Raises Unreadable."""
    number = decimal(value)
    if number is None:
        return 0
    if number != int(number) or not 0 <= number <= MOST_MESSAGES:
        raise errors.Unreadable("a count is not a count")
    return int(number)


def money(value: Any) -> Decimal | None:
    """An amount of a currency's unit, from a number or its text; None where it is not told. Raises Unreadable."""
    number = decimal(value)
    if number is not None and not 0 <= number <= MOST_MONEY:
        raise errors.Unreadable("an amount is not an amount")
    return number


def decimal(value: Any) -> Decimal | None:
    """A number, or one that is written as text; None where there is none. Raises Unreadable."""
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or not _NUMBER.fullmatch(text):
        raise errors.Unreadable("a number is not a number")
    return Decimal(text)


def cost(told: Iterable[tuple[int, Decimal | None]]) -> int | None:
    """In micros, from pairs of how many were billed and what they cost, rounded once; None unless all that was billed
    has its price: a part of a cost is none. Raises Unreadable."""
    pairs = list(told)
    amounts = [amount for _, amount in pairs if amount is not None]
    if not amounts or any(billed and amount is None for billed, amount in pairs):
        return None
    whole = sum(amounts, Decimal(0))
    if whole > MOST_MONEY:
        raise errors.Unreadable("an amount is not an amount")
    return round(whole * MICROS)


def one_currency(told: Iterable[str]) -> str | None:
    """The currency of all of them; None where there is more than one, because then there is no sum."""
    found = {code for code in told if code}
    return None if len(found) > 1 else next(iter(found), "")


def currency(value: Any) -> str:
    """A currency's three letters; empty where it is not told. Raises Unreadable."""
    code = str(value or "").strip().upper()
    if code and not _CURRENCY.fullmatch(code):
        raise errors.Unreadable("a currency is not three letters")
    return code


def category(value: Any) -> str:
    """A provider's word for what messages are billed as: lower case, `_` between words; empty where there is none."""
    spelled = value if isinstance(value, str) else ""
    return _BETWEEN_WORDS.sub("_", spelled.lower()).strip("_")[:LONGEST_CATEGORY]


def day(value: Any) -> date:
    """A date as ISO 8601 has it. Raises Unreadable."""
    text = value if isinstance(value, str) else ""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise errors.Unreadable("a date is not a date")


def midnight(day: date) -> datetime:
    """When a day begins in UTC. Raises Unreadable for one whose neighbours no calendar has."""
    if not date(1970, 1, 2) <= day <= date(9000, 1, 1):
        raise errors.Unreadable("a date is out of reach")
    return datetime.combine(day, time(), UTC)


def ended(days: Iterable[UsageDay], asked: UsageAsked) -> list[UsageDay]:
    """Those of the days that were asked for and have ended, oldest first."""
    wanted = (one for one in days if asked.first <= one.day <= asked.last and one.ends_at <= asked.now)
    return sorted(wanted, key=lambda one: one.begins_at)


def categories(told: Iterable[tuple[Any, Any]]) -> dict[str, int]:
    """Messages by category, from pairs of a provider's word and a count; one that is told twice is added, and what
    there are none of is left out. Raises Unreadable."""
    found: dict[str, int] = {}
    for spelled, number in told:
        name = category(spelled)
        if name and count(number):
            found[name] = found.get(name, 0) + count(number)
    return found


def plausible(days: Iterable[UsageDay]) -> list[UsageDay]:
    """The days of an answer, each told once and with no more than anybody can have used. Raises Unreadable."""
    found = list(days)
    if len({one.day for one in found}) < len(found):
        raise errors.Unreadable("a day is told twice")
    for one in found:
        counts = (one.conversations, one.messages_in, one.messages_out, one.delivered, *one.categories.values())
        if max(counts) > MOST_MESSAGES or len(one.categories) > MOST_CATEGORIES:
            raise errors.Unreadable("a day has more than a day can have")
    return found
