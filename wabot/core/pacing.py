"""Questions about usage are asked no faster than a provider allows, by all processes together."""

import math
import time
from collections.abc import Callable
from datetime import timedelta

from wabot import clock, errors
from wabot.providers.metered import Pace
from wabot.store import buckets, db
from wabot.store.buckets import Rate

KEY = "usage:"


def rate(pace: Pace) -> Rate:
    """A bucket that never lets more than `pace.most` through within any `pace.seconds`: half of them at once, the
    others as it refills. One of `pace.most` tokens would let twice as many through, when it is full at first."""
    at_once = pace.most // 2 + 1
    refill = pace.most - at_once + 1
    return Rate(at_once, math.ceil(pace.seconds * 1000 * at_once / refill))


def wait_for_turn(pace: Pace, ends_at: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Returns when the next question may be asked. Raises Throttled (`paced`) at once when that would be after
    `ends_at` (monotonic). Nothing is open meanwhile."""
    furthest = timedelta(seconds=max(0.0, ends_at - clock.monotonic()))
    key, allowed, now = f"{KEY}{pace.key}", rate(pace), clock.now()
    turn = db.write(lambda: buckets.reserve(key, allowed, now, furthest))
    if turn is None:
        wait = (buckets.ready_at(key, allowed, now) - now).total_seconds()
        raise errors.Throttled("paced", "the provider's limit for such questions is used up", retry_after=wait)
    if turn > now:
        sleep((turn - now).total_seconds())
