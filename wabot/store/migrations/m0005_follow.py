"""What live views follow: an event for each change that somebody may be looking at. What somebody must be told: an
alert, once for each occasion."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    topic TEXT NOT NULL,
    type TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX event_tenant ON event(tenant_id, id);
CREATE INDEX event_age ON event(at);

CREATE TABLE alert (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    occasion TEXT NOT NULL,
    data TEXT NOT NULL DEFAULT '{}',
    at INTEGER NOT NULL,
    UNIQUE (tenant_id, kind, occasion)
) STRICT;
"""
