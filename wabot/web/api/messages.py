"""Messages to a customer by number, for bookings and the like, and taking one back before it is sent."""

from typing import Annotated

from flask import Blueprint, Response, jsonify
from pydantic import Field, field_validator

from wabot import errors, words
from wabot.core import confirming, retrying, sending, shapes
from wabot.web import auth
from wabot.web.api import drafts
from wabot.web.problems import Problem

blueprint = Blueprint("messages", __name__, url_prefix="/restaurants/<slug>/messages")

LONGEST_TYPE = 40
LONGEST_ADDRESS = 200


class MessageBody(drafts.DraftBody):
    """A draft, whom it is for, and why it is sent."""

    to: Annotated[str, Field(min_length=1, max_length=LONGEST_ADDRESS)]
    type: Annotated[str, Field(max_length=LONGEST_TYPE)] = words.Purpose.AGENT

    @field_validator("type")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise ValueError("a word for why it is sent")
        return value.strip()


@blueprint.post("")
def send(slug: str) -> Response:
    """Queue a message, with the address at which its customer sees what became of it."""
    tenant = auth.own_tenant(slug, to_write=True)
    body = drafts.read(MessageBody, drafts.json_body())
    queued = sending.send(
        tenant.slug,
        body.to,
        body.draft(body.type),
        channel_id=body.channel_id,
        idempotency_key=drafts.idempotency_key(),
    )
    response = jsonify(message=shapes.message(queued), confirmationUrl=confirming.url(queued))
    response.status_code = 202
    return response


@blueprint.delete("/<int:message_id>")
def cancel(slug: str, message_id: int) -> Response:
    """Take a message out of the outbox, unless somebody is sending it or has sent it."""
    tenant = auth.own_tenant(slug, to_write=True)
    try:
        cancelled = retrying.cancel(tenant.id, message_id, actor=auth.actor())
    except errors.Conflict as error:
        raise Problem(409, "already_sending", f"{error}.".capitalize()) from error
    return jsonify(shapes.message(cancelled))
