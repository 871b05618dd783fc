"""Schedules: one for each tenant, due where it is, each day once whatever was missed, and never anew by themselves."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import Stage
from tests.core.test_metering import go_to
from wabot import clock, errors
from wabot.core import pulling, scheduling, tenancy, upkeep
from wabot.core.tenancy import NewTenant
from wabot.jobs import huey, tasks
from wabot.store import db, pulls, schedules, tenants
from wabot.store.pulls import UsagePull, UsageRun
from wabot.store.schedules import Schedule
from wabot.store.tenants import Tenant

WHO = "the test"
START = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def at_start(stage: Stage) -> Stage:
    """Wednesday noon in UTC, the afternoon in Riyadh, where `bait` is; its schedule is planned from there."""
    go_to(stage, START)
    tenancy.remove_tenant("bait")
    tenancy.add_tenant(NewTenant("bait", "Bait"), {})
    return stage


def tenant(slug: str = "bait") -> Tenant:
    return tenancy.find_tenant(slug)


def schedule(slug: str = "bait") -> Schedule:
    found = schedules.of_tenant(tenant(slug).id)
    assert found is not None
    return found


def add(slug: str, zone: str) -> Tenant:
    return tenancy.add_tenant(NewTenant(slug, slug, zone), {})


def run_days(slug: str = "bait") -> list[str]:
    return [run.day for run in UsageRun.load("WHERE tenant_id = ? ORDER BY id", tenant(slug).id)]


def begin_all() -> None:
    while scheduling.begin_due():
        continue


def test_a_tenant_is_made_with_its_schedule(at_start: Stage) -> None:
    found = schedule()
    assert (found.cron, found.timezone, found.enabled) == ("0 9 * * *", None, True)
    assert found.next_run_at == datetime(2027, 3, 11, 6, tzinfo=UTC)


def test_a_tenant_that_could_not_be_added_leaves_none(at_start: Stage) -> None:
    with pytest.raises(errors.Conflict):
        tenancy.add_tenant(NewTenant("bait", "again"), {})
    assert len(Schedule.load("")) == 1


def test_a_tenant_from_before_schedules_gets_one_at_the_next_start(at_start: Stage) -> None:
    db.write(lambda: Schedule.delete().execute())
    upkeep._watch.kept_days_at = float("-inf")
    at_start.keep_house()
    assert schedule().next_run_at == datetime(2027, 3, 11, 6, tzinfo=UTC)
    assert scheduling.add_missing(clock.now()) == 0
    assert run_days() == []


def test_nothing_is_due_before_its_time_and_then_once(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 5, 59, tzinfo=UTC))
    assert scheduling.begin_due() is False
    go_to(at_start, datetime(2027, 3, 11, 6, tzinfo=UTC))
    assert scheduling.begin_due() is True
    assert scheduling.begin_due() is False
    assert run_days() == ["2027-03-10"]
    assert schedule().next_run_at == datetime(2027, 3, 12, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "day"),
    [
        ("Pacific/Kiritimati", "2027-03-10T19:00", "2027-03-10"),
        ("Pacific/Pago_Pago", "2027-03-10T20:00", "2027-03-09"),
        ("Pacific/Auckland", "2027-03-10T20:00", "2027-03-10"),
        ("America/Los_Angeles", "2027-03-10T17:00", "2027-03-09"),
        ("Asia/Kathmandu", "2027-03-11T03:15", "2027-03-10"),
        ("America/St_Johns", "2027-03-10T12:30", "2027-03-09"),
        ("Europe/London", "2027-03-11T09:00", "2027-03-10"),
    ],
)
def test_the_day_is_yesterday_where_the_tenant_is(at_start: Stage, zone: str, now: str, day: str) -> None:
    add("far", zone)
    moment = datetime.fromisoformat(f"{now}+00:00")
    assert schedule("far").next_run_at == moment
    go_to(at_start, moment)
    begin_all()
    assert run_days("far") == [day]


@pytest.mark.parametrize("zone", ["Europe/London", "America/Los_Angeles", "Pacific/Auckland", "America/Havana"])
@pytest.mark.parametrize("around", [date(2027, 3, 14), date(2027, 3, 28), date(2027, 4, 4), date(2027, 9, 26),
                                    date(2027, 10, 31), date(2027, 11, 7)], ids=str)  # fmt: skip
@pytest.mark.parametrize("cron", ["0 9 * * *", "30 1 * * *", "0 0 * * *", "30 2 * * *"])
def test_every_day_has_one_run_through_a_change_of_the_clock(
    at_start: Stage, zone: str, around: date, cron: str
) -> None:
    begin = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=3)
    go_to(at_start, begin)
    scheduling.schedule(add("far", zone), cron, None, actor=WHO)
    for hours in range(0, 24 * 6, 2):
        go_to(at_start, begin + timedelta(hours=hours, minutes=5))
        begin_all()
    found = [date.fromisoformat(day) for day in run_days("far")]
    assert len(found) in (5, 6)
    assert found == [found[0] + timedelta(days=n) for n in range(len(found))]


def test_a_schedule_in_another_zone_asks_for_the_tenant_s_own_yesterday(at_start: Stage) -> None:
    scheduling.schedule(tenant(), "0 20 * * *", "America/Los_Angeles", actor=WHO)
    go_to(at_start, datetime(2027, 3, 11, 4, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10"], "at 20:00 of the tenth in California it is the eleventh in Riyadh"


def test_three_days_off_are_caught_up_each_once(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    go_to(at_start, datetime(2027, 3, 14, 7, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10", "2027-03-11", "2027-03-12", "2027-03-13"]


def test_a_new_tenant_s_first_days_are_caught_up_too(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 13, 7, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10", "2027-03-11", "2027-03-12"]


def test_what_was_missed_ends_with_the_last_time_that_it_was_due(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    go_to(at_start, datetime(2027, 3, 14, 5, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10", "2027-03-11", "2027-03-12"]


def test_ten_days_off_are_caught_up_for_seven(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    go_to(at_start, datetime(2027, 3, 21, 7, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10", *(f"2027-03-{day}" for day in range(14, 21))]


def test_a_schedule_that_comes_every_hour_asks_for_each_day_once(at_start: Stage) -> None:
    scheduling.schedule(tenant(), "0 * * * *", None, actor=WHO)
    for hours in range(1, 49):
        go_to(at_start, START + timedelta(hours=hours, minutes=1))
        begin_all()
    assert run_days() == ["2027-03-09", "2027-03-10", "2027-03-11"]


def test_a_weekly_schedule_asks_for_all_days_of_the_week(at_start: Stage) -> None:
    scheduling.schedule(tenant(), "0 9 * * 1", None, actor=WHO)
    for day in (15, 22):
        go_to(at_start, datetime(2027, 3, day, 7, tzinfo=UTC))
        begin_all()
    assert run_days() == [f"2027-03-{day}" for day in range(14, 22)]


def test_a_tenant_without_channels_has_a_run_that_is_over_at_once(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    [run] = UsageRun.load("")
    assert run.ended_at is not None


def test_a_suspended_tenant_is_due_as_ever(at_start: Stage) -> None:
    tenancy.suspend("bait")
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10"]


def test_who_is_unscheduled_stays_so_over_starts_and_days(at_start: Stage) -> None:
    scheduling.unschedule(tenant(), actor=WHO)
    go_to(at_start, START + timedelta(days=3))
    scheduling.keep(clock.now())
    begin_all()
    assert schedule().enabled is False
    assert run_days() == []
    assert schedules.next_due() is None


def test_who_is_scheduled_again_missed_nothing_meanwhile(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    scheduling.unschedule(tenant(), actor=WHO)
    go_to(at_start, datetime(2027, 3, 15, 12, tzinfo=UTC))
    scheduling.schedule(tenant(), "0 9 * * *", None, actor=WHO)
    go_to(at_start, datetime(2027, 3, 16, 7, tzinfo=UTC))
    begin_all()
    assert run_days() == ["2027-03-10", "2027-03-15"]


def test_a_tenant_can_be_unscheduled_before_it_had_a_schedule(at_start: Stage) -> None:
    db.write(lambda: Schedule.delete().execute())
    scheduling.unschedule(tenant(), actor=WHO)
    assert scheduling.add_missing(clock.now()) == 0
    assert schedule().enabled is False


@pytest.mark.parametrize(("cron", "zone", "code"), [("never", None, "cron"), ("0 9 * * *", "Mars/Olympus", "timezone"),
                                                    ("0 9 * * *", "../etc/passwd", "timezone")])  # fmt: skip
def test_a_wrong_schedule_is_refused_and_the_former_one_stays(
    at_start: Stage, cron: str, zone: str | None, code: str
) -> None:
    before = schedule()
    with pytest.raises(errors.Refused) as refused:
        scheduling.schedule(tenant(), cron, zone, actor=WHO)
    assert refused.value.code == code
    assert schedule() == before


def test_a_schedule_follows_its_tenant_to_another_zone(at_start: Stage) -> None:
    tenancy.edit_tenant("bait", {"timezone": "America/Los_Angeles"}, {})
    assert schedule().next_run_at == datetime(2027, 3, 10, 17, tzinfo=UTC)


def test_a_schedule_of_a_zone_of_its_own_stays_there(at_start: Stage) -> None:
    scheduling.schedule(tenant(), "0 9 * * *", "Europe/London", actor=WHO)
    tenancy.edit_tenant("bait", {"timezone": "America/Los_Angeles"}, {})
    assert schedule().next_run_at == datetime(2027, 3, 11, 9, tzinfo=UTC)


def test_what_was_due_before_the_tenant_moved_is_still_due(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    tenancy.edit_tenant("bait", {"timezone": "America/Los_Angeles"}, {})
    assert scheduling.begin_due() is True


def test_moving_back_over_midnight_asks_for_no_day_twice(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 11, 7, tzinfo=UTC))
    begin_all()
    tenancy.edit_tenant("bait", {"timezone": "Pacific/Pago_Pago"}, {})
    for day in (11, 12):
        go_to(at_start, datetime(2027, 3, day, 20, 1, tzinfo=UTC))
        begin_all()
    assert run_days() == ["2027-03-10", "2027-03-11"]


def test_a_clock_that_was_a_year_ahead_loses_no_day(at_start: Stage) -> None:
    go_to(at_start, datetime(2028, 3, 11, 7, tzinfo=UTC))
    begin_all()
    assert run_days() == [f"2028-03-{day:02}" for day in range(4, 11)]
    go_to(at_start, START)
    pulling.mind_the_clock()
    assert run_days() == []
    for day in (11, 12):
        go_to(at_start, datetime(2027, 3, day, 7, tzinfo=UTC))
        begin_all()
    assert run_days() == ["2027-03-10", "2027-03-11"]


def test_a_clock_that_was_two_days_ahead_does_not_spare_those_days_their_runs(at_start: Stage) -> None:
    go_to(at_start, datetime(2027, 3, 13, 7, tzinfo=UTC))
    begin_all()
    go_to(at_start, START)
    pulling.mind_the_clock()
    for day in range(11, 15):
        go_to(at_start, datetime(2027, 3, day, 7, tzinfo=UTC))
        begin_all()
    assert run_days() == [f"2027-03-{day}" for day in range(10, 14)]


def test_a_schedule_that_cannot_be_read_stops_no_other(at_start: Stage, caplog: pytest.LogCaptureFixture) -> None:
    add("far", "Europe/London")
    db.write(lambda: tenants.change(tenant().id, timezone="Mars/Olympus"))
    go_to(at_start, datetime(2027, 3, 11, 10, tzinfo=UTC))
    with caplog.at_level(logging.ERROR):
        begin_all()
    assert "a schedule cannot be read" in caplog.text
    assert (run_days("far"), run_days()) == (["2027-03-10"], [])
    assert schedule().next_run_at > clock.now()


def test_the_consumer_wakes_for_the_earliest_schedule(at_start: Stage) -> None:
    assert huey.storage.kinds["pull"].due(clock.now()) == datetime(2027, 3, 11, 6, tzinfo=UTC)
    go_to(at_start, datetime(2027, 3, 11, 6, 1, tzinfo=UTC))
    huey.storage.kinds["pull"].running = 1
    tasks.pull.call_local()
    assert run_days() == ["2027-03-10"]


@pytest.mark.parametrize("look", [schedules.next_due, lambda: schedules.due(clock.now()),
                                  lambda: pulls.next_due(clock.now(), timedelta(hours=1)),
                                  lambda: pulls.lost(clock.now(), timedelta(hours=1))],
                         ids=["next", "due", "pulls", "lost"])  # fmt: skip
def test_looking_for_work_reads_partial_indexes_only(at_start: Stage, look: Callable[[], Any]) -> None:
    seen: list[str] = []
    connection = db.database.connection()
    connection.set_exec_trace(lambda _cursor, sql, _bindings: seen.append(sql) or True)
    try:
        look()
    finally:
        connection.set_exec_trace(None)
    plan = [row[3] for sql in seen for row in db.rows(f"EXPLAIN QUERY PLAN {sql}", *([0] * sql.count("?")))]
    assert plan
    assert all("USING" in step and "INDEX" in step for step in plan if step.startswith(("SCAN", "SEARCH"))), plan
    assert not UsagePull.load("")
