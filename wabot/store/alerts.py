"""What somebody must be told, once for each occasion: a budget that is nearly spent, a bad rating. Rows are what was
raised; who is told by which way is not known here."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import peewee

from wabot.store import db
from wabot.store.fields import Json, Moment, Text, Word


class AlertKind(StrEnum):
    BUDGET = "budget"
    RATING = "rating"
    ORDER = "order"
    USAGE = "usage"


class Alert(db.Row):
    """`occasion` is what it is raised once for, such as `2026-11:75`; `data` figures and ids, no content."""

    tenant_id = peewee.IntegerField()
    kind = Word(AlertKind)
    occasion = Text()
    data = Json(default=dict)
    at = Moment()


def raise_once(tenant_id: int, kind: AlertKind, occasion: str, now: datetime, **data: Any) -> bool:
    """Inside a write: note that the tenant must be told; False when it was noted for this occasion before."""
    if db.one("SELECT 1 FROM alert WHERE tenant_id = ? AND kind = ? AND occasion = ?", tenant_id, kind.value, occasion):
        return False
    Alert.add(tenant_id=tenant_id, kind=kind, occasion=occasion, data=data, at=now)
    return True


def of_tenant(tenant_id: int, most: int) -> list[Alert]:
    """The tenant's alerts, newest first."""
    return Alert.load("WHERE tenant_id = ? ORDER BY id DESC LIMIT ?", tenant_id, most)


def of_kind(tenant_id: int, kind: AlertKind, occasion: str, most: int) -> list[Alert]:
    """The tenant's alerts of a kind of which the occasion begins so, newest first."""
    return Alert.load(
        "WHERE tenant_id = ? AND kind = ? AND occasion >= ? AND occasion < ? ORDER BY id DESC LIMIT ?",
        tenant_id,
        kind.value,
        occasion,
        f"{occasion}\U0010ffff",
        most,
    )
