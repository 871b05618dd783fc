"""Messages sent: how fast the consumer empties the outbox at a provider that takes 50 ms."""

import time
from datetime import timedelta
from pathlib import Path

import requests

from tests import bench_machine
from tests.bench_figures import Figure, Part, Target
from tests.bench_stack import Ledger, installed, meter
from tests.bench_writes import opened
from tests.spine.stack import Stack, wait_until
from wabot import clock, config, words
from wabot.jobs import SYSTEM_SLOTS
from wabot.store import customers, db, messages, tenants
from wabot.store.customers import Conversation

ROUNDS = 5
MESSAGES = 300
PROVIDER_SECONDS = 0.05
SENDERS = config.Settings().wabot_consumer_workers - SYSTEM_SLOTS
CHANNELS = 5
"""Enough to keep every sender busy: a channel may hold no more than a quarter of them."""
TARGET = Target(300)
DRAFT = words.Draft(words.Kind.TEXT, "Your table is ready", purpose=words.Purpose.AGENT)


def measure(parent: Path, *, slow: bool) -> Part:
    """Five times some messages that are queued by one commit, each in a conversation of its own."""
    with installed(parent, tenants=CHANNELS, slow=slow) as stack, opened(stack.file), Ledger(stack) as ledger:
        _slow_down(stack)
        stack.start_consumer()
        conversations = db.write(_conversations)
        _send_all(conversations[:CHANNELS], ledger)
        with meter(stack) as busy:
            rates = [_send_all(conversations, ledger) for _ in range(ROUNDS)]
    name = f"{MESSAGES} messages, {CHANNELS} channels"
    most = f"if {SENDERS} senders did nothing else"
    figures = [
        Figure(name, "/s", rates, most, [SENDERS / PROVIDER_SECONDS], TARGET),
        Figure("consumer computes, each", "ms", [1000 * busy.seconds["consumer"] / (ROUNDS * MESSAGES)]),
    ]
    title = f"Sent to a provider that takes {1000 * PROVIDER_SECONDS:.0f} ms"
    return Part(title, figures, [bench_machine.words(busy.cores)])


def _slow_down(stack: Stack) -> None:
    order = {"mode": "ok", "count": 1 << 30, "delay_ms": int(1000 * PROVIDER_SECONDS)}
    url = f"http://127.0.0.1:{stack.provider_port}/_control"
    requests.post(url, json=order, timeout=5).raise_for_status()


def _conversations() -> list[Conversation]:
    """Inside a write: customers who have just written, spread evenly over the channels."""
    now = clock.now()
    channels = tenants.channels()
    found = []
    for n in range(MESSAGES):
        channel = channels[n % CHANNELS]
        customer = customers.meet(channel.tenant_id, words.Identity(phone=f"+9665{n:08d}"), "Sara", now)
        conversation = customers.conversation(channel.tenant_id, channel.id, customer.id, now)
        customers.note_incoming(conversation.id, 0, now)
        found.append(conversation)
    return found


def _send_all(conversations: list[Conversation], ledger: Ledger) -> float:
    """Queue a message in each; how many a second were sent, from the commit to the last answer."""
    db.write(lambda: _queue(conversations))
    committed_at = time.time()
    called_at = max(ledger.next()["time"] for _ in conversations)
    wait_until(_all_settled, seconds=10, what="the last answers are written down")
    return len(conversations) / (called_at + PROVIDER_SECONDS - committed_at)


def _queue(conversations: list[Conversation]) -> None:
    now = clock.now()
    for conversation in conversations:
        messages.add_outgoing(conversation, DRAFT, idempotency_key=None, idempotency_hash=None, max_retries=3,
                              expires_at=now + timedelta(hours=1), now=now)  # fmt: skip


def _all_settled() -> bool:
    return db.one("SELECT 1 FROM attempt WHERE lease_until IS NOT NULL") is None
