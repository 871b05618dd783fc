"""An imitation of Twilio's Messages and Content APIs, as a process of its own, that misbehaves on demand.

    python -m tests.fakes.twilio --port 0 --ledger FILE --account AC… --token … [--callbacks]

The first line on standard output is the port. Every send that Twilio would have carried out stands in the
ledger file, one JSON object a line, flushed before the answer leaves: what the customer would have received.
`--also AC…=TOKEN` is another account, with contents of its own. With `--fetch` the file of a send is fetched from its
MediaUrl first, and the ledger's `File` says what was there.

    POST /_control  {"mode", "count": 1, …}   what the next sends meet, one order after the other; see MODES
    POST /_control  {"forget_contents": true} contents are gone; {"contents": {"HX…": types}} adds some
    POST /_control  {"files": {"ME…": {"message": "MM…", "content_type", "base64"}}}  adds files of customers
    POST /_control  {"clear": true}           ends all orders; {"next_page_uri": …} is what every list says from then on
    POST /_inbound  {"From", "Body", …}       a message of a customer for the list
    GET  /_contents                           {HX…: types}
    GET  /_ledger                             {"messages": [ledger], "callbacks": [status callbacks that were made]}

It also tells accounts' usage, as `usage` says: their records of it, and their lists of messages in place of its own.

Parameters of an order: `on` (messages | content | files: the list of a message's | media: the address of a file, which
redirects | storage: where it leads), `size` of a huge file, `accepted` (whether it counts as carried out), `status`,
`code`, `retry_after`, `location`, `delay_ms` (before the answer; between the bytes of a drip), `then` (the status
callbacks, default sent, delivered, read) with `error_code` for those that fail.
"""

import argparse
import base64
import contextlib
import hashlib
import heapq
import hmac
import itertools
import json
import queue
import re
import secrets
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes import usage

LISTS = {"/Usage/Records/Daily.json": "usage_records", "/Messages.json": "messages"}
"""Of what is told of usage."""
MODES = {
    "ok": True,
    "refuse_400": False,
    "status": False,
    "throttle": False,
    "redirect": False,
    "reset_before": False,
    "reset_after": True,
    "timeout": True,
    "drip": True,
    "huge": True,
    "broken_json": True,
}
"""Each mode, and whether its send counts as carried out where the order does not say."""
MOST_BODY = 1 << 20
LONGEST_HANG = 120.0
HUGE = 200_000_000
SIDS = {"message": "SM", "file": "MM", "content": "HX"}
FIELDS = (
    "To", "From", "MessagingServiceSid", "Body", "ContentSid", "ContentVariables", "StatusCallback", "MediaUrl",
    "PersistentAction",
)  # fmt: skip
PLACE = re.compile(r"geo:-?[0-9]{1,2}(\.[0-9]+)?,-?[0-9]{1,3}(\.[0-9]+)?(\|.+)?")
"""What the ledger keeps of a send."""


def sign(url, params, token):
    """X-Twilio-Signature as https://www.twilio.com/docs/usage/webhooks/webhooks-security describes it."""
    pairs = params.items() if isinstance(params, dict) else params
    text = url
    for name in sorted({name for name, _ in pairs}):
        for value in sorted({value for other, value in pairs if other == name}):
            text += name + value
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def fields(form):
    """The fields of a form, blank and repeated ones included."""
    return parse_qsl(form, keep_blank_values=True)


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Twilio:
    """What the server knows; every method may be called from any thread."""

    def __init__(self, account, token, ledger, callbacks=None, others=None, fetches=False):
        self.account, self.tokens, self.callbacks = account, {account: token, **(others or {})}, callbacks
        self.fetches, self.owners, self.usage = fetches, {}, usage.Usage()
        self.orders, self.contents, self.inbound, self.next_page_uri, self.files = deque(), {}, [], None, {}
        self._ledger = ledger.open("a", encoding="utf-8")
        self._path, self._lock = ledger, threading.Lock()

    def close(self):
        self._ledger.close()

    def order(self, wanted):
        self.usage.order(wanted)
        with self._lock:
            if wanted.get("forget_contents"):
                self.contents.clear()
            self.contents.update(wanted.get("contents", {}))
            self.files.update(wanted.get("files", {}))
            self.next_page_uri = wanted.get("next_page_uri", self.next_page_uri)
            if wanted.get("clear"):
                self.orders.clear()
            if "mode" in wanted:
                if wanted["mode"] not in MODES:
                    raise Refusal(400, 0, f"modes are {', '.join(MODES)}")
                self.orders.append({"count": 1, "on": "messages"} | wanted)

    def next_order(self, on):
        with self._lock:
            for order in self.orders:
                if order["on"] == on:
                    order["count"] -= 1
                    if order["count"] == 0:
                        self.orders.remove(order)
                    return order
        return {"mode": "ok"}

    def caller(self, authorization):
        """Whose credentials these are; None where they are nobody's."""
        pairs = {f"{account}:{token}": account for account, token in self.tokens.items()}
        return next((pairs[pair] for pair in pairs if authorization == f"Basic {encoded(pair)}"), None)

    def check(self, form, account=None):
        """Raises Refusal as the error pages say (21604, 21603, 21910, 21619, 21620, 21617, 21655, 21656,
        21609)."""
        sender = form.get("From", "")
        if not form.get("To"):
            raise Refusal(400, 21604, "A 'To' phone number is required.")
        if not sender and not form.get("MessagingServiceSid"):
            raise Refusal(400, 21603, "A 'From' phone number is required.")
        if sender and sender.startswith("whatsapp:") != form["To"].startswith("whatsapp:"):
            raise Refusal(400, 21910, "Invalid From and To pair.")
        if not form.get("Body") and not form.get("ContentSid") and not form.get("MediaUrl"):
            raise Refusal(400, 21619, "A text message body or media urls must be specified.")
        if "MediaUrl" in form and not urlsplit(form["MediaUrl"]).hostname:
            raise Refusal(400, 21620, "Invalid media URL(s)")
        if "PersistentAction" in form and not (form.get("Body") and PLACE.fullmatch(form["PersistentAction"])):
            raise Refusal(400, 63021, "Channel invalid content error")
        if len(form.get("Body", "")) > 1600:
            raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        content = form.get("ContentSid")
        if content is not None and (content not in self.contents or self.owners.get(content, account) != account):
            raise Refusal(400, 21655, "The ContentSid is Invalid")
        self._check_variables(form)
        callback = urlsplit(form.get("StatusCallback", "http://ok"))
        if not callback.hostname or "_" in callback.hostname or callback.fragment:
            raise Refusal(400, 21609, "The 'StatusCallback' URL is not a valid URL.")

    def _check_variables(self, form):
        try:
            variables = json.loads(form.get("ContentVariables", "{}"))
            values = list(variables.values())
        except (ValueError, AttributeError):
            raise Refusal(400, 21656, "The Content Variables parameter is invalid.") from None
        bad = [value for value in values if not isinstance(value, str) or not value.strip() or "\n" in value]
        wanted = set(re.findall(r"{{(\w+)}}", json.dumps(self.contents.get(form.get("ContentSid"), {}))))
        if bad or len(values) > 100 or wanted - set(variables):
            raise Refusal(400, 21656, "The Content Variables parameter is invalid.")

    def carry_out(self, form, order, account):
        sid = new_sid("file" if form.get("MediaUrl") else "message")
        line = {"sid": sid, "account": account, "time": time.time(), "mode": order["mode"]}
        line |= {name: form.get(name) for name in FIELDS}
        if self.fetches and form.get("MediaUrl"):
            line["File"] = fetched(form["MediaUrl"])
        with self._lock:
            self._ledger.write(json.dumps(line) + "\n")
            self._ledger.flush()
        if self.callbacks and form.get("StatusCallback"):
            self.callbacks.plan(account, self.tokens[account], sid, form, order)
        return sid

    def lines(self):
        with self._lock:
            return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]

    def create(self, content, account):
        if not isinstance(content.get("types"), dict) or not content.get("language"):
            raise Refusal(400, 20001, "types and language are required")
        sid = new_sid("content")
        with self._lock:
            self.contents[sid], self.owners[sid] = content["types"], account
        return {"sid": sid, "account_sid": account} | content


def encoded(pair):
    return base64.b64encode(pair.encode()).decode()


def fetched(url):
    """What is at an address of a file, asked for without any credentials."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with contextlib.closing(connect(parts.netloc, timeout=15)) as connection:
        try:
            connection.request("GET", url[len(f"{parts.scheme}://{parts.netloc}") :])
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            return {"error": repr(error)}
    digest = hashlib.sha256(body).hexdigest()
    return {"status": answer.status, "content_type": answer.headers["Content-Type"], "sha256": digest}


def slowly(data, pause):
    for position in range(len(data)):
        yield data[position : position + 1]
        time.sleep(pause)


def new_sid(kind):
    return SIDS[kind] + secrets.token_hex(16)


class Callbacks:
    """Makes the signed status callbacks, each in its time: one thread waits, a few post."""

    def __init__(self, delay_seconds):
        self.delay, self.made = delay_seconds, []
        self._heap, self._counter = [], itertools.count()
        self._wake, self._due = threading.Condition(), queue.SimpleQueue()
        for target in (self._wait, *[self._post_all] * 8):
            threading.Thread(target=target, daemon=True).start()

    def plan(self, account, token, sid, form, order):
        with self._wake:
            for n, status in enumerate(order.get("then", ("sent", "delivered", "read")), 1):
                params = {
                    "MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status,
                    "AccountSid": account, "ApiVersion": "2010-04-01", "ChannelPrefix": "whatsapp",
                    "From": form.get("From") or "whatsapp:+15005550006", "To": form["To"],
                }  # fmt: skip
                if status in ("failed", "undelivered"):
                    params |= {"ErrorCode": str(order.get("error_code", 63024)), "ChannelStatusMessage": "as ordered"}
                job = (token, form["StatusCallback"], params)
                heapq.heappush(self._heap, (time.monotonic() + n * self.delay, next(self._counter), job))
            self._wake.notify()

    def _wait(self):
        while True:
            with self._wake:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    self._wake.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
                job = heapq.heappop(self._heap)[2]
            self._due.put(job)

    def _post_all(self):
        while True:
            self._post(*self._due.get())

    def _post(self, token, url, params):
        parts = urlsplit(url)
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = connect(parts.netloc, timeout=15)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": sign(url, params, token),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        }
        answer = None
        with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
            connection.request("POST", url[len(f"{parts.scheme}://{parts.netloc}") :], urlencode(params), headers)
            answer = connection.getresponse().status
        self.made.append({"sid": params["MessageSid"], "status": params["MessageStatus"], "answer": answer})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_HANG

    @property
    def twilio(self):
        return self.server.twilio

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        caller = self.twilio.caller(self.headers.get("Authorization"))
        account = f"/2010-04-01/Accounts/{caller}"
        if path == "/_ledger":
            made = self.twilio.callbacks.made if self.twilio.callbacks else []
            self._json(200, {"messages": self.twilio.lines(), "callbacks": list(made)})
        elif path == "/_usage":
            self._json(200, {"asked": self.twilio.usage.asked})
        elif path == "/_contents":
            self._json(200, self.twilio.contents)
        elif path.startswith("/_storage/"):
            self._store(path.removeprefix("/_storage/"))
        elif caller is None:
            self._error(401, 20003, "Authenticate")
        elif path == f"{account}.json":
            self._json(200, {"sid": caller, "status": "active", "friendly_name": "imitation"})
        elif path.removeprefix(account) in LISTS and self.twilio.usage.knows(caller):
            self._tell_usage(LISTS[path.removeprefix(account)], caller)
        elif path == f"{account}/Messages.json":
            self._list(dict(parse_qsl(query)), path)
        elif path.startswith(f"{account}/Messages/") and "/Media" in path:
            self._point(*path.removeprefix(f"{account}/Messages/").split("/Media", 1))
        elif path.startswith("/v1/Content/") and path.rpartition("/")[2] in self.twilio.contents:
            sid = path.rpartition("/")[2]
            self._json(200, {"sid": sid, "types": self.twilio.contents[sid]})
        else:
            self._error(404, 20404, f"The requested resource {path} was not found")

    def _tell_usage(self, name, account):
        told = self.twilio.usage.told[account]
        self._answer(*self.twilio.usage.answer(self.path, lambda: usage.of_account(told, name, account, self.path)))

    def _point(self, message, sid):
        """The files of a message, or for one of them a redirect to where it is kept."""
        known = {me: file for me, file in self.twilio.files.items() if file["message"] == message}
        if sid == ".json":
            order = self.twilio.next_order("files")
            if order["mode"] != "ok":
                return self._obey(order, dict)
            listed = [{"sid": me, "content_type": file["content_type"]} for me, file in known.items()]
            return self._json(200, {"media_list": listed})
        if sid.strip("/") not in known:
            return self._error(404, 20404, "The requested resource was not found")
        order = self.twilio.next_order("media")
        if order["mode"] != "ok":
            return self._obey(order, dict)
        return self._answer(307, b"", {"Location": f"/_storage{sid}?Expires=1&Signature=x"})

    def _store(self, sid):
        """The file, or what was ordered instead; as S3 it wants one sort of credentials, and has those in the URL."""
        if "Authorization" in self.headers:
            return self._answer(400, b"<Code>InvalidArgument</Code>", {"Content-Type": "application/xml"})
        order, file = self.twilio.next_order("storage"), self.twilio.files[sid]
        if order["mode"] not in ("ok", "huge", "drip"):
            return self._obey(order, dict)
        data = base64.b64decode(file["base64"])
        data = b"x" * order.get("size", 30_000_000) if order["mode"] == "huge" else data
        self._head(200, len(data), {"Content-Type": file["content_type"]})
        return self._stream(slowly(data, order.get("delay_ms", 300) / 1000) if order["mode"] == "drip" else [data])

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BODY:
            return self._error(413, 20413, "too large")
        body = self.rfile.read(length)
        try:
            return self._route(body)
        except Refusal as refusal:
            return self._error(refusal.status, refusal.code, str(refusal))

    def _route(self, body):
        if self.path == "/_control":
            self.twilio.order(json.loads(body))
            return self._json(200, {})
        if self.path == "/_inbound":
            return self._json(200, self._take_inbound(json.loads(body)))
        caller = self.twilio.caller(self.headers.get("Authorization"))
        if caller is None:
            raise Refusal(401, 20003, "Authenticate")
        if self.path == f"/2010-04-01/Accounts/{caller}/Messages.json":
            form = dict(fields(body.decode()))
            order = self.twilio.next_order("messages")
            return self._obey(order, lambda: self._sent(form, order, caller))
        if self.path == "/v1/Content":
            order = self.twilio.next_order("content")
            return self._obey(order, lambda: self.twilio.create(json.loads(body), caller))
        raise Refusal(404, 20404, f"The requested resource {self.path} was not found")

    def _sent(self, form, order, caller):
        self.twilio.check(form, caller)
        sid = self.twilio.carry_out(form, order, caller)
        status = "accepted" if form.get("MessagingServiceSid") else "queued"
        return {"sid": sid, "account_sid": caller, "status": status, "to": form["To"],
                "from": form.get("From"), "body": form.get("Body", ""), "direction": "outbound-api",
                "date_created": formatdate(usegmt=True), "date_sent": None, "error_code": None,
                "num_media": str(int("MediaUrl" in form)), "num_segments": "1",
                "api_version": "2010-04-01"}  # fmt: skip

    def _obey(self, order, do):
        mode = order["mode"]
        made = do() if order.get("accepted", MODES[mode]) else None
        if mode != "drip":
            time.sleep(order.get("delay_ms", 0) / 1000)
        getattr(self, f"_{mode}")(order, json.dumps(made or {}).encode())

    def _ok(self, order, made):
        self._answer(201, made)

    def _refuse_400(self, order, made):
        self._error(400, order.get("code", 21211), "Refused as ordered")

    def _status(self, order, made):
        headers = {"Retry-After": str(order["retry_after"])} if "retry_after" in order else {}
        body = {"code": order["code"], "message": "As ordered", "status": order["status"]} if "code" in order else {}
        self._answer(order["status"], json.dumps(body).encode(), headers)

    def _throttle(self, order, made):
        self._status({"status": 429, "code": 20429, "retry_after": 1} | order, made)

    def _redirect(self, order, made):
        self._answer(302, b"", {"Location": order.get("location", "http://169.254.169.254/")})

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

    def _drip(self, order, made):
        self._head(201, len(made) + 1000, {})
        self._stream(slowly(made + b" " * 1000, order.get("delay_ms", 300) / 1000))

    def _huge(self, order, made):
        self._head(201, HUGE, {})
        self._stream(itertools.repeat(b"x" * 65536, HUGE // 65536))

    def _broken_json(self, order, made):
        self._answer(201, made[: len(made) // 2])

    def _stream(self, parts):
        self.close_connection = True
        try:
            for part in parts:
                self.wfile.write(part)
                self.wfile.flush()
        except OSError:
            return

    def _take_inbound(self, message):
        now = formatdate(usegmt=True)
        made = {
            "sid": new_sid("message"), "account_sid": self.twilio.account, "direction": "inbound",
            "status": "received", "num_media": "0", "num_segments": "1", "api_version": "2010-04-01",
            "date_created": now, "date_sent": now, "messaging_service_sid": None,
        } | {name.lower(): value for name, value in message.items()}  # fmt: skip
        self.twilio.inbound.insert(0, made)
        return made

    def _list(self, query, path):
        wanted = [message for message in self.twilio.inbound if message["to"] == query.get("To", message["to"])]
        page, size = int(query.get("Page", 0)), int(query.get("PageSize", 50))
        rest = wanted[(page + 1) * size :]
        if self.twilio.next_page_uri:
            return self._json(200, {"messages": wanted, "next_page_uri": self.twilio.next_page_uri})
        following = urlencode(query | {"Page": page + 1, "PageToken": "PT"})
        return self._json(
            200,
            {
                "messages": wanted[page * size : (page + 1) * size],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{path}?{following}" if rest else None,
            },
        )

    def _error(self, status, code, message):
        more = f"https://www.twilio.com/docs/errors/{code}"
        self._json(status, {"code": code, "message": message, "more_info": more, "status": status})

    def _json(self, status, value):
        self._answer(status, json.dumps(value).encode())

    def _answer(self, status, body, headers=None):
        self._head(status, len(body), headers or {})
        self.wfile.write(body)

    def _head(self, status, length, headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A client that goes away is expected here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--also", action="append", default=[], metavar="SID=TOKEN", help="another account")
    parser.add_argument("--fetch", action="store_true", help="fetch the files that are sent")
    parser.add_argument("--callbacks", action="store_true", help="make signed status callbacks")
    parser.add_argument("--callback-delay-ms", type=int, default=50, help="between the callbacks of a message")
    wanted = parser.parse_args()
    callbacks = Callbacks(wanted.callback_delay_ms / 1000) if wanted.callbacks else None
    server = Server(("127.0.0.1", wanted.port), Handler)
    others = dict(account.split("=", 1) for account in wanted.also)
    server.twilio = Twilio(wanted.account, wanted.token, wanted.ledger, callbacks, others, wanted.fetch)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    server.twilio.close()


if __name__ == "__main__":
    main()
