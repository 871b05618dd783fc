"""Count what each channel did on each of its tenant's days. A day is recounted and replaced, never incremented; one
that is over is kept until something in it changes, and today is counted when somebody asks."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wabot import errors
from wabot.core import days
from wabot.core.days import Month
from wabot.store import db, usage
from wabot.store.tenants import Tenant
from wabot.store.usage import DailyUsage, Figures, Source, Span

log = logging.getLogger(__name__)

KEEP_DEADLINE_SECONDS = 2.0
"""Figures are right without being kept; nobody waits long for that."""
FAMILIES = ("marketing", "utility", "authentication", "service")


@dataclass(frozen=True, slots=True)
class Day:
    """The figures of one channel on one day: ours on one of its tenant's days, or what the provider told of one of its
    own, with the provider's cost where it told one."""

    day: date
    channel_id: int
    figures: Figures
    source: Source = Source.OBSERVED
    cost_micros: int | None = None
    currency: str = ""


def of_days(tenant: Tenant, first: date, last: date, now: datetime) -> list[Day]:
    """The tenant's days with traffic from `first` to `last`, newest first, by channel. What is missing, or no longer
    true, is counted first."""
    kept = [row for row in usage.kept(tenant.id, first.isoformat(), last.isoformat()) if _is_day_of(tenant, row)]
    known = {(row.channel_id, row.day): row for row in kept}
    found = {key: row.figures() for key, row in known.items()}
    missing = []
    for span in _spans(tenant, first, last, now):
        row = known.get((span.channel_id, span.day))
        if row is None or row.stale:
            missing.append(span)
    counted = _count([span for span in missing if span.ends_at <= now], now)
    counted += [(span, usage.count(span)) for span in missing if span.ends_at > now]
    found |= {(span.channel_id, span.day): figures for span, figures in counted}
    shown = [Day(date.fromisoformat(day), channel_id, figures) for (channel_id, day), figures in found.items()]
    return sorted(
        (day for day in shown if day.figures != Figures()), key=lambda row: (-row.day.toordinal(), row.channel_id)
    )


def told(tenant: Tenant, first: date, last: date) -> list[Day]:
    """What providers told of their own days from `first` to `last`, newest first, by channel. They are another kind of
    day than ours and never meet them in one sum."""
    rows = [row for row in usage.kept(tenant.id, first.isoformat(), last.isoformat()) if row.source is Source.PROVIDER]
    found = [
        Day(date.fromisoformat(row.day), row.channel_id, row.figures(), row.source, row.cost_micros, row.currency)
        for row in rows
    ]
    return sorted(found, key=lambda row: (-row.day.toordinal(), row.channel_id))


def of_months(tenant: Tenant, first: Month, last: Month, now: datetime) -> dict[Month, Figures]:
    """The tenant's months with traffic, each the sum of its days; that of `now` is always there."""
    found: dict[Month, list[Figures]] = {Month.of(days.of(tenant.timezone, now)): []}
    for day in of_days(tenant, first.first, last.last, now):
        found.setdefault(Month.of(day.day), []).append(day.figures)
    return {month: total(figures) for month, figures in found.items() if first <= month <= last}


def total(parts: Iterable[Figures]) -> Figures:
    """The sum of figures."""
    parts = list(parts)
    numbers = {name: sum(getattr(part, name) for part in parts) for name in usage.NUMBERS}
    categories: Counter[str] = Counter()
    for part in parts:
        categories.update(part.categories)
    return Figures(**numbers, categories=dict(sorted(categories.items())))


def families(figures: Figures) -> dict[str, int]:
    """What was sent by the four families of categories. Providers have several words for each, such as
    `marketing_lite` and `authentication-international`; a word that belongs to none is in `categories` alone."""
    summed = dict.fromkeys(FAMILIES, 0)
    for word, number in figures.categories.items():
        family = next((name for name in FAMILIES if name in word.lower()), None)
        if family:
            summed[family] += number
    return summed


def keep_yesterday(tenant: Tenant, now: datetime) -> None:
    """Have the tenant's yesterday counted and kept, so that nobody has to wait for it."""
    yesterday = days.of(tenant.timezone, now) - timedelta(days=1)
    of_days(tenant, yesterday, yesterday, now)


def _is_day_of(tenant: Tenant, row: DailyUsage) -> bool:
    """Whether wabot counted it, and in the zone where the tenant is now."""
    day = date.fromisoformat(row.day)
    return row.source is Source.OBSERVED and (row.begins_at, row.ends_at) == days.bounds(tenant.timezone, day, day)


def _spans(tenant: Tenant, first: date, last: date, now: datetime) -> list[Span]:
    """The days that can have traffic: from each channel's first message until today."""
    zone = tenant.timezone
    until = min(last, days.of(zone, now))
    spans = []
    for channel_id, began in usage.first_messages(tenant.id).items():
        for day in days.between(max(first, days.of(zone, began)), until):
            spans.append(Span(tenant.id, channel_id, day.isoformat(), *days.bounds(zone, day, day)))  # noqa: PERF401
    return spans


def _count(spans: list[Span], now: datetime) -> list[tuple[Span, Figures]]:
    """Days that are over, counted outside of any transaction, and kept where nothing came between."""
    if not spans:
        return []
    try:
        begun = db.write(lambda: usage.begin(spans, now), deadline=KEEP_DEADLINE_SECONDS)
    except errors.CannotWrite:
        log.warning("figures are shown without being kept: the file cannot be written")
        return [(span, usage.count(span)) for span in spans]
    counted = [(span, usage.count(span)) for span in spans]

    def keep() -> None:
        for (span, figures), token in zip(counted, begun, strict=True):
            usage.keep(span, figures, token, now)

    try:
        db.write(keep, deadline=KEEP_DEADLINE_SECONDS)
    except errors.CannotWrite:
        log.warning("figures are shown without being kept: the file cannot be written")
    return counted
