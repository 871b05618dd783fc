"""A tenant's conversations: their messages, and answering in them."""

from collections.abc import Mapping
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field, model_validator

from wabot import words
from wabot.core import handing_over, sending, shapes
from wabot.store import customers, media, messages
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.web import auth
from wabot.web.api import drafts, paging
from wabot.web.problems import Problem

blueprint = Blueprint("conversations", __name__, url_prefix="/restaurants/<slug>/conversations")


@blueprint.get("")
def conversations(slug: str) -> Response:
    """A page of conversations, latest activity first."""
    tenant = auth.tenant_for(slug)
    state = request.args.get("state", "")
    if state and state not in set(words.ConversationState):
        raise Problem(400, "bad_state", f"state is one of {', '.join(words.ConversationState)}.")
    page = paging.requested()
    search = request.args.get("q", "")[:100]
    found = customers.page(tenant.id, before=page.before, search=search, state=state, most=page.limit + 1)
    last = messages.last_of(tenant.id, [conversation.last_message_id for conversation in found])
    return jsonify(paging.shaped(found, page, lambda row: _shape(row, last), lambda row: int(row.last_message_id)))


class ChangeBody(drafts.Body):
    """What a conversation can be told: who answers, that it was read, what state it is in."""

    is_bot_active: bool | None = None
    unread_count: Annotated[int, Field(ge=0, le=0)] | None = None
    state: Annotated[words.ConversationState, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _something(self) -> "ChangeBody":
        if self.is_bot_active is None and self.unread_count is None and self.state is None:
            raise ValueError("say isBotActive, unreadCount or state")
        return self


@blueprint.patch("/<int:conversation_id>")
def change(slug: str, conversation_id: int) -> Response:
    """Switch the bot of a conversation off or on, mark it as read, set its state."""
    tenant = auth.own_tenant(slug, to_write=True)
    found = _find(tenant.id, conversation_id)
    body = drafts.read(ChangeBody, drafts.json_body())
    changed = handing_over.change(
        tenant.id,
        found.id,
        is_bot_active=body.is_bot_active,
        is_read=body.unread_count is not None,
        state=body.state,
        actor=auth.actor(),
    )
    return jsonify(_shape(changed, messages.last_of(tenant.id, [changed.last_message_id])))


def _shape(conversation: Conversation, last: Mapping[int, Message]) -> dict[str, Any]:
    return shapes.conversation(conversation, last.get(conversation.last_message_id))


@blueprint.get("/<int:conversation_id>/messages")
def history(slug: str, conversation_id: int) -> Response:
    """A page of one conversation's messages, newest first."""
    tenant = auth.tenant_for(slug)
    _find(tenant.id, conversation_id)
    page = paging.requested()
    found = messages.history(tenant.id, conversation_id, before=page.before, most=page.limit + 1)
    files = media.of_messages(tenant.id, [message.id for message in found])
    return jsonify(
        paging.shaped(found, page, lambda row: shapes.message(row, files.get(row.id, ())), lambda row: int(row.id))
    )


@blueprint.post("/<int:conversation_id>/send")
def send(slug: str, conversation_id: int) -> Response:
    """Queue a message to the conversation's customer."""
    tenant = auth.own_tenant(slug, to_write=True)
    _find(tenant.id, conversation_id)
    body = drafts.read(drafts.DraftBody, drafts.json_body())
    queued = sending.reply(
        tenant.id,
        conversation_id,
        body.draft(words.Purpose.AGENT),
        channel_id=body.channel_id,
        idempotency_key=drafts.idempotency_key(),
    )
    response = jsonify(message=shapes.message(queued))
    response.status_code = 202
    return response


def _find(tenant_id: int, conversation_id: int) -> Conversation:
    """The tenant's conversation. Raises Problem 404, for an id that no file can hold too."""
    found = customers.conversation_of(tenant_id, conversation_id) if conversation_id < 1 << 63 else None
    if found is None:
        raise Problem(404, "not_found", "There is no such thing.")
    return found
