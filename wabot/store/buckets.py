"""Token buckets in the file, exact across processes: one row a bucket, which holds the moment at
which it would be full again (the generic cell rate algorithm, in microseconds)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock
from wabot.store import db


@dataclass(frozen=True, slots=True)
class Rate:
    """`most` tokens to begin with, refilled evenly over `window_ms`."""

    most: int
    window_ms: int = 60_000

    @property
    def window_us(self) -> int:
        return self.window_ms * 1000

    @property
    def interval_us(self) -> int:
        return max(1, self.window_us // self.most)


def ready_at(key: str, rate: Rate, now: datetime) -> datetime:
    """When the next token will be there; not after `now` if one is there already."""
    return _moment(_full_at(key, rate, now, timedelta()) - rate.window_us + rate.interval_us)


def spend(key: str, rate: Rate, now: datetime) -> None:
    """Inside a write: take a token that `ready_at` has just said is there."""
    _keep(key, _full_at(key, rate, now, timedelta()) + rate.interval_us)


def drain(key: str, rate: Rate, now: datetime) -> None:
    """Inside a write: nothing is saved up; from now on the tokens come evenly."""
    _keep(key, _us(now) + rate.window_us)


def reserve(key: str, rate: Rate, now: datetime, furthest: timedelta) -> datetime | None:
    """Inside a write: the next token, taken now and usable from the moment that is returned.

    None, and nothing is taken, when that would be later than `furthest` from now.
    """
    full_at = _full_at(key, rate, now, furthest)
    ready = _moment(full_at - rate.window_us + rate.interval_us)
    if ready > now + furthest:
        return None
    _keep(key, full_at + rate.interval_us)
    return max(ready, now)


def _full_at(key: str, rate: Rate, now: datetime, furthest: timedelta) -> int:
    """Never before now; a moment beyond what the bucket can owe means that the clock went back."""
    found = db.one("SELECT full_at FROM bucket WHERE key = ?", key)
    present = _us(now)
    if (
        found is None
        or found[0] < present
        or found[0] > present + rate.window_us + furthest // timedelta(microseconds=1)
    ):
        return present
    return int(found[0])


def _keep(key: str, full_at: int) -> None:
    db.run(
        "INSERT INTO bucket (key, full_at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full_at = excluded.full_at",
        key,
        full_at,
    )


def _us(moment: datetime) -> int:
    return clock.to_ms(moment) * 1000


def _moment(microseconds: int) -> datetime:
    """Rounded up to the millisecond, so that a token is there when its moment has come."""
    return clock.from_ms(-(-microseconds // 1000))


def forget_full(now: datetime) -> int:
    """Inside a write: drop the buckets that are full, so that their number stays bounded."""
    return db.run("DELETE FROM bucket WHERE full_at <= ?", _us(now))
