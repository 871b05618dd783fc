"""Pull usage figures from providers: one channel's part of a run at a time. Claim, call, settle; no transaction is open
while a provider is called, and what it says replaces what it said of those days before."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import partial

from wabot import clock, config, errors
from wabot.core import budgets, days, metering, pacing, scheduling, tenancy
from wabot.providers import by_name
from wabot.providers.metered import UsageAsked, UsageDay
from wabot.store import alerts, attempts, db, provider_days, pulls, schedules, tallies, tenants
from wabot.store.alerts import AlertKind
from wabot.store.pulls import PullState, UsagePull
from wabot.store.tenants import Channel

log = logging.getLogger(__name__)

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 25, 125))
MOST_TRIES = len(RETRY_AFTER) + 1
LONGEST_WAIT = timedelta(hours=6)
"""However long a provider says that we must wait."""
THROTTLED_FOR = timedelta(hours=24)
"""A provider's "too fast" spends no try; after that long the next day's run asks for the same days anyway."""
LEASES_PER_TIMEOUT = 3
DAYS_BEFORE = 2
"""Providers correct their figures: of each day's run the two days before it are asked for again."""
FAILING_RUNS = 3
"""So many in a row, each with all its tries, and somebody is told."""
NOT_CONFIGURED = "not_configured"
"""The code of a channel that lacks what its provider must be asked with."""
LONGEST_REASON = 500
_KEPT = tuple(field.name for field in fields(UsageDay) if field.name != "day")

Outcome = Sequence[UsageDay] | errors.ProviderFailure | errors.Conflict


@dataclass(frozen=True, slots=True)
class Span:
    """The provider's days that a run asks for, both included."""

    first: date
    last: date

    @classmethod
    def of(cls, day: date) -> "Span":
        """Those of the run of this day."""
        return cls(day - timedelta(days=DAYS_BEFORE), day)


def next_due() -> datetime | None:
    """When the next schedule or pull is due."""
    found = [schedules.next_due(), pulls.next_due(clock.now(), LONGEST_WAIT)]
    return min((moment for moment in found if moment is not None), default=None)


def pull_next(run_id: int | None = None) -> bool:
    """Begin the runs that are due, or do the pull that is due first, of this run or of any; False when nothing is."""
    if run_id is None and scheduling.begin_due():
        return True
    claimed = db.write(lambda: pulls.claim(clock.now(), _lease(), LONGEST_WAIT, run_id))
    if claimed is None:
        return False
    span = _span(claimed)
    outcome = _ask(claimed, span)
    try:
        db.write(lambda: _settle(claimed, span, outcome))
    except errors.CannotWrite:
        raise  # nothing can be noted: the lease ends, and the pull is done again
    except Exception as error:
        log.exception("what a provider said cannot be kept", extra={"channel": claimed.channel_id})
        failure = errors.TemporaryFailure("adapter_failed", type(error).__name__)
        db.write(lambda: _settle(claimed, span, failure))
    _recount(claimed, span.last)
    return True


def recover_lost() -> None:
    """Pulls that nobody will settle are done again at once. A try is spent: one that kills its process ends too."""
    for claimed in pulls.lost(clock.now(), _lease()):
        log.warning("a usage pull was lost with its worker", extra={"channel": claimed.channel_id})
        db.write(lambda claimed=claimed: _lose(claimed))  # type: ignore[misc]


def _lose(claimed: UsagePull) -> None:
    if pulls.holds(claimed):
        failure = errors.TemporaryFailure("worker_lost", "the process that asked is gone")
        _failed(claimed, failure, clock.now(), delay=timedelta())
        pulls.end_if_over(claimed.run_id, clock.now())


def mind_the_clock() -> None:
    """After a jump of the clock: leases run anew, and nothing waits for a moment of the other time."""
    now = clock.now()
    db.write(lambda: pulls.postpone_leases(now + _lease()))
    scheduling.keep(now)


def _lease() -> timedelta:
    return timedelta(seconds=LEASES_PER_TIMEOUT * config.settings().wabot_usage_timeout)


def _span(claimed: UsagePull) -> Span:
    run = pulls.run(claimed.tenant_id, claimed.run_id)
    return Span.of(days.parse(run.day) if run else days.of("UTC", clock.now()))


def _ask(claimed: UsagePull, span: Span) -> Outcome:
    """What the channel's provider says. One channel's trouble, whatever it is, is nobody else's."""
    try:
        channel = tenants.channel(claimed.channel_id)
        if channel is None:
            return errors.PermanentFailure("channel_gone", "the channel was removed meanwhile")
        return _checked(_call(channel, span), span)
    except (errors.ProviderFailure, errors.Conflict) as outcome:
        return outcome
    except errors.NotFound as error:
        return errors.SetupRefused("no_provider", str(error))
    except errors.SealError as error:
        return errors.CredentialsRefused("sealed", str(error))
    except errors.CannotWrite as error:
        return errors.TemporaryFailure("cannot_write", str(error))
    except Exception as error:
        log.exception("an adapter failed to tell usage", extra={"channel": claimed.channel_id})
        return errors.TemporaryFailure("adapter_failed", type(error).__name__)


def _call(channel: Channel, span: Span) -> Sequence[UsageDay]:
    settings, provider, account = config.settings(), by_name(channel.provider), tenancy.account(channel)
    ends_at = clock.monotonic() + settings.wabot_usage_timeout
    pace = provider.usage_pace(account, settings)
    asked = UsageAsked(
        first=span.first,
        last=span.last,
        now=clock.now(),
        shared=_has_others(channel, provider.group(account)),
        is_ours=partial(attempts.knows, channel.id),
        wait_for_turn=partial(pacing.wait_for_turn, pace, ends_at),
        ends_at=ends_at,
    )
    return provider.usage(account, asked, settings)


def _has_others(channel: Channel, group: str) -> bool:
    """Whether other channels, of this tenant or any, belong to the same account at the provider."""
    found = tenants.channels_of_account(channel.provider, group) if group else []
    return any(other.id != channel.id for other in found)


def _checked(told: Sequence[UsageDay], span: Span) -> Sequence[UsageDay]:
    """The days that were asked for. Raises TemporaryFailure for two answers to one question: neither is believed."""
    asked = [day for day in told if span.first <= day.day <= span.last]
    if len({day.day for day in asked}) < len(asked):
        raise errors.TemporaryFailure("unreadable_answer", "a day was told twice")
    return asked


def _settle(claimed: UsagePull, span: Span, outcome: Outcome) -> None:
    """Inside a write: what became of a pull, and what follows for its run. Who was taken for dead comes too late."""
    if not pulls.holds(claimed):
        log.warning("a usage pull was taken over meanwhile", extra={"channel": claimed.channel_id})
        return
    now = clock.now()
    if isinstance(outcome, errors.ProviderFailure):
        _failed(claimed, outcome, now)
    elif isinstance(outcome, errors.Conflict):
        pulls.settle(claimed.id, PullState.SKIPPED, code="no_usage", message=str(outcome)[:LONGEST_REASON])
        tallies.count(tallies.USAGE_PULLS, result=PullState.SKIPPED)
    else:
        told = {day.day: {name: getattr(day, name) for name in _KEPT} for day in outcome}
        provider_days.replace(claimed.tenant_id, claimed.channel_id, span.first, span.last, told, now)
        pulls.settle(claimed.id, PullState.OK, days=len(told))
        tallies.count(tallies.USAGE_PULLS, result=PullState.OK)
    pulls.end_if_over(claimed.run_id, now)


def _failed(
    claimed: UsagePull, failure: errors.ProviderFailure, now: datetime, *, delay: timedelta | None = None
) -> None:
    """Inside a write: again after `delay`, else the plan's or the provider's own; or for good. What a channel lacks to
    be asked for usage at all is shown, and neither tried again nor an alarm: many never have it."""
    told = {"code": failure.code, "message": failure.message[:LONGEST_REASON]}
    log.warning("a usage pull failed", extra={"channel": claimed.channel_id, "code": failure.code})
    again_at = now + (_delay(failure, claimed.tries) if delay is None else delay)
    if isinstance(failure, errors.Throttled) and _is_young(claimed, now):
        pulls.put_off(claimed.id, again_at, tries=claimed.tries - 1, **told)
        return
    tallies.count(tallies.USAGE_PULLS, result=PullState.FAILED)
    was_asked = failure.code != NOT_CONFIGURED
    if claimed.tries < MOST_TRIES and was_asked:
        pulls.put_off(claimed.id, again_at, tries=claimed.tries, **told)
        return
    pulls.settle(claimed.id, PullState.FAILED, code=told["code"], message=told["message"])
    if was_asked:
        _raise_alarm(claimed, failure.code, now)


def _is_young(claimed: UsagePull, now: datetime) -> bool:
    run = pulls.run(claimed.tenant_id, claimed.run_id)
    return run is not None and now - run.created_at < THROTTLED_FOR


def _delay(failure: errors.ProviderFailure, tries: int) -> timedelta:
    planned = RETRY_AFTER[min(tries, len(RETRY_AFTER)) - 1]
    return max(planned, min(timedelta(seconds=failure.retry_after or 0), LONGEST_WAIT))


def _raise_alarm(claimed: UsagePull, code: str, now: datetime) -> None:
    """Inside a write: say it, once a channel and day, when the channel's runs fail one after the other."""
    if pulls.failed_in_a_row(claimed.channel_id, FAILING_RUNS) < FAILING_RUNS:
        return
    run = pulls.run(claimed.tenant_id, claimed.run_id)
    day = run.day if run else ""
    known = {"channelId": claimed.channel_id, "date": day, "code": code}
    if alerts.raise_once(claimed.tenant_id, AlertKind.USAGE, f"{claimed.channel_id}:{day}", now, **known):
        log.error("usage could not be pulled for %d runs", FAILING_RUNS, extra={"channel": claimed.channel_id})


def _recount(claimed: UsagePull, day: date) -> None:
    """Have our own figures of the run's day kept beside the provider's, and the budget looked after. The figures are
    right without it: a day is recounted whenever somebody asks for it."""
    tenant = tenants.by_id(claimed.tenant_id)
    try:
        if tenant is not None:
            metering.of_days(tenant, day, day, clock.now())
            budgets.check(tenant, clock.now())
    except Exception:
        log.exception("a day could not be recounted", extra={"tenant": claimed.tenant_id})
