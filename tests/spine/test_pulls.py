"""Usage pulls under real consumers: two of them do each once, and one that is killed in the middle is replaced."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.core.meter import day
from tests.spine.stack import Stack, wait_until
from wabot.store import db

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

TENANTS, CHANNELS = 4, 2
SLOWLY = 0.02


class Server(ThreadingHTTPServer):
    """The sandbox's figures over real HTTP: what is asked for is told; `hung` numbers get no answer the first time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.hung: set[str] = set()
        self.is_over, self.lock = threading.Event(), threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def note(self, number: str, last: str) -> bool:
        """Count a question; whether it is left without an answer."""
        with self.lock:
            self.asked[number, last] += 1
            return number in self.hung and self.asked[number, last] == 1


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        [first], [last] = query["from"], query["to"]
        hangs = self.server.note(self.headers["X-Sandbox-Number"], last)
        self.server.is_over.wait(60 if hangs else SLOWLY)
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
        told = [day((begin + timedelta(days=n)).isoformat()) for n in range((end - begin).days + 1)]
        body = json.dumps({"days": told}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.is_over.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def stack(tmp_path: Path, server: Server) -> Iterator[Stack]:
    """Some tenants of Riyadh with sandbox channels at the server, and a clock that the test moves."""
    stack = Stack(tmp_path, {"WABOT_TEST_CLOCK": str(tmp_path / "clock")})
    (tmp_path / "clock").write_text("0")
    try:
        stack.cli("migrate")
        for n in range(TENANTS):
            stack.cli("tenant", "add", f"t{n}", "--name", f"Tenant {n}")
            for m in range(CHANNELS):
                stack.cli("channel", "add", f"t{n}", "sandbox", number(n, m), "--set", f"api_base={server.url}")
        yield stack
    finally:
        stack.stop()


def number(n: int, m: int) -> str:
    return f"+9665000{n:03}{m:02}"


EVERYONE = [number(n, m) for n in range(TENANTS) for m in range(CHANNELS)]


def start_consumer(stack: Stack) -> Any:
    """One more consumer, ended with the stack."""
    stack.start_consumer()
    consumer, stack.consumer = stack.consumer, None
    assert consumer is not None
    stack.others.append(consumer)  # type: ignore[arg-type]
    return consumer


def next_nine() -> datetime:
    """Shortly after the next nine o'clock in Riyadh."""
    now = datetime.now(UTC)
    nine = now.replace(hour=6, minute=0, second=1, microsecond=0)
    return nine + timedelta(days=nine <= now)


def go_to(stack: Stack, moment: datetime) -> str:
    """It is this moment now; returns the yesterday of then."""
    (stack.folder / "clock").write_text(str((moment - datetime.now(UTC)).total_seconds()))
    return (moment - timedelta(days=1)).date().isoformat()


def results(stack: Stack) -> list[dict[str, Any]]:
    return [job["lastResult"] for job in stack.cli("usage", "jobs")["data"]]


def wait_until_pulled(stack: Stack, yesterday: str) -> None:
    def is_pulled() -> bool:
        done = {"date": yesterday, "channels": CHANNELS, "ok": CHANNELS, "skipped": 0, "failed": []}
        return results(stack) == [done] * TENANTS

    wait_until(is_pulled, seconds=120, what=f"everybody's {yesterday} is pulled")


def kept(stack: Stack) -> Counter[tuple[str, str]]:
    sql = "SELECT c.number, d.day FROM daily_usage d JOIN channel c ON c.id = d.channel_id WHERE d.source = 'provider'"
    with db.side_connection(stack.file) as file:
        assert list(file.execute("PRAGMA integrity_check")) == [("ok",)]
        return Counter((row[0], row[1]) for row in file.execute(sql))


def test_two_consumers_pull_each_day_of_each_channel_once(stack: Stack, server: Server) -> None:
    for _ in range(2):
        start_consumer(stack)
    nine = next_nine()
    wait_until_pulled(stack, go_to(stack, nine))
    wait_until_pulled(stack, go_to(stack, nine + timedelta(days=3)))
    days = [(nine + timedelta(days=n)).date().isoformat() for n in range(-3, 3)]
    assert server.asked == Counter({(each, day): 1 for each in EVERYONE for day in days[2:]})
    assert kept(stack) == Counter({(each, day): 1 for each in EVERYONE for day in days})


def test_a_consumer_that_is_killed_in_the_call_is_replaced(stack: Stack, server: Server) -> None:
    server.hung = {number(2, 1)}
    killed = start_consumer(stack)
    yesterday = go_to(stack, next_nine())
    wait_until(lambda: server.asked[number(2, 1), yesterday], seconds=60, what="the one that hangs is asked")
    stack.kill(killed)
    start_consumer(stack)
    wait_until_pulled(stack, yesterday)
    asked = {(each, yesterday): 1 for each in EVERYONE} | {(number(2, 1), yesterday): 2}
    assert server.asked == Counter(asked)
    assert set(kept(stack).values()) == {1}
    assert len(kept(stack)) == 3 * len(EVERYONE)


def test_a_pull_by_hand_and_a_consumer_share_the_work(stack: Stack, server: Server) -> None:
    start_consumer(stack)
    rows = stack.cli("usage", "pull")["data"]
    assert [row["result"] for row in rows] == ["ok"] * len(EVERYONE)
    assert set(server.asked.values()) == {1}
    assert len(server.asked) == len(EVERYONE)
