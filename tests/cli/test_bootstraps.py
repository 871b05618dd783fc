"""`wabot bootstrap`: list and run, against the imitation of the platform."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.fakes import sufrah

FIELDS = {"id", "restaurantId", "customer", "status", "attempts", "categories", "branches", "templates", "ms", "error",
          "createdAt"}  # fmt: skip


@pytest.fixture
def platform(tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[sufrah.Sufrah]:
    with sufrah.running(tmp_path / "platform.jsonl") as running:
        monkeypatch.setenv("SUFRAH_API_BASE", running.url)
        monkeypatch.setenv("SUFRAH_API_KEY", running.key)
        monkeypatch.setenv("QUEUE_BACKOFF_DELAY", "1")
        shell.ok("tenant", "add", "bait", "--name", "Bait", "--catalog-merchant", sufrah.MERCHANT)
        shell.ok("channel", "add", "bait", "sandbox", "+966500000001")
        yield running


def test_a_bootstrap_is_run_here_and_now_and_its_row_printed(shell: Shell, platform: sufrah.Sufrah) -> None:
    row = shell.json("bootstrap", "run", "bait", "0511 111 111")
    assert set(row) == FIELDS
    assert row["restaurantId"] == "bait"
    assert row["customer"]["waId"] == "966511111111"
    assert (row["status"], row["attempts"], row["categories"], row["branches"], row["templates"], row["error"]) == (
        "completed", 1, 2, 2, 0, None,
    )  # fmt: skip
    assert shell.json("bootstrap", "list")["data"] == [row]
    assert shell.ok("bootstrap", "list").splitlines()[1].split()[:4] == ["1", "bait", "966511111111", "completed"]
    assert "completed" in shell.ok("bootstrap", "run", "bait", "+966511111111")


def test_it_is_tried_as_often_as_any(shell: Shell, platform: sufrah.Sufrah) -> None:
    platform.order({"on": "branches", "mode": "error", "status": 500, "count": 99})
    row = shell.json("bootstrap", "run", "bait", "+966511111111")
    assert (row["status"], row["attempts"], row["categories"], row["branches"], row["error"]) == (
        "partial", 3, 2, 0, "branches: http_500",
    )  # fmt: skip


def test_a_list_is_of_all_or_of_one_tenant_newest_first(shell: Shell, platform: sufrah.Sufrah) -> None:
    shell.ok("tenant", "add", "other", "--name", "Other")
    first = shell.json("bootstrap", "run", "bait", "+966511111111")
    second = shell.json("bootstrap", "run", "other", "+966511111112")
    assert (second["status"], second["error"]) == ("dead", "no_merchant")
    assert [row["id"] for row in shell.json("bootstrap", "list")["data"]] == [second["id"], first["id"]]
    assert [row["id"] for row in shell.json("bootstrap", "list", "--tenant", "bait")["data"]] == [first["id"]]
    assert [row["id"] for row in shell.json("bootstrap", "list", "--limit", "1")["data"]] == [second["id"]]


def test_what_cannot_be_is_said_in_one_line(shell: Shell, platform: sufrah.Sufrah) -> None:
    assert "there is no tenant 'nobody'" in shell.refused("bootstrap", "run", "nobody", "+966511111111")
    assert "there is no tenant 'nobody'" in shell.refused("bootstrap", "list", "--tenant", "nobody")
    assert shell.refused("bootstrap", "run", "bait", "no number").startswith("invalid_number: ")
    assert shell.json("bootstrap", "list") == {"data": []}
    assert platform.calls() == []


SPELLINGS = ("+966511111111", "0511111111", "00966511111111", "+966 51-111-1111", "SA.1234")


@pytest.mark.parametrize("number", SPELLINGS)
def test_the_customer_may_be_spelled_in_any_usual_way(number: str, shell: Shell, platform: sufrah.Sufrah) -> None:
    assert shell.json("bootstrap", "run", "bait", number)["status"] == "completed"
