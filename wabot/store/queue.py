"""Huey's storage on our database, and what is due. Nudges are derived, not stored: one is handed out
when a kind of work is due and has a free slot, so there is no nudge to lose (DESIGN §1)."""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huey.contrib.sql_huey import SqlStorage

from wabot import clock
from wabot.store import db

NAME = "wabot"
BUSY_POLL_SECONDS = 0.005
IDLE_POLL_SECONDS = 0.02
BUSY_FOR_SECONDS = 2.0
EMPTY_HANDED_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
"""How long `dequeue` blocks; between two calls a worker looks whether it should stop."""


@dataclass(slots=True)
class Kind:
    """A kind of derived work. `due` answers the moment from which some of it can be done, or None;
    `nudge` makes the task that does it; at most `slots` of them run at a time. `calls_out` is work that waits for
    somebody else's answer: all kinds of it share `Storage.most_calling` threads, so that what hangs outside never
    keeps the other kinds from their work; among themselves they take turns."""

    name: str
    slots: int
    due: Callable[[datetime], datetime | None]
    nudge: Callable[[], bytes]
    calls_out: bool = False
    running: int = 0
    quiet_until: float = 0.0
    last_turn: int = 0


class Storage(SqlStorage):
    """One thread at a time is on watch: it looks for work, and sleeps until the next commit by anyone
    or the earliest due time; the others wait for their turn."""

    blocking = True

    def __init__(self, name: str = NAME, **options: Any) -> None:
        super().__init__(name, database=db.database, create_tables=False)
        self.longest_wait = options.get("longest_wait", LONGEST_WAIT_SECONDS)
        self.kinds: dict[str, Kind] = {}
        self.most_calling = sys.maxsize
        self.atomic = nullcontext  # every write of ours is a transaction already
        self._watch = threading.Lock()
        self._slots = threading.Lock()
        self._active_until = 0.0
        self._turns = itertools.count(1)

    def check_conn(self) -> None:
        """Connections open by themselves (store.db)."""

    def dequeue(self) -> bytes | None:
        """What was really enqueued, else a nudge for work that is due; None after `longest_wait` seconds."""
        until = clock.monotonic() + self.longest_wait
        if not self._watch.acquire(timeout=self.longest_wait):
            return None
        try:
            while True:
                committed = db.database.writer.committed
                committed.clear()
                version = self._version()
                found = self._take() or self._derive()
                if isinstance(found, bytes):
                    self._active_until = clock.monotonic() + BUSY_FOR_SECONDS
                    return found
                left = until - clock.monotonic()
                if left <= 0:
                    return None
                self._sleep(committed, version, min(left, found if found is not None else left))
        finally:
            self._watch.release()

    def _take(self) -> bytes | None:
        """The next enqueued task. Look first: taking the write lock for nothing would be felt."""
        sql = "SELECT id FROM task WHERE queue = ? ORDER BY priority DESC, id LIMIT 1"
        if db.one(sql, self.name) is None:
            return None
        taken = db.write(lambda: db.rows(f"DELETE FROM task WHERE id = ({sql}) RETURNING data", self.name))  # noqa: S608
        return bytes(taken[0][0]) if taken else None

    def _derive(self) -> bytes | float | None:
        """A nudge, else the seconds until the next one could be due, else None."""
        now, moment = clock.now(), clock.monotonic()
        waits = []
        calling = sum(kind.running for kind in self.kinds.values() if kind.calls_out)
        for kind in self._in_turn():
            if kind.running >= kind.slots or (kind.calls_out and calling >= self.most_calling):
                continue
            due_at = kind.due(now)
            if due_at is None:
                continue
            wait = max((due_at - now).total_seconds(), kind.quiet_until - moment)
            if wait <= 0:
                with self._slots:
                    kind.running += 1
                kind.last_turn = next(self._turns)
                return kind.nudge()
            waits.append(wait)
        return min(waits, default=None)

    def _in_turn(self) -> list[Kind]:
        """What calls nobody first, then whoever had a thread longest ago: with few threads a morning of slow usage
        pulls would else keep every answer from its customer."""
        return sorted(self.kinds.values(), key=lambda kind: kind.last_turn if kind.calls_out else -1)

    @contextmanager
    def slot(self, name: str) -> Iterator[list[bool]]:
        """Give a nudge's slot back at the end; append True to the list when there was work to do."""
        worked: list[bool] = []
        try:
            yield worked
        finally:
            kind = self.kinds[name]
            with self._slots:
                kind.running -= 1
                kind.quiet_until = 0.0 if any(worked) else clock.monotonic() + EMPTY_HANDED_SECONDS
            db.database.writer.committed.set()

    def _sleep(self, committed: threading.Event, version: int, seconds: float) -> None:
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            busy = clock.monotonic() < self._active_until
            if (
                committed.wait(min(left, BUSY_POLL_SECONDS if busy else IDLE_POLL_SECONDS))
                or self._version() != version
            ):
                return

    @staticmethod
    def _version() -> int:
        """Changes with every commit by another connection, of this process or any other."""
        [(version,)] = db.rows("PRAGMA data_version")
        return int(version)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Add a task, in the caller's transaction when it is inside a write."""
        db.write(lambda: super(Storage, self).enqueue(data, priority))

    def add_to_schedule(self, data: bytes, timestamp: datetime) -> None:
        db.write(lambda: super(Storage, self).add_to_schedule(data, timestamp))

    def read_schedule(self, timestamp: datetime) -> list[bytes]:
        query = self.schedule(self.Schedule.id).where(self.Schedule.timestamp <= timestamp).limit(1)
        if not list(query):
            return []
        return db.write(lambda: super(Storage, self).read_schedule(timestamp))

    def delete_data(self, key: str) -> bool:
        """Huey asks this after every task; usually there is nothing to delete."""
        return bool(self.has_data_for_key(key) and db.write(lambda: super(Storage, self).delete_data(key)))
