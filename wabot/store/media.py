"""Files in the database, in chunks: what customers sent, and what tenants uploaded to send."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import peewee

from wabot import clock, words
from wabot.store import db
from wabot.store.fields import Moment, Text, Word

CHUNK_BYTES = 256 << 10
"""A chunk is one write: the gate is held for a few milliseconds at a time, however large the file."""


class Media(db.Row):
    """One file. `reference` is where the provider keeps it, until it is fetched; `key` is unguessable and names the
    file to a provider that has to fetch it from us; `message_id` is the customer's message that it came with."""

    tenant_id = peewee.IntegerField()
    channel_id = peewee.IntegerField(null=True)
    message_id = peewee.IntegerField(null=True)
    key = Text(default=words.unguessable)
    type = Text()
    reference = Text(default="")
    mime_type = Text(default="")
    filename = Text(default="")
    size = peewee.IntegerField(default=0)
    state = Word(words.MediaState)
    tries = peewee.IntegerField(default=0)
    due_at = Moment(null=True)
    error_code = Text(default="")
    error_message = Text(default="")
    created_at = Moment()


def add_attachments(
    tenant_id: int, channel_id: int, message_id: int, attachments: Iterable[words.Attachment], now: datetime
) -> None:
    """Inside a write: files of a customer's message, to be fetched now."""
    for attachment in attachments:
        Media.add(
            tenant_id=tenant_id,
            channel_id=channel_id,
            message_id=message_id,
            type=attachment.type,
            reference=attachment.reference,
            mime_type=attachment.mime_type,
            filename=attachment.filename,
            state=words.MediaState.PENDING,
            due_at=now,
            created_at=now,
        )


def add_upload(tenant_id: int, kind: str, mime_type: str, filename: str, now: datetime) -> Media:
    """Inside a write: a file that a tenant uploads; it is pending, and never fetched, until `finish`."""
    return Media.add(
        tenant_id=tenant_id,
        type=kind,
        mime_type=mime_type,
        filename=filename,
        state=words.MediaState.PENDING,
        created_at=now,
    )


def chunks(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The body in numbered chunks; each belongs into a write of its own."""
    for n, start in enumerate(range(0, len(body), CHUNK_BYTES)):
        yield n, body[start : start + CHUNK_BYTES]


def put(media_id: int, n: int, data: bytes) -> bool:
    """Inside a write: keep one chunk; the same again replaces it. False when nobody wants it any more: the file is
    gone, or is here already."""
    if not _is_open(media_id):
        return False
    db.run("INSERT OR REPLACE INTO media_chunk (media_id, n, data) VALUES (?, ?, ?)", media_id, n, data)
    return True


def finish(media_id: int, *, size: int, mime_type: str, filename: str) -> None:
    """Inside a write: all chunks are there; what an earlier try left behind them goes."""
    if not _is_open(media_id):
        return
    db.run("DELETE FROM media_chunk WHERE media_id = ? AND n * ? >= ?", media_id, CHUNK_BYTES, size)
    Media.change(
        media_id,
        state=words.MediaState.READY,
        size=size,
        mime_type=mime_type,
        filename=filename,
        due_at=None,
        error_code="",
        error_message="",
    )


def _is_open(media_id: int) -> bool:
    """Whether a file may still come: one that was given up can, from a try that was believed dead."""
    return db.one("SELECT 1 FROM media WHERE id = ? AND state IN ('pending', 'failed')", media_id) is not None


def find(tenant_id: int, media_id: int) -> Media | None:
    """The tenant's file with this id."""
    return Media.load_one("WHERE id = ? AND tenant_id = ?", media_id, tenant_id)


def by_key(key: str) -> Media | None:
    """The file with this key, whoever's it is: the key is the permission."""
    return Media.load_one("WHERE key = ?", key)


def of_messages(tenant_id: int, message_ids: Iterable[int]) -> Mapping[int | None, list[Media]]:
    """The files that came with these messages of the tenant, by message, in their order."""
    found: dict[int | None, list[Media]] = {}
    ids = list(message_ids)
    marks = ", ".join("?" * len(ids))
    for row in Media.load(f"WHERE message_id IN ({marks}) AND tenant_id = ? ORDER BY id", *ids, tenant_id):
        found.setdefault(row.message_id, []).append(row)
    return found


def read(media_id: int) -> Iterator[bytes]:
    """The file's chunks in their order; each is read by itself, so that a slow reader holds nothing open."""
    n = 0
    while found := db.one("SELECT data FROM media_chunk WHERE media_id = ? AND n = ?", media_id, n):
        yield found[0]
        n += 1


def next_due() -> datetime | None:
    """When the next file is to be fetched."""
    found = db.one("SELECT min(due_at) FROM media WHERE state = 'pending'")
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def claim(now: datetime, lease: timedelta, most_tries: int) -> Media | None:
    """Inside a write: the next file to fetch, with its try counted; it is due again when the lease is over, so that
    a process that dies costs a try and no more. One that died on its last try is given up."""
    db.run(
        "UPDATE media SET state = 'failed', due_at = NULL, error_code = 'worker_lost' "
        "WHERE state = 'pending' AND due_at <= ? AND tries >= ?",
        now,
        most_tries,
    )
    taken = db.rows(
        "UPDATE media SET tries = tries + 1, due_at = ? WHERE id = "
        "(SELECT id FROM media WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id LIMIT 1) RETURNING id",
        now + lease,
        now,
    )
    return Media.load_one("WHERE id = ?", taken[0][0]) if taken else None


def put_off(media_id: int, due_at: datetime | None, code: str, message: str) -> None:
    """Inside a write: fetching failed; it is tried again from `due_at` on, or given up when that is None. What came
    by another try meanwhile stays."""
    if not _is_open(media_id):
        return
    state = words.MediaState.PENDING if due_at else words.MediaState.FAILED
    Media.change(media_id, state=state, due_at=due_at, error_code=code, error_message=message)


def bring_forward(now: datetime, furthest: timedelta) -> None:
    """Inside a write: what is due further ahead than anything can be is due now, because the clock went back."""
    db.run("UPDATE media SET due_at = ? WHERE state = 'pending' AND due_at > ?", now, now + furthest)


def expire(before: datetime, most: int) -> int:
    """Inside a write: let go of the oldest files from before then, at most `most` of them and `most` of their chunks;
    returns how many files are in hand, 0 when none is left. They are withheld before the first chunk is deleted, so
    that nobody is given a part of one, and called expired when none is left."""
    oldest = "SELECT id FROM media WHERE created_at < ? AND state <> 'expired' ORDER BY created_at LIMIT ?"
    ids = [row[0] for row in db.rows(oldest, before, most)]
    these = json.dumps(ids)
    db.run(
        "UPDATE media SET state = 'failed', error_code = 'expired', due_at = NULL "
        "WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'failed'",
        these,
    )
    chunks_gone = db.run(
        "DELETE FROM media_chunk WHERE (media_id, n) IN (SELECT media_id, n FROM media_chunk "
        "WHERE media_id IN (SELECT value FROM json_each(?)) LIMIT ?)",
        these,
        most,
    )
    if chunks_gone < most:
        db.run("UPDATE media SET state = 'expired', reference = '' WHERE id IN (SELECT value FROM json_each(?))", these)
    return len(ids)
