"""Switch everything on, once per process: settings, logging, and which file to work on. Opens nothing."""

import json
import logging
import os
import sys
from typing import Any

from wabot import clock, config, errors, sealing
from wabot.config import Settings
from wabot.store import db, migrate

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MOST_CHARACTERS = 2000
LIBRARIES = ("huey", "peewee", "urllib3")
"""What they log at debug has customers in it: statements with their values, addresses with theirs."""


class JsonLines(logging.Formatter):
    """One JSON object a line; line breaks and control characters are escaped by JSON itself."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": clock.iso(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:MOST_CHARACTERS],
            **_extras(record),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """Time, level, logger, message, then the ids; a line stays a line."""

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        message = f"{record.getMessage()[:MOST_CHARACTERS]}{extras}".replace("\r", "\\r").replace("\n", "\\n")
        line = f"{clock.iso(clock.now())} {record.levelname.lower()} {record.name}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def start(*, gate_timeout_seconds: float | None = None) -> Settings:
    """The settings of this process, with logging on and the database named. Ends the process with one
    line when a setting is wrong."""
    os.umask(0o077)
    try:
        settings = config.settings()
    except config.WrongSetting as error:
        sys.exit(f"wabot: {error}")
    log_to_stderr(settings)
    db.database.open(settings.wabot_db, gate_timeout_seconds)
    return settings


def log_to_stderr(settings: Settings) -> None:
    """Send all logging to standard error in the format that the settings name."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings)())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.wabot_log_level.upper())
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


def formatter(settings: Settings) -> type[logging.Formatter]:
    """How a line of the log is written, by the settings."""
    return JsonLines if settings.wabot_log_format == "json" else TextLines


def check_file() -> None:
    """Ends the process with one line when the file or the secret key does not fit this version."""
    try:
        migrate.check(db.database.path)
        sealing.secret_key(config.settings())
    except errors.WabotError as error:
        sys.exit(f"wabot: {error}")
