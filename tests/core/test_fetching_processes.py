"""Two processes that want the same thing from the platform at the same moment."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.core.conftest import Stage
from tests.core.menus_at_the_platform import bootstraps, known, platform, tenant
from tests.fakes import sufrah
from wabot import clock
from wabot.core import catalogs
from wabot.store import bootstraps as store
from wabot.store import customers, db
from wabot.words import Identity, Want, WantKind

__all__ = ["platform"]

WORKER = """
import sys, time
from pathlib import Path
from wabot import boot
from wabot.core import catalogs, warming
boot.start()
Path(sys.argv[1]).touch()
while not Path(sys.argv[2]).exists():
    time.sleep(0.001)
until = time.monotonic() + 3
while time.monotonic() < until:
    if not (catalogs.fetch_next() or warming.run_next()):
        time.sleep(0.002)
"""


@pytest.mark.process
def test_two_processes_fetch_it_once(stage: Stage, platform: sufrah.Sufrah, tmp_path: Path) -> None:
    stage.says("menu")
    stage.read()
    one = tenant(stage)

    def ask() -> None:
        for kind, key in ((WantKind.CATALOG, ""), (WantKind.ITEMS, f"{sufrah.GRILLS}|"), (WantKind.ITEMS, "none|")):
            catalogs.want(one, Want(kind, key), 1, clock.now())
        for n in range(8):
            customer = customers.meet(one.id, Identity(phone=f"+96651234567{n}"), "", clock.now())
            store.add(one.id, None, customer.id, clock.now())

    db.write(ask)
    go, environment = tmp_path / "go", {**os.environ, "WABOT_SEND_TIMEOUT": "5"}
    ready = [tmp_path / f"ready{n}" for n in range(2)]
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(path), str(go)], env=environment) for path in ready]
    try:
        while not all(path.exists() for path in ready):
            assert all(worker.poll() is None for worker in workers)
        go.touch()
        assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
    assert Counter(line["call"] for line in platform.calls()) == {"categories": 1, "branches": 1, "products": 2}
    assert {(row.status.value, row.attempts) for row in bootstraps()} == {("completed", 1)}
    assert known(stage).is_known
