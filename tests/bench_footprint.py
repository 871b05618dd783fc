"""What `wabot serve` takes while nothing happens: memory of all its processes, and processor time."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests import bench_load
from tests.bench_figures import Figure, Part, Target
from tests.bench_machine import TICKS
from tests.bench_stack import installed, sender
from tests.spine.stack import Stack, wait_until

WEBHOOKS, SETTLE_SECONDS, IDLE_SECONDS = 1000, 5.0, 10.0
MEMORY, IDLE = Target(160, at_most=True), Target(2, at_most=True)


def measure(parent: Path, *, slow: bool) -> Part:
    """After many webhooks, so that every connection is open; PSS shares out what processes have in common."""
    with installed(parent, tenants=1, slow=slow) as stack, _serving(stack) as parent_pid:
        _work(stack)
        time.sleep(SETTLE_SECONDS)
        pids = _tree(parent_pid)
        megabytes = {f"{pid} {_name(pid)}": _pss_kib(pid) / 1024 for pid in pids}
        before = sum(map(_ticks, pids))
        time.sleep(IDLE_SECONDS)
        used = (sum(map(_ticks, pids)) - before) / TICKS
    figures = [
        Figure("memory of all processes (PSS)", "MB", [sum(megabytes.values())], target=MEMORY),
        Figure("processor while idle, of one core", "%", [100 * used / IDLE_SECONDS], target=IDLE),
    ]
    each = ", ".join(f"{name.partition(' ')[2]} {size:.0f}" for name, size in megabytes.items())
    return Part("wabot serve, idle", figures, [f"MB of each: {each}"], {"megabytes": megabytes})


@contextmanager
def _serving(stack: Stack) -> Iterator[int]:
    command = [sys.executable, "-c", "from wabot.cli import main; main()", "serve"]
    with (stack.folder / "serve.log").open("ab") as log:
        served = subprocess.Popen(command, cwd=stack.folder, env=stack.environment(), stdout=log, stderr=log,
                                  start_new_session=True)  # fmt: skip
    try:
        wait_until(lambda: requests.get(f"{stack.url}/health/live", timeout=5).ok, seconds=30, what="web answers")
        yield served.pid
    finally:
        served.terminate()
        served.wait(30)


def _work(stack: Stack) -> None:
    """Keep every thread of web and of the consumer busy for a moment."""
    order = bench_load.Order(stack.port, 64, 60, 0, WEBHOOKS, WEBHOOKS, sender(stack, 1))
    bench_load.run(order, bench_load.made(order))
    wait_until(lambda: len(stack.ledger()) >= WEBHOOKS, seconds=60, what="each was answered")


def _tree(root: int) -> list[int]:
    """The process and everything that it and its children have started."""
    children = (Path(f"/proc/{root}/task/{root}/children")).read_text().split()
    return [root, *(pid for child in children for pid in _tree(int(child)))]


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    known = {"gunicorn": "web", "huey.bin.huey_consumer": "consumer"}
    return next((name for word, name in known.items() if word in words), "parent")
