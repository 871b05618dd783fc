"""Two tenants beside imitations of Twilio and Meta. Each has a Twilio account and a number at Meta of its own; the two
numbers are of one app, and the second tenant has another one of an app of its own.

    python -m tests.spine.two_tenants     fills a new file; prints the channels' ids and the tenants' tokens
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.fakes import meta, twilio
from tests.spine.stack import ACCOUNT, NUMBER, ROOT, TOKEN, Stack
from wabot import boot
from wabot.core import tenancy
from wabot.store import db

TENANTS = ("bait", "najd")
APP_SECRET, OWN_SECRET = "a" * 32, "b" * 32
UNLIMITED = 100_000
SHARED, STATUS = "/whatsapp/webhook", "/whatsapp/status"


@dataclass(frozen=True)
class Channel:
    """One number. `account` is Twilio's account, or Meta's id of the number; `secret` signs its webhooks."""

    tenant: str
    provider: str
    number: str
    account: str
    token: str
    secret: str

    @property
    def credentials(self) -> dict[str, str]:
        if self.provider == "twilio":
            return {"account_sid": self.account, "auth_token": self.token}
        own = {"app_secret": self.secret} if self.secret != APP_SECRET else {}
        return {"phone_number_id": self.account, "access_token": self.token, **own}


BAIT_TWILIO = Channel("bait", "twilio", NUMBER, ACCOUNT, TOKEN, TOKEN)
NAJD_TWILIO = Channel("najd", "twilio", "+14155550101", "AC" + "2" * 32, "u" * 32, "u" * 32)
BAIT_META = Channel("bait", "meta", "+14155550110", "106540352242922", "token-of-bait", APP_SECRET)
NAJD_META = Channel("najd", "meta", "+14155550111", "106540352242933", "token-of-najd", APP_SECRET)
NAJD_OWN_APP = Channel("najd", "meta", "+14155550112", "106540352242944", "token-of-najd-2", OWN_SECRET)
CHANNELS = (BAIT_TWILIO, NAJD_TWILIO, BAIT_META, NAJD_META, NAJD_OWN_APP)
AT_META = tuple(channel for channel in CHANNELS if channel.provider == "meta")


def text_form(channel: Channel, sid: str, customer: str, text: str) -> dict[str, str]:
    """What Twilio posts for a customer's message; `customer` is a number without its plus."""
    return {"MessageSid": sid, "SmsMessageSid": sid, "AccountSid": channel.account, "From": f"whatsapp:+{customer}",
            "To": f"whatsapp:{channel.number}", "Body": text, "NumMedia": "0", "NumSegments": "1", "WaId": customer,
            "SmsStatus": "received", "ProfileName": "Sara", "MessageType": "text"}  # fmt: skip


def text_item(customer: str, wamid: str, text: str) -> dict[str, Any]:
    """A customer's message within a change at Meta."""
    return {"from": customer, "id": wamid, "type": "text", "text": {"body": text}}


def change(channel: Channel, *messages: dict[str, Any]) -> dict[str, Any]:
    """What Meta tells of one number in a body."""
    people = sorted({message["from"] for message in messages})
    contacts = [{"profile": {"name": "Sara"}, "wa_id": customer} for customer in people]
    return {"field": "messages", "value": meta.within(channel.account, contacts=contacts, messages=list(messages))}


def post_form(url: str, form: dict[str, str], channel: Channel) -> requests.Response:
    headers = {"X-Twilio-Signature": twilio.sign(url + SHARED, form, channel.secret)}
    return requests.post(url + SHARED, data=form, headers=headers, timeout=20)


def post_body(url: str, body: bytes, secret: str) -> requests.Response:
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": meta.sign(body, secret)}
    return requests.post(url + SHARED, data=body, headers=headers, timeout=20)


def sender_of(line: dict[str, Any]) -> tuple[str, str]:
    """Whose credentials carried an accepted send, and to whom; both imitations have checked the credentials."""
    if "message" in line:
        return line["number_id"], line["message"]["to"]
    return line["account"], line["To"].removeprefix("whatsapp:+")


@dataclass
class TwoTenants(Stack):
    """The installation; `ids` are the channels' by their numbers, `tokens` the tenants'."""

    graph_port: int = 0
    ids: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def start_imitations(self, *, statuses: bool) -> None:
        other = ("--also", f"{NAJD_TWILIO.account}={NAJD_TWILIO.token}", "--fetch")
        self.start_provider(*other, *(("--callbacks",) if statuses else ()))
        numbers = [f"--number={channel.account}={channel.token}" for channel in AT_META]
        told = ("--webhook", self.url + SHARED, "--app-secret", APP_SECRET)
        told += ("--secret", f"{NAJD_OWN_APP.account}={OWN_SECRET}")
        self.graph_port = self.start_other("meta", *numbers, *(told if statuses else ()))
        self.env["META_GRAPH_API"] = self.graph

    @property
    def graph(self) -> str:
        return f"http://127.0.0.1:{self.graph_port}"

    def ledger(self) -> list[dict[str, Any]]:
        """What both accepted."""
        return super().ledger() + self.ledger_of("meta")

    def fill(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tests.spine.two_tenants"],
            cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        self.ids, self.tokens = made["ids"], made["tokens"]

    def ask(self, slug: str, path: str, *, as_tenant: str = "", **request: Any) -> requests.Response:
        """A request to a tenant's API with its own token, or with that of another tenant."""
        token = {"Authorization": f"Bearer {self.tokens[as_tenant or slug]}", "X-Restaurant-Id": as_tenant or slug}
        headers = token | request.pop("headers", {})
        method = "POST" if {"json", "data"} & request.keys() else "GET"
        return requests.request(
            method, f"{self.url}/api/restaurants/{slug}{path}", headers=headers, timeout=30, **request
        )

    def conversation_id(self, channel: Channel, customer: str) -> int | None:
        """The tenant's conversation of this customer on this channel, as its own token shows it."""
        found = self.ask(channel.tenant, "/conversations", params={"limit": 100, "q": customer}).json()["data"]
        ids = [row["id"] for row in found if row["channelId"] == self.ids[channel.number]]
        return ids[0] if ids else None

    def between(self, channel: Channel, customer: str) -> list[dict[str, Any]]:
        """The messages of this conversation, oldest first."""
        found = self.conversation_id(channel, customer)
        return self.ask(channel.tenant, f"/conversations/{found}/messages").json()["data"][::-1] if found else []

    def sent_to(self, channel: Channel, customer: str) -> list[dict[str, Any]]:
        """What the channel's provider accepted for a customer from the channel's account."""
        return [line for line in self.ledger() if sender_of(line) == (channel.account, customer)]


@contextlib.contextmanager
def running(folder: Path, *, statuses: bool = True, **env: str) -> Iterator[TwoTenants]:
    """Everything at work, ended at the end."""
    stack = TwoTenants(folder, {"META_APP_SECRET": APP_SECRET, **env})
    try:
        stack.start_imitations(statuses=statuses)
        stack.cli("migrate")
        stack.fill()
        stack.start_web()
        stack.start_consumer()
        yield stack
    finally:
        stack.stop()


def main() -> None:
    boot.start()
    for slug in TENANTS:
        new = tenancy.NewTenant(slug, slug.title(), in_per_minute=UNLIMITED, in_per_customer=UNLIMITED)
        tenancy.add_tenant(new, {})
    ids = {
        channel.number: tenancy.add_channel(
            channel.tenant, channel.provider, channel.number, channel.credentials, out_per_minute=UNLIMITED
        ).id
        for channel in CHANNELS
    }
    tokens = {slug: tenancy.create_token(slug, read_only=False, name="", days=None)[1] for slug in TENANTS}
    db.database.shut()
    print(json.dumps({"ids": ids, "tokens": tokens}))


if __name__ == "__main__":
    main()
