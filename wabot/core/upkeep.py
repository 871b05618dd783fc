"""Keep house: the beat, what was lost with a dead process, deadlines, and whether all is well."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wabot import clock, config, errors
from wabot.core import (
    budgets,
    catalogs,
    delivery,
    media,
    metering,
    policy,
    pulling,
    resolving,
    scheduling,
    submitting,
    warming,
)
from wabot.store import (
    attempts,
    bootstraps,
    buckets,
    db,
    events,
    messages,
    outbox,
    pulls,
    runs,
    sessions,
    structures,
    tenants,
    webhooks,
    workers,
)
from wabot.store.tenants import Tenant

log = logging.getLogger(__name__)

BEAT_EVERY = timedelta(seconds=5)
BEAT_IS_STALE_AFTER = timedelta(seconds=60)
LONGEST_READING = timedelta(minutes=5)
"""Reading a batch takes milliseconds; what takes longer met a file that could not be written."""
PARKED_FOR = timedelta(hours=24)
JUMP_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 1.0
MOST_FORGOTTEN = 50
"""Steps of forgetting a round, each a short write of its own."""
KEYS_KEPT = timedelta(days=7)
AT_ONCE = 500
SESSIONS_AT_ONCE = 100
KEEP_DAYS_EVERY_SECONDS = 600.0
LATE = timedelta(minutes=5)
"""How long something may be due before the queue is called degraded."""


@dataclass(slots=True)
class _Watch:
    """This process's own idea of time: when it looks next, and by how much the wall clock runs ahead of
    the monotonic one."""

    next_look: float = 0.0
    lead: float | None = None
    kept_days_at: float = float("-inf")
    wrote_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Health:
    """`status` is ok, degraded or down; the parts say why."""

    status: str
    database: str
    queue: dict[str, int] = field(default_factory=dict)
    consumer: str = "ok"


_watch = _Watch()


def next_due() -> datetime:
    """When keeping house is due next: at the latest with the next beat, at once after a start."""
    beat = clock.now() + timedelta(seconds=_watch.next_look - clock.monotonic())
    deadline = policy.next_unknown_deadline()
    return min(beat, deadline) if deadline else beat


def keep_house() -> bool:
    """One round of upkeep; always False, because one round is enough until the next is due."""
    _watch.next_look = clock.monotonic() + BEAT_EVERY.total_seconds()
    _mind_the_clock()
    now = clock.now()
    db.write(lambda: workers.beat("consumer", now))
    _abandon_what_the_dead_had()
    delivery.recover_lost()
    resolving.recover_lost()
    catalogs.recover_lost()
    warming.recover_lost()
    policy.resolve_unknown()
    pulling.recover_lost()
    forgotten = db.write(lambda: attempts.forget_parked(now - PARKED_FOR))
    if forgotten:
        log.warning("receipts for messages we never sent were dropped", extra={"count": forgotten})
    db.write(lambda: _tidy(now))
    for _ in range(MOST_FORGOTTEN):
        if not (media.forget_old(now) or catalogs.forget_old(now) or db.write(lambda: _forget(now))):
            break
    _keep_figures(now)
    return False


def _keep_figures(now: datetime) -> None:
    """Sessions of messages that are older than sessions; then yesterday's figures, soon after each midnight, and
    whether a budget is nearly spent."""
    for _ in range(MOST_FORGOTTEN):
        if not db.write(lambda: sessions.backfill(SESSIONS_AT_ONCE)):
            break
    if clock.monotonic() - _watch.kept_days_at > KEEP_DAYS_EVERY_SECONDS:
        _watch.kept_days_at = clock.monotonic()
        scheduling.keep(now)
        for tenant in tenants.all_tenants():
            _keep_figures_of(tenant, now)


def _keep_figures_of(tenant: Tenant, now: datetime) -> None:
    """One tenant's trouble, such as a time zone that is not known here, is nobody else's."""
    try:
        metering.keep_yesterday(tenant, now)
        budgets.check(tenant, now)
    except errors.CannotWrite:
        raise
    except Exception:
        log.exception("a tenant's figures cannot be kept", extra={"tenant": tenant.slug})


def _tidy(now: datetime) -> None:
    """Inside a write: what is worth nothing any more."""
    buckets.forget_full(now)
    tenants.forget_former(now)


def _forget(now: datetime) -> int:
    """Inside a write: a little of what has had its time; 0 when nothing is left of it."""
    return messages.forget_keys(now - KEYS_KEPT, AT_ONCE) or next(filter(None, _past_retention(now)), 0)


def _past_retention(now: datetime) -> Iterator[int]:
    """Inside a write: drop some of each kind whose retention is over, one after the other; 0 days keep for ever."""
    kinds = (
        ("RUNS", runs.forget),
        ("RUNS", pulls.forget),
        ("EVENTS", events.forget),
        ("BOOTSTRAPS", bootstraps.forget),
    )
    for kind, forget in kinds:
        if days := config.settings().retention_days[kind]:
            yield forget(now - timedelta(days=days), AT_ONCE)


def _mind_the_clock() -> None:
    lead = clock.now().timestamp() - clock.monotonic()
    if _watch.lead is not None and abs(lead - _watch.lead) > JUMP_SECONDS:
        delivery.mind_the_clock(lead - _watch.lead)
        media.mind_the_clock()
        submitting.mind_the_clock()
        pulling.mind_the_clock()
        catalogs.mind_the_clock()
        warming.mind_the_clock()
        _watch.kept_days_at = float("-inf")
    _watch.lead = lead


def _abandon_what_the_dead_had() -> None:
    for reader in webhooks.readers():
        if workers.is_gone(reader) and db.write(lambda reader=reader: webhooks.abandon(reader)):  # type: ignore[misc]
            log.warning("webhooks of a dead reader are read again")
    for owner in structures.owners():
        if workers.is_gone(owner):
            db.write(lambda owner=owner: structures.abandon(owner))  # type: ignore[misc]
    if webhooks.readers():
        db.write(lambda: webhooks.forget_begun(clock.now() - LONGEST_READING))


def health() -> Health:
    """Whether the file can be written and the consumer is at work."""
    now = clock.now()
    if not could_write():
        return Health("down", "the file cannot be written", consumer="unknown")
    beat = workers.last_beat("consumer")
    queue = outbox.depths()
    if beat is None or now - beat > BEAT_IS_STALE_AFTER:
        return Health("down", "ok", queue, "no beat for a minute: start the consumer")
    late = outbox.overdue(now - LATE) or webhooks.waiting_since_before(now - LATE)
    return Health("degraded" if late else "ok", "ok", queue)


def can_write() -> bool:
    """Whether a webhook could be written down now."""
    try:
        db.write(lambda: workers.beat("web", clock.now()), deadline=2)
    except errors.CannotWrite:
        log.exception("the file cannot be written")
        return False
    _watch.wrote_at = clock.monotonic()
    return True


def could_write() -> bool:
    """The same, tried at most once a second: anybody may ask, and asking costs a commit."""
    return clock.monotonic() - _watch.wrote_at < LOOK_AGAIN_SECONDS or can_write()
