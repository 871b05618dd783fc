"""Twilio's adapter and files: those of customers are fetched, ours named by their address; places are sent too."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes import twilio as imitated
from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf
from tests.providers.test_contract import HOSTILE
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import base, by_name, twilio_media
from wabot.providers.base import Fetched, RefusedByLimit
from wabot.words import Attachment, Draft, Kind, Location, Media, MediaType

TWILIO = by_name("twilio")
ACCOUNT = payloads.ACCOUNTS["twilio"]
PICTURE = b"\xff\xd8 a picture"
URL = "https://shop.example.com/a?b=c"
TEMPORARY, PERMANENT = errors.TemporaryFailure, errors.PermanentFailure

Send = Callable[..., dict[str, Any]]


@pytest.fixture
def kept(imitation: Imitation) -> str:
    """The address of a picture that a customer sent."""
    file = {"message": "MM1", "content_type": "Image/JPEG", "base64": base64.b64encode(PICTURE).decode()}
    imitation.ask("POST", "/_control", {"files": {"ME1": file}})
    return f"http://127.0.0.1:{imitation.port}/2010-04-01/Accounts/{payloads.AC}/Messages/MM1/Media/ME1"


# --- files of customers -----------------------------------------------------------------------------


def fetch(settings: Settings, url: str, **credentials: str) -> Fetched:
    account = replace(ACCOUNT, credentials={**ACCOUNT.credentials, **credentials})
    return TWILIO.fetch(account, Attachment(MediaType.IMAGE, url, "image/png", "a.jpg"), settings)


def test_a_file_is_fetched_with_credentials_and_from_its_storage_without(settings: Settings, kept: str) -> None:
    assert fetch(settings, kept) == Fetched(PICTURE, "image/jpeg", "a.jpg")


def test_two_redirects_are_followed_and_no_third(imitation: Imitation, settings: Settings, kept: str) -> None:
    imitation.order("redirect", on="storage", location="/_storage/ME1")
    assert fetch(settings, kept).body == PICTURE
    imitation.order("redirect", on="storage", location="/_storage/ME1", count=2)
    with pytest.raises(errors.PermanentFailure) as failure:
        fetch(settings, kept)
    assert failure.value.code == "media_host"


@pytest.mark.parametrize(
    ("order", "verdict", "code"),
    [
        ({"on": "media", "mode": "status", "status": 404, "code": 20404}, TEMPORARY, "media_gone"),
        ({"on": "media", "mode": "status", "status": 410}, TEMPORARY, "media_gone"),
        ({"on": "media", "mode": "status", "status": 403}, TEMPORARY, "http_403"),
        ({"on": "media", "mode": "status", "status": 500}, TEMPORARY, "http_500"),
        ({"on": "media", "mode": "throttle", "retry_after": 7}, TEMPORARY, "http_429"),
        ({"on": "media", "mode": "reset_before"}, TEMPORARY, "connection_lost"),
        ({"on": "media", "mode": "redirect", "location": ""}, TEMPORARY, "http_401"),
        ({"on": "storage", "mode": "status", "status": 403}, TEMPORARY, "http_403"),
        ({"on": "storage", "mode": "status", "status": 404}, TEMPORARY, "media_gone"),
        ({"on": "storage", "mode": "status", "status": 503}, TEMPORARY, "http_503"),
        ({"on": "storage", "mode": "reset_before"}, TEMPORARY, "connection_lost"),
        ({"on": "storage", "mode": "huge"}, PERMANENT, "media_too_large"),
        ({"on": "storage", "mode": "huge", "size": (16 << 20) + 1}, PERMANENT, "media_too_large"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_file_that_does_not_come_has_its_verdict(
    imitation: Imitation,
    settings: Settings,
    kept: str,
    order: dict[str, Any],
    verdict: type[errors.ProviderFailure],
    code: str,
) -> None:
    imitation.order(**order)
    with pytest.raises(errors.ProviderFailure) as failure:
        fetch(settings, kept)
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert fetch(settings, kept).body == PICTURE


def test_a_file_of_exactly_16_megabytes_is_fetched(imitation: Imitation, settings: Settings, kept: str) -> None:
    imitation.order("huge", on="storage", size=16 << 20)
    assert len(fetch(settings, kept).body) == base.MAX_MEDIA_BYTES


@pytest.mark.parametrize("order", [{"on": "media", "mode": "timeout"}, {"on": "storage", "mode": "drip"}])
def test_a_file_that_drips_is_broken_off(
    imitation: Imitation, settings: Settings, kept: str, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MEDIA_SECONDS", 0.4)
    imitation.order(**order)
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings, kept)
    assert failure.value.code == "timeout"


NOT_THE_ACCOUNTS = [
    *HOSTILE,
    "https://mms.twiliocdn.com/x",
    "https://s3-external-1.amazonaws.com/media.twiliocdn.com/x",
    "https://api.twilio.com/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
    "http://127.0.0.1:{port}/2010-04-01/Accounts/ACother/Messages/MM1/Media/ME1",
    "http://127.0.0.1:{port}/2010-04-01/Accounts/{AC}/../ACother/Messages/MM1/Media/ME1",
    "http://127.0.0.1:{port}/2010-04-01/Accounts/{AC}.json",
    "http://127.0.0.1:{port}/_storage/ME1",
    "http://127.0.0.1:{port}@evil.example.com/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
    "http://user@127.0.0.1:{port}/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
    "http://127.0.0.1:1/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
    "https://127.0.0.1:{port}/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
    "http://localhost:{port}/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
]


@pytest.mark.parametrize("url", NOT_THE_ACCOUNTS, ids=range(len(NOT_THE_ACCOUNTS)))
def test_credentials_go_to_what_is_below_the_account_only(
    imitation: Imitation, settings: Settings, kept: str, url: str
) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        fetch(settings, url.replace("{port}", str(imitation.port)).replace("{AC}", payloads.AC))
    assert failure.value.code == "media_host"


REDIRECTS = [
    *(url for url in HOSTILE if ":" in url or url.startswith("//")),
    "x" * 3000,
    "http://mms.twiliocdn.com/x",
    "https://mms.twiliocdn.com:8443/x",
    "https://mms.twiliocdn.com./x",
    "https://user@mms.twiliocdn.com/x",
    "https://mms.twiliocdn.com@evil.example.com/x",
    "https://mms.twiliocdn.com.evil.example.com/x",
    "https://media.twiliocdn.com/x",
    "https://s3-external-1.amazonaws.com/other-bucket/x",
    "https://s3-external-1.amazonaws.com/media.twiliocdn.com/../other-bucket/x",
    "https://s3-external-1.amazonaws.com/media.twiliocdn.com.evil/x",
    "https://media.twiliocdn.com.s3-external-1.amazonaws.com/x",
    "http://127.0.0.1:1/_storage/ME1",
    "//evil.example.com:80/_storage/ME1",
]


@pytest.mark.parametrize("location", REDIRECTS, ids=range(len(REDIRECTS)))
@pytest.mark.parametrize("hop", ["media", "storage"])
def test_no_redirect_leads_anywhere_but_to_where_files_are_kept(
    imitation: Imitation, settings: Settings, kept: str, location: str, hop: str
) -> None:
    imitation.order("redirect", on=hop, location=location)
    with pytest.raises(errors.PermanentFailure) as failure:
        fetch(settings, kept)
    assert failure.value.code == "media_host"


@pytest.mark.parametrize("place", twilio_media.STORAGE)
def test_the_documented_hosts_are_followed_to(imitation: Imitation, settings: Settings, kept: str, place: str) -> None:
    """Their names are looked up, and nothing more in a test."""
    imitation.order("redirect", on="media", location=place + "AC1/x?Expires=1&Signature=x~y")
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings, kept)
    assert failure.value.code != "media_host"


def test_without_the_right_token_there_is_no_file(settings: Settings, kept: str) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings, kept, auth_token="wrong")
    assert failure.value.code == "http_401"


SINCE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def recovered(imitation: Imitation, settings: Settings, **more: Any) -> words.Incoming:
    message = {
        "sid": "MM1", "From": "whatsapp:+966500000001", "To": "whatsapp:+966110000001", "Body": "look",
        "date_sent": "Fri, 20 Nov 2026 09:30:00 +0000", **more,
    }  # fmt: skip
    imitation.ask("POST", "/_inbound", message)
    [item] = [item for arrived in TWILIO.recover(ACCOUNT, SINCE, settings) for item in TWILIO.parse(arrived)]
    assert isinstance(item, words.Incoming)
    return item


def test_a_message_that_is_recovered_has_its_files(imitation: Imitation, settings: Settings, kept: str) -> None:
    item = recovered(imitation, settings, num_media="1")
    assert (item.kind, item.text) == (MediaType.IMAGE, "look")
    assert item.attachments == (Attachment(MediaType.IMAGE, kept, "Image/JPEG"),)
    assert TWILIO.fetch(ACCOUNT, item.attachments[0], settings).body == PICTURE


@pytest.mark.parametrize("number", ["0", "00", "", None])
def test_a_message_without_files_is_not_asked_about_them(
    imitation: Imitation, settings: Settings, kept: str, number: Any
) -> None:
    assert recovered(imitation, settings, num_media=number).attachments == ()


@pytest.mark.parametrize("order", [{"mode": "status", "status": 404}, {"mode": "ok"}])
def test_a_message_whose_files_are_gone_is_recovered_without(
    imitation: Imitation, settings: Settings, order: dict[str, Any]
) -> None:
    imitation.order(**order, on="files")
    item = recovered(imitation, settings, num_media="2")
    assert (item.text, item.attachments) == ("look", ())


def test_a_recovery_that_cannot_list_files_says_so(imitation: Imitation, settings: Settings) -> None:
    imitation.order("status", status=401, code=20003, on="files")
    with pytest.raises(errors.CredentialsRefused):
        recovered(imitation, settings, num_media="1")


# --- sends ------------------------------------------------------------------------------------------


@pytest.fixture
def send(settings: Settings, structures: Kept, files: Shelf, imitation: Imitation) -> Send:
    def to_the_imitation(draft: Draft) -> dict[str, Any]:
        """What the ledger has of it."""
        TWILIO.check(draft)
        sent = TWILIO.send(
            ACCOUNT, "+966500000001", draft, reference="u.1", structures=structures, files=files, settings=settings
        )
        line: dict[str, Any] = imitation.ledger()[-1]
        assert (line["sid"], line["To"]) == (sent.provider_message_id, "whatsapp:+966500000001")
        assert line["StatusCallback"].endswith("?m=u.1")
        return line

    return to_the_imitation


@pytest.mark.parametrize("kind", MediaType)
def test_a_file_at_an_address_is_sent_by_it(send: Send, kind: MediaType) -> None:
    line = send(Draft(Kind.MEDIA, media=Media(kind, URL)))
    assert (line["MediaUrl"], line["Body"], line["PersistentAction"]) == (URL, None, None)


@pytest.mark.parametrize("kind", [MediaType.IMAGE, MediaType.VIDEO])
def test_a_caption_is_the_body(send: Send, kind: MediaType) -> None:
    assert send(Draft(Kind.MEDIA, "see\nthis", media=Media(kind, URL)))["Body"] == "see\nthis"


def test_our_file_is_sent_by_its_public_address(send: Send, files: Shelf) -> None:
    own = Media(MediaType.IMAGE, "", 1, "a.jpg", "image/jpeg", 12)
    assert send(Draft(Kind.MEDIA, media=own))["MediaUrl"] == f"{payloads.PUBLIC_URL}/media/key1"
    assert files.was_read == []


def test_our_file_that_is_gone_is_a_permanent_failure(send: Send, imitation: Imitation) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        send(Draft(Kind.MEDIA, media=Media(MediaType.IMAGE, "", 9)))
    assert failure.value.code == "media_gone"
    assert imitation.ledger() == []


def test_a_caption_that_would_be_lost_is_refused() -> None:
    with pytest.raises(RefusedByLimit, match="document: no caption"):
        TWILIO.check(Draft(Kind.MEDIA, "our menu", media=Media(MediaType.DOCUMENT, URL)))


@pytest.mark.parametrize("mime_type", ["text/plain", "application/zip"])
def test_a_document_that_only_others_take_is_refused(mime_type: str) -> None:
    with pytest.raises(errors.Refused) as refusal:
        TWILIO.check(Draft(Kind.MEDIA, media=Media(MediaType.DOCUMENT, "", 1, mime_type=mime_type, size=1)))
    assert refusal.value.code == "media_unsupported"


@pytest.mark.parametrize(
    ("place", "text", "body", "action"),
    [
        (Location(24.7136, -46.6753), "", "24.713600,-46.675300", "geo:24.713600,-46.675300"),
        (Location(0.0000001, 180, "Shop"), "", "Shop", "geo:0.000000,180.000000"),
        (Location(1, 2, "Shop", "King Fahd\n Road|7"), "Shop", "Shop", "geo:1.000000,2.000000|King Fahd Road|7"),
        (Location(1, 2, "", "Road"), "", "Road", "geo:1.000000,2.000000"),
        (Location(1, 2, "", "Road"), "here", "here", "geo:1.000000,2.000000|Road"),
        (Location(1, 2, "a\x00", ""), "", "a\ufffd", "geo:1.000000,2.000000"),
    ],
)
def test_a_place_is_a_name_and_degrees(send: Send, place: Location, text: str, body: str, action: str) -> None:
    line = send(Draft(Kind.LOCATION, text, location=place))
    assert (line["Body"], line["PersistentAction"]) == (body, action)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"MediaUrl": "x"}, 21620),
        ({"MediaUrl": URL, "PersistentAction": "geo:1,2"}, 63021),
        ({"Body": "x", "PersistentAction": "geo:1e3,2"}, 63021),
        ({}, 21619),
    ],
)
def test_the_imitation_refuses_what_twilio_refuses(wrong: dict[str, str], code: int, tmp_path: Any) -> None:
    twilio = imitated.Twilio(payloads.AC, payloads.SECRET, tmp_path / "ledger")
    with pytest.raises(imitated.Refusal) as refusal:
        twilio.check({"To": "whatsapp:+1", "From": "whatsapp:+2"} | wrong)
    assert refusal.value.code == code
    twilio.close()
