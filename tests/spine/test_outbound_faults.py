"""Faults of outbound sends under real processes (faults part B); most of them are in tests/core."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.spine.stack import Stack, reference, running, wait_until
from tests.spine.test_round_trip import inbound, post
from wabot.store import db

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


def test_a_consumer_that_was_stopped_mid_send_changes_nothing_when_it_goes_on(tmp_path: Path) -> None:
    """Faults row 46: SIGSTOP in the middle of a send; its lease runs out, another consumer takes the message over and
    sends it once more, flagged; SIGCONT: the late worker settles its own attempt, and the message stays as it is."""
    with running(tmp_path, WABOT_SEND_TIMEOUT="1", WABOT_UNKNOWN_DEADLINE="1") as stack:
        requests.post(
            f"http://127.0.0.1:{stack.provider_port}/_control",
            json={"mode": "timeout", "count": 1}, timeout=10,
        ).raise_for_status()  # fmt: skip
        assert post(stack, inbound("SM" + "1" * 32, "hello")).status_code == 200
        [first] = wait_until(stack.ledger, seconds=20, what="the first send")
        stopped = stack.consumer
        assert stopped is not None
        try:
            os.killpg(stopped.pid, signal.SIGSTOP)
            assert states(stack) == ("sending", 0, [(1, "sending", True)])
            stack.start_consumer()
            wait_until(lambda: len(stack.ledger()) == 2, seconds=60, what="another consumer sends it once more")
            wait_until(lambda: states(stack)[0] == "sent", seconds=20, what="and settles it")
            assert not settled(stack)
            before = row(stack)
            os.killpg(stopped.pid, signal.SIGCONT)
            wait_until(lambda: settled(stack), seconds=20, what="the late one settles its attempt")
            assert row(stack) == before
            assert states(stack) == ("sent", 1, [(1, "unknown", False), (2, "sent", False)])
            assert [reference(sent) for sent in stack.ledger()] == [reference(first), (reference(first)[0], 2)]
        finally:
            stack.kill(stopped)


def row(stack: Stack) -> tuple[Any, ...]:
    """The one message to the customer, with all its columns."""
    with db.side_connection(stack.file) as file:
        [values] = file.execute("SELECT * FROM message WHERE direction = 'OUT'")
        return tuple(values)


def states(stack: Stack) -> tuple[str, int, list[tuple[int, str, bool]]]:
    """The message's state, whether it says that it was sent once more, and its attempts: leased or not."""
    with db.side_connection(stack.file) as file:
        [(status, resent)] = file.execute("SELECT status, resent_unknown FROM message WHERE direction = 'OUT'")
        leased = file.execute("SELECT n, status, lease_until IS NOT NULL FROM attempt ORDER BY n")
        return status, resent, [(n, state, bool(lease)) for n, state, lease in leased]


def settled(stack: Stack) -> bool:
    """Whether the worker of the first attempt has told what became of it."""
    with db.side_connection(stack.file) as file:
        [(at,)] = file.execute("SELECT settled_at FROM attempt WHERE n = 1")
        return at is not None
