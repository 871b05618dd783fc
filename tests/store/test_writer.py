"""The one way to write: what is told to callers is what is in the file."""

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

from wabot import errors
from wabot.store import db
from wabot.store.gate import Gate


def put(key: str, size: int = 1) -> str:
    db.run("INSERT INTO kv (queue, key, value) VALUES ('t', ?, zeroblob(?))", key, size)
    return key


def kept() -> set[str]:
    return {row[0] for row in db.rows("SELECT key FROM kv")}


@contextmanager
def closed_gate(file: Path) -> Iterator[None]:
    """Hold the gate, so that what is written meanwhile becomes one batch."""
    gate = Gate(db.gate_path(file), None)
    try:
        with gate.held():
            yield
    finally:
        gate.close()


def together(file: Path, *jobs: Callable[[], Any], deadline: float = 10) -> list[Future[Any]]:
    """Run these writes as one batch; returns their outcomes."""
    db.write(lambda: None)
    with ThreadPoolExecutor(len(jobs)) as pool:
        with closed_gate(file):
            outcomes = []
            for job in jobs:
                outcomes.append(pool.submit(db.write, job, deadline=deadline))
                time.sleep(0.01)
        return outcomes


def test_a_write_returns_what_it_returned_after_the_commit(file: Path) -> None:
    assert db.write(lambda: put("a")) == "a"
    with db.side_connection(file) as other:
        assert list(other.execute("SELECT key FROM kv")) == [("a",)]


def test_writes_that_wait_together_are_committed_together(file: Path) -> None:
    before = db.write(lambda: None) or db.rows("PRAGMA data_version")
    outcomes = together(file, *(lambda n=n: put(str(n)) for n in range(8)))
    assert {outcome.result() for outcome in outcomes} == kept() == {str(n) for n in range(8)}
    assert db.rows("PRAGMA data_version") != before


def test_one_that_fails_is_rolled_back_alone(file: Path) -> None:
    def half() -> None:
        put("half")
        raise KeyError("no")

    good, bad, other = together(file, lambda: put("a"), half, lambda: put("b"))
    assert (good.result(), other.result()) == ("a", "b")
    with pytest.raises(KeyError):
        bad.result()
    assert kept() == {"a", "b"}


def test_one_that_fails_is_judged_by_itself_and_not_by_what_others_tried(file: Path) -> None:
    tries = []

    def first() -> str:
        tries.append("first")
        if len(tries) > 2:
            raise KeyError("changed its mind when it ran again")
        return put("name")

    def second() -> str:
        tries.append("second")
        if db.rows("SELECT 1 FROM kv WHERE key = 'name'"):
            raise ValueError("taken")
        return put("name")

    one, other = together(file, first, second)
    with pytest.raises(KeyError):
        one.result()
    assert other.result() == "name"
    assert kept() == {"name"}


def test_a_lone_write_runs_in_its_callers_own_thread(file: Path) -> None:
    db.write(lambda: put("the writer's thread opens the gate"))
    ran_in = {db.write(threading.get_ident) for _ in range(100)}
    assert ran_in == {threading.get_ident()}


def test_what_is_added_up_is_written_once_and_only_with_its_write(file: Path) -> None:
    sql = "INSERT INTO counter VALUES ('t', ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"

    def add(by: int) -> None:
        db.add_up(sql, "k", by=by)
        if by == 10:
            raise KeyError("no")

    one, ten, hundred = together(file, *(lambda by=by: add(by) for by in (1, 10, 100)))
    one.result(), hundred.result()
    with pytest.raises(KeyError):
        ten.result()
    assert db.rows("SELECT value FROM counter") == [(101,)]


def test_a_forked_child_writes_through_a_writer_of_its_own(file: Path) -> None:
    db.write(lambda: put("parent"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: gunicorn does the same
        child = os.fork()
    if child == 0:
        with suppress(BaseException):
            db.write(lambda: put("child"))
        os._exit(0)
    os.waitpid(child, 0)
    db.write(lambda: put("parent again"))
    assert kept() == {"parent", "child", "parent again"}


def test_when_one_write_meets_a_full_file_nobody_is_told_done_for_a_row_that_is_not_there(file: Path) -> None:
    [(pages,)] = db.rows("PRAGMA page_count")
    db.write(lambda: db.rows(f"PRAGMA max_page_count={pages + 20}"))
    first, huge, last = together(file, lambda: put("a"), lambda: put("huge", 1 << 20), lambda: put("b"), deadline=1)
    with pytest.raises(errors.CannotWrite):
        huge.result()
    told = {outcome.result() for outcome in (first, last)}
    assert told == kept() == {"a", "b"}


def test_a_write_that_swallowed_a_full_file_is_not_done(file: Path) -> None:
    [(pages,)] = db.rows("PRAGMA page_count")
    db.write(lambda: db.rows(f"PRAGMA max_page_count={pages + 20}"))

    def swallow() -> str:
        put("before")
        with suppress(apsw.FullError):
            put("huge", 1 << 20)
        return "done"

    with pytest.raises(errors.CannotWrite):
        db.write(swallow, deadline=0.3)
    assert kept() == set()


def test_a_statement_that_was_not_read_to_its_end_fails_its_own_write_and_no_other(file: Path) -> None:
    held = []

    def half_read() -> None:
        cursor = db.database.connection().cursor()
        cursor.execute("INSERT INTO kv (queue, key, value) VALUES ('t','x',x''), ('t','y',x'') RETURNING key")
        held.append(cursor)

    good, bad = together(file, lambda: put("a"), half_read)
    assert good.result() == "a"
    with pytest.raises(errors.CannotWrite):
        bad.result()
    held.clear()
    assert "a" in kept()


def test_a_write_inside_a_write_simply_runs(file: Path) -> None:
    assert db.write(lambda: db.write(lambda: put("inner")) + "!") == "inner!"


def test_writing_past_the_gate_fails_loudly(file: Path) -> None:
    with pytest.raises(apsw.ReadOnlyError):
        put("stray")


def test_a_caller_gives_up_at_its_deadline_and_its_write_never_happens(file: Path) -> None:
    db.write(lambda: None)
    with closed_gate(file), pytest.raises(errors.CannotWrite):
        db.write(lambda: put("late"), deadline=0.2)
    db.write(lambda: put("next"))
    assert kept() == {"next"}


def test_a_write_waits_for_a_lock_that_goes_away_before_its_deadline(file: Path) -> None:
    with db.side_connection(file) as foreign:
        foreign.execute("PRAGMA query_only=OFF")
        foreign.execute("BEGIN IMMEDIATE")
        waiting = threading.Thread(target=lambda: db.write(lambda: put("patient"), deadline=20))
        waiting.start()
        time.sleep(1.5)  # longer than SQLite's own busy time-out
        foreign.execute("ROLLBACK")
        waiting.join()
    assert kept() == {"patient"}


def test_the_command_line_names_the_process_that_holds_the_gate(file: Path) -> None:
    with closed_gate(file):
        impatient = Gate(db.gate_path(file), 0.1)
        with pytest.raises(errors.CannotWrite, match=str(os.getpid())), impatient.held():
            pytest.fail("two walked in")
        impatient.close()


def test_lone_surrogates_and_nul_are_mended_before_they_reach_sqlite(file: Path) -> None:
    from wabot.store.fields import clean

    db.write(lambda: put(clean("a\x00b\ud800c")))
    assert kept() == {"a\ufffdb\ufffdc"}


FULL_DISK = """
import resource, sys, threading
from pathlib import Path
from wabot import errors
from wabot.store import db
db.database.open(Path(sys.argv[1]))
db.write(lambda: None)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
told = []
def one(k):
    for n in range(60):
        key = f"{k}-{n}"
        try:
            db.write(lambda: db.run("INSERT INTO kv VALUES ('t', ?, zeroblob(20000))", key), deadline=0.15)
        except errors.CannotWrite:
            continue
        told.append(key)
threads = [threading.Thread(target=one, args=(k,)) for k in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(*told)
"""


@pytest.mark.process
def test_on_a_full_disk_every_row_that_was_confirmed_is_there(file: Path) -> None:
    db.database.shut()
    limit = file.stat().st_size + 2_000_000
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(file), str(limit)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == 0, run.stderr
    told = set(run.stdout.split())
    assert 0 < len(told) < 240
    with db.side_connection(file) as connection:
        assert {row[0] for row in connection.execute("SELECT key FROM kv")} == told
        assert list(connection.execute("PRAGMA integrity_check")) == [("ok",)]


FLAT_OUT = """
import sys, threading, time
from pathlib import Path
from wabot.store import db
db.database.open(Path(sys.argv[1]))
def one(k):
    for n in range(int(sys.argv[3])):
        db.write(lambda: db.run("INSERT INTO kv VALUES (?, ?, zeroblob(4000))", sys.argv[2], f"{k}-{n}"))
threads = [threading.Thread(target=one, args=(k,)) for k in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
"""


@pytest.mark.process
def test_the_wal_stays_small_under_two_writers_at_full_speed(file: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", FLAT_OUT, str(file), name, "1500"], env=env) for name in ("one", "two")
    ]
    largest = 0
    assert db.one("SELECT count(*) FROM kv") is not None  # opens the WAL
    while any(writer.poll() is None for writer in writers):
        largest = max(largest, file.with_name(file.name + "-wal").stat().st_size)
        db.rows("SELECT count(*) FROM kv")
        time.sleep(0.005)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert db.one("SELECT count(*) FROM kv") == (24000,)
    assert 0 < largest < 64 << 20


HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print(1, flush=True)
time.sleep(99)
"""


@pytest.mark.process
def test_a_frozen_writer_lets_others_in_as_soon_as_it_is_killed(file: Path) -> None:
    held = subprocess.Popen([sys.executable, "-c", HOLD, str(db.gate_path(file))], stdout=subprocess.PIPE)
    assert held.stdout is not None
    held.stdout.readline()
    with pytest.raises(errors.CannotWrite):
        db.write(lambda: put("too early"), deadline=0.3)
    held.kill()
    held.wait()
    held.stdout.close()
    assert db.write(lambda: put("now"), deadline=5) == "now"


GREEDY = """
import fcntl, os, sys, time
from pathlib import Path
from wabot.store import db
from wabot.store.gate import Gate
gate, tally = Gate(db.gate_path(Path(sys.argv[1])), None), os.open(sys.argv[1] + ".tally", os.O_RDWR | os.O_CREAT)
for n in range(10**9):
    with gate.held():
        os.pwrite(tally, b"%-12d" % n, 0)
        time.sleep(0.001)
    if n == 0:
        print("going", flush=True)
"""


@pytest.mark.process
def test_a_process_that_takes_the_gate_again_at_once_does_not_overtake_one_that_waits(file: Path) -> None:
    command = [sys.executable, "-c", GREEDY, str(file)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    tally, gate = file.with_name(file.name + ".tally"), Gate(db.gate_path(file), None)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as greedy:
        assert greedy.stdout is not None
        greedy.stdout.readline()
        overtaken = []
        for _ in range(41):
            before = int(tally.read_text())
            with gate.held():
                overtaken.append(int(tally.read_text()) - before)
            time.sleep(0.002)
        greedy.kill()
    gate.close()
    assert sorted(overtaken)[20] == 0, f"while it waited, the other process was let in again {overtaken} times"
