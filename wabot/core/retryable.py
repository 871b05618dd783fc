"""Whether a message can be sent again and whether that would help; and sending it: one attempt more of the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wabot import config, errors, words
from wabot.core import hints, templates
from wabot.providers import answers
from wabot.store import messages, outbox, rules
from wabot.store import templates as registry
from wabot.store.messages import FAILED_WORDS, Message

MAY_HAVE_BEEN_SENT = ("maybe_sent", "poison")
"""Codes of dead messages that perhaps were not so dead: only who insists sends them again."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that was not sent again, and why: a code, and a sentence."""

    message_id: int
    code: str
    reason: str


def has_failed(message: Message) -> bool:
    """Whether its last attempt failed: for good, or until its retry. What was written elsewhere never has."""
    waits = message.status is words.Status.QUEUED and message.retry_due
    return message.turn is not None and (message.status in FAILED_WORDS or waits)


def why_not(message: Message, now: datetime) -> Skipped | None:
    """Why sending a message again makes no sense: it has not failed, or the same would come of it."""
    if not has_failed(message):
        return Skipped(message.id, "not_failed", f"message {message.id} has not failed: it is {message.status}")
    if message.error_code in MAY_HAVE_BEEN_SENT:
        return Skipped(message.id, message.error_code, "it may have been sent: again could be twice")
    template = registry.by_id(message.template_id) if message.template_id else None
    if template is not None and template.status.upper() in templates.UNUSABLE:
        return Skipped(message.id, "template_unknown", f"the template is {template.status.lower()}")
    free = message.kind != words.Kind.TEMPLATE
    code = rules.forbids(message.conversation, message.channel, now, free=free, template=template)
    if code and not (code == "allowance_spent" and message.attempts):
        return Skipped(message.id, code, _FORBIDDEN[code])
    return _refused_again(message)


def _refused_again(message: Message) -> Skipped | None:
    """What the provider would surely say once more: not where the operator may have mended it, nor where the customer
    has written since, so that the window is open again and the number good."""
    meaning = hints.meaning(message.channel.provider, message.error_code)
    if not issubclass(meaning.verdict, errors.PermanentFailure) or issubclass(meaning.verdict, hints.OPERATORS):
        return None
    last_in_at = message.conversation.last_in_at
    heard = last_in_at is not None and last_in_at > (message.failed_at or message.created_at)
    if heard and issubclass(meaning.verdict, errors.RecipientRefused):
        return None
    return Skipped(message.id, _word(meaning), message.error_message or "the provider would refuse it again")


def _word(meaning: answers.Meaning) -> str:
    return _WORDS.get(meaning.reason, "cannot_help")


_WORDS: Mapping[words.Reason, str] = {
    words.Reason.NUMBER: "invalid_number",
    words.Reason.NOT_ON_WHATSAPP: "invalid_number",
    words.Reason.OPTED_OUT: "opted_out",
    words.Reason.WINDOW: "window_closed",
}
_FORBIDDEN: Mapping[str, str] = {
    "opted_out": "the customer has asked not to be written to",
    "window_closed": "the customer has not written in the last 24 hours",
    "allowance_spent": "the channel's allowance for today is spent",
}


def send_again(message: Message, by: words.AttemptBy, now: datetime) -> None:
    """Inside a write: one attempt more. One that waits for its retry is tried now, in its place; what had ended gets a
    new place, time to be sent, and what its template is called today."""
    if message.status is words.Status.QUEUED:
        messages.change(message.id, due_at=now, due_by=by)
        return
    ttl = timedelta(seconds=config.settings().wabot_message_ttl)
    outbox.requeue(
        message,
        now,
        due_by=by,
        retry_due=False,
        critical=False,
        error_code="",
        error_message="",
        failed_at=None,
        asked_at=None,
        turn=outbox.new_turn(message),
        expires_at=max(message.expires_at or now, now + ttl),
        payload=_payload(message),
    )


def _payload(message: Message) -> dict[str, Any]:
    """The operator may have corrected what the provider calls the template."""
    payload: dict[str, Any] = dict(message.payload)
    template = registry.by_id(message.template_id) if message.template_id else None
    if template is not None and "template" in payload:
        payload["template"] = {**payload["template"], "provider_id": template.provider_id}
    return payload
