"""What went back and forth in a conversation lately: what tells a person from a bot at the other end."""

from datetime import datetime

from wabot import clock
from wabot.store import db
from wabot.store.messages import Message


def newest_answers(conversation_id: int, most: int) -> list[datetime]:
    """When the newest `most` messages of the bot were queued, newest first."""
    sql = (
        "SELECT created_at FROM message WHERE conversation_id = ? AND direction = 'OUT' "
        "AND idempotency_key LIKE 'answer:%' ORDER BY id DESC LIMIT ?"
    )
    return [clock.from_ms(row[0]) for row in db.rows(sql, conversation_id, most)]


def before(message: Message, most: int, *, since: datetime) -> list[tuple[str, str]]:
    """The direction and text of the last `most` messages before this one in its conversation, newest first, as far as
    they are younger than `since`."""
    sql = (
        "SELECT direction, body FROM (SELECT direction, body, created_at FROM message WHERE conversation_id = ? "
        "AND id < ? ORDER BY id DESC LIMIT ?) WHERE created_at > ?"
    )
    return [(row[0], row[1]) for row in db.rows(sql, message.conversation_id, message.id, most, since)]
