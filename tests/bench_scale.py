"""What people look at, with 1,000,000 messages of 200 tenants behind it against 100,000: milliseconds of each call in
one process, in turns on two files of the same recent activity, and the steps that SQLite took for it."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from tests import ledgers
from tests.bench_figures import Figure, Part, Target
from tests.watching import watched
from wabot import clock, config
from wabot.core import days, metering, tenancy
from wabot.store import db
from wabot.web import create_app

MESSAGES = 1_000_000
ROUNDS, TIMES = 5, 10
ADMIN_KEY = "the-operator-s-own-key"
SLUG = "tenant007"
PAGES = {
    "a page of /api/usage": "/api/usage?limit=20",
    "/api/usage of one tenant": f"/api/usage/{SLUG}",
    "/api/stats over all": "/api/stats",
    "/api/stats of one tenant": f"/api/stats?restaurantId={SLUG}",
    "analytics of one tenant": f"/api/restaurants/{SLUG}/analytics",
}
A_DAY = "a day counted anew"
STEPS = Target(1.1, of_ratio=True, at_most=True)
AGAINST = "a tenth"


class Calls:
    """The calls, by name, and how to make each anew."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.by_name: dict[str, Callable[[], Any]] = {name: self._page(path) for name, path in PAGES.items()}
        self.by_name[A_DAY] = self._recompute

    def _page(self, path: str) -> Callable[[], Any]:
        return lambda: self._answered(self._client.get(path, headers={"X-API-Key": ADMIN_KEY}).status_code)

    def _answered(self, status: int) -> None:
        assert status == 200, status

    def _recompute(self) -> None:
        """Yesterday of one tenant, of which nothing is kept."""
        tenant = tenancy.find_tenant(SLUG)
        day = days.of(tenant.timezone, ledgers.NOW) - timedelta(days=1)
        assert metering.of_days(tenant, day, day, ledgers.NOW)

    def prepare(self, name: str) -> None:
        """A day that is counted anew is not kept; of a page's days all that are over are."""
        if name == A_DAY:
            db.write(lambda: db.run("DELETE FROM daily_usage"))
        else:
            self.by_name[name]()

    def milliseconds(self, name: str) -> float:
        """The mean of some calls."""
        spent = 0.0
        for _ in range(TIMES):
            if name == A_DAY:
                self.prepare(name)
            began = time.perf_counter()
            self.by_name[name]()
            spent += time.perf_counter() - began
        return 1000 * spent / TIMES


def measure(parent: Path, *, slow: bool) -> Part:
    """Five rounds in turns on both files."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="bench-") as folder, _as_operator(Path(folder)):
        return _measured(_built(Path(folder)))


def _built(folder: Path) -> tuple[Path, Path]:
    short, long = folder / "short.db", folder / "long.db"
    for file, ledger in zip((short, long), ledgers.pair(MESSAGES), strict=True):
        ledgers.build(file, ledger)
    return long, short


def _measured(files: tuple[Path, Path]) -> Part:
    calls = Calls(create_app().test_client())
    figures = []
    for name in calls.by_name:
        rounds: tuple[list[float], ...] = ([], [])
        for n in range(ROUNDS):
            for which in (0, 1) if n % 2 else (1, 0):
                with _opened(files[which]):
                    calls.prepare(name)
                    rounds[which].append(calls.milliseconds(name))
        steps = [_steps(calls, name, file) for file in files]
        figures.append(Figure(name, "ms", rounds[0], AGAINST, rounds[1]))
        figures.append(Figure("    its steps", "", [steps[0]], "", [steps[1]], STEPS))
    megabytes = " and ".join(f"{file.stat().st_size / 1e6:.0f}" for file in files)
    return Part(f"{MESSAGES:,} messages of {ledgers.TENANTS} tenants", figures, [f"the files have {megabytes} MB"])


def _steps(calls: Calls, name: str, file: Path) -> int:
    with _opened(file):
        calls.prepare(name)
        with watched() as seen:
            calls.by_name[name]()
        return seen.steps


@contextmanager
def _opened(file: Path) -> Iterator[None]:
    db.database.open(file)
    try:
        yield
    finally:
        db.database.shut()


@contextmanager
def _as_operator(folder: Path) -> Iterator[None]:
    """It is the moment of the ledgers, and the operator has a key."""
    clock_file = folder / "clock"
    clock_file.write_text(str((ledgers.NOW - datetime.now(UTC)).total_seconds()))
    before = dict(os.environ)
    os.environ |= {clock.TEST_CLOCK: str(clock_file), "WABOT_ADMIN_API_KEY": ADMIN_KEY, "WABOT_DB": str(folder / "x")}
    config.settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
        config.settings.cache_clear()
