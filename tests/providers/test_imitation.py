"""The imitation of Twilio as a process of its own: what the tests of faults rely on."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import pytest

from tests.fakes import twilio as imitated
from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import by_name
from wabot.providers.base import Arrived

TWILIO = by_name("twilio")
ACCOUNT = payloads.ACCOUNTS["twilio"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = ["--ledger", str(tmp_path / "ledger"), "--account", payloads.AC, "--token", payloads.SECRET]
    command = [sys.executable, "-m", "tests.fakes.twilio", *arguments, "--callbacks", "--callback-delay-ms", "10"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


@pytest.fixture
def callbacks() -> Iterator[tuple[str, "Queue[Arrived]"]]:
    """A web server's address, and the requests that it got."""
    got: Queue[Arrived] = Queue()

    class Web(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.put(Arrived("POST", self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.process
def test_it_writes_its_ledger_calls_back_signed_and_ends_on_term(
    process: "subprocess.Popen[str]", callbacks: tuple[str, "Queue[Arrived]"], tmp_path: Path
) -> None:
    public_url, got = callbacks
    assert process.stdout is not None
    imitation = Imitation(int(process.stdout.readline()))
    base = f"http://127.0.0.1:{imitation.port}"
    settings = Settings(wabot_public_url=public_url, twilio_api_base=base, twilio_content_api=base)
    draft = words.Draft(words.Kind.TEXT, "hi")

    def send() -> str:
        sent = TWILIO.send(
            ACCOUNT,
            "+966500000001",
            draft,
            reference="uid.1",
            structures=Kept(),
            files=Shelf(n1=b"1"),
            settings=settings,
        )
        return sent.provider_message_id

    imitation.order("ok", then=["sent", "undelivered"], error_code=63018)
    sid = send()
    requests = [got.get(timeout=30) for _ in range(2)]
    assert all(TWILIO.verify(request, ACCOUNT, public_url) for request in requests)
    receipts = [item for request in requests for item in TWILIO.parse(request)]
    assert {
        (item.progress, item.reference, item.error_code) for item in receipts if isinstance(item, words.Receipt)
    } == {
        (words.Progress.SENT, "uid.1", ""),
        (words.Progress.UNDELIVERED, "uid.1", "63018"),
    }

    imitation.order("reset_after")
    with pytest.raises(errors.UnknownOutcome):
        send()
    ledger = [json.loads(line) for line in (tmp_path / "ledger").read_text(encoding="utf-8").splitlines()]
    assert [line["mode"] for line in ledger] == ["ok", "reset_after"]
    assert ledger[0]["sid"] == sid

    process.terminate()
    assert process.wait(timeout=30) == 0


def test_orders_are_met_one_after_the_other(imitation: Imitation, settings: Settings) -> None:
    imitation.order("refuse_400", count=2, code=21211)
    imitation.order("throttle", retry_after=3)
    draft, outcomes = words.Draft(words.Kind.TEXT, "hi"), []
    for _ in range(4):
        try:
            TWILIO.send(
                ACCOUNT,
                "+966500000001",
                draft,
                reference="u.1",
                structures=Kept(),
                files=Shelf(n1=b"1"),
                settings=settings,
            )
            outcomes.append("sent")
        except errors.ProviderFailure as failure:
            outcomes.append(failure.code)
    assert outcomes == ["21211", "21211", "20429", "sent"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "whatsapp:+1", "Body": "x"}, 21604),
        ({"To": "whatsapp:+1", "Body": "x"}, 21603),
        ({"To": "whatsapp:+1", "From": "+1", "Body": "x"}, 21910),
        ({"To": "whatsapp:+1", "From": "whatsapp:+2"}, 21619),
        ({"To": "whatsapp:+1", "From": "whatsapp:+2", "Body": "x" * 1601}, 21617),
        ({"To": "whatsapp:+1", "From": "whatsapp:+2", "ContentSid": "HX1"}, 21655),
        ({"To": "whatsapp:+1", "From": "whatsapp:+2", "Body": "x", "ContentVariables": "["}, 21656),
        ({"To": "whatsapp:+1", "From": "whatsapp:+2", "Body": "x", "ContentVariables": '{"1": ""}'}, 21656),
        ({"To": "whatsapp:+1", "From": "whatsapp:+2", "Body": "x", "StatusCallback": "http://a_b.com"}, 21609),
    ],
)
def test_it_refuses_what_twilio_refuses(form: dict[str, str], code: int, tmp_path: Path) -> None:
    twilio = imitated.Twilio(payloads.AC, payloads.SECRET, tmp_path / "ledger")
    with pytest.raises(imitated.Refusal) as refusal:
        twilio.check(form)
    assert refusal.value.code == code
    twilio.close()
