"""A customer who orders over real HTTP: types, taps what is offered, sends a place, and writes down all that is said.
What the customer hears is what the imitated provider took, as our own ledger shows it."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.fakes import meta, twilio
from tests.spine.stack import ACCOUNT, NUMBER, TOKEN, Stack, reference, wait_until

APP_SECRET, NUMBER_ID, ACCESS_TOKEN, META_NUMBER = "a" * 32, "106540352242922", "token-of-bait", "+14155550110"
SHARED = "/whatsapp/webhook"


@dataclass
class Diner:
    """`phone` is without its plus; each subclass speaks one provider's dialect."""

    stack: Stack
    phone: str
    name: str
    heard: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def says(self, text: str) -> None:
        self.said.append(f"> {text}")
        self.post_text(text)
        self.hears()

    def taps(self, title: str) -> None:
        """What was offered last under this title."""
        self.said.append(f"> [{title}]")
        offered = self.offered()
        assert title in offered, f"{title!r} is not among {list(offered)}"
        kind, choice = offered[title]
        self.post_tap(kind, choice, title)
        self.hears()

    def sends_place(self, latitude: float, longitude: float, name: str) -> None:
        self.said.append(f"> @ {name}")
        self.post_place(latitude, longitude, name)
        self.hears()

    def hears(self, count: int = 1) -> None:
        """Wait for the next messages to reach the customer's phone, and write them down."""
        want = len(self.heard) + count

        def arrived() -> list[dict[str, Any]]:
            carried = self.carried()
            found = [row for row in self.thread() if row["direction"] == "OUT" and row["uid"] in carried]
            return found if len(found) >= want else []

        found = wait_until(arrived, seconds=30, what=f"{count} more after {self.said[-3:]}")
        for row in found[len(self.heard) :]:
            self.said.append(written(row))
        self.heard = found

    def offered(self) -> dict[str, tuple[str, str]]:
        """Title → kind (`button` or `list`) and id of what the last message offers."""
        payload = self.heard[-1]["payload"] or {}
        buttons = {button["title"]: ("button", button["id"]) for button in payload.get("buttons", ())}
        rows = {row["title"]: ("list", row["id"]) for part in payload.get("sections", ()) for row in part["rows"]}
        return buttons | rows

    def thread(self) -> list[dict[str, Any]]:
        return self.stack.thread("demo")

    def transcript(self) -> str:
        return "\n\n".join([*self.said, f"messages of ours: {len(self.heard)}"]) + "\n"

    def carried(self) -> set[str]:
        """The uids of what the provider took for this customer."""
        return {reference(line)[0] for line in self.ledger()}

    def ledger(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def post_text(self, text: str) -> None:
        raise NotImplementedError

    def post_tap(self, kind: str, choice: str, title: str) -> None:
        raise NotImplementedError

    def post_place(self, latitude: float, longitude: float, name: str) -> None:
        raise NotImplementedError


def written(row: dict[str, Any]) -> str:
    """A message as its customer sees it."""
    lines = [f"  {line}" for line in row["body"].splitlines()]
    payload = row["payload"] or {}
    if payload.get("buttons"):
        lines.append("  " + " ".join(f"[{button['title']}]" for button in payload["buttons"]))
    if payload.get("button"):
        lines.append(f"  [{payload['button']}]")
    for section in payload.get("sections", ()):
        for one in section["rows"]:
            about = f" {one['description']}" if one.get("description") else ""
            lines.append(f"    [{one['title']}]{about}")
    return "\n".join(lines)


class AtTwilio(Diner):
    def ledger(self) -> list[dict[str, Any]]:
        return [line for line in self.stack.ledger() if line["To"] == f"whatsapp:+{self.phone}"]

    def post_text(self, text: str) -> None:
        self._post(Body=text, MessageType="text")

    def post_tap(self, kind: str, choice: str, title: str) -> None:
        chosen = {"ListId": choice, "ListTitle": title} if kind == "list" else {"ButtonPayload": choice}
        self._post(Body=title, MessageType="interactive", **chosen)

    def post_place(self, latitude: float, longitude: float, name: str) -> None:
        self._post(Body="", MessageType="location", Latitude=str(latitude), Longitude=str(longitude), Label=name)

    def _post(self, **more: str) -> None:
        sid = f"SM{next(self._ids):032d}"
        form = {"MessageSid": sid, "SmsMessageSid": sid, "AccountSid": ACCOUNT, "From": f"whatsapp:+{self.phone}",
                "To": f"whatsapp:{NUMBER}", "NumMedia": "0", "NumSegments": "1", "WaId": self.phone,
                "SmsStatus": "received", "ProfileName": self.name, **more}  # fmt: skip
        url = self.stack.url + SHARED
        headers = {"X-Twilio-Signature": twilio.sign(url, form, TOKEN)}
        requests.post(url, data=form, headers=headers, timeout=20).raise_for_status()


class AtMeta(Diner):
    def ledger(self) -> list[dict[str, Any]]:
        return [line for line in self.stack.ledger_of("meta") if line["message"]["to"] == self.phone]

    def post_text(self, text: str) -> None:
        self._post({"type": "text", "text": {"body": text}})

    def post_tap(self, kind: str, choice: str, title: str) -> None:
        reply = {"id": choice, "title": title}
        self._post({"type": "interactive", "interactive": {"type": f"{kind}_reply", f"{kind}_reply": reply}})

    def post_place(self, latitude: float, longitude: float, name: str) -> None:
        self._post({"type": "location", "location": {"latitude": latitude, "longitude": longitude, "name": name}})

    def _post(self, message: dict[str, Any]) -> None:
        item = {"from": self.phone, "id": f"wamid.{next(self._ids)}", **message}
        contacts = [{"profile": {"name": self.name}, "wa_id": self.phone}]
        value = meta.within(NUMBER_ID, contacts=contacts, messages=[item])
        entry = [{"id": "1", "changes": [{"field": "messages", "value": value}]}]
        body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": meta.sign(body, APP_SECRET)}
        requests.post(self.stack.url + SHARED, data=body, headers=headers, timeout=20).raise_for_status()


@dataclass
class AtSandbox(Diner):
    """On the sandbox's phone, as its page does it."""

    channel_id: int = 0

    def carried(self) -> set[str]:
        asked = {"channel": self.channel_id, "phone": f"+{self.phone}"}
        shown = requests.get(f"{self.stack.url}/sandbox/thread", params=asked, timeout=10).json()
        return {row["key"] for row in shown["messages"] if row["from"] == "business" and not row.get("uncarried")}

    def post_text(self, text: str) -> None:
        self._post(text=text)

    def post_tap(self, kind: str, choice: str, title: str) -> None:
        self._post(reply={"type": kind, "id": choice, "title": title})

    def post_place(self, latitude: float, longitude: float, name: str) -> None:
        self._post(location={"latitude": latitude, "longitude": longitude, "name": name})

    def _post(self, **said: Any) -> None:
        body = {"channel": self.channel_id, "phone": f"+{self.phone}", "name": self.name, **said}
        headers = {"X-Requested-With": "wabot-sandbox"}
        requests.post(f"{self.stack.url}/sandbox/say", json=body, headers=headers, timeout=10).raise_for_status()
