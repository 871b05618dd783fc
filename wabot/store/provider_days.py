"""What providers say of their own days: `daily_usage` rows of the source `provider`, replaced and never added to."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from wabot.store import db
from wabot.store.usage import DailyUsage, Source

_ONE = "WHERE tenant_id = ? AND channel_id = ? AND day = ? AND source = 'provider'"
_FORGET = (
    "DELETE FROM daily_usage WHERE tenant_id = ? AND channel_id = ? AND source = 'provider' AND day >= ? AND day <= ?"
)


def replace(
    tenant_id: int,
    channel_id: int,
    first: date,
    last: date,
    told: Mapping[date, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Inside a write: of the days from `first` to `last` keep what was told, with columns by their names, and nothing
    else: a day that the provider no longer tells of goes."""
    gone = [each for each in _kept(tenant_id, channel_id, first, last) if date.fromisoformat(each) not in told]
    for day in gone:
        db.run(_FORGET, tenant_id, channel_id, day, day)
    for each, values in told.items():
        row = DailyUsage.load_one(_ONE, tenant_id, channel_id, each.isoformat())
        if row is None:
            DailyUsage.add(
                tenant_id=tenant_id, channel_id=channel_id, day=each.isoformat(), source=Source.PROVIDER,
                computed_at=now, **values,
            )  # fmt: skip
        else:
            DailyUsage.change(row.id, computed_at=now, **values)


def _kept(tenant_id: int, channel_id: int, first: date, last: date) -> list[str]:
    sql = (
        "SELECT day FROM daily_usage WHERE tenant_id = ? AND channel_id = ? AND source = 'provider' "
        "AND day >= ? AND day <= ?"
    )
    return [row[0] for row in db.rows(sql, tenant_id, channel_id, first.isoformat(), last.isoformat())]
