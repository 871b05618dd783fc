"""A slow disk, for the benchmark alone: every commit of this process takes two milliseconds more.

    python -m tests.bench_slow gunicorn wsgi:app

SQLite's commit hook runs inside COMMIT, under the gate and with the write lock held, as an fsync does."""

import runpy
import sys
import time

import apsw

COMMIT_SECONDS = 0.002


def slow_down(connection: apsw.Connection) -> None:
    """Let this connection's commits take their time."""
    connection.set_commit_hook(_wait)


def _wait() -> bool:
    time.sleep(COMMIT_SECONDS)
    return False


if __name__ == "__main__":
    apsw.connection_hooks.append(slow_down)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
