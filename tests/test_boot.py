"""Switching a process on: whatever is logged, nobody reads a customer's words, number or address in it."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wabot import boot, config
from wabot.core import sandbox, tenancy

ROOT = Path(__file__).parents[1]
NUMBER = "+966555987654"


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Logging and the mask of new files are as before, whatever a test switched on."""
    root, mask = logging.getLogger(), os.umask(0o077)
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    os.umask(mask)


@pytest.fixture(params=["text", "json"])
def debugging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kept_logging: None) -> None:
    """All that can be logged goes to standard error."""
    monkeypatch.setenv("WABOT_LOG_LEVEL", "debug")
    monkeypatch.setenv("WABOT_LOG_FORMAT", request.param)
    config.settings.cache_clear()


@pytest.mark.usefixtures("file", "debugging")
def test_at_debug_nobody_reads_what_was_written_or_by_whom(capsys: pytest.CaptureFixture[str]) -> None:
    tenancy.add_tenant(tenancy.NewTenant("bait", "Bait"), {})
    channel = tenancy.add_channel("bait", "sandbox", "+966500000001", {"secret": "s" * 32})
    boot.log_to_stderr(config.settings())
    sandbox.say(channel.id, NUMBER, "Sara", {"kind": "text", "text": "ring the green bell"})
    told = capsys.readouterr().err
    assert NUMBER not in told
    assert "green bell" not in told


@pytest.mark.usefixtures("debugging")
def test_at_debug_web_writes_in_the_chosen_format_and_names_no_address_that_lets_its_reader_in() -> None:
    told = "import runpy; c = runpy.run_path('gunicorn.conf.py'); "
    told += "print(c['loglevel'], c['logconfig_dict']['formatters']['ours']['()'].__name__)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = "JsonLines" if config.settings().wabot_log_format == "json" else "TextLines"
    assert done.stdout.split() == ["info", lines]
