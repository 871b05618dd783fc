"""What cog pastes into README.md, made from the code: the settings, the help of every command, the routes."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from wabot import config
from wabot.web import create_app

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 88
FAMILIES = {"CONTENT_SIDS": "CONTENT_SID_<NAME>", "RETENTION_DAYS": "WABOT_RETENTION_<KIND>_DAYS"}
"""Fields that collect several variables, with the pattern of those variables' names."""


def settings_table() -> str:
    """Every setting with its default and meaning; those that no code asks for yet say so."""
    code = _code_outside_config()
    lines = ["| name | default | meaning |", "|---|---|---|"]
    for name, meaning in config.variables().items():
        shown = variable(name)
        mark = "" if re.search(rf"\b{name.lower()}\b", code) else " *(not used yet)*"
        lines.append(f"| `{shown}` | {_default(name)} | {meaning.removeprefix(f'`{shown}`: ')}{mark} |")
    return "\n".join(lines)


def variable(name: str) -> str:
    """The variable as an operator writes it, of a name that `config.variables` lists."""
    return FAMILIES.get(name, name)


def command_reference() -> str:
    """The help of `wabot`; then that of each command, with its own commands, under a fold."""
    folds: dict[str, list[str]] = {}
    for path, context in _tree("wabot", main(), None):
        page = f"```\n$ {path} --help\n{context.get_help().rstrip()}\n```"
        folds.setdefault(" ".join(path.split()[:2]), []).append(page)
    parts = folds.pop("wabot")
    for path, pages in folds.items():
        parts += [f"<details><summary><code>{path}</code></summary>", *pages, "</details>"]
    return "\n\n".join(parts)


def commands() -> list[str]:
    """Every command in full, such as `wabot tenant add`, groups included."""
    return [path for path, _ in _tree("wabot", main(), None)]


def main() -> click.Command:
    """The `wabot` command, imported only when it is asked for."""
    program = importlib.import_module("wabot.cli").main
    if not isinstance(program, click.Command):
        raise TypeError("wabot.cli.main is not a click command")
    return program


def _tree(path: str, command: click.Command, parent: click.Context | None) -> Iterator[tuple[str, click.Context]]:
    """The command and all visible ones below it, in the order of their group's help."""
    context = click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    yield path, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _tree(f"{path} {name}", below, context)


def _default(name: str) -> str:
    if name == "RETENTION_DAYS":
        return " ".join(f"`{kind} {days}`" for kind, days in config.RETENTION_DAYS.items())
    value: Any = config.Settings.model_fields[name.lower()].default
    if value is None or value in ("", (), {}):
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(map(str, value))}`" if isinstance(value, tuple) else f"`{value}`"


def _code_outside_config() -> str:
    paths = {*ROOT.glob("*.py"), *(ROOT / "wabot").rglob("*.py")} - {ROOT / "wabot" / "config.py"}
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))


def routes() -> str:
    """Every route of the application with what it does, as its view says."""
    app = create_app()
    rows = ["| route | does |", "|---|---|"]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        if rule.endpoint == "static" or rule.endpoint.startswith("sandbox."):
            continue
        methods = " ".join(f"`{method}`" for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS"))
        said = (inspect.getdoc(app.view_functions[rule.endpoint]) or "").partition("\n\n")[0].replace("\n", " ")
        place = re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule)
        rows.append(f"| {methods} `{place}` | {said} |")
    return "\n".join(rows)
