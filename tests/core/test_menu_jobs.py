"""The consumer's share: fetching and bootstraps are kinds of work of their own, found by what is due."""

from collections.abc import Iterator

import pytest

from tests.core.conftest import Stage
from tests.core.menus_at_the_platform import bootstraps, known, platform, tenant
from tests.fakes import sufrah
from wabot import clock, config
from wabot.core import catalogs
from wabot.jobs import huey, tasks
from wabot.store import db
from wabot.words import Want, WantKind

__all__ = ["platform"]


@pytest.fixture(autouse=True)
def slots() -> Iterator[None]:
    before = {name: kind.slots for name, kind in huey.storage.kinds.items()}
    yield
    for name, most in before.items():
        huey.storage.kinds[name].slots = most


def is_due(name: str) -> bool:
    due_at = huey.storage.kinds[name].due(clock.now())
    return due_at is not None and due_at <= clock.now()


def do(name: str) -> None:
    """What a thread of the consumer does with a nudge."""
    kind = huey.storage.kinds[name]
    kind.running += 1
    huey.execute(huey.deserialize_task(kind.nudge()))
    assert kind.running == 0


def test_what_is_wanted_is_due_and_fetched(stage: Stage, platform: sufrah.Sufrah) -> None:
    assert not is_due("catalog")
    stage.says("menu")
    stage.read()
    db.write(lambda: catalogs.want(tenant(stage), Want(WantKind.CATALOG), 1, clock.now()))
    assert is_due("catalog")
    do("catalog")
    assert not is_due("catalog")
    assert known(stage).is_known


def test_a_bootstrap_is_due_with_its_welcome_and_run(stage: Stage, platform: sufrah.Sufrah) -> None:
    assert not is_due("bootstrap")
    stage.says("hello")
    stage.answer()
    assert is_due("bootstrap")
    do("bootstrap")
    assert not is_due("bootstrap")
    assert [row.status for row in bootstraps()] == ["completed"]


@pytest.mark.parametrize(("threads", "catalog", "bootstrap"), [(32, 4, 5), (16, 3, 3), (4, 1, 1), (1, 1, 1)])
def test_a_small_consumer_keeps_threads_for_the_rest(
    threads: int, catalog: int, bootstrap: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_CONSUMER_WORKERS", str(threads))
    config.settings.cache_clear()
    huey.create_consumer()
    kinds = tasks.huey.storage.kinds
    assert (kinds["catalog"].slots, kinds["bootstrap"].slots) == (catalog, bootstrap)
