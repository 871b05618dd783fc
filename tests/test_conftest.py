"""The tests' own footing: isolation, closed sockets, and tools that a machine lacks."""

import os
import socket
from pathlib import Path

import hypothesis
import pytest
import pytest_socket
from hypothesis import strategies

from tests import conftest
from wabot import config

pytest_plugins = ["pytester"]


def test_a_test_works_on_a_database_of_its_own_and_inherits_no_setting(settings_env: Path) -> None:
    assert config.settings().wabot_db == settings_env / "wabot.db"
    assert [name for name in os.environ if name.startswith("WABOT_")] == ["WABOT_DB"]
    assert Path.cwd() == settings_env


def test_the_network_is_closed_but_for_this_machine() -> None:
    with socket.socket() as outside, pytest.raises(pytest_socket.SocketConnectBlockedError):
        outside.connect(("192.0.2.1", 80))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@hypothesis.given(strategies.integers())
def test_hypothesis_lives_with_the_isolation(number: int) -> None:
    assert number == int(str(number))


TEST_WITH_A_NEED = """
    import pytest

    @pytest.mark.needs("no-such-browser", package="the-browser-package")
    def test_in_a_browser():
        raise AssertionError("must not run")

    def test_without():
        pass
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setattr(conftest, "IN_CI", False)
    pytester.makeconftest("from tests.conftest import *")
    pytester.makeini("[pytest]\nmarkers =\n  needs\n  process\n")
    pytester.makepyfile(TEST_WITH_A_NEED)
    return pytester


def test_what_lacks_its_tool_is_listed_as_not_run_with_the_package(inner: pytest.Pytester) -> None:
    result = inner.runpytest_inprocess()
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["not run: *::test_in_a_browser (install the-browser-package)"])


def test_what_lacks_its_tool_fails_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "IN_CI", True)
    result = inner.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*no-such-browser is missing*install the-browser-package*"])


TEST_WITH_PROCESSES = """
    import pytest

    @pytest.mark.process
    @pytest.mark.parametrize("number", range(4))
    def test_kill(number):
        pass

    @pytest.mark.parametrize("number", range(4))
    def test_quick(number):
        pass
"""


def test_real_processes_come_last(inner: pytest.Pytester) -> None:
    inner.makepyfile(TEST_WITH_PROCESSES)
    ran = [line for line in inner.runpytest_inprocess("-v").outlines if "PASSED" in line]
    assert ["test_kill" in line for line in ran] == [False] * 4 + [True] * 4


def test_real_processes_share_one_worker(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """xdist has dropped groups silently before (its issue 1386, with pytest 9.2)."""
    monkeypatch.setenv("PYTHONPATH", str(Path(conftest.__file__).parents[1]))
    inner.makepyfile(TEST_WITH_PROCESSES)
    result = inner.runpytest_subprocess("-v", "-n2", "--dist=loadgroup", "--no-loadscope-reorder")
    result.assert_outcomes(passed=8)
    assert len({line.split()[0] for line in result.outlines if "PASSED" in line and "test_kill" in line}) == 1
