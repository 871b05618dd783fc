"""The one way into the file: one transaction at a time in a process, under the gate between processes.

Whoever writes begins IMMEDIATE, runs each function that waits, commits once and then wakes the callers.
Why so: DESIGN §4."""

import os
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import apsw

from wabot import errors
from wabot.store.gate import Gate

MOST_IN_A_BATCH = 128
TRANSIENT = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.NoMemError,
             apsw.InterruptError, apsw.ProtocolError, apsw.ReadOnlyError)  # fmt: skip
"""What may pass by itself: the caller tries again until its deadline."""


class _Job:
    """A function that waits to be run in a write transaction. It is claimed once: by whoever writes it, or by
    its caller, who gives up. Two plain locks: a Future costs a caller four times as much."""

    __slots__ = ("_claimed", "_done", "error", "outcome", "run")

    def __init__(self, run: Callable[[], Any]) -> None:
        self.run = run
        self.outcome: Any = None
        self.error: BaseException | None = None
        self._claimed, self._done = threading.Lock(), threading.Lock()
        self._done.acquire()

    def claim(self) -> bool:
        return self._claimed.acquire(blocking=False)

    def wake(self) -> None:
        self._done.release()

    def result(self, seconds: float) -> Any:
        """What came of it; once it has been claimed its end is waited for. Raises CannotWrite after the time-out."""
        if not self._done.acquire(timeout=seconds):
            if self.claim():
                raise errors.CannotWrite("the database is busy")
            self._done.acquire()
        if self.error is not None:
            raise self.error
        return self.outcome


class Writer:
    """What writes in this process, one transaction at a time, on a connection of its own: a caller itself where
    nobody else writes, which spares it two hand-overs, else a thread that takes all that waits by then.

    Only the thread ever waits for another process to let go of the gate, so that callers keep their deadlines.
    """

    def __init__(
        self, connect: Callable[[], apsw.Connection], open_gate: Callable[[], Gate], parents: "Writer | None" = None
    ) -> None:
        """`parents` is that of the process that forked this one: kept, because nobody may close its connection here."""
        self.pid = os.getpid()
        self.committed = threading.Event()
        self.sums: Counter[tuple[str, tuple[Any, ...]]] = Counter()
        self._connect = connect
        self._open_gate = open_gate
        self._parents = parents
        self._kept: apsw.Connection | None = None
        self._gate: Gate | None = None
        self._turn = threading.Lock()
        self._inside = 0
        self._called = False
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def is_current(self) -> bool:
        """Whether the caller is inside a write already."""
        return self._inside == threading.get_ident() and self.pid == os.getpid()

    def perform(self, run: Callable[[], Any], seconds: float) -> Any:
        """What the function returned, after the commit. Raises CannotWrite when it has not begun by then."""
        job = _Job(run)
        if not self._at_once(job):
            self._waiting.put(job)
        return job.result(max(0.0, seconds))

    def connection(self) -> apsw.Connection:
        """The one that may write; for whoever is inside a write."""
        if self._kept is None:
            self._kept = self._connect()
        return self._kept

    def stop(self) -> None:
        """Finish what is waiting and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _at_once(self, job: _Job) -> bool:
        """Write it in the caller's own thread, unless anyone waits or writes, here or in another process."""
        if self._called or not self._waiting.empty() or not self._turn.acquire(blocking=False):
            return False
        try:
            if self._gate is None or not self._gate.take_now():
                return False
            try:
                self._write([job])
            finally:
                self._gate.release()
        finally:
            self._turn.release()
        job.wake()
        return True

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._called = True
            with self._turn:
                self._called = False
                written = self._write_what_waits(first)
            for job in written:
                job.wake()
        with self._turn:
            self._disconnect()
            if self._gate is not None:
                self._gate.close()

    def _write_what_waits(self, first: _Job) -> list[_Job]:
        """All whose callers are to be woken, once the turn is free: the next write of one of them finds it so."""
        batch: list[_Job] = []
        try:
            self._gate = self._gate or self._open_gate()
            with self._gate.held():
                batch = self._started(first)
                self._write(batch)
        except (OSError, errors.CannotWrite) as error:
            batch = batch or self._started(first)
            _blame(batch, error)
        return batch

    def _started(self, first: _Job) -> list[_Job]:
        """What is waiting by now, less what its callers no longer wait for."""
        batch = [first]
        while len(batch) < MOST_IN_A_BATCH and not self._waiting.empty():
            job = self._waiting.get()
            if job is None:
                self._waiting.put(None)
                break
            batch.append(job)
        return [job for job in batch if job.claim()]

    def _write(self, batch: list[_Job]) -> None:
        """Run and commit the batch, whatever comes of it; its callers hear of it when they are woken."""
        self._inside = threading.get_ident()
        try:
            self._commit(batch)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the callers must hear of it
            _blame(batch, error)
        finally:
            self._inside = 0
        if any(job.error is None for job in batch):
            self.committed.set()

    def _commit(self, batch: list[_Job]) -> None:
        """All in one transaction, without a savepoint each. One that fails is left out and the others begin anew;
        then it runs by itself, which alone decides what it failed of."""
        together, alone = (list(batch), []) if len(batch) > 1 else ([], batch)
        while together:
            try:
                failed = self._transaction(together)
            except apsw.Error as error:
                self._recover(error)
                alone += together
                break
            if failed is None:
                break
            together.remove(failed)
            alone.append(failed)
        for job in alone:
            self._alone(job)

    def _alone(self, job: _Job) -> None:
        job.outcome = job.error = None
        try:
            self._transaction([job])
        except apsw.Error as error:
            job.error = errors.CannotWrite(str(error)) if self._recover(error) else error

    def _recover(self, error: Exception) -> bool:
        """A statement that somebody did not read to its end would fail every later write: start afresh."""
        unread = "statements in progress" in str(error)
        if unread:
            self._disconnect()
        return unread

    def _disconnect(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _transaction(self, batch: list[_Job]) -> _Job | None:
        """Run and commit these; the one that failed, in which case nothing was written. After each ask SQLite
        whether the transaction still stands: FULL, IOERR, NOMEM and INTERRUPT roll back all of it."""
        connection = self.connection()
        self.sums.clear()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
                try:
                    job.outcome = job.run()
                except Exception as error:  # noqa: BLE001 - it belongs to the caller, who gets it
                    job.error = error
                    return job
                if not connection.in_transaction:
                    job.error = errors.CannotWrite("SQLite rolled the transaction back")
                    return job
            for (sql, values), by in self.sums.items():
                list(connection.execute(sql, (*values, by)))
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return None


def _blame(batch: list[_Job], error: BaseException) -> None:
    for job in batch:
        job.error = job.error or error


def is_transient(error: BaseException | None) -> bool:
    """Whether this failure, or what caused it, may pass by itself."""
    while error is not None:
        if isinstance(error, TRANSIENT):
            return True
        error = error.__cause__ or error.__context__
    return False
