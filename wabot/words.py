"""The plain, frozen words that all rooms speak: states, drafts, what arrives. No behaviour beyond
turning themselves into JSON and back, no vendor, no I/O."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Self


class Direction(StrEnum):
    IN = "IN"
    OUT = "OUT"


class Status(StrEnum):
    """Every state a message in the file can have (CONTRACT §5)."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DEAD = "dead"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What became of a verified webhook."""

    ACCEPTED = "accepted"
    UNROUTED = "unrouted"
    QUARANTINED = "quarantined"


class Reading(StrEnum):
    """How far a journalled webhook has been read."""

    PENDING = "pending"
    DONE = "done"


class Progress(IntEnum):
    """What a receipt says of an attempt; the rank of an attempt only grows."""

    FAILED = -2
    UNDELIVERED = -1
    ACCEPTED = 1
    SENT = 2
    DELIVERED = 3
    READ = 4


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class ChannelStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class ConversationState(StrEnum):
    NEEDS_PERSON = "needs_person"
    BOT = "bot"
    WAITING = "waiting"
    DONE = "done"


class AttemptBy(StrEnum):
    """Who caused an attempt."""

    AUTO = "auto"
    HAND = "hand"
    CRON = "cron"


class Kind(StrEnum):
    """WhatsApp's own types of message. Inbound rows may hold others: they are kept as they came."""

    TEXT = "text"
    BUTTONS = "buttons"
    LIST = "list"
    TEMPLATE = "template"
    INTERACTIVE = "interactive"
    BUTTON = "button"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """Why a message is sent: `type` on the wire. Callers of the API may use words of their own."""

    REPLY = "reply"
    WELCOME = "welcome"
    AGENT = "agent"


def uid(at: datetime) -> str:
    """A new UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits."""
    value = round(at.timestamp() * 1000) << 80
    value |= 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def unguessable() -> str:
    """128 random bits as 32 hexadecimal characters: channel keys and confirmation tokens."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Button:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """A template by its name, with its variables by their position (`"1"`, `"2"`, …)."""

    name: str
    language: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not yet in the outbox; the shapes are those of CONTRACT §5.

    `purpose` is why it is sent, `step` the flow step that wrote it (empty where no bot did).
    """

    kind: Kind
    text: str = ""
    header: str = ""
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    button: str = ""
    sections: tuple[Section, ...] = ()
    template: TemplateUse | None = None
    purpose: str = Purpose.REPLY
    step: str = ""

    def payload(self) -> dict[str, Any]:
        """What makes the message more than its text, as JSON-ready values; empty parts left out."""
        parts = asdict(self)
        for known in ("kind", "text", "purpose", "step"):
            del parts[known]
        return {name: value for name, value in parts.items() if value}

    @classmethod
    def restore(cls, kind: str, text: str, payload: Mapping[str, Any], purpose: str, step: str) -> Self:
        """The draft that was stored as `kind`, `text` and `payload()`."""
        template = payload.get("template")
        return cls(
            kind=Kind(kind),
            text=text,
            header=payload.get("header", ""),
            footer=payload.get("footer", ""),
            button=payload.get("button", ""),
            buttons=tuple(Button(**button) for button in payload.get("buttons", ())),
            sections=tuple(
                Section(rows=tuple(Row(**row) for row in section["rows"]), title=section.get("title", ""))
                for section in payload.get("sections", ())
            ),
            template=TemplateUse(**template) if template else None,
            purpose=purpose,
            step=step,
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a customer is at a provider, exactly as it said so; at least one of the two is there.

    `phone` is digits with their `+`; `user_id` is a business-scoped id such as `SA.1234`
    (customers with a username have no number since 2026; facts/lessons).
    """

    phone: str = ""
    user_id: str = ""
    wa_id: str = ""

    def aliases(self) -> tuple[str, ...]:
        """The strings under which this customer is found again, strongest first."""
        phone = self.phone or (f"+{self.wa_id}" if self.wa_id else "")
        found = [f"phone:{phone}"] if phone else []
        if self.wa_id and f"+{self.wa_id}" != phone:
            found.append(f"phone:+{self.wa_id}")
        if self.user_id:
            found.append(f"user:{self.user_id}")
        return tuple(found)

    @property
    def address(self) -> str:
        """Where to send: the number as the provider gave it, else the business-scoped id."""
        return self.phone or (f"+{self.wa_id}" if self.wa_id else self.user_id)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a customer, read from a webhook.

    `text` is what a person would read; `choice` is the id of the tapped button or row; `payload`
    keeps what the kind carries beyond its text, or the raw item where the kind is not ours.
    `sent_at` is the event time where the provider tells it; `route` is the channel it is for, as the
    provider names it, where one webhook can be for several.
    """

    provider_message_id: str
    customer: Identity
    kind: str
    text: str = ""
    choice: str = ""
    name: str = ""
    quoted_id: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    sent_at: datetime | None = None
    route: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says became of an attempt. `reference` is our `<message uid>.<attempt>`."""

    provider_message_id: str
    progress: Progress
    reference: str = ""
    at: datetime | None = None
    error_code: str = ""
    error_message: str = ""
    raw: bytes = b""
    route: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """One item of a webhook that could not be understood; the others live on."""

    index: int
    reason: str
    route: str = ""


Item = Incoming | Receipt | Unread


@dataclass(frozen=True, slots=True)
class MenuItem:
    """`price_minor` is in the currency's minor unit (halalas, cents)."""

    id: str
    name: Mapping[str, str]
    price_minor: int
    description: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MenuCategory:
    id: str
    name: Mapping[str, str]
    items: tuple[MenuItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Menu:
    """What a tenant offers. Names and descriptions are by language (`ar`, `en`); either may lack."""

    categories: tuple[MenuCategory, ...] = ()
