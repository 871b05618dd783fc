"""The event log that live views tail: ids of things, never their content. An event's id is a resume point."""

from datetime import datetime
from enum import StrEnum

from wabot.store import db


class Topic(StrEnum):
    """What a live view subscribes to (CONTRACT §6)."""

    MESSAGES = "messages"
    ORDERS = "orders"
    CONVERSATIONS = "conversations"


def add(tenant_id: int, topic: Topic, kind: str, subject_id: int, now: datetime) -> None:
    """Inside a write, the one that made the change: say that it happened; `kind` is such as `order.created`."""
    db.run(
        "INSERT INTO event (tenant_id, topic, type, subject_id, at) VALUES (?, ?, ?, ?, ?)",
        tenant_id, topic.value, kind, subject_id, now,
    )  # fmt: skip


def forget(before: datetime, most: int) -> int:
    """Inside a write: drop events that are older."""
    return db.run("DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < ? LIMIT ?)", before, most)
