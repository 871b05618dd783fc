"""The sandbox's adapter, beyond what every provider must do."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from tests.providers import payloads
from tests.providers.conftest import Kept
from wabot import errors
from wabot.config import Settings
from wabot.providers import by_name, sandbox
from wabot.providers.base import Account, Arrived
from wabot.words import Button, Draft, Kind

SANDBOX = by_name("sandbox")
ACCOUNT = payloads.ACCOUNTS["sandbox"]
URL = "http://127.0.0.1:8000/sandbox/api/messages"


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001"),
        ("0.0.0.0", "http://127.0.0.1:8001"),
        ("::", "http://127.0.0.1:8001"),
        ("::1", "http://[::1]:8001"),
        ("bot.internal", "http://bot.internal:8001"),
    ],
)
def test_its_api_is_this_installation_unless_told_otherwise(host: str, base: str) -> None:
    settings = Settings(wabot_host=host, wabot_port=8001)
    assert SANDBOX.account("+1", {"secret": "s"}, settings).credentials["api_base"] == base
    given = SANDBOX.account("+1", {"secret": "s", "api_base": "http://x/"}, settings)
    assert given.credentials["api_base"] == "http://x"


def test_it_is_routed_by_the_key_alone_and_verifies_nothing_for_strangers() -> None:
    assert list(SANDBOX.addresses(payloads.signed("sandbox", "text"))) == []
    assert SANDBOX.default_account(Settings()) is None


def test_a_signed_get_is_none() -> None:
    arrived = Arrived("GET", "/x", {"x-sandbox-signature": sandbox.sign(b"", payloads.SECRET)}, b"")
    assert not SANDBOX.verify(arrived, ACCOUNT, payloads.PUBLIC_URL)


def send(draft: Draft, **answer: Any) -> tuple[str, Any]:
    with responses.RequestsMock() as network:
        network.post(URL, **answer)
        sent = SANDBOX.send(ACCOUNT, "SA.1234", draft, reference="uid.1", structures=Kept(), settings=Settings())
        return sent.provider_message_id, network.calls[0].request


def test_a_send_carries_the_whole_draft_and_the_secret_as_bearer() -> None:
    draft = Draft(Kind.BUTTONS, "choose", footer="f", buttons=(Button("a", "A"),))
    message_id, request = send(draft, status=201, json={"id": "sbx.1"})
    assert message_id == "sbx.1"
    assert request.headers["Authorization"] == f"Bearer {payloads.SECRET}"
    assert json.loads(request.body) == {
        "from": "+966110000001",
        "to": "SA.1234",
        "reference": "uid.1",
        "message": {"kind": "buttons", "text": "choose", "footer": "f", "buttons": [{"id": "a", "title": "A"}]},
    }


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("temporary", errors.TemporaryFailure),
        ("permanent", errors.PermanentFailure),
        ("throttled", errors.Throttled),
        ("credentials", errors.CredentialsRefused),
        ("unknown", errors.UnknownOutcome),
    ],
)
def test_its_words_decide_whatever_the_status(code: str, verdict: type[errors.ProviderFailure]) -> None:
    for status in (400, 500):
        with pytest.raises(errors.ProviderFailure) as failure:
            send(Draft(Kind.TEXT, "hi"), status=status, json={"error": {"code": code, "message": "as told"}})
        assert (type(failure.value), failure.value.code, failure.value.message) == (verdict, code, "as told")
    assert type(SANDBOX.failure(code, "")) is verdict


def test_throttling_says_for_how_long() -> None:
    with pytest.raises(errors.Throttled) as failure:
        send(Draft(Kind.TEXT, "hi"), status=429, json={"error": {"code": "throttled"}}, headers={"Retry-After": "7"})
    assert failure.value.retry_after == 7


def test_any_secret_passes_the_probe_but_none_does_not() -> None:
    SANDBOX.probe(ACCOUNT, Settings())
    with pytest.raises(errors.CredentialsRefused):
        SANDBOX.probe(Account("+1", {"secret": ""}), Settings())


def test_there_is_nothing_to_recover() -> None:
    with pytest.raises(errors.Conflict):
        SANDBOX.recover(ACCOUNT, datetime(2026, 11, 20, tzinfo=UTC), Settings())
