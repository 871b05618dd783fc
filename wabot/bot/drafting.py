"""Makes drafts that WhatsApp can show at every provider, whatever was put into them."""

from collections.abc import Sequence

from wabot.bot import fitting
from wabot.words import Button, Draft, Kind, Row, Section


def tell(step: str, text: str, purpose: str) -> Draft:
    """A plain text."""
    return Draft(kind=Kind.TEXT, text=fitting.cut(text, fitting.TEXT), purpose=purpose, step=step)


def offer(step: str, text: str, buttons: Sequence[Button], purpose: str) -> Draft:
    """A text with up to three buttons."""
    body = fitting.cut(text, fitting.BODY)
    return Draft(kind=Kind.BUTTONS, text=body, buttons=tuple(buttons), purpose=purpose, step=step)


def lay_out(step: str, text: str, rows: Sequence[Row], button: str, purpose: str) -> Draft:
    """A text with a list of up to ten rows; theirs may still be too long, or alike."""
    body = fitting.cut(text, fitting.BODY)
    sections = (Section(_fitted(rows)),)
    return Draft(kind=Kind.LIST, text=body, button=button, sections=sections, purpose=purpose, step=step)


def joined(*parts: str) -> str:
    """The parts that say something, a line each."""
    return "\n".join(filter(None, parts))


def _fitted(rows: Sequence[Row]) -> tuple[Row, ...]:
    titles = fitting.distinct((row.title for row in rows), fitting.ROW_TITLE)
    return tuple(
        Row(row.id, title, fitting.cut(row.description, fitting.ROW_DESCRIPTION))
        for row, title in zip(rows, titles, strict=True)
    )
