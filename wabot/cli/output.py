"""What commands print: one JSON document, or a plain table that is a line a row where nobody looks at a
terminal. Text of strangers cannot steer the terminal."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wabot import clock
from wabot.core.checkup import Check

_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
UNLIMITED = 10_000


def document(value: Any) -> None:
    """One JSON document; moments as the API writes them. Characters that the terminal's encoding lacks are escaped."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    click.echo(json.dumps(value, ensure_ascii=plain, indent=2, default=clock.iso))


def listing(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Rows as `{data: […]}`, or these columns of them as a table."""
    rows = list(rows)
    if as_json:
        document({"data": rows})
    else:
        table(columns, ([row.get(column) for column in columns] for row in rows))


def one(row: Mapping[str, Any], as_json: bool) -> None:
    """A single object: itself, or a line a value."""
    if as_json:
        document(row)
    else:
        table((), row.items())


def said(row: Mapping[str, Any], sentence: str, as_json: bool) -> None:
    """What was done: the object, or a sentence for people."""
    if as_json:
        document(row)
    else:
        _echo(legible(sentence))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with these headings, or none; folded to a terminal's width, else one line a row."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(columns), header_style="bold")
    for column in columns:
        shown.add_column(Text(_heading(column)), overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_cell(value)) for value in row))
    width = None if sys.stdout.isatty() else UNLIMITED
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(shown)
    for line in captured.get().splitlines():
        _echo(line.rstrip())


def _echo(line: str) -> None:
    """What the terminal's encoding lacks becomes a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(line.encode(encoding, "replace").decode(encoding))


def _heading(column: str) -> str:
    """`lastDuplicateAt` as people read it."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in column)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and list(value) == ["amount", "currency"]:
        return f"{_cell(value['amount'])} {_cell(value['currency'])}"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_cell(part)}" for key, part in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(part) for part in value) or "-"
    return legible(str(value))


def legible(text: str) -> str:
    """The text without what would move the cursor, colour the terminal or turn the reading direction."""
    return "".join(
        "\ufffd" if unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS else letter
        for letter in text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    )


def checks(found: Iterable[Check], as_json: bool) -> None:
    """Checks with their verdict and fix; among those that are well, a fix is advice."""
    if as_json:
        document({"data": [asdict(check) for check in found]})
        return
    table(("verdict", "check", "message", "fix"), ([_verdict(row), row.check, row.message, row.fix] for row in found))


def _verdict(row: Check) -> str:
    if not row.ok:
        return "FAIL"
    return "note" if row.fix else "ok"
