"""Sessions, what messages are billed as, and the figures of days: always what the ledger says."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.conftest import PHONE, Stage
from tests.core.test_delivery import one, queue
from wabot import clock, words
from wabot.core import days, metering, receipts, tenancy, upkeep
from wabot.core.days import Month
from wabot.core.metering import Day
from wabot.store import customers, db, messages, templates, tenants, usage
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.sessions import Session
from wabot.store.tenants import Tenant
from wabot.store.usage import DailyUsage, Figures, Span

_ids = itertools.count(1)
NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
ZONES = [
    ("Asia/Riyadh", date(2027, 3, 10), 24),
    ("Europe/London", date(2027, 3, 28), 23),
    ("Europe/London", date(2027, 10, 31), 25),
    ("America/Los_Angeles", date(2027, 3, 14), 23),
    ("America/Los_Angeles", date(2027, 11, 7), 25),
    ("Pacific/Auckland", date(2027, 4, 4), 25),
    ("Pacific/Auckland", date(2027, 9, 26), 23),
    ("America/Havana", date(2027, 3, 14), 23),
    ("America/Havana", date(2027, 11, 7), 25),
    ("Pacific/Kiritimati", date(2027, 3, 10), 24),
    ("Pacific/Pago_Pago", date(2027, 3, 10), 24),
    ("Asia/Kathmandu", date(2027, 3, 10), 24),
]


def go_to(stage: Stage, moment: datetime) -> None:
    """It is this moment now."""
    stage.clock_file.write_text(str((moment - datetime.now(UTC)).total_seconds()))


def tenant(slug: str = "bait") -> Tenant:
    return tenancy.find_tenant(slug)


def conversation(stage: Stage, phone: str = PHONE) -> Conversation:
    def made() -> Conversation:
        found = tenant()
        customer = customers.meet(found.id, words.Identity(phone=phone), "", NOON)
        return customers.conversation(found.id, stage.channel.id, customer.id, NOON)

    return db.write(made)


def comes_in(stage: Stage, at: datetime, phone: str = PHONE, kind: str = "text") -> Message:
    """A message of a customer arrived at this moment."""
    known = conversation(stage, phone)
    incoming = words.Incoming(f"m.{next(_ids)}", words.Identity(phone=phone), kind, "hi")
    stored = db.write(lambda: messages.add_incoming(known, incoming, webhook_id=1, now=at))
    assert stored is not None
    return stored


def goes_out(stage: Stage, at: datetime, phone: str = PHONE, **values: Any) -> Message:
    """A message to a customer was queued and accepted at this moment."""
    known, draft = conversation(stage, phone), words.Draft(values.pop("kind", words.Kind.TEXT), "hi")
    values = {"sent_at": at, **values}
    once: dict[str, Any] = {"idempotency_key": None, "idempotency_hash": None, "max_retries": 3, "expires_at": at}
    return db.write(lambda: messages.add_outgoing(known, draft, now=at, **once, **values))


def figures(day: date, now: datetime | None = None) -> Figures:
    """Of the one channel on this day."""
    found = metering.of_days(tenant(), day, day, now or clock.now())
    assert len(found) <= 1
    return found[0].figures if found else Figures()


def openings() -> list[datetime]:
    return [session.opened_at for session in Session.select().order_by(Session.opened_at)]


# --- sessions ---------------------------------------------------------------------------------------


def test_a_session_lasts_24_hours_from_its_first_message(stage: Stage) -> None:
    for hours in (0, 1, 23.999, 24, 47.9, 48):
        comes_in(stage, NOON + timedelta(hours=hours))
    assert openings() == [NOON + timedelta(days=number) for number in range(3)]


def test_a_message_of_ours_opens_a_session_and_its_answer_none(stage: Stage) -> None:
    first = goes_out(stage, NOON, sent_at=None)
    comes_in(stage, NOON + timedelta(hours=1))
    [session] = Session.select()
    assert (session.message_id, session.channel_id, session.opened_at) == (first.id, stage.channel.id, NOON)


def test_what_the_business_wrote_elsewhere_opens_a_session(stage: Stage) -> None:
    known = conversation(stage)
    written = words.Incoming("wamid.1", words.Identity(phone=PHONE), "text", "hi", by_business=True)
    db.write(lambda: messages.add_elsewhere(known, written, webhook_id=1, now=NOON))
    assert openings() == [NOON]
    assert figures(NOON.date(), NOON).messages_out == 1


@pytest.mark.parametrize("kind", sorted(words.NOTICES))
def test_what_the_provider_tells_about_a_customer_opens_none_and_counts_as_none(stage: Stage, kind: str) -> None:
    comes_in(stage, NOON, kind=kind)
    assert openings() == []
    assert figures(NOON.date(), NOON + timedelta(days=2)) == Figures()
    assert usage.activity(tenant().id) == (None, None)


def test_a_session_is_its_customer_s_and_its_tenant_s_by_whatever_channel(
    stage: Stage, make_channel: Callable[..., Any]
) -> None:
    given = {"secret": "s" * 32, "api_base": "http://provider.test"}
    second = tenancy.add_channel("bait", "sandbox", "+966500000002", given)
    luma = make_channel("luma", "+447700900001")
    for channel in (stage.channel, second, luma):
        stage.webhook(stage.item(), channel=channel)
    stage.read()
    assert [session.channel_id for session in Session.select()] == [stage.channel.id, luma.id]


def test_an_older_message_that_is_stored_late_opens_none_beside_one_that_is_there(stage: Stage) -> None:
    comes_in(stage, NOON)
    comes_in(stage, NOON - timedelta(hours=1))
    assert openings() == [NOON]
    comes_in(stage, NOON - timedelta(hours=24))
    assert openings() == [NOON - timedelta(hours=24), NOON]


def test_two_who_turn_out_to_be_one_were_in_one_session(stage: Stage) -> None:
    by_number, by_id = {"phone": PHONE}, {"userId": "SA.77"}
    for who in (by_number, by_id, by_number | by_id):
        stage.webhook(stage.item() | {"from": who})
        stage.read()
    [session] = Session.select()
    assert session.opened_at == stage.in_()[0].created_at
    assert session.customer_id == stage.in_()[0].customer_id


def test_who_becomes_one_with_another_keeps_the_sessions_of_both(stage: Stage) -> None:
    by_number, by_id = {"phone": PHONE}, {"userId": "SA.77"}
    for who in (by_number, by_id, by_number | by_id):
        stage.webhook(stage.item() | {"from": who})
        stage.read()
        stage.later(hours=30)
    assert openings() == [message.created_at for message in stage.in_()]
    assert len({session.customer_id for session in Session.select()}) == 1


def test_messages_of_an_older_file_get_their_sessions_bit_by_bit(stage: Stage) -> None:
    for hours in range(0, 1000, 5):
        comes_in(stage, NOON + timedelta(hours=hours), phone=f"+96651111111{hours % 3}")
    before = openings()
    db.write(lambda: db.run("DELETE FROM session"))
    db.write(lambda: db.run("INSERT INTO backfill SELECT 'sessions', 0, max(id) FROM message"))
    go_to(stage, NOON + timedelta(days=60))
    stage.keep_house()
    assert (openings(), db.rows("SELECT * FROM backfill")) == (before, [])
    stage.keep_house()
    assert openings() == before


# --- what a message is billed as --------------------------------------------------------------------


PRICED = {"category": "marketing_lite", "type": "regular"}


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed"])
def test_the_first_pricing_is_kept_whichever_receipt_brings_it(stage: Stage, status: str) -> None:
    queue(stage, "hi")
    stage.deliver()
    reference = f"{one(stage).uid}.1"
    stage.status("accepted" if status == "sent" else "sent", reference, id="sbx.1")
    assert one(stage).category is None
    stage.status(status, reference, id="sbx.1", pricing=PRICED)
    stage.status("read", reference, id="sbx.1", pricing={"category": "service", "type": "free_customer_service"})
    kept = one(stage)
    assert (kept.category, kept.pricing_type, kept.billable) == ("marketing_lite", "regular", True)


@pytest.mark.parametrize(
    ("pricing", "billable"),
    [({"type": "regular"}, True), ({"type": "REGULAR", "billable": False}, True), ({"type": "free_entry_point"}, False),
     ({"type": "free_customer_service", "billable": True}, False), ({"type": "free_group_customer_service"}, False),
     ({"type": "", "billable": True}, True), ({"type": "of next year", "billable": False}, False),
     ({"type": "of next year"}, None)],
)  # fmt: skip
def test_the_type_of_pricing_decides_whether_a_message_is_billed(
    stage: Stage, pricing: dict[str, Any], billable: bool | None
) -> None:
    queue(stage, "hi")
    stage.deliver()
    told = words.Receipt("sbx.1", words.Progress.DELIVERED, pricing=words.Pricing("utility", **pricing))
    db.write(lambda: receipts.apply(stage.channel, told, clock.now()))
    assert one(stage).billable is billable


def test_pricing_of_a_receipt_that_came_too_early_is_kept_too(stage: Stage) -> None:
    queue(stage, "hi")
    stage.status("delivered", "", id="sbx.1", pricing={"category": "utility", "type": "free_customer_service"})
    stage.deliver()
    assert (one(stage).category, one(stage).billable) == ("utility", False)


# --- days -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone", "day", "hours"), ZONES, ids=str)
def test_a_day_begins_and_ends_where_the_tenant_is(stage: Stage, zone: str, day: date, hours: int) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    begins, ends = days.bounds(zone, day, day)
    assert ends - begins == timedelta(hours=hours)
    for number, at in enumerate((begins - timedelta(milliseconds=1), begins, ends - timedelta(milliseconds=1), ends)):
        comes_in(stage, at, phone=f"+96650000010{number}")
    three = days.between(day - timedelta(days=1), day + timedelta(days=1))
    counted = [figures(each, ends + timedelta(days=3)) for each in three]
    assert [(each.messages_in, each.conversations) for each in counted] == [(1, 1), (2, 2), (1, 1)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ZONES), st.lists(st.integers(-72, 72), max_size=8))
def test_every_moment_is_in_the_day_that_it_is_there(stage: Stage, zone: tuple[Any, ...], hours: list[int]) -> None:
    name, day, _ = zone
    for moment in [days.begins_at(name, day) + timedelta(hours=number) for number in hours]:
        begins, ends = days.bounds(name, days.of(name, moment), days.of(name, moment))
        assert begins <= moment < ends


def test_the_figures_of_a_day(stage: Stage) -> None:
    comes_in(stage, NOON)
    goes_out(stage, NOON)
    goes_out(stage, NOON, sent_at=None)
    priced = {"category": "authentication-international", "billable": True, "delivered_at": NOON}
    goes_out(stage, NOON, phone="+966500000123", **priced)
    goes_out(stage, NOON, category="marketing_lite", billable=False)
    goes_out(stage, NOON, category="referral_conversion", delivered_at=NOON)
    found = figures(NOON.date(), NOON + timedelta(hours=1))
    assert found == Figures(
        messages_in=1,
        messages_out=4,
        delivered=2,
        billable=1,
        conversations=2,
        categories={"authentication-international": 1, "marketing_lite": 1, "referral_conversion": 1, "service": 1},
    )
    assert metering.families(found) == {"marketing": 1, "utility": 0, "authentication": 1, "service": 1}


@pytest.mark.parametrize(("category", "counted"), [("UTILITY", "utility"), ("", "unknown")])
def test_without_pricing_a_template_counts_as_what_it_is_registered(stage: Stage, category: str, counted: str) -> None:
    template = words.Template("ready", "en", "tpl-1", category=category)
    row = db.write(lambda: templates.keep(tenant().id, stage.channel.id, template, "set", NOON))
    goes_out(stage, NOON, kind=words.Kind.TEMPLATE, template_id=row.id)
    assert figures(NOON.date(), NOON).categories == {counted: 1}


def test_a_day_that_is_counted_twice_stays_as_it_is(stage: Stage) -> None:
    comes_in(stage, NOON)
    goes_out(stage, NOON, category="utility")
    now = NOON + timedelta(days=2)
    first = figures(NOON.date(), now)
    [kept] = DailyUsage.select()
    assert (kept.figures(), kept.stale, kept.day) == (first, 0, "2027-03-10")
    assert figures(NOON.date(), now + timedelta(hours=5)) == first
    [again] = DailyUsage.select()
    assert again.computed_at == kept.computed_at
    db.write(lambda: usage.begin([_span(stage)], now))
    assert figures(NOON.date(), now + timedelta(hours=6)) == first
    assert DailyUsage.select().count() == 1


def _span(stage: Stage) -> Span:
    bounds = days.bounds(tenant().timezone, NOON.date(), NOON.date())
    return Span(tenant().id, stage.channel.id, NOON.date().isoformat(), *bounds)


CHANGES: dict[str, Callable[[Stage, Message], Any]] = {
    "delivered": lambda stage, sent: messages.change(sent.id, delivered_at=NOON + timedelta(days=3)),
    "accepted": lambda stage, sent: messages.change(sent.id, sent_at=None),
    "priced": lambda stage, sent: messages.change(sent.id, category="utility", billable=True),
    "stored late": lambda stage, sent: comes_in(stage, NOON + timedelta(hours=1)),
    "another session": lambda stage, sent: comes_in(stage, NOON + timedelta(hours=1), phone="+966500000555"),
    "no session": lambda stage, sent: db.run("DELETE FROM session"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_kept_day_in_which_something_changed_is_counted_again(stage: Stage, change: str) -> None:
    sent = goes_out(stage, NOON)
    now = NOON + timedelta(days=4)
    before = figures(NOON.date(), now)
    db.write(lambda: (CHANGES[change](stage, sent), None)[1])
    after = figures(NOON.date(), now)
    assert after != before
    assert after == usage.count(_span(stage))


def test_a_message_that_changes_leaves_the_other_days_kept(stage: Stage) -> None:
    sent = goes_out(stage, NOON)
    for number in (-1, 1):
        comes_in(stage, NOON + timedelta(days=number))
    metering.of_days(tenant(), date(2027, 3, 9), date(2027, 3, 11), NOON + timedelta(days=4))
    db.write(lambda: messages.change(sent.id, delivered_at=NOON))
    assert [row.stale for row in DailyUsage.select().order_by(DailyUsage.day)] == [0, 1, 0]


def test_figures_are_not_kept_when_something_changes_while_they_are_counted(stage: Stage) -> None:
    sent, now = goes_out(stage, NOON), NOON + timedelta(days=2)
    [begun] = db.write(lambda: usage.begin([_span(stage)], now))
    counted = usage.count(_span(stage))
    db.write(lambda: messages.change(sent.id, delivered_at=NOON))
    assert not db.write(lambda: usage.keep(_span(stage), counted, begun, now))
    assert figures(NOON.date(), now).delivered == 1


def test_today_is_counted_when_it_is_asked_for_and_not_kept(stage: Stage) -> None:
    comes_in(stage, NOON)
    assert figures(NOON.date(), NOON).messages_in == 1
    comes_in(stage, NOON + timedelta(minutes=1))
    assert figures(NOON.date(), NOON + timedelta(hours=1)).messages_in == 2
    assert DailyUsage.select().count() == 0


def test_a_tenant_that_moves_has_its_days_counted_anew(stage: Stage) -> None:
    comes_in(stage, datetime(2027, 3, 10, 22, tzinfo=UTC))
    now = NOON + timedelta(days=4)
    for zone, day in (("Asia/Riyadh", 11), ("Europe/London", 10), ("Asia/Riyadh", 11)):
        tenancy.edit_tenant("bait", {"timezone": zone}, {})
        found = metering.of_days(tenant(), date(2027, 3, 9), date(2027, 3, 12), now)
        assert [(each.day.day, each.figures.messages_in) for each in found] == [(day, 1)]


def test_keeping_house_keeps_yesterday(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep._watch, "kept_days_at", float("-inf"))
    comes_in(stage, NOON)
    go_to(stage, NOON + timedelta(days=1))
    stage.keep_house()
    [kept] = DailyUsage.select()
    assert (kept.day, kept.messages_in, kept.stale) == ("2027-03-10", 1, 0)


def test_a_tenant_in_a_zone_that_is_not_known_here_keeps_nobody_else_from_their_figures(
    stage: Stage, make_channel: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep._watch, "kept_days_at", float("-inf"))
    comes_in(stage, NOON)
    lost = make_channel("aaa", "+447700900001").tenant_id
    db.write(lambda: tenants.change(lost, timezone="Lost/Zone"))
    go_to(stage, NOON + timedelta(days=1))
    stage.keep_house()
    assert [row.day for row in DailyUsage.select()] == ["2027-03-10"]


def test_a_month_is_the_sum_of_its_days_and_the_current_one_is_always_there(stage: Stage) -> None:
    for day in (1, 1, 15, 31):
        goes_out(stage, datetime(2027, 1, day, 10, tzinfo=UTC), category="utility")
    now = datetime(2027, 3, 10, tzinfo=UTC)
    found = metering.of_months(tenant(), Month(2026, 12), Month(2027, 3), now)
    assert list(found) == [Month(2027, 3), Month(2027, 1)]
    assert found[Month(2027, 3)] == Figures()
    january: list[Day] = metering.of_days(tenant(), date(2027, 1, 1), date(2027, 1, 31), now)
    assert found[Month(2027, 1)] == metering.total(day.figures for day in january)
    assert (found[Month(2027, 1)].messages_out, found[Month(2027, 1)].conversations) == (4, 3)


@pytest.mark.parametrize(("back", "month"), [(0, (2027, 1)), (1, (2026, 12)), (12, (2026, 1)), (13, (2025, 12))])
def test_months_go_back_over_the_year(back: int, month: tuple[int, int]) -> None:
    assert Month(2027, 1).back(back) == Month(*month)
    assert (Month(2028, 2).last, Month(2027, 12).last) == (date(2028, 2, 29), date(2027, 12, 31))


def test_no_figure_needs_a_scan(stage: Stage) -> None:
    plans = [
        (usage._COUNT, 4),
        (usage._COUNT_SESSIONS, 4),
        (usage._ACTIVITY, 1),
        ("SELECT count(*) FROM session WHERE tenant_id = ? AND opened_at >= ? AND opened_at < ?", 3),
        (
            "SELECT 1 FROM session WHERE tenant_id = ? AND customer_id = ? AND opened_at > ? AND opened_at < ? LIMIT 1",
            4,
        ),
        ("SELECT * FROM daily_usage WHERE tenant_id = ? AND day >= ? AND day <= ?", 3),
    ]
    for sql, values in plans:
        steps = [row[3] for row in db.rows("EXPLAIN QUERY PLAN " + sql, *(1,) * values)]
        assert not [step for step in steps if step.startswith("SCAN")], (sql, steps)
    [count] = [row[3] for row in db.rows("EXPLAIN QUERY PLAN " + usage._COUNT, 1, 1, 1, 1) if " m " in row[3]]
    assert "message_day (channel_id=? AND created_at>? AND created_at<?)" in count


def test_one_tenant_s_figures_are_not_another_s(stage: Stage, make_channel: Callable[..., Any]) -> None:
    luma = make_channel("luma", "+447700900001")
    comes_in(stage, NOON)
    now = NOON + timedelta(days=2)
    assert metering.of_days(tenant("luma"), NOON.date(), NOON.date(), now) == []
    theirs = Span(luma.tenant_id, stage.channel.id, "2027-03-10", NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert usage.count(theirs) == Figures()
    assert tenants.count() == 2
