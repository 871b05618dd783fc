"""From a webhook to the provider's call: one message at a time, next to what one bare commit costs."""

import random
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tests import bench_load, bench_machine
from tests.bench_figures import Figure, Part, Target, quantile, shown
from tests.bench_stack import Ledger, installed, meter, sender
from tests.bench_writes import Bare, fresh_file, timed
from tests.spine.stack import Stack
from wabot.store import db

WARM, MESSAGES, AFTER_SILENCE = 10, 100, 10
PAUSE_SECONDS, SILENCE_SECONDS = 0.04, 2.2
COMMITS, OVER_MS = 6, 20
STAGES = ("taken in", "read", "answered", "claimed", "called")
TIMES = """
SELECT w.received_at, w.read_at, o.created_at, a.started_at FROM customer c
JOIN message i ON i.customer_id = c.id AND i.direction = 'IN' JOIN webhook w ON w.id = i.webhook_id
JOIN message o ON o.customer_id = c.id AND o.direction = 'OUT' JOIN attempt a ON a.message_id = o.id
WHERE c.address = ?
"""


@dataclass(frozen=True, slots=True)
class Trip:
    """A message of one customer: wall times in seconds, and a bare commit's milliseconds just after."""

    customer: str
    sent_at: float
    accepted_at: float
    called_at: float
    commit_ms: float

    @property
    def accepted_ms(self) -> float:
        return 1000 * (self.accepted_at - self.sent_at)

    @property
    def called_ms(self) -> float:
        return 1000 * (self.called_at - self.sent_at)


class Traveller:
    """Sends one message at a time, each of a customer of its own."""

    def __init__(self, stack: Stack, ledger: Ledger, bare: Bare) -> None:
        self._stack, self._ledger, self._bare = stack, ledger, bare
        self._numbers = count(1)

    def travel(self, times: int, pause_seconds: float) -> list[Trip]:
        with closing(bench_load.connect(self._stack.port)) as connection:
            return [self._trip(connection, pause_seconds) for _ in range(times)]

    def _trip(self, connection: Any, pause_seconds: float) -> Trip:
        n = next(self._numbers)
        customer = f"+9665{n:08d}"
        request = bench_load.webhook(n, self._stack.port, customer, sender(self._stack, 1))
        time.sleep(pause_seconds + random.uniform(0, 0.02))
        sent_at = time.time()
        if bench_load.exchange(connection, request) != "200":
            sys.exit("bench: a webhook was not taken")
        accepted_at = time.time()
        called = self._ledger.next()
        assert called["To"] == f"whatsapp:{customer}"
        time.sleep(PAUSE_SECONDS)
        return Trip(customer, sent_at, accepted_at, called["time"], timed(self._bare.write))


def measure(parent: Path, *, slow: bool) -> Part:
    """A hundred messages in a busy hour, then some that each come after a silence."""
    with (
        installed(parent, tenants=1, slow=slow) as stack,
        fresh_file(parent) as file,
        closing(Bare(file, slow=slow)) as bare,
        Ledger(stack) as ledger,
    ):
        stack.start_web()
        stack.start_consumer()
        traveller = Traveller(stack, ledger, bare)
        traveller.travel(WARM, PAUSE_SECONDS)
        with meter(stack) as busy:
            trips = traveller.travel(MESSAGES, PAUSE_SECONDS)
        late = traveller.travel(AFTER_SILENCE, SILENCE_SECONDS)
        return _part(trips, late, [_stages(stack, trip) for trip in trips], busy.cores)


def _stages(stack: Stack, trip: Trip) -> list[float]:
    """The milliseconds between the moments that the file knows of; those in the file are whole milliseconds."""
    with db.side_connection(stack.file) as file:
        [times] = file.execute(TIMES, (trip.customer,))
    moments = [1000 * trip.sent_at, *times, 1000 * trip.called_at]
    return [after - before for before, after in pairwise(moments)]


def _part(trips: Sequence[Trip], late: Sequence[Trip], stages: list[list[float]], cores: dict[str, float]) -> Part:
    commit = median(trip.commit_ms for trip in trips)
    target = Target(OVER_MS + COMMITS * commit, at_most=True)
    figures = [
        _figure("webhook → 200, p50", [trip.accepted_ms for trip in trips], 0.5, commit),
        _figure("webhook → provider's call, p50", [trip.called_ms for trip in trips], 0.5, commit, target),
        _figure("webhook → provider's call, p99", [trip.called_ms for trip in trips], 0.99, commit),
        _figure(f"after {SILENCE_SECONDS} s of silence, p50", [trip.called_ms for trip in late], 0.5, commit),
    ]
    parts = [f"{name} {shown(median(column))}" for name, column in zip(STAGES, zip(*stages, strict=True), strict=True)]
    notes = [f"medians in ms: {', '.join(parts)}", bench_machine.words(cores)]
    details = {"calledMs": [trip.called_ms for trip in trips], "afterSilenceMs": [trip.called_ms for trip in late],
               "acceptedMs": [trip.accepted_ms for trip in trips], "commitMs": [trip.commit_ms for trip in trips],
               "stages": STAGES, "stagesMs": stages}  # fmt: skip
    return Part("One message at a time", figures, notes, details)


def _figure(name: str, values: Sequence[float], share: float, commit: float, target: Target | None = None) -> Figure:
    return Figure(name, "ms", [quantile(values, share)], "one bare commit", [commit], target)
