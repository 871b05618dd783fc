"""Who works on this file: a name for each process, whether it is still there, and its beat."""

import os
from datetime import datetime
from functools import cache
from pathlib import Path

from wabot import clock
from wabot.store import db


def me() -> str:
    """This process's name: pid, its start in ticks since boot, and the pid namespace it lives in."""
    return _name(os.getpid())


def is_gone(worker: str) -> bool:
    """Whether that process surely no longer runs. What cannot be told from here is not gone."""
    pid, _, rest = worker.partition(":")
    started, _, namespace = rest.partition(":")
    if not pid.isdecimal() or namespace != _namespace():
        return False
    return _started(int(pid)) != started


def beat(name: str, now: datetime) -> None:
    """Note that the process called `name` (`consumer`, `web`) is at work."""
    db.run(
        "INSERT INTO beat (name, worker, at) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET worker = excluded.worker, at = excluded.at",
        name,
        me(),
        now,
    )


def last_beat(name: str) -> datetime | None:
    """When that process was last at work."""
    found = db.one("SELECT at FROM beat WHERE name = ?", name)
    return clock.from_ms(found[0]) if found else None


@cache
def _name(pid: int) -> str:
    return f"{pid}:{_started(pid)}:{_namespace()}"


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""
