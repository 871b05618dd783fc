"""A round of sending for a scheduler from outside."""

import threading
from typing import Any

import pytest

from tests.core.conftest import API
from tests.web.conftest import Cast
from tests.web.ledger import DEAD, FAILED, add, find
from wabot import config
from wabot.core import cron, tenancy
from wabot.words import Status

CRON = "/api/cron/whatsapp-retry"
SECRET = "the-scheduler-s-secret"
NOTHING = {"processed": 0, "retried": 0, "skipped": 0}


@pytest.fixture
def quiet(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Both welcomes are sent."""
    monkeypatch.setenv("CRON_SECRET", SECRET)
    config.settings.cache_clear()
    cast.stage.deliver()
    return cast


def call(cast: Cast, method: str = "GET", secret: str = SECRET) -> Any:
    return cast.client.open(CRON, method=method, headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_sends_the_retries_that_are_due_and_says_so_in_their_attempts(quiet: Cast, method: str) -> None:
    quiet.stage.fails(400, "temporary")
    [made] = add(quiet)
    quiet.stage.deliver()
    quiet.stage.accepts()
    assert call(quiet, method).json == NOTHING
    quiet.stage.later(seconds=6)
    answer = call(quiet, method)
    assert (answer.status_code, answer.json) == (200, {"processed": 1, "retried": 1, "skipped": 0})
    assert find(made).status is Status.SENT
    assert [(each.by, each.planned) for each in quiet.stage.attempts() if each.message_id == made] == [
        ("auto", True), ("cron", True)]  # fmt: skip
    assert call(quiet, method).json == NOTHING


def test_what_it_tried_in_vain_goes_on_with_its_plan(quiet: Cast) -> None:
    quiet.stage.fails(400, "temporary")
    [made] = add(quiet)
    quiet.stage.deliver()
    for retries, seconds in enumerate((6, 11, 16), 1):
        quiet.stage.later(seconds=seconds)
        assert call(quiet).json["retried"] == 1
        assert find(made).retry_count == retries
    assert find(made).status is Status.DEAD
    quiet.stage.later(hours=1)
    assert call(quiet).json == NOTHING


def test_one_that_the_provider_throttled_goes_on_with_its_plan_too(quiet: Cast) -> None:
    quiet.stage.fails(400, "temporary")
    [made] = add(quiet)
    quiet.stage.deliver()
    quiet.stage.fails(429, "throttled")
    quiet.stage.later(seconds=6)
    assert call(quiet).json["retried"] == 1
    quiet.stage.fails(400, "temporary")
    quiet.stage.later(seconds=6)
    quiet.stage.deliver()
    assert (find(made).status, find(made).retry_due) == (Status.QUEUED, True)


def test_a_dead_one_and_one_that_failed_for_good_are_left_alone(quiet: Cast) -> None:
    made = [*add(quiet, **DEAD), *add(quiet, **FAILED)]
    assert call(quiet).json == NOTHING
    assert [find(message_id).status for message_id in made] == [Status.DEAD, Status.FAILED]


def test_a_first_attempt_that_is_due_is_sent_too_and_is_no_retry(quiet: Cast) -> None:
    [made] = add(quiet)
    assert call(quiet).json == {"processed": 1, "retried": 0, "skipped": 0}
    assert [each.by for each in quiet.stage.attempts() if each.message_id == made] == ["auto"]


def test_a_retry_that_its_channel_holds_back_is_skipped(quiet: Cast) -> None:
    quiet.stage.fails(400, "temporary")
    add(quiet)
    quiet.stage.deliver()
    tenancy.pause_channel(quiet.stage.channel.id)
    quiet.stage.later(seconds=6)
    assert call(quiet).json == {"processed": 1, "retried": 0, "skipped": 1}


def test_it_is_bounded_and_the_rest_is_for_the_next_round(quiet: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cron, "MOST", 3)
    add(quiet, 5)
    assert [call(quiet).json["processed"] for _ in range(3)] == [3, 2, 0]
    monkeypatch.setattr(cron, "LONGEST_SECONDS", 0.0)
    add(quiet)
    assert call(quiet).json == NOTHING


def test_a_second_call_meanwhile_answers_at_once_with_nothing(quiet: Cast) -> None:
    calling, go_on = threading.Event(), threading.Event()

    def slow(_request: Any) -> tuple[int, dict[str, str], str]:
        calling.set()
        assert go_on.wait(30)
        return 201, {}, '{"id": "sbx.slow"}'

    quiet.stage.provider.reset()
    quiet.stage.provider.add_callback("POST", API, callback=slow)
    add(quiet)
    answers: list[Any] = []
    client = quiet.client.application.test_client()
    headers = {"Authorization": f"Bearer {SECRET}"}
    first = threading.Thread(target=lambda: answers.append(client.get(CRON, headers=headers).json))
    first.start()
    assert calling.wait(30)
    add(quiet, slug="luma")
    assert call(quiet).json == NOTHING
    go_on.set()
    first.join(30)
    assert answers == [{"processed": 2, "retried": 0, "skipped": 0}]
    assert call(quiet).json == NOTHING


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {SECRET}"}, {"Authorization": SECRET},
     {"Authorization": f"Bearer {SECRET}x"}, {"X-API-Key": SECRET}, {"Authorization": "Bearer "},
     {"Authorization": "Bearer pässwörd"}],
)  # fmt: skip
def test_only_the_secret_opens_it(quiet: Cast, headers: dict[str, str]) -> None:
    [made] = add(quiet)
    for answer in (quiet.client.get(CRON, headers=headers), quiet.client.post(CRON, headers=headers)):
        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert find(made).status is Status.QUEUED


@pytest.mark.parametrize("who", ["alice", "vera", "bob", "carol", "admin", "nobody"])
def test_no_other_credential_opens_it(quiet: Cast, who: str) -> None:
    assert quiet.get(CRON, who).status_code == 401


def test_while_it_is_unset_nobody_gets_in(quiet: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRON_SECRET")
    config.settings.cache_clear()
    for secret in ("", SECRET, "None"):
        assert call(quiet, secret=secret).status_code == 401


@pytest.mark.parametrize("name", ["secret", "token", "key", "CRON_SECRET"])
def test_a_secret_in_the_address_is_400(quiet: Cast, name: str) -> None:
    answer = quiet.client.get(f"{CRON}?{name}={SECRET}", headers={"Authorization": f"Bearer {SECRET}"})
    assert (answer.status_code, answer.json["code"]) == (400, "secret_in_query")


def test_a_look_at_the_headers_sends_nothing(quiet: Cast) -> None:
    [made] = add(quiet)
    assert call(quiet, "HEAD").status_code == 405
    assert find(made).status is Status.QUEUED
