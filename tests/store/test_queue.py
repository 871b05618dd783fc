"""Huey's storage: nudges are derived, enqueued tasks belong to the caller's transaction, and a sleeping
consumer is woken by anyone's commit."""

import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from wabot import clock
from wabot.store import db
from wabot.store.gate import Gate
from wabot.store.queue import Kind, Storage


def storage(longest_wait: float = 0.2) -> Storage:
    return Storage(longest_wait=longest_wait)


def always(_now: datetime) -> datetime:
    return clock.now()


def test_a_task_enqueued_in_a_write_is_rolled_back_with_it(file: Path) -> None:
    queue = storage()

    def change_of_mind() -> None:
        queue.enqueue(b"task")
        raise KeyError

    with pytest.raises(KeyError):
        db.write(change_of_mind)
    assert queue.dequeue() is None
    db.write(lambda: queue.enqueue(b"task"))
    assert queue.dequeue() == b"task"
    assert queue.dequeue() is None


def test_what_was_enqueued_comes_before_what_is_due_and_by_priority(file: Path) -> None:
    queue = storage()
    queue.kinds["k"] = Kind("k", 1, always, lambda: b"nudge")
    queue.enqueue(b"low", 1)
    queue.enqueue(b"high", 2)
    assert [queue.dequeue() for _ in range(3)] == [b"high", b"low", b"nudge"]


def test_a_kind_runs_at_most_as_often_as_it_has_slots(file: Path) -> None:
    queue = storage()
    queue.kinds["k"] = Kind("k", 2, always, lambda: b"nudge")
    assert [queue.dequeue() for _ in range(3)] == [b"nudge", b"nudge", None]
    with queue.slot("k") as worked:
        worked.append(True)
    assert queue.dequeue() == b"nudge"


def test_what_calls_others_leaves_threads_to_the_rest_however_many_kinds_hang(file: Path) -> None:
    queue = storage()
    queue.most_calling = 3
    for name in ("send", "fetch"):
        queue.kinds[name] = Kind(name, 2, always, lambda name=name: name.encode(), calls_out=True)
    assert [queue.dequeue() for _ in range(4)] == [b"send", b"fetch", b"send", None]
    queue.kinds["read"] = Kind("read", 1, always, lambda: b"read")
    assert queue.dequeue() == b"read"
    with queue.slot("send") as worked:
        worked.append(True)
    assert queue.dequeue() == b"fetch"


def test_with_one_thread_for_calls_a_kind_that_always_has_work_keeps_no_other_waiting(file: Path) -> None:
    queue = storage()
    queue.most_calling = 1
    for name in ("pull", "send"):
        queue.kinds[name] = Kind(name, 1, always, lambda name=name: name.encode(), calls_out=True)
    handed_out = []
    for _ in range(4):
        nudge = queue.dequeue()
        assert nudge is not None
        handed_out.append(nudge)
        with queue.slot(nudge.decode()) as worked:
            worked.append(True)
    assert handed_out == [b"pull", b"send", b"pull", b"send"]


def test_a_nudge_that_found_nothing_is_not_handed_out_again_at_once(file: Path) -> None:
    queue = storage(longest_wait=0.02)
    queue.kinds["k"] = Kind("k", 1, always, lambda: b"nudge")
    assert queue.dequeue() == b"nudge"
    with queue.slot("k"):
        pass
    assert queue.dequeue() is None


def test_work_that_is_due_later_is_handed_out_when_its_time_has_come(file: Path) -> None:
    queue = storage(longest_wait=30)
    due_at = clock.now() + timedelta(milliseconds=300)
    queue.kinds["k"] = Kind("k", 1, lambda _now: due_at, lambda: b"nudge")
    assert queue.dequeue() == b"nudge"
    assert clock.now() >= due_at


def test_looking_for_work_never_takes_the_write_lock(file: Path) -> None:
    queue = storage()
    db.write(lambda: None)
    gate = Gate(db.gate_path(file), None)
    with gate.held():
        assert queue.dequeue() is None
        assert queue.read_schedule(clock.now()) == []
        assert queue.delete_data("r:1") is False
    gate.close()


def kept_keys(_now: datetime) -> datetime | None:
    return clock.now() if db.one("SELECT 1 FROM kv LIMIT 1") else None


@pytest.mark.process
def test_an_idle_consumer_is_woken_by_another_process_s_commit(file: Path) -> None:
    queue = storage(longest_wait=60)
    queue.kinds["k"] = Kind("k", 1, kept_keys, lambda: b"nudge")
    began = clock.monotonic()
    script = (
        "import sys, time; from pathlib import Path; from wabot.store import db; db.database.open(Path(sys.argv[1]));"
        "time.sleep(0.5); db.write(lambda: db.run(\"INSERT INTO kv VALUES ('t', 'k', x'')\"))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", script, str(file)], env=env):
        assert queue.dequeue() == b"nudge"
    assert clock.monotonic() - began < 30, "it slept until its time-out"


def test_an_idle_consumer_is_woken_by_its_own_process_s_commit(file: Path) -> None:
    queue = storage(longest_wait=60)
    queue.kinds["k"] = Kind("k", 1, kept_keys, lambda: b"nudge")
    began = clock.monotonic()
    later = threading.Timer(0.2, lambda: db.write(lambda: db.run("INSERT INTO kv VALUES ('t', 'k', x'')")))
    later.start()
    assert queue.dequeue() == b"nudge"
    later.join()
    assert clock.monotonic() - began < 30, "it slept until its time-out"
