"""Under which names a tenant's customer is known: numbers and business-scoped ids, exactly as providers gave
them. Two customers who turn out to be one are merged without losing history."""

import re
from collections.abc import Iterator

from wabot import words
from wabot.store import db, sessions
from wabot.store.fields import clean

_MEXICO = re.compile(r"\+52(1?)([0-9]{10})")
_ARGENTINA = re.compile(r"\+549([0-9]{10})")
_BRAZIL = re.compile(r"\+55([0-9]{2})(9?)([6-9][0-9]{7})")


def variants(phone: str) -> Iterator[str]:
    """Other spellings under which WhatsApp knows the same subscriber; for looking up, never for writing.

    Mexico's 1 after 52 and Brazil's ninth digit come and go. Argentina's 9 only goes: a number without it can
    be a landline of somebody else. (chatwoot's phone normalizers and PR #14926; issues #5840 and #13932)
    """
    if found := _MEXICO.fullmatch(phone):
        yield f"+52{'' if found[1] else '1'}{found[2]}"
    if found := _ARGENTINA.fullmatch(phone):
        yield f"+54{found[1]}"
    if found := _BRAZIL.fullmatch(phone):
        yield f"+55{found[1]}{'' if found[2] else '9'}{found[3]}"


def customers_known_as(tenant_id: int, identity: words.Identity) -> list[int]:
    """The ids of the tenant's customers with one of these names, each once, strongest name first; by another
    spelling of the number only when no name of theirs is known."""
    known = [_known(tenant_id, alias) for alias in identity.aliases()]
    exact = list(dict.fromkeys(customer_id for customer_id in known if customer_id is not None))
    if exact:
        return exact
    phones = [alias.removeprefix("phone:") for alias in identity.aliases() if alias.startswith("phone:")]
    spelled = [_known(tenant_id, f"phone:{other}") for phone in phones for other in variants(phone)]
    return [customer_id for customer_id in spelled if customer_id is not None][:1]


def _known(tenant_id: int, alias: str) -> int | None:
    found = db.one("SELECT customer_id FROM alias WHERE tenant_id = ? AND alias = ?", tenant_id, clean(alias))
    return int(found[0]) if found else None


def note(tenant_id: int, customer_id: int, identity: words.Identity) -> None:
    """Inside a write: the customer is known under these names too."""
    for alias in identity.aliases():
        db.run(
            "INSERT INTO alias (tenant_id, alias, customer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            tenant_id,
            clean(alias),
            customer_id,
        )


def merge(tenant_id: int, kept: int, gone: int) -> None:
    """Inside a write: both were the same person. Everything of `gone` belongs to `kept` from now on; where both
    spoke with one channel, their conversations become one, in the order of their messages."""
    theirs = "SELECT id, channel_id FROM conversation WHERE tenant_id = ? AND customer_id = ?"
    same = "SELECT id, last_turn FROM conversation WHERE channel_id = ? AND customer_id = ?"
    for conversation_id, channel_id in db.rows(theirs, tenant_id, gone):
        into = db.one(same, channel_id, kept)
        if into is None:
            db.run("UPDATE conversation SET customer_id = ? WHERE id = ?", kept, conversation_id)
        else:
            _join(conversation_id, int(into[0]), int(into[1]))
    for table in ("message", "alias", "orders", "bootstrap"):
        db.run(f"UPDATE {table} SET customer_id = ? WHERE customer_id = ?", kept, gone)  # noqa: S608
    sessions.merge(tenant_id, kept, gone)
    db.run("DELETE FROM customer WHERE id = ? AND tenant_id = ?", gone, tenant_id)


_JOIN = """
UPDATE conversation SET
    unread = conversation.unread + other.unread,
    last_turn = conversation.last_turn + other.last_turn,
    last_message_id = max(conversation.last_message_id, other.last_message_id),
    last_in_at = nullif(max(coalesce(conversation.last_in_at, 0), coalesce(other.last_in_at, 0)), 0),
    bot_active = min(conversation.bot_active, other.bot_active),
    bot_paused_until = nullif(max(coalesce(conversation.bot_paused_until, 0), coalesce(other.bot_paused_until, 0)), 0),
    state = CASE 'needs_person' WHEN other.state THEN other.state ELSE conversation.state END
FROM conversation AS other WHERE conversation.id = ? AND other.id = ?
"""


def _join(conversation_id: int, into: int, turns: int) -> None:
    """What waits in the joined conversation is sent after what waits in the other."""
    move = "UPDATE message SET conversation_id = ?, turn = turn + ? WHERE conversation_id = ?"
    db.run(move, into, turns, conversation_id)
    db.run("UPDATE orders SET conversation_id = ? WHERE conversation_id = ?", into, conversation_id)
    db.run(_JOIN, into, conversation_id)
    db.run("DELETE FROM conversation WHERE id = ?", conversation_id)
