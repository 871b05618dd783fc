"""Reading what the Graph API says of usage (`graph_usage`): its points, in both of the wrappers that they come in, as
days of one number.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics (as of November 2026; facts
§2.10). Its examples have points below `<metric>.data[]` and below a top-level `data[]`. A dimension that was not asked
for is not there, and neither is the tier of what is free, nor any cost where a partner pays for the account.

A day is one of the account's zone, which nothing names: it is told by where its days begin. One that begins s seconds
after midnight in UTC is in a zone s west of it where s is at most 10.5 hours, else 24 h - s east of it. So days at -11,
-12 and +14 hours, where fewer people live than in many a town, are called by a neighbouring date.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from wabot import errors
from wabot.providers import figures
from wabot.providers.bodies import word
from wabot.providers.metered import UsageDay

WESTERNMOST = timedelta(hours=10, minutes=30)
"""A day that begins later than this after midnight in UTC is of a zone in the east."""
SHORTEST_DAY = timedelta(hours=22)
LONGEST_DAY = timedelta(hours=26)
_EARLIEST, _LATEST = 86_400, 250_000_000_000


@dataclass(frozen=True, slots=True)
class Metric:
    """Figures by what they count: how they are asked for, and what their points call it."""

    name: str
    counted: str
    dimensions: Sequence[str]
    category: str
    kind: str


PRICING = Metric(
    "pricing_analytics",
    "volume",
    ("PHONE", "PRICING_CATEGORY", "PRICING_TYPE"),
    "pricing_category",
    "pricing_type",
)
"""Delivered messages; what is billed since July 2025."""
CONVERSATIONS = Metric(
    "conversation_analytics",
    "conversation",
    ("PHONE", "CONVERSATION_CATEGORY", "CONVERSATION_TYPE"),
    "conversation_category",
    "conversation_type",
)
"""What was billed before."""
METRICS = (PRICING, CONVERSATIONS)
SENT = "analytics"


@dataclass(frozen=True, slots=True)
class _Span:
    """One of the account's days."""

    begins_at: datetime
    ends_at: datetime

    @property
    def day(self) -> date:
        midnight = self.begins_at.replace(hour=0, minute=0, second=0)
        is_western = self.begins_at - midnight <= WESTERNMOST
        return midnight.date() if is_western else midnight.date() + figures.ONE_DAY


@dataclass(frozen=True, slots=True)
class _Point:
    """So many of one category on one day."""

    span: _Span
    metric: Metric
    category: str
    number: int
    is_free: bool
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class _Sent:
    """How many messages went out on one day, and how many of them arrived."""

    span: _Span
    sent: int
    delivered: int


def known(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer, if it is about an account, whose id is there when nothing else is. Raises Unreadable."""
    if "error" in said or not {"id", "data", *(metric.name for metric in METRICS)} & said.keys():
        raise errors.Unreadable("this is no business account")
    return said


def days(pages: Iterable[Mapping[str, Any]], number: str, *, shared: bool) -> list[UsageDay]:
    """What the pages say of a number, day by day; what names no number is nobody's where the account is shared.
    Raises Unreadable."""
    pages = list(pages)
    by_day: dict[date, list[_Point]] = defaultdict(list)
    for row in (row for page in pages for row in _rows(page)):
        if (point := _point(row)) is not None and _is_of(number, word(row, "phone_number"), shared=shared):
            by_day[point.span.day].append(point)
    sent = {one.span.day: one for page in pages for one in _sent(page, number, shared=shared)}
    currency = next((code for page in pages if (code := figures.currency(page.get("currency")))), "")
    told = sorted(by_day.keys() | sent.keys())
    return figures.plausible(_usage(day, by_day.get(day, []), sent.get(day), currency) for day in told)


def _usage(day: date, points: Sequence[_Point], sent: _Sent | None, currency: str) -> UsageDay:
    span = points[0].span if points or sent is None else sent.span
    messages = [point.number for point in points if point.metric is PRICING]
    return UsageDay(
        day,
        span.begins_at,
        span.ends_at,
        categories=figures.categories((point.category, point.number) for point in points),
        conversations=sum(point.number for point in points if point.metric is CONVERSATIONS),
        messages_out=sent.sent if sent else 0,
        delivered=sum(messages) if messages or sent is None else sent.delivered,
        billable=sum(point.number for point in points if not point.is_free),
        cost_micros=figures.cost((0 if point.is_free else point.number, point.amount) for point in points),
        currency=currency,
    )


def _rows(page: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The points of a page, in whichever wrapper."""
    for block in (page, *(_block(page, metric.name) for metric in METRICS)):
        for group in (block, *figures.objects(block, "data")):
            yield from figures.objects(group, "data_points")


def _block(page: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = page.get(name) or {}
    if not isinstance(found, dict):
        raise errors.Unreadable(f"{name} is not an object")
    return found


def _point(row: Mapping[str, Any]) -> _Point | None:
    """None for what counts nothing that we know, and for no whole day."""
    metric = next((one for one in METRICS if one.counted in row or one.category in row), None)
    span = _span(row)
    if metric is None or span is None:
        return None
    kind, amount = figures.category(row.get(metric.kind)), figures.money(row.get("cost"))
    is_free = kind.startswith("free") or (not kind and not amount)
    category, number = figures.category(row.get(metric.category)), figures.count(row.get(metric.counted))
    return _Point(span, metric, category, number, is_free, amount)


def _sent(page: Mapping[str, Any], number: str, *, shared: bool) -> Iterable[_Sent]:
    """These points name no number: the block names those that it was asked for."""
    block = _block(page, SENT)
    named = block.get("phone_numbers")
    whose = [str(one) for one in named] if isinstance(named, list) else []
    if not all(_is_of(number, one, shared=shared) for one in whose or [""]):
        return
    for row in figures.objects(block, "data_points"):
        if (span := _span(row)) is not None:
            yield _Sent(span, figures.count(row.get("sent")), figures.count(row.get("delivered")))


def _is_of(number: str, told: str, *, shared: bool) -> bool:
    """Numbers are written in several ways, but their digits are the same."""
    return _digits(told) == _digits(number) if _digits(told) else not shared


def _digits(number: str) -> str:
    return re.sub(r"[^0-9]", "", number)


def _span(row: Mapping[str, Any]) -> _Span | None:
    """The day of a point; None where it is but a part of one, as at the ends of what was asked for."""
    begins_at = _moment(row.get("start"))
    ends_at = begins_at + figures.ONE_DAY if row.get("end") is None else _moment(row["end"])
    return _Span(begins_at, ends_at) if SHORTEST_DAY <= ends_at - begins_at <= LONGEST_DAY else None


def _moment(seconds: Any) -> datetime:
    number = figures.decimal(seconds)
    if number is None or not _EARLIEST <= number <= _LATEST or number != int(number):
        raise errors.Unreadable("a moment is not a moment")
    return datetime.fromtimestamp(int(number), UTC)
