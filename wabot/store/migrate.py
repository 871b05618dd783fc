"""Bring a file to this version, or say in one line why it does not fit. Numbered modules of plain
SQL, one transaction each, under the gate; the file is backed up first."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import apsw

from wabot import clock, errors
from wabot.store import db, migrations, writer
from wabot.store.gate import Gate


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: the version it brings the file to, and the oldest code that runs on the result."""

    version: int
    name: str
    compatible_from: int
    sql: str


def steps() -> tuple[Migration, ...]:
    """Every migration of this version of wabot, in order."""
    found = []
    for module in sorted(iter_modules(migrations.__path__), key=lambda module: module.name):
        loaded = import_module(f"{migrations.__name__}.{module.name}")
        number, _, name = module.name.removeprefix("m").partition("_")
        found.append(Migration(int(number), name, loaded.COMPATIBLE_FROM, loaded.SQL))
    return tuple(found)


def check(path: Path, known: Sequence[Migration] | None = None) -> None:
    """Returns if this version can work on the file. Raises ConfigurationError with one line."""
    check_sqlite()
    latest = (known or steps())[-1].version
    if not path.exists():
        raise errors.ConfigurationError(f"{path} does not exist: run `wabot migrate`")
    has, compatible_from = _versions(path)
    if has < latest:
        raise errors.ConfigurationError(f"{path} is at version {has}, this wabot needs {latest}: run `wabot migrate`")
    if compatible_from > latest:
        raise errors.ConfigurationError(
            f"{path} is at version {has} and needs a wabot of version {compatible_from} or newer; this one has {latest}"
        )


def check_sqlite() -> None:
    """Raises ConfigurationError when the SQLite inside APSW is one that can corrupt the file."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < db.OLDEST_SQLITE:
        needed = ".".join(str(part) for part in db.OLDEST_SQLITE)
        raise errors.ConfigurationError(f"SQLite {apsw.sqlite_lib_version()} can corrupt the file: {needed} is needed")


def migrate(path: Path, known: Sequence[Migration] | None = None) -> list[str]:
    """Create the file or bring it to this version; returns the names of the steps that were taken.

    Safe beside running services and beside itself. A file with data is copied to
    `<file>.before-<version>` first. Raises ConfigurationError, CannotWrite.
    """
    check_sqlite()
    known = known or steps()
    os.umask(0o077)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(Gate(db.gate_path(path), 60)) as gate, gate.held():
            return _take_steps(path, known)
    except OSError as error:
        raise errors.ConfigurationError(f"{error.filename or path}: {error.strerror or error}") from error
    except writer.TRANSIENT as error:
        raise errors.CannotWrite(f"{path} cannot be written: {error}") from error


def _take_steps(path: Path, known: Sequence[Migration]) -> list[str]:
    if not path.exists():
        _create(path)
    has, compatible_from = _versions(path)
    if compatible_from > known[-1].version:
        raise errors.ConfigurationError(f"{path} was written by a newer wabot, at version {has}")
    missing = [step for step in known if step.version > has]
    if missing and has:
        _back_up(path, has)
    for step in missing:
        _apply(path, step)
    return [f"{step.version:04d}_{step.name}" for step in missing]


def _create(path: Path) -> None:
    """A new file under another name, whole, then renamed: nobody ever opens half a database."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    connection = apsw.Connection(str(scratch))
    try:
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", f"application_id={db.APPLICATION_ID}"):
            list(connection.execute(f"PRAGMA {pragma}"))
        connection.execute("CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                           "compatible_from INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT")  # fmt: skip
        list(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    finally:
        connection.close()
    os.replace(scratch, path)


def _versions(path: Path) -> tuple[int, int]:
    """The file's version and the oldest code it lets in. Raises ConfigurationError if it is not ours."""
    try:
        with db.side_connection(path) as connection:
            if list(connection.execute("PRAGMA application_id")) != [(db.APPLICATION_ID,)]:
                raise errors.ConfigurationError(f"{path} is not a wabot database")
            [(version,)] = list(connection.execute("PRAGMA user_version"))
            [(compatible_from,)] = list(connection.execute("SELECT coalesce(max(compatible_from), 0) FROM migration"))
            return int(version), int(compatible_from)
    except apsw.Error as error:
        raise errors.ConfigurationError(f"{path} cannot be opened: {error}") from error


def _apply(path: Path, step: Migration) -> None:
    with db.side_connection(path) as connection:
        connection.execute("PRAGMA query_only=OFF")
        with connection:
            list(connection.execute(step.sql))
            connection.execute(
                "INSERT INTO migration (version, name, compatible_from, applied_at) VALUES (?, ?, ?, ?)",
                (step.version, step.name, step.compatible_from, clock.to_ms(clock.now())),
            )
            connection.execute(f"PRAGMA user_version={step.version}")


def _back_up(path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.before-{version + 1:04d}")
    target.unlink(missing_ok=True)
    with db.side_connection(path) as connection:
        connection.execute("PRAGMA query_only=OFF")
        list(connection.execute("VACUUM INTO ?", (str(target),)))
    os.chmod(target, 0o600)
