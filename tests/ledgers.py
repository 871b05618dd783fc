"""Ledgers as large as years of work leave them, written by a few statements of SQL: the same recent activity with more
or less history behind it. For tests and the benchmark alone."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw

from wabot import clock
from wabot.store import db, migrate

NOW = datetime(2027, 3, 20, 12, tzinfo=UTC)
"""The moment that it is in these ledgers: the last message is ten minutes old."""
TENANTS = 200
MESSAGES_A_VISIT = 4
RECENT_SHARE = 0.8
"""Of the messages of a ledger with one time the history, those of the last 210 days, which is all that pages read but
those of a year."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """How many messages there are to be, of which those of the last 210 days are the same in every ledger of the same
    `recent`, and all others, older by up to three years, are what differs."""

    messages: int
    recent: int

    @property
    def recent_visits(self) -> int:
        return self.recent // MESSAGES_A_VISIT // TENANTS

    @property
    def old_visits(self) -> int:
        return (self.messages - self.recent) // MESSAGES_A_VISIT // TENANTS


def pair(messages: int) -> tuple[Ledger, Ledger]:
    """Ledgers of a tenth of so many messages and of all of them, of the same recent activity."""
    recent = int(messages * RECENT_SHARE / 10)
    return Ledger(messages // 10, recent), Ledger(messages, recent)


def build(file: Path, ledger: Ledger) -> None:
    """Make this file such a ledger."""
    migrate.migrate(file)
    with closing(db.connect(file, cache_kib=-65536, may_write=True)) as connection:
        list(connection.execute("PRAGMA synchronous=OFF"))
        values = {"now": clock.to_ms(NOW), "tenants": TENANTS, "recent": ledger.recent_visits, "old": ledger.old_visits}
        with connection, _bare(connection):
            for statement in _VISITS, *_ROWS:
                list(connection.execute(statement, values))
        list(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"))


@contextmanager
def _bare(connection: apsw.Connection) -> Iterator[None]:
    """Without the triggers, and without the indexes, which are written much faster when all rows are there."""
    made = list(connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') "
                                   "AND sql IS NOT NULL ORDER BY type"))  # fmt: skip
    for kind, name, _ in made:
        connection.execute(f"DROP {kind} {name}")
    yield
    for _, _, sql in made:
        connection.execute(sql)


_VISITS = """
CREATE TEMP TABLE visit AS
WITH RECURSIVE tenant(t) AS (SELECT 1 UNION ALL SELECT t + 1 FROM tenant WHERE t < :tenants),
    old(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM old WHERE k < :old),
    recent(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM recent WHERE k < :recent)
SELECT t, 100000 * t + k % 15 AS person,
    :now - 600000 - CAST(210 * 86400000.0 * (k - 1) * (k - 1) * (k - 1) / (:recent * :recent * :recent) AS INTEGER)
    - 1000 * t AS at
FROM tenant, recent
UNION ALL
SELECT t, 100000 * t + k % (15 + :old / 2),
    :now - 220 * 86400000 - CAST(1095 * 86400000.0 * k / :old AS INTEGER) - 1000 * t
FROM tenant, old
"""
"""A customer writes, is answered, writes again and is answered again. The nearer to now, the more of them."""

_ROWS = (
    """
    INSERT INTO tenant (id, slug, name, timezone, locale, currency, daily_limit, orders_key, created_at)
    SELECT DISTINCT t, printf('tenant%03d', t), 'Bait', 'Asia/Riyadh', 'en', 'SAR', 1000, 'orders' || t, 0 FROM visit
    """,
    """
    INSERT INTO channel (id, tenant_id, provider, number, route, key, credentials, out_per_day, created_at)
    SELECT id, id, 'sandbox', printf('+9665%08d', id), printf('+9665%08d', id), 'channel' || id, x'00', 1000, 0
    FROM tenant
    """,
    """
    INSERT INTO customer (id, tenant_id, address, wa_id, created_at)
    SELECT person, t, printf('+9666%08d', person), printf('9666%08d', person), min(at) FROM visit GROUP BY 1
    """,
    """
    INSERT INTO conversation (id, tenant_id, channel_id, customer_id, created_at)
    SELECT person, t, t, person, min(at) FROM visit GROUP BY 1
    """,
    """
    INSERT INTO message (uid, tenant_id, channel_id, customer_id, conversation_id, direction, kind, purpose, step, body,
        status, provider_message_id, turn, attempts, retry_count, category, billable, pricing_type, created_at, sent_at,
        delivered_at, read_at)
    SELECT printf('%032x', row_number() OVER (ORDER BY at + after)), t, t, person, person, direction, 'text',
        iif(direction = 'OUT', 'reply', ''), iif(direction = 'OUT', 'greeting', ''), 'As you like it',
        CASE WHEN direction = 'IN' THEN 'received' WHEN failed THEN 'failed' ELSE 'read' END,
        iif(direction = 'IN', printf('in.%d.%d.%d', person, at, after), NULL), iif(direction = 'OUT', after, NULL),
        CASE WHEN direction = 'IN' THEN 0 WHEN failed THEN 4 ELSE 1 END, iif(direction = 'OUT' AND failed, 3, 0),
        iif(went_out, iif(after < 9000, 'utility', 'service'), NULL), iif(went_out, after < 9000, NULL),
        iif(went_out, iif(after < 9000, 'regular', 'free_customer_service'), NULL),
        at + after, iif(went_out, at + after + 900, NULL),
        iif(went_out, at + after + 2000, NULL), iif(went_out, at + after + 9000, NULL)
    FROM (
        SELECT *, direction = 'OUT' AND NOT failed AS went_out FROM (
            SELECT *, (at / 1000 + after) % 33 = 0 AS failed FROM visit, (
                SELECT 0 AS after, 'IN' AS direction UNION ALL SELECT 4000, 'OUT' UNION ALL
                SELECT 60000, 'IN' UNION ALL SELECT 63000, 'OUT')))
    ORDER BY at + after
    """,
    """
    INSERT INTO attempt (message_id, tenant_id, channel_id, n, status, rank, worker, started_at, settled_at,
        provider_message_id)
    SELECT id, tenant_id, channel_id, 1, status, 4, 'w', created_at, created_at + 900, 'out.' || id
    FROM message WHERE direction = 'OUT'
    """,
    """
    INSERT INTO session (tenant_id, channel_id, customer_id, message_id, opened_at, ends_at)
    SELECT t, t, person, 0, at, at + 86400000 FROM visit ORDER BY at
    """,
    """
    UPDATE conversation SET last_message_id = l.id, last_in_at = l.at
    FROM (SELECT conversation_id, max(id) AS id, max(created_at) AS at FROM message GROUP BY 1) l
    WHERE l.conversation_id = conversation.id
    """,
    """
    INSERT INTO rate_card (id, file_name, currencies, size, begun_at, loaded_at)
    VALUES (1, 'a card', json_array('SAR'), 2, 0, 0)
    """,
    """
    INSERT INTO rate (card_id, category, country, from_day, currency, price_micros, free)
    VALUES (1, 'utility', '*', '2020-01-01', 'SAR', 40000, 0), (1, 'service', '*', '2020-01-01', 'SAR', 20000, 1000)
    """,
    "DROP TABLE temp.visit",
)
