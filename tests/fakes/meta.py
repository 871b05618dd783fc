"""An imitation of Meta's Graph API for WhatsApp messages, as a process of its own, that misbehaves on demand.

    python -m tests.fakes.meta --port 0 --ledger FILE --number ID=TOKEN… [--webhook URL --app-secret …]

The first line on standard output is the port. Every send that Meta would have carried out stands in the ledger
file, one JSON object a line, flushed before the answer leaves. With `--webhook` its statuses are posted there, signed.

    POST /_control  {"mode", "count": 1, …}   what the next sends meet, one order after the other; see MODES
    POST /_control  {"clear": true}           ends all orders
    POST /_control  {"files": {"ID": {"mime_type", "base64"}}}  files of customers, or with "size" random bytes of
                                              the seed ID; {"forget_files": true} drops all
    GET  /_ledger                             {"messages": [ledger], "callbacks": [statuses that were posted],
                                               "asked": [path and token of each request about a file]}

It also tells the usage of WhatsApp business accounts, as `usage` says, to whoever has a token of one of its numbers.

Parameters of an order: `on` (messages, the default | upload | about: what a file's id is asked for | file: its bytes),
`accepted` (whether it counts as carried out), `status`, `code`, `subcode`, `details`, `retry_after`, `delay_ms` (before
the answer; between the bytes of a drip), `location`, `size` of a huge file, `about` (what the answer about a file says
otherwise), `then` (the statuses, default sent, delivered, read) with `error_code` for a failed one.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import queue
import random
import re
import secrets
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from email.parser import BytesParser
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes import usage

MODES = {
    "ok": True,
    "error": False,
    "redirect": False,
    "reset_before": False,
    "reset_after": True,
    "timeout": True,
    "broken_json": True,
    "drip": True,
    "huge": True,
}
"""Each mode, and whether its send counts as carried out where the order does not say."""
MOST_BODY = 1 << 20
MOST_UPLOAD = 101 << 20
LONGEST_HANG = 120.0
LIMITS = {"text": 4096, "interactive": 1024}
CAPTIONED = ("image", "video", "document")
FILES = (*CAPTIONED, "audio", "sticker")
UPLOADS = {
    "audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg", "audio/opus", "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/msword",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation", "application/pdf", "text/plain",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.ms-excel", "image/jpeg",
    "image/png", "image/webp", "video/mp4", "video/3gpp",
}  # fmt: skip
"""The types that an upload may have, as its refusal lists them."""


def sign(body, app_secret):
    """X-Hub-Signature-256: SHA-256 over the raw body, in lower-case hexadecimal (facts §2.1)."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def webhook(number_id, **value):
    """The body of a webhook for one number, as bytes."""
    return batch({"field": "messages", "value": within(number_id, **value)})


def within(number_id, **value):
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **value}


def batch(*changes):
    """Several changes in one body, with the escapes that Meta writes."""
    entries = [{"id": "102290129340398", "changes": list(changes)}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}).replace("/", "\\/").encode()


class Refusal(Exception):
    def __init__(self, status, code, message, details="", subcode=None):
        super().__init__(message)
        self.status, self.code, self.details, self.subcode = status, code, details, subcode


class Meta:
    """What the server knows; every method may be called from any thread."""

    def __init__(self, numbers, ledger, callbacks=None):
        self.numbers, self.callbacks, self.orders, self.files, self.asked = numbers, callbacks, deque(), {}, []
        self.usage = usage.Usage()
        self._ledger = ledger.open("a", encoding="utf-8")
        self._path, self._lock = ledger, threading.Lock()

    def close(self):
        self._ledger.close()

    def order(self, wanted):
        self.usage.order(wanted)
        with self._lock:
            if wanted.get("clear"):
                self.orders.clear()
            if wanted.get("forget_files"):
                self.files.clear()
            for media_id, file in wanted.get("files", {}).items():
                made = random.Random(media_id).randbytes(file["size"]) if "size" in file else b""
                self.files[media_id] = (file["mime_type"], made or base64.b64decode(file["base64"]))
            if "mode" in wanted:
                if wanted["mode"] not in MODES:
                    raise Refusal(400, 100, f"modes are {', '.join(MODES)}")
                self.orders.append({"count": 1, "on": "messages"} | wanted)

    def next_order(self, on):
        with self._lock:
            for order in self.orders:
                if order["on"] == on:
                    order["count"] -= 1
                    if order["count"] <= 0:
                        self.orders.remove(order)
                    return order
        return {"mode": "ok"}

    def upload(self, content_type, body):
        """The id of an uploaded file. Raises Refusal as the API does (100)."""
        whole = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in whole.get_payload()}
        if "messaging_product" not in parts or "file" not in parts or "type" not in parts:
            raise Refusal(400, 100, "(#100) The parameters messaging_product, file and type are required.")
        kind = parts["file"].get_content_type()
        if kind not in UPLOADS or not parts["file"].get_filename():
            raise Refusal(
                400, 100, f"(#100) Param file must be a file with one of the following types: {sorted(UPLOADS)}."
            )
        media_id = str(secrets.randbelow(10**15))
        with self._lock:
            self.files[media_id] = (kind, parts["file"].get_payload(decode=True))
        return media_id

    def check(self, message):
        """Raises Refusal as the error page says (100, 131008, 131009)."""
        if message.get("messaging_product") != "whatsapp":
            raise Refusal(400, 100, "(#100) The parameter messaging_product is required.")
        to, user_id = message.get("to"), message.get("recipient")
        if not re.fullmatch(r"[0-9]{4,20}", to or "") and not re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]+", user_id or ""):
            raise Refusal(400, 131009, "(#131009) Parameter value is not valid", "Recipient is not valid")
        kind = message.get("type", "text")
        content = message.get(kind)
        if not isinstance(content, dict):
            raise Refusal(400, 131008, "(#131008) Required parameter is missing", kind)
        said = content["body"] if kind == "text" else content.get("body", {}).get("text", "")
        if kind in LIMITS and not 0 < len(said) <= LIMITS[kind]:
            raise Refusal(400, 131009, "(#131009) Parameter value is not valid", "body")
        if kind == "interactive":
            self._check_action(content["type"], content["action"])
        if kind in FILES:
            self._check_file(kind, content)
        if kind == "location":
            self._check_place(content)
        if kind == "template" and not content.get("language", {}).get("code"):
            raise Refusal(400, 131008, "(#131008) Required parameter is missing", "language.code")

    def _check_file(self, kind, content):
        if ("id" in content) == ("link" in content):
            raise Refusal(400, 131008, "(#131008) Required parameter is missing", f"{kind}: id or link")
        if "id" in content and content["id"] not in self.files:
            message = f"(#100) Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            raise Refusal(400, 100, message)
        wrong = content.keys() - {"id", "link"} - ({"caption"} if kind in CAPTIONED else set())
        if wrong - ({"filename"} if kind == "document" else set()) or len(content.get("caption", "")) > 1024:
            raise Refusal(400, 131009, "(#131009) Parameter value is not valid", kind)

    def _check_place(self, content):
        if not isinstance(content.get("latitude"), float | int) or abs(content.get("longitude", 181)) > 180:
            raise Refusal(400, 131009, "(#131009) Parameter value is not valid", "location")

    def _check_action(self, kind, action):
        sections = action.get("sections", [])
        buttons = [button["reply"]["title"] for button in action.get("buttons", [])]
        rows = [row["title"] for section in sections for row in section["rows"]]
        untitled = len(sections) > 1 and not all(section.get("title") for section in sections)
        titles, most, longest = (rows, 10, 24) if kind == "list" else (buttons, 3, 20)
        if untitled or not 1 <= len(titles) <= most or any(not 0 < len(title) <= longest for title in titles):
            raise Refusal(400, 131009, "(#131009) Parameter value is not valid", "action")

    def carry_out(self, number_id, message, order):
        wamid = "wamid." + secrets.token_urlsafe(24)
        line = {"id": wamid, "number_id": number_id, "time": time.time(), "mode": order["mode"], "message": message}
        with self._lock:
            self._ledger.write(json.dumps(line) + "\n")
            self._ledger.flush()
        if self.callbacks:
            self.callbacks.plan(number_id, wamid, message, order)
        return wamid

    def lines(self):
        with self._lock:
            return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


class Callbacks:
    """Posts the signed statuses one after the other."""

    def __init__(self, url, app_secret, delay_seconds, secrets_of=None):
        self.url, self.app_secret, self.delay, self.made = url, app_secret, delay_seconds, []
        self.secrets_of = secrets_of or {}
        self._due = queue.SimpleQueue()
        threading.Thread(target=self._post_all, daemon=True).start()

    def plan(self, number_id, wamid, message, order):
        for status in order.get("then", ("sent", "delivered", "read")):
            told = {"id": wamid, "status": status, "timestamp": str(int(time.time()))}
            if "to" in message:
                told["recipient_id"] = message["to"]
            if message.get("biz_opaque_callback_data"):
                told["biz_opaque_callback_data"] = message["biz_opaque_callback_data"]
            if status == "failed":
                told["errors"] = [{"code": order.get("error_code", 131026), "title": "As ordered"}]
            secret = self.secrets_of.get(number_id, self.app_secret)
            self._due.put((time.monotonic() + self.delay, told, webhook(number_id, statuses=[told]), secret))

    def _post_all(self):
        while True:
            due, told, body, secret = self._due.get()
            time.sleep(max(0, due - time.monotonic()))
            self.made.append({"id": told["id"], "status": told["status"], "answer": self._post(body, secret)})

    def _post(self, body, secret):
        parts = urlsplit(self.url)
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, secret)}
        with contextlib.closing(HTTPConnection(parts.netloc, timeout=15)) as connection:
            try:
                connection.request("POST", parts.path, body, headers)
                return connection.getresponse().status
            except (OSError, HTTPException):
                return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_HANG

    @property
    def meta(self):
        return self.server.meta

    def log_message(self, *_):
        pass

    def do_GET(self):
        number_id = urlsplit(self.path).path.strip("/")
        if self.path == "/_ledger":
            made = self.meta.callbacks.made if self.meta.callbacks else []
            asked = list(self.meta.asked)
            return self._json(200, {"messages": self.meta.lines(), "callbacks": list(made), "asked": asked})
        if self.path == "/_usage":
            return self._json(200, {"asked": self.meta.usage.asked})
        try:
            if self.meta.usage.knows(number_id):
                return self._answer(*self.meta.usage.answer(self.path, lambda: self._usage(number_id)))
            media_id = number_id.removeprefix("_file/")
            if media_id in self.meta.files:
                self.meta.asked.append({"path": urlsplit(self.path).path, "token": self._known()})
                return self._give(media_id) if media_id != number_id else self._tell(media_id)
            self._authorise(number_id)
        except Refusal as refusal:
            return self._refuse(refusal)
        return self._json(200, {"id": number_id, "display_phone_number": "+1 555-078-3881"})

    def _usage(self, waba_id):
        return usage.of_waba(self.meta.usage.told[waba_id], waba_id, self.path, self.headers["Host"], self._known())

    def _tell(self, media_id):
        """What a file's id is asked for: where the file is, for those who have the token."""
        order, (kind, data) = self.meta.next_order("about"), self.meta.files[media_id]
        url = f"http://{self.headers['Host']}/_file/{media_id}"
        said = {"messaging_product": "whatsapp", "url": url, "mime_type": kind, "id": media_id}
        said |= {"sha256": hashlib.sha256(data).hexdigest(), "file_size": len(data)} | order.get("about", {})
        self._meet(order, json.dumps(said).encode())

    def _give(self, media_id):
        """The file, or what was ordered instead."""
        order, (kind, data) = self.meta.next_order("file"), self.meta.files[media_id]
        if order["mode"] not in ("ok", "huge", "drip"):
            return self._meet(order, b"")
        data = b"x" * order.get("size", 30_000_000) if order["mode"] == "huge" else data
        return self._stream(kind, [data] if order["mode"] != "drip" else [bytes([one]) for one in data], order)

    def _stream(self, kind, parts, order):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._head(200, sum(map(len, parts)), {"Content-Type": kind})
            for part in parts:
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(order.get("delay_ms", 0) / 1000)

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        uploads = self.path.endswith("/media")
        if length > (MOST_UPLOAD if uploads else MOST_BODY):
            return self._refuse(Refusal(413, 100, "too large"))
        body = self.rfile.read(length)
        try:
            if self.path == "/_control":
                self.meta.order(json.loads(body))
                return self._json(200, {})
            number_id = self.path.removesuffix("/messages").removesuffix("/media").strip("/")
            self._authorise(number_id)
            if uploads:
                return self._upload(self.meta.next_order("upload"), body)
            return self._obey(self.meta.next_order("messages"), number_id, json.loads(body))
        except Refusal as refusal:
            return self._refuse(refusal)

    def _upload(self, order, body):
        accepted = order.get("accepted", MODES[order["mode"]])
        made = {"id": self.meta.upload(self.headers["Content-Type"], body)} if accepted else {}
        self._meet(order, json.dumps(made).encode())

    def _known(self):
        """The token of the request. Raises Refusal (190) where it is none."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.meta.numbers.values():
            raise Refusal(401, 190, "Invalid OAuth access token - Cannot parse access token")
        return token

    def _authorise(self, number_id):
        """190 for a token that is none, 100 with 33 for a number that is not this token's."""
        token = self._known()
        if self.meta.numbers.get(number_id) != token:
            raise Refusal(400, 100, "Unsupported request. Object with this ID does not exist", subcode=33)

    def _obey(self, order, number_id, message):
        mode, made = order["mode"], {}
        if order.get("accepted", MODES[mode]):
            self.meta.check(message)
            wamid = self.meta.carry_out(number_id, message, order)
            to = message.get("to")
            person = {"input": to, "wa_id": to} if to else {"user_id": message["recipient"]}
            made = {"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": wamid}]}
        self._meet(order, json.dumps(made).encode())

    def _meet(self, order, made):
        time.sleep(order.get("delay_ms", 0) / 1000)
        getattr(self, f"_{order['mode']}")(order, made)

    def _ok(self, order, made):
        self._answer(200, made)

    def _error(self, order, made):
        headers = {"Retry-After": str(order["retry_after"])} if "retry_after" in order else {}
        told = [order.get(name) for name in ("code", "subcode", "details")]
        body = error(told[0], "As ordered", told[2], told[1]) if "code" in order else {}
        self._answer(order.get("status", 400), json.dumps(body).encode(), headers)

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

    def _broken_json(self, order, made):
        self._answer(200, made[: len(made) // 2])

    def _refuse(self, refusal):
        self._json(refusal.status, error(refusal.code, str(refusal), refusal.details, refusal.subcode))

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


def error(code, message, details=None, subcode=None):
    """The Graph API's body of an error (facts §2.8)."""
    told = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam"}
    if details:
        told["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return {"error": told | ({"error_subcode": subcode} if subcode is not None else {})}


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
    parser.add_argument("--number", action="append", required=True, metavar="ID=TOKEN", help="can be given again")
    parser.add_argument("--webhook", help="where signed statuses are posted")
    parser.add_argument("--app-secret", default="")
    parser.add_argument("--secret", action="append", default=[], metavar="ID=SECRET", help="of a number's own app")
    parser.add_argument("--callback-delay-ms", type=int, default=50)
    wanted = parser.parse_args()
    own = dict(number.split("=", 1) for number in wanted.secret)
    callbacks = (
        Callbacks(wanted.webhook, wanted.app_secret, wanted.callback_delay_ms / 1000, own) if wanted.webhook else None
    )
    server = Server(("127.0.0.1", wanted.port), Handler)
    server.meta = Meta(dict(number.split("=", 1) for number in wanted.number), wanted.ledger, callbacks)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    server.meta.close()


if __name__ == "__main__":
    main()
