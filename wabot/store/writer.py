"""One writer thread per process and a fair gate between processes: the only way into the file.

The thread takes what is waiting, begins IMMEDIATE under the gate, runs each function in a savepoint,
commits once and then wakes the callers. Why so: DESIGN §4."""

import fcntl
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from wabot import errors

log = logging.getLogger(__name__)

MOST_IN_A_BATCH = 128
TRANSIENT = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.NoMemError,
             apsw.InterruptError, apsw.ProtocolError, apsw.ReadOnlyError)  # fmt: skip
"""What may pass by itself: the caller tries again until its deadline."""


class Gate:
    """An exclusive `flock` on a side file, held around each write transaction of any process.

    SQLite's own busy handler sleeps and starves; a lock in the kernel hands over at once. Yet who lets go and
    takes again at once is faster than whoever was woken: so each waits at a turnstile first, a second lock
    that is held only while waiting for the gate. Whoever stands in it is next (measured: the longest wait
    beside a greedy holder fell from 2.7 s to 10 ms). The descriptors are this gate's alone: whoever shares
    them, walks in.
    """

    def __init__(self, path: Path, timeout_seconds: float | None) -> None:
        """`timeout_seconds` None waits for ever: then only the writer thread waits, never a caller."""
        self._descriptor = _open(path)
        self._turnstile = _open(path.with_name(path.name + ".next"))
        self._timeout = timeout_seconds

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the gate. Raises CannotWrite, naming the holder's pid, after the time-out."""
        self._take()
        try:
            os.pwrite(self._descriptor, b"%-11d" % os.getpid(), 0)
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def holder(self) -> str:
        """The pid that took the gate last, for people to read."""
        return os.pread(self._descriptor, 11, 0).decode().strip() or "unknown"

    def close(self) -> None:
        os.close(self._descriptor)
        os.close(self._turnstile)

    def _take(self) -> None:
        until = None if self._timeout is None else time.monotonic() + self._timeout
        self._lock(self._turnstile, until)
        try:
            self._lock(self._descriptor, until)
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)

    def _lock(self, descriptor: int, until: float | None) -> None:
        if until is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise errors.CannotWrite(f"process {self.holder()} is writing and does not let go") from None
                time.sleep(0.02)
            else:
                return


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@dataclass
class _Job:
    run: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)
    outcome: Any = None
    error: BaseException | None = None

    def wake(self) -> None:
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.outcome)


class _RolledBack(Exception):
    """SQLite has rolled back the whole transaction; nobody of the batch is done."""


class Writer:
    """The writer thread of this process; `connect` gives it the connection of its own, kept until
    `disconnect`."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        disconnect: Callable[[], object],
        open_gate: Callable[[], Gate],
    ) -> None:
        self.pid = os.getpid()
        self.committed = threading.Event()
        self._connect = connect
        self._disconnect = disconnect
        self._open_gate = open_gate
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def is_current(self) -> bool:
        """Whether the caller is inside a write already."""
        return threading.current_thread() is self._thread

    def submit(self, run: Callable[[], Any]) -> Future[Any]:
        """Queue a function; the future is done after the commit, or cancelled before it began."""
        job = _Job(run)
        self._waiting.put(job)
        return job.done

    def stop(self) -> None:
        """Finish what is waiting and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        gate = None
        while (first := self._waiting.get()) is not None:
            batch: list[_Job] = []
            try:
                gate = gate or self._open_gate()
                with gate.held():
                    batch = self._started(first)
                    self._write(batch)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the callers must hear of it
                self._fail(batch or self._started(first), error)
            if any(job.error is None for job in batch):
                self.committed.set()
        self._disconnect()
        if gate is not None:
            gate.close()

    def _started(self, first: _Job) -> list[_Job]:
        """What is waiting by now, less what its callers no longer wait for."""
        batch = [first]
        while len(batch) < MOST_IN_A_BATCH and not self._waiting.empty():
            job = self._waiting.get()
            if job is None:
                self._waiting.put(None)
                break
            batch.append(job)
        return [job for job in batch if job.done.set_running_or_notify_cancel()]

    def _write(self, batch: list[_Job]) -> None:
        """Run and commit the batch; where SQLite rolled all of it back, each function by itself."""
        try:
            self._transaction(batch)
        except (_RolledBack, apsw.Error) as error:
            self._recover(error)
            for job in batch:
                self._alone(job)
        for job in batch:
            job.wake()

    def _alone(self, job: _Job) -> None:
        job.outcome = job.error = None
        try:
            self._transaction([job])
        except _RolledBack:
            job.error = job.error or errors.CannotWrite("SQLite rolled the transaction back")
        except apsw.Error as error:
            job.error = job.error or error
            if self._recover(error):
                job.error = errors.CannotWrite(str(error))

    def _recover(self, error: Exception) -> bool:
        """A statement that somebody did not read to its end would fail every later write: start afresh."""
        unread = "statements in progress" in str(error)
        if unread:
            self._disconnect()
        return unread

    def _transaction(self, batch: list[_Job]) -> None:
        if not batch:
            return
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            if len(batch) == 1:
                self._run_alone(connection, batch[0])
            for job in batch if len(batch) > 1 else ():
                self._run(connection, job)
            if connection.in_transaction:
                connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    @staticmethod
    def _run_alone(connection: apsw.Connection, job: _Job) -> None:
        """One function that is the whole transaction: what fails is rolled back with it."""
        try:
            job.outcome = job.run()
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who gets it
            job.error = error
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        else:
            if not connection.in_transaction:
                raise _RolledBack

    @staticmethod
    def _run(connection: apsw.Connection, job: _Job) -> None:
        """One function in its savepoint. After any failure ask SQLite whether the transaction still
        stands: FULL, IOERR, NOMEM and INTERRUPT roll back all of it."""
        connection.execute("SAVEPOINT job")
        try:
            job.outcome = job.run()
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who gets it
            job.error = error
            if connection.in_transaction:
                connection.execute("ROLLBACK TO job")
        if not connection.in_transaction:
            raise _RolledBack
        connection.execute("RELEASE job")

    @staticmethod
    def _fail(batch: list[_Job], error: BaseException) -> None:
        for job in batch:
            if not job.done.done():
                job.done.set_exception(error)


def is_transient(error: BaseException | None) -> bool:
    """Whether this failure, or what caused it, may pass by itself."""
    while error is not None:
        if isinstance(error, TRANSIENT):
            return True
        error = error.__cause__ or error.__context__
    return False
