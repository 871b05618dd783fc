"""Posts the provider's webhooks: late, twice, at the same instant, mixed into batches; and again, as Meta does, until
each was answered 2xx. What was posted and what it was answered stands in the journal before the next step."""

import contextlib
import heapq
import itertools
import random
import threading
import time
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

MOST_IN_A_BATCH = 6
THREADS = 12
PATIENCE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 2.0
IMPATIENT, REPEATED = 0.04, 0.10
"""The share of posts whose answer nobody waits for, and of items that are told again after they were answered."""


def _is_fresh(items) -> bool:
    """Never told before: what was, is told again in the same body."""
    return not items[0].tries and not items[0].extra.get("again")


class Courier:
    """`note` writes a line of the journal; `base` is where webhooks go."""

    def __init__(self, seed: int, vendors, note, base: str):
        self._chance, self._vendors, self._note, self._base = random.Random(f"{seed}/courier"), vendors, note, base
        self._heap, self._order, self._lock = [], itertools.count(), threading.Condition()
        self._busy, self._calm = 0, False
        for _ in range(THREADS):
            threading.Thread(target=self._work, daemon=True).start()

    def plan(self, items, after: float) -> None:
        """Tell these in `after` seconds; they stay together if their vendor batches."""
        with self._lock:
            heapq.heappush(self._heap, (time.monotonic() + after, next(self._order), list(items)))
            self._lock.notify()

    def calm(self) -> None:
        """From now on nothing is repeated and nobody is impatient."""
        self._calm = True

    def waiting(self) -> int:
        """How many requests are still to be answered 2xx."""
        with self._lock:
            return len(self._heap) + self._busy

    def _work(self):
        while True:
            items = self._take()
            try:
                self._tell(items)
            finally:
                with self._lock:
                    self._busy -= 1

    def _take(self):
        with self._lock:
            while not self._heap or self._heap[0][0] > time.monotonic():
                self._lock.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
            items = heapq.heappop(self._heap)[2]
            self._busy += 1
            if _is_fresh(items) and items[0].channel.provider == "meta" and self._chance.random() < 0.6:
                self._gather(items)
            return items

    def _gather(self, items):
        """Other items of the same app that are due go into the same body, whosesoever number they are for."""
        now, rest = time.monotonic(), []
        while self._heap and self._heap[0][0] <= now and len(items) < MOST_IN_A_BATCH:
            entry = heapq.heappop(self._heap)
            others = entry[2]
            alike = others[0].channel.secret == items[0].channel.secret and others[0].channel.provider == "meta"
            if alike and _is_fresh(others):
                items.extend(others)
            else:
                rest.append(entry)
        for entry in rest:
            heapq.heappush(self._heap, entry)

    def _tell(self, items):
        url, body, headers = self._vendors[items[0].channel.provider].request(items, self._base)
        keys = [item.key for item in items]
        self._note("posting", keys=keys)
        impatient = not self._calm and self._chance.random() < IMPATIENT
        answer = self._post(url, body, headers, impatient)
        if answer is not None:
            self._note("posted", keys=keys, answer=answer)
        if answer is None or not 200 <= answer < 300:
            for item in items:
                item.tries += 1
            self.plan(items, min(LONGEST_PAUSE_SECONDS, 0.15 * 2 ** min(items[0].tries, 6)))
        elif not self._calm:
            self._repeat(items)

    def _repeat(self, items):
        """The same body again; or, of what can be read, one item by itself, so that only its own id tells."""
        if self._chance.random() > REPEATED * len(items):
            return
        chosen = self._chance.choice(items)
        again = items if len(items) == 1 or chosen.extra.get("bad") or self._chance.random() < 0.5 else [chosen]
        copies = [replace(item, tries=0, extra={**item.extra, "again": True}) for item in again]
        for _ in range(self._chance.choice((1, 1, 2))):
            self.plan(copies, self._chance.choice((0.0, 0.0, 0.5, 4.0)))

    @staticmethod
    def _post(url, body, headers, impatient):
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        with contextlib.closing(HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)) as connection:
            try:
                connection.request("POST", target, body, headers)
                return None if impatient else connection.getresponse().status
            except (OSError, HTTPException):
                return None
