"""How people say when: a moment, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

from wabot import clock

_AGE = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse(text: str) -> datetime:
    """A moment in ISO 8601, UTC where it names no zone, or by its age, such as `2h`. Raises ValueError."""
    try:
        if age := _AGE.fullmatch(text):
            return clock.now() - int(age[1]) * _UNITS[age[2]]
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is too far away") from error
