"""The file: made with the right pragmas, brought to this version once, refused with one line otherwise."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from wabot import errors
from wabot.store import db, migrate
from wabot.store.migrate import Migration

NAMES = [f"{step.version:04}_{step.name}" for step in migrate.steps()]
LATEST = len(NAMES)
NEXT = Migration(
    LATEST + 1, "next", 1, "CREATE TABLE extra (id INTEGER PRIMARY KEY, word TEXT NOT NULL DEFAULT 'x') STRICT;"
)
BREAKING = Migration(LATEST + 2, "breaking", LATEST + 2, "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;")


def test_a_new_file_has_the_pragmas_that_only_creation_can_set(file: Path) -> None:
    assert db.rows("PRAGMA auto_vacuum") == [(2,)]
    assert db.rows("PRAGMA journal_mode") == [("wal",)]
    assert db.rows("PRAGMA application_id") == [(db.APPLICATION_ID,)]
    assert db.rows("PRAGMA synchronous") == [(2,)]
    assert db.rows("PRAGMA foreign_keys") == [(1,)]
    assert db.rows("PRAGMA secure_delete") == [(1,)]
    assert db.rows("PRAGMA query_only") == [(1,)]


def test_every_table_is_strict(file: Path) -> None:
    loose = db.rows(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite%'"
    )
    assert loose == []


def test_nobody_else_may_look_at_the_file(file: Path) -> None:
    for path in file.parent.glob(file.name + "*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_models_and_tables_have_the_same_columns(file: Path) -> None:
    for model in db.Row.__subclasses__():
        table = model._meta.table_name
        columns = {row[1] for row in db.rows(f"PRAGMA table_info({table})")}
        assert {field.column_name for field in model._meta.sorted_fields} == columns, table


def test_migrating_twice_does_nothing_the_second_time(file: Path) -> None:
    assert migrate.migrate(file) == []
    migrate.check(file)


def test_eight_processes_that_start_on_a_new_file_make_it_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from wabot.store import migrate;"
        "print(*migrate.migrate(Path(sys.argv[1])))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    path = tmp_path / "var" / "new.db"
    starts = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(8)
    ]
    printed = [start.communicate(timeout=60)[0].strip() for start in starts]
    assert [start.returncode for start in starts] == [0] * 8
    assert sorted(printed) == [""] * 7 + [" ".join(NAMES)]


def test_the_file_is_copied_before_it_is_changed(file: Path) -> None:
    db.write(lambda: db.run("INSERT INTO kv VALUES ('q', 'k', x'')"))
    assert migrate.migrate(file, [*migrate.steps(), NEXT]) == [f"{NEXT.version:04}_next"]
    copy = file.with_name(f"{file.name}.before-{NEXT.version:04}")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with db.side_connection(copy) as before:
        assert list(before.execute("SELECT key FROM kv")) == [("k",)]
        assert list(before.execute("PRAGMA user_version")) == [(LATEST,)]


@pytest.mark.parametrize("version", range(1, LATEST))
def test_a_file_of_any_earlier_version_is_brought_up_with_what_it_holds(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.db"
    migrate.migrate(path, migrate.steps()[:version])
    db.database.open(path)
    db.write(lambda: db.run("INSERT INTO kv VALUES ('q', 'k', x'')"))
    assert migrate.migrate(path) == NAMES[version:]
    assert db.rows("SELECT key FROM kv") == [("k",)]
    assert db.rows("PRAGMA integrity_check") == [("ok",)]
    db.database.shut()


def test_messages_that_are_older_than_sessions_are_marked_to_be_gone_through(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    migrate.migrate(path, migrate.steps()[:3])
    with db.side_connection(path) as connection:
        for pragma in ("query_only=OFF", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(
            "INSERT INTO message (id, uid, tenant_id, channel_id, customer_id, conversation_id, direction, kind, "
            "status, created_at) VALUES (7, 'u', 1, 1, 1, 1, 'IN', 'text', 'received', 0)"
        )
    migrate.migrate(path)
    with db.side_connection(path) as connection:
        assert list(connection.execute("SELECT * FROM backfill")) == [("sessions", 0, 7)]


def test_days_that_were_kept_before_they_had_details_are_counted_again(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    migrate.migrate(path, migrate.steps()[:6])
    day = "INSERT INTO daily_usage (tenant_id, channel_id, day, source, begins_at, ends_at, computed_at) VALUES "
    with db.side_connection(path) as connection:
        for pragma in ("query_only=OFF", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(day + "(1, 1, '2026-11-01', 'observed', 0, 1, 1), (1, 1, '2026-11-01', 'provider', 0, 1, 1)")
    migrate.migrate(path)
    with db.side_connection(path) as connection:
        kept = list(connection.execute("SELECT source, stale, details FROM daily_usage ORDER BY source"))
    assert kept == [("observed", 1, "[]"), ("provider", 0, "[]")]


def test_code_of_the_version_before_goes_on_with_an_additive_step(file: Path) -> None:
    migrate.migrate(file, [*migrate.steps(), NEXT])
    migrate.check(file)
    assert db.write(lambda: db.run("INSERT INTO kv VALUES ('q', 'k', x'')")) == 1


def test_a_step_that_fails_leaves_the_file_as_it_was(file: Path) -> None:
    broken = Migration(LATEST + 1, "broken", 1, "CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT; SELECT nonsense;")
    with pytest.raises(apsw.SQLError):
        migrate.migrate(file, [*migrate.steps(), broken])
    assert db.rows("PRAGMA user_version") == [(LATEST,)]
    assert db.rows("SELECT name FROM sqlite_master WHERE name = 'half'") == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(errors.ConfigurationError, match=r"taken: File exists$"):
        migrate.migrate(tmp_path / "taken" / "wabot.db")


def test_a_full_disk_is_said_of_the_file_that_it_kept_from_growing(file: Path) -> None:
    growing = "PRAGMA max_page_count = 1; CREATE TABLE wide (body BLOB); INSERT INTO wide VALUES (zeroblob(9999))"
    with pytest.raises(errors.CannotWrite, match=r"wabot\.db cannot be written: database or disk is full$"):
        migrate.migrate(file, (*migrate.steps(), Migration(999, "grow", 999, growing)))


def refused(path: Path, *known: Migration) -> str:
    with pytest.raises(errors.ConfigurationError) as refusal:
        migrate.check(path, known or None)
    return str(refusal.value)


def test_a_file_that_does_not_fit_is_refused_with_a_line_that_says_what_to_do(file: Path, tmp_path: Path) -> None:
    assert "run `wabot migrate`" in refused(tmp_path / "missing.db")
    assert "run `wabot migrate`" in refused(file, *migrate.steps(), NEXT)
    migrate.migrate(file, [*migrate.steps(), NEXT, BREAKING])
    assert f"version {BREAKING.version} or newer" in refused(file)
    (tmp_path / "text.db").write_text("hello, this is no database, just a text that is long enough to be read" * 9)
    assert "cannot be opened" in refused(tmp_path / "text.db")
    apsw.Connection(str(tmp_path / "other.db")).execute("CREATE TABLE t (x)")
    assert "is not a wabot database" in refused(tmp_path / "other.db")


def test_an_older_sqlite_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.46.1")
    assert "can corrupt the file" in refused(file)


def test_a_backup_is_whole_private_and_never_overwrites(file: Path, tmp_path: Path) -> None:
    db.write(lambda: db.run("INSERT INTO kv VALUES ('q', 'k', x'')"))
    target = tmp_path / "copy.db"
    db.backup_into(target)
    with db.side_connection(target) as copy:
        assert list(copy.execute("SELECT key FROM kv")) == [("k",)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        db.backup_into(target)


def test_no_query_of_the_hot_paths_scans_a_table(file: Path) -> None:
    from wabot.store import outbox

    plans = [
        (outbox._NEXT_MESSAGE, (1, 1, 1)),
        ("SELECT 1 FROM webhook WHERE reading = 'pending' AND (being_read_since IS NULL OR reader = '') LIMIT 1", ()),
        ("SELECT min(answer_due_at) FROM message WHERE answer_due_at IS NOT NULL", ()),
        ("SELECT min(due_at) FROM message WHERE status = 'queued' AND due_at > ?", (1,)),
        ("SELECT min(unknown_since) FROM message WHERE status = 'unknown'", ()),
        ("SELECT min(due_at) FROM media WHERE state = 'pending'", ()),
    ]
    for sql, values in plans:
        steps = [row[3] for row in db.rows("EXPLAIN QUERY PLAN " + sql, *values)]
        assert not [step for step in steps if step.startswith("SCAN") and "INDEX" not in step], (sql, steps)
