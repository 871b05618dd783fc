"""What holds for every command, those of later versions too."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.cli.conftest import Shell
from wabot import errors
from wabot.cli import main
from wabot.cli.base import Group
from wabot.store import db, tenants


def leaves(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = dict(leaves(main))
CONTRACT = """
    migrate serve send log queue doctor config
    tenant:add,list,show,edit,suspend,resume,remove channel:add,list,pause,resume,edit,check,recover
    token:create,list,revoke webhook:list,show,replay
    usage:show,list,daily,export,check,costs usage/rates:show,load,example usage:pull,schedule,unschedule,jobs
    bootstrap:list,run order:list,status,submit,confirm
    template:list,set,pull,warm menu:import,export,check,remove message:cancel retry:list,run,discard
"""


def test_the_contract_s_commands_are_there() -> None:
    words = [word.partition(":") for word in CONTRACT.split()]
    named = {(*group.split("/"), name) if name else (group,) for group, _, names in words for name in names.split(",")}
    assert set(COMMANDS) == named


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_it_has_one_sentence_of_help_and_json(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert "--json" in [option for parameter in command.params for option in parameter.opts]
    assert command.help is not None
    assert command.help.endswith(".")
    assert "\n\n" not in command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert (parameter.help or "").endswith("."), parameter.name


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_its_help_needs_no_file_and_no_settings(
    path: tuple[str, ...], bare: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_PORT", "none")
    assert "Usage:" in bare.ok(*path, "--help")
    assert not list(bare.folder.iterdir())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_wrong_setting_stops_it_with_one_line(
    path: tuple[str, ...], bare: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_PORT", "none")
    done = bare.run(*path, *SOME_ARGUMENTS.get(path, ()))
    assert done.exit_code == 1
    [line] = done.output.splitlines()
    assert line.startswith("wabot: WABOT_PORT: ")


SOME_ARGUMENTS = {
    ("tenant", "add"): ("a", "--name", "A"),
    ("tenant", "show"): ("a",),
    ("tenant", "edit"): ("a", "--name", "B"),
    ("tenant", "suspend"): ("a",),
    ("tenant", "resume"): ("a",),
    ("tenant", "remove"): ("a", "--yes"),
    ("channel", "add"): ("a", "sandbox", "+966500000001"),
    ("channel", "pause"): ("1",),
    ("channel", "resume"): ("1",),
    ("channel", "edit"): ("1", "--out-per-day", "5"),
    ("channel", "check"): ("1",),
    ("channel", "recover"): ("1", "--since", "2h"),
    ("token", "create"): ("--admin",),
    ("token", "revoke"): ("1",),
    ("send",): ("a", "+966511111111", "hi"),
    ("webhook", "show"): ("1",),
    ("webhook", "replay"): ("1",),
    ("order", "list"): ("a",),
    ("order", "status"): ("1", "PREPARING"),
    ("order", "submit"): ("1",),
    ("order", "confirm"): ("1", "--number", "7"),
    ("template", "list"): ("a",),
    ("template", "set"): ("1", "ready", "tpl-1"),
    ("template", "pull"): ("1",),
    ("menu", "import"): ("a", "-"),
    ("menu", "export"): ("a",),
    ("menu", "check"): ("-",),
    ("menu", "remove"): ("a", "--yes"),
    ("usage", "show"): ("a",),
    ("usage", "daily"): ("a",),
    ("usage", "export"): ("--month", "2026-11"),
    ("usage", "check"): ("a",),
    ("usage", "costs"): ("a",),
    ("usage", "rates", "load"): ("card.csv",),
    ("usage", "schedule"): ("a",),
    ("usage", "unschedule"): ("a",),
    ("bootstrap", "run"): ("a", "+966511111111"),
    ("message", "cancel"): ("1",),
    ("retry", "run"): ("1",),
    ("retry", "discard"): ("1",),
}
WITHOUT_FILE = {("migrate",), ("serve",), ("doctor",), ("config",), ("usage", "rates", "example"), ("menu", "check")}


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - WITHOUT_FILE), ids=" ".join)
def test_it_says_in_one_line_that_there_is_no_file(path: tuple[str, ...], bare: Shell) -> None:
    done = bare.run(*path, *SOME_ARGUMENTS.get(path, ()))
    assert done.exit_code == 1
    [line] = done.output.splitlines()
    assert line == f"wabot: {bare.folder / 'wabot.db'} does not exist: run `wabot migrate`"


def test_the_help_shows_all_commands_whole(bare: Shell) -> None:
    shown = " ".join(bare.ok("--help").split())
    for command in main.commands.values():
        assert " ".join(str(command.help).split()).rstrip(".") in shown
    assert "..." not in shown.replace("[ARGS]...", "")


@pytest.fixture
def failing(bare: Shell) -> Iterator[list[BaseException]]:
    """A command `fail` that raises what the test puts into the list."""
    raised: list[BaseException] = []
    group = main
    assert isinstance(group, Group)

    @group.command(needs_file=False)
    def fail() -> None:
        raise raised[0]

    yield raised
    del group.commands["fail"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (errors.NotFound("there is no tenant 'x'"), "there is no tenant 'x'"),
        (errors.Refused("window_closed", "too late"), "window_closed: too late"),
        (errors.TemporaryFailure("503", "busy\nline two"), "503: busy line two"),
        (RuntimeError("odd"), "RuntimeError: odd (WABOT_LOG_LEVEL=debug shows more)"),
    ],
)
def test_what_goes_wrong_is_one_line(error: Exception, line: str, bare: Shell, failing: list[BaseException]) -> None:
    failing.append(error)
    assert bare.refused("fail") == line


def test_the_unexpected_shows_its_traceback_at_the_level_debug(
    bare: Shell, failing: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_LOG_LEVEL", "debug")
    failing.append(RuntimeError("odd"))
    assert isinstance(bare.run("fail").exception, RuntimeError)


def test_a_reader_that_went_away_is_no_traceback(bare: Shell, failing: list[BaseException]) -> None:
    failing.append(BrokenPipeError(32, "Broken pipe"))
    done = bare.run("fail")
    assert (done.exit_code, done.output) == (1, "")


def test_a_command_leaves_no_connection_and_no_writer(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait")
    assert db.database.is_closed()
    assert db.database._writer is None


def test_a_held_gate_is_named_with_its_holder(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wabot.cli.base.GATE_TIMEOUT_SECONDS", 0.1)
    with db.Gate(db.gate_path(shell.folder / "wabot.db"), 1).held():
        line = shell.refused("tenant", "add", "bait", "--name", "Bait")
    assert "is writing and does not let go" in line
    assert tenants.all_tenants() == []


def test_text_of_strangers_cannot_steer_the_terminal(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Ba\x1b[31mit\u202e\nx")
    shown = shell.ok("tenant", "list")
    assert "Ba\ufffd[31mit\ufffd x" in shown
    assert len(shown.splitlines()) == 2


def test_a_table_is_a_line_a_row_where_nobody_looks(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait " * 60)
    assert len(shell.ok("tenant", "list").splitlines()) == 2


@pytest.mark.parametrize(("wanted", "level"), [("debug", logging.DEBUG), ("info", logging.CRITICAL)])
def test_the_log_is_there_for_who_debugs_and_else_one_line_says_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, wanted: str, level: int
) -> None:
    monkeypatch.setenv("WABOT_LOG_LEVEL", wanted)
    shell.ok("tenant", "list")
    assert logging.getLogger().level == level


def test_the_path_of_the_file_is_the_operator_s_own(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WABOT_DB")
    assert bare.json("migrate")["file"] == "var/wabot.db"
    assert (Path("var") / "wabot.db").exists()


def test_an_old_terminal_gets_what_it_can_show(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "بيت é")
    runner = CliRunner(charset="latin-1")
    assert "??? é" in runner.invoke(main, ["tenant", "show", "bait"]).stdout
    document = runner.invoke(main, ["tenant", "show", "bait", "--json"]).stdout
    assert document.isascii()
    assert json.loads(document)["name"] == "بيت é"
