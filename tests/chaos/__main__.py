"""`python -m tests.chaos --minutes 30 [--seed N]`: the long run. Exit 1 with every violation, if there is one."""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import storm


def seed_of_environment() -> int:
    """WABOT_CHAOS_SEED, else one by chance; it is printed with the run."""
    given = os.environ.get("WABOT_CHAOS_SEED")
    return int(given) if given else random.SystemRandom().randrange(1 << 30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=30.0)
    length.add_argument("--seconds", type=float)
    parser.add_argument("--kills", type=int, help="default: one every ten seconds")
    parser.add_argument("--seed", type=int, help="default: WABOT_CHAOS_SEED, else by chance")
    parser.add_argument("--rate", type=float, default=8.0, help="customers' messages a second")
    parser.add_argument("--drain", type=float, default=storm.DRAIN_SECONDS, help="seconds to come to rest, at most")
    parser.add_argument("--folder", type=Path, help="where everything is left; default a new one below /tmp")
    wanted = parser.parse_args()
    seconds = wanted.seconds or wanted.minutes * 60
    folder = wanted.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    seed = wanted.seed if wanted.seed is not None else seed_of_environment()
    began = time.monotonic()
    kills = wanted.kills or max(1, round(seconds / 10))
    report = storm.run(folder, seed, seconds, kills, rate=wanted.rate, drain_seconds=wanted.drain)
    for name, value in report.figures.items():
        print(f"  {name}: {value}")
    for violation in report.violations:
        print(violation)
    print(f"seed {seed}: {len(report.violations)} violations, {time.monotonic() - began:.0f} s, left in {folder}")
    return int(bool(report.violations))


if __name__ == "__main__":
    sys.exit(main())
