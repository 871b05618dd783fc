"""Ids of what had to be created at a provider before it could be sent, by the adapter's own key."""

from datetime import datetime, timedelta

from wabot.store import db

LEASE = timedelta(seconds=60)


def find(key: str) -> str | None:
    """The id kept under `key`."""
    found = db.one("SELECT provider_id FROM structure WHERE key = ?", key)
    return found[0] if found else None


def lease(key: str, now: datetime) -> bool:
    """Inside a write: whether the caller may create it now; for a minute nobody else may."""
    return bool(
        db.run(
            "INSERT INTO structure (key, leased_until) VALUES (?, ?) ON CONFLICT (key) DO UPDATE "
            "SET leased_until = excluded.leased_until WHERE provider_id IS NULL AND coalesce(leased_until, 0) <= ?",
            key,
            now + LEASE,
            now,
        )
    )


def keep(key: str, provider_id: str) -> None:
    """Inside a write: what the provider calls it."""
    db.run("UPDATE structure SET provider_id = ?, leased_until = NULL WHERE key = ?", provider_id, key)


def forget(key: str) -> None:
    """Inside a write: the provider no longer knows it, or its creation failed."""
    db.run("DELETE FROM structure WHERE key = ?", key)
