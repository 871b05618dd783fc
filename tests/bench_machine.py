"""What a benchmark runs on, and how much of it each process used."""

import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from types import TracebackType
from typing import Any

import apsw
import gunicorn

from wabot import config

TICKS = os.sysconf("SC_CLK_TCK")
LEAST_SHOWN = 0.005
_defaults = config.Settings()


def describe() -> dict[str, Any]:
    """The machine and the versions that figures depend on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "gunicorn": gunicorn.__version__,
        "loadAverage": os.getloadavg()[0],
        "webWorkers": _defaults.wabot_web_workers,
        "webThreads": _defaults.wabot_threads,
        "consumerThreads": _defaults.wabot_consumer_workers,
    }


def sentence(machine: dict[str, Any]) -> str:
    """The machine in one line."""
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['system']}, Python {machine['python']}, "
        f"SQLite {machine['sqlite']}, gunicorn {machine['gunicorn']}; load {machine['loadAverage']:.1f} before\n"
        f"{machine['webWorkers']} web process of {machine['webThreads']} threads, "
        f"{machine['consumerThreads']} consumer threads"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


class Meter:
    """How many cores each process group, this process and everybody else kept busy while it ran."""

    def __init__(self, **leaders: int) -> None:
        self._leaders = leaders
        self.cores: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> "Meter":
        self._before = self._now()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        used = {name: after - self._before[name] for name, after in self._now().items()}
        lasted, busy = used.pop("clock"), used.pop("busy")
        self.seconds = used | {"others": max(0.0, busy - sum(used.values()))}
        self.cores = {name: max(0.0, spent / lasted) for name, spent in self.seconds.items()}

    def _now(self) -> dict[str, float]:
        spent = {name: _group_seconds(leader) for name, leader in self._leaders.items()}
        return {"clock": time.monotonic(), "busy": _busy_seconds(), "bench": time.process_time(), **spent}


def mean_cores(found: Iterable[dict[str, float]]) -> dict[str, float]:
    """The mean over rounds that measured the same processes."""
    found = list(found)
    return {name: mean(cores[name] for cores in found) for name in found[0]}


def words(cores: dict[str, float]) -> str:
    """Who kept how much busy, in one line."""
    shares = [f"{name} {share:.2f}" for name, share in cores.items() if share >= LEAST_SHOWN]
    return "cores kept busy: " + ", ".join(shares)


def _group_seconds(leader: int) -> float:
    """The processor seconds of every live process of this group."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _busy_seconds() -> float:
    """What all processors together have not idled since boot."""
    user, nice, system, _idle, _waiting, *rest = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS
