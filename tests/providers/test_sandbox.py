"""The sandbox's adapter, beyond what every provider must do."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from freezegun import freeze_time

from tests.providers import payloads
from tests.providers.conftest import Kept, Shelf
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import by_name, sandbox
from wabot.providers.base import MAX_MEDIA_BYTES, Account, Arrived
from wabot.words import Attachment, Button, Draft, Kind, Location, Media, Reason

SANDBOX = by_name("sandbox")
ACCOUNT = payloads.ACCOUNTS["sandbox"]
API = "http://127.0.0.1:8000/sandbox/api"
URL, MEDIA = f"{API}/messages", f"{API}/media"
KEY = "0123456789abcdef0123456789abcdef"
PICTURE = Draft(
    Kind.MEDIA, "dish", media=Media("image", media_id=1, filename="طبق.jpg", mime_type="image/jpeg", size=9)
)


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


def send(draft: Draft, upload: dict[str, Any] | None = None, **answer: Any) -> tuple[str, Any]:
    """The provider's id and the last request; with `upload`, a file is uploaded before and answered so."""
    with responses.RequestsMock() as network:
        if upload:
            network.post(MEDIA, **upload)
        if answer:
            network.post(URL, **answer)
        sent = SANDBOX.send(
            ACCOUNT,
            "SA.1234",
            draft,
            reference="uid.1",
            structures=Kept(),
            files=Shelf(n1=b"a picture"),
            settings=Settings(),
        )
        return sent.provider_message_id, network.calls[-1].request


def message_of(draft: Draft, **upload: Any) -> Any:
    """What the sandbox is told of a draft."""
    return json.loads(send(draft, upload, status=201, json={"id": "sbx.1"})[1].body)["message"]


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


def test_a_file_is_uploaded_before_it_is_named() -> None:
    uploaded = {"type": "image", "id": KEY, "filename": "طبق.jpg", "mimeType": "image/jpeg"}
    sent = message_of(PICTURE, status=201, json={"id": KEY})
    assert sent == {"kind": "media", "text": "dish", "media": uploaded}


def test_an_upload_is_the_file_with_what_it_is_and_whose() -> None:
    with responses.RequestsMock() as network:
        network.post(MEDIA, status=201, json={"id": KEY})
        network.post(URL, status=201, json={"id": "sbx.1"})
        SANDBOX.send(
            ACCOUNT,
            "+1",
            PICTURE,
            reference="uid.1",
            structures=Kept(),
            files=Shelf(n1=b"a picture"),
            settings=Settings(),
        )
        upload = network.calls[0].request
    assert upload.body == b"a picture"
    told = {name: upload.headers[name] for name in ("Authorization", "X-Sandbox-Number", "Content-Type")}
    assert told == {
        "Authorization": f"Bearer {payloads.SECRET}", "X-Sandbox-Number": ACCOUNT.number, "Content-Type": "image/jpeg"
    }  # fmt: skip
    assert upload.headers["X-Sandbox-Filename"] == "%D8%B7%D8%A8%D9%82.jpg"


def test_a_file_at_an_address_is_not_uploaded() -> None:
    media = Media("document", url="https://example.com/menu.pdf", filename="menu.pdf")
    named = {"type": "document", "url": "https://example.com/menu.pdf", "filename": "menu.pdf"}
    assert message_of(Draft(Kind.MEDIA, media=media)) == {"kind": "media", "text": "", "media": named}


def test_a_place_is_sent_in_degrees() -> None:
    place = {"latitude": 0.0, "longitude": 46.5, "name": "Home", "address": ""}
    assert message_of(Draft(Kind.LOCATION, location=Location(**place))) == {
        "kind": "location", "text": "", "location": place
    }  # fmt: skip


TEMPORARY = errors.TemporaryFailure
UPLOADS: dict[str, tuple[dict[str, Any], type[errors.ProviderFailure], str]] = {
    "a lost connection": ({"body": ConnectionError("lost")}, TEMPORARY, "not_sent"),
    "500": ({"status": 500}, TEMPORARY, "http_500"),
    "503": ({"status": 503}, TEMPORARY, "http_503"),
    "201 without an id": ({"status": 201, "json": {}}, TEMPORARY, "unreadable_answer"),
    "201 with half a JSON": ({"status": 201, "body": '{"id"'}, TEMPORARY, "unreadable_answer"),
    "unknown": ({"status": 500, "json": {"error": {"code": "unknown"}}}, TEMPORARY, "unknown"),
    "temporary": ({"status": 400, "json": {"error": {"code": "temporary"}}}, TEMPORARY, "temporary"),
    "a file that it refuses": ({"status": 413, "json": {"error": {"code": "media"}}}, errors.PermanentFailure, "media"),
    "404": ({"status": 404}, errors.PermanentFailure, "http_404"),
    "401": ({"status": 401}, errors.CredentialsRefused, "http_401"),
    "429": ({"status": 429}, errors.Throttled, "http_429"),
}


@pytest.mark.parametrize(("answer", "verdict", "code"), UPLOADS.values(), ids=UPLOADS)
def test_a_failed_upload_sent_nothing(answer: dict[str, Any], verdict: type[errors.ProviderFailure], code: str) -> None:
    with pytest.raises(errors.ProviderFailure) as failure:
        send(PICTURE, answer)
    assert (type(failure.value), failure.value.code) == (verdict, code)


def test_a_file_that_is_no_longer_ours_calls_nobody() -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        send(Draft(Kind.MEDIA, media=Media("image", media_id=9)))
    assert failure.value.code == "media_gone"


def test_after_an_upload_an_answer_that_is_lost_is_an_unknown_outcome() -> None:
    with pytest.raises(errors.UnknownOutcome):
        send(PICTURE, {"status": 201, "json": {"id": KEY}}, status=502)


def test_upload_and_message_share_the_time_for_a_send() -> None:
    with freeze_time("2026-11-20 09:30:00") as time, responses.RequestsMock() as network:

        def upload(request: Any) -> tuple[int, dict[str, str], str]:
            time.tick(6)
            return 201, {}, json.dumps({"id": KEY})

        network.add_callback("POST", MEDIA, callback=upload)
        network.post(URL, status=201, json={"id": "sbx.1"})
        settings = Settings(wabot_send_timeout=10)
        SANDBOX.send(
            ACCOUNT, "+1", PICTURE, reference="uid.1", structures=Kept(), files=Shelf(n1=b"x"), settings=settings
        )
        assert [call.request.req_kwargs["timeout"][1] for call in network.calls] == [7.5, pytest.approx(4.0)]


# --- fetching ---------------------------------------------------------------------------------------


def fetch(reference: str = KEY, **answer: Any) -> Any:
    with responses.RequestsMock() as network:
        if answer:
            network.get(f"{MEDIA}/{reference}", **answer)
        return SANDBOX.fetch(ACCOUNT, Attachment("image", reference), Settings()), network.calls[-1].request


def test_a_file_is_fetched_as_ours_with_its_plain_type() -> None:
    fetched, request = fetch(body=b"\xff\xd8", content_type="Image/JPEG; name=a")
    assert (fetched.body, fetched.mime_type) == (b"\xff\xd8", "image/jpeg")
    assert request.headers["Authorization"] == f"Bearer {payloads.SECRET}"
    assert request.headers["X-Sandbox-Number"] == ACCOUNT.number


FETCHES: dict[str, tuple[dict[str, Any], type[errors.ProviderFailure], str]] = {
    "404": ({"status": 404}, TEMPORARY, "media_gone"),
    "one byte too many": ({"body": bytes(MAX_MEDIA_BYTES + 1)}, errors.PermanentFailure, "media_too_large"),
    "a lost connection": ({"body": ConnectionError("lost")}, TEMPORARY, "not_sent"),
    "500": ({"status": 500}, TEMPORARY, "http_500"),
    "204": ({"status": 204}, TEMPORARY, "http_204"),
    "400": ({"status": 400}, TEMPORARY, "http_400"),
    "401": ({"status": 401, "json": {"error": {"code": "credentials"}}}, TEMPORARY, "http_401"),
    "429": ({"status": 429}, TEMPORARY, "http_429"),
    "302": ({"status": 302, "headers": {"Location": "http://169.254.169.254/"}}, errors.PermanentFailure, "media_host"),
}


@pytest.mark.parametrize(("answer", "verdict", "code"), FETCHES.values(), ids=FETCHES)
def test_a_fetch_that_fails_has_its_verdict(
    answer: dict[str, Any], verdict: type[errors.ProviderFailure], code: str
) -> None:
    with pytest.raises(errors.ProviderFailure) as failure:
        fetch(**answer)
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert code == "not_sent" or failure.value.reason == Reason.MEDIA


def test_a_file_of_the_largest_size_is_fetched() -> None:
    assert len(fetch(body=bytes(MAX_MEDIA_BYTES))[0].body) == MAX_MEDIA_BYTES


ELSEWHERE = [
    "",
    ".",
    "..",
    "../messages",
    "a/b",
    "a?b",
    "a#b",
    "a" * 65,
    "http://169.254.169.254/",
    "a\n",
    "ä",
    "%2e%2e",
]


@pytest.mark.parametrize("reference", ELSEWHERE)
def test_what_is_no_plain_id_is_never_asked_for(reference: str) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        fetch(reference)
    assert failure.value.code == "media_reference"


# --- codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        ("temporary", errors.TemporaryFailure, Reason.PROVIDER),
        ("permanent", errors.PermanentFailure, Reason.UNKNOWN),
        ("media", errors.PermanentFailure, Reason.MEDIA),
        ("recipient", errors.RecipientRefused, Reason.NUMBER),
        ("window", errors.RecipientRefused, Reason.WINDOW),
        ("template", errors.TemplateRefused, Reason.TEMPLATE_REFUSED),
        ("setup", errors.SetupRefused, Reason.SETUP),
        ("throttled", errors.Throttled, Reason.RATE),
        ("credentials", errors.CredentialsRefused, Reason.TOKEN),
        ("unknown", errors.UnknownOutcome, Reason.NO_ANSWER),
    ],
)
def test_its_words_decide_whatever_the_status(
    code: str, verdict: type[errors.ProviderFailure], reason: words.Reason
) -> None:
    for status in (400, 500):
        with pytest.raises(errors.ProviderFailure) as failure:
            send(Draft(Kind.TEXT, "hi"), status=status, json={"error": {"code": code, "message": "as told"}})
        assert (type(failure.value), failure.value.code, failure.value.message) == (verdict, code, "as told")
        assert failure.value.reason == reason
    told = SANDBOX.failure(code, "")
    assert (type(told), told.reason) == (verdict, reason)


def test_it_names_no_account_that_channels_share() -> None:
    assert SANDBOX.group(ACCOUNT) == ""


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
