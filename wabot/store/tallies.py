"""Counters for metrics, written with the change that they count, so that they are exact over restarts and
processes and outlive the rows that they counted."""

import json
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock
from wabot.store import db

WEBHOOKS = "webhooks"
MESSAGES = "messages"
SEND_SECONDS = "send_seconds"
WEBHOOK_SECONDS = "webhook_seconds"
FORMER_SECRETS = "former_secrets"
USAGE_PULLS = "usage_pulls"
MESSAGES_SAVED = "messages_saved"
BOOTSTRAPS = "bootstraps"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Upper bounds of the histograms' buckets, in seconds."""
NOTED_FOR = timedelta(seconds=1)
MOST_NOTED = 10_000
_noted: deque["Noted"] = deque(maxlen=MOST_NOTED)
_fetching = threading.Lock()
_SUM = "sum_us"
_ADD = """
INSERT INTO tally (name, labels, value) VALUES (?, ?, ?)
ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value
"""
_INF = "+Inf"


@dataclass(frozen=True, slots=True)
class Noted:
    """An observation that waits for a write to go along with."""

    at: datetime
    name: str
    seconds: float
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many observations were at most each bound (`+Inf`: all of them), and their sum in seconds."""

    labels: Mapping[str, str]
    buckets: Mapping[str, int]
    total_seconds: float


def count(name: str, by: int = 1, /, **labels: str) -> None:
    """Inside a write: add to a counter."""
    _add(name, by, labels)


def _add(name: str, by: int, labels: Mapping[str, str]) -> None:
    db.add_up(_ADD, name, json.dumps(labels, sort_keys=True), by=by)


def observe(name: str, seconds: Iterable[float], **labels: str) -> None:
    """Inside a write: add observations to a histogram."""
    added: Counter[str] = Counter()
    for value in seconds:
        added[next((str(bound) for bound in BOUNDS if value <= bound), _INF)] += 1
        added[_SUM] += round(max(0.0, value) * 1e6)
    for part, by in added.items():
        _add(name, by, {**labels, "le": part})


def note(name: str, seconds: float, **labels: str) -> None:
    """An observation that has no write of its own: it is written with the next one that `noted` is given to.
    What nobody fetches in time is dropped: a histogram may miss a few, a counter never does."""
    _noted.append(Noted(clock.now(), name, seconds, tuple(labels.items())))


def noted() -> list[Noted]:
    """What was noted since the last call, for `write_noted`; nothing until a second's worth is together, because
    a thousand observations cost no more statements than one."""
    with _fetching:
        if not _noted or abs(clock.now() - _noted[0].at) < NOTED_FOR:
            return []
        return [_noted.popleft() for _ in range(len(_noted))]


def write_noted(observations: Iterable[Noted]) -> None:
    """Inside a write: add observations to their histograms."""
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = {}
    for one in observations:
        together.setdefault((one.name, one.labels), []).append(one.seconds)
    for (name, labels), seconds in together.items():
        observe(name, seconds, **dict(labels))


def counters(name: str) -> list[tuple[dict[str, str], int]]:
    """A counter's values by their labels."""
    found = db.rows("SELECT labels, value FROM tally WHERE name = ? ORDER BY labels", name)
    return [(json.loads(labels), value) for labels, value in found]


def histograms(name: str) -> list[Histogram]:
    """A histogram's values by their labels, the buckets cumulative."""
    by_labels: dict[str, dict[str, int]] = {}
    for labels, value in counters(name):
        bound = labels.pop("le")
        by_labels.setdefault(json.dumps(labels, sort_keys=True), {})[bound] = value
    return [_histogram(json.loads(labels), values) for labels, values in by_labels.items()]


def _histogram(labels: Mapping[str, str], values: Mapping[str, int]) -> Histogram:
    buckets, seen = {}, 0
    for bound in (*map(str, BOUNDS), _INF):
        seen += values.get(bound, 0)
        buckets[bound] = seen
    return Histogram(labels, buckets, values.get(_SUM, 0) / 1e6)
