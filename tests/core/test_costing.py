"""What messages cost: by receipts, by the card of their day, and through the free tier of their number and month."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.conftest import PHONE, Stage
from tests.core.prices import ENTRY_POINT, NOON, REGULAR, WINDOW, delivers, load, template
from tests.core.test_metering import conversation, go_to, goes_out, tenant
from wabot import words
from wabot.core import costing, days, estimating, metering, tenancy
from wabot.core.costing import Cost, FreeTier
from wabot.core.days import Month
from wabot.store import customers, db, messages, usage
from wabot.store.tenants import Tenant
from wabot.store.usage import Billing, DailyUsage, Group, Span

LATER = NOON + timedelta(days=2)
TODAY = NOON.date()
MARCH = Month(2027, 3)


def between(of: Tenant, since: datetime, until: datetime, now: datetime) -> Cost:
    """What one window costs."""
    return estimating.of_windows([of], (since, until), now)[0]


def cost(day: date = TODAY, now: datetime = LATER) -> Cost:
    """Of the tenant's day."""
    return costing.add_up(row.cost for row in estimating.of_days(tenant(), day, day, now))


def sar(amount: float, unpriced: int = 0) -> Cost:
    return Cost({"SAR": round(amount * 1_000_000)}, unpriced)


# --- who pays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"category": "utility", **REGULAR}, sar(0.04)),
        ({"category": "UTILITY", "pricing_type": "Regular", "billable": True}, sar(0.04)),
        ({"category": "utility", **WINDOW}, sar(0)),
        ({"category": "utility", **ENTRY_POINT}, sar(0)),
        ({"category": "utility"}, sar(0.04)),
        ({"category": "utility", **REGULAR, "delivered_at": None}, Cost()),
        ({"category": "authentication-international", **REGULAR}, sar(0.3)),
        ({"category": "marketing_lite", **REGULAR}, Cost(unpriced=1)),
        ({"category": "marketing_lite", **WINDOW}, Cost()),
        ({"turn": None}, sar(0)),
    ],
)
def test_receipts_say_whether_a_delivered_message_is_billed_and_else_the_card(
    stage: Stage, values: dict[str, Any], expected: Cost
) -> None:
    load(
        "utility,SA,2027-01-01,SAR,0.04,0",
        "authentication_international,*,2027-01-01,SAR,0.3,0",
        "service,*,2027-01-01,SAR,0.02,0",
    )
    turn = values.pop("turn", 1)
    [message] = delivers(stage, **values)
    if turn is None:
        db.write(lambda: messages.change(message.id, turn=None))
    assert cost() == expected


def test_a_template_that_was_delivered_costs_what_its_category_costs(stage: Stage) -> None:
    load("marketing,*,2027-01-01,SAR,0.15,0", "service,*,2027-01-01,SAR,0.02,0")
    delivers(stage, **template(stage, "MARKETING"))
    delivers(stage, **template(stage, ""))
    goes_out(stage, NOON, **template(stage, "MARKETING"))
    assert cost() == sar(0.15, unpriced=1)


def test_without_a_card_a_cost_is_unknown_and_never_nothing(stage: Stage) -> None:
    delivers(stage, category="utility", **REGULAR)
    assert cost() == Cost(unpriced=1)
    assert cost().is_unknown
    assert costing.shape(cost(), costing.shown_currency(tenant())) == {"cost": None, "costs": [], "unpriced": 1}


def test_what_is_partly_known_says_how_much_it_lacks(stage: Stage) -> None:
    load("utility,SA,2027-01-01,SAR,0.04,0")
    delivers(stage, category="utility", **REGULAR)
    delivers(stage, number=2, category="marketing", **REGULAR)
    shown = {"cost": {"amount": 0.04, "currency": "SAR"}, "costs": [{"amount": 0.04, "currency": "SAR"}], "unpriced": 2}
    assert costing.shape(cost(), "SAR") == shown


def test_several_currencies_are_never_added_up(stage: Stage) -> None:
    load("utility,SA,2027-01-01,SAR,0.04,0", "utility,EG,2027-01-01,USD,0.01,0")
    for phone in (PHONE, "+201001234567", "+201001234568"):
        delivers(stage, category="utility", phone=phone, **REGULAR)
    assert cost() == Cost({"SAR": 40_000, "USD": 20_000})
    assert costing.shape(cost(), "SAR")["cost"] is None
    assert [row["amount"] for row in costing.shape(cost(), "SAR")["costs"]] == [0.04, 0.02]


def test_a_customer_without_a_number_is_where_its_id_says(stage: Stage) -> None:
    load("utility,EG,2027-01-01,USD,0.01,0", "utility,*,2027-01-01,USD,9,0")

    def sent(user_id: str) -> None:
        met = customers.meet(tenant().id, words.Identity(user_id=user_id), "", NOON)
        known = customers.conversation(tenant().id, stage.channel.id, met.id, NOON)
        once: dict[str, Any] = {"idempotency_key": None, "idempotency_hash": None, "max_retries": 0, "expires_at": NOON}
        values = {"sent_at": NOON, "delivered_at": NOON, "category": "utility", **REGULAR}
        messages.add_outgoing(known, words.Draft(words.Kind.TEXT, "hi"), now=NOON, **once, **values)

    db.write(lambda: sent("EG.123abc"))
    assert cost() == Cost({"USD": 10_000})
    db.write(lambda: sent("ZZ.123abc"))
    assert cost() == Cost({"USD": 9_010_000})


def test_a_currency_in_which_nothing_is_to_pay_does_not_hide_the_other() -> None:
    shown = costing.shape(Cost({"SAR": 40_000, "USD": 0}), "SAR")
    assert shown["cost"] == {"amount": 0.04, "currency": "SAR"}
    assert [row["currency"] for row in shown["costs"]] == ["SAR", "USD"]
    assert costing.one(Cost({"EUR": 0, "USD": 0}), "SAR") is None


def test_a_day_with_nothing_to_pay_costs_nothing_in_the_cards_currency(stage: Stage) -> None:
    assert costing.one(Cost(), costing.shown_currency(tenant())) is None
    load("utility,SA,2027-01-01,USD,0.04,0")
    assert costing.one(Cost(), costing.shown_currency(tenant())) == {"amount": 0, "currency": "USD"}
    load("utility,SA,2027-01-01,GBP,0.04,0")
    assert costing.one(Cost(), costing.shown_currency(tenant())) == {"amount": 0, "currency": "SAR"}


# --- when -------------------------------------------------------------------------------------------


def test_a_card_that_is_loaded_later_counts_at_once_for_days_that_were_kept(stage: Stage) -> None:
    delivers(stage, category="utility", **REGULAR)
    assert cost() == Cost(unpriced=1)
    computed_at = DailyUsage.get().computed_at
    load("utility,*,2027-01-01,SAR,1,0")
    assert cost() == sar(1)
    load("utility,*,2027-01-01,SAR,2,0", now=LATER)
    assert cost() == sar(2)
    assert DailyUsage.get().computed_at == computed_at


def test_a_rate_that_changes_in_the_month_counts_from_its_day_on_in_the_tenant_s_zone(stage: Stage) -> None:
    load("utility,*,2027-01-01,SAR,1,0", "utility,*,2027-03-11,SAR,10,0")
    changes = days.begins_at("Asia/Riyadh", date(2027, 3, 11))
    delivers(stage, changes - timedelta(milliseconds=1), category="utility", **REGULAR)
    delivers(stage, changes, category="utility", **REGULAR)
    assert (cost(date(2027, 3, 10)), cost(date(2027, 3, 11))) == (sar(1), sar(10))
    assert estimating.of_month(tenant(), MARCH, LATER) == sar(11)


def test_a_receipt_that_comes_after_the_day_was_kept_changes_its_cost(stage: Stage) -> None:
    load("utility,*,2027-01-01,SAR,1,0", "marketing,*,2027-01-01,SAR,5,0")
    [message] = delivers(stage, category=None, delivered_at=None, **template(stage, "utility"))
    assert cost() == Cost()
    db.write(lambda: messages.change(message.id, delivered_at=LATER))
    assert cost() == sar(1)
    db.write(lambda: messages.change(message.id, category="marketing", **REGULAR))
    assert cost() == sar(5)
    db.write(lambda: messages.change(message.id, category="marketing", **WINDOW))
    assert cost() == sar(0)


def test_a_day_kept_before_there_were_details_is_counted_again(stage: Stage) -> None:
    load("utility,*,2027-01-01,SAR,1,0")
    delivers(stage, category="utility", **REGULAR)
    assert cost() == sar(1)
    db.write(lambda: db.run("UPDATE daily_usage SET details = '[]'"))
    assert cost() == Cost()
    db.write(lambda: db.run("UPDATE daily_usage SET stale = stale + 1 WHERE source = 'observed'"))
    assert cost() == sar(1)


# --- the free tier ----------------------------------------------------------------------------------

SERVICE = "service,*,2027-01-01,SAR,0.5,3"


def test_the_free_tier_is_crossed_within_a_day_and_begins_anew_with_the_month(stage: Stage) -> None:
    load(SERVICE)
    delivers(stage, NOON - timedelta(days=1), 2)
    delivers(stage, NOON, 3)
    delivers(stage, NOON + timedelta(days=1), 1)
    april = datetime(2027, 4, 1, 9, tzinfo=UTC)
    delivers(stage, april, 4)
    assert [cost(date(2027, 3, day), april) for day in (9, 10, 11)] == [sar(0), sar(1), sar(0.5)]
    assert cost(april.date(), april + timedelta(days=1)) == sar(0.5)


def test_a_thousand_are_free_of_each_number_and_not_of_each_tenant(stage: Stage) -> None:
    load("service,*,2027-01-01,SAR,0.04,1000")
    groups = (Group("service", "SA", Billing.UNSAID, 998),)
    day = metering.Day(NOON.date(), 1, usage.Figures(groups=groups))
    more = metering.Day(
        NOON.date() + timedelta(days=1), 1, usage.Figures(groups=(Group("service", "SA", Billing.UNSAID, 5),))
    )
    other = metering.Day(more.day, 2, more.figures)
    charged = list(costing.charge([more, other, day], costing.Rates()))
    assert [(row.day.channel_id, row.charges[0].billed) for row in charged] == [(1, 0), (1, 3), (2, 0)]


def test_what_receipts_call_free_uses_the_tier_up_and_what_they_call_billed_does_not(stage: Stage) -> None:
    load(SERVICE)
    delivers(stage, NOON - timedelta(days=1), 2, category="service", **WINDOW)
    delivers(stage, NOON - timedelta(days=1), 2, category="service", **ENTRY_POINT)
    delivers(stage, NOON - timedelta(days=1), 2, category="service", **REGULAR)
    delivers(stage, NOON, 2)
    assert [cost(date(2027, 3, day)) for day in (9, 10)] == [sar(1), sar(0.5)]


def test_of_one_day_what_receipts_call_free_uses_the_tier_up_first(stage: Stage) -> None:
    load(SERVICE)
    delivers(stage, NOON, 2)
    delivers(stage, NOON, 2, category="service", **WINDOW)
    assert cost() == sar(0.5)


def test_countries_share_the_tier_of_their_number(stage: Stage) -> None:
    load(SERVICE, "service,EG,2027-01-01,SAR,7,3")
    delivers(stage, NOON, 3, phone="+201001234567")
    delivers(stage, NOON, 1)
    assert cost() == sar(0.5)


def test_a_day_in_the_middle_of_the_month_knows_what_was_used_before(stage: Stage) -> None:
    load(SERVICE)
    delivers(stage, datetime(2027, 3, 1, 9, tzinfo=UTC), 3)
    delivers(stage, datetime(2027, 2, 28, 9, tzinfo=UTC), 3)
    delivers(stage, NOON)
    assert cost() == sar(0.5)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=25), st.integers(0, 40))
def test_of_a_month_s_messages_as_many_are_free_as_the_tier_has(sent: list[tuple[int, int]], free: int) -> None:
    tier, first, taken = FreeTier(), date(2027, 1, 1), {}
    for offset, number in sorted(sent):
        day = first + timedelta(days=offset)
        month = taken.setdefault(Month.of(day), [0, 0])
        month[0] += number
        month[1] += tier.take(day, 1, "service", number, free)
    assert all(allowed == min(free, number) for number, allowed in taken.values())


# --- windows that are no days, and what would be ----------------------------------------------------


def test_a_window_costs_what_was_sent_in_it_with_the_tier_as_it_was_then(stage: Stage) -> None:
    load(SERVICE)
    for hours in range(0, 60, 6):
        delivers(stage, NOON + timedelta(hours=hours))
    now = NOON + timedelta(days=5)
    everything = between(tenant(), NOON, NOON + timedelta(hours=60), now)
    assert everything == estimating.of_month(tenant(), MARCH, now) == sar(3.5)
    parts = [(0, 13), (13, 17), (17, 24), (24, 60)]
    costs = [between(tenant(), NOON + timedelta(hours=a), NOON + timedelta(hours=b), now) for a, b in parts]
    assert costs == [sar(0), Cost(), sar(0.5), sar(3)]


def test_a_window_over_the_end_of_a_month_begins_the_tier_anew(stage: Stage) -> None:
    load(SERVICE)
    april = days.begins_at("Asia/Riyadh", date(2027, 4, 1))
    for number in (4, 3):
        delivers(stage, april - timedelta(hours=6 - number), number)
    delivers(stage, april + timedelta(hours=1), 4)
    window = between(tenant(), april - timedelta(hours=12), april + timedelta(hours=12), april)
    assert window == sar(0.5 * (4 + 3 - 3) + 0.5 * (4 - 3))


def test_what_would_be_sent_now_is_priced_after_what_was_sent_this_month(stage: Stage) -> None:
    load(SERVICE, "utility,SA,2027-01-01,SAR,0.04,0")
    delivers(stage, NOON, 2)
    wanted = [Group("service", "SA", Billing.UNSAID, 3), Group("utility", "SA", Billing.UNSAID, 1)]
    assert estimating.of_groups(stage.channel.id, wanted, tenant(), LATER) == sar(1.04)


# --- whose, and how much work -----------------------------------------------------------------------


def test_one_tenant_s_cost_is_not_another_s(stage: Stage, make_channel: Callable[..., Any]) -> None:
    make_channel("luma", "+447700900001")
    load("utility,*,2027-01-01,SAR,1,0")
    delivers(stage, category="utility", **REGULAR)
    assert estimating.of_month(tenant("luma"), MARCH, LATER) == Cost()
    assert between(tenant("luma"), NOON - timedelta(days=1), LATER, LATER) == Cost()


def test_a_tenant_without_a_channel_and_one_that_is_suspended(stage: Stage) -> None:
    tenancy.add_tenant(tenancy.NewTenant("empty", "Empty"), {})
    assert estimating.of_month(tenant("empty"), MARCH, LATER) == Cost()
    load("utility,*,2027-01-01,SAR,1,0")
    delivers(stage, category="utility", **REGULAR)
    tenancy.suspend("bait")
    assert cost() == sar(1)


@pytest.mark.parametrize("zone", ["Europe/London", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("month", [3, 10, 11])
def test_a_month_with_a_change_of_the_clock_costs_the_sum_of_its_hours(stage: Stage, zone: str, month: int) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    load("utility,*,2027-01-01,SAR,1,0")
    begins, ends = days.bounds(zone, Month(2027, month).first, Month(2027, month).last)
    for moment in (begins - timedelta(hours=1), begins, begins + (ends - begins) / 2, ends - timedelta(hours=1), ends):
        delivers(stage, moment, category="utility", **REGULAR)
    assert estimating.of_month(tenant(), Month(2027, month), ends + timedelta(days=3)) == sar(3)


def test_a_kept_day_is_priced_without_looking_at_a_message(stage: Stage) -> None:
    load("utility,*,2027-01-01,SAR,1,0")
    delivers(stage, category="utility", **REGULAR)
    assert cost() == sar(1)
    asked: list[str] = []
    connection = db.database.connection()
    connection.set_exec_trace(lambda cursor, sql, bindings: (asked.append(sql), True)[1])
    try:
        assert cost() == sar(1)
    finally:
        connection.set_exec_trace(None)
    assert [sql for sql in asked if "FROM message" in sql or "FROM session" in sql] == [usage._ACTIVITY]


def test_a_busy_day_is_grouped_by_the_file_and_not_row_by_row(stage: Stage) -> None:
    known = conversation(stage)
    copy = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "INSERT INTO message (uid, tenant_id, channel_id, customer_id, conversation_id, direction, kind, status, "
        "category, billable, created_at, sent_at, delivered_at) SELECT 'u' || i, ?, ?, ?, ?, 'OUT', 'template', "
        "'delivered', 'utility', 1, ?, ?, ? FROM n"
    )
    moment = [NOON] * 3
    owner = (known.tenant_id, known.channel_id, known.customer_id, known.id)
    db.write(lambda: db.run(copy, *owner, *moment))
    span = Span(tenant().id, stage.channel.id, "2027-03-10", *days.bounds("Asia/Riyadh", NOON.date(), NOON.date()))
    assert len(db.rows(usage._COUNT, span.channel_id, span.begins_at, span.ends_at, span.tenant_id)) == 1
    go_to(stage, LATER)
    load("utility,*,2027-01-01,SAR,1,0")
    assert cost() == sar(20000)
    assert DailyUsage.get().details == [["utility", "SA", "billed", 20000]]
