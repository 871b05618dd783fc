"""Rows written: `store.db.write` from many threads against a bare APSW loop that commits each row by itself."""

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from tests import bench_machine
from tests.bench_figures import Figure, Part, quantile
from tests.bench_machine import Meter
from wabot.store import db, migrate, webhooks

ROUNDS = 5
THREADS = 16
SECONDS = 1.0
BODY = b"\x00" + bytes(400)
_numbers = count()


def row() -> tuple[Any, ...]:
    """The values of a new journal row, as `webhooks.add` binds them."""
    key = hashlib.sha256(str(next(_numbers)).encode()).digest()
    return (None, None, "twilio", key, "/whatsapp/webhook", "application/x-www-form-urlencoded", BODY, len(BODY),
            "accepted", "pending", "", 1_800_000_000_000)  # fmt: skip


class Bare:
    """A connection with wabot's pragmas and nothing around it: each row is a commit of its own."""

    def __init__(self, file: Path) -> None:
        self._connection = db.connect(file)
        self._connection.execute("PRAGMA query_only=OFF")

    def write(self) -> None:
        list(self._connection.execute(webhooks._ADD, row()))

    def close(self) -> None:
        self._connection.close()


def through_write() -> None:
    """The same row, through the one way to write."""
    values = row()
    db.write(lambda: db.rows(webhooks._ADD, *values))


def timed(write: Callable[[], object]) -> float:
    """The milliseconds that it took."""
    began = time.perf_counter()
    write()
    return 1000 * (time.perf_counter() - began)


def measure(parent: Path) -> Part:
    """Five rounds in turns on one file."""
    rounds: dict[str, list[_Round]] = {"write": [], "bare": []}
    with tempfile.TemporaryDirectory(dir=parent, prefix="bench-") as folder:
        file = Path(folder) / "wabot.db"
        migrate.migrate(file)
        db.database.open(file)
        with closing(Bare(file)) as bare:
            for n in range(ROUNDS):
                turns = [("write", through_write, THREADS), ("bare", bare.write, 1)]
                for name, write, threads in turns if n % 2 else reversed(turns):
                    rounds[name].append(_round(write, threads))
        db.database.shut()
    return _part(rounds["write"], rounds["bare"])


class _Round:
    """What the threads of one round wrote, each row's milliseconds, and the cores that this process kept busy."""

    def __init__(self, write: Callable[[], object], threads: int) -> None:
        self._write, self._until = write, time.perf_counter() + SECONDS
        with Meter() as meter, ThreadPoolExecutor(threads) as pool:
            began = time.perf_counter()
            self.milliseconds = [one for found in pool.map(self._work, range(threads)) for one in found]
            self.per_second = len(self.milliseconds) / (time.perf_counter() - began)
        self.cores = meter.cores

    def _work(self, _: int) -> list[float]:
        taken = []
        while time.perf_counter() < self._until:
            taken.append(timed(self._write))
        return taken

    def at(self, share: float) -> float:
        return quantile(self.milliseconds, share)
