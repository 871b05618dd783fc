"""The bill check: a provider's day beside our ledger between the same moments, and the messages behind a difference."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import Stage
from tests.core.prices import NOON, REGULAR, delivers, load, provider_tells, template
from tests.core.test_metering import goes_out, tenant
from wabot.core import metering, reconciling
from wabot.store import charges, db
from wabot.store.charges import Why
from wabot.store.usage import Span

BEGINS = datetime(2027, 3, 10, 8, tzinfo=UTC)
"""When 10 March begins in the provider's zone (Los Angeles, before its clocks change)."""
DAY = date(2027, 3, 10)
UTILITY: dict[str, Any] = {"category": "utility", **REGULAR}


def checked(first: date = DAY, last: date = DAY) -> list[dict[str, Any]]:
    return reconciling.shapes(tenant(), first, last)


def only() -> dict[str, Any]:
    [row] = checked()
    return row


def tells(stage: Stage, **values: Any) -> None:
    provider_tells(stage, "2027-03-10", BEGINS, **values)


def test_what_both_say_matches(stage: Stage) -> None:
    load("utility,SA,2027-01-01,SAR,0.04,0")
    delivers(stage, NOON, 3, **UTILITY)
    tells(stage, categories={"UTILITY": 3}, cost_micros=120_000, currency="SAR")
    assert only() == {
        "date": "2027-03-10",
        "channelId": stage.channel.id,
        "beginsAt": "2027-03-10T08:00:00.000Z",
        "endsAt": "2027-03-11T08:00:00.000Z",
        "matches": True,
        "total": {"of": "delivered", "ours": 3, "theirs": 3, "difference": 0},
        "categories": {"utility": {"ours": 3, "theirs": 3, "difference": 0}},
        "cost": {
            "ours": {"amount": 0.12, "currency": "SAR"},
            "theirs": {"amount": 0.12, "currency": "SAR"},
            "difference": {"amount": 0, "currency": "SAR"},
        },
        "unpriced": 0,
        "messages": [],
        "hasMore": False,
    }


def test_our_ledger_is_recounted_between_the_moments_of_the_provider_s_day(stage: Stage) -> None:
    ends = BEGINS + timedelta(days=1)
    for moment in (BEGINS - timedelta(milliseconds=1), BEGINS, ends - timedelta(milliseconds=1), ends):
        delivers(stage, moment, **UTILITY)
    tells(stage, categories={"utility": 2})
    assert only()["matches"]
    ours = metering.of_days(tenant(), DAY, DAY, NOON + timedelta(days=4))
    assert [row.figures.messages_out for row in ours] == [2]
    assert ours[0].figures.groups[0].count == 2


@pytest.mark.parametrize(("hours", "matches"), [(23, 1), (24, 2), (25, 3)])
def test_a_provider_s_day_may_have_an_hour_more_or_less(stage: Stage, hours: int, matches: int) -> None:
    for moment in (0, 23, 24):
        delivers(stage, BEGINS + timedelta(hours=moment, minutes=30), **UTILITY)
    provider_tells(stage, "2027-03-10", BEGINS, hours, categories={"utility": matches})
    assert only()["matches"]


def test_what_we_have_more_is_named_with_why(stage: Stage) -> None:
    [unsaid] = delivers(stage, NOON, **template(stage, "UTILITY"))
    [late] = delivers(stage, NOON, **UTILITY, delivered_at=BEGINS + timedelta(days=1))
    delivers(stage, NOON, **UTILITY)
    delivers(stage, NOON, category="marketing", **REGULAR)
    tells(stage, categories={"utility": 1, "marketing": 1})
    row = only()
    assert not row["matches"]
    assert row["total"] == {"of": "delivered", "ours": 4, "theirs": 2, "difference": -2}
    assert row["categories"]["utility"] == {"ours": 3, "theirs": 1, "difference": -2}
    assert row["messages"] == [
        {"id": unsaid.id, "category": "utility", "why": "no_pricing"},
        {"id": late.id, "category": "utility", "why": "delivered_later"},
    ]


def test_what_the_provider_has_more_is_named_with_why(stage: Stage) -> None:
    [before] = delivers(stage, BEGINS - timedelta(hours=1), **UTILITY, delivered_at=BEGINS)
    delivers(stage, BEGINS - timedelta(hours=1), **UTILITY, delivered_at=BEGINS - timedelta(minutes=1))
    lost = goes_out(stage, NOON, **UTILITY)
    goes_out(stage, NOON, **UTILITY, delivered_at=NOON)
    goes_out(stage, NOON, category="marketing", **REGULAR)
    goes_out(stage, NOON, category="utility", **{**REGULAR, "sent_at": None})
    tells(stage, categories={"utility": 3})
    assert only()["categories"] == {"utility": {"ours": 1, "theirs": 3, "difference": 2}}
    assert [(message["id"], message["why"]) for message in only()["messages"]] == [
        (before.id, "delivered_from_before"),
        (lost.id, "no_receipt"),
    ]


@pytest.mark.parametrize("word", ["authentication-international", "AUTHENTICATION_INTERNATIONAL"])
def test_spellings_of_one_category_are_one(stage: Stage, word: str) -> None:
    delivers(stage, NOON, category="authentication-international", **REGULAR)
    [guessed] = delivers(stage, NOON, **template(stage, "AUTHENTICATION-INTERNATIONAL"))
    tells(stage, categories={word: 1})
    assert only()["categories"] == {"authentication_international": {"ours": 2, "theirs": 1, "difference": -1}}
    assert [message["id"] for message in only()["messages"]] == [guessed.id]


def test_no_more_than_fifty_messages_are_named(stage: Stage) -> None:
    delivers(stage, NOON, 51, **template(stage, "UTILITY"))
    tells(stage, categories={})
    row = only()
    assert (len(row["messages"]), row["hasMore"], row["total"]["difference"]) == (50, True, -51)


def test_who_tells_only_a_total_is_compared_by_it(stage: Stage) -> None:
    delivers(stage, NOON, 2, **UTILITY)
    tells(stage, messages_out=3)
    row = only()
    assert (row["categories"], row["messages"], row["matches"]) == ({}, [], False)
    assert row["total"] == {"of": "sent", "ours": 2, "theirs": 3, "difference": 1}


def test_who_tells_what_went_in_and_out_is_compared_by_what_went_out(stage: Stage) -> None:
    delivers(stage, NOON, 3, **UTILITY)
    tells(stage, categories={"whatsapp-inbound": 2, "whatsapp-outbound": 3}, messages_in=2, messages_out=3)
    assert (only()["matches"], only()["categories"]) == (True, {})
    assert only()["total"] == {"of": "sent", "ours": 3, "theirs": 3, "difference": 0}


@pytest.mark.parametrize("word", ["whatsapp-template-utility", "WHATSAPP_UTILITY", "utility"])
def test_a_word_of_the_provider_s_own_is_compared_as_the_category_that_it_ends_with(stage: Stage, word: str) -> None:
    delivers(stage, NOON, 3, **UTILITY)
    tells(stage, categories={word: 2, "whatsapp-outbound": 3}, messages_out=3)
    assert only()["categories"] == {"utility": {"ours": 3, "theirs": 2, "difference": -1}}
    assert only()["total"] == {"of": "delivered", "ours": 3, "theirs": 2, "difference": -1}


def test_a_word_that_we_have_too_is_compared_as_itself(stage: Stage) -> None:
    delivers(stage, NOON, category="group_service", **REGULAR)
    tells(stage, categories={"GROUP_SERVICE": 1})
    assert only()["categories"] == {"group_service": {"ours": 1, "theirs": 1, "difference": 0}}


@pytest.mark.parametrize(
    ("rate", "told", "ours", "difference"),
    [
        ("SAR,0.04", {"cost_micros": 50_000, "currency": "SAR"}, 0.04, 0.01),
        ("SAR,0.04", {"cost_micros": 0, "currency": "SAR"}, 0.04, -0.04),
        ("USD,0.04", {"cost_micros": 50_000, "currency": "SAR"}, 0.04, None),
        ("SAR,0.04", {"cost_micros": None}, 0.04, None),
    ],
)
def test_costs_are_compared_in_the_provider_s_currency(
    stage: Stage, rate: str, told: dict[str, Any], ours: float, difference: float | None
) -> None:
    load(f"utility,SA,2027-01-01,{rate},0")
    delivers(stage, NOON, **UTILITY)
    tells(stage, categories={"utility": 1}, **told)
    found = only()["cost"]
    assert found["ours"]["amount"] == ours
    assert (found["difference"] and found["difference"]["amount"]) == difference
    assert only()["matches"] is (difference is None)


def test_what_has_no_rate_has_no_difference(stage: Stage) -> None:
    load("utility,SA,2027-01-01,SAR,0.04,0")
    delivers(stage, NOON, **UTILITY)
    delivers(stage, NOON, category="marketing", **REGULAR)
    tells(stage, categories={"utility": 1, "marketing": 1}, cost_micros=200_000, currency="SAR")
    assert (only()["cost"]["difference"], only()["unpriced"]) == (None, 1)


def test_a_day_on_which_both_have_nothing_matches(stage: Stage) -> None:
    tells(stage, cost_micros=0, currency="SAR")
    assert only()["matches"]
    assert only()["cost"]["difference"] == {"amount": 0, "currency": "SAR"}


def test_the_free_tier_was_used_up_on_days_before_also_those_that_nobody_told_of(stage: Stage) -> None:
    load("service,*,2027-01-01,SAR,1,3")
    first_of_march = BEGINS - timedelta(days=9)
    delivers(stage, first_of_march - timedelta(minutes=1), 9)
    delivers(stage, first_of_march, 1)
    delivers(stage, BEGINS - timedelta(days=1), 1)
    delivers(stage, BEGINS, 3)
    provider_tells(stage, "2027-03-09", BEGINS - timedelta(days=1), categories={"service": 1})
    tells(stage, categories={"service": 3})
    assert [row["cost"]["ours"] for row in checked(date(2027, 3, 9))] == [
        {"amount": 2, "currency": "SAR"},
        {"amount": 0, "currency": "SAR"},
    ]


def test_days_are_newest_first_and_only_those_that_were_told(stage: Stage) -> None:
    delivers(stage, NOON, **UTILITY)
    assert checked(date(2027, 1, 1), date(2027, 12, 31)) == []
    for day in (8, 10, 9):
        provider_tells(stage, f"2027-03-{day:02}", BEGINS + timedelta(days=day - 10))
    assert [row["date"] for row in checked(date(2027, 3, 1))] == ["2027-03-10", "2027-03-09", "2027-03-08"]
    assert [row["date"] for row in checked(date(2027, 3, 9), date(2027, 3, 9))] == ["2027-03-09"]


def test_nothing_of_another_tenant_is_counted_or_named(stage: Stage, make_channel: Callable[..., Any]) -> None:
    luma = make_channel("luma", "+447700900001")
    delivers(stage, NOON, **template(stage, "utility"))
    tells(stage, categories={})
    assert reconciling.shapes(tenant("luma"), DAY, DAY) == []
    theirs = Span(luma.tenant_id, stage.channel.id, "2027-03-10", BEGINS, BEGINS + timedelta(days=1))
    assert charges.counted_by_us(theirs, "utility", 9) == charges.counted_by_them(theirs, "utility", 9) == []
    assert charges.delivered(luma.tenant_id, [1, 2, 3]) == []


def test_every_reason_is_looked_for_by_an_index(stage: Stage) -> None:
    assert {why.value for why in Why} == {"no_pricing", "delivered_later", "no_receipt", "delivered_from_before"}
    for sql, number in ((charges._OURS, 7), (charges._THEIRS, 10)):
        steps = [row[3] for row in db.rows("EXPLAIN QUERY PLAN " + sql, *(1,) * number)]
        assert [step for step in steps if "message_day (channel_id=? AND created_at>? AND created_at<?)" in step], steps
        assert not [step for step in steps if step.startswith("SCAN")]
