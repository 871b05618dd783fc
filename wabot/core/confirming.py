"""What a customer may see of a message: whether it was sent, by a token that nobody can guess."""

from dataclasses import dataclass

from wabot import config, errors, words
from wabot.store import logs
from wabot.store.messages import Message

SENT = frozenset({words.Status.SENT, words.Status.DELIVERED, words.Status.READ})


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whether the message was sent, and the language of its tenant."""

    sent: bool
    locale: str


def url(message: Message) -> str | None:
    """The address of the page that shows it; None for a message without a token."""
    return f"{config.settings().wabot_public_url}/c/{message.token}" if message.token else None


def find(token: str) -> Confirmation:
    """What became of the message with this token. Raises NotFound."""
    message = logs.with_token(token)
    if message is None:
        raise errors.NotFound("no message has this token")
    return Confirmation(message.status in SENT, message.tenant.locale)
