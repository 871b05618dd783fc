"""`wabot webhook`: the journal, and reading again."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import TWILIO, TWILIO_NUMBER, Shell, Stage
from wabot import clock, words
from wabot.core import inbox
from wabot.store import db, webhooks
from wabot.store.messages import Message


@pytest.fixture
def shop(stage: Stage) -> Shell:
    return Shell(stage.clock_file.parent)


def test_the_journal_is_listed_by_verdict(stage: Stage, shop: Shell) -> None:
    good = stage.item()
    stage.webhook(good)
    stage.webhook(good)
    stage.raw_webhook(b"not json")
    stage.read()
    rows = shop.json("webhook", "list")["data"]
    assert [(row["verdict"], row["duplicates"], row["tenant"]) for row in rows] == [
        ("quarantined", 0, "bait"), ("accepted", 1, "bait")]  # fmt: skip
    assert [row["id"] for row in shop.json("webhook", "list", "--verdict", "duplicate")["data"]] == [rows[1]["id"]]
    assert [row["id"] for row in shop.json("webhook", "list", "--verdict", "quarantined")["data"]] == [rows[0]["id"]]
    assert shop.json("webhook", "list", "--verdict", "unrouted") == {"data": []}
    assert len(shop.json("webhook", "list", "--limit", "1")["data"]) == 1
    assert "quarantined" in shop.ok("webhook", "list")


def test_the_refused_ones_are_listed_without_a_body(stage: Stage, shop: Shell) -> None:
    stage.webhook(stage.item(), secret="wrong")
    [row] = shop.json("webhook", "list", "--refused")["data"]
    assert (row["reason"], row["provider"], row["channelId"]) == ("bad_signature", "sandbox", stage.channel.id)
    assert set(row) == {"id", "provider", "channelId", "reason", "size", "at"}
    shop.misused("webhook", "list", "--refused", "--verdict", "accepted")


def test_show_gives_the_body_only_when_asked_and_the_key_never(stage: Stage, shop: Shell) -> None:
    stage.says("a customer's words")
    [row] = shop.json("webhook", "list")["data"]
    plain = shop.ok("webhook", "show", str(row["id"])) + shop.ok("webhook", "show", str(row["id"]), "--json")
    assert "a customer's words" not in plain
    shown = shop.json("webhook", "show", str(row["id"]), "--body")
    assert json.loads(shown["body"])["items"][0]["message"]["text"] == "a customer's words"
    assert stage.channel.key not in plain + json.dumps(shown)
    assert shop.refused("webhook", "show", "99") == "there is no webhook 99"


def test_replay_reads_again_and_answers_nothing_twice(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.answer()
    [row] = shop.json("webhook", "list")["data"]
    assert shop.json("webhook", "replay", str(row["id"])) == {
        "data": [{"id": row["id"], "replayed": True, "reason": None}]}  # fmt: skip
    stage.answer()
    assert (len(stage.in_()), len(stage.out())) == (1, 1)


def test_all_that_is_in_quarantine_is_read_again(stage: Stage, shop: Shell) -> None:
    stage.raw_webhook(b"not json")
    stage.raw_webhook(b"nor this")
    stage.says()
    stage.read()
    assert shop.ok("webhook", "replay", "--quarantined").strip() == "2 will be read again."
    assert [row["reading"] for row in shop.json("webhook", "list")["data"]] == ["done", "pending", "pending"]
    shop.misused("webhook", "replay")
    shop.misused("webhook", "replay", "1", "--quarantined")


def test_one_that_cannot_be_replayed_does_not_hold_up_the_others(stage: Stage, shop: Shell) -> None:
    stage.says()
    stage.read()
    [row] = shop.json("webhook", "list")["data"]
    done = shop.run("webhook", "replay", "99", str(row["id"]), "--json")
    assert done.exit_code == 1
    assert [found["replayed"] for found in json.loads(done.stdout)["data"]] == [False, True]
    assert done.stderr == "wabot: there is no webhook 99 with its body\n"


def test_an_unrouted_one_is_read_by_the_channel_that_has_its_number_by_now(
    shell: Shell, bait: Callable[..., Any]
) -> None:
    form = {"MessageSid": "SM1", "From": "whatsapp:+966511111111", "To": f"whatsapp:{TWILIO_NUMBER}", "Body": "early"}
    body = urlencode(form).encode()
    entry = webhooks.entry(
        tenant_id=None,
        channel_id=None,
        provider="twilio",
        dedupe_key=b"early",
        target="/whatsapp/webhook",
        content_type="application/x-www-form-urlencoded",
        body=body,
        verdict=words.Verdict.UNROUTED,
        now=clock.now(),
    )
    unrouted = db.write(lambda: webhooks.add(entry)).id
    assert shell.run("webhook", "replay", str(unrouted)).stderr.endswith(
        f"no channel has the number that webhook {unrouted} is for\n"
    )
    bait("twilio", TWILIO_NUMBER, *TWILIO)
    shell.ok("webhook", "replay", str(unrouted))
    shown = shell.json("webhook", "show", str(unrouted))
    assert (shown["verdict"], shown["reading"], shown["tenant"]) == ("accepted", "pending", "bait")
    while inbox.read_some():
        continue
    assert [message.body for message in Message.select()] == ["early"]
