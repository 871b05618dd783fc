"""The database: one SQLite file through APSW, a read-only connection per thread, and `write`, the
one way to change it. Everything that is SQLite's own stays here, in `writer` and in `queue`."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase

from wabot import clock, errors
from wabot.store.gate import Gate
from wabot.store.writer import Writer, is_transient

T = TypeVar("T")

OLDEST_SQLITE = (3, 51, 3)
"""The first release without the WAL-reset bug; Debian 12 and 13 ship older ones (DESIGN §4)."""
APPLICATION_ID = 0x5741424F
WAL_LIMIT_BYTES = 64 << 20
CHECKPOINT_PAGES = 1000
_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "mmap_size=0",
    f"journal_size_limit={WAL_LIMIT_BYTES}",
    "temp_store=MEMORY",
    f"wal_autocheckpoint={CHECKPOINT_PAGES}",
)


class Database(APSWDatabase):
    """Peewee's database for this process: opens a connection per thread when a thread first asks,
    never before `init`, and never one that was made before a fork."""

    def __init__(self) -> None:
        super().__init__(None, lock_type="IMMEDIATE", autoconnect=False)
        self._writer: Writer | None = None
        self._guard = threading.Lock()
        self._gate_timeout: float | None = None
        self._opened_in = threading.local()

    def open(self, path: Path, gate_timeout_seconds: float | None = None) -> None:
        """Say which file this process works on; touches no disk. See Gate for the time-out."""
        self._gate_timeout = gate_timeout_seconds
        self.init(str(path))

    @property
    def path(self) -> Path:
        return Path(self.database)

    def connection(self) -> apsw.Connection:
        """The writer's inside a write, else this thread's own, which cannot write."""
        writer = self._writer
        if writer is not None and writer.is_current():
            return writer.connection()
        if getattr(self._opened_in, "pid", None) != os.getpid():
            self._state.reset()
            self._opened_in.pid = os.getpid()
        if self.is_closed():
            self.connect()
        return super().connection()  # type: ignore[no-any-return]

    def cursor(self, named_cursor: bool | None = None) -> apsw.Cursor:  # noqa: ARG002 - peewee's signature
        return self.connection().cursor()

    def _connect(self) -> apsw.Connection:
        return connect(self.path)

    @property
    def writer(self) -> Writer:
        """The writer of this process, started on first use and anew after a fork."""
        with self._guard:
            if self._writer is None or self._writer.pid != os.getpid():
                path, timeout, parents = self.path, self._gate_timeout, self._writer
                self._writer = Writer(
                    lambda: connect(path, cache_kib=-8192, may_write=True),
                    lambda: Gate(gate_path(path), timeout),
                    parents,
                )
            return self._writer

    def shut(self) -> None:
        """End the writer and this thread's connection; for tests and short-lived commands."""
        with self._guard:
            if self._writer is not None and self._writer.pid == os.getpid():
                self._writer.stop()
            self._writer = None
        if not self.is_closed():
            self.close()


database = Database()


class Row(peewee.Model):
    """A row of one table. Models map; they never create tables.

    Peewee builds the text of a query anew each time, which costs twenty times what running it costs (475 µs
    against 25 for one message). What runs for every message therefore uses `load`, `add` and `change`, whose
    text is fixed; peewee's own queries serve where it does not matter.
    """

    id = peewee.AutoField()

    @classmethod
    def load(cls, rest: str, *values: Any) -> list[Self]:
        """The rows that `SELECT … FROM <table> <rest>` finds; `rest` is fixed text with its values beside it."""
        return [cls._of(row) for row in rows(f"{cls._select()} {rest}", *values)]

    @classmethod
    def load_one(cls, rest: str, *values: Any) -> Self | None:
        """The first row that `load` finds."""
        found = cls.load(rest, *values)
        return found[0] if found else None

    @classmethod
    def get(cls, *query: Any, **filters: Any) -> Self:
        """As peewee's; the row of one id, which is what following a foreign key asks for, by fixed text."""
        asked = query[0] if len(query) == 1 and not filters else None
        if not isinstance(asked, peewee.Expression) or asked.lhs is not cls.id or asked.op != peewee.OP.EQ:
            return super().get(*query, **filters)
        found = cls.load_one("WHERE id = ?", asked.rhs)
        if found is None:
            raise cls.DoesNotExist(asked.rhs)  # type: ignore[attr-defined]
        return found

    @classmethod
    def add(cls, **values: Any) -> Self:
        """Inside a write: a new row with these values and the defaults."""
        row = cls(**values)
        given = [field for field in cls._fields() if field.name in row.__data__]
        sql = cls._insert(tuple(field.column_name for field in given))
        [(row.id,)] = rows(sql, *(field.db_value(row.__data__[field.name]) for field in given))
        return row

    @classmethod
    def change(cls, row_id: int, **values: Any) -> int:
        """Inside a write: set columns of one row; returns how many rows there were."""
        named = cls._meta.fields
        sql = cls._update(tuple(named[name].column_name for name in values))
        return run(sql, *(named[name].db_value(value) for name, value in values.items()), row_id)

    @classmethod
    def _of(cls, row: Sequence[Any]) -> Self:
        """What peewee's constructor would make of a row's columns, without its detour over every attribute."""
        made = cls.__new__(cls)
        data = dict(zip(cls._names(), row, strict=True))
        for name, python_value in cls._converters():
            data[name] = python_value(data[name])
        vars(made).update(__data__=data, __rel__={}, _dirty=set())
        return made

    @classmethod
    @cache
    def _names(cls) -> list[str]:
        return [field.name for field in cls._fields()]

    @classmethod
    @cache
    def _converters(cls) -> list[tuple[str, Callable[[Any], Any]]]:
        """What peewee's own fields would convert, a STRICT table holds already."""
        own = [field for field in cls._fields() if "python_value" in vars(type(field))]
        return [(field.name, field.python_value) for field in own]

    @classmethod
    @cache
    def _fields(cls) -> list[Any]:
        return list(cls._meta.sorted_fields)

    @classmethod
    @cache
    def _select(cls) -> str:
        columns = ", ".join(field.column_name for field in cls._fields())
        return f"SELECT {columns} FROM {cls._meta.table_name}"  # noqa: S608 - the models' own names

    @classmethod
    @cache
    def _insert(cls, columns: tuple[str, ...]) -> str:
        marks = ", ".join("?" * len(columns))
        return f"INSERT INTO {cls._meta.table_name} ({', '.join(columns)}) VALUES ({marks}) RETURNING id"  # noqa: S608

    @classmethod
    @cache
    def _update(cls, columns: tuple[str, ...]) -> str:
        sets = ", ".join(f"{column} = ?" for column in columns)
        return f"UPDATE {cls._meta.table_name} SET {sets} WHERE id = ?"  # noqa: S608

    class Meta:
        database = database
        legacy_table_names = False


def write(fn: Callable[[], T], *, deadline: float = 30.0) -> T:
    """Run `fn` in a write transaction and return what it returned, after the durable commit.

    `fn` does no I/O, does not sleep, returns plain values and may be run twice. Called inside a
    write it simply runs. What may pass (a held lock, a full disk) is tried again for `deadline`
    seconds; then raises CannotWrite, and nothing was written. What `fn` raises comes through, with
    its own changes rolled back.
    """
    writer = database.writer
    if writer.is_current():
        return fn()
    until = time.monotonic() + deadline
    while True:
        try:
            return writer.perform(fn, until - time.monotonic())  # type: ignore[no-any-return]
        except (apsw.ConstraintError, peewee.IntegrityError):
            raise
        except (apsw.Error, peewee.DatabaseError) as error:
            if not is_transient(error) or time.monotonic() + 0.1 >= until:
                raise errors.CannotWrite(str(error)) from error
        time.sleep(0.1)


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Every row of a statement; the cursor is read to its end."""
    return list(database.connection().execute(sql, _plain(values)))


def one(sql: str, *values: Any) -> tuple[Any, ...] | None:
    """The first row of a statement, or None; the cursor is read to its end."""
    found = rows(sql, *values)
    return found[0] if found else None


def run(sql: str, *values: Any) -> int:
    """Execute a change inside a write; returns how many rows it touched."""
    connection = database.connection()
    list(connection.execute(sql, _plain(values)))
    return connection.changes()


def add_up(sql: str, *values: Any, by: int) -> None:
    """Inside a write: execute a change just before the commit, once for all that ask for the same in this
    transaction; its last value is the sum of their `by`."""
    database.writer.sums[sql, values] += by


def _plain(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([clock.to_ms(value) if isinstance(value, datetime) else value for value in values])


def connect(path: Path, *, cache_kib: int = -1024, may_write: bool = False) -> apsw.Connection:
    """A connection with wabot's pragmas. Only the writer's may write: its thread runs nothing outside the gate,
    and a write that would bypass it fails loudly everywhere else."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200)
    try:
        connection.set_busy_timeout(1000)
        for pragma in (*_PRAGMAS, f"cache_size={cache_kib}", f"query_only={'OFF' if may_write else 'ON'}"):
            list(connection.execute(f"PRAGMA {pragma}"))
    except apsw.Error:
        connection.close()
        raise
    return connection


@contextmanager
def side_connection(path: Path) -> Iterator[apsw.Connection]:
    """A connection outside the pool, closed at the end: for checks before a fork and for backups."""
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def gate_path(path: Path) -> Path:
    """The side file that the gate locks."""
    return path.with_name(path.name + ".gate")


def backup_into(target: Path) -> None:
    """Write a checked, consistent copy to `target` (0600). Raises FileExistsError, CannotWrite."""
    if target.exists():
        raise FileExistsError(target)
    scratch = target.with_name(f".{target.name}.part")
    scratch.unlink(missing_ok=True)
    os.close(os.open(scratch, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with side_connection(database.path) as connection:
            connection.execute("PRAGMA query_only=OFF")
            list(connection.execute("VACUUM INTO ?", (str(scratch),)))
        with side_connection(scratch) as copy:
            if list(copy.execute("PRAGMA quick_check")) != [("ok",)]:
                raise errors.CannotWrite(f"the copy for {target} is damaged")
        os.replace(scratch, target)
    except apsw.Error as error:
        raise errors.CannotWrite(f"backup failed: {error}") from error
    finally:
        scratch.unlink(missing_ok=True)
