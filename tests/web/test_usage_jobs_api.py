"""`/api/usage/jobs` and runs by hand: the operator's alone, in the contract's shapes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.core.meter import Meter, day
from tests.core.test_metering import go_to
from tests.web.conftest import Cast
from wabot import errors
from wabot.core import pulling, tenancy
from wabot.core.tenancy import NewTenant
from wabot.store import db, pulls
from wabot.store.schedules import Schedule

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
JOB = {"restaurantId", "cron", "timezone", "enabled", "nextRunAt", "lastRunAt", "lastResult"}
NUMBER, LUMA = "+966500000001", "+447700900001"


@pytest.fixture
def meter(cast: Cast) -> Meter:
    """It is noon of the tenth of March in UTC, and schedules are planned from there."""
    go_to(cast.stage, NOW)
    db.write(lambda: Schedule.delete().execute())
    return Meter().play(cast.stage.provider)


def jobs(cast: Cast) -> dict[str, Any]:
    answer = cast.get("/api/usage/jobs", "admin")
    assert (answer.status_code, set(answer.json)) == (200, {"data"})
    return {job["restaurantId"]: job for job in answer.json["data"]}


def put(cast: Cast, slug: str, body: Any = None, who: str = "admin") -> Any:
    return cast.client.put(f"/api/usage/jobs/{slug}", json=body, headers=cast.headers(who))


def run(cast: Cast, slug: str, body: Any = None) -> Any:
    return cast.client.post(f"/api/usage/{slug}/run", json=body, headers=cast.headers("admin"))


def pull_all() -> None:
    while pulling.pull_next():
        continue


def test_every_tenant_has_a_job_of_the_contract_s_shape(cast: Cast, meter: Meter) -> None:
    found = jobs(cast)
    assert list(found) == ["bait", "luma"]
    assert set(found["bait"]) == JOB
    assert found["bait"] == {
        "restaurantId": "bait",
        "cron": "0 9 * * *",
        "timezone": "Asia/Riyadh",
        "enabled": True,
        "nextRunAt": "2027-03-11T06:00:00.000Z",
        "lastRunAt": None,
        "lastResult": None,
    }


def test_a_job_is_put_and_answered_and_listed(cast: Cast, meter: Meter) -> None:
    answer = put(cast, "bait", {"cron": "30 7 * * 1-5", "timezone": "Europe/London"})
    assert answer.status_code == 200
    assert answer.json == jobs(cast)["bait"]
    assert (answer.json["cron"], answer.json["timezone"]) == ("30 7 * * 1-5", "Europe/London")
    assert answer.json["nextRunAt"] == "2027-03-11T07:30:00.000Z"


@pytest.mark.parametrize("body", [None, {}, {"cron": None, "timezone": None}])
def test_what_is_left_out_is_the_default(cast: Cast, meter: Meter, body: Any) -> None:
    put(cast, "bait", {"cron": "30 7 * * *", "timezone": "Europe/London"})
    found = put(cast, "bait", body).json
    assert (found["cron"], found["timezone"]) == ("0 9 * * *", "Asia/Riyadh")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"cron": "soon"}, 422, "cron"),
        ({"cron": ""}, 422, "cron"),
        ({"timezone": ""}, 422, "timezone"),
        ({"cron": "0 9 31 2 *"}, 422, "cron"),
        ({"timezone": "Mars/Olympus"}, 422, "timezone"),
        ({"timezone": "/etc/passwd"}, 422, "timezone"),
        ({"cron": 9}, 400, "bad_request"),
        ({"cron": "9" * 300}, 400, "bad_request"),
        ({"crontab": "0 9 * * *"}, 400, "bad_request"),
        ([], 400, "bad_json"),
    ],
)
def test_a_wrong_job_is_refused_and_changes_nothing(
    cast: Cast, meter: Meter, body: Any, status: int, code: str
) -> None:
    before = jobs(cast)
    answer = put(cast, "bait", body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert jobs(cast) == before


def test_a_deleted_job_is_remembered_and_listed_and_can_be_put_again(cast: Cast, meter: Meter) -> None:
    answer = cast.client.delete("/api/usage/jobs/bait", headers=cast.headers("admin"))
    assert (answer.status_code, answer.data) == (204, b"")
    found = jobs(cast)["bait"]
    assert (found["enabled"], found["nextRunAt"]) == (False, None)
    assert cast.client.delete("/api/usage/jobs/bait", headers=cast.headers("admin")).status_code == 204
    assert put(cast, "bait", {}).json["enabled"] is True


def test_a_run_is_accepted_and_its_result_listed(cast: Cast, meter: Meter) -> None:
    meter.tells(NUMBER, day("2027-03-09"))
    answer = run(cast, "bait", {})
    assert answer.status_code == 202
    assert answer.json == {"runId": answer.json["runId"], "date": "2027-03-09"}
    pull_all()
    found = jobs(cast)["bait"]
    assert found["lastRunAt"].startswith("2027-03-10T12:0")
    assert found["lastResult"] == {"date": "2027-03-09", "channels": 1, "ok": 1, "skipped": 0, "failed": []}
    assert jobs(cast)["luma"]["lastResult"] is None


def test_a_failing_channel_is_named_with_its_code_and_reason(cast: Cast, meter: Meter) -> None:
    meter.refuses(NUMBER, "credentials", 401)
    run(cast, "bait", {"date": "2027-03-01"})
    pull_all()
    last = jobs(cast)["bait"]["lastResult"]
    assert (last["date"], last["channels"], last["ok"]) == ("2027-03-01", 1, 0)
    [failed] = last["failed"]
    assert set(failed) == {"channelId", "code", "reason", "nextTryAt"}
    assert (failed["channelId"], failed["code"]) == (cast.stage.channel.id, "credentials")
    assert failed["nextTryAt"] is not None


def test_a_run_without_a_body_is_of_yesterday(cast: Cast, meter: Meter) -> None:
    answer = cast.client.post("/api/usage/bait/run", headers=cast.headers("admin"))
    assert (answer.status_code, answer.json["date"]) == (202, "2027-03-09")


def test_a_second_run_of_a_day_in_work_is_the_first_one(cast: Cast, meter: Meter) -> None:
    first, second, other = (
        run(cast, "bait", body).json for body in ({}, {"date": "2027-03-09"}, {"date": "2027-03-08"})
    )
    assert first == second
    assert other["runId"] != first["runId"]


@pytest.mark.parametrize("date", ["2027-03-11", "2019-12-31", "9999-12-31", "2027-02-30", "yesterday", "", "20270309"])
def test_a_day_that_cannot_be_asked_for_is_refused(cast: Cast, meter: Meter, date: str) -> None:
    answer = run(cast, "bait", {"date": date})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_date")
    assert pulls.UsageRun.load("") == []


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/usage/jobs/bait"), ("DELETE", "/api/usage/jobs/bait"),
                                              ("POST", "/api/usage/bait/run")])  # fmt: skip
@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_read_only_token_of_the_operator_writes_nothing(
    cast: Cast, meter: Meter, method: str, path: str, header: str
) -> None:
    before = jobs(cast)
    _, token = tenancy.create_token(None, read_only=True, name="viewer", days=None)
    headers = {header: token if header == "X-API-Key" else f"Bearer {token}"}
    assert cast.client.get("/api/usage/jobs", headers=headers).status_code == 200
    answer = cast.client.open(path, method=method, json={}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert (jobs(cast), pulls.UsageRun.load("")) == (before, [])


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/usage/jobs/nowhere"), ("DELETE", "/api/usage/jobs/nowhere"),
                                              ("POST", "/api/usage/nowhere/run")])  # fmt: skip
def test_an_unknown_tenant_is_404(cast: Cast, meter: Meter, method: str, path: str) -> None:
    answer = cast.client.open(path, method=method, json={}, headers=cast.headers("admin"))
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_nobody_can_be_called_jobs(cast: Cast) -> None:
    with pytest.raises(errors.Refused, match="word of the API"):
        tenancy.add_tenant(NewTenant("jobs", "Jobs"), {})


def test_pulls_are_counted_in_the_metrics(cast: Cast, meter: Meter) -> None:
    meter.refuses(NUMBER)
    run(cast, "bait", {})
    run(cast, "luma", {})
    pull_all()
    shown = cast.client.get("/metrics").get_data(as_text=True)
    assert 'wabot_usage_pulls_total{result="failed"} 1.0' in shown
    assert 'wabot_usage_pulls_total{result="ok"} 1.0' in shown


def test_what_the_operator_did_is_in_the_audit(cast: Cast, meter: Meter) -> None:
    put(cast, "bait", {})
    cast.client.delete("/api/usage/jobs/bait", headers=cast.headers("admin"))
    run(cast, "bait", {})
    noted = db.rows("SELECT action, actor, tenant FROM audit ORDER BY id")
    assert noted == [(action, "admin key", "bait") for action in ("schedule usage", "unschedule usage", "pull usage")]
