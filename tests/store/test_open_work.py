"""What a consumer looks for on each wake-up, and what every callback of the platform asks, is one look into an index,
however many orders there ever were."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.watching import watched
from wabot.core import pulling
from wabot.store import bootstraps, db, order_lists, orders, pulls, submissions, wanted

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)
LOOKS: list[Callable[[], Any]] = [
    submissions.next_due,
    submissions.next_deadline,
    submissions.depths,
    lambda: submissions.lost(NOW),
    lambda: submissions.unresolved(1, "merchant"),
    lambda: submissions.being_placed(1),
    lambda: submissions.overdue(NOW, 20),
    lambda: submissions.to_tell(NOW, 20),
    lambda: submissions.to_remind(NOW, 20),
    lambda: submissions.unplaced_webhooks(1, NOW),
    lambda: db.write(lambda: submissions.claim(NOW, LEASE)),
    lambda: db.write(lambda: submissions.claim_question(NOW, NOW)),
    lambda: db.write(lambda: submissions.postpone_leases(NOW)),
    lambda: db.write(lambda: submissions.bring_forward(NOW, LEASE, LEASE)),
    lambda: orders.numbered(1, "17"),
    lambda: orders.of_customer(1, 1, 5),
    lambda: order_lists.sent_for(1, [1, 2, 3]),
    bootstraps.owners,
    lambda: bootstraps.next_due(NOW),
    lambda: db.write(lambda: bootstraps.claim(NOW, LEASE)),
    lambda: db.write(lambda: bootstraps.abandon("somebody", NOW)),
    wanted.next_due,
    pulling.next_due,
    lambda: pulls.failed_in_a_row(1, 3),
]
WHOLE_TENANT = ("orders_latest", "orders_day", "message_log")
"""Indexes by which a look would read all that a tenant ever had."""


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_reads_what_is_open_and_no_history(file: Path, look: Callable[[], Any]) -> None:
    with watched() as seen:
        look()
    asked = {sql: values for sql, values in seen.statements.items() if not sql.startswith("PRAGMA")}
    assert asked
    with db.side_connection(file) as connection:
        plans = [
            row[3] for sql, values in asked.items() for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    touched = [step for step in plans if step.startswith(("SCAN", "SEARCH")) and "(subquery" not in step]
    for step in touched:
        assert step.startswith("SEARCH") or "usage_pull_due" in step, plans
        assert " USING " in step, plans
        assert not any(index in step for index in WHOLE_TENANT), plans
