"""What the ledger is counted by: sessions, what providers say a message is billed as, and kept days of figures.

A kept day that changes after it was counted is marked by triggers, so that no writer can forget it."""

COMPATIBLE_FROM = 1

_DAY_OF = """
    UPDATE daily_usage SET stale = stale + 1 WHERE channel_id = {row}.channel_id AND source = 'observed'
    AND begins_at BETWEEN {row}.{at} - 172800000 AND {row}.{at} AND ends_at > {row}.{at};
"""

SQL = f"""
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    customer_id INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
    message_id INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_customer ON session(customer_id, opened_at);
CREATE INDEX session_tenant ON session(tenant_id, opened_at);
CREATE INDEX session_channel ON session(channel_id, opened_at);

CREATE TABLE daily_usage (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    source TEXT NOT NULL,
    begins_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    messages_in INTEGER NOT NULL DEFAULT 0,
    messages_out INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    billable INTEGER NOT NULL DEFAULT 0,
    conversations INTEGER NOT NULL DEFAULT 0,
    categories TEXT NOT NULL DEFAULT '{{}}',
    cost_micros INTEGER,
    currency TEXT NOT NULL DEFAULT '',
    stale INTEGER NOT NULL DEFAULT 0,
    computed_at INTEGER NOT NULL,
    UNIQUE (tenant_id, channel_id, day, source)
) STRICT;
CREATE INDEX daily_usage_tenant ON daily_usage(tenant_id, day);
CREATE INDEX daily_usage_channel ON daily_usage(channel_id, begins_at);

ALTER TABLE message ADD COLUMN category TEXT;
ALTER TABLE message ADD COLUMN pricing_type TEXT;
ALTER TABLE message ADD COLUMN pricing_model TEXT;
ALTER TABLE message ADD COLUMN billable INTEGER;
CREATE INDEX message_day ON message(channel_id, created_at);

CREATE TRIGGER usage_message AFTER INSERT ON message BEGIN {_DAY_OF.format(row="NEW", at="created_at")} END;
CREATE TRIGGER usage_change AFTER UPDATE OF sent_at, delivered_at, category, billable ON message
    WHEN OLD.sent_at IS NOT NEW.sent_at OR OLD.delivered_at IS NOT NEW.delivered_at
    OR OLD.category IS NOT NEW.category OR OLD.billable IS NOT NEW.billable
    BEGIN {_DAY_OF.format(row="NEW", at="created_at")} END;
CREATE TRIGGER usage_session AFTER INSERT ON session BEGIN {_DAY_OF.format(row="NEW", at="opened_at")} END;
CREATE TRIGGER usage_no_session AFTER DELETE ON session BEGIN {_DAY_OF.format(row="OLD", at="opened_at")} END;

CREATE TABLE backfill (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, last_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO backfill SELECT 'sessions', 0, max(id) FROM message HAVING max(id) > 0;
"""  # noqa: S608 - the step's own text
