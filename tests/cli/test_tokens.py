"""`wabot token`."""

from datetime import timedelta

import pytest

from tests.cli.conftest import Shell
from wabot import clock
from wabot.store import access, db, tenants


@pytest.fixture(autouse=True)
def _bait(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait")


def test_a_token_is_printed_once_and_works(shell: Shell) -> None:
    done = shell.run("token", "create", "--tenant", "bait")
    token = done.stdout.strip()
    assert "not shown again" in done.stderr
    found, bait = access.find(token, clock.now()), tenants.by_slug("bait")
    assert found is not None
    assert bait is not None
    assert found.tenant_id == bait.id
    listed = shell.ok("token", "list") + shell.ok("token", "list", "--json")
    assert token not in listed
    assert f"…{token[-4:]}" in listed


def test_json_answers_id_and_token(shell: Shell) -> None:
    created = shell.json("token", "create", "--admin", "--name", "ops", "--read-only", "--expires", "2")
    assert set(created) == {"id", "token"}
    [row] = shell.json("token", "list")["data"]
    del row["createdAt"], row["expiresAt"]
    assert row == {"id": created["id"], "tenant": None, "admin": True, "readOnly": True, "name": "ops",
                   "hint": f"…{created['token'][-4:]}", "status": "active", "revokedAt": None}  # fmt: skip


def test_it_is_for_one_tenant_or_for_the_operator(shell: Shell) -> None:
    shell.misused("token", "create")
    shell.misused("token", "create", "--admin", "--tenant", "bait")
    shell.misused("token", "create", "--admin", "--expires", "0")
    assert shell.refused("token", "create", "--tenant", "luma") == "there is no tenant 'luma'"


def test_revoke(shell: Shell) -> None:
    created = shell.json("token", "create", "--tenant", "bait")
    assert shell.json("token", "revoke", str(created["id"])) == {"id": created["id"], "revoked": True}
    assert access.find(created["token"], clock.now()) is None
    assert shell.json("token", "list")["data"][0]["status"] == "revoked"
    assert shell.refused("token", "revoke", "99") == "there is no token 99"


def test_an_expired_token_is_listed_as_expired(shell: Shell) -> None:
    past = clock.now() - timedelta(days=1)
    db.write(lambda: access.create(None, read_only=False, name="", expires_at=past, now=past))
    assert shell.json("token", "list")["data"][0]["status"] == "expired"
