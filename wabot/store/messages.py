"""The ledger: every message in and out, with what it is and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import peewee

from wabot import clock, words
from wabot.store import customers, db, sessions, tallies
from wabot.store.customers import Conversation, Customer
from wabot.store.fields import Flag, Json, Moment, Text, Word
from wabot.store.tenants import Channel, Tenant


class Message(db.Row):
    """One message. `kind` is WhatsApp's type, `purpose` why it is sent, `step` the flow step that wrote
    it; `answer_due_at` is set while a customer's message waits for the bot; `turn` is its place in
    the order of its conversation. `token` lets its customer see what became of it; `due_by` is who caused its next
    attempt, `critical` that only the operator can mend it, `asked_at` when its provider was asked for its fate;
    `category` to `billable` are what the provider says it is billed as. `order_id` is the order that it led to or is
    about."""

    tenant_id: int
    channel_id: int
    customer_id: int
    conversation_id: int

    uid = Text()
    tenant = peewee.ForeignKeyField(Tenant)
    channel = peewee.ForeignKeyField(Channel)
    customer = peewee.ForeignKeyField(Customer)
    conversation = peewee.ForeignKeyField(Conversation)
    direction = Word(words.Direction)
    kind = Text()
    purpose = Text(default="")
    step = Text(default="")
    body = Text(default="")
    choice = Text(default="")
    payload = Json(default=dict)
    quoted_id = Text(default="")
    status = Word(words.Status)
    provider_message_id = Text(null=True)
    webhook_id = peewee.IntegerField(null=True)
    event_at = Moment(null=True)
    answer_due_at = Moment(null=True)
    admitted = Flag(default=False)
    for_person = Text(default="")
    idempotency_key = Text(null=True)
    idempotency_hash = peewee.BlobField(null=True)
    turn = peewee.IntegerField(null=True)
    due_at = Moment(null=True)
    expires_at = Moment(null=True)
    attempts = peewee.IntegerField(default=0)
    retry_due = Flag(default=False)
    retry_count = peewee.IntegerField(default=0)
    max_retries = peewee.IntegerField(default=0)
    unknown_since = Moment(null=True)
    resent_unknown = Flag(default=False)
    parent_id = peewee.IntegerField(null=True)
    error_code = Text(default="")
    error_message = Text(default="")
    created_at = Moment()
    sent_at = Moment(null=True)
    delivered_at = Moment(null=True)
    read_at = Moment(null=True)
    failed_at = Moment(null=True)
    token = Text(null=True)
    template_id = peewee.IntegerField(null=True)
    due_by = Word(words.AttemptBy, default=words.AttemptBy.AUTO)
    critical = Flag(default=False)
    asked_at = Moment(null=True)
    category = Text(null=True)
    pricing_type = Text(null=True)
    pricing_model = Text(null=True)
    billable = Flag(null=True)
    order_id = peewee.IntegerField(null=True)

    def draft(self) -> words.Draft:
        """What was queued, as it was drafted."""
        return words.Draft.restore(self.kind, self.body, self.payload, self.purpose, self.step)


def add_incoming(
    conversation: Conversation, incoming: words.Incoming, *, webhook_id: int, now: datetime
) -> Message | None:
    """Inside a write: store a customer's message once; None when its provider id is there already."""
    if db.one(f"{_KNOWN} AND direction = 'IN'", conversation.channel_id, incoming.provider_message_id):
        return None
    status = words.Status.RECEIVED
    return _add_read(conversation, incoming, words.Direction.IN, status, webhook_id=webhook_id, created_at=now)


def add_elsewhere(
    conversation: Conversation, incoming: words.Incoming, *, webhook_id: int, now: datetime
) -> Message | None:
    """Inside a write: store once what somebody of the business wrote to the customer elsewhere; it has no turn,
    because it never waits in the outbox. None when it is there already."""
    known = f"{_KNOWN} AND direction = 'OUT' AND turn IS NULL"
    if db.one(known, conversation.channel_id, incoming.provider_message_id):
        return None
    message = _add_read(
        conversation,
        incoming,
        words.Direction.OUT,
        words.Status.SENT,
        webhook_id=webhook_id,
        created_at=now,
        purpose=words.Purpose.AGENT,
        sent_at=incoming.sent_at or now,
    )
    customers.note_outgoing(conversation.id, message.id)
    return message


_KNOWN = "SELECT 1 FROM message WHERE channel_id = ? AND provider_message_id = ?"


def _add_read(
    conversation: Conversation,
    incoming: words.Incoming,
    direction: words.Direction,
    status: words.Status,
    *,
    created_at: datetime,
    **values: Any,
) -> Message:
    tallies.count(tallies.MESSAGES, direction=direction.value, status=status.value)
    message = Message.add(
        uid=words.uid(created_at),
        tenant=conversation.tenant_id,
        channel=conversation.channel_id,
        customer=conversation.customer_id,
        conversation=conversation.id,
        direction=direction,
        kind=incoming.kind,
        body=incoming.text,
        choice=incoming.choice,
        payload=dict(incoming.payload),
        quoted_id=incoming.quoted_id,
        status=status,
        provider_message_id=incoming.provider_message_id,
        event_at=incoming.sent_at or created_at,
        created_at=created_at,
        **values,
    )
    _note_session(message)
    return message


def _note_session(message: Message) -> None:
    at, kind = message.created_at, message.kind
    sessions.note(message.tenant_id, message.channel_id, message.customer_id, message.id, kind=kind, at=at)


def add_outgoing(
    conversation: Conversation,
    draft: words.Draft,
    *,
    idempotency_key: str | None,
    idempotency_hash: bytes | None,
    max_retries: int,
    expires_at: datetime,
    now: datetime,
    **values: Any,
) -> Message:
    """Inside a write: put a draft in the outbox, due now, at the end of its conversation's order."""
    message = Message.add(
        uid=words.uid(now),
        tenant=conversation.tenant_id,
        channel=conversation.channel_id,
        customer=conversation.customer_id,
        conversation=conversation.id,
        direction=words.Direction.OUT,
        kind=draft.kind,
        purpose=draft.purpose,
        step=draft.step,
        body=draft.text,
        payload=draft.payload(),
        status=words.Status.QUEUED,
        idempotency_key=idempotency_key,
        idempotency_hash=idempotency_hash,
        turn=customers.next_turn(conversation.id),
        due_at=now,
        expires_at=expires_at,
        max_retries=max_retries,
        created_at=now,
        **values,
    )
    _note_session(message)
    customers.note_outgoing(conversation.id, message.id)
    tallies.count(tallies.MESSAGES, direction=words.Direction.OUT.value, status=words.Status.QUEUED.value)
    return message


def by_idempotency_key(tenant_id: int, key: str) -> Message | None:
    """The tenant's message that was queued under this key."""
    return Message.load_one("WHERE tenant_id = ? AND idempotency_key = ?", tenant_id, key)


def forget_keys(before: datetime, most: int) -> int:
    """Inside a write: drop the callers' idempotency keys of messages that are older; the bot's own stay, because a
    replay must never answer twice."""
    return db.run(
        "UPDATE message SET idempotency_key = NULL, idempotency_hash = NULL WHERE id IN (SELECT id FROM message "
        "WHERE idempotency_key IS NOT NULL AND created_at < ? AND idempotency_key LIKE 'api:%' LIMIT ?)",
        before,
        most,
    )


def by_id(message_id: int) -> Message | None:
    """The message with this id, whoever's it is; for work that has claimed it."""
    return Message.load_one("WHERE id = ?", message_id)


def by_uid(uid: str) -> Message | None:
    """The message with this uid, whoever's it is; the caller checks its channel."""
    return Message.load_one("WHERE uid = ?", uid)


def change(message_id: int, **values: Any) -> None:
    """Inside a write: set columns of one message; a new state is counted."""
    status = values.get("status")
    known = status and db.one("SELECT direction, status FROM message WHERE id = ?", message_id)
    if known and known[1] != status:
        tallies.count(tallies.MESSAGES, direction=known[0], status=str(status))
    Message.change(message_id, **values)


def wait_for_answer(message_id: int, due_at: datetime, *, admitted: bool) -> None:
    """Inside a write: the bot answers this message from `due_at` on; see core.limits for `admitted`."""
    change(message_id, answer_due_at=due_at, admitted=admitted)


def postpone_answers(conversation_id: int, due_at: datetime, *, arrived_after: datetime) -> None:
    """Inside a write: a burst is answered together, but nobody waits longer than since `arrived_after`."""
    db.run(
        "UPDATE message SET answer_due_at = max(answer_due_at, ?) WHERE conversation_id = ? "
        "AND answer_due_at IS NOT NULL AND created_at > ?",
        due_at,
        conversation_id,
        arrived_after,
    )


def leave_to_person(message_id: int, reason: str) -> None:
    """Inside a write: the bot will not answer this message, and why."""
    change(message_id, answer_due_at=None, for_person=reason)


def next_answer_due() -> datetime | None:
    """When the next answer is due."""
    found = db.one("SELECT min(answer_due_at) FROM message WHERE answer_due_at IS NOT NULL")
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def conversations_to_answer(now: datetime, most: int) -> list[int]:
    """The conversations with an answer due, longest waiting first."""
    sql = (
        "SELECT conversation_id, min(answer_due_at) FROM message WHERE answer_due_at <= ? "
        "GROUP BY conversation_id ORDER BY 2 LIMIT ?"
    )
    return [row[0] for row in db.rows(sql, now, most)]


def unanswered(conversation_id: int) -> list[Message]:
    """What the bot has not answered yet in this conversation, in order."""
    return Message.load("WHERE conversation_id = ? AND answer_due_at IS NOT NULL ORDER BY id", conversation_id)


def history(tenant_id: int, conversation_id: int, *, before: int | None, most: int) -> list[Message]:
    """A conversation's messages, newest first; `before` is the id to go on from."""
    found = Message.select().where(Message.tenant == tenant_id, Message.conversation == conversation_id)
    if before is not None:
        found = found.where(Message.id < before)
    return list(found.order_by(Message.id.desc()).limit(most))


def last_of(tenant_id: int, ids: list[int]) -> Mapping[int, Message]:
    """The tenant's messages with these ids, by id; for showing the last one of each conversation."""
    return {row.id: row for row in Message.select().where(Message.tenant == tenant_id, Message.id.in_(ids))}


FAILED_WORDS = (words.Status.FAILED, words.Status.UNDELIVERED, words.Status.DEAD)
