"""wabot as it runs: web and consumer as real processes, beside separate processes that imitate the
providers. Everything listens on loopback and is ended by its own process id."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ("WABOT_", "CONTENT_SID_", "TWILIO_", "META_", "GUPSHUP_", "INTERAKT_")
"""Settings of whoever runs the tests, which no process of theirs inherits."""
ACCOUNT, TOKEN, NUMBER = "AC" + "1" * 32, "t" * 32, "+14155550100"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """What `true` returned once it was; fails after `seconds` with `what`."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(requests.RequestException, OSError):
            if found := true():
                return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


@dataclass
class Stack:
    """One installation in a folder of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    clone: Path = ROOT
    web: subprocess.Popen[bytes] | None = None
    consumer: subprocess.Popen[bytes] | None = None
    provider: subprocess.Popen[str] | None = None
    provider_port: int = 0
    others: list[subprocess.Popen[str]] = field(default_factory=list)
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        return self.folder / "wabot.db"

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.jsonl"

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(FAMILIES)}
        provider = f"http://127.0.0.1:{self.provider_port}"
        ours = {"WABOT_DB": str(self.file), "WABOT_PORT": str(self.port), "WABOT_PUBLIC_URL": self.url,
                "TWILIO_API_BASE": provider, "TWILIO_CONTENT_API": provider, "PYTHONPATH": str(self.clone),
                "WABOT_ADMIN_API_KEY": "admin-key-of-the-test", "WABOT_SECRET_KEY": "k" * 40}  # fmt: skip
        return {**clean, **ours, **self.env}

    def cli(self, *arguments: str) -> Any:
        """Run the `wabot` command; its JSON."""
        done = subprocess.run(
            [sys.executable, "-c", "from wabot.cli import main; main()", *arguments, "--json"],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"wabot {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout)

    def start_provider(self, *options: str) -> None:
        account = ("--port", str(self.provider_port), "--account", ACCOUNT, "--token", TOKEN)
        self.provider, self.provider_port = imitation("twilio", self.ledger_path, *account, *options)

    def start_other(self, vendor: str, *options: str) -> int:
        """Start an imitation of another vendor beside it, with a ledger of its own; its port."""
        process, port = imitation(vendor, self.folder / f"{vendor}.jsonl", *options)
        self.others.append(process)
        return port

    def start_web(self) -> None:
        self.web = self._start("gunicorn", "wsgi:app")
        wait_until(lambda: requests.get(f"{self.url}/health/live", timeout=5).ok, seconds=30, what="web answers")

    def start_consumer(self) -> None:
        self.consumer = self._start("huey.bin.huey_consumer", "huey_app.huey")

    def _start(self, module: str, target: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{module.rsplit(maxsplit=1)[-1]}.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", *module.split(), target],
                cwd=self.clone, env=self.environment(), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, process: subprocess.Popen[Any] | None) -> None:
        """-9 to the process and to what it forked."""
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in (self.web, self.consumer, self.provider, *self.others):
            if process is not None:
                self.kill(process)
                if process.stdout is not None:
                    process.stdout.close()

    def ledger(self) -> list[dict[str, Any]]:
        """What the provider accepted, in order; a line that is still being written is left out."""
        return lines_of(self.ledger_path)

    def ledger_of(self, vendor: str) -> list[dict[str, Any]]:
        """The same of another vendor."""
        return lines_of(self.folder / f"{vendor}.jsonl")

    def api(self, path: str) -> Any:
        """The JSON of an API route, as the operator."""
        answer = requests.get(f"{self.url}/api{path}", headers={"X-API-Key": "admin-key-of-the-test"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def thread(self, slug: str) -> list[dict[str, Any]]:
        """A tenant's messages, oldest first; nothing before its first conversation."""
        found: list[dict[str, Any]] = []
        for conversation in self.api(f"/restaurants/{slug}/conversations")["data"]:
            found += self.api(f"/restaurants/{slug}/conversations/{conversation['id']}/messages")["data"]
        return sorted(found, key=lambda message: int(message["id"]))

    def verdicts(self) -> list[str]:
        return sorted(row["verdict"] for row in self.cli("webhook", "list")["data"])

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def imitation(vendor: str, ledger: Path, *options: str) -> tuple[subprocess.Popen[str], int]:
    """An imitation of a vendor as a process of its own, and its port."""
    command = [sys.executable, "-m", f"tests.fakes.{vendor}", "--ledger", str(ledger), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def lines_of(ledger: Path) -> list[dict[str, Any]]:
    if not ledger.exists():
        return []
    return [json.loads(line) for line in ledger.read_text().split("\n")[:-1]]


def reference(accepted: dict[str, Any]) -> tuple[str, int]:
    """Our message's uid and the attempt, from what travelled with an accepted send."""
    if "StatusCallback" in accepted:
        [value] = parse_qs(urlsplit(accepted["StatusCallback"]).query)["m"]
    else:
        said = accepted["message"]
        value = said.get("biz_opaque_callback_data") or said["callbackData"]
    uid, _, n = value.partition(".")
    return uid, int(n)


@contextlib.contextmanager
def running(folder: Path, *provider_options: str, **env: str) -> Iterator[Stack]:
    """A stack with one tenant and one channel at the imitated provider, ended at the end."""
    stack = Stack(folder, env)
    try:
        stack.start_provider(*provider_options)
        stack.cli("migrate")
        stack.cli("tenant", "add", "demo", "--name", "Bait", "--in-per-minute", "100000", "--in-per-customer", "1000")
        stack.cli(
            "channel", "add", "demo", "twilio", NUMBER, "--out-per-minute", "100000",
            "--set", f"account_sid={ACCOUNT}", "--set", f"auth_token={TOKEN}",
        )  # fmt: skip
        stack.start_web()
        stack.start_consumer()
        yield stack
    finally:
        stack.stop()
