"""What the benchmark says: figures with their rounds, medians, ratios of medians and targets; a table, and JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What issue 3 asks of a figure, or of its ratio: at least `limit`, or at most."""

    limit: float
    of_ratio: bool = False
    at_most: bool = False

    def met(self, figure: "Figure") -> bool:
        value = figure.ratio if self.of_ratio else figure.median
        assert value is not None
        return value <= self.limit if self.at_most else value >= self.limit

    def words(self, unit: str) -> str:
        sign, unit = "≤" if self.at_most else "≥", "×" if self.of_ratio else unit
        return f"{sign} {shown(self.limit)} {unit}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One value a round of ours, and one of what it is held against."""

    name: str
    unit: str
    rounds: Sequence[float]
    against: str = ""
    base_rounds: Sequence[float] = ()
    target: Target | None = None

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """The ratio of the medians."""
        return self.median / median(self.base_rounds) if self.base_rounds else None

    def cells(self) -> tuple[str, ...]:
        base = f"{shown(median(self.base_rounds))} {self.against}" if self.base_rounds else ""
        ratio = "" if self.ratio is None else f"{shown(self.ratio)} ×"
        target = self.target.words(self.unit) if self.target else ""
        met = ("met" if self.target.met(self) else "not met") if self.target else ""
        return self.name, f"{shown(self.median)} {self.unit}", base, ratio, target, met

    def document(self) -> dict[str, Any]:
        found = {"name": self.name, "unit": self.unit, "median": self.median, "rounds": list(self.rounds)}
        if self.base_rounds:
            found |= {"against": self.against, "baseMedian": median(self.base_rounds)}
            found |= {"baseRounds": list(self.base_rounds), "ratio": self.ratio}
        if self.target:
            found |= {"target": self.target.words(self.unit), "met": self.target.met(self)}
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the benchmark: its figures, sentences for people, and details for the file."""

    title: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        figures = [figure.document() for figure in self.figures]
        return {"title": self.title, "figures": figures, "notes": list(self.notes)} | self.details


COLUMNS = ("", "wabot", "against", "ratio", "target", "")


def table(parts: Iterable[Part]) -> str:
    """Every part with its figures in columns that line up, and its notes below."""
    parts = list(parts)
    rows = [COLUMNS, *(figure.cells() for part in parts for figure in part.figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_row(COLUMNS, widths)]
    for part in parts:
        lines += ["", part.title, *(_row(figure.cells(), widths) for figure in part.figures)]
        lines += [f"    {note}" for note in part.notes]
    return "\n".join(lines)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(["", cells[0].ljust(len(name)), *numbers]).rstrip()


def shown(value: float) -> str:
    """A number with as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
