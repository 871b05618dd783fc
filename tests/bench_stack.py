"""Installations for the benchmark: wabot as it runs, the empty endpoint beside it, and the load generator."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

from tests.bench_load import Order, Outcome, Sender
from tests.bench_machine import Meter
from tests.bench_tenants import number
from tests.spine.stack import ACCOUNT, ROOT, TOKEN, Stack, wait_until

CUSTOMERS = 2000
MOST_PER_SECOND = 8000
"""How many webhooks are made ready for each second of a round."""
LOG_SHOWN = 3000


class Slow(Stack):
    """An installation on a slow disk."""

    def _start(self, module: str, target: str) -> subprocess.Popen[bytes]:
        return super()._start(f"tests.bench_slow {module}", target)


@contextmanager
def installed(parent: Path, *, tenants: int, slow: bool = False) -> Iterator[Stack]:
    """Tenants with a channel each and the imitated provider, in a folder that is gone afterwards; no wabot yet."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="bench-") as folder:
        stack = (Slow if slow else Stack)(Path(folder), {"WABOT_LOG_LEVEL": "warning"})
        try:
            stack.start_provider()
            stack.cli("migrate")
            fill = [sys.executable, "-m", "tests.bench_tenants", str(tenants)]
            subprocess.run(fill, cwd=ROOT, env=stack.environment(), check=True)
            yield stack
        except (Exception, SystemExit):
            print(stack.logs()[-LOG_SHOWN:], file=sys.stderr)
            raise
        finally:
            stack.stop()


class Empty(Stack):
    """The empty endpoint, with the settings of the installation beside it."""

    def start_web(self) -> None:
        self.web = self._start("gunicorn", "tests.bench_empty:app")
        wait_until(lambda: requests.get(f"{self.url}/health/live", timeout=5).ok, seconds=30, what="it answers")


@contextmanager
def empty_beside(stack: Stack) -> Iterator[Empty]:
    empty = Empty(stack.folder, stack.env)
    try:
        empty.start_web()
        yield empty
    finally:
        empty.stop()


def sender(stack: Stack, tenants: int) -> Sender:
    return Sender(stack.url, ACCOUNT, TOKEN, tuple(number(n) for n in range(tenants)))


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the load generator against one server, and the cores that each process kept busy."""

    who: str
    clients: int
    outcome: Outcome
    cores: dict[str, float]

    @property
    def per_second(self) -> float:
        return self.outcome.answered / self.outcome.seconds

    @property
    def p50(self) -> float:
        return self.outcome.p50

    @property
    def p99(self) -> float:
        return self.outcome.p99

    @property
    def web_ms(self) -> float:
        """The milliseconds that web's process computed for each answer; other load on the machine hardly moves it."""
        return 1000 * self.cores["web"] / self.per_second


class Generator:
    """The load generator's process; every webhook that it sends is a new one."""

    def __init__(self, stack: Stack, tenants: int) -> None:
        self.answered: Counter[str] = Counter()
        self._sender = sender(stack, tenants)
        self._next = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench_load"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> "Generator":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def round(self, server: Stack, *, clients: int, seconds: float) -> Round:
        """Measure one round; ends the benchmark when anything but 200 came back."""
        who = "empty" if isinstance(server, Empty) else "wabot"
        most = int(seconds * MOST_PER_SECOND)
        order = Order(server.port, clients, seconds, self._next, most, CUSTOMERS, self._sender)
        self._next += most
        self._ask(json.dumps(asdict(order)))
        with meter(server, load=self._process.pid) as measured:
            outcome = Outcome(**json.loads(self._ask("go")))
        if set(outcome.statuses) != {"200"}:
            sys.exit(f"bench: webhooks were answered {outcome.statuses}")
        self.answered[who] += outcome.answered
        return Round(who, clients, outcome, measured.cores)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline() or sys.exit("bench: the load generator failed")


def meter(stack: Stack, **more: int) -> Meter:
    """Measures the cores that the installation's processes keep busy."""
    processes = {"web": stack.web, "consumer": stack.consumer, "provider": stack.provider}
    return Meter(**{name: process.pid for name, process in processes.items() if process}, **more)


class Ledger:
    """The provider's ledger, read as it grows."""

    def __init__(self, stack: Stack) -> None:
        stack.ledger_path.touch()
        self._file = stack.ledger_path.open(encoding="utf-8")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def next(self, seconds: float = 20) -> dict[str, Any]:
        """The next send that the provider took, waited for."""
        until = time.monotonic() + seconds
        line = ""
        while not line.endswith("\n"):
            if time.monotonic() > until:
                sys.exit(f"bench: no send reached the provider within {seconds} s")
            line += self._file.readline() or time.sleep(0.001) or ""
        return json.loads(line)
