"""Small histories, made by hand: a good one, and the rows and lines to break it with."""

from typing import Any

AT = 1_800_000_000.0
MS = round(AT * 1000)
PHONE, OTHER_PHONE = "966500000001", "966500000002"
Made = dict[str, Any]


def a_message(message_id: int, direction: str, **values: Any) -> Made:
    row = {"id": message_id, "uid": f"uid{message_id}", "tenant_id": 1, "channel_id": 1, "customer_id": 1,
           "direction": direction, "kind": "text", "status": "received", "provider_message_id": f"wamid.{message_id}",
           "webhook_id": message_id, "event_at": MS, "answer_due_at": None, "for_person": "", "idempotency_key": None,
           "resent_unknown": 0, "error_code": "", "body": "", "due_at": None}  # fmt: skip
    return row | values


def an_attempt(attempt_id: int, message_id: int, n: int, **values: Any) -> Made:
    row = {"id": attempt_id, "message_id": message_id, "channel_id": 1, "n": n, "by": "auto", "status": "delivered",
           "rank": 3, "started_at": MS + 1000, "settled_at": None, "lease_until": None,
           "provider_message_id": f"sent.{n}"}  # fmt: skip
    return row | values


def a_send(n: int, at: float, **values: Any) -> Made:
    line = {"what": "sent", "t": at, "id": f"sent.{n}", "channel": "+1", "provider": "meta", "to": PHONE,
            "ref": f"uid2.{n}", "template": False, "text": "", "url": "/1/messages", "fault": "ok"}  # fmt: skip
    return line | values


def a_customers_message(vendor_id: str, *, answer: int | None = 200, **values: Any) -> list[Made]:
    key = f"in:+1:{vendor_id}"
    line = {"what": "in", "t": AT, "key": key, "id": vendor_id, "channel": "+1", "phone": PHONE, "word": "",
            "bad": False, "at": MS}  # fmt: skip
    return [line | values, *posts(key, AT, answer)]


def a_status(vendor_id: str, status: str, at: float, *, answer: int | None = 200) -> list[Made]:
    key = f"status:{vendor_id}:{status}"
    line = {"what": "status", "t": at, "key": key, "id": vendor_id, "ref": "", "status": status}
    return [line, *posts(key, at, answer)]


def posts(key: str, at: float, answer: int | None) -> list[Made]:
    told = [{"what": "posting", "t": at, "keys": [key]}]
    return told + ([{"what": "posted", "t": at, "keys": [key], "answer": answer}] if answer else [])


def a_webhook(webhook_id: int, **values: Any) -> Made:
    return {"id": webhook_id, "channel_id": 1, "provider": "meta", "verdict": "accepted", "reading": "done",
            "duplicates": 0, "read_at": MS, "body": ""} | values  # fmt: skip


IN = 'wabot_messages_total{direction="IN",status="received"}'
OUT = 'wabot_messages_total{direction="OUT",status="delivered"}'
NEW = 'wabot_webhooks_total{provider="meta",verdict="accepted"}'


def gauges(**more: float) -> dict[str, float]:
    states = {f'wabot_outbox{{state="{state}"}}': 0.0 for state in ("queued", "sending", "unknown")}
    return {**states, "wabot_dead_letters": 0, "wabot_channels_paused": 0, IN: 1, OUT: 1, NEW: 1, **more}


def good() -> Made:
    """A customer wrote, was answered by one send, which was delivered: nothing is wrong."""
    journal = [*a_customers_message("wamid.1"), a_send(1, AT + 1.1), *a_status("sent.1", "delivered", AT + 1.2)]
    answer = a_message(2, "OUT", status="delivered", idempotency_key="answer:1:1", provider_message_id="sent.1")
    return {
        "journal": journal,
        "messages": [a_message(1, "IN"), answer],
        "attempts": [an_attempt(1, 2, 1)],
        "webhooks": [a_webhook(1)],
        "channels": [{"id": 1, "tenant_id": 1, "provider": "meta", "number": "+1", "status": "active"}],
        "customers": [{"id": 1, "tenant_id": 1, "address": "+" + PHONE}],
        "tenants": [{"id": 1, "slug": "amber"}, {"id": 2, "slug": "basil"}],
        "metrics": [gauges(**{IN: 0}), gauges()],
        "offsets": [(AT - 100, 0.0)],
        "ended_at": MS + 60_000,
        "canary": "quokka",
        "secrets": ("hush-hush",),
    }
