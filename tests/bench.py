"""`make bench`: what wabot does a second on this machine, next to the least that it could cost.

    python -m tests.bench [intake] [writes] [latency] [sends]      all four without an argument

Prints a table and writes var/bench.json. Everything runs on loopback, on files below var/ that are gone afterwards;
what is held against something else is measured in turns with it, so that a busy machine slows both.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests import bench_intake, bench_latency, bench_machine, bench_sends, bench_writes
from tests.bench_figures import Part, table
from tests.spine.stack import ROOT

PARTS: dict[str, Callable[[Path], Part]] = {
    "intake": bench_intake.measure,
    "writes": bench_writes.measure,
    "latency": bench_latency.measure,
    "sends": bench_sends.measure,
}
LONGEST_SECONDS = 300


def main(wanted: list[str]) -> None:
    """Measure, print, write down; ends with one line when something did not work."""
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"bench: {', '.join(sorted(unknown))} is none of {', '.join(PARTS)}")
    _stop_cleanly_on_signals()
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    machine, began = bench_machine.describe(), time.monotonic()
    parts = {name: _measured(name, folder) for name in PARTS if name in (wanted or PARTS)}
    seconds = time.monotonic() - began
    document = {
        "machine": machine,
        "seconds": seconds,
        "parts": {name: part.document() for name, part in parts.items()},
    }
    file = folder / "bench.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{bench_machine.sentence(machine)}\n\n{table(parts.values())}\n\n{seconds:.0f} s; all rounds are in {file}")


def _measured(name: str, folder: Path) -> Part:
    print(f"bench: {name} …", file=sys.stderr, flush=True)
    return PARTS[name](folder)


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
