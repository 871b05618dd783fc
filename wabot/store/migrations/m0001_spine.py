"""The spine: tenants and channels, the journal, customers and conversations, ledger and outbox,
limits, tokens, the kept menu, the sandbox, and Huey's own four tables."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE tenant (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    locale TEXT NOT NULL,
    currency TEXT NOT NULL,
    catalog_merchant TEXT NOT NULL DEFAULT '',
    daily_limit INTEGER NOT NULL,
    in_per_minute INTEGER,
    in_per_customer INTEGER,
    settings TEXT NOT NULL DEFAULT '{}',
    orders_key TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT 'active',
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    number TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    credentials BLOB NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    pause_code TEXT NOT NULL DEFAULT '',
    pause_reason TEXT NOT NULL DEFAULT '',
    paused_at INTEGER,
    held_until INTEGER,
    out_per_minute INTEGER,
    out_per_day INTEGER NOT NULL,
    last_claim INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX channel_tenant ON channel(tenant_id);
CREATE INDEX channel_turn ON channel(last_claim, id);
CREATE UNIQUE INDEX channel_route ON channel(number) WHERE status = 'active';
CREATE INDEX channel_addressed ON channel(provider, route);

CREATE TABLE menu (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant(id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    tenant_id INTEGER REFERENCES tenant(id) ON DELETE CASCADE,
    read_only INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX token_tenant ON token(tenant_id);

CREATE TABLE webhook (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER REFERENCES channel(id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    dedupe_key BLOB NOT NULL UNIQUE,
    target TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB,
    size INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reading TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    problems TEXT NOT NULL DEFAULT '[]',
    duplicates INTEGER NOT NULL DEFAULT 0,
    last_duplicate_at INTEGER,
    received_at INTEGER NOT NULL,
    being_read_since INTEGER,
    reader TEXT NOT NULL DEFAULT '',
    read_attempts INTEGER NOT NULL DEFAULT 0,
    read_at INTEGER
) STRICT;
CREATE INDEX webhook_pending ON webhook(id) WHERE reading = 'pending';
CREATE INDEX webhook_tenant ON webhook(tenant_id, id);
CREATE INDEX webhook_channel ON webhook(channel_id, id);
CREATE INDEX webhook_verdict ON webhook(verdict, id) WHERE verdict <> 'accepted';
CREATE INDEX webhook_duplicate ON webhook(id) WHERE duplicates > 0;

CREATE TABLE refusal (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    channel_id INTEGER,
    reason TEXT NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL,
    wa_id TEXT NOT NULL DEFAULT '',
    user_id TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX customer_tenant ON customer(tenant_id, id);

CREATE TABLE alias (
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
    PRIMARY KEY (tenant_id, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_customer ON alias(customer_id);

CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    customer_id INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
    state TEXT NOT NULL DEFAULT 'bot',
    bot_state TEXT NOT NULL DEFAULT '{}',
    bot_active INTEGER NOT NULL DEFAULT 1,
    bot_paused_until INTEGER,
    unread INTEGER NOT NULL DEFAULT 0,
    last_turn INTEGER NOT NULL DEFAULT 0,
    last_message_id INTEGER NOT NULL DEFAULT 0,
    last_in_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (channel_id, customer_id)
) STRICT;
CREATE INDEX conversation_latest ON conversation(tenant_id, last_message_id);
CREATE INDEX conversation_customer ON conversation(customer_id);

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    customer_id INTEGER NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
    conversation_id INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    direction TEXT NOT NULL,
    kind TEXT NOT NULL,
    purpose TEXT NOT NULL DEFAULT '',
    step TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT '',
    choice TEXT NOT NULL DEFAULT '',
    payload TEXT NOT NULL DEFAULT '{}',
    quoted_id TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL,
    provider_message_id TEXT,
    webhook_id INTEGER,
    event_at INTEGER,
    answer_due_at INTEGER,
    admitted INTEGER NOT NULL DEFAULT 0,
    for_person TEXT NOT NULL DEFAULT '',
    idempotency_key TEXT,
    idempotency_hash BLOB,
    turn INTEGER,
    due_at INTEGER,
    expires_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_due INTEGER NOT NULL DEFAULT 0,
    retry_count INTEGER NOT NULL DEFAULT 0,
    max_retries INTEGER NOT NULL DEFAULT 0,
    unknown_since INTEGER,
    resent_unknown INTEGER NOT NULL DEFAULT 0,
    parent_id INTEGER,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    delivered_at INTEGER,
    read_at INTEGER,
    failed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX message_once ON message(channel_id, provider_message_id) WHERE direction = 'IN';
CREATE UNIQUE INDEX message_idempotent ON message(tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX message_history ON message(conversation_id, id);
CREATE INDEX message_log ON message(tenant_id, id) WHERE direction = 'OUT';
CREATE INDEX message_customer ON message(customer_id, id);
CREATE INDEX message_channel ON message(channel_id, id);
CREATE INDEX message_answer ON message(answer_due_at, conversation_id) WHERE answer_due_at IS NOT NULL;
CREATE INDEX message_unanswered ON message(conversation_id, id) WHERE answer_due_at IS NOT NULL;
CREATE INDEX message_outbox ON message(channel_id, due_at, id) WHERE status = 'queued';
CREATE INDEX message_due ON message(due_at) WHERE status = 'queued';
CREATE INDEX message_open ON message(conversation_id, turn) WHERE status IN ('queued', 'sending', 'unknown');
CREATE INDEX message_unknown ON message(unknown_since) WHERE status = 'unknown';
CREATE INDEX message_dead ON message(id) WHERE status = 'dead';

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    by TEXT NOT NULL DEFAULT 'auto',
    status TEXT NOT NULL,
    rank INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    lease_until INTEGER,
    settled_at INTEGER,
    provider_message_id TEXT,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    answer BLOB,
    UNIQUE (message_id, n)
) STRICT;
CREATE INDEX attempt_leased ON attempt(lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX attempt_flight ON attempt(channel_id) WHERE lease_until IS NOT NULL;
CREATE INDEX attempt_provider ON attempt(channel_id, provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX attempt_tenant ON attempt(tenant_id);

CREATE TABLE parked (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    provider_message_id TEXT NOT NULL,
    receipt TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX parked_provider ON parked(channel_id, provider_message_id);
CREATE INDEX parked_age ON parked(created_at);
CREATE INDEX parked_tenant ON parked(tenant_id);

CREATE TABLE structure (
    key TEXT PRIMARY KEY,
    provider_id TEXT,
    leased_until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE bucket (
    key TEXT PRIMARY KEY,
    full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;

CREATE TABLE beat (
    name TEXT PRIMARY KEY,
    worker TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_message (
    id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    phone TEXT NOT NULL,
    direction TEXT NOT NULL,
    provider_message_id TEXT NOT NULL,
    reference TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sandbox_thread ON sandbox_message(channel_id, phone, id);
CREATE INDEX sandbox_id ON sandbox_message(provider_message_id);

CREATE TABLE sandbox_delivery (
    id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    body BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sandbox_due ON sandbox_delivery(due_at);
CREATE INDEX sandbox_delivery_channel ON sandbox_delivery(channel_id);

CREATE TABLE sandbox_switch (
    channel_id INTEGER PRIMARY KEY REFERENCES channel(id) ON DELETE CASCADE,
    switches TEXT NOT NULL
) STRICT;

CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    data BLOB NOT NULL,
    priority REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX task_priority ON task(priority DESC, id);
CREATE TABLE schedule (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    data BLOB NOT NULL,
    timestamp INTEGER NOT NULL
) STRICT;
CREATE INDEX schedule_due ON schedule(queue, timestamp);
CREATE TABLE kv (queue TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (queue, key)) STRICT;
CREATE TABLE counter (queue TEXT NOT NULL, key TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (queue, key)) STRICT;
"""
