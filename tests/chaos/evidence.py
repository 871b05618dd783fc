"""Gathers what the oracle judges, once everything is drained: the journal, the tables, what the doors show, logs."""

import json
import time
from contextlib import closing
from typing import Any

import requests

from tests.chaos.agents import Agents
from tests.chaos.history import History
from tests.chaos.stack import ChaosStack
from tests.chaos.watch import Watch
from tests.chaos.world import ADMIN_KEY, CANARY
from wabot.store import db
from wabot.store.fields import unpack

TABLES = {
    "messages": "SELECT id, uid, tenant_id, channel_id, customer_id, direction, kind, status, provider_message_id, "
    "webhook_id, event_at, answer_due_at, for_person, idempotency_key, resent_unknown, error_code, body, due_at "
    "FROM message ORDER BY id",
    "attempts": "SELECT id, message_id, channel_id, n, by, status, rank, started_at, settled_at, lease_until, "
    "provider_message_id FROM attempt ORDER BY id",
    "webhooks": "SELECT id, channel_id, provider, verdict, reading, duplicates, read_at, body FROM webhook ORDER BY id",
    "channels": "SELECT id, tenant_id, provider, number, status, held_until FROM channel ORDER BY id",
    "customers": "SELECT id, tenant_id, address FROM customer ORDER BY id",
    "tenants": "SELECT id, slug FROM tenant ORDER BY id",
    "tallies": "SELECT name, labels, value FROM tally WHERE name IN ('webhooks', 'messages') ORDER BY name, labels",
}
ERROR_PAGES = (
    ("GET", "/nowhere", {}),
    ("GET", "/webhooks/0123456789abcdef0123456789abcdef", {}),
    ("POST", "/whatsapp/webhook", {"data": b"{"}),
    ("GET", "/api/restaurants/amber/conversations", {}),
    ("GET", "/api/restaurants/amber/conversations", {"headers": {"X-API-Key": "wrong"}}),
    ("GET", "/api/restaurants/nobody/conversations", {"headers": {"X-API-Key": ADMIN_KEY}}),
    ("GET", f"/api/restaurants/amber/conversations?token={ADMIN_KEY}", {}),
    ("PUT", "/whatsapp/webhook", {"data": b"x"}),
    ("POST", "/whatsapp/webhook", {"data": b"x" * ((3 << 20) + 1)}),
)


def gather(stack: ChaosStack, agents: Agents, watch: Watch, hands: list[int]) -> History:
    """The history of a run that has come to rest; web and consumer are still at work."""
    seen = {slug: agents.listing(slug) for slug in stack.world.tenants}
    pages = _pages(stack)
    metrics = watch.sample() or ""
    opens = stack.operator(touch=True).get("error", "")
    tables, integrity, orphans = _tables(stack)
    stack.end("consumer")
    stack.end("web")
    return History(
        journal=_lines(stack.journal),
        **tables,
        asked=agents.asked,
        hands=hands,
        offsets=stack.offsets,
        ranks=watch.ranks,
        metrics=[{name: value for name, value in sample.items() if name != "_t"} for sample in watch.metrics],
        probes=agents.probes,
        seen=seen,
        texts=_logs(stack) | pages | {"/metrics": metrics},
        secrets=(*stack.world.secrets, *stack.tokens.values()),
        canary=CANARY,
        integrity=integrity,
        orphans=orphans,
        opens=opens,
        ended_at=round((stack.offsets[-1][1] + time.time()) * 1000),
    )


def _tables(stack: ChaosStack) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    tables: dict[str, Any] = {}
    with db.side_connection(stack.file) as file:
        file.execute("BEGIN")
        for name, sql in TABLES.items():
            cursor = file.execute(sql)
            rows = list(cursor)
            columns = [part.split()[-1] for part in sql.split(" FROM ")[0].removeprefix("SELECT ").split(", ")]
            tables[name] = [dict(zip(columns, row, strict=True)) for row in rows]
        file.execute("COMMIT")
        integrity = tuple(row[0] for row in file.execute("PRAGMA integrity_check"))
        orphans = tuple(map(str, file.execute("PRAGMA foreign_key_check")))
    for row in tables["webhooks"]:
        row["body"] = unpack(row["body"]).decode("utf-8", "replace") if row["body"] is not None else ""
    for row in tables["tallies"]:
        labels = ",".join(f'{name}="{value}"' for name, value in json.loads(row["labels"]).items())
        row["series"] = f"wabot_{row['name']}_total{{{labels}}}"
    return tables, integrity, orphans


def _pages(stack: ChaosStack) -> dict[str, str]:
    found = {}
    for method, path, more in ERROR_PAGES:
        with closing(requests.request(method, stack.url + path, timeout=20, **more)) as answer:
            found[f"{method} {path.partition('?')[0]} → {answer.status_code}"] = f"{answer.headers}\n{answer.text}"
    return found


def _logs(stack: ChaosStack) -> dict[str, str]:
    return {path.name: path.read_text(errors="replace") for path in stack.folder.glob("*.log")}


def _lines(path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
