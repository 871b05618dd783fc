"""`/api/usage`: the shapes of the seed, the allowance, and who sees what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.core.test_metering import comes_in, go_to, goes_out
from tests.web.conftest import Cast
from wabot import clock
from wabot.core import days, tenancy

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
OVERVIEW = {"restaurantId", "restaurantName", "conversationsThisMonth", "lastConversationAt", "allowance",
            "firstActivity", "lastActivity", "isActive"}  # fmt: skip
DAY = {"date", "channelId", "source", "marketing", "utility", "authentication", "service", "categories",
       "conversations", "messagesIn", "messagesOut", "cost", "costs", "costIs", "unpriced"}  # fmt: skip
MONTH = DAY - {"date", "channelId"} | {"year", "month", "cumulativeCost", "forecast", "budget"}


def usage(cast: Cast, path: str = "", who: str = "alice", **headers: str) -> Any:
    answer = cast.get(f"/api/usage{path}", who, **headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def refused(cast: Cast, path: str, who: str = "alice", **headers: str) -> tuple[int, str]:
    answer = cast.get(f"/api/usage{path}", who, **headers)
    return answer.status_code, answer.json["code"]


def customers_write(cast: Cast, number: int, at: datetime = NOON) -> None:
    for each in range(number):
        comes_in(cast.stage, at, phone=f"+96650000{each:04}")


def test_a_tenant_sees_its_own_usage_in_the_seed_s_shape(cast: Cast) -> None:
    first = cast.stage.in_()[0].created_at
    customers_write(cast, 2)
    comes_in(cast.stage, NOON + timedelta(hours=3), phone="+966500000000")
    go_to(cast.stage, NOON + timedelta(hours=4))
    assert usage(cast) == {
        "restaurantId": "bait",
        "restaurantName": "Bait Al-Sham",
        "conversationsThisMonth": 2,
        "lastConversationAt": "2027-03-10T12:00:00.000Z",
        "allowance": {"dailyLimit": 1000, "dailyRemaining": 998, "monthlyLimit": 30000, "monthlyRemaining": 29998},
        "firstActivity": clock.iso(first),
        "lastActivity": "2027-03-10T15:00:00.000Z",
        "isActive": True,
    }


def test_the_operator_sees_all_tenants_by_pages(cast: Cast) -> None:
    page = usage(cast, "?limit=1", "admin")
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 0, "hasMore": True}
    assert page["data"] == [usage(cast)]
    page = usage(cast, "?limit=1&offset=1", "admin")
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 1, "hasMore": False}
    assert page["data"] == [usage(cast, who="bob")]
    assert usage(cast, "?offset=2", "admin") == {
        "data": [],
        "pagination": {"total": 2, "limit": 20, "offset": 2, "hasMore": False},
    }


@pytest.mark.parametrize("who", ["alice", "admin"])
@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "bad_limit"), ("limit=101", "bad_limit"), ("limit=-1", "bad_limit"), ("limit=x", "bad_limit"),
     ("limit=\u0661", "bad_limit"),
     ("offset=-1", "bad_offset"), ("offset=1.5", "bad_offset"), ("offset=" + "9" * 30, "bad_offset")],
)  # fmt: skip
def test_a_page_that_there_cannot_be_is_refused(cast: Cast, who: str, query: str, code: str) -> None:
    assert refused(cast, f"?{query}", who) == (400, code)


@pytest.mark.parametrize("limit", [1, 100])
def test_the_bounds_of_a_page_are_allowed(cast: Cast, limit: int) -> None:
    assert usage(cast, f"?limit={limit}", "admin")["pagination"]["limit"] == limit


def test_a_spent_allowance_is_never_below_nothing(cast: Cast) -> None:
    tenancy.edit_tenant("bait", {"daily_limit": 2}, {})
    customers_write(cast, 3)
    go_to(cast.stage, NOON)
    spent = {"dailyLimit": 2, "dailyRemaining": 0, "monthlyLimit": 60, "monthlyRemaining": 57}
    assert usage(cast)["allowance"] == spent
    go_to(cast.stage, NOON + timedelta(days=1))
    assert usage(cast)["allowance"] == spent | {"dailyRemaining": 2}
    for day in range(1, 21):
        customers_write(cast, 3, NOON + timedelta(days=day))
    go_to(cast.stage, NOON + timedelta(days=21))
    assert usage(cast)["allowance"] == spent | {"dailyRemaining": 2, "monthlyRemaining": 0}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Riyadh"])
def test_day_and_month_are_the_tenant_s(cast: Cast, zone: str) -> None:
    tenancy.edit_tenant("bait", {"timezone": zone}, {})
    april = days.begins_at(zone, datetime(2027, 4, 1, tzinfo=UTC).date())
    comes_in(cast.stage, april - timedelta(milliseconds=1), phone="+966500000001")
    comes_in(cast.stage, april, phone="+966500000002")
    go_to(cast.stage, april + timedelta(hours=1))
    found = usage(cast, "/bait", "admin")
    assert (found["conversationsThisMonth"], found["allowance"]["dailyRemaining"]) == (1, 999)
    assert [row["conversationCount"] for row in found["history"]][:2] == [1, 1]
    assert [row["date"] for row in usage(cast, "/bait/daily")["data"]] == ["2027-04-01", "2027-03-31"]


def test_a_tenant_without_channel_and_without_traffic_has_the_same_shape(cast: Cast) -> None:
    tenancy.add_tenant(tenancy.NewTenant("empty", "Empty", daily_limit=5), {})
    found = usage(cast, "/empty", "admin")
    assert {**found, "history": None} == {
        "restaurantId": "empty",
        "restaurantName": "Empty",
        "conversationsThisMonth": 0,
        "lastConversationAt": None,
        "allowance": {"dailyLimit": 5, "dailyRemaining": 5, "monthlyLimit": 150, "monthlyRemaining": 150},
        "firstActivity": None,
        "lastActivity": None,
        "isActive": True,
        "history": None,
    }
    assert [row["conversationCount"] for row in found["history"]] == [0] * 6
    assert {row["lastConversationAt"] for row in found["history"]} == {None}


def test_history_is_six_months_over_the_year_newest_first(cast: Cast) -> None:
    january = datetime(2027, 1, 31, 20, 59, tzinfo=UTC)
    comes_in(cast.stage, january)
    go_to(cast.stage, datetime(2027, 2, 28, 22, tzinfo=UTC))
    found = usage(cast, "/bait", "admin")
    assert set(found) == OVERVIEW | {"history"}
    months = [(row["year"], row["month"], row["conversationCount"]) for row in found["history"]]
    assert months[:3] == [(2027, 3, 0), (2027, 2, 0), (2027, 1, 1)]
    assert [month[:2] for month in months[3:]] == [(2026, 12), (2026, 11), (2026, 10)]
    assert found["history"][2]["lastConversationAt"] == "2027-01-31T20:59:00.000Z"


def test_a_suspended_tenant_is_seen_by_the_operator_alone(cast: Cast) -> None:
    cast.suspend("bait")
    assert refused(cast, "") == (403, "tenant_suspended")
    assert usage(cast, "/bait", "admin")["isActive"] is False
    assert [row["isActive"] for row in usage(cast, "", "admin")["data"]] == [False, True]


@pytest.mark.parametrize(
    ("path", "who", "headers", "answer"),
    [
        ("", "nobody", {}, (401, "unauthorized")),
        ("", "carol", {}, (401, "unauthorized")),
        ("", "bob", {"X-Restaurant-Id": "bait"}, (403, "forbidden")),
        ("", "bob", {"X-Restaurant-Id": ""}, (400, "restaurant_id_missing")),
        ("/bait", "alice", {}, (403, "forbidden")),
        ("/nowhere", "alice", {}, (403, "forbidden")),
        ("/nowhere", "admin", {}, (404, "not_found")),
        ("/bait/daily", "bob", {}, (404, "not_found")),
        ("/nowhere/daily", "bob", {}, (404, "not_found")),
        ("/bait/monthly", "bob", {}, (404, "not_found")),
        ("/nowhere/monthly", "admin", {}, (404, "not_found")),
    ],
)
def test_who_may_see_what(cast: Cast, path: str, who: str, headers: dict[str, str], answer: tuple[int, str]) -> None:
    assert refused(cast, path, who, **headers) == answer


def test_days_are_by_channel_newest_first_with_both_ends(cast: Cast) -> None:
    comes_in(cast.stage, NOON)
    goes_out(cast.stage, NOON, category="marketing_lite")
    goes_out(cast.stage, NOON, category="referral_conversion")
    comes_in(cast.stage, NOON + timedelta(days=2))
    go_to(cast.stage, NOON + timedelta(days=5))
    found = usage(cast, "/bait/daily?from=2027-03-10&to=2027-03-12")["data"]
    assert [row["date"] for row in found] == ["2027-03-12", "2027-03-10"]
    assert found[1] == {
        "date": "2027-03-10",
        "channelId": cast.stage.channel.id,
        "source": "observed",
        "marketing": 1,
        "utility": 0,
        "authentication": 0,
        "service": 0,
        "categories": {"marketing_lite": 1, "referral_conversion": 1},
        "conversations": 1,
        "messagesIn": 1,
        "messagesOut": 2,
        "cost": None,
        "costs": [],
        "unpriced": 0,
        "costIs": "estimate",
    }
    assert usage(cast, "/bait/daily?from=2027-03-10&to=2027-03-12", "admin")["data"] == found
    assert usage(cast, "/bait/daily")["data"] == found


def test_without_dates_the_last_thirty_days_are_shown(cast: Cast) -> None:
    for day in (0, 1, 29, 30):
        comes_in(cast.stage, NOON - timedelta(days=day))
    go_to(cast.stage, NOON)
    dates = [row["date"] for row in usage(cast, "/bait/daily")["data"]]
    assert dates == ["2027-03-10", "2027-03-09", "2027-02-09"]
    before = [row["date"] for row in usage(cast, "/bait/daily?to=2027-03-09")["data"]]
    assert before == ["2027-03-09", "2027-02-09", "2027-02-08"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("from=2027-03-11&to=2027-03-10", "bad_range"), ("from=2026-03-10&to=2027-03-11", "bad_range"),
     ("from=yesterday", "bad_from"), ("to=2027-02-30", "bad_to"), ("to=0001-01-01", "bad_to"),
     ("from=20270310", "bad_from")],
)  # fmt: skip
def test_days_that_there_cannot_be_are_refused(cast: Cast, query: str, code: str) -> None:
    assert refused(cast, f"/bait/daily?{query}") == (400, code)


def test_months_are_sums_of_days_and_the_current_one_is_always_there(cast: Cast) -> None:
    for day in (1, 2, 28):
        goes_out(cast.stage, datetime(2027, 2, day, 10, tzinfo=UTC), category="utility")
    go_to(cast.stage, NOON)
    current, february = usage(cast, "/bait/monthly?months=2")["data"]
    assert set(current) == set(february) == MONTH
    assert (current["year"], current["month"], current["conversations"], current["messagesOut"]) == (2027, 3, 0, 0)
    daily = usage(cast, "/bait/daily?from=2027-02-01&to=2027-02-28")["data"]
    for name in ("conversations", "messagesIn", "messagesOut", "utility"):
        assert february[name] == sum(row[name] for row in daily) == (0 if name == "messagesIn" else 3)
    assert (len(usage(cast, "/bait/monthly?months=1")["data"]), february["cumulativeCost"]) == (1, None)


@pytest.mark.parametrize("months", ["0", "37", "x"])
def test_months_that_there_cannot_be_are_refused(cast: Cast, months: str) -> None:
    assert refused(cast, f"/bait/monthly?months={months}") == (400, "bad_months")
