"""What the sandbox knows: its own ledger of messages carried, the files of both sides, what it still has to deliver
to us, and how it is told to misbehave. The sandbox is a provider of its own; only its page and API use this."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import peewee

from wabot import clock
from wabot.store import db
from wabot.store.fields import Json, Moment, Packed, Text
from wabot.store.webhooks import Webhook


class Carried(db.Row):
    """One message that the sandbox carried; `direction` is IN for what the customer wrote."""

    channel_id = peewee.IntegerField()
    phone = Text()
    direction = Text()
    provider_message_id = Text()
    reference = Text(default="")
    body = Json(default=dict)
    status = Text()
    created_at = Moment()

    class Meta:
        table_name = "sandbox_message"


class Delivery(db.Row):
    """A webhook that the sandbox still has to deliver."""

    channel_id = peewee.IntegerField()
    body = Packed()
    due_at = Moment()
    tries = peewee.IntegerField(default=0)

    class Meta:
        table_name = "sandbox_delivery"


@dataclass(frozen=True, slots=True)
class Switches:
    """How the sandbox misbehaves for one channel; all off by default.

    `duplicate` delivers each webhook twice, `delay_ms` later, `reorder` in a shuffled order; `refuse`
    and `time_out` are for what we send, and ask of usage.
    """

    duplicate: bool = False
    delay_ms: int = 0
    reorder: bool = False
    refuse: bool = False
    time_out: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """What the sandbox knows of a file that it keeps; `size` is in bytes, `key` is unguessable and its id."""

    key: str
    channel_id: int
    mime_type: str
    filename: str
    size: int


@dataclass(frozen=True, slots=True)
class Day:
    """What the sandbox carried for a channel on one day of UTC; `templates` are of the delivered messages."""

    day: date
    customers: int
    messages_in: int
    messages_out: int
    delivered: int
    templates: int


_FILE = "SELECT key, channel_id, mime_type, filename, length(data) FROM sandbox_media"
_DAYS = (
    "SELECT day, count(DISTINCT phone), count(*) FILTER (WHERE direction = 'IN'), "
    "count(*) FILTER (WHERE direction = 'OUT'), sum(arrived), sum(arrived AND kind IS 'template') "
    "FROM (SELECT date(created_at / 1000, 'unixepoch') AS day, phone, direction, body ->> '$.kind' AS kind, "
    "direction = 'OUT' AND status IN ('delivered', 'read') AS arrived "
    "FROM sandbox_message WHERE channel_id = ? AND created_at >= ? AND created_at < ?) GROUP BY day ORDER BY day"
)


def switches(channel_id: int) -> Switches:
    """How this channel's sandbox misbehaves at present."""
    found = db.one("SELECT switches FROM sandbox_switch WHERE channel_id = ?", channel_id)
    kept: Mapping[str, Any] = json.loads(found[0]) if found else {}
    return Switches(**{field.name: kept[field.name] for field in fields(Switches) if field.name in kept})


def keep_switches(channel_id: int, switches: Switches) -> None:
    """Inside a write: tell the sandbox how to misbehave."""
    db.run(
        "INSERT INTO sandbox_switch (channel_id, switches) VALUES (?, ?) "
        "ON CONFLICT (channel_id) DO UPDATE SET switches = excluded.switches",
        channel_id,
        json.dumps(asdict(switches)),
    )


def carry(channel_id: int, phone: str, direction: str, provider_message_id: str, **values: Any) -> Carried:
    """Inside a write: note a message in the sandbox's ledger."""
    return Carried.create(
        channel_id=channel_id, phone=phone, direction=direction, provider_message_id=provider_message_id, **values
    )


def deliver(channel_id: int, body: bytes, due_at: datetime) -> None:
    """Inside a write: have a webhook delivered to us from `due_at` on."""
    Delivery.create(channel_id=channel_id, body=body, due_at=due_at)


def next_due() -> datetime | None:
    """When the sandbox has something to deliver next."""
    found = db.one("SELECT min(due_at) FROM sandbox_delivery")
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def due(now: datetime) -> Delivery | None:
    """The delivery that has been due longest."""
    return Delivery.select().where(Delivery.due_at <= now).order_by(Delivery.due_at, Delivery.id).first()  # type: ignore[no-any-return]


def delivered(delivery_id: int) -> None:
    """Inside a write: this delivery is done."""
    db.run("DELETE FROM sandbox_delivery WHERE id = ?", delivery_id)


def put_off(delivery_id: int, due_at: datetime) -> None:
    """Inside a write: this delivery failed and is tried again."""
    db.run("UPDATE sandbox_delivery SET tries = tries + 1, due_at = ? WHERE id = ?", due_at, delivery_id)


def advance(provider_message_id: str, status: str) -> None:
    """Inside a write: how far a carried message has come."""
    db.run(
        "UPDATE sandbox_message SET status = ? WHERE provider_message_id = ? AND status <> 'read'",
        status,
        provider_message_id,
    )


def unread_by_customer(channel_id: int, phone: str) -> list[Carried]:
    """What we sent to this customer and they have not read."""
    mine = (Carried.channel_id == channel_id, Carried.phone == phone, Carried.direction == "OUT")
    return list(Carried.select().where(*mine, Carried.status == "delivered").order_by(Carried.id))


def thread(channel_id: int, phone: str, most: int = 100) -> list[Carried]:
    """The newest messages between a customer and a channel, oldest first."""
    mine = Carried.select().where(Carried.channel_id == channel_id, Carried.phone == phone)
    return list(reversed(list(mine.order_by(Carried.id.desc()).limit(most))))


def days(channel_id: int, first: date, last: date) -> list[Day]:
    """What was carried for a channel on each day of UTC from first to last, oldest first; days of nothing lack."""
    found = db.rows(
        _DAYS,
        channel_id,
        datetime.combine(first, time(), UTC),
        datetime.combine(last, time(), UTC) + timedelta(days=1),
    )
    return [Day(date.fromisoformat(day), *counted) for day, *counted in found]


def journal(channel_id: int, most: int = 30) -> list[Webhook]:
    """The newest webhooks that we journalled for a channel, newest first; for the sandbox's page."""
    return list(Webhook.select().where(Webhook.channel_id == channel_id).order_by(Webhook.id.desc()).limit(most))


def keep_file(channel_id: int, key: str, mime_type: str, filename: str, data: bytes) -> None:
    """Inside a write: keep a file of either side for the other."""
    db.run(
        "INSERT INTO sandbox_media (channel_id, key, mime_type, filename, data, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        channel_id,
        key,
        mime_type,
        filename,
        data,
        clock.now(),
    )


def forget_files(channel_id: int, beyond_bytes: int) -> None:
    """Inside a write: drop the oldest files of a channel, so that at most that much is kept for it."""
    db.run(
        "DELETE FROM sandbox_media WHERE id IN (SELECT id FROM (SELECT id, sum(length(data)) OVER (ORDER BY id DESC) "
        "AS newer FROM sandbox_media WHERE channel_id = ?) WHERE newer > ?)",
        channel_id,
        beyond_bytes,
    )


def find_file(key: str) -> File | None:
    """The file with this key, whichever channel it belongs to."""
    found = db.one(f"{_FILE} WHERE key = ?", key)
    return File(*found) if found else None


def files(channel_id: int, keys: Iterable[str]) -> Mapping[str, File]:
    """Those of the files that the channel has, by key."""
    wanted = list(keys)
    marks = ", ".join("?" * len(wanted))
    found = db.rows(f"{_FILE} WHERE channel_id = ? AND key IN ({marks})", channel_id, *wanted)
    return {row[0]: File(*row) for row in found}


def file_data(key: str) -> bytes:
    """The bytes of the file with this key; nothing where there is none."""
    found = db.one("SELECT data FROM sandbox_media WHERE key = ?", key)
    return bytes(found[0]) if found else b""
