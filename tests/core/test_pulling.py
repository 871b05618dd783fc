"""Pulls: one channel's figures at a time, replaced as the provider tells them, tried again when it does not."""

import logging
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import PHONE, SECRET, Stage
from tests.core.meter import USAGE, Meter, day
from tests.core.test_metering import comes_in, go_to
from wabot import clock, config, errors, words
from wabot.core import asking_usage, pacing, pulling, scheduling, tenancy, upkeep, usage_jobs
from wabot.core.asking_usage import Asked
from wabot.providers.metered import Pace
from wabot.store import (
    alerts,
    attempts,
    buckets,
    customers,
    db,
    messages,
    pulls,
    tallies,
    usage,
    workers,
)
from wabot.store.alerts import AlertKind
from wabot.store.pulls import PullState, UsagePull, UsageRun
from wabot.store.schedules import Schedule
from wabot.store.tenants import Channel, Tenant
from wabot.store.usage import DailyUsage

WHO = "the test"
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = "+966500000001", "+966500000002", "+966500000003"
MINUTES = [1, 5, 25, 125]


@pytest.fixture
def meter(stage: Stage) -> Meter:
    """It is noon of the tenth of March in UTC; `bait` has three channels, the third one paused."""
    go_to(stage, NOW)
    given = {"secret": SECRET, "api_base": "http://provider.test"}
    for number in (SECOND, THIRD):
        tenancy.add_channel("bait", "sandbox", number, given)
    tenancy.pause_channel(channel(THIRD).id)
    db.write(lambda: Schedule.delete().execute())
    return Meter().play(stage.provider)


def told_days(tenant_id: int, channel_id: int) -> list[DailyUsage]:
    """The channel's days as its provider tells them, oldest first."""
    of_it = "WHERE tenant_id = ? AND channel_id = ? AND source = 'provider' ORDER BY day"
    return DailyUsage.load(of_it, tenant_id, channel_id)


def channel(number: str) -> Channel:
    return Channel.get(Channel.number == number)


def tenant() -> Tenant:
    return tenancy.find_tenant("bait")


def ask(wanted: str | None = None) -> Asked:
    return asking_usage.ask(tenant(), date.fromisoformat(wanted) if wanted else None, actor=WHO)


def pull_all() -> int:
    done = 0
    while pulling.pull_next():
        done += 1
    return done


def kept(number: str = FIRST) -> dict[str, int | None]:
    """The provider's days of a channel, with what they cost."""
    return {row.day: row.cost_micros for row in told_days(tenant().id, channel(number).id)}


def states(asked: Asked) -> list[str]:
    return [pull.state for pull in pulls.of_run(asked.tenant.id, asked.run_id)]


def pull_of(number: str) -> UsagePull:
    [pull] = UsagePull.load("WHERE channel_id = ? ORDER BY id DESC LIMIT 1", channel(number).id)
    return pull


def counted() -> dict[str, int]:
    return {labels["result"]: value for labels, value in tallies.counters(tallies.USAGE_PULLS)}


# --- what is asked and kept -------------------------------------------------------------------------


def test_each_channel_is_asked_for_the_day_and_the_two_before_it(meter: Meter) -> None:
    ask("2027-03-09")
    assert pull_all() == 3
    assert meter.asked == [(number, "2027-03-07", "2027-03-09") for number in (FIRST, SECOND, THIRD)]


def test_yesterday_is_asked_for_unless_a_day_is_named(meter: Meter) -> None:
    assert ask().day == date(2027, 3, 9)


def test_the_figures_are_kept_as_the_provider_s_own_day(meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-08", categories={"service": 2, "marketing_lite": 1}))
    ask()
    pull_all()
    [row] = DailyUsage.load("WHERE source = 'provider'")
    assert (row.day, row.channel_id, row.tenant_id) == ("2027-03-08", channel(FIRST).id, tenant().id)
    assert (row.begins_at, row.ends_at) == (datetime(2027, 3, 8, tzinfo=UTC), datetime(2027, 3, 9, tzinfo=UTC))
    assert row.categories == {"service": 2, "marketing_lite": 1}
    assert (row.cost_micros, row.currency) == (34500, "USD")
    assert (row.messages_in, row.messages_out, row.delivered, row.billable, row.conversations) == (5, 4, 4, 3, 2)


def test_a_cost_that_is_not_told_is_none_and_not_nothing(meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-08", cost=None))
    ask()
    pull_all()
    assert kept() == {"2027-03-08": None}


def rows() -> list[tuple[Any, ...]]:
    return db.rows("SELECT id, day, channel_id, source, categories, cost_micros, currency FROM daily_usage ORDER BY id")


def test_the_same_answer_twice_is_the_same_rows(meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-08"), day("2027-03-09"))
    meter.tells(SECOND, day("2027-03-09", "1.5"))
    ask()
    pull_all()
    before = rows()
    ask()
    pull_all()
    assert rows() == before
    assert len(before) == 3


def test_a_corrected_answer_replaces(meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-08", "1"), day("2027-03-09", "2"))
    ask()
    pull_all()
    meter.tells(FIRST, day("2027-03-08", "1"), day("2027-03-09", "0.5"))
    ask()
    pull_all()
    assert kept() == {"2027-03-08": 1_000_000, "2027-03-09": 500_000}


def test_a_day_that_the_provider_tells_of_no_more_goes(meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-06"), day("2027-03-08"), day("2027-03-09"))
    ask("2027-03-08")
    ask("2027-03-09")
    pull_all()
    assert list(kept()) == ["2027-03-06", "2027-03-08", "2027-03-09"]
    meter.tells(FIRST, day("2027-03-08"))
    ask("2027-03-09")
    pull_all()
    assert list(kept()) == ["2027-03-06", "2027-03-08"], "the sixth was not asked for"


def test_figures_of_other_channels_and_our_own_stay(stage: Stage, meter: Meter) -> None:
    comes_in(stage, NOW - timedelta(days=1))
    meter.tells(SECOND, day("2027-03-09"))
    ask()
    pull_all()
    meter.tells(SECOND)
    ask()
    pull_all()
    assert kept(SECOND) == {}
    [ours] = DailyUsage.load("WHERE source = 'observed'")
    assert ours.messages_in == 1


def test_our_own_figures_of_the_day_are_counted_with_it(stage: Stage, meter: Meter) -> None:
    comes_in(stage, NOW - timedelta(days=1))
    assert usage.kept(tenant().id, "2027-03-09", "2027-03-09") == []
    ask()
    pull_all()
    [row] = usage.kept(tenant().id, "2027-03-09", "2027-03-09")
    assert (row.source, row.messages_in, row.stale) == (usage.Source.OBSERVED, 1, 0)


def test_what_a_provider_tells_counts_against_the_budget_at_once(meter: Meter) -> None:
    tenancy.edit_tenant("bait", {}, {"budget": "10"})
    meter.tells(FIRST, day("2027-03-09", cost="7.5", currency="SAR"))
    ask()
    pull_all()
    told = alerts.of_kind(tenant().id, AlertKind.BUDGET, "", 9)
    assert [alert.data["percent"] for alert in told] == [75, 50]


def test_a_suspended_tenant_s_usage_is_still_pulled(meter: Meter) -> None:
    tenancy.suspend("bait")
    meter.tells(FIRST, day("2027-03-09"))
    ask()
    pull_all()
    assert list(kept()) == ["2027-03-09"]


def test_a_day_that_lasts_still_is_not_told_of(stage: Stage, meter: Meter) -> None:
    """At UTC+14 the ninth is over while it is still the ninth at the provider's."""
    tenancy.edit_tenant("bait", {"timezone": "Pacific/Kiritimati"}, {})
    go_to(stage, datetime(2027, 3, 9, 19, tzinfo=UTC))
    meter.tells(FIRST, day("2027-03-08"), day("2027-03-09"))
    assert ask().day == date(2027, 3, 9)
    pull_all()
    assert list(kept()) == ["2027-03-08"]


@pytest.mark.parametrize("wanted", ["2019-12-31", "2027-03-11", "2999-01-01"])
def test_a_day_to_come_or_long_ago_is_refused(meter: Meter, wanted: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        ask(wanted)
    assert refused.value.code == "bad_date"
    assert UsageRun.load("") == []


def test_no_transaction_is_open_during_the_call(stage: Stage, meter: Meter) -> None:
    """Another write goes through meanwhile, and nothing that this process reads is pinned."""
    seen: list[bool] = []

    def answer(_request: Any) -> tuple[int, dict[str, str], str]:
        db.write(lambda: db.run("INSERT INTO kv VALUES ('q', 'k', x'')"), deadline=1)
        seen.append(db.database.connection().in_transaction)
        return 200, {}, '{"days": []}'

    stage.provider.remove("GET", USAGE)
    stage.provider.add_callback("GET", USAGE, callback=answer)
    ask()
    assert pulling.pull_next() is True
    assert seen == [False]


# --- what fails -------------------------------------------------------------------------------------


def test_one_of_three_that_fails_leaves_the_others_done(meter: Meter) -> None:
    meter.refuses(SECOND)
    for number in (FIRST, SECOND, THIRD):
        meter.tells(number, day("2027-03-09"))
    asked = ask()
    pull_all()
    assert states(asked) == ["ok", "waiting", "ok"]
    assert (list(kept(FIRST)), list(kept(SECOND)), list(kept(THIRD))) == (["2027-03-09"], [], ["2027-03-09"])
    assert counted() == {"ok": 2, "failed": 1}


def test_it_is_tried_again_with_a_growing_delay_until_it_is_done(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND)
    meter.tells(SECOND, day("2027-03-09"))
    asked = ask()
    pull_all()
    for n, minutes in enumerate(MINUTES):
        if n == len(MINUTES) - 1:
            meter.answers(SECOND)
        stage.later(minutes=minutes, seconds=-10)
        assert pull_all() == 0
        stage.later(seconds=11)
        assert pull_all() == 1
    assert states(asked) == ["ok", "ok", "ok"]
    assert list(kept(SECOND)) == ["2027-03-09"]
    assert pulls.run(tenant().id, asked.run_id).ended_at is not None


def test_it_is_given_up_after_a_handful_of_tries(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND)
    asked = ask()
    pull_all()
    for minutes in MINUTES:
        stage.later(minutes=minutes, seconds=1)
        assert pull_all() == 1
    stage.later(days=1)
    assert pull_all() == 0
    assert states(asked) == ["ok", "failed", "ok"]
    assert pulls.run(tenant().id, asked.run_id).ended_at is not None
    assert counted()["failed"] == 5


@pytest.mark.parametrize(("code", "status"), [("credentials", 401), ("setup", 400), ("permanent", 400), ("odd", 503)])
def test_whatever_a_provider_refuses_with_is_shown_and_tried_again(meter: Meter, code: str, status: int) -> None:
    meter.refuses(SECOND, code, status)
    ask()
    pull_all()
    [failed] = usage_jobs.result(UsageRun.load_one(""))["failed"]
    assert failed["channelId"] == channel(SECOND).id
    assert failed["code"] == code
    assert failed["reason"]
    assert failed["nextTryAt"] is not None


@pytest.mark.parametrize("status", [302, 401, 418, 429, 500, 503])
def test_a_refusal_without_words_is_told_as_one_of_a_question_and_not_of_a_message(meter: Meter, status: int) -> None:
    meter.refuses(SECOND, "", status)
    ask()
    pull_all()
    [failed] = usage_jobs.result(UsageRun.load_one(""))["failed"]
    assert failed["code"] in (f"http_{status}", "unexpected_redirect")
    assert failed["reason"].startswith("The provider ")


def test_an_answer_that_nobody_can_read_is_a_failure_and_keeps_what_was(stage: Stage, meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-09"))
    ask()
    pull_all()
    stage.provider.remove("GET", USAGE)
    stage.provider.add("GET", USAGE, body="<html>")
    ask()
    pull_all()
    assert pull_of(FIRST).has_failed
    assert list(kept()) == ["2027-03-09"]


def test_credentials_that_cannot_be_opened_stop_only_their_channel(meter: Meter) -> None:
    db.write(lambda: Channel.update(credentials=b"broken").where(Channel.number == SECOND).execute())
    asked = ask()
    pull_all()
    assert states(asked) == ["ok", "waiting", "ok"]
    assert pull_of(SECOND).error_code == "sealed"


def test_a_provider_that_is_no_longer_known_stops_only_its_channel(meter: Meter) -> None:
    db.write(lambda: Channel.update(provider="gone").where(Channel.number == SECOND).execute())
    asked = ask()
    pull_all()
    assert states(asked) == ["ok", "waiting", "ok"]
    assert pull_of(SECOND).error_code == "no_provider"


def test_a_channel_that_cannot_be_asked_at_all_is_shown_and_neither_tried_again_nor_an_alarm(
    stage: Stage, meter: Meter
) -> None:
    given = {"phone_number_id": "1", "access_token": "t", "app_secret": "s", "verify_token": "v"}
    tenancy.add_channel(tenant().slug, "meta", "+966500000009", given)
    for _ in range(pulling.FAILING_RUNS):
        asked = ask()
        pull_all()
        assert states(asked) == ["ok", "ok", "ok", "failed"]
        assert pull_of("+966500000009").error_code == pulling.NOT_CONFIGURED
        stage.later(days=1)
    assert alerts.of_tenant(tenant().id, 10) == []


def test_a_bug_in_an_adapter_stops_only_its_channel(meter: Meter, caplog: pytest.LogCaptureFixture) -> None:
    meter.trips(SECOND)
    asked = ask()
    with caplog.at_level(logging.ERROR):
        pull_all()
    assert states(asked) == ["ok", "waiting", "ok"]
    assert pull_of(SECOND).error_code == "adapter_failed"
    assert "an adapter failed to tell usage" in caplog.text


def test_figures_that_no_file_can_hold_are_a_failure_of_their_channel(meter: Meter) -> None:
    meter.tells(SECOND, day("2027-03-09", "1" + "0" * 30))
    asked = ask()
    pull_all()
    assert states(asked) == ["ok", "waiting", "ok"]
    assert kept(SECOND) == {}


def test_too_fast_spends_no_try_and_waits_as_long_as_it_is_told(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND, "throttled", 429, **{"Retry-After": "600"})
    ask()
    pull_all()
    pull = pull_of(SECOND)
    assert (pull.state, pull.tries, pull.error_code) == (PullState.WAITING, 0, "throttled")
    assert timedelta(seconds=590) < pull.due_at - clock.now() <= timedelta(seconds=600)
    assert counted() == {"ok": 2}
    for _ in range(8):
        stage.later(seconds=601)
        assert pull_all() == 1
    assert pull_of(SECOND).state is PullState.WAITING


def test_too_fast_is_given_up_once_the_next_day_asks_anyway(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND, "throttled", 429)
    asked = ask()
    pull_all()
    stage.later(hours=24)
    for minutes in (0, *MINUTES):
        stage.later(minutes=minutes, seconds=1)
        pull_all()
    assert states(asked)[1] == "failed"


@pytest.mark.parametrize("wait", ["99999999", "0", "-5"])
def test_an_absurd_wait_is_bounded_at_both_ends(meter: Meter, wait: str) -> None:
    meter.refuses(SECOND, "throttled", 429, **{"Retry-After": wait})
    ask()
    pull_all()
    assert timedelta(seconds=30) < pull_of(SECOND).due_at - clock.now() <= timedelta(hours=6)


def test_a_provider_that_cannot_tell_is_skipped_and_not_tried_again(meter: Meter) -> None:
    """Its figures are an app's, and two channels have the same."""
    app = {"app_id": "app-1", "api_key": "k" * 32, "app_token": "t" * 32}
    for each in ("+919900000001", "+919900000002"):
        tenancy.add_channel("bait", "gupshup", each, {**app, "app_name": each})
    asked = ask()
    assert pull_all() == 5
    assert states(asked) == ["ok", "ok", "ok", "skipped", "skipped"]
    assert pulls.run(tenant().id, asked.run_id).ended_at is not None
    result = usage_jobs.result(UsageRun.load_one(""))
    assert (result["channels"], result["ok"], result["skipped"], result["failed"]) == (5, 3, 2, [])
    assert counted() == {"ok": 3, "skipped": 2}


def test_runs_that_fail_one_after_the_other_are_told_once_a_channel_and_day(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND)
    for wanted in ("2027-03-06", "2027-03-07", "2027-03-08", "2027-03-08"):
        ask(wanted)
        for minutes in (0, *MINUTES):
            stage.later(minutes=minutes, seconds=1)
            pull_all()
    [told] = alerts.of_tenant(tenant().id, 10)
    assert told.occasion == f"{channel(SECOND).id}:2027-03-08"
    assert told.data == {"channelId": channel(SECOND).id, "date": "2027-03-08", "code": "temporary"}


def test_a_run_that_was_done_between_two_failing_ones_ends_the_row(stage: Stage, meter: Meter) -> None:
    for wanted in ("2027-03-05", "2027-03-06", "2027-03-07", "2027-03-08"):
        meter.refuses(SECOND)
        if wanted == "2027-03-07":
            meter.answers(SECOND)
        ask(wanted)
        for minutes in (0, *MINUTES):
            stage.later(minutes=minutes, seconds=1)
            pull_all()
    assert alerts.of_tenant(tenant().id, 10) == []


# --- runs -------------------------------------------------------------------------------------------


def test_a_run_of_a_day_that_is_in_work_is_that_one_and_its_retry_is_now(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND)
    asked = ask()
    pull_all()
    meter.answers(SECOND)
    assert ask().run_id == asked.run_id
    assert pull_all() == 1
    assert states(asked) == ["ok", "ok", "ok"]
    assert ask().run_id != asked.run_id


def test_a_due_schedule_is_pulled_for_each_missed_day(stage: Stage, meter: Meter) -> None:
    scheduling.add_missing(clock.now())
    go_to(stage, datetime(2027, 3, 11, 7, tzinfo=UTC))
    assert pull_all() == 4
    go_to(stage, datetime(2027, 3, 14, 7, tzinfo=UTC))
    meter.asked.clear()
    assert pull_all() == 1 + 9
    assert [last for _, _, last in meter.asked] == [f"2027-03-{day}" for day in (11, 12, 13) for _ in range(3)]


def test_tenants_come_one_at_a_time_and_their_channels_in_turn(stage: Stage, meter: Meter) -> None:
    tenancy.add_tenant(tenancy.NewTenant("luma", "Luma"), {})
    given = {"secret": SECRET, "api_base": "http://provider.test"}
    tenancy.add_channel("luma", "sandbox", "+447700900001", given)
    scheduling.add_missing(clock.now())
    go_to(stage, datetime(2027, 3, 11, 7, tzinfo=UTC))
    pull_all()
    order = [number for number, _, _ in meter.asked]
    assert sorted(order[:1] + order[-1:]) in ([FIRST, "+447700900001"], ["+447700900001", THIRD])
    assert [number for number in order if number.startswith("+966")] == [FIRST, SECOND, THIRD]


def test_a_pull_whose_process_is_gone_is_taken_over_at_once(stage: Stage, meter: Meter) -> None:
    asked = ask()
    db.write(lambda: pulls.claim(clock.now(), timedelta(minutes=3), timedelta(hours=6)))
    assert pull_all() == 2
    stage.keep_house()
    assert pull_all() == 0, "its process, this one, is there"
    db.write(lambda: db.run("UPDATE usage_pull SET worker = '1:0:' || ? WHERE state = 'running'", _namespace()))
    stage.keep_house()
    assert pull_all() == 1
    assert states(asked) == ["ok", "ok", "ok"]


def _namespace() -> str:
    return workers.me().rpartition(":")[2]


def test_a_lease_that_is_over_frees_a_pull_and_its_late_worker_changes_nothing(stage: Stage, meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-09", "2"))
    asked = ask()
    late = db.write(lambda: pulls.claim(clock.now(), timedelta(minutes=3), timedelta(hours=6)))
    assert late is not None
    stage.later(minutes=3, seconds=1)
    pulling.recover_lost()
    pull_all()
    db.write(lambda: pulling._settle(late, pulling.Span.of(date(2027, 3, 9)), []))
    assert states(asked) == ["ok", "ok", "ok"]
    assert kept() == {"2027-03-09": 2_000_000}


def test_a_pull_that_kills_its_process_every_time_ends(stage: Stage, meter: Meter) -> None:
    asked = ask()
    for _ in range(5):
        claimed = db.write(lambda: pulls.claim(clock.now(), timedelta(minutes=3), timedelta(hours=6), asked.run_id))
        assert claimed is not None
        stage.later(minutes=3, seconds=1)
        pulling.recover_lost()
    assert "failed" in states(asked) or pull_all() == 3


def test_a_jump_of_the_clock_takes_no_pull_from_its_worker(stage: Stage, meter: Meter) -> None:
    asked = ask()
    mine = db.write(lambda: pulls.claim(clock.now(), timedelta(minutes=3), timedelta(hours=6)))
    assert mine is not None
    upkeep._watch.lead = None
    upkeep._mind_the_clock()
    stage.later(hours=1)
    upkeep._mind_the_clock()
    pulling.recover_lost()
    db.write(lambda: pulling._settle(mine, pulling.Span.of(date(2027, 3, 9)), []))
    assert states(asked)[0] == "ok"


def test_a_try_that_was_put_off_by_a_clock_far_ahead_is_due_now(stage: Stage, meter: Meter) -> None:
    meter.refuses(SECOND)
    stage.later(days=30)
    asked = ask()
    pull_all()
    meter.answers(SECOND)
    stage.later(days=-30)
    assert pulling.next_due() is not None
    assert pulling.next_due() <= clock.now()
    assert pull_all() == 1
    assert states(asked) == ["ok", "ok", "ok"]


def test_a_tenant_that_is_removed_leaves_no_run(meter: Meter) -> None:
    meter.tells(FIRST, day("2027-03-09"))
    ask()
    pull_all()
    tenancy.remove_tenant("bait")
    assert [db.rows(f"SELECT count(*) FROM {table}") for table in ("usage_run", "usage_pull", "daily_usage")] == [
        [(0,)]
    ] * 3


def test_runs_are_kept_for_thirty_days_and_the_last_of_a_tenant_for_ever(stage: Stage, meter: Meter) -> None:
    for wanted in ("2027-03-07", "2027-03-08"):
        ask(wanted)
        pull_all()
    stage.later(days=29)
    stage.keep_house()
    assert len(UsageRun.load("")) == 2
    stage.later(days=2)
    stage.keep_house()
    [left] = UsageRun.load("")
    assert left.day == "2027-03-08"
    assert len(UsagePull.load("")) == 3


def test_the_last_result_is_that_of_the_newest_run_of_which_every_channel_is_known(meter: Meter) -> None:
    scheduling.add_missing(clock.now())
    assert usage_jobs.job(tenant())["lastResult"] is None
    meter.refuses(SECOND)
    ask("2027-03-08")
    assert usage_jobs.job(tenant())["lastResult"] is None
    pull_all()
    ask("2027-03-09")
    pulling.pull_next()
    last = usage_jobs.job(tenant())["lastResult"]
    assert (last["date"], last["channels"], last["ok"], len(last["failed"])) == ("2027-03-08", 3, 2, 1)


# --- pace and deadline ------------------------------------------------------------------------------


class Sleeper:
    """Lets the clock pass instead of the test."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.slept = stage, 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.stage.later(seconds=seconds)


@pytest.mark.parametrize(("most", "seconds"), [(10, 1.0), (1, 1.0), (2, 5.0), (200, 3600.0), (7, 60.0)])
def test_no_window_sees_more_questions_than_the_provider_allows(stage: Stage, most: int, seconds: float) -> None:
    rate, begin = pacing.rate(Pace("k", most, seconds)), clock.now()
    furthest = timedelta(days=1)
    turns = [
        db.write(lambda: buckets.reserve("k", rate, begin, furthest)) or begin + furthest for _ in range(2 * most + 1)
    ]
    assert turns == sorted(turns)
    for first in turns:
        within = [turn for turn in turns if first <= turn < first + timedelta(seconds=seconds)]
        assert len(within) <= most


def test_the_eleventh_question_of_a_second_waits_its_turn(stage: Stage) -> None:
    pace, sleeper = Pace("vendor", 10, 1.0), Sleeper(stage)
    for _ in range(11):
        pacing.wait_for_turn(pace, clock.monotonic() + 60, sleeper.sleep)
    assert 0.8 < sleeper.slept < 1.2


def test_a_turn_beyond_the_deadline_is_too_fast_and_nobody_waits_for_it(stage: Stage) -> None:
    pace, sleeper = Pace("vendor", 1, 3600.0), Sleeper(stage)
    pacing.wait_for_turn(pace, clock.monotonic() + 60, sleeper.sleep)
    with pytest.raises(errors.Throttled) as throttled:
        pacing.wait_for_turn(pace, clock.monotonic() + 60, sleeper.sleep)
    assert (throttled.value.code, sleeper.slept) == ("paced", 0.0)
    assert throttled.value.retry_after is not None
    assert 3500 < throttled.value.retry_after <= 3600


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_channel_has_one_deadline_for_all(
    stage: Stage, meter: Meter, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_USAGE_TIMEOUT", "0.3")
    config.settings.cache_clear()
    tenancy.edit_channel(channel(SECOND).id, {"api_base": silent_server})
    stage.provider.add_passthru(silent_server)
    asked = ask()
    began = clock.monotonic()
    pull_all()
    assert clock.monotonic() - began < 30, "it hangs for longer than its deadline"
    assert states(asked) == ["ok", "waiting", "ok"]
    assert pull_of(SECOND).error_code == "timeout"


# --- whose figures they are ----------------------------------------------------------------------------


def test_a_message_is_known_by_its_own_channel_alone(stage: Stage, meter: Meter) -> None:
    received = stage.says("hello")
    stage.answer()
    stage.deliver()
    sent = [attempt.provider_message_id for attempt in stage.attempts()]
    assert sent
    for provider_message_id in (received, *sent):
        assert provider_message_id is not None
        assert attempts.knows(channel(FIRST).id, provider_message_id) is True
        assert attempts.knows(channel(SECOND).id, provider_message_id) is False
    assert attempts.knows(channel(FIRST).id, "SM-of-somebody-else") is False


ACCOUNT, OTHERS = "AC" + "1" * 32, "AC" + "2" * 32
API = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}"


def add_twilio(slug: str, number: str, account: str = ACCOUNT) -> Channel:
    given = {"account_sid": account, "auth_token": "t" * 32}
    return tenancy.add_channel(slug, "twilio", number, given)


def answers_lists(stage: Stage, *messages: dict[str, Any]) -> None:
    """The account has no usage records, and these messages."""
    empty = {"next_page_uri": None}
    stage.provider.add("GET", f"{API}/Usage/Records/Daily.json", json={"usage_records": [], **empty})
    stage.provider.add("GET", f"{API}/Messages.json", json={"messages": list(messages), **empty})


def lists_asked(stage: Stage) -> set[str]:
    return {str(call.request.url).partition("?")[0].removeprefix(f"{API}/") for call in stage.provider.calls}


@pytest.mark.parametrize("other", [OTHERS, None])
def test_the_figures_of_an_account_are_its_only_channel_s(stage: Stage, meter: Meter, other: str | None) -> None:
    mine = add_twilio("bait", "+14155550100")
    if other:
        add_twilio("bait", "+14155550101", other)
    answers_lists(stage)
    ask()
    db.write(lambda: db.run("DELETE FROM usage_pull WHERE channel_id <> ?", mine.id))
    pull_all()
    assert lists_asked(stage) == {"Usage/Records/Daily.json"}
    assert pull_of("+14155550100").state is PullState.OK


def test_of_an_account_with_other_channels_only_our_own_messages_count(stage: Stage, meter: Meter) -> None:
    tenancy.add_tenant(tenancy.NewTenant("luma", "Luma"), {})
    mine = add_twilio("bait", "+14155550100")
    add_twilio("luma", "+14155550101")
    ours, theirs = "SM" + "1" * 32, "SM" + "2" * 32
    db.write(lambda: has_received(mine, ours))
    each = {"date_sent": "Tue, 09 Mar 2027 10:00:00 +0000", "direction": "inbound", "status": "received",
            "from": f"whatsapp:{PHONE}", "to": "whatsapp:+14155550100", "price": "-0.005",
            "price_unit": "USD"}  # fmt: skip
    answers_lists(stage, *({**each, "sid": sid} for sid in (ours, theirs)))
    ask()
    db.write(lambda: db.run("DELETE FROM usage_pull WHERE channel_id <> ?", mine.id))
    pull_all()
    assert lists_asked(stage) == {"Messages.json"}
    [row] = told_days(tenant().id, mine.id)
    assert (row.day, row.messages_in, row.cost_micros) == ("2027-03-09", 1, 5000)


def has_received(channel: Channel, provider_message_id: str) -> None:
    """Inside a write: the channel knows this message."""
    found = customers.meet(channel.tenant_id, words.Identity(phone=PHONE), "", NOW)
    known = customers.conversation(channel.tenant_id, channel.id, found.id, NOW)
    incoming = words.Incoming(provider_message_id, words.Identity(phone=PHONE), "text", "hi")
    messages.add_incoming(known, incoming, webhook_id=1, now=NOW)
