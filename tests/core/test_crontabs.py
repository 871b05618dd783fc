"""When schedules come: in zones on both sides of UTC, through both changes of the clock, in half hours."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from wabot import errors
from wabot.core import crontabs

NINE = "0 9 * * *"
ZONES = [
    "UTC", "Asia/Riyadh", "Asia/Kathmandu", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago",
    "Pacific/Chatham", "Pacific/Auckland", "Europe/London", "America/Los_Angeles", "America/St_Johns",
    "Australia/Lord_Howe", "America/Havana",
]  # fmt: skip
CRONS = [NINE, "30 1 * * *", "0 2 * * *", "30 2 * * *", "0 0 * * *", "59 23 * * 0", "0 9 1 * *", "15,45 1,2 * * *"]
MOMENTS = st.integers(0, 3 * 365 * 86_400_000).map(
    lambda milliseconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "comes"),
    [
        (NINE, "Asia/Riyadh", "2027-03-10T12:00", "2027-03-11T06:00"),
        (NINE, "Asia/Riyadh", "2027-03-10T05:59", "2027-03-10T06:00"),
        (NINE, "Asia/Riyadh", "2027-03-10T06:00", "2027-03-11T06:00"),
        (NINE, "Pacific/Kiritimati", "2027-03-10T12:00", "2027-03-10T19:00"),
        (NINE, "Pacific/Pago_Pago", "2027-03-10T12:00", "2027-03-10T20:00"),
        (NINE, "Asia/Kathmandu", "2027-03-10T12:00", "2027-03-11T03:15"),
        (NINE, "Europe/London", "2027-03-27T12:00", "2027-03-28T08:00"),
        (NINE, "Europe/London", "2027-10-30T12:00", "2027-10-31T09:00"),
        (NINE, "America/Los_Angeles", "2027-03-13T20:00", "2027-03-14T16:00"),
        (NINE, "America/Los_Angeles", "2027-11-06T20:00", "2027-11-07T17:00"),
        ("30 1 * * *", "Europe/London", "2027-03-27T12:00", "2027-03-28T01:00"),
        ("30 1 * * *", "Europe/London", "2027-10-30T12:00", "2027-10-31T00:30"),
        ("30 1 * * *", "Europe/London", "2027-10-31T00:30", "2027-11-01T01:30"),
        ("30 1 * * *", "Europe/London", "2027-10-31T01:15", "2027-11-01T01:30"),
        ("0 0 * * *", "America/Havana", "2027-03-13T12:00", "2027-03-14T05:00"),
        ("0 9 * * 1", "UTC", "2027-03-10T12:00", "2027-03-15T09:00"),
        ("0 9 29 2 *", "UTC", "2027-03-10T12:00", "2028-02-29T09:00"),
    ],
)  # fmt: skip
def test_it_comes_when_the_clock_there_says_so(cron: str, zone: str, after: str, comes: str) -> None:
    found = crontabs.next_after(cron, zone, datetime.fromisoformat(f"{after}+00:00"))
    assert found == datetime.fromisoformat(f"{comes}+00:00")


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS)
def test_the_next_time_is_always_to_come_and_the_last_one_never(cron: str, zone: str, moment: datetime) -> None:
    following, former = crontabs.next_after(cron, zone, moment), crontabs.latest(cron, zone, moment)
    assert former <= moment < following
    assert crontabs.next_after(cron, zone, following - timedelta(seconds=1)) == following


def test_a_moment_just_before_it_is_before_it() -> None:
    moment = datetime(2027, 3, 10, 8, 59, 59, 500_000, tzinfo=UTC)
    assert crontabs.latest(NINE, "UTC", moment) == datetime(2027, 3, 9, 9, tzinfo=UTC)
    assert crontabs.next_after(NINE, "UTC", moment) == datetime(2027, 3, 10, 9, tzinfo=UTC)


@given(st.sampled_from(ZONES), MOMENTS)
def test_a_morning_comes_once_on_each_day_there(zone: str, moment: datetime) -> None:
    days = []
    for _ in range(400):
        moment = crontabs.next_after(NINE, zone, moment)
        there = moment.astimezone(ZoneInfo(zone))
        days.append(there.date())
        assert (there.hour, there.minute) == (9, 0)
    assert [(later - earlier).days for earlier, later in pairwise(days)] == [1] * 399


def test_the_library_names_the_past_within_an_hour_that_comes_twice() -> None:
    """Why `next_after` leaves out what is past. Once this fails, it need not any more."""
    second = datetime(2027, 10, 31, 1, 15, tzinfo=UTC)
    assert next(CronSim("30 1 * * *", second.astimezone(ZoneInfo("Europe/London")))) < second


@pytest.mark.parametrize(
    "cron",
    ["", "soon", "* * * *", "0 9 * * * *", "@daily", "61 9 * * *", "0 24 * * *", "0 9 30 2 *", "*/0 * * * *",
     "0 9 * * 8",      "0-99999999999 * * * *", "٠ ٩ * * *", "0 9 * * *; x", "0 9 * * " + "1," * 60 + "1"],
)  # fmt: skip
def test_what_never_comes_is_refused_by_its_name(cron: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        crontabs.check(cron)
    assert refused.value.code == "cron"


def test_spaces_do_not_matter() -> None:
    assert crontabs.check("  0  9 *\t* mon-fri ") == "0 9 * * mon-fri"
