"""An imitation of Gupshup's API for messages, as a process of its own, that misbehaves on demand (`misbehaving`).

    python -m tests.fakes.gupshup --port 0 --ledger FILE --app NAME=KEY… [--webhook URL --header NAME=VALUE]

It knows `/wa/api/v1/msg`, `/wa/api/v1/template/msg`, `/wa/app/<id>/template`, `/partner/app/<id>/health`, and
`/partner/app/<id>/usage` of the apps whose usage is set (`usage`).
With `--webhook` the events of a send are posted there: an order's `then`, default enqueued, sent, delivered, read.
"""

import json
import re
import time
import uuid
from urllib.parse import parse_qsl, urlsplit

from tests.fakes import misbehaving, usage
from tests.fakes.misbehaving import Refusal

APP_ID = "bf9ee64c-0000-4000-8000-000000000001"
APP_TOKEN = "sk_partner_app_token"
EVENTS = ("enqueued", "sent", "delivered", "read")
TEMPLATE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NEEDED = {
    "text": ("text",),
    "image": ("originalUrl", "previewUrl"),
    "video": ("url",),
    "audio": ("url",),
    "file": ("url",),
    "sticker": ("url",),
    "location": ("longitude", "latitude"),
    "quick_reply": ("content", "options"),
    "list": ("title", "body", "msgid", "globalButtons", "items"),
}


def refuse(status, message):
    return Refusal(status, {"status": "error", "message": message})


def require(condition, message="Invalid Message"):
    if not condition:
        raise refuse(400, message)


class Gupshup(misbehaving.Vendor):
    """`apps` are API keys by app name; `header` is what webhooks carry."""

    accepted_status = 202

    def __init__(self, apps, ledger, callbacks=None, header=None):
        super().__init__(ledger, callbacks)
        self.apps, self.header = apps, header or {}

    def understand(self, method, path, headers, body):
        told = re.fullmatch(r"/partner/app/([^/]+)/usage", urlsplit(path).path)
        if method == "GET" and told and self.usage.knows(told[1]):
            return "answer", self.usage.answer(path, lambda: self._usage(told[1], path, headers))
        if method == "GET":
            return "say", self._asked(path, headers)
        require(headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"), "Invalid Content Type")
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        self._authorise(headers)
        require(form.get("channel", "whatsapp") == "whatsapp", "Invalid Channel")
        require(self.apps.get(form.get("src.name")) == headers.get("apikey"), "Invalid App Details")
        require(re.fullmatch(r"[0-9]{4,20}", form.get("source", "")), "Invalid App Details")
        require(re.fullmatch(r"[0-9]{4,20}", form.get("destination", "")), "Invalid Destination")
        said = self._template(form) if path == "/wa/api/v1/template/msg" else self._message(path, form)
        return "send", {"id": str(uuid.uuid4()), "to": form["destination"], "from": form["source"], "message": said}

    def _authorise(self, headers):
        if headers.get("apikey") not in self.apps.values():
            raise refuse(401, "Portal User Not Found With APIKey")

    def _usage(self, app_id, path, headers):
        if headers.get("Authorization") != APP_TOKEN:
            return 401, {"status": "error", "message": "Authentication Failed"}
        return usage.of_app(self.usage.told[app_id], path)

    def _asked(self, path, headers):
        if path == f"/wa/app/{APP_ID}/template":
            self._authorise(headers)
            return {"status": "success", "templates": []}
        if path == f"/partner/app/{APP_ID}/health":
            require(headers.get("Authorization") == APP_TOKEN, "Authentication Failed")
            return {"status": "success", "healthy": "true"}
        raise refuse(404, "Not Found")

    def _template(self, form):
        said = json.loads(form["template"])
        if not TEMPLATE_ID.fullmatch(said["id"]):
            raise refuse(401, "Portal User Not Found With APIKey")
        require(all(isinstance(value, str) for value in said["params"]))
        return {"template": said}

    def _message(self, path, form):
        if path != "/wa/api/v1/msg":
            raise refuse(404, "Not Found")
        said = json.loads(form["message"])
        require(said.get("type") in NEEDED and all(said.get(name) for name in NEEDED[said["type"]]))
        if said["type"] == "quick_reply":
            require(0 < len(said["content"]["text"]) <= 1024 and 1 <= len(said["options"]) <= 3)
            require(all(0 < len(option["title"]) <= 20 for option in said["options"]))
        if said["type"] == "list":
            self._check_list(said)
        return said

    def _check_list(self, said):
        rows = [row for item in said["items"] for row in item["options"]]
        require(len(said["body"]) <= 1024 and 1 <= len(rows) <= 10)
        require(all(row["type"] == "text" and 0 < len(row["title"]) <= 24 and row["postbackText"] for row in rows))
        require(len(said["items"]) == 1 or all(item.get("title") for item in said["items"]))

    def taken(self, line):
        return {"status": "submitted", "messageId": line["id"]}

    def events(self, line, order):
        theirs = str(uuid.uuid4())
        for kind in order.get("then", EVENTS):
            yield json.dumps(event(kind, line, theirs, next(iter(self.apps)), order)).encode(), self.header


def event(kind, line, theirs, app, order):
    """A message-event as Gupshup posts it: the ids change places after the first one (facts §3.5)."""
    now = time.time()
    ids, inner = {"id": theirs, "gsId": line["id"]}, {"ts": int(now)}
    if kind == "enqueued":
        ids, inner = {"id": line["id"]}, {"whatsappMessageId": theirs, "type": "session"}
    if kind == "failed":
        inner = {"code": order.get("error_code", 1002), "reason": "As ordered"}
    payload = {**ids, "type": kind, "destination": line["to"], "payload": inner}
    return {"app": app, "timestamp": int(now * 1000), "version": 2, "type": "message-event", "payload": payload}


def main():
    parser = misbehaving.options(__doc__)
    parser.add_argument("--app", action="append", required=True, metavar="NAME=KEY", help="can be given again")
    parser.add_argument("--header", default="", metavar="NAME=VALUE", help="what webhooks carry")
    wanted = parser.parse_args()
    header = dict([wanted.header.split("=", 1)]) if wanted.header else {}
    apps = dict(app.split("=", 1) for app in wanted.app)
    misbehaving.run(Gupshup(apps, wanted.ledger, misbehaving.callbacks(wanted), header), wanted.port)


if __name__ == "__main__":
    main()
