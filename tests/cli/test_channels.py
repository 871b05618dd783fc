"""`wabot channel`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses

from tests.cli.conftest import TWILIO, TWILIO_NUMBER, Shell
from wabot import config
from wabot.core import inbox, tenancy
from wabot.store.messages import Message
from wabot.store.webhooks import Webhook

ACCOUNT_URL = f"https://api.twilio.com/2010-04-01/Accounts/AC{'1' * 32}"


def test_add_answers_with_the_contract_s_keys(bait: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOT_PUBLIC_URL", "https://bot.example.com")
    added = bait("twilio", "+1 (415) 555-0100", *TWILIO)
    assert list(added) == ["id", "tenant", "provider", "number", "key", "webhookUrl", "statusUrl", "status"]
    assert (added["tenant"], added["provider"], added["number"]) == ("bait", "twilio", TWILIO_NUMBER)
    assert added["webhookUrl"].startswith(f"https://bot.example.com/webhooks/{added['key']}")
    assert added["webhookUrl"].endswith("#rc=5&rp=ct,rt,5xx")


def test_a_secret_is_read_from_standard_input(shell: Shell, bait: Callable[..., Any]) -> None:
    sid = ("--set", "account_sid=AC" + "1" * 32)
    arguments = ("channel", "add", "bait", "twilio", TWILIO_NUMBER, *sid, "--set", "auth_token=-")
    added = shell.json(*arguments, typed="the-secret-token\nand no more\n")
    assert tenancy.open_credentials(tenancy.find_channel(added["id"]))["auth_token"] == "the-secret-token"


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        (("--set", "account_sid=-", "--set", "auth_token=-"), "a\nb\n"),
        (("--set", "account_sid=AC1", "--set", "auth_token=-"), ""),
        (("--set", "account_sid=AC1", "--set", "auth_token=-"), "\n"),
    ],
)
def test_at_most_one_secret_is_read_and_never_an_empty_one(
    options: tuple[str, ...], typed: str, shell: Shell, bait: Callable[..., Any]
) -> None:
    shell.misused("channel", "add", "bait", "twilio", TWILIO_NUMBER, *options, typed=typed)
    assert shell.json("channel", "list") == {"data": []}


def test_credentials_are_shown_by_their_last_four_characters_alone(shell: Shell, bait: Callable[..., Any]) -> None:
    bait("twilio", TWILIO_NUMBER, *TWILIO)
    [row] = shell.json("channel", "list", "bait")["data"]
    assert row["credentials"] == {"account_sid": "…1111", "auth_token": "…last"}
    printed = shell.ok("channel", "list") + shell.ok("channel", "list", "--json")
    assert "ttt" not in printed


def test_a_channel_whose_credentials_do_not_open_is_still_listed(
    shell: Shell, bait: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bait()
    monkeypatch.setenv("WABOT_SECRET_KEY", "another key, of at least 32 characters")
    [row] = shell.json("channel", "list")["data"]
    assert row["credentials"] is None
    checks = shell.run("channel", "check", str(row["id"]))
    assert checks.exit_code == 1
    assert "restore the secret key" in checks.stdout


def test_a_number_is_routed_once(shell: Shell, bait: Callable[..., Any]) -> None:
    first = bait()
    assert "already routed" in shell.refused("channel", "add", "bait", "sandbox", "+966500000001")
    shell.ok("channel", "pause", str(first["id"]))
    bait()
    assert "already routed" in shell.refused("channel", "resume", str(first["id"]))


def test_pause_resume_and_edit(shell: Shell, bait: Callable[..., Any]) -> None:
    bait()
    paused = shell.json("channel", "pause", "1")
    assert (paused["status"], paused["pauseCode"]) == ("paused", "paused")
    assert shell.json("channel", "resume", "1")["status"] == "active"
    edited = shell.json("channel", "edit", "1", "--set", "secret=" + "x" * 20 + "1234", "--out-per-minute", "7")
    assert (edited["credentials"], edited["outPerMinute"], edited["outPerDay"]) == ({"secret": "…1234"}, 7, 1000)
    shell.misused("channel", "edit", "1")


@pytest.mark.parametrize(
    "arguments", [("pause", "9"), ("resume", "9"), ("edit", "9", "--out-per-day", "1"), ("check", "9")]
)
def test_a_channel_that_is_not_there(arguments: tuple[str, ...], shell: Shell) -> None:
    assert shell.refused("channel", *arguments) == "there is no channel 9"


def test_an_unknown_provider_is_wrong_usage(shell: Shell, bait: Callable[..., Any]) -> None:
    assert "sandbox" in shell.misused("channel", "add", "bait", "pigeon", "+966500000001")


def verdicts(shell: Shell, channel_id: int) -> dict[str, bool]:
    done = shell.run("channel", "check", str(channel_id), "--json")
    rows = json.loads(done.stdout)["data"]
    assert done.exit_code == int(not all(row["ok"] for row in rows))
    assert all(row["fix"] for row in rows if not row["ok"])
    return {row["check"]: row["ok"] for row in rows}


@responses.activate
def test_check_finds_each_thing_that_is_wrong(
    shell: Shell, bait: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = responses.add("GET", f"{ACCOUNT_URL}.json", json={"status": "active"})
    channel_id = bait("twilio", TWILIO_NUMBER, *TWILIO)["id"]
    good = {"credentials": True, "provider": True, "webhook": True, "routing": True}
    assert verdicts(shell, channel_id) == {**good, "webhook": False}

    monkeypatch.setenv("WABOT_PUBLIC_URL", "https://bot.example.com")
    assert verdicts(shell, channel_id) == good

    shell.ok("tenant", "suspend", "bait")
    assert verdicts(shell, channel_id) == {**good, "routing": False}
    shell.ok("tenant", "resume", "bait")
    shell.ok("channel", "pause", str(channel_id))
    assert verdicts(shell, channel_id) == {**good, "routing": False}
    shell.ok("channel", "resume", str(channel_id))

    responses.remove(probe)
    responses.add("GET", f"{ACCOUNT_URL}.json", status=401, json={"code": 20003, "message": "Authenticate"})
    assert verdicts(shell, channel_id) == {**good, "provider": False}

    monkeypatch.setenv("WABOT_SECRET_KEY", "another key, of at least 32 characters")
    assert verdicts(shell, channel_id) == {"credentials": False, "webhook": True, "routing": True}


# --- recover ----------------------------------------------------------------------------------------


def history(*texts: str) -> dict[str, Any]:
    return {
        "messages": [
            {"sid": f"SM{text}", "direction": "inbound", "from": "whatsapp:+966511111111", "body": text,
             "to": f"whatsapp:{TWILIO_NUMBER}", "date_sent": "Fri, 20 Nov 2026 10:00:00 +0000", "num_media": "0"}
            for text in texts
        ],
        "next_page_uri": None,
    }  # fmt: skip


def read_everything() -> list[str]:
    config.settings.cache_clear()
    while inbox.read_some():
        continue
    return [message.body for message in Message.select().where(Message.direction == "IN").order_by(Message.id)]


@responses.activate
def test_recover_reads_what_was_missed_once(shell: Shell, bait: Callable[..., Any]) -> None:
    channel_id = str(bait("twilio", TWILIO_NUMBER, *TWILIO)["id"])
    responses.add("GET", f"{ACCOUNT_URL}/Messages.json", json=history("two", "one"))
    arguments = ("channel", "recover", channel_id, "--since", "2026-11-20")

    found = shell.json(*arguments)
    assert found == {"id": 1, "since": "2026-11-20T00:00:00.000Z", "found": 2, "new": 2}
    assert read_everything() == ["one", "two"]

    again = shell.json(*arguments)
    assert (again["found"], again["new"]) == (2, 0)
    assert read_everything() == ["one", "two"]
    assert [webhook.duplicates for webhook in Webhook.select()] == [1, 1]


@responses.activate
def test_recover_calls_new_only_what_was_not_there(shell: Shell, bait: Callable[..., Any]) -> None:
    channel_id = str(bait("twilio", TWILIO_NUMBER, *TWILIO)["id"])
    responses.add("GET", f"{ACCOUNT_URL}/Messages.json", json=history("one"))
    shell.ok("channel", "recover", channel_id, "--since", "2026-11-20")
    read_everything()
    changed = history("two", "one")
    changed["messages"][1]["num_segments"] = "1"
    responses.replace("GET", f"{ACCOUNT_URL}/Messages.json", json=changed)
    assert shell.json("channel", "recover", channel_id, "--since", "2026-11-20")["new"] == 1
    assert read_everything() == ["one", "two"]


def test_recover_says_where_no_history_is_kept(shell: Shell, bait: Callable[..., Any]) -> None:
    bait()
    assert "keeps no history" in shell.refused("channel", "recover", "1", "--since", "2h")
    shell.misused("channel", "recover", "1")
    shell.misused("channel", "recover", "1", "--since", "yesterday")
