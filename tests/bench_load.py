"""The load generator, a process of its own: signed webhooks as bytes, made before the round, over keep-alive sockets.

    python -m tests.bench_load      an Order a line on standard input, its Outcome a line on standard output

One thread and no HTTP library, so that it costs a small part of what the server under test does.
"""

import gc
import json
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO
from urllib.parse import urlencode

from tests.bench_figures import quantile
from tests.fakes.twilio import sign

PATH = "/whatsapp/webhook"
PATIENCE_SECONDS = 20.0
LARGEST_ANSWER = 65536


@dataclass(frozen=True, slots=True)
class Sender:
    """Who signs the webhooks, the public address that they are signed for, and whose they are in turn."""

    url: str
    account: str
    token: str
    numbers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Order:
    """One round: webhooks number `first` to `first + most` from that many clients, ended after `seconds`."""

    port: int
    clients: int
    seconds: float
    first: int
    most: int
    customers: int
    sender: Sender


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round measured: answers by status, and milliseconds from the send to the answer's last byte."""

    seconds: float
    statuses: dict[str, int]
    p50: float
    p99: float
    longest: float

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())


def webhook(n: int, port: int, customer: str, sender: Sender) -> bytes:
    """Webhook number `n` as the bytes of an HTTP request, as the provider sends it."""
    sid, to = f"SM{n:032x}", sender.numbers[n % len(sender.numbers)]
    form = {
        "SmsMessageSid": sid, "NumMedia": "0", "ProfileName": "Sara", "MessageType": "text", "SmsSid": sid,
        "WaId": customer.lstrip("+"), "SmsStatus": "received", "Body": f"hello {n}", "To": f"whatsapp:{to}",
        "NumSegments": "1", "ReferralNumMedia": "0", "MessageSid": sid, "AccountSid": sender.account,
        "From": f"whatsapp:{customer}", "ApiVersion": "2010-04-01",
    }  # fmt: skip
    body = urlencode(form)
    head = (
        f"POST {PATH} HTTP/1.1", f"Host: 127.0.0.1:{port}", "User-Agent: TwilioProxy/1.1", "Accept: */*",
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8", f"Content-Length: {len(body)}",
        f"X-Twilio-Signature: {sign(sender.url + PATH, form, sender.token)}", f"I-Twilio-Idempotency-Token: {sid}",
    )  # fmt: skip
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def status(answer: bytes) -> str:
    """The status of an answer that has come whole, else nothing."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head[9:12].decode() if length and len(body) >= int(length[1]) else ""


def exchange(connection: socket.socket, request: bytes) -> str:
    """Send one request, wait for its answer; its status."""
    connection.sendall(request)
    answer = b""
    while not (found := status(answer)):
        answer += received(connection)
    return found


def received(connection: socket.socket) -> bytes:
    part = connection.recv(LARGEST_ANSWER)
    if not part:
        raise ConnectionError("the server closed a connection in the middle of a round")
    return part


@dataclass(slots=True)
class _Client:
    """One connection with one request under way."""

    connection: socket.socket
    sent_at: float = 0.0
    answer: bytes = b""

    def send(self, request: bytes) -> None:
        self.answer = b""
        self.sent_at = time.perf_counter()
        self.connection.sendall(request)


def serve(orders: TextIO, outcomes: TextIO) -> None:
    """Answer each order with `ready` once its webhooks are made, and after a line of any kind with its outcome."""
    for line in orders:
        values = json.loads(line)
        order = Order(**values | {"sender": Sender(**values["sender"])})
        requests = made(order)
        print("ready", file=outcomes, flush=True)
        orders.readline()
        print(json.dumps(asdict(run(order, requests))), file=outcomes, flush=True)


def made(order: Order) -> list[bytes]:
    numbers = range(order.first, order.first + order.most)
    return [webhook(n, order.port, f"+9665{n % order.customers:08d}", order.sender) for n in numbers]


def run(order: Order, requests: list[bytes]) -> Outcome:
    """One round: each client sends its next webhook as soon as the last one is answered."""
    clients = [_Client(connect(order.port)) for _ in range(order.clients)]
    gc.collect()
    gc.disable()
    try:
        return _Round(iter(requests), order.seconds).measured(clients)
    finally:
        gc.enable()
        for client in clients:
            client.connection.close()


class _Round:
    def __init__(self, requests: Iterator[bytes], seconds: float) -> None:
        self._requests, self._seconds = requests, seconds
        self._ready = selectors.DefaultSelector()
        self._statuses: Counter[str] = Counter()
        self._latencies: list[float] = []

    def measured(self, clients: list[_Client]) -> Outcome:
        self._began = time.perf_counter()
        for client in clients:
            self._ready.register(client.connection, selectors.EVENT_READ, client)
            client.send(next(self._requests))
        while self._ready.get_map():
            self._take_what_came()
        seconds = time.perf_counter() - self._began
        p50, p99 = quantile(self._latencies, 0.5), quantile(self._latencies, 0.99)
        return Outcome(seconds, dict(self._statuses), p50, p99, max(self._latencies))

    def _take_what_came(self) -> None:
        readable = self._ready.select(PATIENCE_SECONDS)
        if not readable:
            raise TimeoutError(f"no answer within {PATIENCE_SECONDS:.0f} s")
        for key, _ in readable:
            client = key.data
            client.answer += received(client.connection)
            if found := status(client.answer):
                self._statuses[found] += 1
                self._go_on(client)

    def _go_on(self, client: _Client) -> None:
        now = time.perf_counter()
        self._latencies.append(1000 * (now - client.sent_at))
        following = next(self._requests, None) if now - self._began < self._seconds else None
        if following is None:
            self._ready.unregister(client.connection)
        else:
            client.send(following)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
