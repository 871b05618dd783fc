"""Who answers a customer: the bot, or a person of the business."""

from datetime import datetime, timedelta
from typing import Any

from wabot import clock, errors, words
from wabot.core import profile
from wabot.store import audit, customers, db, events, messages
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Tenant


def has_person(conversation: Conversation, now: datetime) -> bool:
    """Whether a person has taken over, so that the bot is silent."""
    return not conversation.bot_active or bool(conversation.bot_paused_until and conversation.bot_paused_until > now)


def yield_to_person(tenant: Tenant, conversation: Conversation, at: datetime, now: datetime) -> None:
    """Inside a write: somebody of the business wrote here then, so the bot is silent for a while after it, and what
    still waited for it is theirs. A customer who has not written since is no longer waiting for anybody."""
    customers.pause_bot(conversation.id, min(at, now) + _pause(tenant))
    for message in messages.unanswered(conversation.id):
        if at >= now or message.event_at <= at:
            messages.leave_to_person(message.id, "taken_over")
    if at >= now or conversation.last_in_at is None or conversation.last_in_at <= at:
        Conversation.change(conversation.id, state=words.ConversationState.WAITING)
    _tell(conversation, now)


def hand_over(tenant: Tenant, conversation: Conversation, now: datetime, *, least: timedelta = timedelta()) -> None:
    """Inside a write: the bot asks for a person and is silent for a while, `least` at least."""
    conversation.bot_paused_until = now + max(_pause(tenant), least)
    customers.call_person(conversation.id, conversation.bot_paused_until)
    _tell(conversation, now)


def leave(message: Message, reason: str, now: datetime) -> None:
    """Inside a write: the bot will not answer this message, and why; a person has to look."""
    messages.leave_to_person(message.id, reason)
    if customers.call_person(message.conversation_id):
        events.add(message.tenant_id, events.Topic.CONVERSATIONS, _UPDATED, message.conversation_id, now)


def change(
    tenant_id: int,
    conversation_id: int,
    *,
    is_bot_active: bool | None = None,
    is_read: bool = False,
    state: words.ConversationState | None = None,
    actor: str,
) -> Conversation:
    """The tenant's conversation as somebody of the business wants it. Raises NotFound.

    A bot that is switched off stays silent until it is switched on, and then answers what comes from now on: what came
    in between is a person's. Who switches it on has seen to what was waiting, unless `state` says otherwise.
    """

    def store() -> Conversation:
        now, found = clock.now(), _find(tenant_id, conversation_id)
        changes = _changes(found, is_bot_active, is_read, state)
        if any(getattr(found, name) != value for name, value in changes.items()):
            Conversation.change(found.id, **changes)
            _tell(found, now)
            audit.note("change conversation", now, actor=actor, tenant=found.tenant.slug, subject=_subject(found))
        return _find(tenant_id, conversation_id)

    return db.write(store)


def _changes(
    found: Conversation, is_bot_active: bool | None, is_read: bool, state: words.ConversationState | None
) -> dict[str, Any]:
    changes: dict[str, Any] = {"unread": 0} if is_read else {}
    if is_bot_active is not None:
        changes |= {"bot_active": is_bot_active, "bot_paused_until": None}
    if is_bot_active and found.state is words.ConversationState.NEEDS_PERSON:
        changes["state"] = words.ConversationState.BOT
    return changes | ({"state": state} if state else {})


def _find(tenant_id: int, conversation_id: int) -> Conversation:
    found = customers.conversation_of(tenant_id, conversation_id)
    if found is None:
        raise errors.NotFound(f"there is no conversation {conversation_id}")
    return found


def _pause(tenant: Tenant) -> timedelta:
    return timedelta(minutes=int(profile.setting(tenant, "handover_minutes")))


_UPDATED = "conversation.updated"


def _tell(conversation: Conversation, now: datetime) -> None:
    events.add(conversation.tenant_id, events.Topic.CONVERSATIONS, _UPDATED, conversation.id, now)


def _subject(conversation: Conversation) -> str:
    return f"conversation {conversation.id}"
