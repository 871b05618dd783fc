"""What is to be said about a menu file: each note with the place that it is about. Errors keep a menu out, warnings do
not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""Where something is in a menu: keys and positions from 0, such as `("categories", 0, "items", 2, "price")`."""


@dataclass(frozen=True, slots=True)
class Note:
    """`place` is a row of a CSV file or a path in a TOML file, in which things are counted from 1."""

    place: str
    what: str


class Broken(Exception):
    """A file that cannot be read at all."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(what)
        self.note = Note(place, what)


@dataclass(slots=True)
class Notes:
    """Collects what is wrong, all of it, and says where in the words of the file."""

    locate: Callable[[Path], str]
    errors: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)

    def error(self, path: Path, what: str) -> None:
        self.errors.append(Note(self.locate(path), what))

    def warn(self, path: Path, what: str) -> None:
        self.warnings.append(Note(self.locate(path), what))


def spelled(path: Path) -> str:
    """A path as people write it: `categories[1].items[3].price`, counted from 1."""
    return "".join(_parts(path)).removeprefix(".") or "the file"


def _parts(path: Path) -> Iterator[str]:
    for part in path:
        yield f"[{part + 1}]" if isinstance(part, int) else f".{part}"
