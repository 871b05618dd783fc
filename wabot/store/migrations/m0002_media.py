"""Files: what customers sent and what is sent to them, kept in chunks. Messages that the business wrote elsewhere
have no turn in the outbox; each is stored once. What a webhook was about, for people. Replaced credentials verify
webhooks for a while longer; a channel's account at its provider, which others may share, can be looked up."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE media (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER REFERENCES channel(id) ON DELETE CASCADE,
    message_id INTEGER REFERENCES message(id) ON DELETE CASCADE,
    key TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    reference TEXT NOT NULL DEFAULT '',
    mime_type TEXT NOT NULL DEFAULT '',
    filename TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX media_tenant ON media(tenant_id, id);
CREATE INDEX media_channel ON media(channel_id);
CREATE INDEX media_message ON media(message_id);
CREATE INDEX media_due ON media(due_at) WHERE state = 'pending';
CREATE INDEX media_age ON media(created_at) WHERE state <> 'expired';

CREATE TABLE media_chunk (
    media_id INTEGER NOT NULL REFERENCES media(id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (media_id, n)
) STRICT;

CREATE TABLE sandbox_media (
    id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    key TEXT NOT NULL UNIQUE,
    mime_type TEXT NOT NULL,
    filename TEXT NOT NULL DEFAULT '',
    data BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sandbox_media_channel ON sandbox_media(channel_id);

CREATE UNIQUE INDEX message_elsewhere ON message(channel_id, provider_message_id)
    WHERE direction = 'OUT' AND turn IS NULL;
ALTER TABLE webhook ADD COLUMN about TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN former_credentials BLOB;
ALTER TABLE channel ADD COLUMN former_until INTEGER;
ALTER TABLE channel ADD COLUMN account TEXT NOT NULL DEFAULT '';
CREATE INDEX channel_account ON channel(provider, account);
"""
