"""Eight processes send 2,000 requests drawn from the same 500 webhooks while web and consumer are killed
(-9) at points counted by the provider's ledger; then the ledger and the file are held against each other."""

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.spine.stack import ACCOUNT, NUMBER, ROOT, TOKEN, Stack, reference, running, wait_until
from wabot.store import db

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

WEBHOOKS, REQUESTS, SENDERS, KILLS = 500, 2000, 8, 10

SENDER = """
import json, random, sys, time
import requests
sys.path.insert(0, sys.argv[1])
from tests.fakes.twilio import sign
url, token, account, number = sys.argv[2:6]
seed, count, webhooks = map(int, sys.argv[6:9])
chance = random.Random(seed)
answered = []
for _ in range(count):
    n = chance.randrange(webhooks)
    sid = "SM%032x" % n
    customer = "+9665%08d" % n
    form = {"MessageSid": sid, "AccountSid": account, "From": "whatsapp:" + customer, "To": "whatsapp:" + number,
            "Body": f"hello {n}", "NumMedia": "0", "SmsStatus": "received", "ProfileName": "", "WaId": customer[1:]}
    for _ in range(200):
        try:
            headers = {"X-Twilio-Signature": sign(url, form, token)}
            if requests.post(url, data=form, headers=headers, timeout=15).status_code == 200:
                answered.append(sid)
                break
        except requests.RequestException:
            pass
        time.sleep(0.05)
print(json.dumps(answered))
"""


@dataclass(frozen=True)
class Row:
    uid: str
    status: str
    resent: bool
    key: str


def flood(stack: Stack) -> list[subprocess.Popen[str]]:
    """Start the senders; each prints the ids that were answered 200."""
    fixed = [str(ROOT), f"{stack.url}/whatsapp/webhook", TOKEN, ACCOUNT, NUMBER]
    senders = []
    for seed in range(SENDERS):
        numbers = [str(seed), str(REQUESTS // SENDERS), str(WEBHOOKS)]
        command = [sys.executable, "-c", SENDER, *fixed, *numbers]
        senders.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    return senders


def answered_200(senders: list[subprocess.Popen[str]]) -> set[str]:
    told: set[str] = set()
    for sender in senders:
        out, _ = sender.communicate(timeout=250)
        assert sender.returncode == 0
        told |= set(json.loads(out))
    return told


def drain(stack: Stack) -> None:
    """Wait until nothing is open any more."""

    def settled() -> bool:
        queue = stack.cli("queue")
        return not any(queue[name] for name in ("queued", "sending", "unknown", "webhooksPending"))

    wait_until(settled, seconds=120, what="everything is settled")


def examine(stack: Stack, told: set[str]) -> list[Row]:
    """I1, I2 and I7: the file against what was answered."""
    with db.side_connection(stack.file) as file:
        assert list(file.execute("PRAGMA integrity_check")) == [("ok",)]
        assert list(file.execute("PRAGMA foreign_key_check")) == []
        stored = Counter(
            row[0] for row in file.execute("SELECT provider_message_id FROM message WHERE direction = 'IN'")
        )
        assert told <= set(stored), "a webhook that was answered 200 is not in the file"
        assert set(stored.values()) == {1}
        assert list(file.execute("SELECT count(*) FROM message WHERE answer_due_at IS NOT NULL")) == [(0,)]
        out = "SELECT uid, status, resent_unknown, idempotency_key FROM message WHERE direction = 'OUT'"
        rows = [Row(*row) for row in file.execute(out)]
        incoming = {f"answer:{row[0]}:1" for row in file.execute("SELECT id FROM message WHERE direction = 'IN'")}
        assert {row.key for row in rows} == incoming, "not every message was answered exactly once"
        assert list(file.execute("SELECT count(*) FROM attempt WHERE lease_until IS NOT NULL")) == [(0,)]
    return rows


def test_without_kills_every_webhook_is_answered_by_exactly_one_accepted_send(tmp_path: Path) -> None:
    with running(tmp_path, "--callbacks", WABOT_UNKNOWN_DEADLINE="3") as stack:
        told = answered_200(flood(stack))
        drain(stack)
        rows = examine(stack, told)
        accepted = Counter(reference(line)[0] for line in stack.ledger())
        assert len(told) == len(rows) == len(accepted)
        assert set(accepted.values()) == {1}
        assert not any(row.resent for row in rows)


@pytest.mark.parametrize("callbacks", [("--callbacks",), ()], ids=["with statuses", "without statuses"])
def test_ten_kills_of_each_process_lose_nothing_and_double_nothing_unflagged(
    tmp_path: Path, callbacks: tuple[str, ...]
) -> None:
    with running(tmp_path, *callbacks, WABOT_UNKNOWN_DEADLINE="3") as stack:
        seed = random.SystemRandom().randrange(1 << 30)
        print("seed", seed)
        points = sorted(random.Random(seed).sample(range(5, 400), 2 * KILLS))
        killer = threading.Thread(target=_kill_at, args=(stack, points))
        killer.start()
        told = answered_200(flood(stack))
        killer.join(200)
        assert not killer.is_alive(), "not every kill came to pass"
        drain(stack)
        rows = examine(stack, told)
        accepted = Counter(reference(line)[0] for line in stack.ledger())
        for row in rows:
            sends = accepted[row.uid]
            assert sends <= 1 or (sends == 2 and row.resent), f"{row.uid} was accepted {sends} times"
            assert sends >= 1 or row.status == "dead", f"{row.uid} is {row.status} and was never accepted"
        assert sum(row.status == "dead" for row in rows) <= KILLS


def _kill_at(stack: Stack, points: list[int]) -> None:
    """Kill web and consumer in turn, each as soon as the ledger has that many lines, and start it again."""
    for n, point in enumerate(points):
        wait_until(lambda point=point: len(stack.ledger()) >= point, seconds=120, what=f"{point} sends")
        if n % 2:
            stack.kill(stack.web)
            stack.start_web()
        else:
            stack.kill(stack.consumer)
            stack.start_consumer()
