"""Retries of many: what goes on in the background, how far it is, and stopping it."""

from typing import Any

import pytest

from tests.web.conftest import Cast
from tests.web.ledger import DEAD, FAILED, add, find, journal, statuses
from wabot.core import retrying
from wabot.store import runs
from wabot.store.messages import Message
from wabot.words import Status

RETRY = "/api/whatsapp/retry"


@pytest.fixture
def quiet(cast: Cast) -> Cast:
    """Both welcomes are sent."""
    cast.stage.deliver()
    return cast


def retry(cast: Cast, body: Any, who: str = "alice") -> Any:
    return cast.post(RETRY, body, who)


def test_more_than_a_hundred_go_on_in_the_background_with_their_progress(quiet: Cast) -> None:
    made = add(quiet, 240, **DEAD) + add(quiet, 10, **{**FAILED, "error_code": "recipient"})
    add(quiet, 5, slug="luma", **DEAD)
    answer = retry(quiet, {})
    assert (answer.status_code, answer.json["retried"], answer.json["skipped"], answer.json["logs"]) == (202, 0, [], [])
    url = f"{RETRY}/{answer.json['runId']}"
    assert quiet.get(url).json == {"runId": answer.json["runId"], "total": 250, "done": 0, "retried": 0, "skipped": 0,
                                   "state": "running"}  # fmt: skip
    seen = []
    while retrying.go_on():
        seen.append(quiet.get(url).json["done"])
    assert seen == [50, 100, 150, 200, 250, 250]
    run = quiet.get(url).json
    assert (run["retried"], run["skipped"], run["state"]) == (240, 10, "done")
    assert statuses(made).count(Status.QUEUED) == 240
    assert Message.select().where(Message.status == "dead").count() == 5
    assert not retrying.go_on()


def test_a_run_that_is_stopped_leaves_the_rest_as_it_is(quiet: Cast) -> None:
    made = add(quiet, 250, **DEAD)
    url = f"{RETRY}/{retry(quiet, {}).json['runId']}"
    retrying.go_on()
    stopped = quiet.client.delete(url, headers=quiet.headers("alice"))
    assert (stopped.status_code, stopped.json["state"], stopped.json["done"]) == (200, "stopped", 50)
    assert not retrying.go_on()
    assert statuses(made).count(Status.DEAD) == 200
    again = quiet.client.delete(url, headers=quiet.headers("alice"))
    assert (again.status_code, again.json) == (200, stopped.json)
    assert [action for _, action, _, _ in journal()] == ["retry many", "stop run"]


def test_a_run_is_its_tenant_s_and_the_operator_s(quiet: Cast) -> None:
    add(quiet, 101, **DEAD)
    url = f"{RETRY}/{retry(quiet, {}).json['runId']}"
    for path in (url, f"{RETRY}/{10**45}"):
        assert quiet.get(path, "bob").status_code == 404
        assert quiet.client.delete(path, headers=quiet.headers("bob")).status_code == 404
    assert quiet.client.delete(url, headers=quiet.headers("vera")).status_code == 403
    assert (quiet.get(url, "vera").status_code, quiet.get(url, "admin").status_code) == (200, 200)
    assert quiet.get(url).json["state"] == "running"


def test_what_fails_while_a_run_is_under_way_is_not_taken_up_by_it(quiet: Cast) -> None:
    add(quiet, 120, **DEAD)
    retry(quiet, {})
    retrying.go_on()
    [later] = add(quiet, **DEAD)
    while retrying.go_on():
        continue
    assert find(later).status is Status.DEAD


def test_a_small_run_is_over_when_it_is_answered_so_that_nobody_takes_it_up_twice(quiet: Cast) -> None:
    add(quiet, 100, **DEAD)
    assert retry(quiet, {}).json["retried"] == 100
    assert runs.next_open() is None
