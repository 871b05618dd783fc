"""The journal: every verified webhook as received, what was refused, and how far it has been read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from wabot import clock, words
from wabot.store import db, tallies, workers
from wabot.store.fields import Json, Moment, Packed, Text, Word, pack

REFUSALS_KEPT = 1000
MOST_READ_TOGETHER = 50


class Webhook(db.Row):
    tenant_id = peewee.IntegerField(null=True)
    channel_id = peewee.IntegerField(null=True)
    provider = Text()
    dedupe_key = peewee.BlobField()
    target = Text()
    content_type = Text()
    body = Packed(null=True)
    size = peewee.IntegerField()
    verdict = Word(words.Verdict)
    reading = Word(words.Reading)
    reason = Text(default="")
    problems = Json(default=list)
    duplicates = peewee.IntegerField(default=0)
    last_duplicate_at = Moment(null=True)
    received_at = Moment()
    being_read_since = Moment(null=True)
    reader = Text(default="")
    read_attempts = peewee.IntegerField(default=0)
    read_at = Moment(null=True)
    about = Text(default="")


class Refusal(db.Row):
    """A request that did not verify: kept without its body, its path or its sender."""

    provider = Text()
    channel_id = peewee.IntegerField(null=True)
    reason = Text()
    size = peewee.IntegerField()
    at = Moment()


@dataclass(frozen=True, slots=True)
class Journalled:
    """The row a webhook was written to; `new` is False for a repetition."""

    id: int
    new: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A webhook as it is written down, made ready before the gate is taken; the columns of `_ADD`, in its order."""

    tenant_id: int | None
    channel_id: int | None
    provider: str
    dedupe_key: bytes
    target: str
    content_type: str
    packed_body: bytes
    size: int
    verdict: words.Verdict
    reason: str
    received_at: datetime


def entry(
    *,
    tenant_id: int | None,
    channel_id: int | None,
    provider: str,
    dedupe_key: bytes,
    target: str,
    content_type: str,
    body: bytes,
    verdict: words.Verdict,
    reason: str = "",
    now: datetime,
) -> Entry:
    """Make a webhook ready to be written down: what costs time is done here, outside the gate."""
    return Entry(
        tenant_id, channel_id, provider, dedupe_key, target, content_type, pack(body), len(body), verdict, reason, now
    )


_ADD = """
INSERT INTO webhook (tenant_id, channel_id, provider, dedupe_key, target, content_type, body, size, verdict,
                     reason, received_at, reading)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (dedupe_key) DO UPDATE SET duplicates = duplicates + 1, last_duplicate_at = excluded.received_at
RETURNING id, duplicates
"""


def add(entry: Entry) -> Journalled:
    """Inside a write: write a webhook down once; a repetition is only counted."""
    pending = words.Reading.PENDING if entry.verdict is words.Verdict.ACCEPTED else words.Reading.DONE
    values = [getattr(entry, name) for name in Entry.__slots__]
    [(webhook_id, duplicates)] = db.rows(_ADD, *values, pending.value)
    tallies.count(tallies.WEBHOOKS, provider=entry.provider, verdict="duplicate" if duplicates else entry.verdict.value)
    return Journalled(webhook_id, duplicates == 0)


def refuse(provider: str, channel_id: int | None, reason: str, size: int, now: datetime) -> None:
    """Inside a write: note a refused request; only the newest thousand are kept."""
    row = Refusal.add(provider=provider, channel_id=channel_id, reason=reason, size=size, at=now)
    db.run("DELETE FROM refusal WHERE id <= ?", row.id - REFUSALS_KEPT)
    tallies.count(tallies.WEBHOOKS, provider=provider or "unknown", verdict="refused")


_WAITING = "reading = 'pending' AND (being_read_since IS NULL OR reader = '')"


def anything_to_read() -> bool:
    """Whether a webhook waits to be read."""
    return db.one(f"SELECT 1 FROM webhook WHERE {_WAITING} LIMIT 1") is not None  # noqa: S608


def waiting_since_before(moment: datetime) -> bool:
    """Whether a webhook that came before then is still to be read."""
    sql = "SELECT received_at FROM webhook WHERE reading = 'pending' ORDER BY id LIMIT 1"
    found = db.one(sql)
    return bool(found and found[0] < clock.to_ms(moment))


def begin_reading(now: datetime) -> list[Webhook]:
    """Inside a write: the next webhooks, oldest first, marked as being read by this process.

    One whose reader died comes alone, with its attempt counted: it may be what killed it.
    """
    suspect = db.rows(
        "UPDATE webhook SET read_attempts = read_attempts + 1, being_read_since = ?, reader = ? WHERE id = (SELECT id "
        "FROM webhook WHERE reading = 'pending' AND being_read_since IS NOT NULL AND reader = '' ORDER BY id LIMIT 1) "
        "RETURNING id",
        now,
        workers.me(),
    )
    taken = suspect or db.rows(
        "UPDATE webhook SET being_read_since = ?, reader = ? WHERE id IN "
        "(SELECT id FROM webhook WHERE reading = 'pending' AND being_read_since IS NULL ORDER BY id LIMIT ?) "
        "RETURNING id",
        now,
        workers.me(),
        MOST_READ_TOGETHER,
    )
    ids = [row[0] for row in taken]
    marks = ", ".join("?" * len(ids))
    return Webhook.load(f"WHERE id IN ({marks}) ORDER BY id", *ids) if ids else []


def end_reading(
    webhook: Webhook,
    verdict: words.Verdict,
    now: datetime,
    *,
    reason: str = "",
    problems: Sequence[dict[str, Any]] = (),
    about: str = "",
) -> None:
    """Inside a write: mark a webhook as read, with what could not be, and one line on what it was about."""
    if verdict is words.Verdict.QUARANTINED:
        tallies.count(tallies.WEBHOOKS, provider=webhook.provider, verdict=verdict.value)
    done = words.Reading.DONE
    said = {"problems": list(problems), "reason": reason, "about": about}
    Webhook.change(webhook.id, reading=done, verdict=verdict, read_at=now, **said)


def give_back(ids: Sequence[int], *, suspect: bool) -> None:
    """Inside a write: leave webhooks to be read again; one by one where one of them may be why reading failed."""
    fresh = {} if suspect else {"being_read_since": None, "read_attempts": 0}
    mine = (Webhook.id.in_(list(ids)), Webhook.reading == words.Reading.PENDING)
    Webhook.update(reader="", **fresh).where(*mine).execute()


def forget_begun(before: datetime) -> int:
    """Inside a write: what a living process began to read before then, and could not even give back, is as if it
    had not been begun; reading it twice would store nothing twice."""
    return db.run(
        "UPDATE webhook SET reader = '', being_read_since = NULL WHERE reading = 'pending' AND reader <> '' "
        "AND being_read_since < ?",
        before,
    )


def readers() -> list[str]:
    """The processes that are reading webhooks at present."""
    return [row[0] for row in db.rows("SELECT DISTINCT reader FROM webhook WHERE reading = 'pending' AND reader <> ''")]


def abandon(reader: str) -> int:
    """Inside a write: what this process was reading when it died is for others to read."""
    return db.run("UPDATE webhook SET reader = '' WHERE reading = 'pending' AND reader = ?", reader)


def replay(webhook_id: int, tenant_id: int | None, channel_id: int | None) -> None:
    """Inside a write: have a webhook read again, by the channel that it routes to now."""
    db.run(
        "UPDATE webhook SET tenant_id = ?, channel_id = ?, reading = 'pending', verdict = 'accepted', reason = '', "
        "problems = '[]', being_read_since = NULL, reader = '', read_attempts = 0, read_at = NULL "
        "WHERE id = ? AND body IS NOT NULL",
        tenant_id,
        channel_id,
        webhook_id,
    )


def find(webhook_id: int) -> Webhook | None:
    """The journal row with this id; for the operator."""
    return Webhook.get_or_none(Webhook.id == webhook_id)


def page(verdict: str = "", most: int = 50) -> list[Webhook]:
    """The newest journal rows, for the operator; `duplicate` means those that came more than once."""
    found = Webhook.select().order_by(Webhook.id.desc()).limit(most)
    if verdict == "duplicate":
        found = found.where(Webhook.duplicates > 0)
    elif verdict:
        found = found.where(Webhook.verdict == verdict)
    return list(found)


def refusals(most: int = 50) -> list[Refusal]:
    """The newest refused requests, for the operator."""
    return list(Refusal.select().order_by(Refusal.id.desc()).limit(most))


def quarantined() -> list[Webhook]:
    """Every quarantined webhook, oldest first."""
    return list(Webhook.select().where(Webhook.verdict == words.Verdict.QUARANTINED).order_by(Webhook.id))
