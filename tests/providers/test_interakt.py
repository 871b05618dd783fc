"""Interakt's adapter: signatures, what its webhooks say, what it sends, as numbered text where it must, and what it
makes of the answers."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import interakt as imitated
from tests.fakes import misbehaving
from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf, served
from tests.providers.test_gupshup import LIST, PLACE, TEXT, VALUES, media, places
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import interakt_webhooks
from wabot.providers.base import Account, Arrived, RefusedByLimit
from wabot.providers.interakt import Interakt
from wabot.words import Button, Draft, Kind, Location, Reason, Row, Section, TemplateUse

INTERAKT = Interakt()
OPEN = Account("+966110000001", {"api_key": "a2V5Og=="})
SIGNED = Account("+966110000001", {"api_key": "a2V5Og==", "webhook_secret": "examplekey"})
REFERENCE = "0199aaaa-0000-7000-8000-000000000001.2"
SITUATIONS = payloads.of("interakt")
RAW = b'{"type":"message_received","data":{"caf\\u00e9":"\\/"}}'
RIGHT = "sha256=" + hmac.new(b"examplekey", RAW, hashlib.sha256).hexdigest()
OTHER = "sha256=" + hmac.new(b"another", RAW, hashlib.sha256).hexdigest()

Send = Callable[..., str]


def arrived(body: Any, **headers: str) -> Arrived:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return payloads.with_headers(Arrived("POST", "/webhooks/key", {"content-type": "application/json"}, raw), **headers)


def parsed(situation: str) -> list[Any]:
    return list(INTERAKT.parse(payloads.read("interakt", situation)[0]))


# --- accounts ---------------------------------------------------------------------------------------


def test_the_settings_token_stands_in_for_the_analytics_and_keys_are_trimmed() -> None:
    settings = Settings(interakt_token="default")
    account = INTERAKT.account("+1", {"api_key": " k\n", "waba_id": "7", "webhook_secret": " "}, settings)
    assert account.credentials == {"api_key": "k", "waba_id": "7", "access_token": "default"}
    assert INTERAKT.account("+1", {"access_token": "own"}, settings).credentials["access_token"] == "own"
    assert (INTERAKT.route(account), INTERAKT.group(account)) == ("+1", "7")


# --- what lets a webhook in -------------------------------------------------------------------------


def verifies(account: Account, body: bytes = RAW, method: str = "POST", **headers: str) -> bool:
    request = replace(arrived(body, **headers), method=method)
    return INTERAKT.verify(request, account, payloads.PUBLIC_URL)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_shared_route_never_takes_one_for_its_own(situation: str) -> None:
    request = payloads.read("interakt", situation)[0]
    for headers in ({}, {"interakt_signature": RIGHT}, {"x_interakt_signature": RIGHT}):
        assert not INTERAKT.recognises(payloads.with_headers(request, **headers))
    assert INTERAKT.addresses(request) == ()
    assert INTERAKT.default_account(Settings()) is None


def test_without_a_secret_the_channels_own_address_is_enough() -> None:
    assert verifies(OPEN)
    assert verifies(OPEN, interakt_signature="anything")
    assert not verifies(OPEN, method="GET")


def test_a_channel_that_could_not_send_receives_nothing_either() -> None:
    assert not verifies(replace(OPEN, credentials={"api_key": ""}))
    assert not verifies(replace(OPEN, credentials={"webhook_secret": "examplekey"}), interakt_signature=RIGHT)


@pytest.mark.parametrize("header", ["interakt_signature", "x_interakt_signature"])
def test_with_a_secret_the_raw_body_has_to_be_signed_in_either_header(header: str) -> None:
    assert verifies(SIGNED, **{header: RIGHT})
    assert not verifies(SIGNED)
    assert not verifies(SIGNED, **{header: OTHER})
    assert not verifies(SIGNED, RAW + b" ", **{header: RIGHT})
    again = json.dumps(json.loads(RAW), separators=(",", ":"), ensure_ascii=False).encode()
    assert not verifies(SIGNED, again, **{header: RIGHT})
    assert not verifies(SIGNED, method="PUT", **{header: RIGHT})


def test_two_headers_have_to_agree() -> None:
    assert verifies(SIGNED, interakt_signature=RIGHT, x_interakt_signature=RIGHT)
    assert not verifies(SIGNED, interakt_signature=RIGHT, x_interakt_signature=OTHER)
    assert not verifies(SIGNED, interakt_signature=OTHER, x_interakt_signature=RIGHT)
    assert not verifies(SIGNED, interakt_signature=RIGHT, x_interakt_signature="")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "sha256=",
        RIGHT.removeprefix("sha256="),
        RIGHT.upper(),
        "sha1=" + hmac.new(b"examplekey", RAW, hashlib.sha1).hexdigest(),
        RIGHT + "\n",
        f"{RIGHT},{RIGHT}",
        f"{RIGHT},{OTHER}",
        "sha256=" + "é" * 64,
        "\ud800",
    ],
)
def test_any_other_spelling_of_the_signature_is_refused(signature: str) -> None:
    assert not verifies(SIGNED, interakt_signature=signature)
    underscored = Arrived("POST", "/webhooks/key", {"interakt_signature": RIGHT}, RAW)
    assert not INTERAKT.verify(underscored, SIGNED, payloads.PUBLIC_URL)


def test_a_signature_made_with_openssl_verifies_and_the_imitation_signs_alike() -> None:
    body = b'{"foo":1,"bar":2}'
    signature = "sha256=b84783d10ede5bd6ed771e8b16fbe5a7093340159d6e49ec4248350b6ec2c7b4"
    assert signature == interakt_webhooks.sign(body, "examplekey") == imitated.sign(body, "examplekey")
    assert verifies(SIGNED, body, interakt_signature=signature)


@given(body=st.binary(max_size=200), signature=st.text(max_size=80))
def test_no_chance_signature_verifies(body: bytes, signature: str) -> None:
    assert not verifies(SIGNED, body, interakt_signature=signature)
    assert not verifies(SIGNED, body, x_interakt_signature=f"sha256={signature}")


# --- what a webhook says ----------------------------------------------------------------------------


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_interakt_sent_reads_as_its_file_says(situation: str) -> None:
    read = [json.loads(json.dumps(payloads.shown(item), allow_nan=False)) for item in parsed(situation)]
    assert read == payloads.read("interakt", situation)[1]


def test_no_item_names_a_channel() -> None:
    """They came by the channel's own address, those in Meta's format too."""
    items = [item for situation in SITUATIONS for item in parsed(situation)]
    assert {item.route for item in items} == {""}
    assert {item.account for item in items if isinstance(item, words.Notice)} == {""}


@pytest.mark.parametrize("said", [None, 7, ["x"], "x" * 513, {"a": 1}])
def test_a_reference_that_cannot_be_ours_is_none(said: Any) -> None:
    body = json.loads(payloads.read("interakt", "status_sent")[0].body)
    body["data"]["message"]["meta_data"]["source_data"]["callback_data"] = said
    [receipt] = INTERAKT.parse(arrived(body))
    assert isinstance(receipt, words.Receipt)
    assert receipt.reference == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T09:30:00.123000", datetime(2026, 11, 20, 9, 30, 0, 123000, UTC)),
        ("2026-11-20 09:30:00", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T12:30:00+03:00", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times_are_utc_where_they_do_not_say(text: str, moment: datetime | None) -> None:
    assert interakt_webhooks.moment(text) == moment


def test_times_are_utc_wherever_this_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Riyadh")
    time.tzset()
    try:
        assert interakt_webhooks.moment("2026-11-20T09:30:00") == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("body", [b"{}", b'{"type": 7, "data": {}}', b"[]", b"", b'{"entry": 1}'])
def test_what_is_no_event_is_unreadable_as_a_whole(body: bytes) -> None:
    with pytest.raises(errors.Unreadable):
        INTERAKT.parse(arrived(body))


@given(situation=st.sampled_from(SITUATIONS), data=st.data())
def test_no_value_in_any_place_raises_anything_unexpected(situation: str, data: st.DataObject) -> None:
    said = json.loads(payloads.read("interakt", situation)[0].body)
    spoilt = data.draw(st.sampled_from(list(places(said))))
    spoilt[0][spoilt[1]] = data.draw(VALUES | st.text('{}[]",:01nulltrueNaN', max_size=20))
    try:
        items = INTERAKT.parse(arrived(said))
    except errors.Unreadable:
        return
    json.dumps([payloads.shown(item) for item in items], allow_nan=False, ensure_ascii=False).encode()


# --- sends ------------------------------------------------------------------------------------------


@pytest.fixture
def interakt(tmp_path: Path) -> Iterator[Imitation]:
    vendor = imitated.Interakt(OPEN.credentials["api_key"], tmp_path / "interakt.jsonl")
    with served(misbehaving.server(vendor)) as running:
        yield running
    vendor.close()


@pytest.fixture
def settings(interakt: Imitation) -> Settings:
    return Settings(interakt_send_api=f"http://127.0.0.1:{interakt.port}", wabot_send_timeout=5)


@pytest.fixture
def send(settings: Settings) -> Send:
    def sent(draft: Draft, recipient: str = "+966500000001", account: Account = OPEN) -> str:
        found = INTERAKT.send(
            account, recipient, draft, reference=REFERENCE, structures=Kept(), files=Shelf(n7=b"x"), settings=settings
        )
        return found.provider_message_id

    return sent


BUTTONS = Draft(Kind.BUTTONS, "sure?", header="H", footer="F", buttons=(Button("y", "Yes"), Button("n", "No")))
SHAPES: dict[str, tuple[Draft, dict[str, Any]]] = {
    "text": (TEXT, {"type": "Text", "data": {"message": "مرحبا\nhello"}}),
    "buttons, as numbered text": (BUTTONS, {"type": "Text", "data": {"message": "H\n\nsure?\n\n1. Yes\n2. No\n\nF"}}),
    "a list, as numbered text": (
        LIST,
        {"type": "Text", "data": {"message": "choose\n\nOne\n1. A — first\n\nTwo\n2. B\n\nF"}},
    ),
    "a place, as a link": (
        PLACE,
        {"type": "Text", "data": {"message": "Shop\nhttps://maps.google.com/?q=24.700000,46.600000"}},
    ),
    "a sticker, as a link": (media("sticker"), {"type": "Text", "data": {"message": "https://a.example/f"}}),
    "a sticker of our own, as a link": (
        media("sticker", url="", media_id=7),
        {"type": "Text", "data": {"message": "https://bot.example.com/media/key7"}},
    ),
    "an image": (
        media("image", "nice"),
        {"type": "Image", "data": {"mediaUrl": "https://a.example/f", "message": "nice"}},
    ),
    "a video of our own": (
        media("video", url="", media_id=7),
        {"type": "Video", "data": {"mediaUrl": "https://bot.example.com/media/key7"}},
    ),
    "an audio": (media("audio"), {"type": "Audio", "data": {"mediaUrl": "https://a.example/f"}}),
    "a document": (
        media("document", filename="bill.pdf"),
        {"type": "Document", "data": {"mediaUrl": "https://a.example/f", "fileName": "bill.pdf"}},
    ),
    "a template": (
        Draft(Kind.TEMPLATE, template=TemplateUse("order_ready", "en", {"2": "b", "1": "a"})),
        {"type": "Template", "template": {"name": "order_ready", "languageCode": "en", "bodyValues": ["a", "b"]}},
    ),
    "a template without values, in Arabic": (
        Draft(Kind.TEMPLATE, template=TemplateUse("hello")),
        {"type": "Template", "template": {"name": "hello", "languageCode": "ar"}},
    ),
}


@pytest.mark.parametrize("what", SHAPES)
def test_a_draft_is_sent_as_interakt_wants_it(what: str, send: Send, interakt: Imitation) -> None:
    draft, expected = SHAPES[what]
    message_id = send(draft)
    [line] = interakt.ledger()
    assert line["message"] == {"fullPhoneNumber": "966500000001", "callbackData": REFERENCE, **expected}
    assert line["id"] == message_id


def test_the_key_goes_as_it_was_given() -> None:
    with responses.RequestsMock() as network:
        network.post("https://api.interakt.ai/v1/public/message/", status=201, json={"result": True, "id": "i1"})
        INTERAKT.send(
            OPEN,
            "966500000001",
            TEXT,
            reference=REFERENCE,
            structures=Kept(),
            files=Shelf(n7=b"x"),
            settings=Settings(),
        )
        [call] = network.calls
    assert call.request.headers["Authorization"] == "Basic a2V5Og=="
    assert call.request.headers["Content-Type"] == "application/json"


def refused(**answer: Any) -> errors.ProviderFailure:
    with responses.RequestsMock() as network:
        network.post("https://api.interakt.ai/v1/public/message/", **answer)
        with pytest.raises(errors.ProviderFailure) as failure:
            INTERAKT.send(
                OPEN,
                "+966500000001",
                TEXT,
                reference="u.1",
                structures=Kept(),
                files=Shelf(n7=b"x"),
                settings=Settings(),
            )
    return failure.value


@pytest.mark.parametrize(
    ("status", "message", "verdict", "reason"),
    [
        (400, "Invalid phone number", errors.PermanentFailure, Reason.UNKNOWN),
        (401, "Invalid API key", errors.CredentialsRefused, Reason.TOKEN),
        (403, "Upgrade your plan", errors.CredentialsRefused, Reason.TOKEN),
        (429, "Rate limit exceeded for this resource", errors.Throttled, Reason.RATE),
        (500, "131026", errors.UnknownOutcome, Reason.NO_ANSWER),
        (201, "result is false", errors.UnknownOutcome, Reason.NO_ANSWER),
    ],
)
def test_the_status_decides_because_there_is_no_code(
    status: int, message: str, verdict: type[errors.ProviderFailure], reason: Reason
) -> None:
    failure = refused(status=status, json={"result": False, "message": message, "id": "i1"})
    assert (type(failure), failure.reason, failure.message) == (verdict, reason, message)


@pytest.mark.parametrize("recipient", ["SA.1648738043044942", "", "+", "123", "966 50"])
def test_a_customer_without_a_number_cannot_be_sent_anything(recipient: str, send: Send, interakt: Imitation) -> None:
    with pytest.raises(errors.RecipientRefused) as refusal:
        send(TEXT, recipient)
    assert (refusal.value.code, refusal.value.reason) == ("invalid_number", Reason.NUMBER)
    assert interakt.ledger() == []


@pytest.mark.parametrize(
    ("mode", "verdict", "sent"),
    [
        ("reset_before", errors.UnknownOutcome, 0),
        ("reset_after", errors.UnknownOutcome, 1),
        ("broken_json", errors.UnknownOutcome, 1),
        ("redirect", errors.SetupRefused, 0),
    ],
)
def test_a_broken_answer_has_its_verdict(
    mode: str, verdict: type[errors.ProviderFailure], sent: int, send: Send, interakt: Imitation
) -> None:
    interakt.order(mode)
    with pytest.raises(verdict):
        send(TEXT)
    assert len(interakt.ledger()) == sent


def test_the_events_of_the_imitation_are_signed_and_read_as_ours(tmp_path: Path) -> None:
    vendor = imitated.Interakt("k", tmp_path / "l", secret="examplekey")
    line = {"id": "i1", "to": "966500000001", "message": {"callbackData": REFERENCE}}
    made = list(vendor.events(line, {"then": [*imitated.EVENTS, "failed"], "error_code": 131047}))
    requests = [
        arrived(body, **{name.lower().replace("-", "_"): value for name, value in headers.items()})
        for body, headers in made
    ]
    assert all(INTERAKT.verify(request, SIGNED, payloads.PUBLIC_URL) for request in requests)
    items = [item for request in requests for item in INTERAKT.parse(request) if isinstance(item, words.Receipt)]
    assert [(item.provider_message_id, item.reference, item.progress, item.error_code) for item in items] == [
        ("i1", REFERENCE, progress, code) for progress, code in ((2, ""), (3, ""), (4, ""), (-2, "131047"))
    ]
    vendor.close()


def test_numbered_text_has_to_fit_into_one_message() -> None:
    """Ten rows of the longest titles and descriptions fit beside the longest text."""
    rows = tuple(Row(str(n), "t" * 24, "d" * 72) for n in range(10))
    sections = (Section(rows[:5], "s" * 24), Section(rows[5:], "s" * 24))
    longest = Draft(Kind.LIST, "x" * 1024, header="h" * 60, footer="f" * 60, button="b", sections=sections)
    INTERAKT.check(longest)
    too_far = replace(PLACE, location=Location(1, 2, "n", "a" * 4096))
    for too_long in (Draft(Kind.TEXT, "x" * 4097), replace(PLACE, text="x" * 4090), too_far):
        with pytest.raises(RefusedByLimit):
            INTERAKT.check(too_long)


# --- codes, files, probes, history ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        ("131047", errors.RecipientRefused, Reason.WINDOW),
        ("131026", errors.RecipientRefused, Reason.NOT_ON_WHATSAPP),
        ("132001", errors.TemplateRefused, Reason.TEMPLATE_UNKNOWN),
        ("131042", errors.CredentialsRefused, Reason.PAYMENT),
        ("", errors.TemporaryFailure, Reason.UNKNOWN),
    ],
)
def test_the_codes_of_receipts_are_metas(code: str, verdict: type[errors.ProviderFailure], reason: Reason) -> None:
    failure = INTERAKT.failure(code, "why")
    assert (type(failure), failure.reason) == (verdict, reason)


VOICE = words.Attachment("audio", "https://interaktprodmediastorage.blob.core.windows.net/m/a.ogg?sig=x")


def test_a_file_is_fetched_from_where_interakt_keeps_files_and_no_key_goes_there() -> None:
    with responses.RequestsMock() as network:
        network.get(VOICE.reference, body=b"ogg", content_type="audio/ogg; codecs=opus")
        found = INTERAKT.fetch(OPEN, VOICE, Settings())
        [call] = network.calls
    assert (found.body, found.mime_type) == (b"ogg", "audio/ogg")
    assert "Authorization" not in call.request.headers


@pytest.mark.parametrize(
    "address",
    [
        "https://another.blob.core.windows.net/m/a.ogg",
        "http://169.254.169.254/",
        "data:,x",
        "https://api.interakt.ai@e/",
    ],
)
def test_a_file_elsewhere_is_not_asked_for(address: str) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        INTERAKT.fetch(OPEN, replace(VOICE, reference=address), Settings())
    assert failure.value.code == "media_host"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(403, errors.PermanentFailure), (404, errors.PermanentFailure), (503, errors.TemporaryFailure)],
)
def test_an_address_that_expired_is_given_up(status: int, verdict: type[errors.ProviderFailure]) -> None:
    """403 is not about our credentials: none were sent."""
    with responses.RequestsMock() as network:
        network.get(VOICE.reference, status=status)
        with pytest.raises(errors.ProviderFailure) as failure:
            INTERAKT.fetch(OPEN, VOICE, Settings())
    assert type(failure.value) is verdict


ROW = {
    "id": "ea5258f4", "name": "order_ready", "language": "ar", "category": "UTILITY", "approval_status": "APPROVED",
    "header": None, "body": "Order {{1}} is ready, {{2}}",
}  # fmt: skip


def test_templates_are_listed_page_by_page() -> None:
    url = "https://api.interakt.ai/v1/public/track/organization/templates"
    pages = [[ROW, 7, {"name": ""}], [ROW | {"name": "hello", "header": "Dear {{1}}"}]]
    with responses.RequestsMock() as network:
        for page, more in zip(pages, (True, False), strict=True):
            network.get(url, json={"count": 3, "has_next": more, "results": {"templates": page}})
        found = list(INTERAKT.templates(OPEN, Settings()))
        offsets = [str(call.request.url).rpartition("=")[2] for call in network.calls]
    assert offsets == ["0", "2"]
    body = "Order {{1}} is ready, {{2}}"
    assert found == [
        words.Template("order_ready", "ar", "order_ready", "UTILITY", "APPROVED", body, 2),
        words.Template("hello", "ar", "hello", "UTILITY", "APPROVED", body, 0),
    ]


def test_a_list_that_never_ends_is_ended() -> None:
    with responses.RequestsMock() as network:
        network.get("https://api.interakt.ai/v1/public/track/organization/templates", json={"has_next": True})
        assert list(INTERAKT.templates(OPEN, Settings())) == []
        assert len(network.calls) == 1


def test_a_template_is_known_by_its_name() -> None:
    assert INTERAKT.template_id(OPEN, "order_ready", Settings()) == "order_ready"
    assert list(INTERAKT.named_templates(OPEN, Settings())) == []


def test_a_probe_asks_for_the_templates_with_the_key(settings: Settings) -> None:
    INTERAKT.probe(OPEN, settings)
    with pytest.raises(errors.CredentialsRefused):
        INTERAKT.probe(replace(OPEN, credentials={"api_key": "no"}), settings)


def test_there_is_no_history() -> None:
    with pytest.raises(errors.Conflict, match="no history"):
        INTERAKT.recover(OPEN, datetime(2026, 11, 1, tzinfo=UTC), Settings())
