"""Sends that survive anything: who opted out, the registry of templates, circuits and the day's allowance, runs of
retries, tokens of confirmations, and the journal of what people did."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE opt_out (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    marketing_of INTEGER NOT NULL DEFAULT 0,
    source TEXT NOT NULL,
    since INTEGER NOT NULL,
    UNIQUE (tenant_id, alias, marketing_of)
) STRICT;

CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    category TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT '',
    params INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    paused_until INTEGER,
    pause_code TEXT NOT NULL DEFAULT '',
    pause_reason TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT 'set',
    updated_at INTEGER NOT NULL,
    UNIQUE (channel_id, name, language)
) STRICT;
CREATE INDEX template_tenant ON template(tenant_id, id);

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER REFERENCES tenant(id) ON DELETE CASCADE,
    wanted TEXT NOT NULL,
    force INTEGER NOT NULL DEFAULT 0,
    by TEXT NOT NULL,
    state TEXT NOT NULL,
    last_id INTEGER NOT NULL,
    cursor INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    retried INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX run_open ON run(id) WHERE state = 'running';
CREATE INDEX run_tenant ON run(tenant_id);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    tenant TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;

ALTER TABLE message ADD COLUMN token TEXT;
ALTER TABLE message ADD COLUMN template_id INTEGER;
ALTER TABLE message ADD COLUMN due_by TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE message ADD COLUMN critical INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN asked_at INTEGER;
CREATE UNIQUE INDEX message_token ON message(token) WHERE token IS NOT NULL;
CREATE INDEX message_waiting ON message(customer_id) WHERE status = 'queued';
CREATE INDEX message_failed ON message(tenant_id, id)
    WHERE status IN ('failed', 'undelivered', 'dead') OR (status = 'queued' AND retry_due = 1);
CREATE INDEX message_kept_key ON message(created_at) WHERE idempotency_key LIKE 'api:%';

ALTER TABLE attempt ADD COLUMN planned INTEGER NOT NULL DEFAULT 1;
ALTER TABLE attempt ADD COLUMN alias TEXT;
CREATE INDEX attempt_alias ON attempt(channel_id, alias) WHERE alias IS NOT NULL;

ALTER TABLE structure ADD COLUMN owner TEXT NOT NULL DEFAULT '';

ALTER TABLE channel ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN sent_day TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN sent_today INTEGER NOT NULL DEFAULT 0;
"""
