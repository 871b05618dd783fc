"""Messages as the plain text that stands in for kinds that a vendor does not have: options become a numbered list,
which the bot understands when the number is typed (`bot.understanding`). Knows no vendor."""

import re
from collections.abc import Iterator, Sequence

from wabot import words

MAP = "https://maps.google.com/?q="


def as_text(draft: words.Draft, *, link: str = "") -> words.Draft:
    """The draft as one of kind text; one of text, or of a template, as it is.

    Options are numbered over all buttons or sections, in their order, and stars by how many they are. `link` is where
    a file can be fetched that is not at a public address already.
    """
    match draft.kind:
        case words.Kind.BUTTONS | words.Kind.LIST:
            parts = [draft.header, draft.text, *_options(draft), draft.footer]
        case words.Kind.LOCATION if draft.location is not None:
            parts = [draft.text, _place(draft.location)]
        case words.Kind.MEDIA if draft.media is not None:
            parts = [draft.text, link or draft.media.url]
        case _:
            return draft
    text = "\n\n".join(part.strip() for part in parts if part.strip())
    return words.Draft(words.Kind.TEXT, text, purpose=draft.purpose, step=draft.step)


def _options(draft: words.Draft) -> Iterator[str]:
    """A block of lines for the buttons, or for each section."""
    sections = draft.sections
    if draft.kind is words.Kind.BUTTONS:
        sections = (words.Section(tuple(words.Row(button.id, button.title) for button in draft.buttons)),)
    number = 0
    for section in (section for section in sections if section.rows):
        lines = [section.title] if section.title.strip() else []
        for row in section.rows:
            number += 1
            shown = f"{_stars(row.title) or number}. {row.title}"
            lines.append(f"{shown} — {row.description}" if row.description else shown)
        yield "\n".join(lines)


def _stars(title: str) -> int:
    """How many stars a row is, which is its number then: who is asked for stars and types 5 means five of them."""
    return len(title) if title and not title.strip("⭐") else 0


def _place(place: words.Location) -> str:
    lines = [place.name, place.address, f"{MAP}{place.latitude:.6f},{place.longitude:.6f}"]
    return "\n".join(line.strip() for line in lines if line.strip())


def values(template: words.TemplateUse) -> Sequence[str]:
    """A template's values as WhatsApp takes them: by their numbers, then by their names; one line each, never more
    than four spaces in a row."""
    ordered = sorted(template.variables.items(), key=lambda item: _position(item[0]))
    return [re.sub(r" {5,}", "    ", re.sub(r"[\t\r\n]", " ", value)) for _, value in ordered]


def _position(name: str) -> tuple[bool, int, str]:
    return (False, int(name), "") if name.isascii() and name.isdecimal() else (True, 0, name)
