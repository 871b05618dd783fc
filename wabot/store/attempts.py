"""Attempts: one row for each try to send a message, its lease, and the receipts that came too early."""

from datetime import datetime
from typing import Any

import peewee

from wabot import words
from wabot.store import db, workers
from wabot.store.fields import Flag, Moment, Packed, Text, Word
from wabot.store.messages import Message


class Attempt(db.Row):
    """One try to send one message; `rank` is how far receipts say it got, and only grows. `planned` is one of the
    retry plan, not one that a person added; `alias` another id by which the provider's receipts may name it."""

    message_id: int
    message = peewee.ForeignKeyField(Message)
    tenant_id = peewee.IntegerField()
    channel_id = peewee.IntegerField()
    n = peewee.IntegerField()
    by = Word(words.AttemptBy, default=words.AttemptBy.AUTO)
    status = Word(words.Status)
    rank = peewee.IntegerField(default=0)
    worker = Text()
    started_at = Moment()
    lease_until = Moment(null=True)
    settled_at = Moment(null=True)
    provider_message_id = Text(null=True)
    error_code = Text(default="")
    error_message = Text(default="")
    answer = Packed(null=True)
    planned = Flag(default=True)
    alias = Text(null=True)


def find(attempt_id: int) -> Attempt | None:
    """The attempt with this id."""
    return Attempt.load_one("WHERE id = ?", attempt_id)


def of_message(message_id: int) -> list[Attempt]:
    """A message's attempts, first to last."""
    return Attempt.load("WHERE message_id = ? ORDER BY n", message_id)


def by_number(message_id: int, n: int) -> Attempt | None:
    """A message's attempt by its number, which counts from 1."""
    return Attempt.load_one("WHERE message_id = ? AND n = ?", message_id, n)


def by_provider_id(channel_id: int, provider_message_id: str) -> Attempt | None:
    """The newest attempt of this channel that the provider calls so, by either of its ids."""
    for name in ("provider_message_id", "alias"):
        mine = f"WHERE channel_id = ? AND {name} = ? ORDER BY id DESC LIMIT 1"
        found = Attempt.load_one(mine, channel_id, provider_message_id)
        if found is not None:
            return found
    return None


def knows(channel_id: int, provider_message_id: str) -> bool:
    """Whether a message that the provider calls so came in or went out by this channel."""
    if by_provider_id(channel_id, provider_message_id) is not None:
        return True
    came_in = "SELECT 1 FROM message WHERE channel_id = ? AND provider_message_id = ? AND direction = 'IN'"
    return db.one(came_in, channel_id, provider_message_id) is not None


def add_elsewhere(message: Message, now: datetime) -> None:
    """Inside a write: what stands for the sending of a message that the business wrote elsewhere, so that its
    receipts are followed. It is none of ours: the message counts no attempt, and nothing is ever tried again."""
    Attempt.add(
        message=message.id,
        tenant_id=message.tenant_id,
        channel_id=message.channel_id,
        n=1,
        status=words.Status.SENT,
        rank=words.Progress.SENT,
        worker="",
        started_at=message.created_at,
        settled_at=now,
        provider_message_id=message.provider_message_id,
    )


def provider_ids(channel_id: int, customer_id: int) -> set[str]:
    """What the provider calls the messages that this channel sent to this customer, as far as it is known."""
    sql = (
        "SELECT a.provider_message_id FROM message m JOIN attempt a ON a.message_id = m.id "
        "WHERE m.customer_id = ? AND m.channel_id = ? AND a.provider_message_id IS NOT NULL "
        "ORDER BY m.id DESC LIMIT 500"
    )
    return {row[0] for row in db.rows(sql, customer_id, channel_id)}


def withdraw(attempt: Attempt) -> None:
    """Inside a write: this attempt called nobody; as if it had not been made."""
    db.run("DELETE FROM attempt WHERE id = ?", attempt.id)
    db.run("UPDATE message SET attempts = attempts - 1 WHERE id = ?", attempt.message_id)
    if attempt.n == 1:
        db.run("UPDATE channel SET sent_today = max(0, sent_today - 1) WHERE id = ?", attempt.channel_id)


def change(attempt_id: int, **values: Any) -> None:
    """Inside a write: set columns of one attempt."""
    Attempt.change(attempt_id, **values)


def lost(now: datetime) -> list[Attempt]:
    """Attempts whose lease is over or whose process is gone: nobody will settle them in time."""
    leased = Attempt.load("WHERE lease_until IS NOT NULL")
    gone = {worker: workers.is_gone(worker) for worker in {attempt.worker for attempt in leased}}
    return [attempt for attempt in leased if attempt.lease_until <= now or gone[attempt.worker]]


def postpone_leases(until: datetime) -> None:
    """Inside a write: after a jump of the clock every lease runs anew."""
    db.run("UPDATE attempt SET lease_until = ? WHERE lease_until IS NOT NULL", until)


def park(tenant_id: int, channel_id: int, provider_message_id: str, receipt: str, now: datetime) -> None:
    """Inside a write: keep a receipt whose message we do not know yet."""
    db.run(
        "INSERT INTO parked (tenant_id, channel_id, provider_message_id, receipt, created_at) VALUES (?, ?, ?, ?, ?)",
        tenant_id,
        channel_id,
        provider_message_id,
        receipt,
        now,
    )


def unpark(channel_id: int, provider_message_id: str) -> list[str]:
    """Inside a write: the receipts that were parked for this id, oldest first; they are parked no more."""
    parked = db.rows(
        "SELECT id, receipt FROM parked WHERE channel_id = ? AND provider_message_id = ? ORDER BY id",
        channel_id,
        provider_message_id,
    )
    for parked_id, _ in parked:
        db.run("DELETE FROM parked WHERE id = ?", parked_id)
    return [receipt for _, receipt in parked]


def forget_parked(before: datetime) -> int:
    """Inside a write: drop receipts that have waited too long for their message; returns how many."""
    return db.run("DELETE FROM parked WHERE created_at < ?", before)
