"""The dashboard's figures: the last 24 hours against the 24 before, and what happened between two days."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import PHONE, Stage
from tests.core.prices import REGULAR, delivers, load
from tests.core.test_metering import ZONES, comes_in, conversation, goes_out, tenant
from wabot import words
from wabot.core import days, statistics, tenancy
from wabot.store import customers, db, messages
from wabot.store.attempts import Attempt
from wabot.words import Status

NOW = datetime(2027, 3, 10, 12, 30, tzinfo=UTC)
DAY = date(2027, 3, 10)
OTHER = "+966522222222"
NO_CHANGE = {"value": 0, "isPositive": True}
NOTHING = {
    "totalMessages": 0,
    "activeUsers": 0,
    "avgResponseTime": "0s",
    "apiCosts": "$0.00",
    "trends": {"messages": NO_CHANGE, "users": NO_CHANGE, "responseTime": NO_CHANGE, "costs": NO_CHANGE},
}


def ago(**by: float) -> datetime:
    return NOW - timedelta(**by)


def stats(now: datetime = NOW) -> dict[str, Any]:
    return statistics.stats(tenant(), now)


def answered(stage: Stage, asked: datetime, seconds: float, phone: str = PHONE, **values: Any) -> None:
    """A customer wrote, and what we said was sent so many seconds later."""
    comes_in(stage, asked, phone)
    goes_out(stage, asked, phone, sent_at=asked + timedelta(seconds=seconds), **values)


def counts(timeline: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["time"], row["messages"]) for row in timeline if row["messages"]]


# --- the last 24 hours ------------------------------------------------------------------------------


def test_nothing_is_shown_as_nothing(stage: Stage) -> None:
    assert stats() == NOTHING
    assert statistics.stats(None, NOW) == NOTHING
    assert [row["messages"] for row in statistics.timeline(tenant(), NOW)] == [0] * 24


def test_a_message_of_this_very_moment_counts(stage: Stage) -> None:
    comes_in(stage, NOW)
    found = stats()
    assert (found["totalMessages"], found["activeUsers"], found["avgResponseTime"]) == (1, 1, "0s")
    assert found["trends"]["messages"] == NO_CHANGE


def test_the_window_is_24_hours_to_the_millisecond(stage: Stage) -> None:
    for at in (ago(hours=48), ago(hours=24, milliseconds=1), ago(hours=24)):
        comes_in(stage, at)
    assert stats()["totalMessages"] == 0
    comes_in(stage, ago(hours=24) + timedelta(milliseconds=1))
    found = stats()
    assert found["totalMessages"] == 1
    assert found["trends"]["messages"] == {"value": 50.0, "isPositive": False}


def test_messages_are_both_ways_and_customers_are_those_who_wrote(stage: Stage) -> None:
    for phone in (PHONE, PHONE, OTHER):
        answered(stage, ago(hours=1), 1, phone)
    goes_out(stage, ago(hours=1), "+966533333333")
    found = stats()
    assert (found["totalMessages"], found["activeUsers"]) == (7, 2)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING, Status.FAILED, Status.DEAD, Status.SUPPRESSED])
def test_what_no_provider_accepted_is_no_message_and_no_answer(stage: Stage, status: Status) -> None:
    comes_in(stage, ago(hours=1))
    sent = goes_out(stage, ago(hours=1), sent_at=None)
    db.write(lambda: messages.change(sent.id, status=status))
    found = stats()
    assert (found["totalMessages"], found["avgResponseTime"]) == (1, "0s")


@pytest.mark.parametrize("kind", sorted(words.NOTICES))
def test_a_notice_is_no_message_no_customer_and_no_question(stage: Stage, kind: str) -> None:
    comes_in(stage, ago(hours=1), kind=kind)
    goes_out(stage, ago(hours=1), sent_at=ago(minutes=30))
    found = stats()
    assert (found["totalMessages"], found["activeUsers"], found["avgResponseTime"]) == (1, 0, "0s")
    assert [row["messages"] for row in statistics.timeline(tenant(), NOW)].count(1) == 1


# --- how long customers wait ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0s"), (0.04, "0.0s"), (0.05, "0.1s"), (4, "4.0s"), (4.249, "4.2s"), (4.25, "4.3s"), (59.96, "60.0s"),
     (75.3, "75.3s"), (7200, "7200.0s")],
)  # fmt: skip
def test_times_are_seconds_to_a_tenth_also_beyond_the_minute(stage: Stage, seconds: float, shown: str) -> None:
    answered(stage, ago(hours=3), seconds)
    assert stats()["avgResponseTime"] == shown


def test_the_mean_is_over_every_wait_that_ended(stage: Stage) -> None:
    answered(stage, ago(hours=3), 2)
    answered(stage, ago(hours=2), 4)
    answered(stage, ago(hours=1), 9, OTHER)
    comes_in(stage, ago(minutes=1))
    assert stats()["avgResponseTime"] == "5.0s"


def test_a_second_answer_changes_nothing(stage: Stage) -> None:
    answered(stage, ago(hours=1), 4)
    goes_out(stage, ago(minutes=50))
    assert stats()["avgResponseTime"] == "4.0s"


def test_who_writes_three_times_waits_since_the_first(stage: Stage) -> None:
    for seconds in (0, 5, 9):
        comes_in(stage, ago(hours=1) + timedelta(seconds=seconds))
    goes_out(stage, ago(hours=1) + timedelta(seconds=10))
    assert stats()["avgResponseTime"] == "10.0s"


def test_an_answer_that_failed_is_followed_by_the_one_that_was_sent(stage: Stage) -> None:
    comes_in(stage, ago(hours=1))
    goes_out(stage, ago(hours=1), sent_at=None)
    comes_in(stage, ago(hours=1) + timedelta(seconds=20))
    goes_out(stage, ago(hours=1) + timedelta(seconds=30))
    assert stats()["avgResponseTime"] == "30.0s"


def test_a_person_s_answer_counts_as_the_bot_s_does(stage: Stage) -> None:
    comes_in(stage, ago(hours=1))
    known = conversation(stage)
    typed = words.Incoming("wamid.1", words.Identity(phone=PHONE), "text", "hi", by_business=True)
    db.write(lambda: messages.add_elsewhere(known, typed, webhook_id=1, now=ago(minutes=58)))
    assert stats()["avgResponseTime"] == "120.0s"
    answered(stage, ago(minutes=30), 60, OTHER)
    assert stats()["avgResponseTime"] == "90.0s"


def test_a_wait_that_began_before_the_window_belongs_to_the_one_before(stage: Stage) -> None:
    comes_in(stage, ago(hours=24, seconds=1))
    comes_in(stage, ago(hours=23))
    assert stats() == {**NOTHING, "totalMessages": 1, "activeUsers": 1}
    goes_out(stage, ago(hours=22))
    found = stats()
    assert found["avgResponseTime"] == "0s"
    answered(stage, ago(hours=1), 3600.5, OTHER)
    found = stats()
    assert found["avgResponseTime"] == "3600.5s"
    assert found["trends"]["responseTime"] == {"value": 50.0, "isPositive": True}


def test_an_answer_that_somebody_s_clock_puts_before_the_question_took_no_time(stage: Stage) -> None:
    answered(stage, ago(hours=1), -30)
    assert stats()["avgResponseTime"] == "0.0s"


def test_each_conversation_waits_for_its_own_answer(stage: Stage, make_channel: Callable[..., Any]) -> None:
    comes_in(stage, ago(hours=1))
    answered(stage, ago(minutes=50), 5, OTHER)
    assert stats()["avgResponseTime"] == "5.0s"


# --- trends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "before", "value", "good"),
    [(0, 0, 0, True), (5, 0, 0, True), (0, 5, 100, False), (6, 3, 100, True), (3, 6, 50, False), (3, 3, 0, True),
     (4, 3, 33.3, True), (1, 3, 66.7, False), (1601, 1600, 0.1, True), (2001, 2000, 0.1, True),
     (10001, 10000, 0, True), (9999, 10000, 0, True), (7, 1, 600, True), (None, 5, 0, True), (5, None, 0, True)],
)  # fmt: skip
def test_a_trend_is_the_change_in_percent(now: float | None, before: float | None, value: float, good: bool) -> None:
    assert statistics._trend(now, before) == {"value": value, "isPositive": good}
    where_less_is_better = statistics._trend(now, before, down_is_good=True)
    assert where_less_is_better == {"value": value, "isPositive": not good if value else True}


def test_trends_hold_this_day_against_the_one_before(stage: Stage) -> None:
    for hours in (30, 40):
        answered(stage, ago(hours=hours), 4)
    answered(stage, ago(hours=30), 4, OTHER)
    answered(stage, ago(hours=1), 6)
    assert stats()["trends"] == {
        "messages": {"value": 66.7, "isPositive": False},
        "users": {"value": 50.0, "isPositive": False},
        "responseTime": {"value": 50.0, "isPositive": False},
        "costs": NO_CHANGE,
    }


# --- money ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("costs", "shown"),
    [({}, "$0.00"), ({"SAR": 0}, "$0.00"), ({"USD": 1}, "$0.00"), ({"USD": 5_000}, "$0.01"), ({"USD": 4_999}, "$0.00"),
     ({"SAR": 12_400_000}, "SAR 12.40"), ({"SAR": 12_400_000, "USD": 1_500_000}, "$1.50 + SAR 12.40"),
     ({"SAR": 1, "EUR": 2_000_000, "USD": 0}, "EUR 2.00 + SAR 0.00"), ({"KWD": 1_234_500}, "KWD 1.235"),
     ({"JPY": 1_500_000}, "JPY 2"), ({"USD": 1_234_567_890_000}, "$1234567.89")],
)  # fmt: skip
def test_costs_are_written_by_currency(costs: Mapping[str, int], shown: str) -> None:
    assert statistics._amounts(costs) == shown


@pytest.mark.parametrize(
    ("this", "before", "sums"),
    [({}, {}, (0, 0)), ({"SAR": 3}, {}, (3, 0)), ({"SAR": 3}, {"SAR": 2}, (3, 2)), ({"SAR": 3, "USD": 0}, {"SAR": 2},
     (3, 2)), ({"SAR": 3}, {"USD": 2}, (None, None)), ({"SAR": 3, "USD": 1}, {}, (None, None))],
)  # fmt: skip
def test_amounts_of_two_currencies_are_never_added(this: Any, before: Any, sums: tuple[Any, Any]) -> None:
    assert statistics._comparable(this, before) == sums


def test_costs_are_our_own_estimate_of_both_days(stage: Stage) -> None:
    load("utility,*,2027-01-01,SAR,1.25,0")
    for at, number in ((ago(hours=48), 9), (ago(hours=30), 2), (ago(hours=2), 2), (NOW, 1)):
        delivers(stage, at, number, category="utility", **REGULAR)
    goes_out(stage, ago(hours=1), category="utility", **REGULAR)
    found = stats()
    assert found["apiCosts"] == "SAR 3.75"
    assert found["trends"]["costs"] == {"value": 50.0, "isPositive": False}
    assert stats(NOW + timedelta(hours=23))["trends"]["costs"] == {"value": 50.0, "isPositive": True}


def test_each_window_is_left_what_the_one_before_left_of_the_free_tier(stage: Stage) -> None:
    load("service,*,2027-01-01,USD,0.5,5")
    for at, number in ((ago(days=5), 2), (ago(hours=30), 2), (ago(hours=3), 3)):
        delivers(stage, at, number)
    assert stats()["apiCosts"] == "$1.00"
    assert stats()["trends"]["costs"] == NO_CHANGE


def test_everybody_s_costs_are_added_up_by_currency(stage: Stage, make_channel: Callable[..., Any]) -> None:
    luma = make_channel("luma", "+447700900001")
    load("utility,SA,2027-01-01,SAR,1,0", "utility,GB,2027-01-01,USD,0.1,0")
    delivers(stage, ago(hours=1), 3, category="utility", **REGULAR)
    delivers(stage, ago(hours=1), 2, phone="+447700900999", category="utility", **REGULAR)
    assert statistics.stats(tenant("luma"), NOW)["apiCosts"] == "$0.00"
    assert statistics.stats(None, NOW)["apiCosts"] == stats()["apiCosts"] == "$0.20 + SAR 3.00"
    theirs = db.write(lambda: customers.meet(luma.tenant_id, words.Identity(phone="+966577777777"), "", NOW))
    known = db.write(lambda: customers.conversation(luma.tenant_id, luma.id, theirs.id, NOW))
    sent = {"sent_at": NOW, "delivered_at": NOW, "category": "utility", **REGULAR}
    once: Any = {"idempotency_key": None, "idempotency_hash": None, "max_retries": 3, "expires_at": NOW}
    db.write(lambda: messages.add_outgoing(known, words.Draft("text", "hi"), now=NOW, **once, **sent))
    assert statistics.stats(tenant("luma"), NOW)["apiCosts"] == "SAR 1.00"
    assert statistics.stats(None, NOW)["apiCosts"] == "$0.20 + SAR 4.00"


# --- the timeline -----------------------------------------------------------------------------------


def test_the_timeline_is_24_hours_by_the_tenant_s_clock_oldest_first(stage: Stage) -> None:
    comes_in(stage, ago(minutes=30))
    comes_in(stage, ago(minutes=31))
    goes_out(stage, NOW)
    comes_in(stage, ago(hours=23, minutes=30))
    comes_in(stage, ago(hours=23, minutes=31))
    found = statistics.timeline(tenant(), NOW)
    assert [row["time"] for row in found] == [f"{(16 + hour) % 24:02}:00" for hour in range(24)]
    assert [found[0]["messages"], found[-2]["messages"], found[-1]["messages"]] == [1, 1, 2]
    assert statistics.timeline(None, NOW)[-1] == {"time": "12:00", "messages": 2}


@pytest.mark.parametrize(
    ("zone", "now", "names"),
    [("Europe/London", datetime(2027, 3, 28, 3, 10, tzinfo=UTC), ["23:00", "00:00", "02:00", "03:00", "04:00"]),
     ("Europe/London", datetime(2027, 10, 31, 2, 10, tzinfo=UTC), ["00:00", "01:00", "01:00", "02:00"]),
     ("America/Los_Angeles", datetime(2027, 3, 14, 11, 59, tzinfo=UTC), ["01:00", "03:00", "04:00"]),
     ("America/Los_Angeles", datetime(2027, 11, 7, 9, 0, tzinfo=UTC), ["00:00", "01:00", "01:00"]),
     ("Asia/Kathmandu", datetime(2027, 3, 10, 18, 20, tzinfo=UTC), ["22:00", "23:00", "00:00"]),
     ("Pacific/Kiritimati", datetime(2027, 3, 10, 10, 0, tzinfo=UTC), ["22:00", "23:00", "00:00"]),
     ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, 15, tzinfo=UTC), ["00:30", "01:30"])],
)  # fmt: skip
def test_hours_keep_their_names_where_clocks_are_changed(
    stage: Stage, zone: str, now: datetime, names: list[str]
) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    began = now - timedelta(hours=1)
    comes_in(stage, began)
    found = statistics.timeline(tenant(), now)
    assert [row["time"] for row in found[-len(names) :]] == names
    assert (len(found), found[-2]["messages"], found[-1]["messages"]) == (24, 1, 0)
    comes_in(stage, now)
    assert statistics.timeline(tenant(), now)[-1]["messages"] == 1


# --- whose ------------------------------------------------------------------------------------------


def test_one_tenant_s_figures_are_not_another_s_and_the_operator_s_are_all(
    stage: Stage, make_channel: Callable[..., Any]
) -> None:
    make_channel("luma", "+447700900001")
    answered(stage, ago(hours=1), 4)
    luma = tenant("luma")
    assert statistics.stats(luma, NOW) == NOTHING
    assert counts(statistics.timeline(luma, NOW)) == []
    assert statistics.stats(None, NOW) == stats()
    assert counts(statistics.timeline(None, NOW)) == [("11:00", 2)]
    empty = statistics.analytics(luma, DAY, DAY)
    before = statistics.analytics(tenant(), DAY - timedelta(days=9), DAY - timedelta(days=9))
    assert {**empty, "orders": None} == {**before, "orders": None}
    assert (empty["orders"]["count"], before["orders"]["count"]) == (0, 0)
    assert empty["responseTime"] == {"p50": None, "p95": None}


# --- between two days -------------------------------------------------------------------------------


def analytics(first: date = DAY, last: date = DAY) -> dict[str, Any]:
    return statistics.analytics(tenant(), first, last)


@pytest.mark.parametrize(
    ("waits", "p50", "p95"),
    [([7], 7, 7), ([1, 2], 1, 2), ([3, 1, 2], 2, 3), (range(1, 21), 10, 19), (range(1, 22), 11, 20),
     ([1.5, 90.25], 1.5, 90.25)],
)  # fmt: skip
def test_half_waited_no_longer_and_95_of_100(stage: Stage, waits: Any, p50: float, p95: float) -> None:
    for number, seconds in enumerate(waits):
        answered(stage, ago(minutes=200 - number), seconds, f"+96650000{number:04}")
    assert analytics()["responseTime"] == {"p50": p50, "p95": p95}


def test_a_customer_is_new_on_the_days_of_the_first_message(stage: Stage) -> None:
    comes_in(stage, ago(days=3))
    goes_out(stage, ago(days=3), OTHER)
    for at in (ago(hours=5), ago(hours=1)):
        comes_in(stage, at)
        comes_in(stage, at, OTHER)
        comes_in(stage, at, "+966533333333", kind=words.Kind.SYSTEM)
    found = analytics()["customers"]
    assert (found["new"], found["returning"]) == (1, 1)
    found = analytics(DAY - timedelta(days=3))["customers"]
    assert (found["new"], found["returning"]) == (2, 0)


def test_customers_are_shown_by_the_hours_of_the_tenant_s_day(stage: Stage) -> None:
    for at in (ago(hours=0), ago(minutes=5), ago(hours=24), ago(hours=2)):
        comes_in(stage, at)
    comes_in(stage, NOW, OTHER)
    goes_out(stage, NOW)
    by_hour = analytics(DAY - timedelta(days=1))["customers"]["byHour"]
    assert {hour: number for hour, number in enumerate(by_hour) if number} == {13: 1, 15: 3}
    assert len(by_hour) == 24


@pytest.mark.parametrize(("zone", "day", "hours"), ZONES, ids=str)
def test_every_hour_of_a_day_is_shown_under_its_name(stage: Stage, zone: str, day: date, hours: int) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    began, ended = days.bounds(zone, day, day)
    names = []
    for number in range(hours):
        at = began + timedelta(hours=number)
        comes_in(stage, at)
        names.append(statistics.timeline(tenant(), at)[-1]["time"])
    assert list(days.offsets(zone, began, ended))[-1][1] == ended
    shown = analytics(day, day)["customers"]["byHour"]
    assert [f"{hour:02}:00" for hour, number in enumerate(shown) for _ in range(number)] == sorted(names)


def test_offsets_change_where_the_clocks_do() -> None:
    began, ended = days.bounds("Europe/London", date(2027, 1, 1), date(2027, 12, 31))
    spring, autumn = datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)
    none, hour = timedelta(), timedelta(hours=1)
    found = list(days.offsets("Europe/London", began, ended))
    assert found == [(began, spring, none), (spring, autumn, hour), (autumn, ended, none)]
    assert list(days.offsets("Europe/London", began, began)) == []


def test_delivery_counts_what_became_of_each_message(stage: Stage) -> None:
    at = ago(hours=1)
    goes_out(stage, at)
    goes_out(stage, at, delivered_at=at)
    goes_out(stage, at, delivered_at=at, read_at=at)
    goes_out(stage, ago(days=1), delivered_at=at)
    comes_in(stage, at)
    for values in (
        {"status": Status.FAILED},
        {"status": Status.DEAD, "attempts": 4, "retry_count": 3},
        {"retry_due": True, "attempts": 2, "retry_count": 1},
        {"status": Status.DELIVERED, "attempts": 2, "retry_count": 1, "sent_at": at, "delivered_at": at},
        {"status": Status.SENT, "attempts": 2, "sent_at": at},
    ):
        queued = goes_out(stage, at, sent_at=None)
        db.write(lambda row=queued, values=values: messages.change(row.id, **values))  # type: ignore[misc]
    expected = {"sent": 5, "delivered": 3, "read": 1, "failed": 3, "retrySuccessRate": 33.3}
    assert analytics()["delivery"] == expected
    by_hand = {"n": 2, "by": words.AttemptBy.HAND, "status": "sent", "worker": "w", "started_at": at}
    whose = {"message_id": queued.id, "tenant_id": tenant().id, "channel_id": stage.channel.id}
    db.write(lambda: Attempt.add(**by_hand, **whose) and None)
    assert analytics()["delivery"] == expected | {"retrySuccessRate": 50.0}
