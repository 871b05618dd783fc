"""`wabot retry`: what failed, sending it again, and giving it up."""

from typing import Any

import pytest

from tests.cli.conftest import Shell, Stage
from tests.core.conftest import PHONE
from wabot import clock, words
from wabot.core import retrying, sending
from wabot.store import customers, db, messages
from wabot.store.messages import Message
from wabot.words import Status

DEAD: dict[str, Any] = {"status": Status.DEAD, "attempts": 4, "retry_count": 3, "critical": True, "due_at": None,
                        "error_code": "temporary"}  # fmt: skip


@pytest.fixture
def shop(stage: Stage) -> Shell:
    """Sara has written, and her welcome is sent."""
    stage.says()
    stage.answer()
    stage.deliver()
    return Shell(stage.clock_file.parent)


def add(stage: Stage, number: int = 1, **values: Any) -> list[str]:
    """So many messages to Sara in this state; their ids, as they are typed."""

    def store() -> list[str]:
        [welcome] = [row for row in stage.out() if row.purpose == "welcome"]
        conversation = customers.conversation_of(welcome.tenant_id, welcome.conversation_id)
        assert conversation is not None
        draft, now = words.Draft(words.Kind.TEXT, "hi", purpose="reminder"), clock.now()
        made = [sending.enqueue(conversation, draft, key=None, now=now, ttl_seconds=3600).id for _ in range(number)]
        for message_id in made:
            messages.change(message_id, **values, failed_at=now)
        return [str(message_id) for message_id in made]

    return db.write(store)


def status(message_id: str) -> str:
    return Message.get_by_id(int(message_id)).status


def journal() -> list[tuple[Any, ...]]:
    return db.rows("SELECT actor, action, tenant, subject FROM audit ORDER BY id")


def test_the_list_shows_what_failed_newest_first_and_nothing_else(stage: Stage, shop: Shell) -> None:
    dead, failed = add(stage, **DEAD), add(stage, status=Status.FAILED, due_at=None, error_code="setup")
    add(stage, status=Status.SENT, due_at=None)
    rows = shop.json("retry", "list")["data"]
    assert [str(row["id"]) for row in rows] == [*failed, *dead]
    assert rows[0]["hint"]
    assert [row["id"] for row in shop.json("retry", "list", "--limit", "1")["data"]] == [rows[0]["id"]]
    assert shop.json("retry", "list", "--since", "2999-01-01") == {"data": []}
    assert "reminder" in shop.ok("retry", "list", "--tenant", "bait")
    assert shop.refused("retry", "list", "--tenant", "luma") == "there is no tenant 'luma'"


def test_a_run_of_one_sends_it_again_and_notes_who_asked(stage: Stage, shop: Shell) -> None:
    [made] = add(stage, **DEAD)
    done = shop.json("retry", "run", made)
    assert (done["retried"], done["skipped"], [str(row["id"]) for row in done["logs"]]) == (1, [], [made])
    stage.deliver()
    assert status(made) == "sent"
    assert stage.attempts()[-1].by == "hand"
    assert journal() == [("operator (command line)", "retry", "bait", f"message {made}")]


def test_a_run_of_one_that_cannot_be_says_why_in_a_line(stage: Stage, shop: Shell) -> None:
    [sent] = add(stage, status=Status.SENT, due_at=None)
    [hopeless] = add(stage, status=Status.FAILED, due_at=None, error_code="recipient", error_message="no such number")
    assert shop.refused("retry", "run", sent) == f"message {sent} has not failed: it is sent"
    assert shop.refused("retry", "run", sent, "--force") == f"message {sent} has not failed: it is sent"
    assert shop.refused("retry", "run", hopeless) == "invalid_number: no such number"
    assert shop.refused("retry", "run", "999") == "there is no message 999"
    assert shop.ok("retry", "run", hopeless, "--force") == "1 will be sent again.\n"


def test_a_run_of_several_does_what_it_can_and_names_the_rest(stage: Stage, shop: Shell) -> None:
    [good] = add(stage, **DEAD)
    [sent] = add(stage, status=Status.SENT, due_at=None)
    done = shop.run("retry", "run", good, sent)
    assert (done.exit_code, done.stdout) == (1, "1 will be sent again, 1 skipped.\n")
    assert done.stderr == f"wabot: {sent}: message {sent} has not failed: it is sent\n"
    assert status(good) == "queued"


def test_a_run_of_all_can_be_of_one_tenant_and_from_some_time_on(stage: Stage, shop: Shell) -> None:
    old = add(stage, 2, **DEAD)
    stage.later(hours=3)
    new = add(stage, 2, **DEAD)
    assert shop.json("retry", "run", "--all", "--tenant", "bait", "--since", "2h")["retried"] == 2
    assert [status(made) for made in (*old, *new)] == ["dead", "dead", "queued", "queued"]
    assert shop.ok("retry", "run", "--all") == "2 will be sent again.\n"
    assert shop.ok("retry", "run", "--all") == "0 will be sent again.\n"
    assert [row[1] for row in journal()] == ["retry many"] * 3


def test_a_run_of_more_than_a_hundred_is_the_consumer_s(stage: Stage, shop: Shell) -> None:
    made = add(stage, 101, **DEAD)
    done = shop.json("retry", "run", "--all")
    assert (done["retried"], done["logs"]) == (0, [])
    assert shop.json("queue")["retryRuns"] == 1
    while retrying.go_on():
        continue
    assert {status(message_id) for message_id in made} == {"queued"}
    assert shop.json("queue")["retryRuns"] == 0
    assert f"Run {done['runId'] + 1} goes on in the background" not in shop.ok("retry", "run", "--all")


def test_which_to_run_must_be_said_one_way(stage: Stage, shop: Shell) -> None:
    shop.misused("retry", "run")
    shop.misused("retry", "run", "1", "--all")
    shop.misused("retry", "run", "1", "--tenant", "bait")
    shop.misused("retry", "discard")


def test_what_is_given_up_is_never_sent_again(stage: Stage, shop: Shell) -> None:
    [dead] = add(stage, **DEAD)
    stage.fails(503, "temporary")
    shop.ok("send", "bait", PHONE, "later")
    stage.deliver()
    waiting = str(stage.out()[-1].id)
    assert shop.json("retry", "discard", dead, waiting)["data"] == [
        {"id": int(made), "discarded": True, "reason": None} for made in (dead, waiting)
    ]
    stage.later(hours=1)
    assert stage.deliver() == 0
    assert (status(dead), status(waiting)) == ("cancelled", "cancelled")
    assert shop.refused("retry", "run", dead, "--force") == f"message {dead} has not failed: it is cancelled"
    assert [row[1] for row in journal()] == ["discard", "discard"]
    refused = shop.run("retry", "discard", dead, "999")
    assert (refused.exit_code, refused.stdout) == (1, "Gave up 0.\n")
    assert "there is no message 999" in refused.stderr
