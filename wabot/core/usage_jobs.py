"""What the operator is shown of usage pulls: the JSON shapes of CONTRACT §5, for the API and for `--json`."""

from collections.abc import Iterable, Mapping
from typing import Any

from wabot import clock
from wabot.core import hints, scheduling
from wabot.core.asking_usage import Asked
from wabot.store import pulls, schedules, tenants
from wabot.store.pulls import PullState, UsagePull, UsageRun
from wabot.store.schedules import Schedule
from wabot.store.tenants import Tenant
from wabot.words import Reason

LOCALE = "en"


def listing() -> list[dict[str, Any]]:
    """Every tenant's job by slug, the unscheduled ones too."""
    scheduling.add_missing(clock.now())
    found = [(schedule, tenants.by_id(schedule.tenant_id)) for schedule in schedules.all_schedules()]
    return [_job(schedule, tenant) for schedule, tenant in found if tenant is not None]


def job(tenant: Tenant) -> dict[str, Any]:
    """The tenant's job: when it runs, and what its last run brought."""
    scheduling.add_missing(clock.now())
    found = schedules.of_tenant(tenant.id)
    return _job(found, tenant) if found is not None else {}


def accepted(asked: Asked) -> dict[str, Any]:
    """A run by hand that was begun."""
    return {"runId": asked.run_id, "date": asked.day.isoformat()}


def pulled(asked: Asked, found: Iterable[UsagePull]) -> list[dict[str, Any]]:
    """What came of each channel of a run by hand."""
    head = {"restaurantId": asked.tenant.slug, "date": asked.day.isoformat()}
    return [
        {
            **head,
            "channelId": pull.channel_id,
            "result": PullState.FAILED if pull.has_failed else pull.state,
            "days": pull.days,
            "code": pull.error_code or None,
            "reason": _reason(pull),
        }
        for pull in found
    ]


def _job(schedule: Schedule, tenant: Tenant) -> dict[str, Any]:
    last = pulls.last_told(tenant.id)
    return {
        "restaurantId": tenant.slug,
        "cron": schedule.cron,
        "timezone": scheduling.zone(schedule, tenant),
        "enabled": schedule.enabled,
        "nextRunAt": clock.iso(schedule.next_run_at) if schedule.enabled else None,
        "lastRunAt": clock.iso(last.created_at) if last else None,
        "lastResult": result(last) if last else None,
    }


def result(run: UsageRun) -> dict[str, Any]:
    """What a run brought so far; a channel that is tried again later has failed until then."""
    found = pulls.of_run(run.tenant_id, run.id)
    return {
        "date": run.day,
        "channels": len(found),
        "ok": sum(pull.state is PullState.OK for pull in found),
        "skipped": sum(pull.state is PullState.SKIPPED for pull in found),
        "failed": [
            {
                "channelId": pull.channel_id,
                "code": pull.error_code,
                "reason": _reason(pull),
                "nextTryAt": clock.iso(pull.due_at) if pull.state is PullState.WAITING else None,
            }
            for pull in found
            if pull.has_failed
        ],
    }


_OF_A_QUESTION: Mapping[Reason, str] = {
    Reason.TOKEN: "The provider does not accept the access key that is asked with; enter a new one.",
    Reason.SETUP: "The provider cannot be asked as this channel is set up; correct its settings.",
    Reason.RATE: "The provider was asked for usage more often than it allows.",
    Reason.PROVIDER: "The provider had a fault for a moment.",
    Reason.NETWORK: "The provider could not be reached.",
    Reason.NO_ANSWER: "The provider gave no answer that tells its figures.",
    Reason.UNKNOWN: "The provider did not tell its figures for a reason that is not known here.",
}
"""What hints say of messages in words that are not true of a question."""


def _reason(pull: UsagePull) -> str | None:
    """In words: what was said at the time, else what the code means."""
    if pull.error_message or not pull.error_code:
        return pull.error_message or None
    channel = tenants.channel(pull.channel_id)
    if channel is None:
        return None
    reason = hints.meaning(channel.provider, pull.error_code).reason
    return _OF_A_QUESTION.get(reason) or hints.sentence(reason, LOCALE)
