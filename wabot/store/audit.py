"""What people did: one row each, never changed. Names and ids only, no content."""

from datetime import datetime

from wabot.store import db


def note(action: str, now: datetime, *, actor: str, tenant: str = "", subject: str = "") -> None:
    """Inside a write: `actor` did this, to the tenant of this slug, about this thing."""
    db.run(
        "INSERT INTO audit (at, actor, action, tenant, subject) VALUES (?, ?, ?, ?, ?)",
        now, actor, action, tenant, subject,
    )  # fmt: skip
