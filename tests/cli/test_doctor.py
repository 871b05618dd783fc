"""`wabot doctor`, `config` and `migrate`: every check is seen to fail on an installation that is wrong so."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.cli.conftest import TWILIO, TWILIO_NUMBER, Shell
from tests.fakes import sufrah
from wabot import clock, config
from wabot.core import doctor
from wabot.store import db, migrate, tenants, workers

CHECKS = {"sqlite", "libraries", "public url", "proxies", "disk", "file", "soundness", "writing", "modes",
          "secret key", "wal", "consumer", "channels"}  # fmt: skip


@pytest.fixture
def healthy(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An installation without a fault, as an operator has it."""
    monkeypatch.setenv("WABOT_PUBLIC_URL", "https://bot.example.com")
    monkeypatch.setenv("WABOT_TRUSTED_PROXIES", "1")
    shell.folder.chmod(0o700)
    db.write(lambda: workers.beat("consumer", clock.now()))
    return shell


def examine(shell: Shell) -> dict[str, dict[str, Any]]:
    """The checks by name; those that fail name a fix, and the exit code says whether there are any."""
    done = shell.run("doctor", "--json")
    rows = json.loads(done.stdout)["data"]
    assert all(set(row) == {"check", "ok", "message", "fix"} for row in rows)
    assert all(row["fix"] for row in rows if not row["ok"])
    assert done.exit_code == int(not all(row["ok"] for row in rows))
    assert "FAIL" in shell.run("doctor").stdout or done.exit_code == 0
    return {row["check"]: row for row in rows}


def failing(shell: Shell) -> list[str]:
    return [name for name, row in examine(shell).items() if not row["ok"]]


def test_a_healthy_installation_passes_every_check(healthy: Shell) -> None:
    found = examine(healthy)
    assert set(found) == CHECKS
    assert [name for name, row in found.items() if not row["ok"]] == []
    assert [name for name, row in found.items() if row["fix"] and name != "libraries"] == []


def test_without_a_file_it_says_how_to_make_one_and_makes_none(bare: Shell) -> None:
    found = examine(bare)
    assert (found["file"]["ok"], found["file"]["fix"]) == (False, "run `wabot migrate`")
    assert list(bare.folder.iterdir()) == []


def test_a_file_that_is_not_ours(bare: Shell) -> None:
    (bare.folder / "wabot.db").write_bytes(b"something else" * 100)
    assert "file" in failing(bare)


def test_an_old_sqlite(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.46.1")
    assert failing(healthy) == ["sqlite", "file"]


def test_a_damaged_file(healthy: Shell) -> None:
    healthy.ok("tenant", "add", "bait", "--name", "Bait")
    healthy.ok("channel", "add", "bait", "sandbox", "+966500000001")
    with db.side_connection(healthy.folder / "wabot.db") as connection:
        for statement in ("query_only=OFF", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {statement}")
        list(connection.execute("DELETE FROM tenant"))
    found = examine(healthy)
    assert not found["soundness"]["ok"]
    assert "channel 1 refers to a missing tenant" in found["soundness"]["message"]


def test_pages_that_are_not_sqlite_s(healthy: Shell) -> None:
    path = healthy.folder / "wabot.db"
    db.database.shut()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    assert failing(healthy)[-1] in ("soundness", "file")


@pytest.mark.parametrize("name", ["wabot.db", "wabot.db.gate", "secret.key", ""])
def test_what_others_may_read(name: str, healthy: Shell) -> None:
    (healthy.folder / "secret.key").write_text("k" * 40)
    (healthy.folder / "secret.key").chmod(0o600)
    path = healthy.folder / name
    path.chmod(0o755)
    found = examine(healthy)
    assert not found["modes"]["ok"]
    assert f"chmod {'600' if name else '700'} {path}" in found["modes"]["fix"]


def test_a_secret_key_that_opens_nothing_or_is_gone(
    healthy: Shell, bait: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bait()
    assert failing(healthy) == []
    kept = healthy.folder / "secret.key"
    monkeypatch.setenv("WABOT_SECRET_KEY", "another key, of at least 32 characters")
    assert "does not open channel 1" in examine(healthy)["secret key"]["message"]
    monkeypatch.delenv("WABOT_SECRET_KEY")
    kept.rename(kept.with_name("moved"))
    assert failing(healthy) == ["secret key"]
    assert not kept.exists()
    kept.write_text("short")
    kept.chmod(0o600)


def test_a_disk_without_room(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SPARE_BYTES", 1 << 60)
    assert failing(healthy) == ["disk"]


def test_a_wal_that_only_grows(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "WAL_LIMIT_BYTES", 0)
    reader = apsw.Connection(str(healthy.folder / "wabot.db"))
    healthy.ok("tenant", "add", "bait", "--name", "Bait")
    assert failing(healthy) == ["wal"]
    reader.close()


def test_a_consumer_that_is_gone(healthy: Shell) -> None:
    db.write(lambda: workers.beat("consumer", clock.now() - timedelta(seconds=61)))
    found = examine(healthy)
    assert not found["consumer"]["ok"]
    assert "wabot serve" in found["consumer"]["fix"]


def test_a_public_address_without_tls(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOT_PUBLIC_URL", "http://bot.example.com")
    assert failing(healthy) == ["public url"]
    monkeypatch.setenv("WABOT_PUBLIC_URL", "http://127.0.0.1:8000")
    assert failing(healthy) == []


def test_a_proxy_that_nobody_trusts(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOT_TRUSTED_PROXIES", "0")
    assert examine(healthy)["proxies"]["fix"]
    db.write(lambda: workers.beat(doctor.UNASKED_FORWARDING, clock.now()))
    assert failing(healthy) == ["forwarding"]
    db.write(lambda: workers.beat(doctor.UNASKED_FORWARDING, clock.now() - timedelta(days=2)))
    assert failing(healthy) == []


def test_settings_of_other_systems_are_named(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://x")
    Path(".env").write_text("DATABASE_URL=postgres://x\n")
    shown = healthy.ok("doctor")
    assert "REDIS_URL is not needed" in shown
    assert "DATABASE_URL is not needed" in shown
    assert "redis://x" not in shown


def test_unsigned_webhooks_are_a_note(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOT_PUBLIC_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("TWILIO_WEBHOOK_VALIDATE", "false")
    found = examine(healthy)["signatures"]
    assert found["ok"]
    assert found["fix"] == "unset TWILIO_WEBHOOK_VALIDATE"


def test_a_channel_paused_by_hand_is_a_note_and_one_without_credentials_a_failure(
    healthy: Shell, bait: Callable[..., Any]
) -> None:
    bait("twilio", TWILIO_NUMBER, *TWILIO)
    healthy.ok("channel", "pause", "1")
    assert examine(healthy)["channels"] == {
        "check": "channels",
        "ok": True,
        "message": "channel 1 of bait is paused: paused by the operator",
        "fix": "wabot channel resume 1",
    }
    healthy.ok("channel", "resume", "1")
    db.write(lambda: tenants.pause(1, "credentials", "401", clock.now()))
    assert failing(healthy) == ["channels"]


def test_an_old_library(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["click>=99.1", "rich>=1", "absent-thing>=1", 'pytest>=99; extra == "dev"', "tzdata"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: wanted)
    assert examine(healthy)["libraries"]["message"] == "click>=99.1, absent-thing>=1"


def test_a_file_that_cannot_be_written(healthy: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wabot.cli.base.GATE_TIMEOUT_SECONDS", 0.1)
    with db.Gate(db.gate_path(healthy.folder / "wabot.db"), 1).held():
        assert failing(healthy) == ["writing"]


def test_config_masks_secrets(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOT_ADMIN_API_KEY", "very-secret-key-1234")
    shown = bare.json("config")
    assert shown["WABOT_ADMIN_API_KEY"] == "…1234"
    assert shown["WABOT_PORT"] == 8000
    assert set(config.variables()) - {"CONTENT_SIDS", "RETENTION_DAYS"} <= set(shown)
    printed = bare.ok("config")
    assert "very-secret" not in printed
    assert "WABOT_RETENTION_WEBHOOKS_DAYS" in printed


def test_migrate_creates_the_file_and_then_has_nothing_to_do(bare: Shell) -> None:
    path = bare.folder / "wabot.db"
    assert bare.json("migrate") == {"file": str(path), "steps": [f"{s.version:04d}_{s.name}" for s in migrate.steps()]}
    assert bare.ok("migrate").strip() == f"{path} is up to date"


def test_the_menus_at_the_order_platform(healthy: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy.ok("tenant", "add", "bait", "--name", "Bait", "--catalog-merchant", sufrah.MERCHANT)
    assert failing(healthy) == ["catalog"]
    with sufrah.running(tmp_path / "platform.jsonl") as platform:
        monkeypatch.setenv("SUFRAH_API_BASE", platform.url)
        monkeypatch.setenv("SUFRAH_API_KEY", platform.key)
        assert "2 categories of bait" in examine(healthy)["catalog"]["message"]
        platform.order({"mode": "error", "status": 500, "count": 2})
        check = examine(healthy)["catalog"]
        assert (check["ok"], check["fix"]) == (True, "look again in a while")
        healthy.ok("tenant", "edit", "bait", "--catalog-merchant", "nobody")
        assert "--catalog-merchant" in examine(healthy)["catalog"]["fix"]
        monkeypatch.setenv("SUFRAH_API_KEY", "wrong")
        assert "SUFRAH_API_KEY" in examine(healthy)["catalog"]["fix"]
