"""`wabot usage pull`, `schedule`, `unschedule` and `jobs`: pulled in the command's own process, and shown."""

from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Shell, Stage
from tests.core.conftest import SECRET
from tests.core.meter import Meter, day
from tests.core.test_metering import go_to
from wabot.core import tenancy
from wabot.core.tenancy import NewTenant
from wabot.store import db, pulls
from wabot.store.schedules import Schedule

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
BAIT, SECOND, LUMA = "+966500000001", "+966500000002", "+447700900001"


@pytest.fixture
def meter(stage: Stage) -> Meter:
    """Bait has two channels, luma one; it is noon of the tenth of March in UTC."""
    go_to(stage, NOW)
    given = {"secret": SECRET, "api_base": "http://provider.test"}
    tenancy.add_channel("bait", "sandbox", SECOND, given)
    tenancy.add_tenant(NewTenant("luma", "Luma", "Pacific/Pago_Pago"), {})
    tenancy.add_channel("luma", "sandbox", LUMA, given)
    db.write(lambda: Schedule.delete().execute())
    return Meter().play(stage.provider)


@pytest.fixture
def shop(stage: Stage, meter: Meter) -> Shell:
    return Shell(stage.clock_file.parent)


def test_every_tenant_s_yesterday_is_pulled_and_said_by_channel(shop: Shell, meter: Meter) -> None:
    meter.tells(BAIT, day("2027-03-09"), day("2027-03-08"))
    rows = shop.json("usage", "pull")["data"]
    assert [(row["restaurantId"], row["date"], row["result"], row["days"]) for row in rows] == [
        ("bait", "2027-03-09", "ok", 2),
        ("bait", "2027-03-09", "ok", 0),
        ("luma", "2027-03-09", "ok", 0),
    ]
    assert [number for number, _, _ in meter.asked] == [BAIT, SECOND, LUMA]


def test_one_tenant_and_one_day_can_be_named(shop: Shell, meter: Meter) -> None:
    assert "2027-02-28" in shop.ok("usage", "pull", "--tenant", "luma", "--date", "2027-02-28")
    assert meter.asked == [(LUMA, "2027-02-26", "2027-02-28")]


def test_a_channel_that_fails_is_exit_1_and_the_others_are_stored(shop: Shell, meter: Meter) -> None:
    meter.refuses(BAIT)
    meter.tells(SECOND, day("2027-03-09"))
    done = shop.run("usage", "pull", "--tenant", "bait")
    assert done.exit_code == 1
    assert done.stderr == "wabot: channel 1: temporary (as told)\n"
    assert "as told" in done.stdout
    [kept] = db.rows("SELECT day FROM daily_usage WHERE source = 'provider'")
    assert kept == ("2027-03-09",)


def test_what_failed_can_be_pulled_again_at_once(shop: Shell, meter: Meter) -> None:
    meter.refuses(BAIT)
    shop.run("usage", "pull", "--tenant", "bait")
    meter.answers(BAIT)
    assert [row["result"] for row in shop.json("usage", "pull", "--tenant", "bait")["data"]] == ["ok", "ok"]
    assert len(pulls.UsageRun.load("")) == 1


def test_a_day_that_is_yet_to_come_for_one_of_them_is_pulled_for_none(stage: Stage, shop: Shell, meter: Meter) -> None:
    go_to(stage, datetime(2027, 3, 10, 5, tzinfo=UTC))
    assert "2027-03-09, luma's today" in shop.refused("usage", "pull", "--date", "2027-03-10")
    assert meter.asked == []
    assert pulls.UsageRun.load("") == []


def test_a_tenant_is_scheduled_listed_and_unscheduled(shop: Shell) -> None:
    found = shop.json("usage", "schedule", "bait", "--cron", "15 6 * * *")
    assert (found["cron"], found["timezone"], found["nextRunAt"]) == (
        "15 6 * * *",
        "Asia/Riyadh",
        "2027-03-11T03:15:00.000Z",
    )
    assert "2027-03-11T06:00" in shop.ok("usage", "schedule", "bait")
    assert shop.json("usage", "schedule", "bait", "--timezone", "UTC")["nextRunAt"] == "2027-03-11T09:00:00.000Z"
    assert shop.json("usage", "unschedule", "bait")["enabled"] is False
    assert "no more" in shop.ok("usage", "unschedule", "bait")
    assert [job["enabled"] for job in shop.json("usage", "jobs")["data"]] == [False, True]


def test_jobs_are_a_table_with_what_the_last_run_brought(shop: Shell, meter: Meter) -> None:
    meter.refuses(SECOND)
    shop.run("usage", "pull", "--tenant", "bait")
    heading, bait, luma = shop.ok("usage", "jobs").splitlines()
    assert "next run at" in heading
    assert "2027-03-09  2         1" in bait
    assert "channel 2: temporary" in bait
    assert luma.split()[0] == "luma"


def test_what_cannot_be_is_said(shop: Shell) -> None:
    assert "there is no tenant 'nobody'" in shop.refused("usage", "pull", "--tenant", "nobody")
    assert "there is no tenant 'nobody'" in shop.refused("usage", "schedule", "nobody")
    assert "there is no tenant 'nobody'" in shop.refused("usage", "unschedule", "nobody")
    assert "no time that ever comes" in shop.refused("usage", "schedule", "bait", "--cron", "0 9 31 2 *")
    assert "not a time zone" in shop.refused("usage", "schedule", "bait", "--timezone", "Mars/Olympus")
    assert "bad_date: the date is from 2020-01-01" in shop.refused("usage", "pull", "--date", "2027-03-12")
    assert "no day such as" in shop.misused("usage", "pull", "--date", "soon")
