"""How every command runs: settings and logging on, the file checked, one line for what goes wrong."""

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

import click

from wabot import boot, config, errors
from wabot.store import db

GATE_TIMEOUT_SECONDS = 10
ACTOR = "operator (command line)"
"""How the journal of what people did names whoever types commands."""


class Failed(click.ClickException):
    """A command that could not do what was asked: one line on standard error, exit 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        line = " ".join(self.message.split())
        click.echo(f"wabot: {line}", file=file or sys.stderr)


class NotConfirmed(Failed):
    """A command that destroys, without its `--yes`."""

    exit_code = 2


class Command(click.Command):
    """A command with the process switched on around it; `needs_file` for those that work on a database
    that is there and of this version."""

    def __init__(self, *arguments: Any, needs_file: bool = True, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._needs_file = needs_file

    def invoke(self, ctx: click.Context) -> Any:
        try:
            boot.start(gate_timeout_seconds=GATE_TIMEOUT_SECONDS)
            _keep_from_logging()
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


def _keep_from_logging() -> None:
    """What went wrong is the command's one line to say; who debugs sees the log beside it."""
    root = logging.getLogger()
    if not root.isEnabledFor(logging.DEBUG):
        root.setLevel(logging.CRITICAL)


class Group(click.Group):
    """Commands under one word, shown in the order in which they were written, under their headings."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._headings: Mapping[str, Sequence[click.Command]] = {}

    def arrange(self, headings: Mapping[str, Sequence[click.Command]]) -> None:
        """Take in commands under their headings, in this order."""
        self._headings = headings
        for command in (command for under in headings.values() for command in under):
            self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """All on one screen, no sentence cut short."""
        widest = max(map(len, self.commands), default=0)
        for heading, commands in (self._headings or {"Commands": list(self.commands.values())}).items():
            with formatter.section(heading):
                rows = [(f"{command.name:<{widest}}", command.get_short_help_str(limit=200)) for command in commands]
                formatter.write_dl(rows)
