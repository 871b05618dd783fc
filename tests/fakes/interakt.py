"""An imitation of Interakt's public API, as a process of its own, that misbehaves on demand (`misbehaving`).

    python -m tests.fakes.interakt --port 0 --ledger FILE --key KEY [--webhook URL --secret …]

It knows `/message/` and `/track/organization/templates`, and as the Graph API `/<WABA id>` of the accounts whose usage
is set (`usage`). With `--webhook` what becomes of a send is posted there,
signed where there is a secret: an order's `then`, default sent, delivered, read.
"""

import hashlib
import hmac
import json
import re
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tests.fakes import misbehaving, usage
from tests.fakes.misbehaving import Refusal

EVENTS = ("sent", "delivered", "read")
TYPES = ("Text", "Image", "Video", "Audio", "Document", "Template")


def sign(body, secret):
    """Interakt-Signature: SHA-256 over the raw body, in lower-case hexadecimal (facts §4.2)."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def require(condition, message, status=400):
    if not condition:
        raise Refusal(status, {"result": False, "message": message})


class Interakt(misbehaving.Vendor):
    """`key` is the API key as its dashboard shows it."""

    accepted_status = 201

    def __init__(self, key, ledger, callbacks=None, secret=""):
        super().__init__(ledger, callbacks)
        self.key, self.secret = key, secret

    def understand(self, method, path, headers, body):
        waba_id = urlsplit(path).path.strip("/")
        if method == "GET" and self.usage.knows(waba_id):
            figures, token = self.usage.told[waba_id], headers.get("Authorization", "").removeprefix("Bearer ")
            host = headers["Host"]
            return "answer", self.usage.answer(path, lambda: usage.of_waba(figures, waba_id, path, host, token))
        require(headers.get("Authorization") == f"Basic {self.key}", "Invalid API key", 401)
        if method == "GET" and urlsplit(path).path == "/track/organization/templates":
            return "say", {"result": True, "count": 0, "results": {"templates": []}}
        require(method == "POST" and path == "/message/", "Not found", 404)
        said = json.loads(body)
        self._check(said)
        return "send", {"id": str(uuid.uuid4()), "to": said["fullPhoneNumber"], "message": said}

    def _check(self, said):
        require(re.fullmatch(r"[0-9]{4,20}", said.get("fullPhoneNumber", "")), "Invalid phone number")
        require(len(said.get("callbackData", "")) <= 512, "callbackData is too long")
        require(said.get("type") in TYPES, "Invalid type")
        if said["type"] == "Template":
            template = said.get("template", {})
            require(template.get("name") and template.get("languageCode"), "Template name and language are needed")
            require(all(isinstance(value, str) for value in template.get("bodyValues", [])), "Invalid bodyValues")
        elif said["type"] == "Text":
            require(0 < len(said.get("data", {}).get("message", "")) <= 4096, "Message is needed")
        else:
            require(said.get("data", {}).get("mediaUrl", "").startswith("http"), "mediaUrl is needed")

    def taken(self, line):
        return {"result": True, "message": "Message queued for sending via Interakt. Check webhook.", "id": line["id"]}

    def events(self, line, order):
        for kind in order.get("then", EVENTS):
            body = json.dumps(event(kind, line, order)).encode()
            yield body, {"Interakt-Signature": sign(body, self.secret)} if self.secret else {}


def event(kind, line, order):
    """What became of a message, as Interakt posts it: times in UTC that do not say so."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    failed = kind == "failed"
    message = {
        "id": line["id"],
        "chat_message_type": "PublicApiMessage",
        "channel_failure_reason": "As ordered" if failed else None,
        "channel_error_code": str(order.get("error_code", 131026)) if failed else None,
        "message_status": kind.title(),
        "received_at_utc": now,
        "delivered_at_utc": now if kind in ("delivered", "read") else None,
        "seen_at_utc": now if kind == "read" else None,
        "meta_data": {"source": "PublicAPI", "source_data": {"callback_data": line["message"].get("callbackData")}},
    }
    customer = {"channel_phone_number": line["to"], "traits": {}}
    data = {"customer": customer, "message": message}
    return {"version": "1.0", "timestamp": now, "type": f"message_api_{kind}", "data": data}


def main():
    parser = misbehaving.options(__doc__)
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret", default="", help="what signs the webhooks")
    wanted = parser.parse_args()
    misbehaving.run(Interakt(wanted.key, wanted.ledger, misbehaving.callbacks(wanted), wanted.secret), wanted.port)


if __name__ == "__main__":
    main()
