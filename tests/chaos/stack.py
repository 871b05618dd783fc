"""What a chaos run starts and ends: wabot's two processes, the provider and the operator, each by its process id."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.world import ADMIN_KEY, CONTENT_SID, SECRET_KEY, World
from tests.spine.stack import ROOT, Stack, wait_until
from wabot.providers import REGISTRY

SETTINGS = {
    "WABOT_ADMIN_API_KEY": ADMIN_KEY,
    "WABOT_SECRET_KEY": SECRET_KEY,
    "WABOT_SEND_TIMEOUT": "2",
    "WABOT_RETRY_DELAYS": "1,1,1",
    "WABOT_UNKNOWN_DEADLINE": "4",
    "WABOT_API_PER_MINUTE": "100000",
    "WABOT_OUT_PER_MINUTE": "100000",
    "CONTENT_SID_PROMO": CONTENT_SID,
}


class Talker:
    """A process of ours that takes commands on standard input and answers each on standard output."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None):
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, start_new_session=True,
            )  # fmt: skip
        self._lock, self._answers, self.told = threading.Lock(), threading.Semaphore(0), []
        self._lines: list[dict[str, Any]] = []
        self._first = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Answers go to who asked; a line about a trap goes to `told`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "trapped" in said:
                self.told.append(said)
                continue
            self._lines.append(said)
            self._answers.release()

    def hear(self, seconds: float = 60.0) -> dict[str, Any]:
        if not self._answers.acquire(timeout=seconds):
            raise AssertionError(f"no answer within {seconds} s from {self.process.args}")
        return self._lines.pop(0)

    def ask(self, **command: Any) -> dict[str, Any]:
        with self._lock:
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            return self.hear()


@dataclass
class ChaosStack(Stack):
    """One installation, beside the chaos provider in place of the imitations."""

    world: World = field(default_factory=lambda: World(0))
    talkers: dict[str, Talker] = field(default_factory=dict)
    offsets: list[tuple[float, float]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    starts: dict[str, list[float]] = field(default_factory=lambda: {"web": [], "consumer": []})

    @classmethod
    def of(cls, folder: Path, seed: int) -> "ChaosStack":
        env = SETTINGS | {"WABOT_TEST_CLOCK": str(folder / "clock")}
        return cls(folder, env, world=World(seed, "gupshup" in REGISTRY))

    @property
    def journal(self) -> Path:
        return self.folder / "provider.jsonl"

    def start_everything(self, rate: float) -> None:
        """From nothing to a system at work; the storm has not begun."""
        self.set_clock(0.0)
        gupshup = ["--gupshup"] if self.world.gupshup else []
        command = [sys.executable, "-m", "tests.chaos.provider", "--seed", str(self.world.seed), "--journal",
                   str(self.journal), "--webhooks", self.url, "--rate", str(rate), *gupshup]  # fmt: skip
        provider = self.talkers["provider"] = Talker(command, self.folder / "provider.err")
        port = provider.hear()["port"]
        base = f"http://127.0.0.1:{port}"
        self.provider_port = port
        self.env |= {"META_GRAPH_API": base, "GUPSHUP_API": base, "GUPSHUP_PARTNER_API": base}
        self.cli("migrate")
        self.talkers["operator"] = Talker(
            [sys.executable, "-m", "tests.chaos.operator"], self.folder / "operator.log", self.environment()
        )
        made = self.operator(setup={"seed": self.world.seed, "gupshup": self.world.gupshup})
        self.tokens = made["tokens"]
        provider.ask(keys=made["keys"])
        self.start_web()
        self.start_consumer()

    def provider_does(self, **command: Any) -> dict[str, Any]:
        return self.talkers["provider"].ask(**command)

    def operator(self, **command: Any) -> dict[str, Any]:
        return self.talkers["operator"].ask(**command)

    def set_clock(self, seconds: float) -> None:
        """Every wabot process sees the wall clock this far ahead from now on."""
        path = self.folder / "clock"
        new = path.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(path)
        self.offsets.append((time.time(), seconds))

    def start_web(self) -> None:
        self.starts["web"].append(time.time())
        super().start_web()

    def start_consumer(self) -> None:
        self.starts["consumer"].append(time.time())
        super().start_consumer()

    def kill_web_worker(self) -> None:
        """-9 to what the web server forked; it has to fork anew by itself."""
        assert self.web is not None
        pid = self.web.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def signal(self, name: str, number: int) -> None:
        """A signal to one of the two, and to what it forked."""
        process = getattr(self, name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def end(self, name: str) -> int:
        """TERM, as a supervisor sends it; returns the exit code once it has ended."""
        process = getattr(self, name)
        process.send_signal(signal.SIGTERM)
        return int(process.wait(30))

    def trapped(self, seconds: float) -> bool:
        """Wait until an accepted send hangs in the provider's trap."""
        provider = self.talkers["provider"]
        before = len(provider.told)
        provider.ask(trap=True)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: len(provider.told) > before, seconds=seconds, what="a send in the trap")
            return True
        return False

    def stop(self) -> None:
        for name in ("web", "consumer"):
            self.signal(name, signal.SIGCONT) if getattr(self, name) else None
        super().stop()
        for talker in self.talkers.values():
            self.kill(talker.process)
            for pipe in (talker.process.stdin, talker.process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
