"""What every test stands on: a clean environment, real processes last and one at a time, and an
honest list of what could not run on this machine."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from wabot import config
from wabot.store import db, migrate

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")

LONGEST_ID = 100

_FAMILIES = ("WABOT_", "CONTENT_SID_", "TWILIO_", "META_", "GUPSHUP_", "INTERAKT_", "SUFRAH_")
_NAMES = {*config.variables(), *config.FOREIGN}

hypothesis.settings.register_profile("wabot", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("wabot")


@pytest.fixture(autouse=True)
def settings_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The test's own folder as working directory, a database path in it, and no setting inherited."""
    for name in list(os.environ):
        if name.startswith(_FAMILIES) or name.removesuffix("_FILE") in _NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("WABOT_DB", str(tmp_path / "wabot.db"))
    monkeypatch.chdir(tmp_path)
    config.settings.cache_clear()
    yield tmp_path
    config.settings.cache_clear()


@pytest.fixture(scope="session")
def fresh_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that nobody ever opens: thousands of tests begin with a copy of it, which takes a fiftieth of the
    time that all migrations take."""
    path = tmp_path_factory.mktemp("fresh") / "wabot.db"
    migrate.migrate(path)
    return path


@pytest.fixture
def file(settings_env: Path, fresh_file: Path) -> Iterator[Path]:
    """A fresh database file that this process works on."""
    path = config.settings().wabot_db
    shutil.copyfile(fresh_file, path)
    path.chmod(0o600)
    db.gate_path(path).touch(0o600)
    db.database.open(path)
    yield path
    db.database.shut()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test is named by what can be read, sent to every worker and put in its environment: not by a megabyte."""
    return f"{argname} of {len(val)}" if isinstance(val, str | bytes) and len(val) > LONGEST_ID else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of real processes go to the end, and to one worker."""
    for item in items:
        if item.get_closest_marker("process"):
            item.add_marker(pytest.mark.xdist_group("process"))
    items.sort(key=lambda item: item.get_closest_marker("process") is not None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.needs("chromium", package="chromium")`: not run without it; in CI a failure."""
    for mark in item.iter_markers("needs"):
        [tool] = mark.args
        package = mark.kwargs["package"]
        if shutil.which(tool):
            continue
        if IN_CI:
            pytest.fail(f"{tool} is missing, and CI runs every test: install {package}", pytrace=False)
        item.user_properties.append(("needs", package))
        pytest.skip(f"{tool} is missing")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not run for want of a tool, with the package to install."""
    waiting = [
        (package, report.nodeid)
        for report in terminalreporter.getreports("skipped")
        for name, package in report.user_properties
        if name == "needs"
    ]
    if waiting:
        terminalreporter.section("not run")
        for package, test in sorted(waiting):
            terminalreporter.line(f"not run: {test} (install {package})")
