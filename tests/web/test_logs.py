"""The log of outgoing messages: a tenant's own, and the operator's over all."""

from typing import Any

import pytest

from tests.web.conftest import Cast
from tests.web.ledger import DEAD, FAILED, SENT, WAITING, add, find
from wabot import clock
from wabot.core import hints, tenancy
from wabot.providers import by_name
from wabot.store import db, messages, tenants
from wabot.words import Reason

LOGS = "/api/whatsapp/logs"
MONITOR = "/api/admin/whatsapp-logs"
ROW = {"id", "businessId", "customer", "type", "kind", "status", "retryCount", "maxRetries", "isCritical",
       "nextRetryAt", "errorCode", "errorMessage", "hint", "parentLogId", "attempts", "createdAt"}  # fmt: skip


@pytest.fixture
def quiet(cast: Cast) -> Cast:
    """Both welcomes are sent: one row a tenant."""
    cast.stage.deliver()
    return cast


def logged(cast: Cast, query: str = "", who: str = "alice", path: str = LOGS) -> Any:
    answer = cast.get(f"{path}?{query}", who)
    assert answer.status_code == 200, answer.json
    return answer.json


def ids(cast: Cast, query: str = "", who: str = "alice", path: str = LOGS) -> list[int]:
    return [row["id"] for row in logged(cast, query, who, path)["logs"]]


def test_a_row_has_the_contract_s_shape_with_its_attempts(quiet: Cast) -> None:
    quiet.stage.fails(400, "temporary")
    [made] = add(quiet, purpose="confirmation")
    quiet.stage.deliver()
    body = logged(quiet)
    row, welcome = body["logs"]
    assert set(body) == {"logs", "pagination", "stats"}
    assert set(row) == ROW
    assert (row["id"], row["businessId"], row["type"], row["kind"]) == (made, "bait", "confirmation", "text")
    assert row["customer"] == {"waId": "966511111111", "name": "Sara"}
    assert (row["status"], row["retryCount"], row["maxRetries"], row["isCritical"]) == ("failed", 0, 3, False)
    assert row["nextRetryAt"].endswith("Z")
    [attempt] = row["attempts"]
    assert set(attempt) == {"n", "at", "status", "providerMessageId", "errorCode", "errorMessage", "by"}
    assert (attempt["n"], attempt["status"], attempt["by"], attempt["errorCode"]) == (1, "failed", "auto", "temporary")
    assert (row["errorCode"], row["errorMessage"]) == ("temporary", "as told")
    assert row["hint"] == hints.sentence(Reason.PROVIDER, "en")
    assert (welcome["status"], welcome["errorCode"], welcome["hint"], welcome["nextRetryAt"]) == ("sent", *[None] * 3)


def test_pages_of_250_rows_follow_each_other_without_gap_or_repetition(quiet: Cast) -> None:
    made = add(quiet, 249, **SENT)
    seen = [row for page in (1, 2, 3) for row in ids(quiet, f"page={page}&pageSize=100")]
    assert seen == sorted(seen, reverse=True)
    assert set(made) < set(seen)
    assert len(seen) == 250
    body = logged(quiet, "page=4&pageSize=100")
    assert (body["logs"], body["pagination"]) == (
        [], {"page": 4, "pageSize": 100, "total": 250, "totalPages": 3})  # fmt: skip
    assert len(ids(quiet)) == 50


def test_a_page_of_the_log_asks_the_database_no_more_for_more_rows(quiet: Cast) -> None:
    add(quiet, 40, **DEAD)
    asked: list[str] = []
    connection = db.database.connection()
    connection.exec_trace = lambda _cursor, sql, _values: asked.append(sql) is None
    logged(quiet, "pageSize=2")
    few = len(asked)
    asked.clear()
    assert len(ids(quiet, "pageSize=40")) == 40
    connection.exec_trace = None
    assert 0 < len(asked) <= few


def test_failed_finds_what_waits_for_its_retry_what_failed_for_good_and_what_is_dead(quiet: Cast) -> None:
    [waiting], [failed], [dead] = (add(quiet, **state) for state in (WAITING, FAILED, DEAD))
    [undelivered] = add(quiet, **{**FAILED, "status": "undelivered"})
    [queued] = add(quiet)
    assert ids(quiet, "status=failed") == [undelivered, dead, failed, waiting]
    assert {row["status"] for row in logged(quiet, "status=failed")["logs"]} == {"failed"}
    assert ids(quiet, "status=dead") == [dead]
    assert ids(quiet, "status=undelivered") == [undelivered]
    assert ids(quiet, "status=queued") == [queued]


def test_the_figures_are_the_tenant_s_whatever_the_page_shows(quiet: Cast) -> None:
    for state in (WAITING, FAILED, DEAD):
        add(quiet, **state)
    add(quiet, 2, slug="luma", **DEAD)
    assert logged(quiet)["stats"] == {"total": 4, "failed": 3, "critical": 1}
    assert logged(quiet, "status=sent&pageSize=1")["stats"] == {"total": 4, "failed": 3, "critical": 1}
    assert logged(quiet, who="bob")["stats"] == {"total": 3, "failed": 2, "critical": 2}


def test_filters_by_type_kind_and_time(quiet: Cast) -> None:
    [welcome] = ids(quiet)
    quiet.stage.later(hours=3)
    [reminder] = add(quiet)
    assert ids(quiet, "type=reminder") == [reminder]
    assert ids(quiet, "type=welcome") == ids(quiet, "kind=buttons") == [welcome]
    assert ids(quiet, "since=2h") == [reminder]
    at = find(reminder).created_at.astimezone(None).isoformat()
    assert ids(quiet, f"since={at}") == [reminder]
    assert ids(quiet, "since=2999-01-01") == ids(quiet, "type=none") == []
    assert ids(quiet, "minRetries=1") == []


def test_the_search_takes_a_name_a_number_or_a_provider_s_id_literally(quiet: Cast) -> None:
    [welcome] = ids(quiet)
    sent_as = str(find(welcome).provider_message_id)
    for text in ("SAR", "sara", "51111", "%2B9665", sent_as, sent_as[:-1]):
        assert ids(quiet, f"q={text}") == [welcome], text
    for text in ("%25", "_", "s%25a", "luma", "7700900999", "%00", "'", "NEAR(", "*"):
        assert ids(quiet, f"q={text}") == [], text


def test_the_search_finds_the_provider_s_id_of_an_earlier_attempt(quiet: Cast) -> None:
    [made] = add(quiet)
    quiet.stage.deliver()
    first = str(find(made).provider_message_id)
    db.write(lambda: messages.change(made, provider_message_id="another"))
    assert ids(quiet, f"q={first}") == [made]


@pytest.mark.parametrize(
    ("query", "code"),
    [("page=0", "bad_page"), ("page=x", "bad_page"), ("page=-1", "bad_page"), ("page=99999999999999", "bad_page"),
     ("pageSize=0", "bad_page_size"), ("pageSize=201", "bad_page_size"), ("status=received", "bad_status"),
     ("status=asleep", "bad_status"), ("since=yesterday", "bad_since"), ("since=9999999d", "bad_since"),
     ("since=0001-01-01T00:00%2B23:00", "bad_since"), ("lang=fr", "bad_lang"), ("minRetries=x", "bad_min_retries"),
     ("token=x", "secret_in_query")],
)  # fmt: skip
def test_a_bad_query_is_400_with_its_code(quiet: Cast, query: str, code: str) -> None:
    for path, who in ((LOGS, "alice"), (MONITOR, "admin")):
        answer = quiet.get(f"{path}?{query}", who)
        assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_tenant_sees_its_own_log_alone(quiet: Cast) -> None:
    add(quiet, 5, **DEAD)
    for query in ("", "businessId=luma", "q=Sara", "status=failed", "pageSize=200"):
        assert {row["businessId"] for row in logged(quiet, query, "bob")["logs"]} <= {"luma"}
    assert "bait" not in quiet.get(LOGS, "bob").text
    theirs, unknown = (quiet.get(f"{LOGS}?businessId={slug}", "bob") for slug in ("bait", "nowhere"))
    assert (theirs.status_code, unknown.status_code) == (404, 404)
    assert theirs.json["error"] == unknown.json["error"]


def test_the_operator_sees_all_tenants_or_one(quiet: Cast) -> None:
    assert {row["businessId"] for row in logged(quiet, who="admin")["logs"]} == {"bait", "luma"}
    assert {row["businessId"] for row in logged(quiet, "businessId=luma", "admin")["logs"]} == {"luma"}
    assert logged(quiet, who="admin")["stats"]["total"] == 2
    assert quiet.get(f"{LOGS}?businessId=nowhere", "admin").status_code == 404


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("carol", 401), ("alice", 403), ("bob", 403),
                                             ("vera", 403), ("admin", 200)])  # fmt: skip
def test_the_monitor_is_the_operator_s(quiet: Cast, who: str, status: int) -> None:
    assert quiet.get(MONITOR, who).status_code == status


def test_an_admin_token_serves_as_the_key_and_reads_only_when_it_is_read_only(quiet: Cast) -> None:
    [dead] = add(quiet, **DEAD)
    _, token = tenancy.create_token(None, read_only=True, name="looks", days=1)
    for headers in ({"X-API-Key": token}, {"Authorization": f"Bearer {token}"}):
        assert quiet.client.get(MONITOR, headers=headers).status_code == 200
        assert quiet.client.get(LOGS, headers=headers).status_code == 200
        refused = quiet.client.post("/api/whatsapp/retry", json={"logId": dead}, headers=headers)
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")


def test_the_monitor_counts_over_all_tenants(quiet: Cast) -> None:
    add(quiet, **DEAD)
    add(quiet, slug="luma", **FAILED)
    [once] = add(quiet, **{**SENT, "attempts": 2, "retry_count": 1})
    body = logged(quiet, "minRetries=3", "admin", MONITOR)
    assert [row["retryCount"] for row in body["logs"]] == [3]
    assert body["stats"] == {"totalFailed": 2, "criticalIssues": 1, "retrySuccessRate": 50.0, "pausedChannels": []}
    assert once in ids(quiet, "minRetries=1", "admin", MONITOR)
    of_one = logged(quiet, "businessId=luma&status=failed", "admin", MONITOR)
    assert [row["businessId"] for row in of_one["logs"]] == ["luma"]
    assert of_one["stats"]["totalFailed"] == 1


def test_the_share_of_retries_that_got_through_has_one_decimal_and_counts_those_by_hand(quiet: Cast) -> None:
    assert logged(quiet, "", "admin", MONITOR)["stats"]["retrySuccessRate"] == 0
    add(quiet, 2, **DEAD)
    [by_hand] = add(quiet, **{**FAILED, "error_code": "temporary", "attempts": 0})
    quiet.stage.fails(400, "permanent")
    db.write(lambda: messages.change(by_hand, status="queued", due_at=clock.now()))
    quiet.stage.deliver()
    quiet.stage.accepts()
    quiet.post("/api/whatsapp/retry", {"logId": by_hand, "force": True})
    quiet.stage.deliver()
    assert logged(quiet, "", "admin", MONITOR)["stats"]["retrySuccessRate"] == 33.3


def test_what_a_paused_channel_holds_reads_queued_with_the_channel_s_code(quiet: Cast) -> None:
    quiet.stage.fails(401, "credentials")
    first, second = add(quiet, 2)
    quiet.stage.deliver()
    rows = {row["id"]: row for row in logged(quiet)["logs"]}
    for message_id in (first, second):
        row = rows[message_id]
        assert (row["status"], row["errorCode"], row["errorMessage"]) == ("queued", "credentials", "as told")
        assert row["hint"] == hints.sentence(Reason.TOKEN, "en")
        assert (row["isCritical"], row["nextRetryAt"]) == (False, None)
    [held] = logged(quiet, "", "admin", MONITOR)["stats"]["pausedChannels"]
    assert held["since"].endswith("Z")
    assert {name: held[name] for name in ("channelId", "restaurantId", "code", "reason", "waiting", "hint")} == {
        "channelId": quiet.stage.channel.id, "restaurantId": "bait", "code": "credentials", "reason": "as told",
        "waiting": 2, "hint": hints.sentence(Reason.TOKEN, "en")}  # fmt: skip


def test_hints_are_in_the_tenant_s_language_or_the_one_asked_for(quiet: Cast) -> None:
    [made] = add(quiet, **FAILED)

    def hint(query: str = "") -> str:
        return str(next(row for row in logged(quiet, query)["logs"] if row["id"] == made)["hint"])

    assert hint() == hint("lang=en") == hints.sentence(Reason.SETUP, "en")
    assert hint("lang=ar") == hints.sentence(Reason.SETUP, "ar")
    tenancy.edit_tenant("bait", {"locale": "ar"}, {})
    assert hint() == hints.sentence(Reason.SETUP, "ar")
    shown = quiet.get(f"/api/restaurants/bait/conversations/{quiet.conversation_id('bait')}/messages").json["data"]
    assert shown[0]["hint"] == hints.sentence(Reason.SETUP, "ar")


def test_a_customer_s_reason_is_failed_and_never_critical_the_operator_s_is(quiet: Cast) -> None:
    told = [("recipient", False), ("window", False), ("permanent", False), ("setup", True), ("template", True)]
    for code, critical in told:
        quiet.stage.fails(400, code)
        [made] = add(quiet)
        quiet.stage.deliver()
        row = next(row for row in logged(quiet)["logs"] if row["id"] == made)
        assert (row["status"], row["isCritical"]) == ("failed", critical), code
        assert hints.is_for_operator(by_name("sandbox").name, code) is critical


def test_a_suspended_tenant_s_log_is_the_operator_s_alone(quiet: Cast) -> None:
    [made] = add(quiet)
    quiet.suspend("bait")
    assert quiet.get(LOGS).status_code == 403
    row = next(row for row in logged(quiet, "businessId=bait", "admin")["logs"] if row["id"] == made)
    assert (row["status"], row["errorCode"]) == ("queued", "suspended")
    assert tenants.by_slug("bait") is not None
