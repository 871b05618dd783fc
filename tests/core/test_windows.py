"""What windows of time cost over tenants: the same as each of their channels by itself, with all that was before."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.prices import ENTRY_POINT, REGULAR, WINDOW, load
from wabot import words
from wabot.core import costing, days, estimating, tenancy
from wabot.core.costing import Cost, FreeTier, Rates
from wabot.core.metering import Day
from wabot.store import customers, db, messages, tenants, usage
from wabot.store.messages import Message
from wabot.store.tenants import Channel, Tenant
from wabot.store.usage import Span

EDGES = [datetime(2027, 3, day, 9, 30, 0, 1000, UTC) for day in (1, 2, 3)]
"""They begin in a month of which some zones have had a day, and others none."""
SLUGS = {"riyadh": "Asia/Riyadh", "aden": "Asia/Riyadh", "auckland": "Pacific/Auckland", "apia": "Pacific/Pago_Pago"}
RATES = (
    "service,*,2027-01-01,USD,0.5,2",
    "service,SA,2027-03-02,SAR,0.25,3",
    "utility,*,2027-01-01,SAR,0.04,0",
    "authentication,*,2027-03-02,USD,0.1,1",
)
PHONES = ["+966511111111", "+201000000001", "+12025550101"]
NOTHING: dict[str, Any] = {}
SAYS: list[dict[str, Any]] = [
    NOTHING,
    NOTHING,
    NOTHING,
    REGULAR,
    WINDOW,
    ENTRY_POINT,
    {"turn": None},
    {"delivered_at": None},
    {"sent_at": None},
]
"""What receipts say of how it is charged; most often nothing, which leaves it to the free tier."""
CATEGORIES = [None, None, "service", "utility", "Authentication", "marketing"]
moments = st.sampled_from(EDGES) | st.integers(-60, 50).map(lambda hours: EDGES[0] + timedelta(hours=hours))
sent = st.tuples(
    st.integers(1, 3),
    st.integers(0, 4),
    st.sampled_from(PHONES),
    moments,
    st.sampled_from(CATEGORIES),
    st.sampled_from(SAYS),
)


def one_by_one(tenant: Tenant, edges: Sequence[datetime], now: datetime) -> list[Cost]:
    """Every channel's part of every day is counted as a day is, and everything before is read."""
    known, tier = Rates(), FreeTier()
    today = days.of(tenant.timezone, edges[0])
    first = days.begins_at(tenant.timezone, today.replace(day=1))
    costing.spend(costing.charge(counted(tenant, first, edges[0]), known, tier))
    return [
        costing.add_up(row.cost for row in costing.charge(counted(tenant, *span), known, tier))
        for span in pairwise(edges)
    ]


def counted(tenant: Tenant, since: datetime, until: datetime) -> list[Day]:
    found = []
    for day in days.between(*(days.of(tenant.timezone, at) for at in (since, until))):
        begins, ends = days.bounds(tenant.timezone, day, day)
        for channel_id in usage.first_messages(tenant.id):
            span = Span(tenant.id, channel_id, day.isoformat(), max(begins, since), min(ends, until))
            found.append(Day(day, channel_id, usage.count(span)))
    return found


def send(channel: Channel, phone: str, at: datetime, values: dict[str, Any]) -> None:
    customer = customers.meet(channel.tenant_id, words.Identity(phone=phone), "", at)
    known = customers.conversation(channel.tenant_id, channel.id, customer.id, at)
    once: dict[str, Any] = {"idempotency_key": None, "idempotency_hash": None, "max_retries": 3, "expires_at": at}
    values = {"sent_at": at, "delivered_at": at + timedelta(seconds=1), **values}
    stored = messages.add_outgoing(known, words.Draft(words.Kind.TEXT, "hi"), now=at, **once)
    Message.change(stored.id, **values)


def forget_everything() -> None:
    for table in ("session", "daily_usage", "message", "conversation", "customer"):
        db.run(f"DELETE FROM {table}")


@pytest.fixture
def channels(make_channel: Callable[..., Channel]) -> list[Channel]:
    """One of each tenant, and a second one of the first."""
    load(*RATES)
    numbers = (f"+96650000000{n}" for n in itertools.count(1))
    found = [make_channel(slug, next(numbers), timezone=zone) for slug, zone in SLUGS.items()]
    given = {"secret": "s" * 32, "api_base": "http://provider.test"}
    return [*found, tenancy.add_channel("riyadh", "sandbox", next(numbers), given)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ledger=st.lists(sent, min_size=20, max_size=50))
def test_windows_over_tenants_cost_what_each_channel_s_days_cost_one_by_one(
    channels: list[Channel], ledger: list[Any]
) -> None:
    def write() -> None:
        forget_everything()
        for number, which, phone, at, category, says in ledger:
            for _ in range(number):
                send(channels[which], phone, at, {"category": category, **says})

    db.write(write)
    everybody, now = tenants.all_tenants(), EDGES[-1]
    each = [one_by_one(tenant, EDGES, now) for tenant in everybody]
    assert [estimating.of_windows([tenant], EDGES, now) for tenant in everybody] == each
    together = [costing.add_up(costs) for costs in zip(*each, strict=True)]
    assert estimating.of_windows(everybody, EDGES, now) == together
