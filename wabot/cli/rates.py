"""`wabot usage rates`: what providers charge, as cards that the operator loads."""

from pathlib import Path

import click

from wabot import clock
from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.core import cards, demo_rates

SHOWN = ("category", "country", "from", "currency", "price", "freePerNumberMonth", "file", "loadedAt")


@click.group(cls=Group)
def rates() -> None:
    """Load what providers charge, and show it."""


@rates.command()
@click.option("--all", "everything", is_flag=True, help="Also what was replaced by a newer day or card.")
@options.as_json
def show(everything: bool, as_json: bool) -> None:
    """List the rates in effect and those to come."""
    output.listing(cards.shown(clock.now().date(), everything=everything), SHOWN, as_json)


@rates.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.as_json
def load(file: Path, as_json: bool) -> None:
    """Load a rate card from a CSV file, all of it or nothing; older cards are kept, and estimates follow at once."""
    loaded = cards.load(file, clock.now())
    output.said(loaded, f"Loaded {loaded['rates']} rates from {loaded['file']}.", as_json)


@rates.command(needs_file=False)
@options.as_json
def example(as_json: bool) -> None:
    """Print an example of a rate card with invented prices, to begin one's own with."""
    if as_json:
        output.document({"data": cards.listed(demo_rates.EXAMPLE)})
    else:
        click.echo(demo_rates.EXAMPLE, nl=False)
