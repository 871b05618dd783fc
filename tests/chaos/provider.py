"""The fault-injecting provider, a process of its own: the send APIs of all vendors on one port, and everything that
they tell by webhook. What it accepted stands in its journal, flushed, before it answers or misbehaves.

    python -m tests.chaos.provider --seed N --journal FILE --webhooks http://127.0.0.1:PORT --rate 8 [--gupshup]

It takes commands as JSON lines on standard input and answers each with one on standard output; the first line tells the
port. {"storm": true} starts traffic and faults; {"calm": true} ends both, and what is still to be told is told;
{"trap": true} holds the answer of the next accepted send, and says {"trapped": …} at once; {"outage": seconds} refuses
connections; {"keys": {number: key}} are the channels' own webhook routes; {"waiting": true} asks how much is to do.
"""

import argparse
import contextlib
import json
import random
import socket
import sys
import threading
import time
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

from tests.chaos import faults, traffic, vendors
from tests.chaos.courier import Courier
from tests.chaos.world import World

TRAP_SECONDS, LATE_SECONDS = 20.0, 9.0
"""How long a trapped answer is held, and how much later than others such a send's fate is told."""


class Provider:
    """What the server knows; every method may be called from any thread."""

    def __init__(self, wanted):
        self.seed, self.world = wanted.seed, World(wanted.seed, wanted.gupshup)
        self.vendors = {
            "meta": vendors.Meta(self.world),
            "twilio": vendors.Twilio(self.world),
            "gupshup": vendors.Gupshup(self.world),
        }
        self._journal, self._lock = wanted.journal.open("a", encoding="utf-8"), threading.Lock()
        self.courier = Courier(wanted.seed, self.vendors, self.note, wanted.webhooks)
        self.base, self.keys, self.stormy, self.trap = wanted.webhooks, {}, False, threading.Event()
        self.listed, self._calls = [], 0

    def note(self, what, **values):
        """A line of the journal, in the file when this returns."""
        line = json.dumps({"what": what, "t": time.time(), **values}, ensure_ascii=False)
        with self._lock:
            self._journal.write(line + "\n")
            self._journal.flush()

    def next_fault(self):
        """What the next call meets, and the chance that goes with it."""
        with self._lock:
            self._calls += 1
            chance = faults.draw(self.seed, self._calls)
        return (faults.choose(chance) if self.stormy else "ok"), chance

    def hook(self, channel):
        """Where this channel's webhooks go, if not to the shared route."""
        return f"{self.base}/webhooks/{self.keys[channel.number]}" if channel.provider == "gupshup" else ""

    def accept(self, vendor, send, path, fault, chance, late=0.0):
        """Carry a send out: into the journal, then what will become of it, told `late` seconds later than usual.
        Returns the vendor's id."""
        vendor_id = vendor.new_id()
        self.note("sent", id=vendor_id, channel=send.channel.number, provider=send.channel.provider, to=send.to,
                  ref=send.ref, template=send.template, text=send.text, url=path, fault=fault)  # fmt: skip
        self.listed.append({"sid": vendor_id, "channel": send.channel, "to": send.to, "text": send.text,
                            "date": formatdate(usegmt=True)})  # fmt: skip
        for after, status in traffic.story(chance) if self.stormy else traffic.HAPPY:
            self._tell_status(vendor, send, vendor_id, status, after + late, chance)
        return vendor_id

    def _tell_status(self, vendor, send, vendor_id, status, after, chance):
        key = f"status:{uuid.uuid4().hex[:12]}"
        content = vendor.receipt(send, vendor_id, status, chance.choice(vendor.fail_codes))
        url = self.hook(send.channel)
        if send.channel.provider == "twilio":
            url = f"{self.base}/whatsapp/status?m={send.ref}"
        self.note("status", key=key, id=vendor_id, ref=send.ref, status=status)
        self.courier.plan([vendors.Item(key, send.channel, content, url=url)], after)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    @property
    def provider(self):
        return self.server.provider

    def log_message(self, *_):
        pass

    def handle(self):
        self.fault, self.chance = self.provider.next_fault()
        if self.fault == "reset_unread":
            faults.reset(self.connection)
            return
        super().handle()

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        listed = path.endswith("/Messages.json") and self._twilio_list(dict(parse_qsl(query)))
        self.answer(200 if listed else 404, json.dumps(listed or {}).encode())

    def _twilio_list(self, wanted):
        """The channel's messages to the number that is asked for, newest first."""
        try:
            channel = self.provider.vendors["twilio"].owner(self.headers)
        except vendors.Wrong:
            return None
        mine = [row for row in reversed(list(self.provider.listed)) if row["channel"] is channel]
        rows = [{"sid": row["sid"], "to": f"whatsapp:+{row['to']}", "from": f"whatsapp:{channel.number}",
                 "body": row["text"], "direction": "outbound-api", "status": "sent", "date_created": row["date"],
                 "date_sent": row["date"], "num_media": "0"}
                for row in mine if wanted.get("To") in (None, f"whatsapp:+{row['to']}")]  # fmt: skip
        return {"messages": rows[:1000], "next_page_uri": None}

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.path == "/v1/Content":
                vendor, made = self.provider.vendors["twilio"], self._create(body)
            else:
                vendor, made = self._send(body)
        except vendors.Wrong as wrong:
            self.provider.note("wrong", url=self.path, why=str(wrong))
            return self.answer(401, b"{}")
        return faults.misbehave(self, self.fault, self.chance, vendor, made)

    def _create(self, body):
        twilio = self.provider.vendors["twilio"]
        twilio.owner(self.headers)
        return twilio.create(body)

    def _send(self, body):
        provider = self.provider
        kind = "twilio" if self.path.startswith("/2010") else "gupshup" if self.path.startswith("/wa/") else "meta"
        vendor = provider.vendors[kind]
        send = vendor.understand(self.path, self.headers, body)
        if self.fault not in faults.ACCEPTED:
            return vendor, {}
        trapped = provider.trap.is_set()
        late = LATE_SECONDS if trapped else 0.0
        made = vendor.made(send, provider.accept(vendor, send, self.path, self.fault, self.chance, late))
        if trapped and provider.trap.is_set():
            provider.trap.clear()
            say({"trapped": send.ref})
            time.sleep(TRAP_SECONDS)
        return vendor, made

    def answer(self, status, body, headers=None):
        self.head(status, len(body), headers or {})
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def head(self, status, length, headers=None):
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(length),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        with contextlib.suppress(OSError):
            self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)


def serve(provider, port=0):
    """A server on this port, at work."""
    server = Server(("127.0.0.1", port), Handler)
    server.provider = provider
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def outage(server, seconds):
    """Refuse connections for a while; returns the server that listens again on the same port."""
    port = server.server_address[1]
    server.shutdown()
    server.socket.close()
    time.sleep(seconds)
    for _ in range(100):
        with contextlib.suppress(OSError):
            return serve(server.provider, port)
        time.sleep(0.05)
    raise SystemExit("the provider's port was taken")


def say(line):
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--webhooks", required=True)
    parser.add_argument("--rate", type=float, default=8.0, help="customers' messages a second")
    parser.add_argument("--gupshup", action="store_true")
    wanted = parser.parse_args()
    socket.setdefaulttimeout(30)
    provider = Provider(wanted)
    server = serve(provider)
    say({"port": server.server_address[1]})
    customers = traffic.Customers(provider, random.Random(f"{wanted.seed}/traffic"), wanted.rate)
    for line in sys.stdin:
        server = obey(json.loads(line), provider, customers, server)


def obey(command, provider, customers, server):
    """Carry one command out; returns the server."""
    answer = {"done": True}
    if "keys" in command:
        provider.keys = command["keys"]
    if "storm" in command:
        provider.stormy = True
        customers.start()
    if "calm" in command:
        provider.stormy = False
        provider.trap.clear()
        customers.stop()
        provider.courier.calm()
    if "trap" in command:
        provider.trap.set()
    if "outage" in command:
        server = outage(server, command["outage"])
    if "waiting" in command:
        answer = {"waiting": provider.courier.waiting()}
    say(answer)
    return server


if __name__ == "__main__":
    main()
