"""Days and months where a tenant is: a day may have 23 or 25 hours, and in some zones a year has one less."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

_DAY = re.compile(r"2\d{3}-\d{2}-\d{2}", re.ASCII)
_ONE_DAY, _QUARTER = timedelta(days=1), timedelta(minutes=15)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Self:
        """The month in which this day is."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Self:
        """A month such as 2026-11. Raises ValueError."""
        return cls.of(parse(f"{text}-01"))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return (self.first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    def back(self, by: int) -> Self:
        """The month so many months before."""
        months = self.year * 12 + self.month - 1 - by
        return type(self)(months // 12, months % 12 + 1)


def parse(text: str) -> date:
    """A day such as 2026-11-20, of this millennium. Raises ValueError."""
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def of(zone: str, moment: datetime) -> date:
    """The day that it is there at this moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def begins_at(zone: str, day: date) -> datetime:
    """When the day begins there, in UTC; where midnight comes twice, the first time."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def bounds(zone: str, first: date, last: date) -> tuple[datetime, datetime]:
    """From when on it is `first` there, and before when it is `last`: the whole of both days is between."""
    return begins_at(zone, first), begins_at(zone, last + timedelta(days=1))


def between(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def offsets(zone: str, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The stretches of a span during which clocks there are ahead of UTC by the same, with by how much. They change on
    a quarter of an hour, on which `since` must lie; never twice within a day."""
    while since < until:
        ahead, end = _ahead(zone, since), since
        for step in (_ONE_DAY, _QUARTER):
            while end < until and _ahead(zone, end + step) == ahead:
                end += step
        end = min(end + _QUARTER, until)
        yield since, end, ahead
        since = end


def _ahead(zone: str, moment: datetime) -> timedelta:
    return moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
