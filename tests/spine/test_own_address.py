"""Gupshup and Interakt, whole: their webhooks come by the channel's own address, which is all that says whom they are
for. One installation with a tenant at each."""

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.fakes import interakt
from tests.spine.stack import Stack, reference, wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

APP, API_KEY, HEADER = "DemoApp", "k" * 32, ("X-Of-Bait", "h" * 32)
BASIC, SECRET = "aW50ZXJha3Q6a2V5", "s" * 32
CUSTOMER = "966540000001"


class OwnAddresses(Stack):
    """`urls` are the channels' own addresses, by tenant."""

    urls: dict[str, str]

    def add(self, slug: str, provider: str, number: str, **credentials: str) -> None:
        """A tenant and its channel."""
        self.cli("tenant", "add", slug, "--name", slug.title(), "--in-per-minute", "1000", "--in-per-customer", "1000")
        options = [part for name, value in credentials.items() for part in ("--set", f"{name}={value}")]
        key = self.cli("channel", "add", slug, provider, number, "--out-per-minute", "1000", *options)["key"]
        self.urls[slug] = f"{self.url}/webhooks/{key}"

    def post(self, slug: str, said: dict[str, Any], **headers: str) -> requests.Response:
        body = json.dumps(said)
        headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): v for name, v in headers.items()}
        return requests.post(self.urls[slug], data=body, headers=headers, timeout=20)

    def is_read(self, slug: str, messages: int) -> bool:
        thread = self.thread(slug)
        return len(thread) == messages and thread[-1]["status"] == "read"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnAddresses]:
    stack = OwnAddresses(tmp_path_factory.mktemp("own"))
    stack.urls = {}
    try:
        stack.cli("migrate")
        header = {"header_name": HEADER[0], "header_value": HEADER[1]}
        stack.add("bait", "gupshup", "+14155550120", app_name=APP, api_key=API_KEY, **header)
        stack.add("najd", "interakt", "+14155550121", api_key=BASIC, webhook_secret=SECRET)
        told = ("--webhook", stack.urls["bait"], "--header", "=".join(HEADER))
        gupshup_port = stack.start_other("gupshup", "--app", f"{APP}={API_KEY}", *told)
        told = ("--webhook", stack.urls["najd"], "--secret", SECRET)
        interakt_port = stack.start_other("interakt", "--key", BASIC, *told)
        stack.env["GUPSHUP_API"] = f"http://127.0.0.1:{gupshup_port}"
        stack.env["INTERAKT_SEND_API"] = f"http://127.0.0.1:{interakt_port}"
        stack.start_web()
        stack.start_consumer()
        yield stack
    finally:
        stack.stop()


def from_gupshup(text: str) -> dict[str, Any]:
    inner = {"id": f"wamid.{uuid.uuid4().hex}", "source": CUSTOMER, "type": "text", "payload": {"text": text}}
    inner["sender"] = {"phone": CUSTOMER, "name": "Aisha"}
    return {"app": APP, "timestamp": int(time.time() * 1000), "version": 2, "type": "message", "payload": inner}


def from_interakt(text: str) -> dict[str, Any]:
    message = {"id": str(uuid.uuid4()), "chat_message_type": "CustomerMessage", "message_content_type": "Text",
               "message": text, "meta_data": {"source": None, "source_data": {}}}  # fmt: skip
    customer = {"channel_phone_number": CUSTOMER, "traits": {"name": "Aisha"}}
    data = {"customer": customer, "message": message}
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    return {"version": "1.0", "timestamp": now, "type": "message_received", "data": data}


def test_gupshup_s_customer_is_answered_and_what_became_of_it_comes_back(stack: OwnAddresses) -> None:
    hello = from_gupshup("hello bait")
    before = len(stack.thread("bait"))
    assert stack.post("bait", hello).status_code == 403
    assert stack.post("bait", hello, **{HEADER[0]: "wrong"}).status_code == 403
    answers = [stack.post("bait", hello, **{HEADER[0]: HEADER[1]}) for _ in range(2)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "")] * 2
    wait_until(lambda: stack.is_read("bait", before + 2), seconds=30, what="the answer is read")
    received, answered = stack.thread("bait")[before:]
    assert (received["body"], received["direction"]) == ("hello bait", "IN")
    [sent] = stack.ledger_of("gupshup")
    assert (sent["from"], sent["to"]) == ("14155550120", CUSTOMER)
    assert sent["id"] == answered["providerMessageId"]
    assert sent["message"]["type"] in ("quick_reply", "list")
    assert answered["sentAt"]
    assert answered["deliveredAt"] <= answered["readAt"]


def test_interakt_s_customer_is_answered_and_what_became_of_it_comes_back(stack: OwnAddresses) -> None:
    hello = from_interakt("hello najd")
    before = len(stack.thread("najd"))
    signature = interakt.sign(json.dumps(hello).encode(), SECRET)
    assert stack.post("najd", hello).status_code == 403
    assert stack.post("najd", hello, Interakt_Signature=interakt.sign(b"{}", SECRET)).status_code == 403
    answers = [stack.post("najd", hello, Interakt_Signature=signature) for _ in range(2)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "")] * 2
    wait_until(lambda: stack.is_read("najd", before + 2), seconds=30, what="the answer is read")
    received, answered = stack.thread("najd")[before:]
    assert (received["body"], received["direction"]) == ("hello najd", "IN")
    [sent] = stack.ledger_of("interakt")
    assert sent["to"] == CUSTOMER
    assert reference(sent) == (answered["uid"], 1)
    assert sent["id"] == answered["providerMessageId"]
    assert answered["payload"]["buttons"][0]["title"] in sent["message"]["data"]["message"]
    assert answered["deliveredAt"] <= answered["readAt"]


def test_an_address_is_for_one_channel_alone(stack: OwnAddresses) -> None:
    """The same customer writes to both; what comes by one address never reaches the other's tenant."""
    signed = {"Interakt_Signature": interakt.sign(json.dumps(from_gupshup("x")).encode(), SECRET)}
    assert stack.post("najd", from_gupshup("x"), **{HEADER[0]: HEADER[1]}).status_code == 403
    assert stack.post("bait", from_interakt("x"), **signed).status_code == 403
    shared = requests.post(f"{stack.url}/whatsapp/webhook", json=from_gupshup("x"), timeout=10)
    assert shared.status_code == 403
    unknown = requests.post(f"{stack.url}/webhooks/{'0' * 32}", json=from_gupshup("x"), timeout=10)
    assert unknown.status_code == 403
    for slug in ("bait", "najd"):
        bodies = [message["body"] for message in stack.thread(slug) if message["direction"] == "IN"]
        assert bodies in ([], [f"hello {slug}"])
    assert not [secret for secret in (API_KEY, HEADER[1], BASIC, SECRET, CUSTOMER) if secret in stack.logs()]
