"""Rate cards, and what a day's messages can be priced by.

Days that were kept before have no such details: they are marked, and counted again when somebody asks."""

COMPATIBLE_FROM = 1

SQL = """
CREATE TABLE rate_card (
    id INTEGER PRIMARY KEY,
    file_name TEXT NOT NULL,
    currencies TEXT NOT NULL DEFAULT '[]',
    size INTEGER NOT NULL DEFAULT 0,
    begun_at INTEGER NOT NULL,
    loaded_at INTEGER
) STRICT;

CREATE TABLE rate (
    id INTEGER PRIMARY KEY,
    card_id INTEGER NOT NULL REFERENCES rate_card(id) ON DELETE CASCADE,
    category TEXT NOT NULL,
    country TEXT NOT NULL,
    from_day TEXT NOT NULL,
    currency TEXT NOT NULL,
    price_micros INTEGER NOT NULL CHECK (price_micros >= 0),
    free INTEGER NOT NULL DEFAULT 0 CHECK (free >= 0)
) STRICT;
CREATE INDEX rate_key ON rate(category, country, from_day, card_id);
CREATE INDEX rate_card_rates ON rate(card_id);

ALTER TABLE daily_usage ADD COLUMN details TEXT NOT NULL DEFAULT '[]';
UPDATE daily_usage SET stale = stale + 1 WHERE source = 'observed';
"""
