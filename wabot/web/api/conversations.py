"""A tenant's conversations and their messages."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from wabot import words
from wabot.core import shapes
from wabot.store import customers, messages
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.web import auth
from wabot.web.api import paging
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


def _shape(conversation: Conversation, last: Mapping[int, Message]) -> dict[str, Any]:
    return shapes.conversation(conversation, last.get(conversation.last_message_id))


@blueprint.get("/<int:conversation_id>/messages")
def history(slug: str, conversation_id: int) -> Response:
    """A page of one conversation's messages, newest first."""
    tenant = auth.tenant_for(slug)
    if conversation_id >= 1 << 63 or customers.conversation_of(tenant.id, conversation_id) is None:
        raise Problem(404, "not_found", "There is no such thing.")
    page = paging.requested()
    found = messages.history(tenant.id, conversation_id, before=page.before, most=page.limit + 1)
    return jsonify(paging.shaped(found, page, shapes.message, lambda row: int(row.id)))
