"""Outgoing messages that have come to some state, many at once; and what a test wants to see of them."""

from typing import Any

from tests.web.conftest import Cast
from wabot import clock, words
from wabot.core import sending
from wabot.store import db, messages
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.words import Status

DEAD: dict[str, Any] = {"status": Status.DEAD, "retry_count": 3, "attempts": 4, "critical": True, "due_at": None,
                        "error_code": "temporary", "error_message": "as told"}  # fmt: skip
FAILED: dict[str, Any] = {"status": Status.FAILED, "attempts": 1, "due_at": None, "error_code": "setup"}
WAITING: dict[str, Any] = {"retry_due": True, "attempts": 1, "error_code": "temporary"}
SENT: dict[str, Any] = {"status": Status.SENT, "attempts": 1, "due_at": None}


def add(cast: Cast, number: int = 1, *, slug: str = "bait", purpose: str = "reminder", **values: Any) -> list[int]:
    """So many messages in the tenant's conversation, in this state; their ids."""

    def store() -> list[int]:
        now = clock.now()
        conversation = Conversation.get_by_id(cast.conversation_id(slug))
        draft = words.Draft(words.Kind.TEXT, f"of {slug}", purpose=purpose)
        made = [sending.enqueue(conversation, draft, key=None, now=now, ttl_seconds=3600).id for _ in range(number)]
        for message_id in made if values else ():
            messages.change(message_id, **{"failed_at": now, **values} if values.get("error_code") else values)
        return made

    return db.write(store)


def find(message_id: int) -> Message:
    found = messages.by_id(message_id)
    assert found is not None
    return found


def statuses(ids: list[int]) -> list[str]:
    return [find(message_id).status for message_id in ids]


def journal() -> list[tuple[str, str, str, str]]:
    """What people did: actor, action, tenant, subject."""
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in
            db.rows("SELECT actor, action, tenant, subject FROM audit ORDER BY id")]  # fmt: skip
