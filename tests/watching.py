"""What SQLite does for a call: every statement with its values, how many steps of its virtual machine they took
(https://www.sqlite.org/c3ref/c_stmtstatus_counter.html), and which tables their plans read from end to end."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import apsw

from wabot.store import db

_NAMED = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|,)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", re.IGNORECASE)


@dataclass(slots=True)
class Seen:
    """What the connections of this process did while they were watched."""

    statements: dict[str, Any] = field(default_factory=dict)
    steps: int = 0

    def scanned(self) -> dict[str, set[str]]:
        """The tables that a plan reads from end to end, each with the statements that do."""
        found: dict[str, set[str]] = {}
        with db.side_connection(db.database.path) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            for sql, values in self.statements.items():
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
                for table in tables & {_table(sql, name) for name in _scans(plan)}:
                    found.setdefault(table, set()).add(sql)
        return found


def _scans(plan: list[str]) -> list[str]:
    return [step.split()[1] for step in plan if step.startswith("SCAN")]


def _table(sql: str, name: str) -> str:
    """The table that a statement calls so."""
    return next((table for table, alias in _NAMED.findall(sql) if alias == name), name)


@contextmanager
def watched() -> Iterator[Seen]:
    """Watch every connection that is opened meanwhile, also the writer's: those that are open are closed first."""
    seen = Seen()

    def watch(connection: apsw.Connection) -> None:
        connection.exec_trace = executed
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, finished, id=seen)

    def executed(_: apsw.Cursor, sql: str, values: Any) -> bool:
        seen.statements.setdefault(sql, values)
        return True

    def finished(event: dict[str, Any]) -> None:
        seen.steps += event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

    db.database.shut()
    apsw.connection_hooks.append(watch)
    try:
        yield seen
    finally:
        apsw.connection_hooks.remove(watch)
        db.database.shut()
