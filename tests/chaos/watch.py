"""Looks on while the storm goes: how far attempts and messages have come, since when somebody is opted out, and the
counters of /metrics. Only changes are kept."""

import contextlib
import threading
import time

import apsw
import requests

from tests.chaos.stack import ChaosStack
from wabot.store import db

LOOK_SECONDS, METRICS_EVERY = 0.25, 8
MOST_ROWS = 5000


class Watch:
    """`ranks` are the ranks seen of each attempt in order, `metrics` the samples of all series in order."""

    def __init__(self, stack: ChaosStack):
        self._stack, self._stop = stack, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.ranks: dict[tuple[int, int], list[int]] = {}
        self.metrics: list[dict[str, float]] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _work(self) -> None:
        looks = 0
        while not self._stop.wait(LOOK_SECONDS):
            with contextlib.suppress(apsw.BusyError):
                self._look()
            if looks % METRICS_EVERY == 0:
                self.sample()
            looks += 1

    def _look(self) -> None:
        """A row's id may come again after it was withdrawn, so the moment of its claim belongs to its name."""
        sql = "SELECT id, started_at, rank FROM attempt ORDER BY id DESC LIMIT ?"
        with db.side_connection(self._stack.file) as file:
            rows = list(file.execute(sql, (MOST_ROWS,)))
        for attempt_id, started_at, rank in rows:
            seen = self.ranks.setdefault((attempt_id, started_at), [])
            if not seen or seen[-1] != rank:
                seen.append(rank)

    def sample(self) -> str | None:
        """The text of /metrics now, kept as a sample; None while web does not answer."""
        try:
            answer = requests.get(f"{self._stack.url}/metrics", timeout=10)
        except requests.RequestException:
            return None
        if answer.status_code != 200:
            return None
        self.metrics.append(series(answer.text) | {"_t": time.time()})
        return answer.text


def series(text: str) -> dict[str, float]:
    """Every series of an exposition with its value."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}
