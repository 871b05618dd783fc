"""Rows written: `store.db.write` from many threads against a bare APSW loop that commits each row by itself."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import apsw

from tests import bench_machine
from tests.bench_figures import Figure, Part, quantile
from tests.bench_machine import Meter
from tests.bench_slow import slow_down
from wabot.store import db, migrate

ROUNDS = 5
THREADS = 16
SECONDS = 1.0
BODY = bytes(400)
INSERT = """
INSERT INTO webhook (provider, dedupe_key, target, content_type, body, size, verdict, reading, received_at)
VALUES ('twilio', ?, '/whatsapp/webhook', 'application/x-www-form-urlencoded', ?, ?, 'accepted', 'pending', ?)
"""
"""A journal row, as intake writes it."""
_numbers = count()


def row() -> tuple[Any, ...]:
    """The values of a new row."""
    n = next(_numbers)
    return hashlib.sha256(str(n).encode()).digest(), BODY, len(BODY), n


class Bare:
    """A connection with wabot's pragmas and nothing around it: each row is a commit of its own."""

    def __init__(self, file: Path, *, slow: bool) -> None:
        self._connection = db.connect(file)
        if slow:
            slow_down(self._connection)
        self._connection.execute("PRAGMA query_only=OFF")

    def write(self) -> None:
        self._connection.execute(INSERT, row())

    def close(self) -> None:
        self._connection.close()


def through_write() -> None:
    """The same row, by the one way to write."""
    values = row()
    db.write(lambda: db.run(INSERT, *values))


def timed(write: Callable[[], object]) -> float:
    """The milliseconds that it took."""
    began = time.perf_counter()
    write()
    return 1000 * (time.perf_counter() - began)


@contextmanager
def fresh_file(parent: Path) -> Iterator[Path]:
    """A migrated file in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="bench-") as folder:
        file = Path(folder) / "wabot.db"
        migrate.migrate(file)
        yield file


@contextmanager
def opened(file: Path) -> Iterator[None]:
    """This process works on the file."""
    db.database.open(file)
    try:
        yield
    finally:
        db.database.shut()


class Round:
    """Every row that some threads wrote in a round, and the cores that this process kept busy."""

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


def measure(parent: Path, *, slow: bool) -> Part:
    """Five rounds in turns on one file."""
    ours, bare = [], []
    with _hooked(slow), fresh_file(parent) as file, opened(file), closing(Bare(file, slow=slow)) as connection:
        for n in range(ROUNDS):
            turns = [(ours, through_write, THREADS), (bare, connection.write, 1)]
            for rounds, write, threads in turns if n % 2 else reversed(turns):
                rounds.append(Round(write, threads))
    return _part(ours, bare)


@contextmanager
def _hooked(slow: bool) -> Iterator[None]:
    """Where the disk is to be slow, every connection that is opened meanwhile is."""
    hooks = [slow_down] if slow else []
    apsw.connection_hooks += hooks
    try:
        yield
    finally:
        for hook in hooks:
            apsw.connection_hooks.remove(hook)


def _part(ours: list[Round], bare: list[Round]) -> Part:
    loop = "bare loop"
    rates = [[one.per_second for one in rounds] for rounds in (ours, bare)]
    medians, worst = ([[quantile(one.milliseconds, share) for one in rounds] for rounds in (ours, bare)]
                      for share in (0.5, 0.99))  # fmt: skip
    figures = [
        Figure(f"rows written, {THREADS} threads", "/s", rates[0], loop, rates[1]),
        Figure("one row, p50", "ms", medians[0], loop, medians[1]),
        Figure("one row, p99", "ms", worst[0], loop, worst[1]),
    ]
    notes = [f"{name}: {bench_machine.words(bench_machine.mean_cores(one.cores for one in rounds))}"
             for name, rounds in (("write", ours), (loop, bare))]  # fmt: skip
    return Part("Rows written", figures, notes)
