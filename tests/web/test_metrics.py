"""`/metrics`: for this machine and the operator, exact, and silent about tenants."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.core.conftest import SECRET
from tests.web.conftest import Cast
from wabot.core import tenancy
from wabot.store import db, tallies
from wabot.store.messages import Message


def figures(cast: Cast, **environ: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = cast.client.get("/metrics", environ_overrides=environ)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_webhooks_are_counted_by_what_became_of_them(cast: Cast) -> None:
    item = cast.stage.item("again")
    for _ in range(3):
        cast.stage.webhook(item)
    cast.stage.webhook({"type": "nonsense"})
    cast.stage.webhook(cast.stage.item(), secret="wrong")
    cast.stage.read()
    found = {
        dict(labels)["verdict"]: value
        for (name, labels), value in figures(cast).items()
        if name == "wabot_webhooks_total"
    }
    assert found == {"accepted": 4, "duplicate": 2, "quarantined": 1, "refused": 1}


def test_messages_are_counted_as_they_come_into_each_state(cast: Cast) -> None:
    cast.stage.fails(400, "temporary")
    cast.stage.deliver()
    cast.stage.accepts()
    cast.stage.later(seconds=6)
    cast.stage.deliver()
    for message in cast.stage.out():
        cast.stage.status("read", f"{message.uid}.{message.attempts}", id="x")
    found = {tuple(dict(labels).values()): value for (name, labels), value in figures(cast).items()
             if name == "wabot_messages_total"}  # fmt: skip
    assert found[("IN", "received")] == 2
    assert found[("OUT", "queued")] == 4
    assert found[("OUT", "sending")] == 4
    assert found[("OUT", "sent")] == 2
    assert found[("OUT", "read")] == 1, "the other tenant's message is not touched by this channel's receipt"


def test_what_answering_a_burst_once_has_saved_is_counted(cast: Cast) -> None:
    assert ("wabot_messages_saved_total", ()) not in figures(cast)
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "1"})
    for text in ("menu", "hello", "thanks"):
        cast.stage.says(text)
    cast.stage.read()
    cast.stage.later(seconds=2)
    cast.stage.answer()
    assert figures(cast)[("wabot_messages_saved_total", ())] == 2


def test_gauges_agree_with_the_tables(cast: Cast) -> None:
    found = figures(cast)
    assert found[("wabot_outbox", (("state", "queued"),))] == Message.select().where(Message.status == "queued").count()
    assert found[("wabot_dead_letters", ())] == 0
    assert found[("wabot_consumer_beat_age_seconds", ())] == -1
    assert found[("wabot_db_bytes", ())] > 100_000


def test_the_time_of_a_webhook_is_noted_with_the_next_one_a_second_later(cast: Cast) -> None:
    before = figures(cast).get(("wabot_webhook_seconds_count", (("provider", "sandbox"),)), 0)
    cast.stage.says("one")
    cast.stage.later(seconds=2)
    cast.stage.says("two")
    after = figures(cast)
    assert after[("wabot_webhook_seconds_count", (("provider", "sandbox"),))] >= before + 1
    assert after[("wabot_webhook_seconds_sum", (("provider", "sandbox"),))] > 0


def test_buckets_of_a_histogram_are_cumulative(file: Path) -> None:
    db.write(lambda: tallies.observe("h", [0.001, 0.02, 0.02, 30.0], provider="p"))
    [found] = tallies.histograms("h")
    assert (found.buckets["0.005"], found.buckets["0.025"], found.buckets["20.0"], found.buckets["+Inf"]) == (
        1,
        3,
        3,
        4,
    )
    assert found.total_seconds == pytest.approx(30.041)


def test_only_this_machine_and_the_operator_may_look(cast: Cast) -> None:
    elsewhere = {"REMOTE_ADDR": "10.1.2.3"}
    assert cast.client.get("/metrics", environ_overrides=elsewhere).status_code == 401
    assert cast.client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert cast.client.get("/metrics", headers=cast.headers("alice"), environ_overrides=elsewhere).status_code == 401
    assert cast.client.get("/metrics", headers=cast.headers("admin"), environ_overrides=elsewhere).status_code == 200


def test_no_label_names_a_tenant_a_number_or_a_text(cast: Cast) -> None:
    text = cast.client.get("/metrics").text
    for private in ("bait", "luma", "966511111111", "Sara", "hello", SECRET):
        assert private not in text


COUNTER = """
import sys
from pathlib import Path
from wabot.core import tenancy
from wabot.store import db, tallies
db.database.open(Path(sys.argv[1]))
for _ in range(200):
    db.write(lambda: tallies.count("c", word="x"))
"""


@pytest.mark.process
def test_counters_are_exact_over_processes(file: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen([sys.executable, "-c", COUNTER, str(file)], env=env) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert tallies.counters("c") == [({"word": "x"}, 800)]


def test_a_counted_change_that_is_rolled_back_was_not_counted(file: Path) -> None:
    def change_of_mind() -> None:
        tallies.count("c")
        raise KeyError

    with pytest.raises(KeyError):
        db.write(change_of_mind)
    assert tallies.counters("c") == []
