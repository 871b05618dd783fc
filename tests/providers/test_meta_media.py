"""Meta's adapter and files: those of customers are fetched, ours uploaded and sent; places are sent too."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import meta as imitated
from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf
from tests.providers.test_contract import HOSTILE
from wabot import errors
from wabot.config import Settings
from wabot.providers import base, by_name
from wabot.providers.base import Fetched
from wabot.words import Attachment, Draft, Kind, Location, Media, MediaType

META = by_name("meta")
ACCOUNT = payloads.ACCOUNTS["meta"]
PICTURE = b"\xff\xd8 a picture"
VOICE = Attachment(MediaType.AUDIO, "42", "audio/ogg; codecs=opus", "voice.ogg")

Send = Callable[..., str]


@pytest.fixture
def settings(graph: Imitation) -> Settings:
    base_url = f"http://127.0.0.1:{graph.port}"
    file = {"mime_type": "Audio/OGG; codecs=opus", "base64": base64.b64encode(PICTURE).decode()}
    graph.ask("POST", "/_control", {"files": {"42": file}})
    return Settings(wabot_public_url=payloads.PUBLIC_URL, meta_graph_api=base_url, wabot_send_timeout=5)


# --- files of customers -----------------------------------------------------------------------------


def fetch(settings: Settings, attachment: Attachment = VOICE, **credentials: str) -> Fetched:
    account = replace(ACCOUNT, credentials={**ACCOUNT.credentials, **credentials})
    return META.fetch(account, attachment, settings)


def test_a_file_is_fetched_by_its_id_with_the_token_both_times(settings: Settings) -> None:
    assert fetch(settings) == Fetched(PICTURE, "audio/ogg", "voice.ogg")


def test_the_type_that_the_id_tells_counts_where_the_file_has_none(graph: Imitation, settings: Settings) -> None:
    nothing = {"mime_type": "application/octet-stream", "base64": ""}
    graph.ask("POST", "/_control", {"files": {"42": nothing}})
    graph.order("ok", on="about", about={"mime_type": "Image/PNG"})
    assert fetch(settings, replace(VOICE, mime_type="")).mime_type == "image/png"
    assert fetch(settings).mime_type == "audio/ogg"
    assert fetch(settings, replace(VOICE, mime_type="")).mime_type == "application/octet-stream"


TEMPORARY, PERMANENT = errors.TemporaryFailure, errors.PermanentFailure


@pytest.mark.parametrize(
    ("order", "verdict", "code"),
    [
        ({"on": "about", "mode": "error", "status": 404}, TEMPORARY, "media_gone"),
        ({"on": "about", "mode": "error", "status": 400, "code": 100, "subcode": 33}, TEMPORARY, "media_gone"),
        ({"on": "about", "mode": "error", "status": 401, "code": 190}, TEMPORARY, "http_401"),
        ({"on": "about", "mode": "error", "status": 403, "code": 10}, TEMPORARY, "http_403"),
        ({"on": "about", "mode": "error", "status": 500}, TEMPORARY, "http_500"),
        ({"on": "about", "mode": "broken_json"}, TEMPORARY, "http_200"),
        ({"on": "about", "mode": "redirect"}, PERMANENT, "media_host"),
        ({"on": "about", "mode": "reset_before"}, TEMPORARY, "connection_lost"),
        ({"on": "about", "mode": "ok", "about": {"url": None}}, TEMPORARY, "http_200"),
        ({"on": "about", "mode": "ok", "about": {"file_size": (16 << 20) + 1}}, PERMANENT, "media_too_large"),
        ({"on": "about", "mode": "ok", "about": {"file_size": "30000000"}}, PERMANENT, "media_too_large"),
        ({"on": "file", "mode": "error", "status": 404}, TEMPORARY, "media_gone"),
        ({"on": "file", "mode": "error", "status": 410}, TEMPORARY, "media_gone"),
        ({"on": "file", "mode": "error", "status": 401}, TEMPORARY, "http_401"),
        ({"on": "file", "mode": "error", "status": 503, "retry_after": 7}, TEMPORARY, "http_503"),
        ({"on": "file", "mode": "error", "status": 204}, TEMPORARY, "http_204"),
        ({"on": "file", "mode": "redirect"}, PERMANENT, "media_host"),
        ({"on": "file", "mode": "reset_before"}, TEMPORARY, "connection_lost"),
        ({"on": "file", "mode": "huge"}, PERMANENT, "media_too_large"),
        ({"on": "file", "mode": "huge", "size": (16 << 20) + 1}, PERMANENT, "media_too_large"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_file_that_does_not_come_has_its_verdict(
    graph: Imitation, settings: Settings, order: dict[str, Any], verdict: type[errors.ProviderFailure], code: str
) -> None:
    graph.order(**order)
    with pytest.raises(errors.ProviderFailure) as failure:
        fetch(settings)
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert fetch(settings).body == PICTURE


def test_a_file_of_exactly_16_megabytes_is_fetched(graph: Imitation, settings: Settings) -> None:
    graph.order("ok", on="about", about={"file_size": "odd"})
    graph.order("huge", on="file", size=16 << 20)
    assert len(fetch(settings).body) == base.MAX_MEDIA_BYTES


def test_announced_megabytes_are_not_asked_for(graph: Imitation, settings: Settings) -> None:
    graph.order("ok", on="about", about={"file_size": 30_000_000})
    graph.order("error", on="file", status=418)
    with pytest.raises(errors.PermanentFailure):
        fetch(settings)
    with pytest.raises(errors.TemporaryFailure, match="http_418"):
        fetch(settings)


@pytest.mark.parametrize("slow", ["about", "file"])
def test_a_file_that_drips_is_broken_off(
    graph: Imitation, settings: Settings, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MEDIA_SECONDS", 0.4)
    graph.order("drip" if slow == "file" else "timeout", on=slow, delay_ms=100)
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings)
    assert failure.value.code == "timeout"


def test_both_calls_share_one_time(graph: Imitation, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MEDIA_SECONDS", 1.0)
    for part in ("about", "file"):
        graph.order("ok" if part == "about" else "drip", on=part, delay_ms=700 if part == "about" else 60)
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings)
    assert failure.value.code == "timeout"


ELSEWHERE = [
    *HOSTILE,
    "http://lookaside.fbsbx.com/x",
    "https://lookaside.fbsbx.com:8443/x",
    "https://lookaside.fbsbx.com./x",
    "https://lookaside.fbsbx.com@evil.example.com/x",
    "https://token@lookaside.fbsbx.com/x",
    "https://lookaside.fbsbx.com.evil.example.com/x",
    "https://scontent.fbsbx.com/x",
    "https://graph.facebook.com/x",
    "http://127.0.0.1:1/_file/42",
    "https://127.0.0.1:{port}/_file/42",
    "http://localhost:{port}/_file/42",
    "http://127.1:{port}/_file/42",
    "http://user@127.0.0.1:{port}/_file/42",
    "http://127.0.0.1:{port}@evil.example.com/_file/42",
    "http://127.0.0.1:{port}\\@evil.example.com/_file/42",
    "//127.0.0.1:{port}/_file/42",
    "/_file/42",
]


@pytest.mark.parametrize("url", [url for url in ELSEWHERE if url], ids=range(len(ELSEWHERE) - 1))
def test_the_token_goes_to_no_other_place_than_meta_names(graph: Imitation, settings: Settings, url: str) -> None:
    graph.order("ok", on="about", about={"url": url.replace("{port}", str(graph.port))})
    graph.order("error", on="file", status=418)
    with pytest.raises(errors.PermanentFailure) as failure:
        fetch(settings)
    assert failure.value.code == "media_host"
    with pytest.raises(errors.TemporaryFailure, match="http_418"):
        fetch(settings)


def test_the_documented_host_is_asked_with_the_token(graph: Imitation, settings: Settings) -> None:
    """Its name is looked up, and nothing more in a test."""
    graph.order("ok", on="about", about={"url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1"})
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings)
    assert failure.value.code != "media_host"


def test_without_the_right_token_there_is_no_file(settings: Settings) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings, access_token="wrong")
    assert failure.value.code == "http_401"


def test_an_id_that_expired_is_gone(graph: Imitation, settings: Settings) -> None:
    graph.ask("POST", "/_control", {"forget_files": True})
    with pytest.raises(errors.TemporaryFailure) as failure:
        fetch(settings)
    assert failure.value.code == "media_gone"


# --- sends ------------------------------------------------------------------------------------------


@pytest.fixture
def send(settings: Settings, structures: Kept, files: Shelf) -> Send:
    def to_the_imitation(draft: Draft, **other: Any) -> str:
        META.check(draft)
        sent = META.send(
            other.get("account", ACCOUNT),
            "+966500000001",
            draft,
            reference="u.1",
            structures=structures,
            files=files,
            settings=settings.model_copy(update=other.get("settings", {})),
        )
        return sent.provider_message_id

    return to_the_imitation


def content(graph: Imitation) -> dict[str, Any]:
    """The last message without what all have."""
    sent: dict[str, Any] = graph.ledger()[-1]["message"]
    assert (sent["to"], sent["biz_opaque_callback_data"]) == ("966500000001", "u.1")
    return {name: value for name, value in sent.items() if name in ("type", sent["type"])}


URL = "https://shop.example.com/a?b=c"
OWN = Media(MediaType.IMAGE, "", 1, "a.jpg", "image/jpeg", len(PICTURE))
PDF = Media(MediaType.DOCUMENT, "", 2, "menu.pdf", "application/pdf", 8)


@pytest.mark.parametrize("kind", MediaType)
def test_a_file_at_an_address_is_sent_by_it(send: Send, graph: Imitation, kind: MediaType) -> None:
    captioned = kind not in (MediaType.AUDIO, MediaType.STICKER)
    send(Draft(Kind.MEDIA, "see\nthis" if captioned else "", media=Media(kind, URL, filename="menu.pdf")))
    shown = {"link": URL} | ({"caption": "see\nthis"} if captioned else {})
    shown |= {"filename": "menu.pdf"} if kind is MediaType.DOCUMENT else {}
    assert content(graph) == {"type": kind, kind: shown}


def test_our_file_is_uploaded_once_for_each_number_and_sent_by_its_id(
    send: Send, graph: Imitation, structures: Kept, files: Shelf
) -> None:
    send(Draft(Kind.MEDIA, "one", media=OWN))
    send(Draft(Kind.MEDIA, media=OWN))
    assert content(graph) == {"type": "image", "image": {"id": structures.ids[f"media:{payloads.NUMBER_ID}:1"]}}
    assert files.was_read == [1]
    send(Draft(Kind.MEDIA, media=PDF))
    uploaded = structures.ids[f"media:{payloads.NUMBER_ID}:2"]
    assert content(graph) == {"type": "document", "document": {"id": uploaded, "filename": "menu.pdf"}}
    other = replace(
        ACCOUNT, credentials={**ACCOUNT.credentials, "phone_number_id": "7", "access_token": "another token"}
    )
    send(Draft(Kind.MEDIA, media=OWN), account=other)
    assert files.was_read == [1, 2, 1]
    assert len(structures.ids) == 3


def test_what_is_uploaded_are_the_bytes_with_their_type(send: Send, settings: Settings, structures: Kept) -> None:
    send(Draft(Kind.MEDIA, media=OWN))
    [uploaded] = structures.ids.values()
    assert fetch(settings, Attachment(MediaType.IMAGE, uploaded)) == Fetched(PICTURE, "image/jpeg")


@pytest.mark.parametrize("filename", ['a"; x="b.jpg', "قائمة.jpg", "a\ud800.jpg", ""])
def test_any_name_of_a_file_can_be_uploaded(send: Send, graph: Imitation, filename: str) -> None:
    META.send(
        ACCOUNT, "+966500000001", Draft(Kind.MEDIA, media=replace(OWN, filename=filename)), reference="u.1",
        structures=Kept(), files=Shelf(n1=PICTURE),
        settings=Settings(meta_graph_api=f"http://127.0.0.1:{graph.port}", wabot_send_timeout=5),
    )  # fmt: skip
    assert graph.ledger()


def test_a_file_that_meta_no_longer_has_is_uploaded_anew(
    send: Send, graph: Imitation, structures: Kept, files: Shelf
) -> None:
    send(Draft(Kind.MEDIA, media=OWN))
    graph.ask("POST", "/_control", {"forget_files": True})
    with pytest.raises(errors.TemporaryFailure) as failure:
        send(Draft(Kind.MEDIA, media=OWN))
    assert failure.value.code == "media_gone"
    assert structures.forgotten == [f"media:{payloads.NUMBER_ID}:1"]
    send(Draft(Kind.MEDIA, media=OWN))
    assert files.was_read == [1, 1]
    assert len(graph.ledger()) == 2


@pytest.mark.parametrize("code", [100, 131009, 131053])
def test_an_upload_is_kept_when_the_send_fails_for_another_reason(
    send: Send, graph: Imitation, structures: Kept, code: int
) -> None:
    graph.order("error", code=code)
    with pytest.raises(errors.PermanentFailure):
        send(Draft(Kind.MEDIA, media=OWN))
    assert len(structures.ids) == 1


@pytest.mark.parametrize(
    ("order", "verdict", "code"),
    [
        ({"mode": "error", "status": 500}, errors.TemporaryFailure, "http_500"),
        ({"mode": "reset_after"}, errors.TemporaryFailure, "connection_lost"),
        ({"mode": "timeout"}, errors.TemporaryFailure, "timeout"),
        ({"mode": "broken_json"}, errors.TemporaryFailure, "unreadable_answer"),
        ({"mode": "error", "status": 400, "code": 100}, errors.PermanentFailure, "100"),
        ({"mode": "error", "status": 403, "code": 130429, "retry_after": 9}, errors.Throttled, "130429"),
        ({"mode": "error", "status": 401, "code": 190}, errors.CredentialsRefused, "190"),
        ({"mode": "redirect"}, errors.SetupRefused, "unexpected_redirect"),
    ],
)
def test_an_upload_that_fails_sent_nothing(
    send: Send, graph: Imitation, order: dict[str, Any], verdict: type[errors.ProviderFailure], code: str
) -> None:
    graph.order(**order, on="upload")
    with pytest.raises(errors.ProviderFailure) as failure:
        send(Draft(Kind.MEDIA, media=OWN), settings={"wabot_send_timeout": 1})
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert graph.ledger() == []


def test_an_upload_leaves_the_send_a_part_of_its_time(send: Send, graph: Imitation) -> None:
    graph.order("ok", on="upload", delay_ms=900)
    with pytest.raises(errors.TemporaryFailure) as failure:
        send(Draft(Kind.MEDIA, media=OWN), settings={"wabot_send_timeout": 1})
    assert failure.value.code == "timeout"
    assert graph.ledger() == []


def test_a_send_after_an_upload_ends_with_the_time_of_both(send: Send, graph: Imitation) -> None:
    graph.order("ok", on="upload", delay_ms=500)
    graph.order("ok", delay_ms=700)
    with pytest.raises(errors.UnknownOutcome) as failure:
        send(Draft(Kind.MEDIA, media=OWN), settings={"wabot_send_timeout": 1})
    assert failure.value.code == "timeout"


def test_our_file_that_is_gone_is_a_permanent_failure(send: Send, graph: Imitation, structures: Kept) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        send(Draft(Kind.MEDIA, media=replace(OWN, media_id=9)))
    assert failure.value.code == "media_gone"
    assert structures.ids == {}
    assert graph.ledger() == []


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Location(24.7136, -46.6753), {"latitude": 24.7136, "longitude": -46.6753}),
        (Location(0, 0, "Shop", "Road"), {"latitude": 0, "longitude": 0, "name": "Shop", "address": "Road"}),
        (Location(1, 2, " ", "Road"), {"latitude": 1, "longitude": 2, "address": "Road"}),
    ],
)
def test_a_place_is_sent_with_what_is_known_of_it(
    send: Send, graph: Imitation, place: Location, shown: dict[str, Any]
) -> None:
    send(Draft(Kind.LOCATION, "Shop", location=place))
    assert content(graph) == {"type": "location", "location": shown}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "image", "image": {}},
        {"type": "image", "image": {"id": "1", "link": URL}},
        {"type": "image", "image": {"id": "unknown"}},
        {"type": "image", "image": {"link": URL, "filename": "a"}},
        {"type": "image", "image": {"link": URL, "caption": "x" * 1025}},
        {"type": "audio", "audio": {"link": URL, "caption": "x"}},
        {"type": "location", "location": {"latitude": "1", "longitude": 1}},
        {"type": "location", "location": {"latitude": 1}},
    ],
)
def test_the_imitation_refuses_what_meta_refuses(wrong: dict[str, Any], tmp_path: Any) -> None:
    meta = imitated.Meta({}, tmp_path / "ledger")
    with pytest.raises(imitated.Refusal):
        meta.check({"messaging_product": "whatsapp", "to": "966500000001"} | wrong)
    meta.close()
