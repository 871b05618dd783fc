"""`/api/stats` and `/api/restaurants/{id}/analytics`: the shapes, and who sees whose figures."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_metering import comes_in, go_to, goes_out
from tests.web.conftest import ADMIN_KEY, Cast
from wabot import config
from wabot.core import tenancy

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
DASHBOARD_KEY = "the-dashboard-s-own-key"
BEARER = {"Authorization": f"Bearer {DASHBOARD_KEY}"}
ANALYTICS = "/api/restaurants/bait/analytics"


@pytest.fixture
def dashboard(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The cast, with a dashboard that has a key."""
    monkeypatch.setenv("DASHBOARD_API_KEY", DASHBOARD_KEY)
    config.settings.cache_clear()
    return cast


def stats(cast: Cast, query: str = "", who: str = "alice", **headers: str) -> Any:
    answer = cast.get(f"/api/stats{query}", who, **headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def messages(cast: Cast, query: str = "", who: str = "alice", **headers: str) -> int:
    return int(stats(cast, query, who, **headers)["stats"]["totalMessages"])


def refused(cast: Cast, path: str, who: str = "alice", **headers: str) -> tuple[int, str]:
    answer = cast.get(path, who, **headers)
    return answer.status_code, answer.json["code"]


def test_stats_have_the_seed_s_shape(cast: Cast) -> None:
    comes_in(cast.stage, NOON - timedelta(hours=30))
    comes_in(cast.stage, NOON, phone="+966522222222")
    goes_out(cast.stage, NOON, phone="+966522222222", sent_at=NOON + timedelta(seconds=4.2))
    go_to(cast.stage, NOON + timedelta(minutes=1))
    found = stats(cast)
    assert list(found) == ["stats", "timeline", "timestamp"]
    assert found["stats"] == {
        "totalMessages": 2,
        "activeUsers": 1,
        "avgResponseTime": "4.2s",
        "apiCosts": "$0.00",
        "trends": {
            "messages": {"value": 100.0, "isPositive": True},
            "users": {"value": 0.0, "isPositive": True},
            "responseTime": {"value": 0, "isPositive": True},
            "costs": {"value": 0, "isPositive": True},
        },
    }
    assert len(found["timeline"]) == 24
    assert found["timeline"][-1] == {"time": "15:00", "messages": 2}
    assert found["timestamp"].startswith("2027-03-10T12:01:")
    assert found["timestamp"].endswith("Z")


def test_what_the_bot_answers_is_in_the_figures(cast: Cast) -> None:
    assert messages(cast) == 1
    cast.stage.deliver()
    found = stats(cast)["stats"]
    answers = [message for message in cast.stage.out() if message.channel_id == cast.stage.channel.id]
    assert (found["totalMessages"], found["activeUsers"]) == (1 + len(answers), 1)
    assert found["avgResponseTime"] != "0s"


def test_each_sees_its_own_and_the_operator_all_or_one(dashboard: Cast) -> None:
    comes_in(dashboard.stage, datetime.now(UTC))
    assert messages(dashboard) == messages(dashboard, "?restaurantId=bait") == 2
    assert messages(dashboard, who="bob") == 1
    token = tenancy.create_token(None, read_only=True, name="operator", days=None)[1]
    for who, headers in (
        ("admin", {}),
        ("nobody", BEARER),
        ("nobody", {"X-API-Key": token}),
        ("nobody", {"Authorization": f"Bearer {token}"}),
    ):
        asked = [messages(dashboard, query, who, **headers) for query in ("", "?restaurantId=luma", "?restaurantId=")]
        assert asked == [3, 1, 3]


def test_the_dashboard_sees_a_suspended_tenant(dashboard: Cast) -> None:
    dashboard.suspend("bait")
    assert messages(dashboard, "?restaurantId=bait", "nobody", **BEARER) == 1


@pytest.mark.parametrize(
    ("query", "who", "headers", "answer"),
    [
        ("", "nobody", {}, (401, "unauthorized")),
        ("", "nobody", {"Authorization": "Bearer "}, (401, "unauthorized")),
        ("", "nobody", {"Authorization": f"Bearer {DASHBOARD_KEY}x"}, (401, "unauthorized")),
        ("", "nobody", {"Authorization": f"Basic {DASHBOARD_KEY}"}, (401, "unauthorized")),
        ("", "nobody", {"Authorization": f"Bearer {ADMIN_KEY}"}, (401, "unauthorized")),
        ("", "nobody", {"Authorization": "Bearer clé"}, (401, "unauthorized")),
        ("", "nobody", {"X-API-Key": DASHBOARD_KEY}, (401, "unauthorized")),
        ("", "nobody", BEARER | {"X-API-Key": "wrong"}, (401, "unauthorized")),
        ("?restaurantId=nowhere", "nobody", BEARER, (404, "not_found")),
        ("?restaurantId=nowhere", "admin", {}, (404, "not_found")),
        ("?restaurantId=luma", "alice", {}, (404, "not_found")),
        ("?restaurantId=nowhere", "alice", {}, (404, "not_found")),
        ("", "alice", {"X-Restaurant-Id": ""}, (400, "restaurant_id_missing")),
        ("", "alice", {"X-Restaurant-Id": "luma"}, (403, "forbidden")),
        ("?api_key=x", "nobody", BEARER, (400, "secret_in_query")),
    ],
)
def test_who_may_see_what(
    dashboard: Cast, query: str, who: str, headers: dict[str, str], answer: tuple[int, str]
) -> None:
    assert refused(dashboard, f"/api/stats{query}", who, **headers) == answer


@pytest.mark.parametrize("bearer", ["", DASHBOARD_KEY])
def test_without_a_key_nobody_is_the_dashboard(cast: Cast, bearer: str) -> None:
    assert refused(cast, "/api/stats", "nobody", Authorization=f"Bearer {bearer}") == (401, "unauthorized")


def test_the_dashboard_s_key_opens_nothing_else(dashboard: Cast) -> None:
    for path in ("/api/usage", ANALYTICS, "/api/admin/whatsapp-logs", "/api/cron/whatsapp-retry"):
        assert refused(dashboard, path, "nobody", **BEARER) == (401, "unauthorized")


def test_the_key_may_come_from_a_file(cast: Cast, settings_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings_env / "key").write_text(f"{DASHBOARD_KEY}\n")
    monkeypatch.setenv("DASHBOARD_API_KEY_FILE", str(settings_env / "key"))
    config.settings.cache_clear()
    assert messages(cast, "", "nobody", **BEARER) == 2


def test_analytics_have_the_contract_s_shape(cast: Cast) -> None:
    go_to(cast.stage, NOON + timedelta(days=40))
    found = cast.get(ANALYTICS).json
    orders = found.pop("orders")
    assert list(orders) == ["count", "byStatus", "byDay", "revenue"]
    assert (orders["count"], orders["revenue"]) == (0, 0)
    assert found == {
        "responseTime": {"p50": None, "p95": None},
        "ratings": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0, "average": None},
        "popularItems": [],
        "customers": {"new": 0, "returning": 0, "byHour": [0] * 24},
        "delivery": {"sent": 0, "delivered": 0, "read": 0, "failed": 0, "retrySuccessRate": 0.0},
    }


def test_analytics_are_of_both_days_and_those_between(cast: Cast) -> None:
    for day in (9, 10, 11, 12):
        goes_out(cast.stage, NOON - timedelta(days=1) + timedelta(days=day - 9), phone=f"+96650000{day:04}")
    go_to(cast.stage, NOON + timedelta(days=3))
    for query, sent in (("?from=2027-03-10&to=2027-03-11", 2), ("?to=2027-03-09", 1), ("?from=2027-03-12", 1), ("", 4)):
        for who in ("alice", "admin"):
            assert cast.get(ANALYTICS + query, who).json["delivery"]["sent"] == sent


def test_analytics_are_of_the_last_thirty_days(cast: Cast) -> None:
    for days in (0, 29, 30):
        goes_out(cast.stage, NOON - timedelta(days=days))
    go_to(cast.stage, NOON)
    assert cast.get(ANALYTICS).json["delivery"]["sent"] == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [("from=2027-03-11&to=2027-03-10", "bad_range"), ("from=2026-03-10&to=2027-03-11", "bad_range"),
     ("from=yesterday", "bad_from"), ("to=2027-02-30", "bad_to")],
)  # fmt: skip
def test_days_that_there_cannot_be_are_refused(cast: Cast, query: str, code: str) -> None:
    assert refused(cast, f"{ANALYTICS}?{query}") == (400, code)


def test_366_days_are_allowed(cast: Cast) -> None:
    assert cast.get(f"{ANALYTICS}?from=2026-03-11&to=2027-03-11").status_code == 200
