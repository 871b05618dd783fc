"""What commands have in common: their shared options, and how a time and KEY=VALUE are written."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from wabot.cli.base import NotConfirmed
from wabot.core import moments

F = TypeVar("F", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """A moment: ISO 8601, UTC where it names no zone, or how long ago, such as `2h`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return moments.parse(value)
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-11-20, 2026-11-20T09:30Z, 30m, 2h or 3d", param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    """KEY=VALUE."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, rest = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not KEY=VALUE", param, ctx)
        return key, rest


def pairs(_ctx: click.Context, _param: click.Parameter, given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """`--set` as a mapping; a key given twice is a mistake."""
    if len({key for key, _ in given}) < len(given):
        raise click.BadParameter("the same key is given twice")
    return dict(given)


def secrets(ctx: click.Context, param: click.Parameter, given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """`--set` as a mapping; the one value that may be `-` is the next line of standard input."""
    values = pairs(ctx, param, given)
    from_input = [key for key, value in values.items() if value == "-"]
    if len(from_input) > 1:
        raise click.BadParameter("only one value can be read from standard input")
    return values | {key: _line(key) for key in from_input}


def _line(key: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(key, hide_input=True, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.BadParameter(f"standard input has no line for {key}")
    return line


def as_json(command: F) -> F:
    """`--json`: one JSON document on standard output, nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def yes(command: F) -> F:
    """`--yes`, without which nothing is destroyed; nobody is ever asked."""

    def insist(_ctx: click.Context, _param: click.Parameter, given: bool) -> None:
        if not given:
            raise NotConfirmed("nothing was done: this cannot be undone, say --yes to do it")

    return click.option("--yes", is_flag=True, expose_value=False, callback=insist, help="Do it; it cannot be undone.")(
        command
    )


def pick(help_: str, **options: Any) -> Callable[[F], F]:
    """`--set KEY=VALUE`, as often as needed."""
    callback = options.pop("callback", pairs)
    return click.option("--set", "values", type=Pair(), multiple=True, callback=callback, help=help_, **options)
