"""`wabot template`: the registry, by hand and from the provider."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Shell, Stage
from tests.core.conftest import PHONE
from wabot import words
from wabot.core import sending


@pytest.fixture
def channel(bait: Callable[..., Any]) -> str:
    return str(bait()["id"])


def test_a_template_is_set_listed_and_replaced(shell: Shell, channel: str) -> None:
    made = shell.json("template", "set", channel, "ready", "tpl-1", "--language", "en", "--body", "Hi {{1}}, {{2}}")
    assert made == {"name": "ready", "language": "en", "category": None, "status": None, "body": "Hi {{1}}, {{2}}",
                    "params": 2, "channelId": int(channel)}  # fmt: skip
    assert shell.json("template", "list", "bait") == {"data": [made]}
    said = shell.ok("template", "set", channel, "ready", "tpl-2", "--language", "en", "--params", "3")
    assert said == f"Set ready (en) of channel {channel}.\n"
    shell.ok("template", "set", channel, "ready", "tpl-3")
    assert [(row["language"], row["params"]) for row in shell.json("template", "list", "bait")["data"]] == [
        ("ar", 0), ("en", 3)]  # fmt: skip
    assert "ready" in shell.ok("template", "list", "bait")


def test_what_cannot_be_set_is_one_line(shell: Shell, channel: str) -> None:
    assert shell.refused("template", "set", "99", "ready", "tpl-1") == "there is no channel 99"
    assert shell.refused("template", "set", channel, " ", "tpl-1").startswith("template: ")
    assert shell.refused("template", "set", channel, "ready", " ").startswith("template: ")
    assert shell.refused("template", "set", channel, "ready", "tpl-1", "--language", "").startswith("template: ")
    assert shell.refused("template", "list", "luma") == "there is no tenant 'luma'"
    shell.misused("template", "set", channel, "ready", "tpl-1", "--params", "-1")


def test_where_the_provider_lists_none_a_pull_says_so(shell: Shell, channel: str) -> None:
    shell.ok("template", "set", channel, "ready", "tpl-1")
    assert "does not list its templates" in shell.refused("template", "pull", channel)
    assert len(shell.json("template", "list", "bait")["data"]) == 1


def test_warming_registers_what_settings_name(shell: Shell, channel: str) -> None:
    assert shell.json("template", "warm", channel) == {"templates": 0}
    assert shell.ok("template", "warm") == "0 registered.\n"
    assert shell.refused("template", "warm", "99") == "there is no channel 99"


def test_a_template_that_nothing_held_brings_no_retry_forward(stage: Stage) -> None:
    shop = Shell(stage.clock_file.parent)
    arguments = ("template", "set", str(stage.channel.id), "ready", "tpl-1", "--language", "en", "--body", "Hi")
    shop.ok(*arguments)
    sending.send("bait", PHONE, words.Draft(words.Kind.TEMPLATE, template=words.TemplateUse("ready")))
    stage.fails(400, "temporary")
    stage.deliver()
    shop.ok(*arguments)
    assert stage.deliver() == 0
    stage.later(seconds=6)
    assert stage.deliver() == 1
