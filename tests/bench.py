"""`make bench`: what wabot does a second on this machine, next to the least that it could cost.

    python -m tests.bench [intake] [writes] [latency] [sends] [footprint] [scale]      all of them without one

Measures each part on this disk and, where commits matter, again on one whose commits take 2 ms more.
Prints a table and writes var/bench.json. Everything runs on loopback, on files below var/ that are gone afterwards;
what is held against something else is measured in turns with it, so that a busy machine slows both.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests import bench_footprint, bench_intake, bench_latency, bench_machine, bench_scale, bench_sends, bench_writes
from tests.bench_figures import Part, table
from tests.spine.stack import ROOT

PARTS: dict[str, Callable[..., Part]] = {
    "intake": bench_intake.measure,
    "writes": bench_writes.measure,
    "latency": bench_latency.measure,
    "sends": bench_sends.measure,
    "footprint": bench_footprint.measure,
    "scale": bench_scale.measure,
}
ON_ANY_DISK = {"footprint", "scale"}
"""Parts that a slower commit changes nothing about."""
SLOW = "on a disk whose commits take 2 ms more"
LONGEST_SECONDS = 600


def main(wanted: list[str]) -> None:
    """Measure, print, write down; ends with one line when something did not work."""
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"bench: {', '.join(sorted(unknown))} is none of {', '.join(PARTS)}")
    _stop_cleanly_on_signals()
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    machine, began = bench_machine.describe(), time.monotonic()
    chosen = [name for name in PARTS if name in (wanted or PARTS)]
    parts = {name: _measured(name, folder, slow=False) for name in chosen}
    parts |= {f"{name}Slow": _measured(name, folder, slow=True) for name in chosen if name not in ON_ANY_DISK}
    seconds = time.monotonic() - began
    document = {
        "machine": machine,
        "seconds": seconds,
        "parts": {name: part.document() for name, part in parts.items()},
    }
    file = folder / "bench.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{bench_machine.sentence(machine)}\n\n{table(parts.values())}\n\n{seconds:.0f} s; all rounds are in {file}")


def _measured(name: str, folder: Path, *, slow: bool) -> Part:
    print(f"bench: {name}{f' {SLOW}' * slow} …", file=sys.stderr, flush=True)
    part = PARTS[name](folder, slow=slow)
    return replace(part, title=f"{part.title}, {SLOW}") if slow else part


def _stop_cleanly_on_signals() -> None:
    """So that every process that was started is ended, whatever ends this one; kill -9 excepted."""
    reasons = {signal.SIGTERM: "terminated", signal.SIGHUP: "terminated",
               signal.SIGALRM: f"not done within {LONGEST_SECONDS} s"}  # fmt: skip
    for name, reason in reasons.items():
        signal.signal(name, lambda *_, reason=reason: sys.exit(f"bench: {reason}"))
    signal.alarm(LONGEST_SECONDS)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("bench: stopped")
