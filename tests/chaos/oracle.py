"""The judge: what a history shows against the invariants I1 to I9 of DESIGN §5. Pure reads; every violation names its
invariant, what it is about, and what is wrong."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.doors import Found, i6, i8, i9
from tests.chaos.history import History, Row

WINDOW_MS = 24 * 3600 * 1000
FINAL = frozenset(("sent", "delivered", "read", "failed", "undelivered", "dead", "suppressed", "cancelled"))
RANK_OF = {"sent": 2, "delivered": 3, "read": 4}
ENDED = ("failed", "undelivered")


@dataclass(frozen=True)
class Violation:
    invariant: str
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.about}: {self.what}"


def judge(history: History) -> list[Violation]:
    """Every violation of every invariant, in the order of the invariants."""
    return [Violation(check.__name__.upper(), about, what) for check in CHECKS for about, what in check(history)]


def i1(history: History) -> Found:
    """What was answered 2xx is in the file exactly once, or in quarantine exactly once; and nothing else is."""
    number = {row["id"]: row["number"] for row in history.channels}
    stored = Counter((number[row["channel_id"]], row["provider_message_id"]) for row in history.incoming)
    quarantined = [row for row in history.webhooks if row["verdict"] == "quarantined"]
    known = set()
    for line in history.lines("in"):
        name = (line["channel"], line["id"])
        known.add(name)
        if line["bad"]:
            kept = sum(line["id"] in row["body"] and number.get(row["channel_id"]) == line["channel"]
                       for row in quarantined)  # fmt: skip
            if stored[name] or kept > 1 or (line["key"] in history.answered and not kept):
                yield line["id"], f"unreadable, is {stored[name]} times in the ledger, {kept} times in quarantine"
        elif stored[name] > 1 or (line["key"] in history.answered and not stored[name]):
            yield line["id"], f"answered 2xx, is {stored[name]} times in the file"
    for name in stored.keys() - known:
        yield name[1], f"is in the file of {name[0]}, but no customer wrote it"
    for row in history.webhooks:
        if row["reading"] != "done":
            yield f"webhook {row['id']}", f"is still {row['reading']} after the drain"
    yield from _answers(history)
    yield from _asked(history)


def _answers(history: History) -> Found:
    """A customer's message is answered, or left to a person with the reason; never forgotten."""
    replied = {row["idempotency_key"].split(":")[1] for row in history.outgoing
               if (row["idempotency_key"] or "").startswith("answer:")}  # fmt: skip
    for row in history.incoming:
        if row["answer_due_at"] is not None:
            yield f"message {row['id']}", "still waits for its answer after the drain"
        if row["for_person"] and str(row["id"]) in replied:
            yield f"message {row['id']}", "was left to a person and answered by the bot"


def _asked(history: History) -> Found:
    slug = {row["id"]: row["slug"] for row in history.tenants}
    kept = Counter((slug[row["tenant_id"]], row["idempotency_key"]) for row in history.outgoing)
    for ask in history.asked:
        found = kept[ask["tenant"], f"api:{ask['key']}"]
        if ask["status"] == 202 and found != 1:
            yield ask["key"], f"was answered 202 and is {found} times in the outbox"


def i2(history: History) -> Found:
    """Every outbound row is in a known final state after the drain, and no claim outlives its lease."""
    for row in history.outgoing:
        if row["status"] not in FINAL:
            yield f"message {row['id']}", f"is {row['status']} after the drain ({row['error_code'] or 'no reason'})"
    for row in history.attempts:
        if row["lease_until"] is not None and row["lease_until"] <= history.ended_at:
            yield f"attempt {row['id']}", f"is claimed {history.ended_at - row['lease_until']} ms past its lease"
        if row["status"] == "sending":
            yield f"attempt {row['id']}", "is still sending after the drain"
    sends = history.sends_of()
    for row in history.outgoing:
        if row["status"] in RANK_OF and not sends.get(row["id"]):
            yield f"message {row['id']}", f"is {row['status']}, but the provider accepted nothing of it"


def i3(history: History) -> Found:
    """At most one accepted send of a message is open, and one more for each reason that allows it."""
    told = _failures(history)
    hands = Counter(history.hands)
    for line in history.lines("sent"):
        if line["id"] not in history.attempt_of:
            yield line["id"], f"was sent to channel {line['channel']}'s customer without an attempt ({line['ref']})"
    for message_id, lines in history.sends_of().items():
        message = history.message_of[message_id]
        allowed = 1 + bool(message["resent_unknown"]) + hands[message_id]
        if message["resent_unknown"] and history.channel_of[message["channel_id"]]["provider"] in history.mute:
            yield f"message {message_id}", "was resent, though its provider echoes no reference"
        for n, line in enumerate(lines):
            is_open = [each for each in lines[:n] if told.get(each["id"], float("inf")) > line["t"]]
            if len(is_open) + 1 > allowed:
                flag = "flagged" if message["resent_unknown"] else "not flagged"
                yield f"message {message_id}", f"{len(is_open) + 1} accepted sends are open ({flag}): {_short(lines)}"
                break
        again = [ref for ref, count in Counter(line["ref"] for line in lines if line["ref"]).items() if count > 1]
        if again:
            yield f"message {message_id}", f"one attempt was accepted more than once: {again}"


def _short(lines: list[Row]) -> str:
    return ", ".join(f"{line['ref'].rpartition('.')[2] or '?'} {line['fault']} at {line['t']:.2f}" for line in lines)


def _failures(history: History) -> dict[str, float]:
    """When the provider first told that a send failed."""
    found: dict[str, float] = {}
    for line in history.lines("status"):
        at = history.told_at.get(line["key"])
        if line["status"] in ENDED and at is not None:
            found[line["id"]] = min(at, found.get(line["id"], float("inf")))
    return found


def i4(history: History) -> Found:
    """Ranks only grow, reach what the provider told, and what was delivered or read shows."""
    for name, ranks in history.ranks.items():
        if ranks != sorted(ranks):
            yield f"attempt {name}", f"its rank went {ranks}"
    told: dict[int, set[str]] = defaultdict(set)
    posted: dict[int, set[str]] = defaultdict(set)
    for line in history.lines("status"):
        attempt = history.attempt_of.get(line["id"])
        if attempt is not None and not _is_lost(history, line["id"], attempt):
            for keys, statuses in ((history.answered, told), (history.told_at, posted)):
                if line["key"] in keys:
                    statuses[attempt["id"]].add(line["status"])
    best: dict[int, int] = defaultdict(int)
    for attempt in {row["id"]: row for row in history.attempt_of.values()}.values():
        known = told[attempt["id"]]
        least = max((RANK_OF[status] for status in known if _counts(status, known)), default=0)
        most = max((RANK_OF.get(status, 1) for status in posted[attempt["id"]]), default=1)
        best[attempt["message_id"]] = max(best[attempt["message_id"]], least)
        if not least <= attempt["rank"] <= most:
            yield f"attempt {attempt['id']}", f"has rank {attempt['rank']}, told were {sorted(known)}"
    for message_id, rank in best.items():
        shown = history.message_of[message_id]["status"]
        if rank >= RANK_OF["delivered"] and RANK_OF.get(shown, 0) < rank:
            yield f"message {message_id}", f"shows {shown}, told was rank {rank}"


def _counts(status: str, told: set[str]) -> bool:
    """After a failure only delivered and read count."""
    return status in RANK_OF and (RANK_OF[status] >= RANK_OF["delivered"] or not told & set(ENDED))


def _is_lost(history: History, vendor_id: str, attempt: Row) -> bool:
    """Where nothing is echoed, and the answer with the id was lost, no receipt can find its attempt."""
    is_mute = history.channel_of[attempt["channel_id"]]["provider"] in history.mute
    return is_mute and attempt["provider_message_id"] != vendor_id


def i5(history: History) -> Found:
    """Nothing claimed after a STOP was read is sent, and nothing free-form outside the window."""
    wishes, said = _wishes(history), defaultdict(list)
    for row in history.incoming:
        said[row["channel_id"], row["customer_id"]].append(row["event_at"])
    for line in history.lines("sent"):
        attempt = history.attempt_of.get(line["id"])
        if attempt is None:
            continue
        message = history.message_of[attempt["message_id"]]
        began = history.real(attempt["started_at"])
        mine = wishes[message["customer_id"]]
        before = [wish for wish in mine if wish[1][1] < began[0]]
        doubtful = [wish for wish in mine if wish[1][1] >= began[0] and wish[1][0] <= began[1]]
        if before and not doubtful and before[-1][0] == "stop":
            yield f"message {message['id']}", f"was claimed {began[0] - before[-1][1][1]:.3f} s after STOP was read"
        latest = max(said[message["channel_id"], message["customer_id"]], default=0)
        if message["kind"] != "template" and latest + WINDOW_MS <= attempt["started_at"]:
            yield f"message {message['id']}", "is free-form and was claimed outside the window"
        if line["template"] != (message["kind"] == "template"):
            yield f"message {message['id']}", f"is {message['kind']}; sent as a template: {line['template']}"


def _wishes(history: History) -> dict[int, list[tuple[str, tuple[float, float]]]]:
    """Each customer's STOP and START in the order in which they were read, with when that was."""
    words = {(line["channel"], line["id"]): line["word"] for line in history.lines("in") if line["word"]}
    read_at = {row["id"]: row["read_at"] for row in history.webhooks}
    found: dict[int, list[tuple[str, tuple[float, float]]]] = defaultdict(list)
    for row in sorted(history.incoming, key=lambda row: row["id"]):
        word = words.get((history.channel_of[row["channel_id"]]["number"], row["provider_message_id"]))
        if word and read_at.get(row["webhook_id"]):
            found[row["customer_id"]].append((word, history.real(read_at[row["webhook_id"]])))
    return found


def i7(history: History) -> Found:
    """The file is sound and takes writes."""
    if history.integrity != ("ok",):
        yield "file", f"integrity_check: {history.integrity[:3]}"
    if history.orphans:
        yield "file", f"foreign_key_check: {history.orphans[:3]}"
    if history.opens:
        yield "file", f"cannot be written: {history.opens}"


CHECKS: tuple[Callable[[History], Found], ...] = (i1, i2, i3, i4, i5, i6, i7, i8, i9)
