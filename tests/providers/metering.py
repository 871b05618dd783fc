"""What tests ask providers about usage with."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from wabot import clock
from wabot.providers.metered import UsageAsked

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def asked_for(
    first: date,
    last: date,
    *,
    now: datetime = NOW,
    shared: bool = False,
    is_ours: Callable[[str], bool] = lambda _: False,
    wait_for_turn: Callable[[], None] = lambda: None,
    seconds: float = 30.0,
) -> UsageAsked:
    """These days, of an account of one channel unless it is shared, within so many seconds."""
    return UsageAsked(first, last, now, shared, is_ours, wait_for_turn, clock.monotonic() + seconds)
