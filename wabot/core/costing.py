"""What messages cost by the rate cards: an estimate from our own ledger. Nothing of it is kept, so that a card which is
loaded later counts at once; what no card has a rate for is unknown, never free."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from wabot.core import money
from wabot.core.metering import Day
from wabot.store import rates
from wabot.store.rates import Rate
from wabot.store.tenants import Tenant
from wabot.store.usage import Billing, Group, Source


@dataclass(frozen=True, slots=True)
class Cost:
    """Micros by currency, which are never added up; `unpriced` messages are charged at a price that nobody told and
    are not in them."""

    micros: Mapping[str, int] = field(default_factory=dict)
    unpriced: int = 0

    @property
    def is_unknown(self) -> bool:
        """Whether nothing of it is known."""
        return not self.micros and self.unpriced > 0


@dataclass(frozen=True, slots=True)
class Charge:
    """What a group of messages of a day costs: `billed` of them at a price, `unpriced` at one that nobody told, the
    others free."""

    group: Group
    billed: int = 0
    micros: int = 0
    currency: str = ""
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Charged:
    """A day with what each of its groups costs."""

    day: Day
    charges: tuple[Charge, ...]

    @property
    def cost(self) -> Cost:
        """What the day cost: a provider's day what it told, one of ours what its groups cost."""
        if self.day.source is Source.PROVIDER:
            return _told(self.day)
        return total(self.charges)


class Rates:
    """The rate cards as they are now, looked up once for each category and country."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], list[Rate]] = {}

    def on(self, category: str, country: str, day: date) -> Rate | None:
        """The rate of a category and a country on a day: the newest `from` that has begun, of equal ones the latest
        loaded; one for the country goes before one for any."""
        for place in (country, rates.ANY) if country else (rates.ANY,):
            for rate in self._of(category, place):
                if rate.from_day <= day.isoformat():
                    return rate
        return None

    def _of(self, category: str, country: str) -> list[Rate]:
        key = (category, country)
        if key not in self._versions:
            self._versions[key] = rates.versions(*key)
        return self._versions[key]


class FreeTier:
    """How many messages of each number and category were counted against the free ones of the month so far. It belongs
    to the number, whatever the countries, and begins anew with each month (facts/providers §2.11)."""

    def __init__(self) -> None:
        self._month = date.min
        self._used: Counter[tuple[int, str]] = Counter()

    def take(self, day: date, channel_id: int, category: str, number: int, free: int) -> int:
        """Count so many more against the `free` ones; returns how many of them are free."""
        if (month := day.replace(day=1)) != self._month:
            self._month = month
            self._used.clear()
        left = max(0, free - self._used[channel_id, category])
        self._used[channel_id, category] += number
        return min(left, number)


def charge(found: Iterable[Day], known: Rates, tier: FreeTier | None = None) -> Iterator[Charged]:
    """These days, which are taken in order of time whatever order they come in, with what their groups cost. Days of
    the same month before them have used up free messages: say them first, or with `tier`."""
    tier = tier or FreeTier()
    for day in sorted(found, key=lambda row: (row.day, row.channel_id)):
        in_order = sorted(day.figures.groups, key=lambda group: (group.billing is Billing.UNSAID, group))
        yield Charged(day, tuple(_charge(day, group, known, tier) for group in in_order))


def depends_on_the_tier(day: Day, known: Rates) -> bool:
    """Whether what the day costs depends on what the free tier has left: only what receipts say nothing of does."""
    unsaid = (group for group in day.figures.groups if group.billing is Billing.UNSAID)
    of_each = (known.on(group.category, group.country, day.day) for group in unsaid)
    return any(rate.free for rate in of_each if rate)


def _charge(day: Day, group: Group, known: Rates, tier: FreeTier) -> Charge:
    rate = known.on(group.category, group.country, day.day)
    allowed = 0
    if group.billing in (Billing.ALLOWED, Billing.UNSAID):
        free = rate.free if rate else 0
        allowed = tier.take(day.day, day.channel_id, group.category, group.count, free)
    if group.billing in (Billing.ALLOWED, Billing.FREE):
        return Charge(group, currency=rate.currency if rate else "")
    billed = group.count - allowed
    if rate is None:
        return Charge(group, unpriced=billed)
    return Charge(group, billed, billed * rate.price_micros, rate.currency)


def total(charges: Iterable[Charge]) -> Cost:
    """The sum of charges, each currency by itself."""
    charges = list(charges)
    micros: Counter[str] = Counter()
    for one in charges:
        if one.currency:
            micros[one.currency] += one.micros
    return Cost(dict(micros), sum(one.unpriced for one in charges))


def add_up(costs: Iterable[Cost]) -> Cost:
    """The sum of costs, each currency by itself."""
    costs = list(costs)
    micros: Counter[str] = Counter()
    for cost in costs:
        micros.update(cost.micros)
    return Cost(dict(micros), sum(cost.unpriced for cost in costs))


def _told(day: Day) -> Cost:
    if day.cost_micros is None or not day.currency:
        return Cost(unpriced=sum(day.figures.categories.values()))
    return Cost({day.currency: day.cost_micros})


def later(day: Day, to: date) -> Day:
    """What happened on a day, as if it were another day."""
    return replace(day, day=to)


def spend(charged: Iterable[Charged]) -> None:
    """Only count against the free tier."""
    for _ in charged:
        continue


def shown_currency(tenant: Tenant) -> str:
    """The currency in which nothing at all is shown: the cards' only one, else the tenant's; none without a card."""
    known = rates.currencies()
    if not known:
        return ""
    return next(iter(known)) if len(known) == 1 else tenant.currency


def one(cost: Cost, nothing_in: str) -> dict[str, Any] | None:
    """A cost in the one currency that it is in, as CONTRACT §5 shows it; None where it is unknown, or in several, of
    which one with nothing to pay is none beside another. What costs nothing is 0 in `nothing_in`, if there is any."""
    to_pay = {currency: micros for currency, micros in cost.micros.items() if micros} or cost.micros
    if len(to_pay) == 1:
        [(currency, micros)] = to_pay.items()
        return money.shape(micros, currency)
    nothing = not cost.micros and not cost.unpriced and nothing_in
    return money.shape(0, nothing_in) if nothing else None


def shape(cost: Cost, nothing_in: str) -> dict[str, Any]:
    """The same with every currency by itself, and with how many messages it lacks because nobody told their price."""
    return {"cost": one(cost, nothing_in), "costs": money.shapes(cost.micros), "unpriced": cost.unpriced}
