"""The parent of web and consumer under `wabot serve`: starts both, starts again what dies, ends both.

Run as a script in place of the command that prepared it, and it imports the standard library and the clock
alone: this process lives as long as the service, so it should cost 16 MB, not 50."""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TextIO
from urllib.parse import urlsplit

from wabot import clock

NOTICE = "WABOT_SERVE_NOTICE"
"""Environment variable: what to print once web answers. It holds tokens, so it is no argument; no child gets it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
STEADY_AFTER_SECONDS = 30.0
GRACE_SECONDS = 25.0
"""More than a provider call may take: what is being sent is finished, not cut off."""
LOOK_EVERY_SECONDS = 0.1
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A process that is kept alive, in a session of its own: Ctrl-C in the terminal reaches its parent alone."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE

    def start(self) -> None:
        """Start it. It is told to end when its parent is gone, however that came about; the kernel does
        this by itself (prctl), so that it also holds for kill -9 and needs nothing of gunicorn and Huey."""
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )
        self.started = clock.monotonic()

    def tend(self, log: "Log") -> None:
        """Note that it has ended, and start it again when its pause is over."""
        now = clock.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.kill()
            if now - self.started >= STEADY_AFTER_SECONDS:
                self.pause = FIRST_PAUSE
            log.say(f"{self.name} {_ending(self.process.returncode)}; again in {self.pause:g} s")
            self.process, self.start_at = None, now + self.pause
            self.pause = min(LONGEST_PAUSE, self.pause * 2)
        if self.process is None and now >= self.start_at:
            self.start()

    @property
    def is_over(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self) -> None:
        """Ask it to finish what it does and end."""
        if not self.is_over and self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it, and whatever it has forked, at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Parent:
    """The loop: sleeps until a signal, a child's end, or a child's start is due."""

    def __init__(self, children: list[Child], live: str, log: "Log") -> None:
        self._children = children
        self._live: str | None = live
        self._log = log
        self._awake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (*STOPS, signal.SIGCHLD):
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _wake)

    def run(self, notice: str) -> None:
        """Keep the children alive until a signal says stop, then end them."""
        while True:
            for child in self._children:
                child.tend(self._log)
            if self._live and is_live(self._live):
                _print(sys.stdout, notice)
                self._live = None
            if self._signals(self._until_next()) & set(STOPS):
                break
        self._stop()

    def _stop(self) -> None:
        """Web first, so that nothing new comes in while the consumer finishes; a second signal kills."""
        until = clock.monotonic() + GRACE_SECONDS
        for child in self._children:
            child.end()
        while not all(child.is_over for child in self._children):
            left = until - clock.monotonic()
            if left <= 0 or self._signals(left) & set(STOPS):
                self._log.say("not everything ended by itself and is killed")
                break
        for child in self._children:
            child.kill()
            if child.process is not None:
                child.process.wait()

    def _until_next(self) -> float | None:
        waits = [child.start_at - clock.monotonic() for child in self._children if child.process is None]
        if self._live:
            waits.append(LOOK_EVERY_SECONDS)
        return max(0.0, min(waits)) if waits else None

    def _signals(self, timeout: float | None) -> set[int]:
        """The signals that came within the time-out; returns with the first."""
        ready, _, _ = select.select([self._awake], [], [], timeout)
        return set(os.read(self._awake, 64)) if ready else set()


class Log:
    """Lines on standard error, like those of the children."""

    def __init__(self, kind: str) -> None:
        self._as_json = kind == "json"

    def say(self, message: str) -> None:
        at = clock.iso(clock.now())
        entry = {"at": at, "level": "warning", "logger": "wabot.serve", "message": message}
        line = json.dumps(entry) if self._as_json else f"{at} warning wabot.serve: {message}"
        _print(sys.stderr, line + "\n")


def is_live(url: str) -> bool:
    """Whether web answers 200. By hand: an HTTP library would double the size of this process."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=2) as connection:
            connection.sendall(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def _print(where: TextIO, text: str) -> None:
    """A reader that went away is no reason to stop."""
    with contextlib.suppress(OSError):
        where.write(text)
        where.flush()


def _wake(_number: int, _frame: FrameType | None) -> None:
    """The signal's number is in the pipe by now."""


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with {code}"


def _libc() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


_kernel, _parent = _libc(), os.getpid()


def _end_with_parent() -> None:
    """In the child, before it becomes gunicorn or Huey. Safe here, because the parent has one thread."""
    if _kernel is not None:
        _kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != _parent:
            os._exit(1)


def main(root: str, live: str, log_format: str) -> None:
    """Serve until a signal says stop."""
    notice = os.environ.pop(NOTICE, "")
    web = [sys.executable, "-m", "gunicorn", "-c", str(Path(root) / "gunicorn.conf.py"), "wsgi:app"]
    consumer = [sys.executable, "-m", "huey.bin.huey_consumer", "huey_app.huey"]
    Parent([Child("web", web), Child("consumer", consumer)], live, Log(log_format)).run(notice)


if __name__ == "__main__":
    main(*sys.argv[1:])
