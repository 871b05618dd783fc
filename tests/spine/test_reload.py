"""An upgrade without a gap: HUP lets web go on with the code that is there by then."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.spine.stack import ROOT, Stack, wait_until

pytestmark = pytest.mark.process


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Web alone, from a clone that the test may change."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "wabot", clone / "wabot", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / name, clone / name)
    stack = Stack(tmp_path, clone=clone)
    try:
        stack.cli("migrate")
        stack.start_web()
        yield stack
    finally:
        stack.stop()


_SAYS_SO = "from wabot import errors\nwith open({!r}, 'w') as seen: seen.write(errors.OfTheNewVersion.__name__)"


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text()}\n{text}\n")


def test_after_a_hup_new_code_finds_all_of_the_new_code(stack: Stack) -> None:
    seen = stack.folder / "seen"
    append(stack.clone / "wabot" / "errors.py", "class OfTheNewVersion(WabotError): ...")
    append(stack.clone / "wabot" / "web" / "health.py", _SAYS_SO.format(str(seen)))
    assert stack.web is not None
    stack.web.send_signal(signal.SIGHUP)
    wait_until(seen.exists, seconds=30, what="a web process has the new code")
    assert requests.get(f"{stack.url}/health/live", timeout=5).ok
    assert "OfTheNewVersion" in seen.read_text()
    assert "Traceback" not in stack.logs()
