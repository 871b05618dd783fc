"""The short storm: sixty seconds, six kills, a seed that is printed and can be given (`WABOT_CHAOS_SEED`)."""

import os
from pathlib import Path

import pytest

from tests.chaos import storm

SEED = 20261121

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


def test_a_minute_of_kills_and_faults_breaks_no_invariant(tmp_path: Path) -> None:
    seed = int(os.environ.get("WABOT_CHAOS_SEED", SEED))
    report = storm.run(tmp_path, seed, storm.SHORT_SECONDS, storm.SHORT_KILLS)
    print(*report.events, *report.figures.items(), sep="\n")
    assert report.figures["accepted sends"] > 50, "too little happened to show anything"
    assert not report.violations, "\n".join(map(str, report.violations))
