"""Who may call: API tokens, kept only as their hash."""

import hashlib
import secrets
from datetime import datetime

import peewee

from wabot.store import db
from wabot.store.fields import Flag, Moment, Text

PREFIX = "wabot_pat_"


class ApiToken(db.Row):
    """`tenant` is empty for an admin token; `hint` is the token's last four characters."""

    hash = peewee.BlobField()
    tenant_id = peewee.IntegerField(null=True)
    read_only = Flag(default=False)
    name = Text(default="")
    hint = Text()
    created_at = Moment()
    expires_at = Moment(null=True)
    revoked_at = Moment(null=True)

    class Meta:
        table_name = "token"


def create(
    tenant_id: int | None, *, read_only: bool, name: str, expires_at: datetime | None, now: datetime
) -> tuple[int, str]:
    """A new token's id and the token itself, which is shown this once and never stored."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.create(
        hash=_hash(token),
        tenant_id=tenant_id,
        read_only=read_only,
        name=name,
        hint=token[-4:],
        created_at=now,
        expires_at=expires_at,
    )
    return row.id, token


def find(token: str, now: datetime) -> ApiToken | None:
    """The valid token row for what a caller presents."""
    row = ApiToken.get_or_none(ApiToken.hash == _hash(token))
    if row is None or row.revoked_at is not None or (row.expires_at and row.expires_at <= now):
        return None
    return row


def tokens() -> list[ApiToken]:
    """Every token, oldest first."""
    return list(ApiToken.select().order_by(ApiToken.id))


def revoke(token_id: int, now: datetime) -> bool:
    """Make a token worthless at once; True if there was such a token."""
    return bool(db.run("UPDATE token SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", now, token_id))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
