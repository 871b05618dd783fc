"""What people look at costs what happened lately, however long the history behind it is.

Two hundred thousand messages show it as well as the million does: steps are counted, not timed, and a plan
that reads history takes ten times as many at any size. `SCALE_MESSAGES=1000000` builds the million, as `make bench`."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import ledgers
from tests.watching import Seen, watched
from wabot import clock, config
from wabot.core import days, metering, tenancy
from wabot.store import db, usage
from wabot.web import create_app

pytestmark = pytest.mark.xdist_group("scale")

MESSAGES = int(os.environ.get("SCALE_MESSAGES", "200000"))
MOST = 1.1
"""What ten times the history may cost against one time."""
ADMIN_KEY = "the-operator-s-own-key"
SLUG = "tenant007"
PATHS = [
    "/api/usage",
    f"/api/usage/{SLUG}",
    f"/api/usage/{SLUG}/daily",
    f"/api/usage/{SLUG}/monthly",
    "/api/stats",
    f"/api/stats?restaurantId={SLUG}",
    f"/api/restaurants/{SLUG}/analytics",
]
SMALL_FOR_EVER = {
    "tenant": "the operator's page is one of tenants, and there is one row for each",
    "rate_card": "a row for each file of prices that the operator ever loaded",
}
"""Tables that a plan may read from end to end, with the reason."""
Files = tuple[Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A ledger, and one with ten times the history."""
    folder = tmp_path_factory.mktemp("ledgers")
    short, long = folder / "short.db", folder / "long.db"
    for file, ledger in zip((short, long), ledgers.pair(MESSAGES), strict=True):
        ledgers.build(file, ledger)
    return short, long


@pytest.fixture(autouse=True)
def now(settings_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the moment of the ledgers, and the operator has a key."""
    clock_file = settings_env / "clock"
    clock_file.write_text(str((ledgers.NOW - datetime.now(UTC)).total_seconds()))
    monkeypatch.setenv(clock.TEST_CLOCK, str(clock_file))
    monkeypatch.setenv("WABOT_ADMIN_API_KEY", ADMIN_KEY)


def get(path: str) -> None:
    answer = create_app().test_client().get(path, headers={"X-API-Key": ADMIN_KEY})
    assert answer.status_code == 200, answer.json


def recompute_a_day() -> None:
    """Yesterday of one tenant, of which nothing is kept."""
    tenant = tenancy.find_tenant(SLUG)
    day = days.of(tenant.timezone, ledgers.NOW) - timedelta(days=1)
    [found] = metering.of_days(tenant, day, day, ledgers.NOW)
    assert found.figures.messages_in > 0


def look_at_everything() -> None:
    """What no page does."""
    db.rows("SELECT count(*) FROM message AS m WHERE m.body = 'nobody writes this'")


def watch(call: Callable[[], None], file: Path, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> Seen:
    """What SQLite does for this call, with or without kept days."""
    monkeypatch.setenv("WABOT_DB", str(file))
    config.settings.cache_clear()
    db.database.open(file)
    if kept:
        call()
    else:
        db.write(lambda: db.run("DELETE FROM daily_usage"))
    with watched() as seen:
        call()
    return seen


def growth(call: Callable[[], None], files: Files, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> float:
    """How many times the steps it takes with ten times the history."""
    short, long = (watch(call, file, monkeypatch, kept=kept).steps for file in files)
    return long / short


@pytest.mark.parametrize("path", PATHS)
def test_a_page_costs_no_more_with_ten_times_the_history(
    files: Files, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert growth(lambda: get(path), files, monkeypatch, kept=True) <= MOST


def test_counting_a_day_anew_costs_no_more_with_ten_times_the_history(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert growth(recompute_a_day, files, monkeypatch, kept=False) <= MOST


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("path", PATHS)
def test_no_plan_reads_a_table_of_tenants_rows_from_end_to_end(
    files: Files, path: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watch(lambda: get(path), files[1], monkeypatch, kept=kept)
    assert {table: sql for table, sql in seen.scanned().items() if table not in SMALL_FOR_EVER} == {}


def test_counting_a_day_anew_reads_no_table_from_end_to_end(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(recompute_a_day, files[1], monkeypatch, kept=False)
    assert usage._COUNT in seen.statements
    assert seen.scanned() == {}


def test_what_reads_everything_is_caught(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert growth(look_at_everything, files, monkeypatch, kept=True) > 5
    assert list(watch(look_at_everything, files[1], monkeypatch, kept=True).scanned()) == ["message"]
