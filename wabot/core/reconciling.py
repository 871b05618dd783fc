"""The bill check: what a provider told of one of its days beside our ledger, recounted between the moments where that
day began and ended. Its days and ours are two kinds that meet nowhere else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from wabot import clock
from wabot.core import costing, metering, money
from wabot.core.costing import Cost, FreeTier, Rates
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store import charges, usage
from wabot.store.charges import Suspect
from wabot.store.tenants import Tenant
from wabot.store.usage import DailyUsage, Source, Span

MOST_SUSPECTS = 50
"""Messages that are named for one day."""
DIRECTIONS = ("inbound", "outbound")
"""What the words end with by which a provider counts messages without telling what they were for."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A day as the provider told it, and as our ledger has it: delivered messages by category, and what they cost."""

    told: DailyUsage
    sent: int
    delivered: int
    ours: dict[str, int]
    theirs: dict[str, int]
    cost: Cost
    suspects: tuple[Suspect, ...]

    @property
    def total(self) -> tuple[str, int, int]:
        """What is compared in all, ours and theirs: what was delivered, or where the provider tells neither categories
        nor deliveries, what was sent."""
        delivered = sum(self.theirs.values()) or self.told.delivered
        if delivered or not self.told.messages_out:
            return "delivered", self.delivered, delivered
        return "sent", self.sent, self.told.messages_out

    def differences(self) -> dict[str, int]:
        """By category, how many more the provider counted; nothing where it told no categories of what it counted."""
        if not self.theirs and any(self.total[2:]):
            return {}
        words = sorted({*self.ours, *self.theirs})
        return {word: self.theirs.get(word, 0) - self.ours.get(word, 0) for word in words}

    def cost_difference(self) -> int | None:
        """By how many micros the provider's cost is higher; None where one of the two is not known in its currency."""
        told, currency = self.told.cost_micros, self.told.currency
        if told is None or self.cost.unpriced or set(self.cost.micros) - {currency}:
            return None
        known = self.cost.micros.get(currency)
        if known is None:
            return told if not self.delivered else None
        return told - known

    @property
    def matches(self) -> bool:
        """Whether nothing that both know differs."""
        _, ours, theirs = self.total
        return not any(self.differences().values()) and ours == theirs and not self.cost_difference()


def check(tenant: Tenant, first: date, last: date) -> list[Compared]:
    """Every day that a provider told of from `first` to `last`, which are its own labels, newest first, by channel."""
    rows = [row for row in usage.kept(tenant.id, first.isoformat(), last.isoformat()) if row.source is Source.PROVIDER]
    by_month: dict[tuple[int, Month], list[DailyUsage]] = {}
    for row in sorted(rows, key=lambda row: row.day):
        by_month.setdefault((row.channel_id, Month.of(date.fromisoformat(row.day))), []).append(row)
    known = Rates()
    found = [compared for of in by_month.values() for compared in _compare(of, known)]
    return sorted(found, key=lambda row: (row.told.day, -row.told.channel_id), reverse=True)


def _compare(rows: list[DailyUsage], known: Rates) -> Iterator[Compared]:
    """The days of one channel and month in order, because the number's free messages are used up in it: from the
    first of the month on, as the provider's days lie."""
    tier = FreeTier()
    reached = rows[0].begins_at - timedelta(days=date.fromisoformat(rows[0].day).day - 1)
    for row in rows:
        if reached < row.begins_at:
            costing.spend(costing.charge([_recount(row, reached, row.begins_at)], known, tier))
        ours = _recount(row, row.begins_at, row.ends_at)
        [charged] = costing.charge([ours], known, tier)
        yield _with_suspects(row, ours, charged.cost)
        reached = max(reached, row.ends_at)


def _recount(row: DailyUsage, begins_at: datetime, ends_at: datetime) -> Day:
    span = Span(row.tenant_id, row.channel_id, row.day, begins_at, ends_at)
    return Day(date.fromisoformat(row.day), row.channel_id, usage.count(span))


def _with_suspects(row: DailyUsage, ours: Day, cost: Cost) -> Compared:
    counted: dict[str, int] = {}
    for group in ours.figures.groups:
        counted[group.category] = counted.get(group.category, 0) + group.count
    theirs: dict[str, int] = {}
    for told, number in row.categories.items():
        word = _comparable(usage.normal(told), counted)
        if word:
            theirs[word] = theirs.get(word, 0) + number
    compared = Compared(row, ours.figures.messages_out, sum(counted.values()), counted, theirs, cost, ())
    return replace(compared, suspects=tuple(_suspects(row, compared.differences())))


def _comparable(word: str, ours: Iterable[str]) -> str:
    """A provider's word as the category of ours that it means. What went in or out is none: the totals have it."""
    if word in ours:
        return word
    if word.endswith(DIRECTIONS):
        return ""
    return next((family for family in metering.FAMILIES if word.endswith(f"_{family}")), word)


def _suspects(row: DailyUsage, differences: dict[str, int]) -> Iterable[Suspect]:
    span = Span(row.tenant_id, row.channel_id, row.day, row.begins_at, row.ends_at)
    found: list[Suspect] = []
    for category, difference in differences.items():
        if difference:
            ask = charges.counted_by_them if difference > 0 else charges.counted_by_us
            found += ask(span, category, MOST_SUSPECTS + 1 - len(found))
    return found


def shape(compared: Compared, nothing_in: str) -> dict[str, Any]:
    """A compared day as it is shown; a difference is what the provider has more."""
    told, cost_difference = compared.told, compared.cost_difference()
    of, ours, theirs = compared.total
    return {
        "date": told.day,
        "channelId": told.channel_id,
        "beginsAt": clock.iso(told.begins_at),
        "endsAt": clock.iso(told.ends_at),
        "matches": compared.matches,
        "total": {"of": of, **_pair(ours, theirs)},
        "categories": {
            word: _pair(compared.ours.get(word, 0), compared.theirs.get(word, 0)) for word in compared.differences()
        },
        "cost": {
            "ours": costing.one(compared.cost, told.currency or nothing_in),
            "theirs": None if told.cost_micros is None else money.shape(told.cost_micros, told.currency),
            "difference": None if cost_difference is None else money.shape(cost_difference, told.currency),
        },
        "unpriced": compared.cost.unpriced,
        "messages": [
            {"id": suspect.message_id, "category": suspect.category, "why": suspect.why}
            for suspect in compared.suspects[:MOST_SUSPECTS]
        ],
        "hasMore": len(compared.suspects) > MOST_SUSPECTS,
    }


def _pair(ours: int, theirs: int) -> dict[str, int]:
    return {"ours": ours, "theirs": theirs, "difference": theirs - ours}


def shapes(tenant: Tenant, first: date, last: date) -> list[dict[str, Any]]:
    """Every compared day from `first` to `last` as it is shown."""
    nothing_in = costing.shown_currency(tenant)
    return [shape(compared, nothing_in) for compared in check(tenant, first, last)]
