"""Ids of what had to be created at a provider before it could be sent, by the adapter's own key."""

from datetime import datetime, timedelta

from wabot.store import db, workers

LEASE = timedelta(seconds=60)


def find(key: str) -> str | None:
    """The id kept under `key`."""
    found = db.one("SELECT provider_id FROM structure WHERE key = ?", key)
    return found[0] if found else None


def lease(key: str, now: datetime) -> bool:
    """Inside a write: whether the caller may create it now; for a minute nobody else may."""
    return bool(
        db.run(
            "INSERT INTO structure (key, leased_until, owner) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET leased_until = excluded.leased_until, owner = excluded.owner "
            "WHERE provider_id IS NULL AND coalesce(leased_until, 0) <= ?",
            key,
            now + LEASE,
            workers.me(),
            now,
        )
    )


def keep(key: str, provider_id: str) -> None:
    """Inside a write: what the provider calls it."""
    db.run("UPDATE structure SET provider_id = ?, leased_until = NULL WHERE key = ?", provider_id, key)


def forget(key: str) -> None:
    """Inside a write: the provider no longer knows it, or its creation failed."""
    db.run("DELETE FROM structure WHERE key = ?", key)


def owners() -> list[str]:
    """The processes that are creating something at present."""
    return [row[0] for row in db.rows("SELECT DISTINCT owner FROM structure WHERE provider_id IS NULL")]


def abandon(owner: str) -> int:
    """Inside a write: what this process was creating when it died is for others to create; returns how much."""
    return db.run("DELETE FROM structure WHERE provider_id IS NULL AND owner = ?", owner)
