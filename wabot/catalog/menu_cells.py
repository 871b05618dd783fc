r"""How the cells of a CSV menu say what has parts of its own.

    options   Size: Small; Large +7 | Bread: Saj; Tannour
    add_ons   Garlic sauce +2 [0-3]; Tahini +2

`|` stands between options, `:` after an option's name, `;` between choices and between add-ons, `+` before a price, `[`
`]` around how often an add-on can be had (`[0-1]` need not be said), `#` before an id. A name in both languages is
`كبير / Large`; one without a stroke is Arabic when it has an Arabic letter. A sign that belongs to a name has a `\`
before it.
"""

import re
from collections.abc import Iterable
from typing import Any

from wabot.catalog import menu_amounts
from wabot.catalog.menu_amounts import Currency
from wabot.catalog.menu_notes import Notes, Path
from wabot.words import AddOn, Choice, Names, Option

_SIGNS = re.compile(r"[\\|:;؛/+#\[\]]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PART = re.compile(
    r"(?P<name>(?:\\.|[^\\+#\[\]])*)(?:\+(?P<price>(?:\\.|[^\\#\[\]])*))?"
    r"(?:\[(?P<bounds>[^\]]*)\]\s*)?(?:#(?P<id>(?:\\.|[^\\#])*))?",
    re.DOTALL,
)
_BOUNDS = re.compile(r"\s*(\d{1,3})\s*[-–]\s*(\d{1,3})\s*")
_ARABIC = re.compile("[\u0620-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")
_LATIN = re.compile("[A-Za-z]")
_HINT = "(a sign in a name has a \\ before it)"


def read_options(cell: str, path: Path, notes: Notes) -> list[dict[str, Any]]:
    """The options of a cell as a document; what cannot be read is noted."""
    found = [_read_option(part, path, notes) for part in _split(cell, "|") if part.strip()]
    return [option for option in found if option]


def read_add_ons(cell: str, path: Path, notes: Notes) -> list[dict[str, Any]]:
    """The add-ons of a cell as a document."""
    found = [_read_part(part, path, notes, with_bounds=True) for part in _split(cell, ";؛") if part.strip()]
    return [add_on for add_on in found if add_on]


def _read_option(text: str, path: Path, notes: Notes) -> dict[str, Any]:
    name, *rest = _split(text, ":")
    if len(rest) != 1:
        notes.error(path, f"{_shown(text)} is not one option such as Size: Small; Large +7 {_HINT}")
        return {}
    choices = [_read_part(part, path, notes) for part in _split(rest[0], ";؛") if part.strip()]
    if choices and not any(choices):
        return {}
    return {**_read_names(name, path, notes), "choices": [choice for choice in choices if choice]}


def _read_part(text: str, path: Path, notes: Notes, *, with_bounds: bool = False) -> dict[str, Any]:
    found = _PART.fullmatch(text)
    bounds = _BOUNDS.fullmatch(found["bounds"]) if found and found["bounds"] is not None else None
    if found is None or (found["bounds"] is not None and not (with_bounds and bounds)):
        example = "Garlic sauce +2 [0-3] #garlic" if with_bounds else "Large +7 #large"
        notes.error(path, f"{_shown(text)} cannot be read: write it like {example} {_HINT}")
        return {}
    said: dict[str, Any] = _read_names(found["name"], path, notes)
    if found["price"] is not None:
        said["price"] = _plain(found["price"])
    if found["id"]:
        said["id"] = _plain(found["id"])
    return said | ({"least": int(bounds[1]), "most": int(bounds[2])} if bounds else {})


def _read_names(text: str, path: Path, notes: Notes) -> dict[str, Any]:
    parts = [_plain(part) for part in _split(text, "/")]
    if len(parts) > 2:
        notes.error(path, f"{_shown(text)} has more than two languages: write \\/ for a stroke within a name")
        return {}
    if len(parts) == 1:
        return {f"name_{_language(parts[0])}": parts[0]} if parts[0] else {}
    if _is_one_language(*parts):
        notes.warn(
            path, f"{_shown(text)} is read as an Arabic and an English name: write \\/ for a stroke within a name"
        )
    return {f"name_{language}": part for language, part in zip(("ar", "en"), parts, strict=True) if part}


def _is_one_language(first: str, second: str) -> bool:
    """Whether what should be an Arabic and an English name looks like two of one language, and not like a brand."""
    if not first or not second or first.casefold() == second.casefold():
        return False
    return _language(second) == "ar" or bool(_LATIN.search(first) and _language(first) == "en")


def _language(name: str) -> str:
    return "ar" if _ARABIC.search(name) else "en"


def _split(text: str, signs: str) -> list[str]:
    """The parts between these signs; one with a backslash before it is none."""
    parts, is_escaped = [""], False
    for letter in text:
        if letter in signs and not is_escaped:
            parts.append("")
            continue
        parts[-1] += letter
        is_escaped = letter == "\\" and not is_escaped
    return parts


def _plain(text: str) -> str:
    return " ".join(_ESCAPED.sub(r"\1", text).split())


def _shown(text: str) -> str:
    return repr(" ".join(text.split())[:60])


def write_options(options: Iterable[Option], currency: Currency) -> str:
    """The cell that is read back as these options."""
    return " | ".join(
        f"{_write_names(option.name)}: {'; '.join(_write_part(choice, currency) for choice in option.choices)}"
        for option in options
    )


def write_add_ons(add_ons: Iterable[AddOn], currency: Currency) -> str:
    """The cell that is read back as these add-ons."""
    return "; ".join(_write_part(add_on, currency) for add_on in add_ons)


def _write_part(thing: Choice | AddOn, currency: Currency) -> str:
    parts = [_write_names(thing.name)]
    if thing.price_minor:
        parts.append(f"+{menu_amounts.major(thing.price_minor, currency)}")
    if isinstance(thing, AddOn) and (thing.least, thing.most) != (0, 1):
        parts.append(f"[{thing.least}-{thing.most}]")
    return " ".join(filter(None, [*parts, f"#{_escaped(thing.id)}"]))


def _write_names(names: Names) -> str:
    arabic, english = (_escaped(names.get(language, "")) for language in ("ar", "en"))
    if (arabic and english) or (arabic and _language(arabic) == "en") or (english and _language(english) == "ar"):
        return f"{arabic} / {english}".strip()
    return arabic or english


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\g<0>", text)
