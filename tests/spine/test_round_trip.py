"""One message, whole: signed webhook in, answer at the provider, statuses back. Real processes, real HTTP."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from tests.fakes.twilio import sign
from tests.spine.stack import ACCOUNT, NUMBER, ROOT, TOKEN, Stack, reference, running, wait_until

pytestmark = pytest.mark.process

CUSTOMER = "+966511111111"


def inbound(sid: str, text: str, customer: str = CUSTOMER, **more: str) -> dict[str, str]:
    """What the provider posts for a customer's message."""
    return {"MessageSid": sid, "SmsMessageSid": sid, "AccountSid": ACCOUNT, "From": f"whatsapp:{customer}",
            "To": f"whatsapp:{NUMBER}", "Body": text, "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received",
            "ProfileName": "Sara", "WaId": customer.lstrip("+"), "MessageType": "text", "ToCity": "",
            "ApiVersion": "2010-04-01", **more}  # fmt: skip


def post(stack: Stack, form: dict[str, str], path: str = "/whatsapp/webhook") -> requests.Response:
    url = stack.url + path
    headers = {"X-Twilio-Signature": sign(url, form, TOKEN)}
    return requests.post(url, data=form, headers=headers, timeout=20)


def test_a_message_is_answered_at_the_provider_and_its_statuses_come_back(tmp_path: Path) -> None:
    with running(tmp_path, "--callbacks") as stack:
        answer = post(stack, inbound("SM" + "1" * 32, "hello"))
        assert (answer.status_code, answer.headers["Content-Type"], answer.text) == (200, "text/xml", "<Response/>")
        [sent] = wait_until(stack.ledger, seconds=20, what="the answer reaches the provider")
        assert (sent["To"], sent["From"]) == (f"whatsapp:{CUSTOMER}", f"whatsapp:{NUMBER}")
        assert sent["ContentSid"].startswith("HX")
        wait_until(lambda: stack.thread("demo")[-1]["status"] == "read", seconds=20, what="the statuses come back")
        received, answered = stack.thread("demo")
        assert (received["direction"], received["body"], received["status"]) == ("IN", "hello", "received")
        assert reference(sent) == (answered["uid"], 1)
        assert answered["sentAt"]
        assert answered["deliveredAt"]
        assert answered["readAt"]
        assert answered["providerMessageId"]

        tapped = answered["payload"]["buttons"][0]
        tap = inbound("SM" + "2" * 32, tapped["title"], MessageType="interactive", ButtonPayload=tapped["id"],
                      ButtonText=tapped["title"])  # fmt: skip
        assert post(stack, tap).status_code == 200
        wait_until(lambda: len(stack.ledger()) == 2, seconds=20, what="the tap is answered")

        [row, *_] = stack.cli("log", "--tenant", "demo")["logs"]
        assert row["customer"] == {"waId": CUSTOMER.lstrip("+"), "name": "Sara"}
        assert TOKEN not in stack.logs()
        assert CUSTOMER not in stack.logs()


def test_the_door_refuses_the_forged_the_huge_and_the_garbled(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        form = inbound("SM" + "3" * 32, "hello")
        url = f"{stack.url}/whatsapp/webhook"
        good = sign(url, form, TOKEN)
        for headers in ({}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": good + "\xe9"},
                        {"X-Twilio-Signature": sign(url, form, "another")}, {"X_Twilio_Signature": good}):  # fmt: skip
            refused = requests.post(url, data=form, headers=headers, timeout=10)
            assert (refused.status_code, refused.text) == (403, "forbidden\n")
        twice = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Twilio-Signature", good),
            ("X-Twilio-Signature", "x"),
        ]
        assert _raw_post(stack, urlencode(form).encode(), twice) == 403

        too_large = b"x" * ((3 << 20) + 1)
        assert requests.post(url, data=too_large, timeout=20).status_code == 413
        assert requests.post(url, data=iter([too_large[: 1 << 20]] * 4), timeout=20).status_code == 413
        assert requests.post(url, data=b"x", headers={"Content-Encoding": "gzip"}, timeout=20).status_code == 415
        assert requests.put(url, data=form, timeout=10).status_code == 405
        assert stack.cli("webhook", "list")["data"] == []
        assert len(stack.cli("webhook", "list", "--refused")["data"]) >= 6

        unknown = inbound("SM" + "4" * 32, "hello") | {"To": "whatsapp:+15550000000"}
        assert post(stack, unknown).status_code == 403
        chunked = urlencode(form).encode()
        headers = {"X-Twilio-Signature": good, "Content-Type": "application/x-www-form-urlencoded"}
        assert requests.post(url, data=iter([chunked[:7], chunked[7:]]), headers=headers, timeout=10).status_code == 200


def _raw_post(stack: Stack, body: bytes, headers: list[tuple[str, str]]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=10)
    connection.putrequest("POST", "/whatsapp/webhook")
    for name, value in [*headers, ("Content-Length", str(len(body)))]:
        connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def test_an_unknown_number_is_unrouted_when_the_default_account_signed_it(tmp_path: Path) -> None:
    with running(tmp_path, TWILIO_MASTER_SID=ACCOUNT, TWILIO_MASTER_AUTH=TOKEN) as stack:
        form = inbound("SM" + "5" * 32, "hello") | {"To": "whatsapp:+15550000000"}
        assert post(stack, form).status_code == 200
        [row] = stack.cli("webhook", "list", "--verdict", "unrouted")["data"]
        stack.cli("channel", "add", "demo", "twilio", "+15550000000", "--out-per-minute", "1000")
        stack.cli("webhook", "replay", str(row["id"]))
        wait_until(stack.ledger, seconds=20, what="the replayed message is answered")


HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print(1, flush=True)
time.sleep(99)
"""


def test_while_the_file_is_locked_webhooks_wait_and_are_stored_when_it_is_free(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        holder = subprocess.Popen([sys.executable, "-c", HOLD, f"{stack.file}.gate"], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        holder.stdout.readline()
        with socket.create_connection(("127.0.0.1", stack.port)):
            time.sleep(0.2)
        release = subprocess.Popen(["sh", "-c", f"sleep 4; kill -9 {holder.pid}"])
        assert post(stack, inbound("SM" + "6" * 32, "hello")).status_code == 200
        assert (holder.wait(), release.wait()) == (-9, 0)
        holder.stdout.close()
        wait_until(stack.ledger, seconds=20, what="the answer")


def test_term_ends_both_processes_and_finishes_what_is_running(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        post(stack, inbound("SM" + "7" * 32, "hello"))
        wait_until(stack.ledger, seconds=20, what="the answer")
        assert stack.web is not None
        assert stack.consumer is not None
        for process in (stack.web, stack.consumer):
            process.send_signal(signal.SIGTERM)
        assert (stack.web.wait(10), stack.consumer.wait(10)) == (0, 0)
        assert "Traceback" not in stack.logs()


@pytest.mark.parametrize("module", [("gunicorn", "wsgi:app"), ("huey.bin.huey_consumer", "huey_app.huey")])
def test_a_missing_file_is_refused_with_one_clear_line(tmp_path: Path, module: tuple[str, str]) -> None:
    stack = Stack(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT, env=stack.environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if "run `wabot migrate`" in line]
    assert "Traceback" not in done.stderr
