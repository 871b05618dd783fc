"""Schedules and runs of usage pulls: when each tenant's figures are asked for, the days that were, and what became of
each channel's."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE usage_schedule (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL UNIQUE REFERENCES tenant(id) ON DELETE CASCADE,
    cron TEXT NOT NULL,
    timezone TEXT,
    enabled INTEGER NOT NULL DEFAULT 1,
    next_run_at INTEGER NOT NULL,
    covered_day TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX usage_schedule_due ON usage_schedule(next_run_at) WHERE enabled = 1;

CREATE TABLE usage_run (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX usage_run_scheduled ON usage_run(tenant_id, day) WHERE asked_by = 'schedule';
CREATE UNIQUE INDEX usage_run_open ON usage_run(tenant_id, day) WHERE ended_at IS NULL;
CREATE INDEX usage_run_tenant ON usage_run(tenant_id, id);
CREATE INDEX usage_run_age ON usage_run(created_at);

CREATE TABLE usage_pull (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    run_id INTEGER NOT NULL REFERENCES usage_run(id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channel(id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    worker TEXT NOT NULL DEFAULT '',
    lease_until INTEGER,
    claims INTEGER NOT NULL DEFAULT 0,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    days INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run_id, channel_id)
) STRICT;
CREATE INDEX usage_pull_due ON usage_pull(due_at) WHERE state = 'waiting';
CREATE INDEX usage_pull_claimed ON usage_pull(lease_until) WHERE state = 'running';
CREATE INDEX usage_pull_tenant ON usage_pull(tenant_id);
CREATE INDEX usage_pull_channel ON usage_pull(channel_id, id);
"""
