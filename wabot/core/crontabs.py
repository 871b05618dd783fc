"""When a cron expression comes: five fields, read in a time zone as Debian's cron would. A time that a change of the
clock leaves out comes right after it, one that comes twice comes once, and what has `*` in its hours or minutes goes
by real time through both."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from wabot import clock, errors

FIELDS = 5
LONGEST = 100


def check(cron: str) -> str:
    """The expression with single spaces. Raises Refused (`cron`) for what is none, or never comes."""
    plain = " ".join(cron.split())
    if len(plain) > LONGEST or not plain.isascii() or len(plain.split()) != FIELDS:
        raise errors.Refused("cron", f"{cron[:LONGEST]!r} is not five fields such as 0 9 * * *")
    try:
        next(_moments(plain, "UTC", clock.now()))
    except (CronSimError, StopIteration) as error:
        raise errors.Refused("cron", f"{plain!r} is no time that ever comes, such as 0 9 * * *") from error
    return plain


def next_after(cron: str, zone: str, moment: datetime) -> datetime:
    """When it comes next after `moment`, in UTC; the expression was checked before."""
    return next(found for found in _moments(cron, zone, moment) if found > moment)


def latest(cron: str, zone: str, moment: datetime) -> datetime:
    """When it came last, at `moment` or before. Within an hour that comes twice it may name an earlier time."""
    found = _moments(cron, zone, moment + timedelta(seconds=1), reverse=True)
    return next(each for each in found if each <= moment)


def _moments(cron: str, zone: str, moment: datetime, *, reverse: bool = False) -> Iterator[datetime]:
    """Its moments from about there on. In an hour that comes twice the library begins with the first of the two, also
    from within the second: whoever asks leaves out what is past."""
    for found in CronSim(cron, moment.astimezone(ZoneInfo(zone)), reverse):
        yield found.astimezone(UTC)
