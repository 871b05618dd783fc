"""The huey object. Importing it touches no disk; `huey_consumer huey_app.huey` needs no flag."""

import logging
import sys
from typing import Any

from huey.api import Huey
from huey.consumer import Consumer
from huey.serializer import Serializer

from wabot import config, errors
from wabot.jobs.serial import JsonSerializer
from wabot.store import db, migrate
from wabot.store.queue import NAME, Storage

SYSTEM_SLOTS = 3
"""Reading, answering and upkeep have a thread each, whatever hangs outside; the rest send, and call others."""


class WabotHuey(Huey):
    """Huey with our consumer's settings: threads, a graceful TERM, and no schedule of its own."""

    def create_consumer(self, **options: Any) -> Consumer:
        """The consumer. Ends the process with one line when the file does not fit."""
        try:
            migrate.check(db.database.path)
        except errors.ConfigurationError as error:
            sys.exit(f"wabot: {error}")
        workers = config.settings().wabot_consumer_workers
        self.storage.kinds["send"].slots = self.storage.most_calling = senders()
        for name in ("catalog", "bootstrap"):
            kind = self.storage.kinds[name]
            kind.slots = min(kind.slots, max(1, senders() // 4))
        ours = {"workers": workers, "worker_type": "thread", "graceful_signal": "TERM", "shutdown_timeout": None,
                "periodic": False, "scheduler_interval": 1, "check_worker_health": True}  # fmt: skip
        logger = logging.getLogger("huey")
        logger.handlers.clear()
        logger.setLevel(logging.WARNING)
        return Consumer(self, **{**options, **ours})


def senders() -> int:
    """How many threads of the consumer send."""
    return max(1, config.settings().wabot_consumer_workers - SYSTEM_SLOTS)


def make(serializer: Serializer) -> WabotHuey:
    """The one huey of this process."""
    return WabotHuey(NAME, results=False, utc=True, serializer=serializer, storage_class=Storage)


huey = make(JsonSerializer())
