"""What the demo consists of, and that a second run keeps it."""

import re
import stat
from pathlib import Path

from tests.cli.conftest import Shell
from wabot import clock
from wabot.bot import shelves
from wabot.core import demo
from wabot.store import access, menus, tenants
from wabot.store.access import ApiToken


def set_up(shell: Shell) -> str:
    return demo.set_up(shell.folder, clock.now())


def tokens(shown: str) -> list[ApiToken]:
    found = [access.find(token, clock.now()) for token in re.findall(r"wabot_pat_[\w-]+", shown)]
    return [token for token in found if token is not None]


def test_the_first_run_makes_two_tenants_that_can_be_talked_to(shell: Shell) -> None:
    shown = set_up(shell)
    rows = {row["id"]: row for row in shell.json("tenant", "list")["data"]}
    assert (rows["bait-alsham"]["locale"], rows["bait-alsham"]["currency"]) == ("ar", "SAR")
    assert (rows["luma-salon"]["locale"], rows["luma-salon"]["timezone"]) == ("en", "Europe/London")
    channels = [(row["tenant"], row["provider"], row["number"]) for row in shell.json("channel", "list")["data"]]
    assert channels == [("bait-alsham", "sandbox", "+966500000001"), ("luma-salon", "sandbox", "+447700900001")]
    assert [token.tenant_id for token in tokens(shown)] == [1, 2, None]
    kept = shell.folder / "demo.txt"
    assert kept.read_text(encoding="utf-8") == shown
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_menus_can_be_shown(shell: Shell) -> None:
    set_up(shell)
    for slug, languages in (("bait-alsham", {"ar", "en"}), ("luma-salon", {"en"})):
        tenant = tenants.by_slug(slug)
        assert tenant is not None
        menu = menus.load(tenant.id)
        assert len(menu.categories) == 4
        laid_out = shelves.arrange(menu)
        items = [item for category in laid_out.categories for _, item in laid_out.within(category)]
        assert len({item.id for item in items}) == len(items) >= 20
        assert all(set(item.name) == languages and item.price_minor >= 100 for item in items)


def test_a_second_run_keeps_everything(shell: Shell) -> None:
    first = set_up(shell)
    shell.ok("tenant", "edit", "luma-salon", "--name", "Luma 2")
    before = shell.json("token", "list"), shell.json("tenant", "list"), shell.json("channel", "list")
    assert set_up(shell) == first
    assert (shell.json("token", "list"), shell.json("tenant", "list"), shell.json("channel", "list")) == before


def test_a_lost_demo_txt_is_written_anew_with_tokens_that_work(shell: Shell) -> None:
    first = set_up(shell)
    (shell.folder / "demo.txt").unlink()
    second = set_up(shell)
    assert len(tokens(second)) == 3
    assert tokens(first) == []


def test_a_demo_txt_of_another_file_is_replaced(shell: Shell) -> None:
    (shell.folder / "demo.txt").write_text("wabot_pat_a wabot_pat_b wabot_pat_c")
    assert len(tokens(set_up(shell))) == 3


def test_what_the_operator_has_made_is_left_alone(shell: Shell) -> None:
    shell.ok("tenant", "add", "other", "--name", "Other")
    shell.ok("channel", "add", "other", "sandbox", "+966500000001")
    shell.ok("tenant", "add", "bait-alsham", "--name", "Mine")
    set_up(shell)
    assert shell.json("tenant", "show", "bait-alsham")["name"] == "Mine"
    assert shell.json("channel", "list", "bait-alsham") == {"data": []}
    assert Path(shell.folder / "demo.txt").exists()
