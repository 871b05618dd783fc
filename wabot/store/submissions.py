"""Orders on their way to the platform: which is next, who has it, and whose outcome nobody knows. What follows from
an outcome is decided in `core.submitting`."""

from datetime import datetime, timedelta

from wabot import clock
from wabot.store import db, workers
from wabot.store.orders import Order

_OPEN = "submission IN ('waiting', 'calling', 'unknown')"
"""Word for word the condition of the index `orders_submit`: whoever leaves it out reads every order there ever was."""
_WAITING = (
    f"{_OPEN} AND submission = 'waiting' "  # noqa: S608 - our own
    "AND EXISTS (SELECT 1 FROM tenant t WHERE t.id = orders.tenant_id AND t.status = 'active')"
)
_CALLING = f"{_OPEN} AND submission = 'calling'"
_UNKNOWN = f"{_OPEN} AND submission = 'unknown'"


def next_due() -> datetime | None:
    """When the next order can be placed, or the platform be asked about one."""
    return _earliest(f"SELECT min(submit_due_at) AS at FROM orders WHERE {_WAITING}", _FIRST.format("ask_at"))  # noqa: S608


def next_deadline() -> datetime | None:
    """When the next order has to be looked after: its claim ends, its outcome stays unknown for good, its customer has
    to be told or reminded."""
    claims = (f"SELECT min(submit_due_at) AS at FROM orders WHERE {state}" for state in (_CALLING, _UNKNOWN))  # noqa: S608
    return _earliest(*claims, _FIRST.format("tell_at"), _FIRST.format("remind_at"))


_FIRST = "SELECT min({0}) AS at FROM orders WHERE {0} IS NOT NULL"


def _earliest(*asked: str) -> datetime | None:
    found = db.one(f"SELECT min(at) FROM ({' UNION ALL '.join(asked)})")  # noqa: S608 - text of our own
    return clock.from_ms(found[0]) if found and found[0] is not None else None


def claim(now: datetime, lease: timedelta) -> Order | None:
    """Inside a write: the next order that is due, in this process's hands for so long."""
    taken = db.rows(
        "UPDATE orders SET submission = 'calling', submit_attempts = submit_attempts + 1, submit_begun_at = ?, "  # noqa: S608
        f"submit_worker = ?, submit_due_at = ? WHERE id = (SELECT id FROM orders WHERE {_WAITING} "
        "AND submit_due_at <= ? ORDER BY submit_due_at, id LIMIT 1) RETURNING id",
        now, workers.me(), now + lease, now,
    )  # fmt: skip
    return Order.load_one("WHERE id = ?", taken[0][0]) if taken else None


def claim_question(now: datetime, again_at: datetime) -> Order | None:
    """Inside a write: the next order that the platform is to be asked about; nobody else asks before `again_at`."""
    taken = db.rows(
        "UPDATE orders SET ask_at = ? WHERE id = (SELECT id FROM orders WHERE ask_at <= ? ORDER BY ask_at LIMIT 1) "
        "RETURNING id",
        again_at, now,
    )  # fmt: skip
    return Order.load_one("WHERE id = ?", taken[0][0]) if taken else None


def lost(now: datetime) -> list[Order]:
    """Orders that somebody began to place and will not settle: the claim is over, or the process is gone."""
    claimed = Order.load(f"WHERE {_CALLING}")
    gone = {worker: workers.is_gone(worker) for worker in {order.submit_worker for order in claimed}}
    return [order for order in claimed if order.submit_due_at <= now or gone[order.submit_worker]]


def unresolved(tenant_id: int, merchant: str) -> list[Order]:
    """The tenant's orders at this merchant that may be at the platform under a number that is not known here."""
    return Order.load(f"WHERE {_UNKNOWN} AND +tenant_id = ? AND merchant = ? ORDER BY id", tenant_id, merchant)


def depths() -> dict[str, int]:
    """How many orders are on their way to the platform, and of how many nobody knows whether they are there."""
    found = dict(db.rows(f"SELECT submission = 'unknown', count(*) FROM orders WHERE {_OPEN} GROUP BY 1"))  # noqa: S608
    return {"ordersToPlace": found.get(0, 0), "ordersUnknown": found.get(1, 0)}


def being_placed(tenant_id: int) -> bool:
    """Whether an order of the tenant is being placed at this moment."""
    sql = f"SELECT 1 FROM orders WHERE {_CALLING} AND +tenant_id = ? LIMIT 1"  # noqa: S608 - our own
    return db.one(sql, tenant_id) is not None


def overdue(now: datetime, most: int) -> list[Order]:
    """Orders whose outcome has been unknown for so long that a person must look."""
    return Order.load(f"WHERE {_UNKNOWN} AND submit_due_at <= ? ORDER BY submit_due_at LIMIT ?", now, most)


def to_tell(now: datetime, most: int) -> list[Order]:
    """Orders whose customers have to be told that it takes longer."""
    return Order.load("WHERE tell_at <= ? ORDER BY tell_at LIMIT ?", now, most)


def to_remind(now: datetime, most: int) -> list[Order]:
    """Orders whose customers wanted to rate them later."""
    return Order.load("WHERE remind_at <= ? ORDER BY remind_at LIMIT ?", now, most)


def postpone_leases(until: datetime) -> None:
    """Inside a write: after a jump of the clock every claim runs anew."""
    db.run(f"UPDATE orders SET submit_due_at = ? WHERE {_CALLING}", until)  # noqa: S608 - our own


def bring_forward(now: datetime, furthest: timedelta, latest_reminder: timedelta) -> None:
    """Inside a write: what was put off further than anything ever is, by a clock that was ahead, is due now."""
    late = f"{_OPEN} AND submission <> 'calling' AND submit_due_at > ?"
    db.run(f"UPDATE orders SET submit_due_at = ? WHERE {late}", now, now + furthest)  # noqa: S608 - our own
    for column, most in (("ask_at", furthest), ("tell_at", furthest), ("remind_at", latest_reminder)):
        db.run(f"UPDATE orders SET {column} = ? WHERE {column} > ?", now, now + most)  # noqa: S608 - our own


def unplaced_webhooks(tenant_id: int, since: datetime) -> list[int]:
    """What the platform told since then about orders that nobody knew, oldest first."""
    sql = (
        "SELECT id FROM webhook WHERE tenant_id = ? AND provider = 'catalog' AND verdict = 'unrouted' "
        "AND received_at >= ? ORDER BY id"
    )
    return [row[0] for row in db.rows(sql, tenant_id, since)]
