"""`wabot menu`: a tenant's own menu, in and out as a file."""

import click

from wabot import words
from wabot.catalog import menu_bytes
from wabot.catalog.menu_file import Checked, Form
from wabot.cli import options, output
from wabot.cli.base import ACTOR, Failed, Group
from wabot.core import menus
from wabot.core.menus import File

FORMAT = click.Choice([form.value for form in Form])
TYPES = click.Choice([*(kind.value for kind in words.OrderType), "none"])
COLUMNS = ("kind", "where", "what")
given_as = click.option("--format", "form", type=FORMAT, help="What the file is; default by its name or content.")
a_file = click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))


@click.group(cls=Group)
def menu() -> None:
    """Check, import and export a tenant's own menu, as CSV or TOML."""


@menu.command("import")
@click.argument("slug")
@a_file
@given_as
@click.option("--type", "types", type=TYPES, multiple=True, help="A kind of order that is taken; can be given again.")
@options.as_json
def import_(slug: str, path: str, form: str | None, types: tuple[str, ...], as_json: bool) -> None:
    """Replace a tenant's menu by the one in a file (- is standard input), unless it has errors."""
    kinds = tuple(words.OrderType(word) for word in types if word != "none") if types else None
    found = menus.import_(slug, _read(path, form), types=kinds, actor=ACTOR)
    _show(found, f"Imported {_sum(found)} into {slug}.", as_json)
    if found.errors:
        raise Failed(f"nothing was imported: {_errors(found)} in {_called(path)}")


@menu.command()
@click.argument("slug")
@click.option("--format", "form", type=FORMAT, default=Form.TOML.value, show_default=True, help="As what.")
@options.as_json
def export(slug: str, form: str, as_json: bool) -> None:
    """Print a tenant's menu as a file that can be imported again; CSV has the items only."""
    if as_json:
        output.document(menus.document(slug))
    else:
        click.echo(menus.export(slug, Form(form)), nl=False)


@menu.command(needs_file=False)
@a_file
@given_as
@click.option("--currency", default="", metavar="CODE", help="What its prices are in; default what it says, or SAR.")
@options.as_json
def check(path: str, form: str | None, currency: str, as_json: bool) -> None:
    """Say what is wrong with a menu file (- is standard input), without importing it."""
    found = menus.check(_read(path, form), currency)
    _show(found, f"{_sum(found)}: it can be imported.", as_json)
    if found.errors:
        raise Failed(f"{_errors(found)} in {_called(path)}")


@menu.command()
@click.argument("slug")
@options.yes
@options.as_json
def remove(slug: str, as_json: bool) -> None:
    """Forget a tenant's own menu; with a merchant at the catalog, that one's is shown."""
    menus.remove(slug, actor=ACTOR)
    output.said({"restaurantId": slug, "removed": True}, f"Removed the menu of {slug}.", as_json)


def _read(path: str, form: str | None) -> File:
    with click.open_file(path, "rb") as file:
        return File(path, file.read(menu_bytes.MOST_BYTES + 1), Form(form) if form else None)


def _called(path: str) -> str:
    return "standard input" if path == "-" else path


def _show(found: Checked, sentence: str, as_json: bool) -> None:
    """All errors and then all warnings, each with its place."""
    notes = [("error", note) for note in found.errors] + [("warning", note) for note in found.warnings]
    rows = [{"kind": kind, "where": note.place, "what": note.what} for kind, note in notes]
    if as_json:
        counts = {"categories": len(found.menu.categories), "items": menus.count(found.menu)}
        output.document({"ok": not found.errors, **counts, "data": rows})
        return
    if rows:
        output.listing(rows, COLUMNS, as_json)
    if not found.errors:
        click.echo(sentence)


def _sum(found: Checked) -> str:
    return f"{menus.count(found.menu)} items in {len(found.menu.categories)} categories"


def _errors(found: Checked) -> str:
    return f"{len(found.errors)} error{'s' * (len(found.errors) > 1)}"
