"""What happened, as the oracle judges it: the provider's journal, what the harness did, and the file at the end. Plain
rows; nothing here reads anything."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Row = Mapping[str, Any]
AT_ONCE = 0.05
CLOCK_DOUBT_SECONDS = 0.25
"""How long after a jump a process may still have read the clock before it."""


def _starts(text: str) -> str:
    """The beginning of a text, as far as JSON leaves it as it is."""
    return text.replace("\\", "\n").replace('"', "\n").partition("\n")[0].strip()


@dataclass(frozen=True)
class History:
    """One run. Lists are in the order of what happened; rows of tables are as in the file, with moments in ms."""

    journal: list[Row] = field(default_factory=list)
    """The provider's lines: `in`, `sent`, `status`, `posting`, `posted`, `wrong`."""
    messages: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    webhooks: list[Row] = field(default_factory=list)
    """With their body as text."""
    channels: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)
    tenants: list[Row] = field(default_factory=list)
    tallies: list[Row] = field(default_factory=list)
    asked: list[Row] = field(default_factory=list)
    """Sends asked for by API: `key`, `tenant`, `status` (None: never answered)."""
    hands: list[int] = field(default_factory=list)
    """The id of a message for each retry that was forced by hand."""
    offsets: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """From when on (real) wabot's clock was how many seconds ahead."""
    ranks: Mapping[Any, list[int]] = field(default_factory=dict)
    metrics: list[Mapping[str, float]] = field(default_factory=list)
    """Samples of /metrics, the last one after the drain."""
    probes: list[Row] = field(default_factory=list)
    """What a tenant's token got for another's things: `tenant`, `owner`, `path`, `status`, `body`."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """All that each tenant's own API shows it, as text."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Logs, pages and addresses by their name, to be searched for what must not be there."""
    secrets: tuple[str, ...] = ()
    canary: str = "\x00"
    integrity: tuple[str, ...] = ("ok",)
    orphans: tuple[str, ...] = ()
    opens: str = ""
    """What went wrong when the file was written to after the run; empty: nothing."""
    ended_at: int = 0
    """Wabot's clock at the end, ms."""
    mute: frozenset[str] = frozenset({"gupshup"})
    """The providers that echo no reference."""

    def lines(self, what: str) -> list[Row]:
        return self._by_what.get(what, [])

    @cached_property
    def _by_what(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for line in self.journal:
            found[line["what"]].append(line)
        return found

    @cached_property
    def answered(self) -> set[str]:
        """The keys of what was answered 2xx."""
        return {key for line in self.lines("posted") if 200 <= line["answer"] < 300 for key in line["keys"]}

    @cached_property
    def told_at(self) -> dict[str, float]:
        """When each key was first posted."""
        found: dict[str, float] = {}
        for line in self.lines("posting"):
            for key in line["keys"]:
                found.setdefault(key, line["t"])
        return found

    @cached_property
    def channel_of(self) -> dict[int, Row]:
        return {row["id"]: row for row in self.channels}

    @cached_property
    def message_of(self) -> dict[int, Row]:
        return {row["id"]: row for row in self.messages}

    @cached_property
    def attempts_of(self) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for row in sorted(self.attempts, key=lambda row: row["n"]):
            found[row["message_id"]].append(row)
        return found

    @cached_property
    def outgoing(self) -> list[Row]:
        return [row for row in self.messages if row["direction"] == "OUT"]

    @cached_property
    def incoming(self) -> list[Row]:
        return [row for row in self.messages if row["direction"] == "IN"]

    @cached_property
    def attempt_of(self) -> dict[str, Row]:
        """The attempt behind each accepted send, by the provider's id: by our reference where it carries one, else by
        the id that we were told, else by customer and time, because nothing else is left."""
        by_ref = {f"{self.message_of[row['message_id']]['uid']}.{row['n']}": row for row in self.attempts}
        by_id = {row["provider_message_id"]: row for row in self.attempts if row["provider_message_id"]}
        found, left = {}, []
        for line in self.lines("sent"):
            row = by_ref.get(line["ref"]) if line["ref"] else by_id.get(line["id"])
            if row is not None:
                found[line["id"]] = row
            elif not line["ref"]:
                left.append(line)
        return found | dict(self._guessed(left, {row["id"] for row in found.values()}))

    def _guessed(self, lines: Iterable[Row], taken: set[int]) -> Iterable[tuple[str, Row]]:
        """The attempt to this customer by this channel that says the same and was under way, begun the latest."""
        phone = {row["id"]: row["address"].lstrip("+") for row in self.customers}
        number = {row["id"]: row["number"] for row in self.channels}
        left: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.attempts:
            if row["id"] not in taken and not row["provider_message_id"]:
                customer = self.message_of[row["message_id"]]["customer_id"]
                left[number[row["channel_id"]], phone[customer]].append(row)
        for line in lines:
            fits = [(self._since(row, line), row["id"], row) for row in left[line["channel"], line["to"]]]
            since, _, found = min(fits, default=(None, 0, {}), key=lambda fit: fit[0])
            if since is not None and since < float("inf"):
                left[line["channel"], line["to"]].remove(found)
                yield line["id"], found

    def _since(self, attempt: Row, line: Row) -> float:
        """How long before a send its attempt began, if it says the same and was under way; else infinity."""
        message = self.message_of[attempt["message_id"]]
        is_it = line["template"] == (message["kind"] == "template")
        if not is_it or not (line["template"] or _starts(message["body"]) in line["text"]):
            return float("inf")
        latest = self.real(attempt["settled_at"])[1] if attempt["settled_at"] else float("inf")
        if line["t"] > latest + AT_ONCE:
            return float("inf")
        waits = [line["t"] - began for began in self._moments(attempt["started_at"])]
        return min((abs(wait) for wait in waits if wait >= -AT_ONCE), default=float("inf"))

    def sends_of(self) -> dict[int, list[Row]]:
        """The accepted sends of each message, in order."""
        found: dict[int, list[Row]] = defaultdict(list)
        for line in self.lines("sent"):
            row = self.attempt_of.get(line["id"])
            if row is not None:
                found[row["message_id"]].append(line)
        return found

    def real(self, moment_ms: int) -> tuple[float, float]:
        """When a moment of wabot's clock really was: the earliest and the latest that it can have been."""
        found = self._moments(moment_ms)
        return (min(found), max(found)) if found else (float("-inf"), float("inf"))

    def _moments(self, moment_ms: int) -> list[float]:
        """Every real moment at which wabot's clock showed this one."""
        starts, found = [start for start, _ in self.offsets], []
        for n, (start, offset) in enumerate(self.offsets):
            end = starts[n + 1] if n + 1 < len(starts) else float("inf")
            moment = moment_ms / 1000 - offset
            if start - CLOCK_DOUBT_SECONDS <= moment <= end + CLOCK_DOUBT_SECONDS or (n == 0 and moment < start):
                found.append(moment)
        return found
