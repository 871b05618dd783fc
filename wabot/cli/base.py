"""How every command runs: settings and logging on, the file checked, one line for what goes wrong."""

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

import click

from wabot import boot, config, errors
from wabot.store import db

GATE_TIMEOUT_SECONDS = 10


class Failed(click.ClickException):
    """A command that could not do what was asked: one line on standard error, exit 1 (2 for wrong usage)."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        line = " ".join(self.message.split())
        click.echo(f"wabot: {line}", file=file or sys.stderr)


class Command(click.Command):
    """A command with the process switched on around it; `needs_file` for those that work on a database
    that is there and of this version."""

    def __init__(self, *arguments: Any, needs_file: bool = True, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._needs_file = needs_file

    def invoke(self, ctx: click.Context) -> Any:
        try:
            boot.start(gate_timeout_seconds=GATE_TIMEOUT_SECONDS)
            if self._needs_file:
                boot.check_file()
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except errors.Refused as error:
            raise Failed(f"{error.code}: {error}") from error
        except (errors.WabotError, config.WrongSetting) as error:
            raise Failed(str(error)) from error
        except Exception as error:
            if logging.getLogger().isEnabledFor(logging.DEBUG):
                raise
            said = str(error) or "no more is known"
            raise Failed(f"{type(error).__name__}: {said} (WABOT_LOG_LEVEL=debug shows more)") from error
        finally:
            db.database.shut()


class Group(click.Group):
    """Commands under one word, listed in the order in which they were written."""

    command_class = Command
    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


class Main(Group):
    """The `wabot` command: its help shows the commands under headings."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._headings: Mapping[str, Sequence[str]] = {}

    def arrange(self, headings: Mapping[str, Sequence[click.Command]]) -> None:
        """Register commands under their headings, in this order."""
        for commands in headings.values():
            for command in commands:
                self.add_command(command)
        self._headings = {title: [str(command.name) for command in under] for title, under in headings.items()}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, names in self._headings.items():
            rows = [(name, self.commands[name].get_short_help_str(formatter.width)) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows, col_spacing=max(2, 12 - max(map(len, names))))
