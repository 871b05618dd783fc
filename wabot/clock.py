"""The only place that asks what time it is. Wall clock in UTC; the file keeps milliseconds."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

TEST_CLOCK = "WABOT_TEST_CLOCK"
"""Environment variable: a file that holds seconds to add to the wall clock. For fault tests only."""


def now() -> datetime:
    """The present moment, aware, in UTC, to the millisecond that the file can hold."""
    moment = datetime.now(UTC) + _test_offset()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def monotonic() -> float:
    """Seconds that only ever grow; for measuring how long something takes within a process."""
    return time.monotonic()


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 in UTC, as the file keeps them."""
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The aware moment that `to_ms` wrote."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and `Z`, as every answer of the API shows a moment."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _test_offset() -> timedelta:
    path = os.environ.get(TEST_CLOCK)
    if not path:
        return timedelta()
    try:
        return timedelta(seconds=float(Path(path).read_text()))
    except (OSError, ValueError):
        return timedelta()
