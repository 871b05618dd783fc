"""`wabot send`, `message`, `log` and `queue`, beside what the bot does."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from tests.cli.conftest import Shell, Stage
from tests.core.conftest import PHONE
from wabot import clock
from wabot.cli.options import Moment
from wabot.store import db


@pytest.fixture
def shop(stage: Stage) -> Shell:
    return Shell(stage.clock_file.parent)


def test_send_queues_a_text_and_prints_its_id(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.read()
    sent = shop.json("send", "bait", PHONE, "مرحبا")["message"]
    assert (sent["status"], sent["kind"], sent["type"], sent["body"]) == ("queued", "text", "agent", "مرحبا")
    assert shop.ok("send", "bait", PHONE, "again").strip() == str(sent["id"] + 1)


def test_the_same_idempotency_key_queues_once(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.read()
    arguments = ("send", "bait", PHONE, "hi", "--idempotency-key", "k1")
    assert shop.ok(*arguments) == shop.ok(*arguments)
    assert len(stage.out()) == 1
    assert shop.refused("send", "bait", PHONE, "else", "--idempotency-key", "k1").startswith("idempotency_mismatch: ")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("bait", "+966599999999", "hi"), "window_closed: "),
        (("bait", "12", "hi"), "invalid_number: "),
        (("bait", PHONE, "hi", "--channel", "99"), "no_channel: "),
        (("luma", PHONE, "hi"), "there is no tenant 'luma'"),
    ],
)
def test_a_refused_send_says_the_code_and_why(arguments: tuple[str, ...], why: str, stage: Stage, shop: Shell) -> None:
    assert shop.refused("send", *arguments).startswith(why)
    assert stage.out() == []


def test_send_tells_the_address_at_which_the_customer_sees_what_became_of_it(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.read()
    sent = shop.json("send", "bait", PHONE, "hi")
    token = stage.out()[0].token
    assert sent["confirmationUrl"] == f"http://127.0.0.1:8000/c/{token}"


def test_a_message_is_taken_back_before_it_is_sent_and_not_after(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.read()
    first, second = (shop.ok("send", "bait", PHONE, text).strip() for text in ("one", "two"))
    assert shop.json("message", "cancel", first)["status"] == "cancelled"
    stage.deliver()
    assert [sent["message"]["text"] for sent in stage.sent] == ["two"]
    assert shop.refused("message", "cancel", second) == f"message {second} is already sent"
    assert shop.refused("message", "cancel", "99") == "there is no message 99"
    [row] = db.rows("SELECT actor, action, tenant, subject FROM audit")
    assert row == ("operator (command line)", "cancel", "bait", f"message {first}")


def test_the_log_has_the_api_s_shape_and_its_filters(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.answer()
    stage.deliver()
    stage.fails(400, "permanent")
    shop.ok("send", "bait", PHONE, "no")
    stage.deliver()

    logged = shop.json("log")
    assert logged["pagination"] == {"page": 1, "pageSize": 50, "total": 2, "totalPages": 1}
    assert logged["stats"] == {"total": 2, "failed": 1, "critical": 0}
    newest, oldest = logged["logs"]
    assert (newest["status"], newest["type"], newest["businessId"]) == ("failed", "agent", "bait")
    assert (oldest["status"], oldest["type"], len(oldest["attempts"])) == ("sent", "welcome", 1)

    def ids(*options: str) -> list[int]:
        return [row["id"] for row in shop.json("log", *options)["logs"]]

    assert ids("--status", "failed") == [newest["id"]]
    assert ids("--type", "welcome") == ids("--status", "sent") == [oldest["id"]]
    assert ids("--page-size", "1", "--page", "2") == [oldest["id"]]
    assert ids("--customer", PHONE[4:]) == ids("--since", "1h") == ids("--tenant", "bait") == ids()
    assert ids("--customer", "sara") == ids()
    assert ids("--customer", "%") == []
    assert newest["hint"]
    assert oldest["hint"] is None
    assert ids("--customer", "999") == ids("--min-retries", "1") == ids("--since", "2999-01-01") == []
    assert ids("--kind", "text") == [newest["id"]]
    assert "welcome" in shop.ok("log")
    assert shop.refused("log", "--tenant", "luma") == "there is no tenant 'luma'"
    shop.misused("log", "--status", "received")


def test_what_waits_for_its_retry_and_what_is_dead_is_counted(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.answer()
    stage.fails(503, "temporary")
    stage.deliver()
    assert shop.json("log")["stats"] == {"total": 1, "failed": 1, "critical": 0}
    assert shop.json("log", "--status", "failed")["logs"][0]["nextRetryAt"]
    for seconds in (6, 11, 16):
        stage.later(seconds=seconds)
        stage.deliver()
    assert shop.json("log")["stats"] == {"total": 1, "failed": 1, "critical": 1}
    assert shop.json("queue")["dead"] == 1


def test_the_queue_shows_what_waits(stage: Stage, shop: Shell) -> None:
    empty = shop.json("queue")
    assert (empty["queued"], empty["webhooksPending"], empty["oldestDueAt"], empty["consumerBeatAt"]) == (
        0, 0, None, None)  # fmt: skip
    assert (empty["dead"], empty["retryRuns"]) == (0, 0)
    stage.says()
    assert shop.json("queue")["webhooksPending"] == 1
    stage.read()
    assert shop.json("queue")["answersPending"] == 1
    stage.answer()
    stage.keep_house()
    stage.later(seconds=7)
    full = shop.json("queue")
    assert (full["queued"], full["webhooksPending"], full["answersPending"]) == (1, 0, 0)
    assert full["oldestDueAt"].endswith("Z")
    assert 7 <= full["consumerBeatAgeSeconds"] < 60
    assert "consumerBeatAgeSeconds" in shop.ok("queue")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T09:30", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30+03:00", datetime(2026, 11, 20, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_time_in_iso_8601_is_utc_unless_it_names_a_zone(said: str, meant: datetime) -> None:
    assert Moment().convert(said, None, None) == meant


@pytest.mark.parametrize(("said", "ago"), [("30m", 1800), ("2h", 7200), ("3d", 259200)])
def test_a_time_can_be_said_by_its_age(said: str, ago: int) -> None:
    assert abs((clock.now() - Moment().convert(said, None, None)) - timedelta(seconds=ago)) < timedelta(seconds=5)


@pytest.mark.parametrize("said", ["", "2", "h", "2y", "-2h", "999999d", "9999999h", "2026-13-01"])
def test_what_is_no_time_is_refused(said: str) -> None:
    with pytest.raises(click.BadParameter):
        Moment().convert(said, None, None)
