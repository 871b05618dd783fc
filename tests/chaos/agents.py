"""The API's callers: agents of each tenant who write to their customers, repeat what was not answered under the same
Idempotency-Key, and try what is not theirs."""

import random
import threading
import time
from typing import Any

import requests

from tests.chaos.stack import ChaosStack
from tests.chaos.world import CANARY, TEMPLATE

PATIENCE_SECONDS = 40.0


class Agents:
    """Runs until it is stopped; `asked` is every send that was asked for with its last answer, `probes` every look at
    what belongs to another tenant."""

    def __init__(self, stack: ChaosStack, seed: int, pause: float = 0.5):
        self._stack, self._chance, self._pause = stack, random.Random(f"{seed}/agents"), pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._count = 0
        self.asked: list[dict[str, Any]] = []
        self.probes: list[dict[str, Any]] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS + 30)

    def _work(self) -> None:
        while not self._stop.wait(self._chance.expovariate(1 / self._pause)):
            slug = self._chance.choice(self._stack.world.tenants)
            listed = self._get(slug, f"/restaurants/{slug}/conversations?limit=100")
            if listed is None or listed.status_code != 200 or not listed.json()["data"]:
                continue
            conversation = self._chance.choice(listed.json()["data"])["id"]
            self._write(slug, conversation)
            if self._chance.random() < 0.3:
                other = self._chance.choice([name for name in self._stack.world.tenants if name != slug])
                self.probe(other, slug, conversation)

    def probe(self, slug: str, owner: str, conversation: int) -> None:
        """One tenant's token on a conversation of another, by every route that could show it or write to it."""
        for path in (
            f"/restaurants/{owner}/conversations",
            f"/restaurants/{slug}/conversations/{conversation}/messages",
            f"/restaurants/{owner}/conversations/{conversation}/messages",
        ):
            self._note_probe(slug, owner, path, self._get(slug, path))
        for named in (slug, owner):
            path = f"/restaurants/{named}/conversations/{conversation}/send"
            self._note_probe(slug, owner, path, self._post(slug, path, {"message": "x"}, f"probe-{conversation}"))

    def _note_probe(self, slug: str, owner: str, path: str, answer: requests.Response | None) -> None:
        if answer is not None:
            said = {"tenant": slug, "owner": owner, "path": path, "status": answer.status_code, "body": answer.text}
            self.probes.append(said)

    def listing(self, slug: str) -> str:
        """Everything that a tenant sees of its conversations, as text."""
        parts, cursor = [], ""
        while True:
            answer = self._get(slug, f"/restaurants/{slug}/conversations?limit=200&cursor={cursor}")
            if answer is None or answer.status_code != 200:
                raise AssertionError(f"{slug} cannot list its conversations")
            parts.append(answer.text)
            page = answer.json()["pagination"]
            if not page["hasMore"]:
                return "\n".join(parts)
            cursor = page["nextCursor"]

    def _write(self, slug: str, conversation: int) -> None:
        self._count += 1
        key, path = f"agent-{self._count}", f"/restaurants/{slug}/conversations/{conversation}/send"
        body = self._draft(f"{CANARY}-{slug}-agent{self._count}")
        entry: dict[str, Any] = {"key": key, "tenant": slug, "status": None, "t": time.time()}
        self.asked.append(entry)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            answer = self._post(slug, path, body, key)
            if answer is not None and answer.status_code != 503:
                entry["status"] = answer.status_code
                said = answer.json()
                entry["id"] = said["message"]["id"] if answer.status_code == 202 else None
                entry["code"] = said.get("code", "")
                if self._chance.random() < 0.15 and not entry.get("again"):
                    entry["again"] = True
                    continue
                return
            time.sleep(0.2)

    def _draft(self, text: str) -> dict[str, Any]:
        dice = self._chance.random()
        if dice < 0.25:
            return {"kind": "template", "template": {"name": TEMPLATE, "variables": {"1": text}}}
        if dice < 0.4:
            buttons = [{"id": "a", "title": "Yes"}, {"id": "b", "title": "No"}]
            return {"kind": "buttons", "text": text, "buttons": buttons}
        return {"message": text}

    def _get(self, slug: str, path: str) -> requests.Response | None:
        return self._call("GET", slug, path)

    def _post(self, slug: str, path: str, body: dict[str, Any], key: str) -> requests.Response | None:
        return self._call("POST", slug, path, json=body, headers={"Idempotency-Key": key})

    def _call(self, method: str, slug: str, path: str, **more: Any) -> requests.Response | None:
        headers = {"Authorization": f"Bearer {self._stack.tokens[slug]}", "X-Restaurant-Id": slug}
        headers |= more.pop("headers", {})
        try:
            return requests.request(method, f"{self._stack.url}/api{path}", headers=headers, timeout=15, **more)
        except requests.RequestException:
            return None
