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
    MEDIA = "media"
    LOCATION = "location"
    INTERACTIVE = "interactive"
    BUTTON = "button"
    SYSTEM = "system"
    PREFERENCE = "preference"
    UNKNOWN = "unknown"


NOTICES = frozenset({Kind.SYSTEM, Kind.PREFERENCE})
"""Inbound kinds that the provider writes about a customer, not the customer: no window opens, nobody is asked."""


class MediaType(StrEnum):
    """What WhatsApp tells files apart by; the values are those of its API and of CONTRACT §5."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"


class MediaState(StrEnum):
    """Whether a file is in our database: still to be fetched, here, given up, or past its retention."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


class Reason(StrEnum):
    """Why a message was not sent or not delivered, as far as people can act on it; `core.hints` says each in words."""

    TOKEN = "token"  # noqa: S105 - a word, not a secret
    PERMISSION = "permission"
    ACCOUNT = "account"
    PAYMENT = "payment"
    SETUP = "setup"
    RATE = "rate"
    DAY_LIMIT = "day_limit"
    SPAM = "spam"
    PROVIDER = "provider"
    NETWORK = "network"
    NO_ANSWER = "no_answer"
    NUMBER = "number"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    NOT_INVITED = "not_invited"
    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    MARKETING_CAP = "marketing_cap"
    EXPERIMENT = "experiment"
    COUNTRY = "country"
    IDENTITY = "identity"
    LOOP = "loop"
    WINDOW = "window"
    TEMPLATE_UNKNOWN = "template_unknown"
    TEMPLATE_REFUSED = "template_refused"
    TEMPLATE_VARIABLES = "template_variables"
    CONTENT = "content"
    MEDIA = "media"
    EXPIRED = "expired"
    MAYBE_SENT = "maybe_sent"
    POISON = "poison"
    ALLOWANCE = "allowance"
    PAUSED = "paused"
    SEALED = "sealed"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """Why a message is sent: `type` on the wire. Callers of the API may use words of their own."""

    REPLY = "reply"
    WELCOME = "welcome"
    ORDER = "order"
    RATING = "rating"
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
    """A template by its name, with its variables by their position (`"1"`, `"2"`, …) or name; `provider_id` is what
    its provider calls it."""

    name: str
    language: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A template as its provider lists it, or as the operator says; `body` with `{{1}}` or `{{name}}` where its
    `params` variables go, `status` and `category` in the provider's words."""

    name: str
    language: str
    provider_id: str
    category: str = ""
    status: str = ""
    body: str = ""
    params: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """A file to send: by a public address (`url`), or one of ours (`media_id`), of which type and size in bytes
    are known."""

    type: str
    url: str = ""
    media_id: int = 0
    filename: str = ""
    mime_type: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Location:
    """A place, in degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not yet in the outbox; the shapes are those of CONTRACT §5.

    `purpose` is why it is sent, `step` the flow step that wrote it (empty where no bot did); the `text` of a file is
    its caption.
    """

    kind: Kind
    text: str = ""
    header: str = ""
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    button: str = ""
    sections: tuple[Section, ...] = ()
    template: TemplateUse | None = None
    media: Media | None = None
    location: Location | None = None
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
        template, media, location = (payload.get(name) for name in ("template", "media", "location"))
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
            media=Media(**media) if media else None,
            location=Location(**location) if location else None,
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
class Attachment:
    """A file that came with a message: its type, and where the provider keeps it (`reference`: an address or an id
    that its adapter understands)."""

    type: str
    reference: str
    mime_type: str = ""
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a customer, read from a webhook; or, with `by_business`, one that somebody of the business wrote
    to `customer` elsewhere, such as in the WhatsApp Business app.

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
    attachments: tuple[Attachment, ...] = ()
    sent_at: datetime | None = None
    route: str = ""
    by_business: bool = False


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a provider says a message is billed as, in its own words; `billable` is None where it does not say."""

    category: str = ""
    type: str = ""
    model: str = ""
    billable: bool | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says became of an attempt. `reference` is our `<message uid>.<attempt>`; `alias` another id
    that the provider has for the same message, by which later receipts may name it."""

    provider_message_id: str
    progress: Progress
    reference: str = ""
    at: datetime | None = None
    error_code: str = ""
    error_message: str = ""
    raw: bytes = b""
    route: str = ""
    alias: str = ""
    pricing: Pricing | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """One item of a webhook that could not be understood; the others live on."""

    index: int
    reason: str
    route: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider tells about a channel, its account or its templates, not about a message: kept and shown.

    `field` is the provider's word for what it is about, `summary` one line for people; `account` is the provider's
    account that it concerns, where it names no channel. A change of a template's state names the template, its
    language and its new `template_status`.
    """

    field: str
    summary: str = ""
    route: str = ""
    account: str = ""
    template: str = ""
    template_language: str = ""
    template_status: str = ""


Item = Incoming | Receipt | Notice | Unread


Names = Mapping[str, str]
"""A name or a description by language (`ar`, `en`); either may lack. All prices are in the currency's minor unit
(halalas, cents)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the ways in which an option can be had; `price_minor` comes on top of the item's."""

    id: str
    name: Names
    price_minor: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    """Something of which exactly one choice must be taken: a size, a sort of bread."""

    name: Names
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class AddOn:
    """Something to have with an item, from `least` to `most` times."""

    id: str
    name: Names
    price_minor: int = 0
    least: int = 0
    most: int = 1


class OrderType(StrEnum):
    DELIVERY = "delivery"
    PICKUP = "pickup"
    DINE_IN = "dine_in"
    CAR = "car"


class PaymentMethod(StrEnum):
    CASH = "cash"
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class MenuItem:
    """`types` are the kinds of order that it can be part of; empty: all of them."""

    id: str
    name: Names
    price_minor: int
    description: Names = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    types: tuple[OrderType, ...] = ()


@dataclass(frozen=True, slots=True)
class MenuCategory:
    """`is_known` is False where its items have not been fetched yet."""

    id: str
    name: Names
    items: tuple[MenuItem, ...] = ()
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Branch:
    """A place of the tenant's, in degrees where it is known; `city` is where, for people."""

    id: str
    name: Names
    city: Names = field(default_factory=dict)
    phone: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """What a tenant offers, and where. `types` are the kinds of order that it takes, `payments` how they are paid; a
    menu without types is only looked at."""

    categories: tuple[MenuCategory, ...] = ()
    branches: tuple[Branch, ...] = ()
    types: tuple[OrderType, ...] = ()
    payments: tuple[PaymentMethod, ...] = ()


class PaymentStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"


class OrderStatus(StrEnum):
    """The states of an order (CONTRACT §5)."""

    DRAFT = "DRAFT"
    CONFIRMED = "CONFIRMED"
    PREPARING = "PREPARING"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    READY = "READY"
    DELIVERED = "DELIVERED"
    RATED = "RATED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Picked:
    """A choice or an add-on that was taken, `quantity` times for each item."""

    id: str
    name: Names
    price_minor: int = 0
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """So many of an item, with what was taken with it; `price_minor` is the item's own, as it was when it was put
    into the cart."""

    item_id: str
    name: Names
    price_minor: int
    quantity: int = 1
    choices: tuple[Picked, ...] = ()
    add_ons: tuple[Picked, ...] = ()
    notes: str = ""

    @property
    def total_minor(self) -> int:
        each = self.price_minor + sum(picked.price_minor * picked.quantity for picked in (*self.choices, *self.add_ons))
        return self.quantity * each


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as its customer confirmed it, before anybody has taken it. `branch_id` is empty where the tenant has
    no branches; place and address are a delivery's; `phone` is what a customer gave whose number nobody knows."""

    type: OrderType
    lines: tuple[Line, ...]
    payment: PaymentMethod
    branch_id: str = ""
    latitude: float | None = None
    longitude: float | None = None
    address: str = ""
    notes: str = ""
    phone: str = ""

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """An order as its customer is told of it; `number` is empty until it has one."""

    uid: str
    number: str
    status: OrderStatus
    type: OrderType
    total_minor: int
    currency: str
    currency_digits: int
    payment: PaymentMethod
    payment_status: PaymentStatus = PaymentStatus.PENDING
    payment_link: str = ""
    branch: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rated:
    """What a customer thinks of an order: 1 to 5 stars, or None where only a comment is added."""

    order_uid: str
    score: int | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether a place is delivered to, and from which branch (empty: any)."""

    is_covered: bool
    branch_id: str = ""


class WantKind(StrEnum):
    """What the bot may need to know before it can answer, and has to be fetched from the catalog."""

    CATALOG = "catalog"
    ITEMS = "items"
    COVERAGE = "coverage"


@dataclass(frozen=True, slots=True)
class Want:
    """`key` says of what: nothing for the categories and branches, `<category id>|<branch id>` for items (the branch
    may be empty), `<latitude>,<longitude>` with five decimals for whether that place is delivered to."""

    kind: WantKind
    key: str = ""
