"""Sending again what failed, because somebody asks: one message, some, or all that a filter finds. Each is one attempt
more of the same message; nothing begins its retry plan anew. Many are a run that goes on in the background."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wabot import clock, errors, words
from wabot.core import costing, estimating, retryable
from wabot.core.retryable import Skipped
from wabot.store import audit, db, failed, messages, rules, runs, tenants
from wabot.store.failed import Wanted
from wabot.store.messages import Message
from wabot.store.runs import Run, RunState
from wabot.store.usage import Group

MOST_AT_ONCE = 100
"""More than these are a run in the background."""
STEP = 50
"""Messages of a run in one write."""


@dataclass(slots=True)
class Result:
    """What a retry did so far; `run_id` is a run's, and `is_over` whether it has come to its end."""

    run_id: int
    retried: list[int] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    is_over: bool = True


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a retry would do: how many messages it finds, for how many of them the window has closed, and what the
    others would cost, as it is shown; None where a price is unknown, or in several currencies."""

    matching: int
    outside_window: int
    cost: dict[str, Any] | None


def retry_one(
    tenant_id: int | None, message_id: int, *, by: words.AttemptBy, actor: str, force: bool = False
) -> Result:
    """Have a message sent again, now. Raises NotFound; Conflict for one that has not failed, forced or not; Refused
    for one that it cannot help, unless forced."""

    def store() -> Result:
        now = clock.now()
        message = _find(tenant_id, message_id)
        why = retryable.why_not(message, now)
        if why and why.code == "not_failed":
            raise errors.Conflict(why.reason)
        if why and not force:
            raise errors.Refused(why.code, why.reason)
        retryable.send_again(message, by, now)
        audit.note("retry", now, actor=actor, tenant=message.tenant.slug, subject=f"message {message.id}")
        wanted = Wanted(ids=(message.id,))
        run = _begin(tenant_id, wanted, force=force, by=by, last_id=message.id, total=1, created_at=now)
        runs.advance(run.id, cursor=message.id, done=1, retried=1, skipped=0)
        runs.end(run.id, RunState.DONE, now)
        return Result(run.id, [message.id])

    return db.write(store)


def retry_many(
    tenant_id: int | None, wanted: Wanted, *, by: words.AttemptBy, actor: str, force: bool = False
) -> Result:
    """Have all messages sent again that are wanted and have failed, as far as it helps. At most MOST_AT_ONCE of them
    now, in the write that begins the run, so that nobody else takes it up; with more, all of it is done in the
    background. Of messages wanted by their ids, those that have not failed are skipped at once."""

    def store() -> Result:
        now = clock.now()
        total, last_id = failed.count(tenant_id, wanted)
        others = _others(tenant_id, wanted)
        values = {"total": total + len(others), "done": len(others), "skipped": len(others)}
        run = _begin(tenant_id, wanted, force=force, by=by, last_id=last_id, created_at=now, **values)
        tenant = tenants.by_id(tenant_id) if tenant_id is not None else None
        subject = f"run {run.id}: {total} messages"
        audit.note("retry many", now, actor=actor, tenant=tenant.slug if tenant else "", subject=subject)
        result = Result(run.id, skipped=others, is_over=total <= MOST_AT_ONCE)
        if result.is_over:
            retried, skipped = _go_through(run, MOST_AT_ONCE, now)
            runs.end(run.id, RunState.DONE, now)
            result.retried += retried
            result.skipped += skipped
        return result

    return db.write(store)


def _begin(tenant_id: int | None, wanted: Wanted, **values: Any) -> Run:
    return runs.begin(tenant_id, wanted=wanted.to_json(), **values)


def _others(tenant_id: int | None, wanted: Wanted) -> list[Skipped]:
    """Of the ids that are wanted, those of no failed message."""
    states = failed.states(tenant_id, wanted.ids)
    found = failed.ids(tenant_id, wanted) if wanted.ids else ()
    return [
        _other(message_id, states.get(message_id))
        for message_id in dict.fromkeys(wanted.ids)
        if message_id not in found
    ]


def _other(message_id: int, status: str | None) -> Skipped:
    if status is None:
        return Skipped(message_id, "not_found", f"there is no message {message_id}")
    return Skipped(message_id, "not_failed", f"message {message_id} has not failed: it is {status}")


def forecast(tenant_id: int | None, wanted: Wanted) -> Forecast:
    """What `retry_many` would find; nothing is sent."""
    total, _ = failed.count(tenant_id, wanted)
    now = clock.now()
    opened_since = now - rules.WINDOW
    closed = failed.count_outside_window(tenant_id, wanted, opened_since)
    sendable = failed.sendable(tenant_id, wanted, opened_since)
    return Forecast(total, closed, _cost(tenant_id, sendable, now))


def _cost(
    tenant_id: int | None, sendable: Mapping[tuple[int, int], Iterable[Group]], now: datetime
) -> dict[str, Any] | None:
    known = {of: tenant for of in {tenant_id, *(of for of, _ in sendable)} if of and (tenant := tenants.by_id(of))}
    cost = costing.add_up(
        estimating.of_groups(channel_id, groups, known[of], now)
        for (of, channel_id), groups in sendable.items()
        if of in known
    )
    nothing_in = costing.shown_currency(known[tenant_id]) if tenant_id in known else ""
    return None if cost.unpriced else costing.one(cost, nothing_in)


def go_on() -> bool:
    """Do the next step of the oldest run that is not over; False when there is none. Between two steps it may have
    been stopped."""
    return runs.next_open() is not None and db.write(_step)


def _step() -> bool:
    run = runs.next_open()
    if run is None:
        return False
    now = clock.now()
    retried, skipped = _go_through(run, STEP, now)
    if len(retried) + len(skipped) < STEP:
        runs.end(run.id, RunState.DONE, now)
    return True


def _go_through(run: Run, most: int, now: datetime) -> tuple[list[int], list[Skipped]]:
    """Inside a write: the next messages of a run, sent again where it helps."""
    found = failed.some(run.tenant_id, Wanted.from_json(run.wanted), after=run.cursor, until=run.last_id, most=most)
    retried, skipped = _send_all_again(found, run, now)
    if found:
        runs.advance(run.id, cursor=found[-1].id, done=len(found), retried=len(retried), skipped=len(skipped))
    return retried, skipped


def _send_all_again(found: Iterable[Message], run: Run, now: datetime) -> tuple[list[int], list[Skipped]]:
    retried, skipped = [], []
    for message in found:
        why = retryable.why_not(message, now)
        if why and (why.code == "not_failed" or not run.force):
            skipped.append(why)
            continue
        retryable.send_again(message, run.by, now)
        retried.append(message.id)
    return retried, skipped


def find_run(run_id: int, tenant_id: int | None) -> Run:
    """The run with this id: the tenant's own, or for the operator (None) any. Raises NotFound."""
    run = runs.find(run_id, tenant_id)
    if run is None:
        raise errors.NotFound(f"there is no run {run_id}")
    return run


def stop(run_id: int, tenant_id: int | None, *, actor: str) -> Run:
    """End a run where it is; what it has queued is sent, and one that is over stays as it is. Raises NotFound."""

    def store() -> Run:
        now = clock.now()
        run = find_run(run_id, tenant_id)
        if runs.end(run.id, RunState.STOPPED, now):
            tenant = tenants.by_id(run.tenant_id) if run.tenant_id is not None else None
            audit.note("stop run", now, actor=actor, tenant=tenant.slug if tenant else "", subject=f"run {run.id}")
        return find_run(run_id, tenant_id)

    return db.write(store)


def discard(tenant_id: int | None, message_id: int, *, actor: str) -> None:
    """Give a failed message up for good. Raises NotFound, and Conflict for one that has not failed."""

    def store() -> None:
        now = clock.now()
        message = _find(tenant_id, message_id)
        if not retryable.has_failed(message):
            raise errors.Conflict(f"message {message_id} has not failed: it is {message.status}")
        messages.change(
            message.id,
            status=words.Status.CANCELLED,
            due_at=None,
            retry_due=False,
            critical=False,
            failed_at=message.failed_at or now,
        )
        audit.note("discard", now, actor=actor, tenant=message.tenant.slug, subject=f"message {message.id}")

    db.write(store)


def cancel(tenant_id: int | None, message_id: int, *, actor: str) -> Message:
    """Take a message out of the outbox before it is sent; one that was taken out stays so. Raises NotFound, and
    Conflict once it is claimed."""

    def store() -> Message:
        now = clock.now()
        message = _find(tenant_id, message_id)
        if message.status is words.Status.CANCELLED:
            return message
        if message.status is not words.Status.QUEUED:
            raise errors.Conflict(f"message {message_id} is already {message.status}")
        messages.change(message.id, status=words.Status.CANCELLED, due_at=None, retry_due=False)
        audit.note("cancel", now, actor=actor, tenant=message.tenant.slug, subject=f"message {message.id}")
        return _find(tenant_id, message_id)

    return db.write(store)


def _find(tenant_id: int | None, message_id: int) -> Message:
    message = failed.find(tenant_id, message_id)
    if message is None:
        raise errors.NotFound(f"there is no message {message_id}")
    return message
