"""The cache, what has to be fetched for it and who waits for that, and welcome bootstraps with the moments at which
they began."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE cache (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    size INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL,
    fresh_until INTEGER NOT NULL,
    usable_until INTEGER NOT NULL,
    UNIQUE (tenant_id, key)
) STRICT;
CREATE INDEX cache_age ON cache(usable_until);

CREATE TABLE wanted (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    due_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    failed_at INTEGER,
    error_code TEXT NOT NULL DEFAULT '',
    UNIQUE (tenant_id, key)
) STRICT;
CREATE INDEX wanted_due ON wanted(due_at) WHERE due_at IS NOT NULL;

CREATE TABLE waiting (
    wanted_id INTEGER NOT NULL REFERENCES wanted(id) ON DELETE CASCADE,
    conversation_id INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    until INTEGER NOT NULL,
    PRIMARY KEY (wanted_id, conversation_id)
) STRICT;
CREATE INDEX waiting_conversation ON waiting(conversation_id);

CREATE TABLE bootstrap (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER REFERENCES channel(id) ON DELETE SET NULL,
    customer_id INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'partial', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    worker TEXT NOT NULL DEFAULT '',
    categories INTEGER,
    branches INTEGER,
    templates INTEGER,
    ms INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX bootstrap_due ON bootstrap(status, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX bootstrap_tenant ON bootstrap(tenant_id, id);
CREATE INDEX bootstrap_customer ON bootstrap(customer_id, channel_id);
CREATE INDEX bootstrap_channel ON bootstrap(channel_id);
CREATE INDEX bootstrap_age ON bootstrap(ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE bootstrap_start (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX bootstrap_start_at ON bootstrap_start(at);
"""
