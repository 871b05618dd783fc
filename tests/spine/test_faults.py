"""Faults of the machine under real processes: two workers at the same instant, a disk without room."""

import resource
import threading
from pathlib import Path

import pytest
import requests

from tests.spine.stack import reference, running, wait_until
from tests.spine.test_round_trip import inbound, post
from wabot.store import db

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

ROUNDS = 200


def test_the_same_webhook_at_the_same_instant_on_two_workers_is_one_row_and_one_reply(tmp_path: Path) -> None:
    with running(tmp_path, WABOT_WEB_WORKERS="2", WABOT_THREADS="4") as stack:
        barrier = threading.Barrier(2)
        codes: list[int] = []

        def send() -> None:
            for n in range(ROUNDS):
                form = inbound(f"SM{n:032x}", f"hello {n}", customer=f"+96655{n:07d}")
                barrier.wait(30)
                codes.append(post(stack, form).status_code)

        pair = [threading.Thread(target=send) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        assert codes == [200] * (2 * ROUNDS)
        wait_until(lambda: len(stack.ledger()) >= ROUNDS, seconds=60, what="every message is answered")
        wait_until(lambda: stack.cli("queue")["queued"] == 0, seconds=30, what="nothing is left to send")
        assert len({reference(sent)[0] for sent in stack.ledger()}) == len(stack.ledger()) == ROUNDS
        with db.side_connection(stack.file) as file:
            assert list(file.execute("SELECT count(*) FROM message WHERE direction = 'IN'")) == [(ROUNDS,)]
            assert list(file.execute("SELECT sum(duplicates), count(*) FROM webhook")) == [(ROUNDS, ROUNDS)]


def test_without_room_webhooks_get_503_reads_go_on_and_it_recovers_without_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        assert post(stack, inbound("SM" + "1" * 32, "hello")).status_code == 200
        wait_until(stack.ledger, seconds=20, what="the answer")
        workers = _web_workers(stack.web.pid if stack.web else 0)
        for pid in workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        refused = post(stack, inbound("SM" + "2" * 32, "hello again"))
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert requests.get(f"{stack.url}/health/live", timeout=20).status_code == 503
        assert stack.api("/restaurants/demo/conversations")["data"]
        for pid in workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert post(stack, inbound("SM" + "2" * 32, "hello again")).status_code == 200
        wait_until(lambda: len(stack.ledger()) == 2, seconds=20, what="the retried webhook is answered")
        with db.side_connection(stack.file) as file:
            assert list(file.execute("PRAGMA integrity_check")) == [("ok",)]


def _web_workers(parent: int) -> list[int]:
    """The processes that the web server forked."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children]
