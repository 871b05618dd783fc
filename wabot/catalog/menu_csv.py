"""A menu as a CSV file, one row an item, for an owner's spreadsheet. It holds categories and items; branches, and how
orders are taken and paid, are not in it. The columns are COLUMNS, in any order."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wabot.catalog import menu_amounts, menu_bytes, menu_cells, menu_ids
from wabot.catalog.menu_amounts import Currency
from wabot.catalog.menu_notes import Broken, Notes, Path, spelled
from wabot.words import Menu, MenuCategory, MenuItem

COLUMNS = ("category_ar", "category_en", "name_ar", "name_en", "price", "description_ar", "description_en", "options",
           "add_ons", "types", "id", "category_id")  # fmt: skip
_OF_CATEGORY = ("category_ar", "category_en", "category_id")
MOST_ROWS = 10_000
"""A longer file is read no further: it is far more than a menu may have."""
_SEPARATORS = ",;\t"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_WORDS = re.compile(r"[,،;؛|/\s]+")
Row = Mapping[str, str]


@dataclass(slots=True)
class Sheet:
    """The rows of a file as a document, and from which row each category and item came (`rows`, by their path). `last`
    is the position of the category that was named last, `first` that of the first one by what names it."""

    document: dict[str, Any] = field(default_factory=lambda: {"categories": []})
    rows: dict[Path, int] = field(default_factory=dict)
    last: int = -1
    first: dict[tuple[str, str], int] = field(default_factory=dict)
    notes: Notes = field(init=False)

    def __post_init__(self) -> None:
        self.notes = Notes(self.locate)

    def locate(self, path: Path) -> str:
        """The row and the column of something, in the spreadsheet's own numbers."""
        row = next((self.rows[path[:end]] for end in (4, 2) if path[:end] in self.rows), None)
        if row is None:
            return spelled(path) if path and path[0] != "categories" else "the file"
        column = path[4:5] if path[:4] in self.rows else tuple(map(_category_column, path[2:3]))
        return f"row {row}" + (f", {column[0]}" if column else "")


def _category_column(key: str | int) -> str:
    return str(key) if key == "items" else f"category_{str(key).removeprefix('name_')}"


def read(body: bytes) -> Sheet:
    """The sheet, with a note for each cell that cannot be read. Raises Broken for a file without its columns."""
    text = menu_bytes.text(body)
    separator, text = _separator(text)
    sheet = Sheet()
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False))
    except csv.Error as error:
        raise Broken("the file", f"is not CSV: {error}") from error
    numbered = [(n, [*map(_bare, record)]) for n, record in enumerate(records, start=1) if "".join(record).strip()]
    if not numbered:
        raise Broken("the file", f"is empty: its first row names the columns: {', '.join(COLUMNS)}")
    if len(numbered) > MOST_ROWS:
        raise Broken("the file", f"has more than {MOST_ROWS} rows: no menu has")
    (first, header), *rest = numbered
    columns = _columns(first, header, sheet)
    for number, record in rest:
        if any(cell.strip() for cell in record[len(header) :]):
            sheet.rows["row", number] = number
            sheet.notes.error(("row", number), "has more cells than columns: a comma in a text needs quotation marks")
        _add_row(sheet, number, {name: record[at] if at < len(record) else "" for name, at in columns.items()})
    return sheet


def _separator(text: str) -> tuple[str, str]:
    """What stands between the cells, and the text without a line that only says so, as spreadsheets write."""
    first, _, rest = text.partition("\n")
    if first.lower().strip().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[-1], rest
    return max(_SEPARATORS, key=first.count), text


def _columns(number: int, header: list[str], sheet: Sheet) -> dict[str, int]:
    names = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise Broken(f"row {number}", f"has the column {twice[0]} twice")
    missing = [what for what, some in _NEEDED.items() if not any(name in names for name in some)]
    if missing:
        known = ", ".join(COLUMNS)
        raise Broken(f"row {number}", f"names the columns, and has none for {', '.join(missing)}; known are {known}")
    for name in filter(None, names):
        if name not in COLUMNS:
            sheet.rows["header", name] = number
            sheet.notes.warn(("header", name), f"the column {name[:40]!r} is not known and was left out")
    return {name: names.index(name) for name in COLUMNS if name in names}


_NEEDED = {"a category": _OF_CATEGORY, "a name": ("name_ar", "name_en"), "the price": ("price",)}


def _add_row(sheet: Sheet, number: int, row: Row) -> None:
    at = _category(sheet, number, row)
    if not any(text.strip() for name, text in row.items() if name not in _OF_CATEGORY):
        return
    items = sheet.document["categories"][at]["items"]
    path: Path = ("categories", at, "items", len(items))
    sheet.rows[path] = number
    items.append(_item(sheet, path, row))


def _category(sheet: Sheet, number: int, row: Row) -> int:
    """The position of the row's category, which is the one of the row above where it names none."""
    known: list[dict[str, Any]] = sheet.document["categories"]
    said = {key: " ".join(row.get(column, "").split()) for key, column in _CATEGORY.items()}
    if not any(said.values()) and known:
        return sheet.last
    at = min((sheet.first[key] for key in _sought(said) if key in sheet.first), default=len(known))
    if at == len(known):
        sheet.rows["categories", at] = number
        known.append({**{key: text for key, text in said.items() if text}, "items": []})
        for key in _named(said):
            sheet.first.setdefault(key, at)
        if not any(said.values()):
            sheet.notes.error(("categories", at), "names no category: the first row must")
    elif not _agrees(known[at], said):
        sheet.rows["row", number] = number
        first = sheet.rows["categories", at]
        sheet.notes.error(("row", number), f"names its category otherwise than row {first}, by the same category_id")
    sheet.last = at
    return at


_CATEGORY = {"id": "category_id", "name_ar": "category_ar", "name_en": "category_en"}


def _sought(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What a row may know its category by: the same id, or the same name where one of the two has no id."""
    if said["id"]:
        yield "id", said["id"]
    for key, name in _names(said):
        yield f"{key} without id" if said["id"] else key, name


def _named(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What rows below may know a new category by."""
    if said["id"]:
        yield "id", said["id"]
    for key, name in _names(said):
        yield key, name
        if not said["id"]:
            yield f"{key} without id", name


def _names(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in ("name_ar", "name_en"):
        if name := _plain(said, key):
            yield key, name


def _agrees(known: Mapping[str, Any], said: Mapping[str, str]) -> bool:
    return all(_plain(known, key) == _plain(said, key) or not said[key] for key in ("name_ar", "name_en"))


def _plain(names: Mapping[str, Any], key: str) -> str:
    return menu_ids.plain(names.get(key, ""))


def _item(sheet: Sheet, path: Path, row: Row) -> dict[str, Any]:
    plain = ("id", "name_ar", "name_en", "price", "description_ar", "description_en")
    return {
        **{key: row[key] for key in plain if row.get(key, "").strip()},
        "options": menu_cells.read_options(row.get("options", ""), (*path, "options"), sheet.notes),
        "add_ons": menu_cells.read_add_ons(row.get("add_ons", ""), (*path, "add_ons"), sheet.notes),
        "types": [word.replace("-", "_") for word in _WORDS.split(row.get("types", "").lower()) if word],
    }


def _bare(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from reading it as a formula."""
    return cell[1:] if _GUARDED.match(cell) else cell


def write(menu: Menu, currency: Currency) -> bytes:
    """The file that `read` makes the same categories and items of, for any spreadsheet: with the mark by which they
    know UTF-8, and an apostrophe before what they would take for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_guarded(cell) for cell in record] for record in _records(menu.categories, currency))
    return text.getvalue().encode("utf-8-sig")


def _records(categories: Iterable[MenuCategory], currency: Currency) -> Iterator[list[str]]:
    for category in categories:
        of_category = {"category_ar": category.name.get("ar", ""), "category_en": category.name.get("en", ""),
                       "category_id": category.id}  # fmt: skip
        if not category.items:
            yield [of_category.get(column, "") for column in COLUMNS]
        for item in category.items:
            cells = of_category | _cells(item, currency)
            yield [cells[column] for column in COLUMNS]


def _cells(item: MenuItem, currency: Currency) -> dict[str, str]:
    return {
        "name_ar": item.name.get("ar", ""),
        "name_en": item.name.get("en", ""),
        "price": str(menu_amounts.major(item.price_minor, currency)),
        "description_ar": item.description.get("ar", ""),
        "description_en": item.description.get("en", ""),
        "options": menu_cells.write_options(item.options, currency),
        "add_ons": menu_cells.write_add_ons(item.add_ons, currency),
        "types": ", ".join(item.types),
        "id": item.id,
    }


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
