"""What the imitations of vendors share: a ledger, orders of misbehaviour, and an HTTP server that carries them out.

    POST /_control  {"mode", "count": 1, …}   what the next sends meet, one order after the other; see MODES
    POST /_control  {"clear": true}           ends all orders
    GET  /_ledger                             {"messages": [ledger], "callbacks": [events that were posted]}

and what they tell of usage, as `usage` says.

Parameters of an order: `accepted` (whether it counts as carried out), `status`, `body` (the answer's JSON),
`retry_after`, `delay_ms`, `then` (the events that follow).
"""

import argparse
import contextlib
import json
import queue
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.usage import Usage

MODES = {
    "ok": True,
    "error": False,
    "redirect": False,
    "reset_before": False,
    "reset_after": True,
    "timeout": True,
    "broken_json": True,
}
"""Each mode, and whether its send counts as carried out where the order does not say."""
MOST_BODY = 1 << 20
LONGEST_HANG = 120.0


class Refusal(Exception):
    """An answer that is not "accepted": its status and its JSON."""

    def __init__(self, status, body):
        super().__init__(str(body))
        self.status, self.body = status, body


class Vendor:
    """What a server knows; every method may be called from any thread. `ledger` is the path of a file to which each
    send that was carried out is added, one JSON object a line, flushed before the answer leaves."""

    accepted_status = 200
    handler = None
    """What answers its requests, where that is not `Handler`."""

    def __init__(self, ledger, callbacks=None):
        self.callbacks, self.orders, self.files, self.usage = callbacks, deque(), {}, Usage()
        self._path, self._ledger = ledger, ledger.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def close(self):
        self._ledger.close()

    def order(self, wanted):
        self.usage.order(wanted)
        with self._lock:
            if wanted.get("clear"):
                self.orders.clear()
            if "mode" in wanted:
                if wanted["mode"] not in MODES:
                    raise Refusal(400, {"message": f"modes are {', '.join(MODES)}"})
                self.orders.append({"count": 1} | wanted)

    def next_order(self):
        with self._lock:
            if not self.orders:
                return {"mode": "ok"}
            order = self.orders[0]
            order["count"] -= 1
            if order["count"] <= 0:
                self.orders.popleft()
            return order

    def note(self, line, order):
        with self._lock:
            self._ledger.write(json.dumps({**line, "time": time.time(), "mode": order["mode"]}) + "\n")
            self._ledger.flush()
        if self.callbacks:
            self.callbacks.plan(self.events(line, order))

    def lines(self):
        with self._lock:
            return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]

    def understand(self, method, path, headers, body):
        """What is asked for: ("say", body of an answer), ("answer", its status, bytes and headers), or ("send", a line
        for the ledger). Raises Refusal."""
        raise NotImplementedError

    def taken(self, line):
        """The body of the answer to a send."""
        raise NotImplementedError

    def events(self, line, order):
        """The bodies and headers of the webhooks that follow a send."""
        raise NotImplementedError


class Callbacks:
    """Posts webhooks one after the other."""

    def __init__(self, url, delay_seconds):
        self.url, self.delay, self.made = url, delay_seconds, []
        self._due = queue.SimpleQueue()
        threading.Thread(target=self._post_all, daemon=True).start()

    def plan(self, events):
        for body, headers in events:
            self._due.put((time.monotonic() + self.delay, body, headers))

    def _post_all(self):
        while True:
            due, body, headers = self._due.get()
            time.sleep(max(0, due - time.monotonic()))
            self.made.append({"event": json.loads(body), "answer": self._post(body, headers)})

    def _post(self, body, headers):
        parts = urlsplit(self.url)
        with contextlib.closing(HTTPConnection(parts.netloc, timeout=15)) as connection:
            try:
                connection.request("POST", parts.path, body, {"Content-Type": "application/json", **headers})
                return connection.getresponse().status
            except (OSError, HTTPException):
                return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_HANG

    @property
    def vendor(self):
        return self.server.vendor

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/_ledger":
            made = self.vendor.callbacks.made if self.vendor.callbacks else []
            return self._json(200, {"messages": self.vendor.lines(), "callbacks": list(made)})
        if self.path == "/_usage":
            return self._json(200, {"asked": self.vendor.usage.asked})
        if self.path in self.vendor.files:
            content_type, body = self.vendor.files[self.path]
            return self._answer(200, body, {"Content-Type": content_type})
        return self._serve("GET", b"")

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BODY:
            return self._json(413, {"message": "too large"})
        body = self.rfile.read(length)
        if self.path == "/_control":
            self.vendor.order(json.loads(body))
            return self._json(200, {})
        return self._serve("POST", body)

    def _serve(self, method, body):
        try:
            what, line = self.vendor.understand(method, self.path, self.headers, body)
            if what == "answer":
                return self._answer(*line)
            return self._json(200, line) if what == "say" else self._obey(self.vendor.next_order(), line)
        except Refusal as refusal:
            return self._json(refusal.status, refusal.body)

    def _obey(self, order, line):
        mode, made = order["mode"], {}
        if order.get("accepted", MODES[mode]):
            self.vendor.note(line, order)
            made = self.vendor.taken(line)
        time.sleep(order.get("delay_ms", 0) / 1000)
        getattr(self, f"_{mode}")(order, json.dumps(made).encode())

    def _ok(self, order, made):
        self._answer(self.vendor.accepted_status, made)

    def _error(self, order, made):
        headers = {"Retry-After": str(order["retry_after"])} if "retry_after" in order else {}
        self._answer(order.get("status", 400), json.dumps(order.get("body", {})).encode(), headers)

    def _redirect(self, order, made):
        self._answer(302, b"", {"Location": "http://169.254.169.254/"})

    def _reset_before(self, order, made):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    _reset_after = _reset_before

    def _timeout(self, order, made):
        self.connection.settimeout(LONGEST_HANG)
        with contextlib.suppress(OSError):
            self.connection.recv(1)
        self.close_connection = True

    def _broken_json(self, order, made):
        self._answer(self.vendor.accepted_status, made[: len(made) // 2])

    def _json(self, status, value):
        self._answer(status, json.dumps(value).encode())

    def _answer(self, status, body, headers=None):
        self.send_response(status)
        told = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A client that goes away is expected here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def server(vendor, port=0):
    """A server on this machine that is the vendor."""
    made = Server(("127.0.0.1", port), vendor.handler or Handler)
    made.vendor = vendor
    return made


def options(description):
    """The options that every imitation has as a process of its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--webhook", help="where events are posted")
    parser.add_argument("--callback-delay-ms", type=int, default=50)
    return parser


def callbacks(wanted):
    return Callbacks(wanted.webhook, wanted.callback_delay_ms / 1000) if wanted.webhook else None


def run(vendor, port):
    """Serve until TERM or INT; the first line on standard output is the port."""
    made = server(vendor, port)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=made.shutdown).start())
    print(made.server_address[1], flush=True)
    made.serve_forever(poll_interval=0.1)
    made.server_close()
    vendor.close()
