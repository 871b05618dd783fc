"""`/metrics` in Prometheus' text format. Everything is read from the file when it is asked for, so the figures
are those of all processes and survive restarts; labels are words of ours, never a tenant or a number."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wabot import clock
from wabot.store import db, inspect, outbox, tallies, workers
from wabot.web import auth
from wabot.web.problems import Problem
from wabot.web.proxies import FORWARDING, is_loopback

blueprint = Blueprint("metrics", __name__)

_COUNTERS = (
    (tallies.WEBHOOKS, "Requests on the webhook routes, by what became of them.", ("provider", "verdict")),
    (tallies.MESSAGES, "Messages that came into each state.", ("direction", "status")),
    (tallies.MESSAGES_SAVED, "Answers that were not sent, because one to the whole burst stood for them.", ()),
    (tallies.BOOTSTRAPS, "Welcome bootstraps that have ended, by how.", ("status",)),
    (tallies.FORMER_SECRETS, "Webhooks that were signed with credentials replaced before.", ("provider",)),
    (tallies.USAGE_PULLS, "Usage pulls of one channel, by what became of them; each failed try counts.", ("result",)),
)
_HISTOGRAMS = (
    (tallies.SEND_SECONDS, "Seconds that a provider took for one send."),
    (tallies.WEBHOOK_SECONDS, "Seconds until a webhook was written down and could be answered."),
)


@blueprint.get("/metrics")
def metrics() -> Response:
    """The metrics, for a scraper on this machine and for the operator."""
    if not _is_direct_from_here() and not auth.is_admin():
        raise Problem(401, "unauthorized", "A valid credential is needed.")
    registry = CollectorRegistry()
    registry.register(_Figures())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _is_direct_from_here() -> bool:
    forwarded = any(name in request.headers for name in FORWARDING)
    return is_loopback(request.remote_addr or "") and not forwarded


class _Figures(Collector):
    """One look at the file."""

    def collect(self) -> Iterator[Metric]:
        """Every metric with its present value."""
        yield from _counters()
        yield from _histograms()
        yield from _gauges()


def _counters() -> Iterator[Metric]:
    for name, meaning, labels in _COUNTERS:
        family = CounterMetricFamily(f"wabot_{name}", meaning, labels=labels)
        for values, count in tallies.counters(name):
            family.add_metric([values[label] for label in labels], count)
        yield family


def _histograms() -> Iterator[Metric]:
    for name, meaning in _HISTOGRAMS:
        family = HistogramMetricFamily(f"wabot_{name}", meaning, labels=("provider",))
        for found in tallies.histograms(name):
            family.add_metric([found.labels["provider"]], list(found.buckets.items()), found.total_seconds)
        yield family


def _gauges() -> Iterable[Metric]:
    now, states = clock.now(), outbox.depths()
    beat, oldest = workers.last_beat("consumer"), outbox.oldest_due(now)
    family = GaugeMetricFamily("wabot_outbox", "Outgoing messages that are open, by state.", labels=("state",))
    for state in ("queued", "sending", "unknown"):
        family.add_metric([state], states[state])
    yield family
    simple = {
        "oldest_due_seconds": ("How long the longest waiting message has been due.", _age(oldest)),
        "dead_letters": ("Messages that were given up.", states["dead"]),
        "channels_paused": ("Channels that send nothing.", inspect.waiting().channels_paused),
        "consumer_beat_age_seconds": ("Seconds since the consumer was last at work; -1: never.", _age(beat, -1.0)),
        "db_bytes": ("Size of the database file.", _size("")),
        "wal_bytes": ("Size of its write-ahead log.", _size("-wal")),
    }
    for name, (meaning, value) in simple.items():
        yield GaugeMetricFamily(f"wabot_{name}", meaning, value=value)


def _age(moment: datetime | None, absent: float = 0.0) -> float:
    return (clock.now() - moment).total_seconds() if moment else absent


def _size(suffix: str) -> int:
    path = db.database.path.with_name(db.database.path.name + suffix)
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
