"""Token buckets: exact, also when several processes take from one, and after the clock went back."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from wabot import clock
from wabot.store import buckets, db
from wabot.store.buckets import Rate

RATE = Rate(60)
HOUR = timedelta(hours=1)


def test_as_many_as_the_bucket_holds_at_once_then_one_an_interval(file: Path) -> None:
    now = clock.now()
    ready = db.write(lambda: [buckets.reserve("k", RATE, now, HOUR) for _ in range(63)])
    assert ready[:60] == [now] * 60
    assert ready[60:] == [now + timedelta(seconds=n) for n in (1, 2, 3)]


def test_it_refills_evenly_and_never_beyond_full(file: Path) -> None:
    now = clock.now()
    db.write(lambda: [buckets.reserve("k", RATE, now, HOUR) for _ in range(60)])
    later = now + timedelta(seconds=10)
    assert buckets.ready_at("k", RATE, now) == now + timedelta(seconds=1)
    again = db.write(lambda: [buckets.reserve("k", RATE, later, HOUR) for _ in range(11)])
    assert again == [later] * 10 + [later + timedelta(seconds=1)]
    much_later = now + timedelta(days=1)
    assert db.write(lambda: [buckets.reserve("k", RATE, much_later, HOUR) for _ in range(61)])[60] > much_later


def test_what_would_be_too_far_away_is_not_taken(file: Path) -> None:
    now = clock.now()
    answers = db.write(lambda: [buckets.reserve("k", Rate(1), now, timedelta(minutes=2)) for _ in range(5)])
    assert [answer is not None for answer in answers] == [True, True, True, False, False]
    assert buckets.ready_at("k", Rate(1), now) <= now + timedelta(minutes=3)


def test_after_the_clock_went_back_a_bucket_does_not_stay_empty(file: Path) -> None:
    now = clock.now()
    db.write(lambda: [buckets.reserve("k", RATE, now, HOUR) for _ in range(60)])
    assert buckets.ready_at("k", RATE, now - timedelta(hours=6)) <= now - timedelta(hours=6)


def test_full_buckets_are_forgotten(file: Path) -> None:
    now = clock.now()
    db.write(lambda: buckets.reserve("k", RATE, now, HOUR))
    assert db.write(lambda: buckets.forget_full(now)) == 0
    assert db.write(lambda: buckets.forget_full(now + timedelta(seconds=2))) == 1


TAKER = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from wabot.store import buckets, db
db.database.open(Path(sys.argv[1]))
now = datetime.fromisoformat(sys.argv[2])
taken = [db.write(lambda: buckets.reserve("k", buckets.Rate(60), now, timedelta(hours=1))) for _ in range(50)]
print(sum(ready == now for ready in taken))
"""


@pytest.mark.process
def test_four_processes_together_take_no_more_than_the_bucket_holds(file: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", TAKER, str(file), clock.now().isoformat()]
    takers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(4)]
    assert sum(int(taker.communicate(timeout=60)[0]) for taker in takers) == 60
