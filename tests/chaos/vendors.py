"""The vendors' dialects as the chaos provider speaks them: what a send says, how it is answered, and how what customers
write and what became of sends is posted. Signatures and bodies are those of `tests.fakes`."""

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.chaos.world import Channel, World
from tests.fakes import gupshup, meta, twilio


class Wrong(Exception):
    """A call with credentials that are nobody's, or not this number's."""


@dataclass(frozen=True)
class Send:
    """A send as a vendor understood it; `ref` is wabot's `<uid>.<attempt>` where the vendor has a field for it."""

    channel: Channel
    to: str
    ref: str
    template: bool
    text: str


@dataclass
class Item:
    """One thing to tell by webhook; `key` names it in the journal, `content` is the vendor's own."""

    key: str
    channel: Channel
    content: dict
    due: float = 0.0
    tries: int = 0
    url: str = ""
    extra: dict = field(default_factory=dict)


class Meta:
    """Several items of one app go into one body."""

    accepted_status = 200

    def __init__(self, world: World):
        self.channels = {channel.route: channel for channel in world.channels if channel.provider == "meta"}

    def understand(self, path, headers, body):
        route, _, what = path.strip("/").rpartition("/")
        channel = self.channels.get(route)
        if channel is None or headers.get("Authorization") != f"Bearer {channel.token}" or what != "messages":
            raise Wrong(path)
        said = json.loads(body)
        kind = said.get("type", "text")
        content = json.dumps(said[kind], ensure_ascii=False)
        to = said.get("to") or said.get("recipient")
        return Send(channel, to, said.get("biz_opaque_callback_data", ""), kind == "template", content)

    def new_id(self):
        return f"wamid.{uuid.uuid4().hex}"

    def made(self, send, vendor_id):
        person = {"input": send.to, "wa_id": send.to}
        return {"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": vendor_id}]}

    def encode(self, made):
        return json.dumps(made).encode()

    def problem(self, fault):
        status, code = {"temporary": (500, 131016), "permanent": (400, 131026), "unauthorised": (401, 190)}[fault]
        return status, json.dumps(meta.error(code, "As drawn")).encode()

    def receipt(self, send, vendor_id, status, code):
        told = {"id": vendor_id, "status": "failed" if status == "undelivered" else status}
        told |= {"timestamp": str(int(time.time())), "recipient_id": send.to}
        if send.ref:
            told["biz_opaque_callback_data"] = send.ref
        if told["status"] == "failed":
            told["errors"] = [{"code": code, "title": "As drawn"}]
        return {"statuses": [told]}

    fail_codes = (131000, 131016, 131026, 130429, 131042)

    def message(self, phone, vendor_id, text, at, name, bad):
        said = {"from": phone, "id": vendor_id, "timestamp": str(int(at)), "type": "text", "text": {"body": text}}
        if bad:
            said |= {"text": None, "from": None}
        return {"contacts": [{"profile": {"name": name}, "wa_id": phone}], "messages": [said]}

    def request(self, items, base):
        changes = [{"field": "messages", "value": meta.within(i.channel.route, **i.content)} for i in items]
        body = meta.batch(*changes)
        headers = {"Content-Type": "application/json"}
        return (
            f"{base}/whatsapp/webhook",
            body,
            headers | {"X-Hub-Signature-256": meta.sign(body, items[0].channel.secret)},
        )


class Twilio:
    """One request an item; contents are made before they are sent."""

    accepted_status = 201

    def __init__(self, world: World):
        self.channels, self.contents = [channel for channel in world.channels if channel.provider == "twilio"], {}

    def owner(self, headers):
        """The channel whose account and token the call carries. Raises Wrong."""
        for channel in self.channels:
            pair = base64.b64encode(f"{channel.account}:{channel.token}".encode()).decode()
            if headers.get("Authorization") == f"Basic {pair}":
                return channel
        raise Wrong("nobody's account")

    def understand(self, path, headers, body):
        channel = self.owner(headers)
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if path != f"/2010-04-01/Accounts/{channel.account}/Messages.json":
            raise Wrong(path)
        if form.get("From") != f"whatsapp:{channel.number}":
            raise Wrong(f"{form.get('From')} is not this account's")
        ref = parse_qs(urlsplit(form.get("StatusCallback", "")).query).get("m", [""])[0]
        text = form.get("Body") or self._rendered(form)
        is_template = form.get("ContentSid", "").startswith("HXab")
        return Send(channel, form["To"].removeprefix("whatsapp:").lstrip("+"), ref, is_template, text)

    def create(self, body):
        """A content, as its creator asks for it."""
        sid = "HXcd" + uuid.uuid4().hex[2:]
        self.contents[sid] = json.loads(body)["types"]
        return {"sid": sid}

    def _rendered(self, form):
        """The body of a content with its variables, as the list of messages shows it."""
        types = self.contents.get(form.get("ContentSid", ""), {})
        text = next((each["body"] for each in types.values() if each.get("body")), "{{1}}")
        for name, value in json.loads(form.get("ContentVariables") or "{}").items():
            text = text.replace(f"{{{{{name}}}}}", value)
        return text

    def new_id(self):
        return f"SM{uuid.uuid4().hex}"

    def made(self, send, vendor_id):
        return {"sid": vendor_id, "status": "queued", "to": f"whatsapp:+{send.to}", "error_code": None}

    encode = Meta.encode

    def problem(self, fault):
        status, code = {"temporary": (503, 20503), "permanent": (400, 21211), "unauthorised": (401, 20003)}[fault]
        return status, json.dumps({"code": code, "message": "As drawn", "status": status}).encode()

    def receipt(self, send, vendor_id, status, code):
        params = {"MessageSid": vendor_id, "MessageStatus": status, "AccountSid": send.channel.account,
                  "From": f"whatsapp:{send.channel.number}", "To": f"whatsapp:+{send.to}"}  # fmt: skip
        if status in ("failed", "undelivered"):
            params |= {"ErrorCode": str(code), "ChannelStatusMessage": "as drawn"}
        return params

    fail_codes = (30008, 63024, 63018, 63009)

    def message(self, phone, vendor_id, text, at, name, bad):
        del at
        form = {"MessageSid": vendor_id, "From": f"whatsapp:+{phone}", "Body": text, "NumMedia": "0",
                "SmsStatus": "received", "ProfileName": name, "WaId": phone, "MessageType": "text"}  # fmt: skip
        return form | ({"From": "whatsapp:", "WaId": ""} if bad else {})

    def request(self, items, base):
        [item] = items
        url = item.url or f"{base}/whatsapp/webhook"
        form = item.content | {"AccountSid": item.channel.account, "ApiVersion": "2010-04-01"}
        if not item.url:
            form["To"] = f"whatsapp:{item.channel.number}"
        signature = twilio.sign(url, form, item.channel.token)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        return url, urlencode(form).encode(), headers


class Gupshup:
    """No reference of wabot's comes back: what is unknown stays so."""

    accepted_status = 202

    def __init__(self, world: World):
        self.channels = {channel.token: channel for channel in world.channels if channel.provider == "gupshup"}

    def understand(self, path, headers, body):
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        channel = self.channels.get(headers.get("apikey", ""))
        if channel is None or form.get("src.name") != channel.route or form.get("source") != channel.number.lstrip("+"):
            raise Wrong(path)
        said = json.loads(form.get("message") or form["template"])
        return Send(channel, form["destination"], "", "template" in form, json.dumps(said, ensure_ascii=False))

    def new_id(self):
        return str(uuid.uuid4())

    def made(self, send, vendor_id):
        return {"status": "submitted", "messageId": vendor_id}

    encode = Meta.encode

    def problem(self, fault):
        status, said = {
            "temporary": (429, "Too Many Requests"),
            "permanent": (400, "Invalid Destination"),
            "unauthorised": (401, "Portal User Not Found With APIKey"),
        }[fault]
        return status, json.dumps({"status": "error", "message": said}).encode()

    def receipt(self, send, vendor_id, status, code):
        line, order = {"id": vendor_id, "to": send.to}, {"error_code": code}
        kind = "failed" if status == "undelivered" else status
        return gupshup.event(kind, line, f"wamid.{vendor_id}", send.channel.route, order)

    fail_codes = (1002, 1003)

    def message(self, phone, vendor_id, text, at, name, bad):
        inner = {"id": vendor_id, "source": phone, "type": "text", "payload": {"text": text}}
        inner["sender"] = {"phone": phone, "name": name}
        if bad:
            del inner["source"], inner["sender"]
        return {"timestamp": int(at * 1000), "version": 2, "type": "message", "payload": inner}

    def request(self, items, base):
        [item] = items
        body = json.dumps({**item.content, "app": item.channel.route}).encode()
        return item.url, body, {"Content-Type": "application/json", "X-Chaos": item.channel.secret}
