"""`wabot serve`: one parent over web and consumer, as real processes and as its parts."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.cli.conftest import Shell
from tests.spine.stack import free_port, wait_until
from wabot import clock
from wabot.cli import serve, supervising
from wabot.cli.supervising import Child, Log
from wabot.store import db, migrate

ROOT = Path(__file__).resolve().parents[2]
WABOT = "import sys; from wabot.cli import main; main(prog_name='wabot')"


@dataclass
class Served:
    """A `wabot serve --demo` in a folder of its own, which has a `.env` and a wsgi.py that is not ours."""

    folder: Path
    port: int = field(default_factory=free_port)
    parent: subprocess.Popen[bytes] | None = None
    groups: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> int:
        (self.folder / ".env").write_text(f"WABOT_PORT={self.port}\nWABOT_CONSUMER_WORKERS=5\n")
        (self.folder / "wsgi.py").write_text("raise SystemExit('not ours')")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WABOT_")}
        with (self.folder / "log").open("ab") as log:
            self.parent = subprocess.Popen(
                [sys.executable, "-c", WABOT, "serve", "--demo", "--threads", "3"],
                cwd=self.folder, env=clean | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: requests.get(f"{self.url}/health", timeout=5).ok, seconds=30, what="health is ok")
        self.groups.update(children(self.parent.pid))
        return self.parent.pid

    def child(self, word: str) -> int:
        """The pid of the parent's child with this word in its command."""
        assert self.parent is not None
        return int(wait_until(lambda: next(iter(children(self.parent.pid, word)), 0), seconds=20, what=f"{word} runs"))

    def log(self) -> str:
        return (self.folder / "log").read_text()


def children(pid: int, word: str = "") -> list[int]:
    """The children of a process whose command has this word."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed if word in Path(f"/proc/{child}/cmdline").read_text()]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def served(settings_env: Path) -> Iterator[Served]:
    stage = Served(settings_env)
    yield stage
    if stage.parent is not None:
        if stage.parent.poll() is None:
            stage.groups.update(children(stage.parent.pid))
            stage.parent.kill()
            stage.parent.wait()
        for group in stage.groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


@pytest.mark.process
def test_serve_keeps_web_and_consumer_alive_and_ends_both(served: Served) -> None:
    parent = served.start()
    assert (served.folder / "var" / "wabot.db").exists()
    wait_until(lambda: "Kept in var/demo.txt" in served.log(), seconds=10, what="the notice is printed")
    assert f"{served.url}/sandbox" in served.log()
    assert (served.folder / "var" / "demo.txt").read_text() in served.log()
    assert requests.get(f"{served.url}/sandbox", timeout=5).ok

    for word in ("huey_consumer", "gunicorn"):
        killed = served.child(word)
        environment = Path(f"/proc/{killed}/environ").read_text()
        assert "WABOT_THREADS=3" in environment
        assert "wabot_pat_" not in environment
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda killed=killed: is_gone(killed), seconds=5, what=f"{word} is gone")
        assert served.child(word) != killed
    wait_until(lambda: requests.get(f"{served.url}/health", timeout=5).ok, seconds=20, what="health is ok again")
    assert served.log().count("again in 0.5 s") == 2

    everyone = [*children(parent), *children(served.child("gunicorn"))]
    os.killpg(parent, signal.SIGINT)
    assert served.parent is not None
    assert served.parent.wait(15) == 0
    assert [pid for pid in everyone if not is_gone(pid)] == []
    assert "Traceback" not in served.log()
    assert "killed" not in served.log()


@pytest.mark.process
def test_nothing_outlives_a_parent_that_was_killed(served: Served) -> None:
    parent = served.start()
    everyone = [*children(parent), *children(served.child("gunicorn"))]
    os.kill(parent, signal.SIGKILL)
    assert served.parent is not None
    served.parent.wait()
    wait_until(lambda: all(map(is_gone, everyone)), seconds=15, what="children end with their parent")


STUBBORN = """
import sys
from wabot.cli import supervising
from wabot.cli.supervising import Child, Log, Parent
deaf = "import signal, time; signal.signal(15, lambda *_: print('heard', flush=True)); print('up', flush=True); "
deaf += "time.sleep(99)"
supervising.GRACE_SECONDS = float(sys.argv[1])
Parent([Child("deaf", [sys.executable, "-c", deaf])], "http://127.0.0.1:9/", Log("json")).run("")
"""


@pytest.fixture
def stubborn() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """A parent of a child that does not end at TERM, with this much patience."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", STUBBORN, seconds]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.process
@pytest.mark.parametrize(("patience", "signals"), [("0.5", 1), ("100", 2)])
def test_what_does_not_hear_is_killed_after_a_while_or_by_a_second_signal(
    patience: str, signals: int, stubborn: Callable[[str], subprocess.Popen[str]]
) -> None:
    parent = stubborn(patience)
    [deaf] = children(parent.pid)
    parent.terminate()
    if signals == 2:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "heard\n"
        assert not is_gone(deaf)
        parent.send_signal(signal.SIGINT)
    _, log = parent.communicate(timeout=20)
    assert parent.returncode == 0
    assert is_gone(deaf)
    assert json.loads(log)["message"] == "not everything ended by itself and is killed"


class Lines(Log):
    def __init__(self) -> None:
        super().__init__("text")
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def test_pauses_grow_to_five_seconds_and_shrink_after_a_steady_life(monkeypatch: pytest.MonkeyPatch) -> None:
    now, log = [1000.0], Lines()
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    child = Child("short", [sys.executable, "-c", "raise SystemExit(3)"])

    def lives(seconds: float) -> None:
        child.tend(log)
        assert child.process is not None
        child.process.wait()
        now[0] += seconds
        child.tend(log)
        assert child.process is None
        now[0] = child.start_at - 0.01
        child.tend(log)
        assert child.process is None
        now[0] = child.start_at

    for _ in range(6):
        lives(0.1)
    lives(31)
    pauses = [float(line.removeprefix("short ended with 3; again in ").removesuffix(" s")) for line in log.said]
    assert pauses == [0.5, 1, 2, 4, 5, 5, 0.5]


@pytest.mark.parametrize(("answer", "live"), [(b"HTTP/1.0 200 OK\r\n\r\n", True), (b"HTTP/1.1 503 No\r\n\r\n", False)])
def test_web_is_live_when_it_answers_200(answer: bytes, live: bool) -> None:
    def serve_once(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1000).startswith(b"GET /health/live HTTP/1.0\r\nHost: 127.0.0.1:")
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/health/live"
        answering = threading.Thread(target=serve_once, args=[server])
        answering.start()
        assert supervising.is_live(url) is live
        answering.join()
    assert not supervising.is_live(url)


# --- what is refused before anything is started ----------------------------------------------------


@pytest.fixture(autouse=True)
def never_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """What should have been refused would make the test run itself the parent."""

    def refuse(*_: object) -> None:
        raise AssertionError("serve went on")

    monkeypatch.setattr(os, "execve", refuse)


def test_a_port_in_use_is_named_and_nothing_is_made(bare: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1 port {port}" in bare.refused("serve", "--port", str(port))
    assert list(bare.folder.iterdir()) == []


def test_a_file_of_an_older_version_is_refused(shell: Shell) -> None:
    with db.side_connection(shell.folder / "wabot.db") as connection:
        for statement in ("query_only=OFF", "user_version=0"):
            connection.execute(f"PRAGMA {statement}")
    done = shell.run("serve", "--port", str(free_port()))
    assert done.exit_code == 1
    assert f"is at version 0, this wabot needs {migrate.steps()[-1].version}: run `wabot migrate`" in done.output


def test_a_package_without_the_project_around_it_says_so(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "ROOT", bare.folder)
    assert bare.refused("serve").startswith("serve runs from a clone of the project: wsgi.py, huey_app.py")


def test_a_port_that_is_none_is_wrong_usage(bare: Shell) -> None:
    bare.misused("serve", "--port", "70000")
    bare.misused("serve", "--threads", "0")
