"""Eight processes send 2,000 requests with the same 500 messages to two tenants, by Twilio and in Meta's batches, while
web and consumer are killed (-9) at points counted by the providers' ledgers; then the ledgers and the file are held
against each other."""

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.spine.flood import EVERYTHING
from tests.spine.stack import ROOT, reference, wait_until
from tests.spine.two_tenants import TwoTenants, running, sender_of
from wabot.store import db

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

REQUESTS, SENDERS, KILLS = 2000, 8, 10

RECEIVED = """
SELECT message.provider_message_id, tenant.slug, channel.number, customer.wa_id
  FROM message JOIN channel ON channel.id = message.channel_id
  JOIN tenant ON tenant.id = message.tenant_id AND tenant.id = channel.tenant_id
  JOIN customer ON customer.id = message.customer_id AND customer.tenant_id = tenant.id
 WHERE direction = 'IN'
"""
ANSWERS = """
SELECT answer.uid, answer.status, answer.resent_unknown, asked.provider_message_id,
       (SELECT group_concat(attempt.status || ' ' || attempt.error_code) FROM attempt
         WHERE attempt.message_id = answer.id)
  FROM message answer LEFT JOIN message asked ON answer.idempotency_key = 'answer:' || asked.id || ':1'
   AND asked.direction = 'IN' AND asked.tenant_id = answer.tenant_id AND asked.channel_id = answer.channel_id
   AND asked.customer_id = answer.customer_id
 WHERE answer.direction = 'OUT'
"""


@dataclass(frozen=True)
class Row:
    """A message of ours, the id of the one that it answers, and what became of its attempts."""

    uid: str
    status: str
    resent: bool
    asked: str
    attempts: str


LOST_TWICE = ("unknown worker_lost,unknown worker_lost", "sent worker_lost,unknown worker_lost")
"""What was given up: both sends were lost with their workers. On a slow machine the first one's receipt can come once
the second has begun, which makes it history (DESIGN §1)."""


def flood(stack: TwoTenants) -> list[subprocess.Popen[str]]:
    """Start the senders, half of them for each provider; each prints the ids that were answered 200."""
    senders = []
    for seed in range(SENDERS):
        wanted = [stack.url, ("twilio", "meta")[seed % 2], str(seed), str(REQUESTS // SENDERS)]
        command = [sys.executable, "-m", "tests.spine.flood", *wanted]
        senders.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
    return senders


def answered_200(senders: list[subprocess.Popen[str]]) -> set[str]:
    told: set[str] = set()
    for sender in senders:
        out, _ = sender.communicate(timeout=250)
        assert sender.returncode == 0
        told |= set(json.loads(out))
    return told


def drain(stack: TwoTenants) -> None:
    """Wait until nothing is open any more, on two looks in a row: statuses go on coming for a moment after the last
    send."""
    seen: list[dict[str, Any]] = []

    def settled() -> bool:
        seen.append(stack.cli("queue"))
        return len(seen) > 1 and not any(map(_is_open, seen[-2:]))

    try:
        wait_until(settled, seconds=120, what="everything is settled")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen[-1]}\n{stack.logs()[-3000:]}") from error


def _is_open(queue: dict[str, Any]) -> bool:
    return any(queue[name] for name in ("queued", "sending", "unknown", "webhooksPending"))


def replay_poisoned(stack: TwoTenants) -> None:
    """Three kills while the same webhook was read alone put it into quarantine, for the operator to have it read."""
    rows = stack.cli("webhook", "list", "--verdict", "quarantined")["data"]
    assert {row["reason"] for row in rows} <= {"poison"}
    for row in rows:
        stack.cli("webhook", "replay", str(row["id"]))
    if rows:
        drain(stack)


def examine(stack: TwoTenants, told: set[str]) -> list[Row]:
    """I1, I2, I6 and I7: the file against what was answered."""
    with db.side_connection(stack.file) as file:
        assert list(file.execute("PRAGMA integrity_check")) == [("ok",)]
        assert list(file.execute("PRAGMA foreign_key_check")) == []
        [(total,)] = file.execute("SELECT count(*) FROM message WHERE direction = 'IN'")
        received = list(file.execute(RECEIVED))
        assert len(received) == total, "a message is of one tenant and its channel or customer of another"
        stored = Counter(row[0] for row in received)
        assert told <= set(stored), "a message that was answered 200 is not in the file"
        assert set(stored.values()) == {1}
        for vendor_id, slug, number, wa_id in received:
            said = EVERYTHING[vendor_id]
            assert (slug, number, wa_id) == (said.channel.tenant, said.channel.number, said.customer)
        assert list(file.execute("SELECT count(*) FROM message WHERE answer_due_at IS NOT NULL")) == [(0,)]
        rows = [Row(*row) for row in file.execute(ANSWERS)]
        assert Counter(row.asked for row in rows) == stored, "not every message was answered exactly once"
        assert list(file.execute("SELECT count(*) FROM attempt WHERE lease_until IS NOT NULL")) == [(0,)]
        unread = "SELECT verdict, reason, problems FROM webhook WHERE verdict <> 'accepted' OR reading <> 'done'"
        assert list(file.execute(unread)) == [], "a webhook could not be read"
    return rows


def accepted(stack: TwoTenants, rows: list[Row]) -> Counter[str]:
    """How often each message of ours was accepted, by the right provider, with the right credentials, for the right
    customer."""
    asked = {row.uid: EVERYTHING[row.asked] for row in rows}
    lines = [(reference(line)[0], line) for line in stack.ledger()]
    for uid, line in lines:
        said = asked[uid]
        assert sender_of(line) == (said.channel.account, said.customer), f"{uid} went astray"
    return Counter(uid for uid, _ in lines)


def test_without_kills_every_message_is_answered_by_exactly_one_accepted_send(tmp_path: Path) -> None:
    with running(tmp_path, WABOT_UNKNOWN_DEADLINE="3") as stack:
        told = answered_200(flood(stack))
        drain(stack)
        rows = examine(stack, told)
        sends = accepted(stack, rows)
        assert len(told) == len(rows) == len(sends)
        assert set(sends.values()) == {1}
        assert not any(row.resent for row in rows)


@pytest.mark.parametrize("statuses", [True, False], ids=["with statuses", "without statuses"])
def test_ten_kills_of_each_process_lose_nothing_and_double_nothing_unflagged(tmp_path: Path, statuses: bool) -> None:
    with running(tmp_path, statuses=statuses, WABOT_UNKNOWN_DEADLINE="3") as stack:
        seed = random.SystemRandom().randrange(1 << 30)
        print("seed", seed)
        points = sorted(random.Random(seed).sample(range(5, 400), 2 * KILLS))
        killer = threading.Thread(target=_kill_at, args=(stack, points))
        killer.start()
        told = answered_200(flood(stack))
        killer.join(200)
        assert not killer.is_alive(), "not every kill came to pass"
        drain(stack)
        replay_poisoned(stack)
        rows = examine(stack, told)
        sends = accepted(stack, rows)
        for row in rows:
            n = sends[row.uid]
            assert n <= 1 or (n == 2 and row.resent), f"{row.uid} was accepted {n} times"
            assert n >= 1 or row.status == "dead", f"{row.uid} is {row.status} and was never accepted"
            assert row.status != "dead" or row.attempts in LOST_TWICE, f"{row.uid} was given up after {row.attempts}"


def _kill_at(stack: TwoTenants, points: list[int]) -> None:
    """Kill web and consumer in turn, each as soon as the ledgers have that many lines, and start it again."""
    for n, point in enumerate(points):
        wait_until(lambda point=point: len(stack.ledger()) >= point, seconds=120, what=f"{point} sends")
        if n % 2:
            stack.kill(stack.web)
            stack.start_web()
        else:
            stack.kill(stack.consumer)
            stack.start_consumer()
