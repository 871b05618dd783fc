"""Customers by their aliases, and their conversations with each channel."""

from datetime import datetime

import peewee

from wabot import words
from wabot.store import aliases, db
from wabot.store.fields import Flag, Json, Moment, Text, Word
from wabot.store.tenants import Channel, Tenant


class Customer(db.Row):
    """`address` is where to send, exactly as the provider gave it."""

    tenant_id: int
    tenant = peewee.ForeignKeyField(Tenant)
    name = Text(default="")
    address = Text()
    wa_id = Text(default="")
    user_id = Text(default="")
    created_at = Moment()

    @property
    def number(self) -> str:
        """The number with its plus; nothing where only a business-scoped id is known."""
        if self.address.startswith("+"):
            return str(self.address)
        return f"+{self.wa_id}" if self.wa_id else ""


class Conversation(db.Row):
    tenant_id: int
    channel_id: int
    customer_id: int
    tenant = peewee.ForeignKeyField(Tenant)
    channel = peewee.ForeignKeyField(Channel)
    customer = peewee.ForeignKeyField(Customer)
    state = Word(words.ConversationState, default=words.ConversationState.BOT)
    bot_state = Json(default=dict)
    bot_active = Flag(default=True)
    bot_paused_until = Moment(null=True)
    unread = peewee.IntegerField(default=0)
    last_turn = peewee.IntegerField(default=0)
    last_message_id = peewee.IntegerField(default=0)
    last_in_at = Moment(null=True)
    created_at = Moment()


def find(tenant_id: int, identity: words.Identity) -> Customer | None:
    """The tenant's customer who is known under one of these names, or under another spelling of the number."""
    known = aliases.customers_known_as(tenant_id, identity)
    return Customer.load_one("WHERE id = ? AND tenant_id = ?", known[0], tenant_id) if known else None


def meet(tenant_id: int, identity: words.Identity, name: str, now: datetime) -> Customer:
    """Inside a write: the tenant's customer who is known under these names, made if there is none.

    Names that belonged to two customers make them one, the older. What is new is added; a known number or id
    is never rewritten, only filled in where it was empty.
    """
    known = aliases.customers_known_as(tenant_id, identity)
    if known:
        kept = min(known)
        for gone in set(known) - {kept}:
            aliases.merge(tenant_id, kept, gone)
        customer = Customer.get_by_id(kept)
        _learn(customer, identity, name)
    else:
        customer = Customer.add(
            tenant=tenant_id,
            name=name,
            address=identity.address,
            wa_id=identity.wa_id,
            user_id=identity.user_id,
            created_at=now,
        )
    aliases.note(tenant_id, customer.id, identity)
    return customer


def _learn(customer: Customer, identity: words.Identity, name: str) -> None:
    learned = {
        "name": name or customer.name,
        "wa_id": customer.wa_id or identity.wa_id,
        "user_id": customer.user_id or identity.user_id,
        "address": identity.phone if identity.phone and not customer.address.startswith("+") else customer.address,
    }
    new = {field: value for field, value in learned.items() if value != getattr(customer, field)}
    if new:
        Customer.change(customer.id, **new)
        for field, value in new.items():
            setattr(customer, field, value)


def conversation(tenant_id: int, channel_id: int, customer_id: int, now: datetime) -> Conversation:
    """Inside a write: the conversation of this customer with this channel, made if there is none."""
    db.run(
        "INSERT INTO conversation (tenant_id, channel_id, customer_id, created_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        tenant_id,
        channel_id,
        customer_id,
        now,
    )
    [found] = Conversation.load("WHERE channel_id = ? AND customer_id = ?", channel_id, customer_id)
    return found


def existing_conversation(tenant_id: int, channel_id: int, customer_id: int) -> Conversation | None:
    """The conversation of this customer with this channel, if they ever had one."""
    mine = "WHERE tenant_id = ? AND channel_id = ? AND customer_id = ?"
    return Conversation.load_one(mine, tenant_id, channel_id, customer_id)


def latest_conversation(tenant_id: int, customer_id: int) -> Conversation | None:
    """The conversation in which this customer was last heard from or written to."""
    mine = "WHERE tenant_id = ? AND customer_id = ? ORDER BY last_message_id DESC LIMIT 1"
    return Conversation.load_one(mine, tenant_id, customer_id)


def note_incoming(conversation_id: int, message_id: int, at: datetime) -> None:
    """Inside a write: a message of the customer came in; the window follows its event time."""
    db.run(
        "UPDATE conversation SET unread = unread + 1, last_message_id = ?, "
        "last_in_at = max(coalesce(last_in_at, 0), ?), "
        "state = CASE state WHEN 'needs_person' THEN state ELSE 'bot' END WHERE id = ?",
        message_id,
        at,
        conversation_id,
    )


def note_notice(conversation_id: int, message_id: int) -> None:
    """Inside a write: the provider told something about the customer, who has not written."""
    Conversation.change(conversation_id, last_message_id=message_id)


def note_outgoing(conversation_id: int, message_id: int) -> None:
    """Inside a write: a message to the customer was queued."""
    db.run(
        "UPDATE conversation SET last_message_id = ?, unread = 0, "
        "state = CASE state WHEN 'needs_person' THEN state ELSE 'waiting' END WHERE id = ?",
        message_id,
        conversation_id,
    )


def next_turn(conversation_id: int) -> int:
    """Inside a write: the next place in the order of sending of this conversation."""
    [(turn,)] = db.rows(
        "UPDATE conversation SET last_turn = last_turn + 1 WHERE id = ? RETURNING last_turn", conversation_id
    )
    return int(turn)


def call_person(conversation_id: int, paused_until: datetime | None = None) -> bool:
    """Inside a write: a person has to look; the bot is silent until `paused_until`, if given. False where nothing is
    new: a person was called before."""
    changed = db.run(
        "UPDATE conversation SET state = 'needs_person', bot_paused_until = coalesce(?1, bot_paused_until) "
        "WHERE id = ?2 AND (state <> 'needs_person' OR ?1 IS NOT NULL)",
        paused_until,
        conversation_id,
    )
    return bool(changed)


def pause_bot(conversation_id: int, until: datetime) -> None:
    """Inside a write: the bot is silent at least until then."""
    db.run("UPDATE conversation SET bot_paused_until = max(coalesce(bot_paused_until, 0), ?) WHERE id = ?",
           until, conversation_id)  # fmt: skip


def keep_bot_state(conversation_id: int, bot_state: dict[str, object]) -> None:
    """Inside a write: where the bot stands in this conversation."""
    Conversation.change(conversation_id, bot_state=bot_state)


def page(tenant_id: int, *, before: int | None, search: str, state: str, most: int) -> list[Conversation]:
    """A tenant's conversations, latest activity first; `before` is the `last_message_id` to go on from."""
    found = (
        Conversation.select(Conversation, Customer)
        .join(Customer)
        .where(Conversation.tenant == tenant_id)
        .order_by(Conversation.last_message_id.desc())
        .limit(most)
    )
    if before is not None:
        found = found.where(Conversation.last_message_id < before)
    if state:
        found = found.where(Conversation.state == state)
    if search:
        pattern = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        like = peewee.SQL(
            "(t2.name LIKE ? ESCAPE '\\' OR t2.address LIKE ? ESCAPE '\\' OR t2.wa_id LIKE ? ESCAPE '\\' "
            "OR t2.user_id LIKE ? ESCAPE '\\')",
            [pattern] * 4,
        )
        found = found.where(like)
    return list(found)


def conversation_of(tenant_id: int, conversation_id: int) -> Conversation | None:
    """The tenant's conversation with this id."""
    return (  # type: ignore[no-any-return]
        Conversation.select(Conversation, Customer)
        .join(Customer)
        .where(Conversation.id == conversation_id, Conversation.tenant == tenant_id)
        .first()
    )
