"""Meta as it runs: whose secret opens what of a webhook for several channels, and whose token a handshake.
What is answered, and from which number, is in `test_two_tenants`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes import meta
from tests.spine.stack import Stack, imitation, wait_until

pytestmark = pytest.mark.process

APP_SECRET, OWN_SECRET, VERIFY, OWN_VERIFY = "a" * 32, "b" * 32, "verify-all", "verify-own"
BAIT, NAJD = "106540352242922", "106540352242933"
TOKENS = {BAIT: "token-of-bait", NAJD: "token-of-najd"}
CUSTOMER = "966511111111"


@dataclass
class GraphStack(Stack):
    """A stack beside an imitation of Meta in place of Twilio's."""

    def start_provider(self, *options: str) -> None:
        numbers = [f"--number={number_id}={token}" for number_id, token in TOKENS.items()]
        self.provider, self.provider_port = imitation("meta", self.ledger_path, *numbers, *options)
        self.env["META_GRAPH_API"] = f"http://127.0.0.1:{self.provider_port}"

    def add(self, slug: str, number: str, number_id: str, *credentials: str) -> dict[str, Any]:
        """A tenant and its channel."""
        self.cli("tenant", "add", slug, "--name", slug.title(), "--in-per-minute", "1000", "--in-per-customer", "1000")
        given = (f"phone_number_id={number_id}", f"access_token={TOKENS[number_id]}", *credentials)
        options = [part for credential in given for part in ("--set", credential)]
        added: dict[str, Any] = self.cli("channel", "add", slug, "meta", number, "--out-per-minute", "1000", *options)
        return added

    def post(self, body: bytes, secret: str, path: str = "/whatsapp/webhook") -> requests.Response:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": meta.sign(body, secret)}
        return requests.post(self.url + path, data=body, headers=headers, timeout=20)


@contextlib.contextmanager
def running(folder: Path, *najd: str) -> Iterator[GraphStack]:
    """Two tenants with a channel each; `najd` are further credentials of the second."""
    stack = GraphStack(folder, {"META_APP_SECRET": APP_SECRET, "META_VERIFY_TOKEN": VERIFY})
    try:
        stack.start_provider()
        stack.cli("migrate")
        stack.add("bait", "+14155550100", BAIT)
        stack.add("najd", "+14155550101", NAJD, *najd)
        stack.start_web()
        stack.start_consumer()
        yield stack
    finally:
        stack.stop()


def said(number_id: str, n: int, text: str) -> dict[str, Any]:
    """The change that brings a customer's message."""
    message = {"from": CUSTOMER, "id": f"wamid.{n}", "type": "text", "text": {"body": text}}
    contacts = [{"profile": {"name": "Sara"}, "wa_id": CUSTOMER}]
    return {"field": "messages", "value": meta.within(number_id, contacts=contacts, messages=[message])}


def incoming(stack: GraphStack, slug: str) -> list[str]:
    return [message["body"] for message in stack.thread(slug) if message["direction"] == "IN"]


def test_only_what_its_own_secret_verified_is_read(tmp_path: Path) -> None:
    with running(tmp_path, f"app_secret={OWN_SECRET}") as stack:
        both = meta.batch(said(BAIT, 1, "for bait"), said(NAJD, 2, "not by this secret"))
        assert stack.post(both, APP_SECRET).status_code == 200
        wait_until(lambda: len(stack.thread("bait")) == 2, seconds=20, what="bait answers")
        assert stack.verdicts() == ["accepted", "unrouted"]

        other = meta.batch(said(BAIT, 3, "not by this secret"), said(NAJD, 4, "for najd"))
        assert stack.post(other, OWN_SECRET).status_code == 200
        wait_until(lambda: len(stack.thread("najd")) == 2, seconds=20, what="najd answers")
        assert stack.verdicts() == ["accepted", "accepted", "unrouted", "unrouted"]

        by_key = "/webhooks/" + next(row["key"] for row in stack.cli("channel", "list", "bait")["data"])
        assert stack.post(other, OWN_SECRET, by_key).status_code == 403
        assert stack.post(meta.batch(said(BAIT, 5, "by key"), said(NAJD, 6, "x")), APP_SECRET, by_key).ok
        wait_until(
            lambda: incoming(stack, "bait") == ["for bait", "by key"], seconds=20, what="bait is read by its key"
        )
        assert stack.post(meta.batch(said(NAJD, 7, "x")), "f" * 32).status_code == 403
        assert incoming(stack, "najd") == ["for najd"]


def test_a_handshake_needs_a_token_of_ours(tmp_path: Path) -> None:
    with running(tmp_path, f"verify_token={OWN_VERIFY}") as stack:
        keys = {row["tenant"]: row["key"] for row in stack.cli("channel", "list")["data"]}

        def ask(token: str | None, path: str = "/whatsapp/webhook") -> tuple[int, str]:
            asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
            answer = requests.get(stack.url + path, params=asked, timeout=10)
            return answer.status_code, answer.text

        right, wrong = (200, "1158201444"), (403, "forbidden\n")
        assert (ask(VERIFY), ask(OWN_VERIFY), ask("other"), ask(""), ask(None)) == (right, right, wrong, wrong, wrong)
        own, default = f"/webhooks/{keys['najd']}", f"/webhooks/{keys['bait']}"
        assert (ask(OWN_VERIFY, own), ask(VERIFY, own)) == (right, wrong)
        assert (ask(VERIFY, default), ask(OWN_VERIFY, default)) == (right, wrong)
        assert ask(VERIFY, "/webhooks/" + "0" * 32) == wrong
