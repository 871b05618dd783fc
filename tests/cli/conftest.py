"""The command line as it is called: arguments in, an exit code and two streams out, on a file of its own."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.core.conftest import Stage, make_channel, stage
from wabot import config
from wabot.cli import main
from wabot.core import tenancy
from wabot.store import db

TWILIO_NUMBER = "+14155550100"
TWILIO = ("--set", "account_sid=AC" + "1" * 32, "--set", "auth_token=" + "t" * 28 + "last")

__all__ = ["Stage", "make_channel", "stage"]


@dataclass
class Shell:
    """Runs commands. `refused` is one line on standard error, exit 1; `misused` exit 2."""

    folder: Path

    def run(self, *arguments: str, typed: str = "") -> Result:
        """As a process of its own would: nothing is remembered of the commands before."""
        config.settings.cache_clear()
        tenancy._opened.cache_clear()
        db.database.shut()
        return CliRunner().invoke(main, arguments, input=typed)

    def ok(self, *arguments: str, typed: str = "") -> str:
        """What a command printed."""
        done = self.run(*arguments, typed=typed)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *arguments: str, typed: str = "") -> Any:
        """The one document on standard output."""
        return json.loads(self.ok(*arguments, "--json", typed=typed))

    def refused(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        [line] = done.stderr.splitlines()
        assert line.startswith("wabot: ")
        return line.removeprefix("wabot: ")

    def misused(self, *arguments: str, typed: str = "") -> str:
        done = self.run(*arguments, typed=typed)
        assert (done.exit_code, done.stdout) == (2, ""), done.output
        return done.stderr


@pytest.fixture(autouse=True)
def logging_of_the_test() -> Iterator[None]:
    """A command sends the logging of its process to its own standard error; give it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def bare(settings_env: Path) -> Iterator[Shell]:
    """A shell in a folder without a database."""
    yield Shell(settings_env)
    db.database.shut()


@pytest.fixture
def shell(bare: Shell, file: Path) -> Shell:
    """A shell with a fresh database."""
    return bare


@pytest.fixture
def bait(shell: Shell) -> Callable[..., Any]:
    """The tenant `bait`; adds channels to it."""
    shell.ok("tenant", "add", "bait", "--name", "Bait Al-Sham")

    def channel(provider: str = "sandbox", number: str = "+966500000001", *options: str) -> Any:
        return shell.json("channel", "add", "bait", provider, number, *options)

    return channel
