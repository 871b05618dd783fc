"""Asking the Graph API what one number of a WhatsApp business account did and cost: for all providers whose figures are
Meta's. What it answers is read by `graph_figures`.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics (as of November 2026; facts
§2.9 to §2.11). The figures are approximate and are corrected later. Those of conversations are refused where a partner
pays for the account and their cost is asked for.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from wabot import errors
from wabot.providers import figures, graph_figures, media, meta_graph
from wabot.providers.bodies import word
from wabot.providers.graph_figures import CONVERSATIONS, METRICS, PRICING, SENT, Metric
from wabot.providers.metered import Pace, UsageAsked, UsageDay

PAGES = 50
FURTHEST_EAST = timedelta(hours=14)
FURTHEST_WEST = timedelta(hours=12)
COST_REFUSED = "cost not available"
TOKENS = ("access_token", "appsecret_proof")


@dataclass(frozen=True, slots=True)
class Waba:
    """The business account of `number`, at an address of the Graph API."""

    api: str
    id: str
    token: str = field(repr=False)
    number: str


def pace(waba_id: str) -> Pace:
    """200 an hour for each account, of which one that sends nothing yet has no more (facts §2.9)."""
    return Pace(f"graph:{waba_id}", 200, 3600.0)


def usage(waba: Waba, asked: UsageAsked) -> Sequence[UsageDay]:
    """See `base.Provider.usage`."""
    found: list[UsageDay] = []
    for metric, first, last in _periods(asked):
        pages = _pages(waba, metric, first, last, asked)
        with figures.understood():
            told = graph_figures.days(pages, waba.number, shared=asked.shared)
        found += [day for day in told if first <= day.day <= last]
    return figures.ended(found, asked)


def _periods(asked: UsageAsked) -> Iterator[tuple[Metric, date, date]]:
    begins, before = figures.MESSAGES_BILLED_FROM, figures.MESSAGES_BILLED_FROM - figures.ONE_DAY
    if asked.first < begins:
        yield CONVERSATIONS, asked.first, min(asked.last, before)
    if asked.last >= begins:
        yield PRICING, max(asked.first, begins), asked.last


def _pages(waba: Waba, metric: Metric, first: date, last: date, asked: UsageAsked) -> list[Mapping[str, Any]]:
    """All that is told of those days, without their cost where that is refused. Raises ProviderFailure."""
    begin, end = _span(first, last, asked.now)
    if begin >= end:
        return []
    counted = metric.counted.upper()
    try:
        return list(_each_page(waba, _url(waba, metric, begin, end, ("COST", counted)), asked))
    except errors.ProviderFailure as failure:
        if COST_REFUSED not in failure.message.lower():
            raise
        return list(_each_page(waba, _url(waba, metric, begin, end, (counted,)), asked))


def _span(first: date, last: date, now: datetime) -> tuple[int, int]:
    """The seconds since 1970 between which those days are, whatever the zone. What is there of others is left out."""
    begin = figures.midnight(first) - FURTHEST_EAST
    end = figures.midnight(last) + figures.ONE_DAY + FURTHEST_WEST
    return int(begin.timestamp()), int(min(end, now).timestamp())


def _url(waba: Waba, metric: Metric, begin: int, end: int, metrics: Sequence[str]) -> str:
    """The currency is the account's, so it is asked for along with the figures."""
    when, number = f"start({begin}).end({end})", f"phone_numbers({_list([waba.number.lstrip('+')])})"
    billed = f"{metric.name}.{when}.granularity(DAILY).{number}"
    billed += f".metric_types({_list(metrics)}).dimensions({_list(metric.dimensions)})"
    fields = f"{billed},{SENT}.{when}.granularity(DAY).{number},currency,id"
    return f"{waba.api}/{quote(waba.id, safe='')}?{urlencode({'fields': fields})}"


def _list(names: Sequence[str]) -> str:
    return json.dumps(names, separators=(",", ":"))


def _each_page(waba: Waba, url: str, asked: UsageAsked) -> Iterator[Mapping[str, Any]]:
    for _ in range(PAGES):
        answer = figures.ask(url, asked, headers={"Authorization": f"Bearer {waba.token}"})
        if answer.status != 200:
            with figures.nothing_sent():
                raise meta_graph.failure(answer)
        page = figures.read(answer, graph_figures.known)
        yield page
        url = _next(page, waba.api)
        if not url:
            return
    raise errors.TemporaryFailure("too_many_pages", f"usage has more than {PAGES} pages")


def _next(page: Mapping[str, Any], api: str) -> str:
    """The next page's address, on the configured host and nowhere else, because it gets our token. Its own copy of the
    token is left out: an address is written down in too many places. Raises PermanentFailure."""
    blocks = [page, *(page[metric.name] for metric in METRICS if isinstance(page.get(metric.name), dict))]
    told = [word(block["paging"], "next") for block in blocks if isinstance(block.get("paging"), dict)]
    url = next(filter(None, told), "")
    if not url:
        return ""
    if media.origin(url) != media.origin(api):
        raise errors.PermanentFailure("unexpected_redirect", "the next page is on another host")
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in TOKENS]
    return urlunsplit(parts._replace(query=urlencode(query)))
