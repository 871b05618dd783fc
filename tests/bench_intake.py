"""Webhooks taken in: wabot against an empty Flask endpoint on the same gunicorn, in turns; then beside the consumer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests import bench_machine
from tests.bench_figures import Figure, Part, Target
from tests.bench_stack import Empty, Generator, Round, empty_beside, installed
from tests.spine.stack import Stack, wait_until
from wabot.store import db

ROUNDS = 5
TENANTS = 50
CLIENTS = (1, 16, 64)
BUSY_CLIENTS = (16,)
SECONDS = 0.8
WARM_SECONDS = 0.5
READING_SECONDS = 2.0
BUSY_SECONDS = 3.0
VALUES = {
    "per_second": ("accepted", "/s"),
    "p50": ("p50", "ms"),
    "p99": ("p99", "ms"),
    "web_ms": ("web computes", "ms"),
}
TARGETS = {
    (16, "per_second"): Target(0.5, of_ratio=True),
    (16, "p99"): Target(6, of_ratio=True, at_most=True),
    (64, "per_second"): Target(0.4, of_ratio=True),
    (64, "p99"): Target(6, of_ratio=True, at_most=True),
}


def measure(parent: Path, *, slow: bool) -> Part:
    """Five rounds in turns with the consumer off, then the consumer alone, then both."""
    with installed(parent, tenants=TENANTS, slow=slow) as stack:
        stack.start_web()
        with empty_beside(stack) as empty, Generator(stack, TENANTS) as load:
            rounds = _in_turns(stack, empty, load)
            _check_that_all_are_written_down(stack, load)
            alone = _consumer_alone(stack)
            beside, meanwhile = _beside_the_consumer(stack, load)
    targets = {} if slow else TARGETS
    figures = [_against_empty(rounds, clients, value, targets) for clients in CLIENTS for value in VALUES]
    figures += [alone]
    figures += [_against_pure(rounds, beside, clients, value) for clients in BUSY_CLIENTS for value in VALUES]
    details = {"rounds": [asdict(one) for one in rounds], "roundsWithConsumer": [asdict(one) for one in beside]}
    return Part("Webhooks accepted", figures + meanwhile, _notes(rounds + beside), details)


def _in_turns(stack: Stack, empty: Empty, load: Generator) -> list[Round]:
    for server in (stack, empty):
        load.round(server, clients=max(CLIENTS), seconds=WARM_SECONDS)
    rounds = []
    for n in range(ROUNDS):
        for clients in CLIENTS:
            servers = (stack, empty) if n % 2 else (empty, stack)
            rounds += [load.round(server, clients=clients, seconds=SECONDS) for server in servers]
    return rounds


def _check_that_all_are_written_down(stack: Stack, load: Generator) -> None:
    with db.side_connection(stack.file) as file:
        [(written,)] = file.execute("SELECT count(*) FROM webhook")
    told = load.answered["wabot"]
    assert written == told, f"{told} webhooks were answered 200, {written} are in the file"


def _consumer_alone(stack: Stack) -> Figure:
    """How fast the consumer works off what the rounds left, answering and sending as it goes."""
    stack.start_consumer()
    wait_until(stack.ledger, seconds=60, what="the consumer is at work")
    (before, _), began = _done(stack), time.monotonic()
    time.sleep(READING_SECONDS)
    read = (_done(stack)[0] - before) / (time.monotonic() - began)
    return Figure("consumer alone: webhooks read, answered and sent", "/s", [read])


def _beside_the_consumer(stack: Stack, load: Generator) -> tuple[list[Round], list[Figure]]:
    """Rounds while the consumer works off what the others left, and what it got done meanwhile."""
    before = _done(stack)
    rounds = [load.round(stack, clients=clients, seconds=BUSY_SECONDS) for clients in BUSY_CLIENTS]
    seconds = sum(one.outcome.seconds for one in rounds)
    read, sent = (after - former for after, former in zip(_done(stack), before, strict=True))
    return rounds, [Figure("consumer on: webhooks read meanwhile", "/s", [read / seconds]),
                    Figure("consumer on: messages sent meanwhile", "/s", [sent / seconds])]  # fmt: skip


def _done(stack: Stack) -> tuple[int, int]:
    with db.side_connection(stack.file) as file:
        [(read,)] = file.execute("SELECT count(*) FROM webhook WHERE reading = 'done'")
    return read, len(stack.ledger())


def _against_empty(
    rounds: Sequence[Round], clients: int, value: str, targets: Mapping[tuple[int, str], Target]
) -> Figure:
    name, unit = VALUES[value]
    ours, empty = (_values(rounds, who, clients, value) for who in ("wabot", "empty"))
    return Figure(f"{_clients(clients)}: {name}", unit, ours, "empty", empty, targets.get((clients, value)))


def _against_pure(rounds: Sequence[Round], beside: Sequence[Round], clients: int, value: str) -> Figure:
    name, unit = VALUES[value]
    busy, pure = (_values(found, "wabot", clients, value) for found in (beside, rounds))
    return Figure(f"consumer on, {_clients(clients)}: {name}", unit, busy, "consumer off", pure)


def _values(rounds: Sequence[Round], who: str, clients: int, value: str) -> list[float]:
    return [getattr(one, value) for one in rounds if (one.who, one.clients) == (who, clients)]


def _clients(count: int) -> str:
    return f"{count} client{'s' * (count > 1)}"


def _notes(rounds: Sequence[Round]) -> list[str]:
    kinds = dict.fromkeys((one.who, one.clients, "consumer" in one.cores) for one in rounds)
    notes = []
    for kind in kinds:
        cores = [one.cores for one in rounds if (one.who, one.clients, "consumer" in one.cores) == kind]
        who, clients, busy = kind
        means = bench_machine.words(bench_machine.mean_cores(cores))
        notes.append(f"{who}, {_clients(clients)}{', consumer on' * busy}: {means}")
    return notes
