"""What every provider must do, over the whole registry: a new adapter is covered on arrival."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from tests.providers import payloads
from tests.providers.conftest import Kept, Shelf
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import REGISTRY, answers, base, by_name
from wabot.providers.base import Arrived, RefusedByLimit
from wabot.words import Attachment, Button, Draft, Kind, Location, Media, MediaType, Row, Section, TemplateUse

EVERYWHERE = re.compile(r"https?://.*")
PAYLOADS = [(name, situation) for name in REGISTRY for situation in payloads.of(name)]
TEXT = Draft(Kind.TEXT, "hello")
BUTTONS = Draft(Kind.BUTTONS, "choose", buttons=(Button("a", "A"), Button("b", "B")))
LIST = Draft(Kind.LIST, "choose", button="Open", sections=(Section((Row("a", "A", "first"), Row("b", "B"))),))
TEMPLATE = Draft(Kind.TEMPLATE, template=TemplateUse("order_ready", variables={"1": "42"}))
PICTURE = Draft(Kind.MEDIA, "a picture", media=Media(MediaType.IMAGE, "https://shop.example.com/a.jpg"))
OWN_FILE = Draft(
    Kind.MEDIA, media=Media(MediaType.DOCUMENT, "", 1, filename="menu.pdf", mime_type="application/pdf", size=8)
)
PLACE = Draft(Kind.LOCATION, "Shop", location=Location(24.7136, 46.6753, "Shop", "King Fahd Road"))


@pytest.fixture
def offline() -> Settings:
    return Settings(content_sids={"order_ready": "HX" + "0" * 32}, wabot_public_url=payloads.PUBLIC_URL)


@pytest.fixture
def network() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def send(name: str, draft: Draft, settings: Settings) -> str:
    account = payloads.ACCOUNTS[name]
    sent = by_name(name).send(
        account,
        "+966500000001",
        draft,
        reference="0199-uid.1",
        structures=Kept(),
        files=Shelf(n1=b"1"),
        settings=settings,
    )
    return sent.provider_message_id


# --- the registry -----------------------------------------------------------------------------------


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(errors.NotFound, match="there is no provider 'carrier-pigeon'"):
        by_name("carrier-pigeon")


@pytest.mark.parametrize("name", REGISTRY)
def test_a_provider_is_registered_under_its_own_name(name: str) -> None:
    provider = by_name(name)
    assert provider.name == name
    assert provider.required
    assert 0 < provider.webhook_budget_seconds < 15


@pytest.mark.parametrize("name", REGISTRY)
def test_an_account_never_shows_its_secrets(name: str) -> None:
    account = by_name(name).account("+966110000001", payloads.ACCOUNTS[name].credentials, Settings())
    assert account.number in repr(account)
    assert payloads.SECRET not in repr(account)


@pytest.mark.parametrize("name", REGISTRY)
def test_an_account_has_every_required_key_even_when_nothing_was_given(name: str) -> None:
    account = by_name(name).account("+966110000001", {}, Settings())
    assert dict.fromkeys(by_name(name).required, "").items() <= account.credentials.items()


@pytest.mark.parametrize("name", REGISTRY)
def test_the_webhook_url_holds_the_key(name: str) -> None:
    webhook, status = by_name(name).urls(payloads.PUBLIC_URL, "k" * 32)
    assert webhook.startswith(f"{payloads.PUBLIC_URL}/webhooks/{'k' * 32}")
    assert status.startswith(payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", REGISTRY)
def test_signatures_matter_unless_the_operator_says_otherwise(name: str) -> None:
    assert by_name(name).must_verify(Settings())
    assert by_name(name).must_verify(Settings(twilio_webhook_validate=False)) == (name != "twilio")


@pytest.mark.parametrize("name", REGISTRY)
def test_what_is_generated_for_a_channel_is_one_of_its_keys(name: str) -> None:
    provider = by_name(name)
    assert set(provider.generated) <= {*provider.required, *provider.optional}


# --- webhooks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "situation"), PAYLOADS)
def test_what_a_vendor_sent_reads_as_its_file_says(name: str, situation: str) -> None:
    arrived, items = payloads.read(name, situation)
    read = by_name(name).parse(replace(arrived, method="POST"))
    assert [payloads.shown(item) for item in read] == items
    json.dumps([payloads.shown(item) for item in read], allow_nan=False).encode("utf-8")


@pytest.mark.parametrize("name", REGISTRY)
def test_there_are_messages_replies_and_receipts_among_the_payloads(name: str) -> None:
    found = {
        type(item).__name__ for at in payloads.of(name) for item in by_name(name).parse(payloads.read(name, at)[0])
    }
    assert found - {"Notice"} == {"Incoming", "Receipt", "Unread"}


@pytest.mark.parametrize(("name", "situation"), PAYLOADS)
def test_a_file_that_came_has_a_type_and_a_place(name: str, situation: str) -> None:
    for item in by_name(name).parse(payloads.read(name, situation)[0]):
        for attachment in item.attachments if isinstance(item, words.Incoming) else ():
            assert attachment.type in set(words.MediaType)
            assert 0 < len(attachment.reference) <= 2048


@pytest.mark.parametrize("name", REGISTRY)
def test_a_channel_belongs_to_one_account_or_to_none_that_is_known(name: str) -> None:
    provider = by_name(name)
    assert isinstance(provider.group(provider.account("+966110000001", {}, Settings())), str)
    assert isinstance(provider.group(payloads.ACCOUNTS[name]), str)


@pytest.mark.parametrize(("name", "situation"), PAYLOADS)
def test_a_signed_webhook_verifies_and_one_byte_more_does_not(name: str, situation: str) -> None:
    arrived = payloads.signed(name, situation)
    provider, account = by_name(name), payloads.ACCOUNTS[name]
    assert provider.recognises(arrived) == (name not in payloads.OWN_ADDRESS_ONLY)
    assert provider.verify(arrived, account, payloads.PUBLIC_URL)
    assert provider.verify(arrived, account, payloads.PUBLIC_URL), "a replay verifies: the dedupe has to catch it"
    if name not in payloads.UNSIGNED:
        assert not provider.verify(replace(arrived, body=arrived.body + b"1"), account, payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", REGISTRY)
def test_an_unsigned_webhook_does_not_verify(name: str) -> None:
    arrived = payloads.read(name, "text")[0]
    assert not by_name(name).verify(arrived, payloads.ACCOUNTS[name], payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", REGISTRY)
def test_the_signature_of_another_channel_does_not_verify(name: str) -> None:
    arrived = payloads.signed(name, "text", secret="f" * 32)
    assert not by_name(name).verify(arrived, payloads.ACCOUNTS[name], payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", REGISTRY)
def test_without_a_secret_nothing_verifies(name: str) -> None:
    arrived = payloads.signed(name, "text", secret="")
    nothing = replace(payloads.ACCOUNTS[name], credentials={})
    blank = replace(payloads.ACCOUNTS[name], credentials=dict.fromkeys(by_name(name).required, ""))
    assert not by_name(name).verify(arrived, nothing, payloads.PUBLIC_URL)
    assert not by_name(name).verify(arrived, blank, payloads.PUBLIC_URL)


def signature(arrived: Arrived) -> tuple[str, str]:
    [header] = [
        (key, value) for key, value in arrived.headers.items() if key.endswith(("-signature", "-signature-256"))
    ]
    return header


SIGNATURES = (
    "x-twilio-signature", "x-sandbox-signature", "x-hub-signature-256", "x-my-signature", "interakt-signature",
    "x-interakt-signature",
)  # fmt: skip
WRONG_HEADERS = {
    "empty": lambda right: "",
    "blank": lambda right: " ",
    "not ASCII": lambda right: "é" * len(right),
    "latin letters of other bytes": lambda right: right[:-1] + "\xff",
    "a lone surrogate": lambda right: "\ud800",
    "joined by the server, the right one first": lambda right: f"{right},{right[::-1]}",
    "joined by the server, the right one last": lambda right: f"{right[::-1]},{right}",
    "a trailing newline": lambda right: right + "\n",
    "a leading space": lambda right: " " + right,
    "only the prefix": lambda right: "sha256=",
    "another prefix": lambda right: "sha1=" + right.removeprefix("sha256="),
    "other case": lambda right: right.swapcase(),
    "cut": lambda right: right[:-1],
}


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("wrong", WRONG_HEADERS)
def test_a_wrong_signature_header_does_not_verify_and_does_no_harm(name: str, wrong: str) -> None:
    arrived = payloads.signed(name, "text")
    header, right = signature(arrived)
    forged = replace(arrived, headers={**arrived.headers, header: WRONG_HEADERS[wrong](right)})
    assert not by_name(name).verify(forged, payloads.ACCOUNTS[name], payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", REGISTRY)
def test_a_header_with_underscores_is_none(name: str) -> None:
    arrived = payloads.signed(name, "text")
    header, right = signature(arrived)
    headers = {"content-type": arrived.headers["content-type"], header.replace("-", "_"): right}
    assert not by_name(name).verify(replace(arrived, headers=headers), payloads.ACCOUNTS[name], payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", REGISTRY)
def test_forwarded_headers_change_nothing(name: str) -> None:
    arrived = payloads.with_headers(
        payloads.signed(name, "text"), x_forwarded_host="evil.example.com", x_forwarded_proto="http", host="evil"
    )
    assert by_name(name).verify(arrived, payloads.ACCOUNTS[name], payloads.PUBLIC_URL)


JUNK = [
    b"", b"\x00", b"\xff\xfe", b"[]", b"null", b'"x"', b"1", b"{", b'{"items": {}}', b'{"items": [NaN]}',
    b'{"items": [1e999]}', b'{"items": [-Infinity]}', b"[" * 10_000,
    b'{"items": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b'{"items":' * 5_000, b"%", b"%zz=%f", b"=", b"&" * 100, b"a=1&" * 100_000, b"\xed\xa0\x80=\xed\xa0\x80",
    b'{"items": [' + b"9" * 5_000 + b"]}",
]  # fmt: skip


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json", "", "é;;"])
def test_junk_is_unreadable_and_nothing_worse(name: str, body: bytes, content_type: str) -> None:
    provider, arrived = by_name(name), Arrived("POST", "/x?" + "\xff%ff&=", {"content-type": content_type}, body)
    provider.recognises(arrived)
    list(provider.addresses(arrived))
    assert not provider.verify(arrived, payloads.ACCOUNTS[name], payloads.PUBLIC_URL)
    with pytest.raises(errors.Unreadable):
        provider.parse(arrived)


@pytest.mark.parametrize("name", REGISTRY)
@given(data=st.data())
def test_no_request_at_all_raises_anything_unexpected(name: str, data: st.DataObject) -> None:
    provider = by_name(name)
    header = st.text(max_size=40)
    arrived = Arrived(
        data.draw(st.sampled_from(["GET", "POST", "PUT"])),
        "/" + data.draw(st.text(max_size=60)),
        {key: data.draw(header) for key in ("content-type", *SIGNATURES)},
        data.draw(st.binary(max_size=200) | nearly(name)),
    )
    provider.recognises(arrived)
    list(provider.addresses(arrived))
    assert not provider.verify(arrived, payloads.ACCOUNTS[name], payloads.PUBLIC_URL)
    for candidate in (arrived, replace(arrived, headers=payloads.read(name, "text")[0].headers)):
        try:
            items = provider.parse(candidate)
        except errors.Unreadable:
            continue
        json.dumps([payloads.shown(item) for item in items], allow_nan=False, ensure_ascii=False).encode()


def nearly(name: str) -> st.SearchStrategy[bytes]:
    """A vendor's body with a piece of it replaced."""
    bodies = [payloads.read(name, situation)[0].body for situation in payloads.of(name)]

    def spoil(body: bytes, at: int, much: int, piece: bytes) -> bytes:
        start = at % (len(body) + 1)
        return body[:start] + piece + body[start + much :]

    numbers = st.integers(0, 2000)
    return st.builds(spoil, st.sampled_from(bodies), numbers, st.integers(0, 30), st.binary(max_size=10))


# --- limits -----------------------------------------------------------------------------------------


def buttons(*titles: str, **more: Any) -> Draft:
    return Draft(Kind.BUTTONS, **{"text": "t", **more}, buttons=tuple(Button(f"id:{t}", t) for t in titles))


def rows(*given_rows: Row, button: str = "Open", text: str = "t", **more: Any) -> Draft:
    return Draft(Kind.LIST, text, button=button, sections=(Section(given_rows),), **more)


def file(type_: str, url: str = "https://shop.example.com/a", caption: str = "", **more: Any) -> Draft:
    return Draft(Kind.MEDIA, caption, media=Media(type_, "" if more.get("media_id") else url, **more))


def place(latitude: float, longitude: float, **more: Any) -> Draft:
    return Draft(Kind.LOCATION, location=Location(latitude, longitude, **more))


FITS = {
    "picture": PICTURE,
    "file of ours": OWN_FILE,
    "place": PLACE,
    "a place at the edge of the map": place(-90.0, 180.0),
    "the longest name of a place": place(0, 0, name="x" * 1000, address="x" * 500),
    "a sticker": file(MediaType.STICKER, media_id=1, mime_type="image/webp", size=500 << 10),
    "a picture of 5 MB": file(MediaType.IMAGE, media_id=1, mime_type="image/png", size=5 << 20),
    "a voice message": file(MediaType.AUDIO, media_id=1, mime_type="audio/ogg", size=16 << 20),
    "a film": file(MediaType.VIDEO, "http://shop.example.com:8080/a?b=c", "x" * 1024),
    "the longest address of a file": file(MediaType.VIDEO, "https://shop.example.com/".ljust(2048, "x")),
    "text": TEXT,
    "buttons": BUTTONS,
    "list": LIST,
    "template": TEMPLATE,
    "a title of 20 letters beyond the basic plane": buttons("😀" * 20),
    "ten rows in two sections": Draft(
        Kind.LIST,
        "t",
        button="x" * 20,
        sections=(
            Section(tuple(Row(f"a{n}", "r") for n in range(5))),
            Section(tuple(Row(f"b{n}", "r") for n in range(5))),
        ),
    ),
    "the longest row": rows(Row("i" * 200, "t" * 24, "d" * 72)),
    "the longest body": buttons("A", text="x" * 1024),
    "the longest variable": replace(TEMPLATE, template=TemplateUse("t", variables={"k" * 16: "v" * 1600})),
}
TOO_MUCH = {
    "text of 4,097": Draft(Kind.TEXT, "x" * 4097),
    "no text": Draft(Kind.TEXT, " \n"),
    "body of 1,025": buttons("A", text="x" * 1025),
    "no body": buttons("A", text=""),
    "header of 61": buttons("A", header="x" * 61),
    "footer of 61": buttons("A", footer="x" * 61),
    "no buttons": buttons(),
    "four buttons": buttons("A", "B", "C", "D"),
    "a button's title of 21": buttons("x" * 21),
    "a button without a title": buttons(" "),
    "two buttons of one title": Draft(Kind.BUTTONS, "t", buttons=(Button("a", "A"), Button("b", "A"))),
    "two buttons of one id": Draft(Kind.BUTTONS, "t", buttons=(Button("a", "A"), Button("a", "B"))),
    "a button's id of 201": Draft(Kind.BUTTONS, "t", buttons=(Button("a" * 201, "A"),)),
    "no rows": rows(),
    "eleven rows": rows(*(Row(str(n), "r") for n in range(11))),
    "a row's title of 25": rows(Row("a", "x" * 25)),
    "a row without a title": rows(Row("a", "")),
    "a row's description of 73": rows(Row("a", "A", "x" * 73)),
    "a row's id of 201": rows(Row("a" * 201, "A")),
    "a row without an id": rows(Row("", "A")),
    "two rows of one id": rows(Row("a", "A"), Row("a", "B")),
    "a list button of 21": rows(Row("a", "A"), button="x" * 21),
    "a list without a button": rows(Row("a", "A"), button=""),
    "a section's title of 25": Draft(Kind.LIST, "t", button="b", sections=(Section((Row("a", "A"),), "x" * 25),)),
    "101 variables": replace(TEMPLATE, template=TemplateUse("t", variables={str(n): "v" for n in range(101)})),
    "a variable's name of 17": replace(TEMPLATE, template=TemplateUse("t", variables={"k" * 17: "v"})),
    "a variable of 1,601": replace(TEMPLATE, template=TemplateUse("t", variables={"1": "v" * 1601})),
    "a variable with a line break": replace(TEMPLATE, template=TemplateUse("t", variables={"1": "a\nb"})),
    "a kind that cannot be sent": Draft(Kind.UNKNOWN, "t"),
    "a file without a file": Draft(Kind.MEDIA, "t"),
    "a place without a place": Draft(Kind.LOCATION, "t"),
    "a file without an address": file(MediaType.IMAGE, ""),
    "a file's address of 2,049": file(MediaType.VIDEO, "https://shop.example.com/".ljust(2049, "x")),
    **{f"a file at {url!r}": file(MediaType.IMAGE, url) for url in (
        "shop.example.com/a", "/a", "//shop.example.com/a", "ftp://shop.example.com/a", "file:///etc/passwd",
        "javascript:alert(1)", "https://", "https:///a", "https://user@shop.example.com/a", "https://[::1/a",
        "https://user:password@shop.example.com/a", "https://shop.example.com:0/a", "https://shop.example.com:99999/",
        "https://shop.example.com/a b", "https://shop.example.com/a\n", "https://shop.example.com\\@evil/", " ",
    )},
    "a caption of 1,025": file(MediaType.IMAGE, caption="x" * 1025),
    "a caption of a voice message": file(MediaType.AUDIO, caption="x"),
    "a caption of a sticker": file(MediaType.STICKER, caption="x"),
    "a file's name of 241": file(MediaType.DOCUMENT, filename="x" * 241),
    "a file's name with a slash": file(MediaType.DOCUMENT, filename="../a.pdf"),
    "a file's name with a backslash": file(MediaType.DOCUMENT, filename="..\\a.pdf"),
    "a file's name with a line break": file(MediaType.DOCUMENT, filename="a\r\nb.pdf"),
    "a picture of more than 5 MB": file(MediaType.IMAGE, media_id=1, mime_type="image/png", size=(5 << 20) + 1),
    "a film of more than 16 MB": file(MediaType.VIDEO, media_id=1, mime_type="video/mp4", size=(16 << 20) + 1),
    "a sticker of more than 500 kB": file(MediaType.STICKER, media_id=1, mime_type="image/webp", size=600 << 10),
    "north of the pole": place(90.1, 0),
    "east of the date line": place(0, 180.1),
    "nowhere": place(float("nan"), 0),
    "infinitely far": place(0, float("-inf")),
    "a place's name of 1,001": place(0, 0, name="x" * 1001),
    "a place's address of 1,001": place(0, 0, address="x" * 1001),
}  # fmt: skip


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("what", FITS)
def test_what_whatsapp_can_show_is_taken(name: str, what: str) -> None:
    by_name(name).check(FITS[what])


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_whatsapp_cannot_show_is_refused(name: str, what: str) -> None:
    with pytest.raises(RefusedByLimit) as refusal:
        by_name(name).check(TOO_MUCH[what])
    assert refusal.value.code == "too_long"


UNSUPPORTED = {
    "a picture that moves": file(MediaType.IMAGE, media_id=1, mime_type="image/gif"),
    "a picture as a film": file(MediaType.VIDEO, media_id=1, mime_type="image/png"),
    "a picture as a sticker": file(MediaType.STICKER, media_id=1, mime_type="image/png"),
    "a program": file(MediaType.DOCUMENT, media_id=1, mime_type="application/x-msdownload"),
    "a page": file(MediaType.DOCUMENT, media_id=1, mime_type="text/html"),
    "what nobody knows": file("hologram"),
}


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("what", UNSUPPORTED)
def test_a_file_of_a_type_that_whatsapp_does_not_take_is_refused(name: str, what: str) -> None:
    with pytest.raises(errors.Refused) as refusal:
        by_name(name).check(UNSUPPORTED[what])
    assert refusal.value.code == "media_unsupported"


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("template", [None, TemplateUse(" ")])
def test_a_template_without_a_name_is_refused(name: str, template: TemplateUse | None) -> None:
    with pytest.raises(errors.Refused) as refusal:
        by_name(name).check(Draft(Kind.TEMPLATE, template=template))
    assert refusal.value.code == "template_unknown"


# --- sends ------------------------------------------------------------------------------------------

IDS = {"sid": "SM1", "id": "sbx.1", "messageId": "gs.1"}
ACCEPTED = {**IDS, "messages": [{"id": "wamid.1"}]}


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize(
    "draft", [TEXT, BUTTONS, LIST, TEMPLATE, PICTURE, OWN_FILE, PLACE], ids=lambda draft: draft.kind.value
)
def test_a_send_returns_the_providers_id(name: str, draft: Draft, offline: Settings, network: Any) -> None:
    network.post(EVERYWHERE, status=201, json=ACCEPTED)
    assert send(name, draft, offline) in ("SM1", "sbx.1", "wamid.1", "gs.1")


@pytest.mark.parametrize("name", REGISTRY)
def test_a_send_is_one_request_that_carries_our_reference_or_says_that_it_cannot(
    name: str, offline: Settings, network: Any
) -> None:
    network.post(EVERYWHERE, status=201, json=ACCEPTED)
    send(name, TEXT, offline)
    [call] = network.calls
    carried = call.request.body if isinstance(call.request.body, str) else call.request.body.decode()
    assert ("0199-uid.1" in carried) == by_name(name).echoes_reference


UNREADABLE = (errors.UnknownOutcome, "unreadable_answer")
ELSEWHERE = {"Location": "http://169.254.169.254/"}
OUTCOMES: dict[str, tuple[dict[str, Any], tuple[type[errors.ProviderFailure], str]]] = {
    "200 with HTML": ({"status": 200, "body": "<html>"}, UNREADABLE),
    "201 with nothing": ({"status": 201, "body": ""}, UNREADABLE),
    "201 with half a JSON": ({"status": 201, "body": '{"sid": "SM'}, UNREADABLE),
    "201 with a list": ({"status": 201, "json": [IDS]}, UNREADABLE),
    "201 without an id": ({"status": 201, "json": {"ok": True}}, UNREADABLE),
    "201 with a number for an id": (
        {"status": 201, "json": {**dict.fromkeys(IDS, 1), "messages": [{"id": 1}]}},
        UNREADABLE,
    ),
    "201 with an empty id": ({"status": 201, "json": {**dict.fromkeys(IDS, ""), "messages": [{"id": ""}]}}, UNREADABLE),
    "302": ({"status": 302, "headers": ELSEWHERE}, (errors.SetupRefused, "unexpected_redirect")),
    "400": ({"status": 400, "body": "no"}, (errors.PermanentFailure, "http_400")),
    "401": ({"status": 401}, (errors.CredentialsRefused, "http_401")),
    "403": ({"status": 403}, (errors.CredentialsRefused, "http_403")),
    "404": ({"status": 404, "json": []}, (errors.PermanentFailure, "http_404")),
    "408": ({"status": 408}, (errors.TemporaryFailure, "http_408")),
    "429": ({"status": 429}, (errors.Throttled, "http_429")),
    "500": ({"status": 500}, (errors.UnknownOutcome, "http_500")),
    "502": ({"status": 502, "body": "<html>"}, (errors.UnknownOutcome, "http_502")),
    "503": ({"status": 503}, (errors.UnknownOutcome, "http_503")),
    "503 with Retry-After": ({"status": 503, "headers": {"Retry-After": "7"}}, (errors.Throttled, "http_503")),
    "504": ({"status": 504}, (errors.UnknownOutcome, "http_504")),
}


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("what", OUTCOMES)
def test_an_answer_that_is_not_accepted_has_its_verdict(name: str, what: str, offline: Settings, network: Any) -> None:
    answer, (verdict, code) = OUTCOMES[what]
    network.post(EVERYWHERE, **answer)
    with pytest.raises(errors.ProviderFailure) as failure:
        send(name, TEXT, offline)
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert len(network.calls) == 1


@pytest.mark.parametrize("name", REGISTRY)
def test_a_failure_keeps_the_first_two_kilobytes_of_the_answer(name: str, offline: Settings, network: Any) -> None:
    network.post(EVERYWHERE, status=400, body="x" * 5000)
    with pytest.raises(errors.PermanentFailure) as failure:
        send(name, TEXT, offline)
    assert failure.value.raw == b"x" * 2048


@pytest.mark.parametrize("name", REGISTRY)
def test_a_refused_connection_is_tried_again(name: str, network: Any, offline: Settings) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        send(name, TEXT, offline)
    assert failure.value.code == "not_sent"


@pytest.mark.parametrize("name", REGISTRY)
def test_text_that_json_cannot_carry_is_sent_all_the_same(name: str, offline: Settings, network: Any) -> None:
    network.post(EVERYWHERE, status=201, json=ACCEPTED)
    for draft in (
        replace(TEXT, text="a\x00\ud800"),
        replace(BUTTONS, text="a\x00\ud800"),
        replace(LIST, header="\ud800"),
    ):
        send(name, draft, offline)


@pytest.mark.parametrize("name", REGISTRY)
def test_an_error_code_that_nobody_knows_is_temporary_on_a_receipt(name: str) -> None:
    for code in ("", "987654"):
        failure = by_name(name).failure(code, "why")
        assert (type(failure), failure.code, failure.message) == (errors.TemporaryFailure, code, "why")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), ("0", 1.0), ("3600", 3600.0), ("99999999", 3600.0), ("9" * 5000, 3600.0), ("-1", None), ("", None),
        ("soon", None), ("1.5", None), ("٣", None), ("Sat, 21 Nov 2026 10:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 10:00:30 -0000", 30.0), ("Sat, 21 Nov 2026 09:00:00 GMT", 1.0),
        ("Sat, 21 Nov 2099 09:00:00 GMT", 3600.0), ("Sat, 99 Nov 2026 09:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_its_forms_and_kept_within_an_hour(
    value: str, seconds: float | None, freezer: None
) -> None:
    assert answers.retry_after({"retry-after": value}) == seconds


# --- files of customers -----------------------------------------------------------------------------

SOMETHING = {"status": 200, "body": b"a picture", "content_type": "image/jpeg"}
FETCH_OUTCOMES: dict[str, dict[str, Any]] = {
    **{str(status): {"status": status, "body": "no"} for status in (400, 401, 403, 404, 408, 410, 418, 429, 500, 503)},
    "302": {"status": 302, "headers": ELSEWHERE},
    "307 without a place": {"status": 307},
    "307 to nonsense": {"status": 307, "headers": {"Location": "http://[::1"}},
    "nothing at all": {"body": ConnectionError("reset")},
}
HOSTILE = [
    "http://127.0.0.1/x", "http://127.1/x", "http://2130706433/x", "http://0x7f000001/x", "http://0177.0.0.1/x",
    "http://0/x", "http://[::1]/x", "http://[::ffff:127.0.0.1]/x", "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/x", "http://[64:ff9b::7f00:1]/x", "http://[2002:7f00:1::]/x", "http://localhost/x",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "https://bot.example.com/x", "//evil.example.com/x", "/x", "",
    "https://evil.example.com/https://api.twilio.com/", "https:\\\\evil.example.com\\x", "https:evil.example.com/x",
    "https://evil.example.com#https://graph.facebook.com/", "HTTPS://EVIL.EXAMPLE.COM/", "x" * 3000, "..", ".",
    "a/../b", "a b", "\x00", "\ud800", "é",
]  # fmt: skip
"""Addresses of security rows 53 to 56, none of them any provider's."""


def fetch(name: str, reference: str, settings: Settings) -> base.Fetched:
    return by_name(name).fetch(payloads.ACCOUNTS[name], Attachment(MediaType.IMAGE, reference), settings)


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("reference", HOSTILE, ids=range(len(HOSTILE)))
def test_a_file_is_asked_for_nowhere_but_at_its_provider(
    name: str, reference: str, offline: Settings, network: Any
) -> None:
    network.get(EVERYWHERE, **SOMETHING)
    with pytest.raises(errors.ProviderFailure) as failure:
        fetch(name, reference, offline)
    assert isinstance(failure.value, errors.PermanentFailure)
    assert len(network.calls) == 0


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("what", FETCH_OUTCOMES)
def test_a_file_that_does_not_come_is_a_failure_of_a_known_outcome(
    name: str, what: str, offline: Settings, network: Any
) -> None:
    network.get(EVERYWHERE, **FETCH_OUTCOMES[what])
    with pytest.raises(errors.ProviderFailure) as failure:
        fetch(name, payloads.FILES[name], offline)
    assert not isinstance(failure.value, errors.UnknownOutcome)
    hosts = {urlsplit(str(call.request.url)).hostname for call in network.calls}
    assert len(hosts) == 1
    assert "169.254.169.254" not in hosts


@pytest.mark.parametrize("name", REGISTRY)
def test_a_file_of_more_than_16_megabytes_is_not_kept(name: str, offline: Settings, network: Any) -> None:
    network.get(EVERYWHERE, status=200, body=b"x" * ((16 << 20) + 1), content_type="image/jpeg")
    with pytest.raises(errors.PermanentFailure) as failure:
        fetch(name, payloads.FILES[name], offline)
    assert failure.value.code == "media_too_large"


@pytest.fixture
def freezer() -> Iterator[None]:
    with freeze_time("2026-11-21 10:00:00"):
        yield


def test_every_provider_has_an_account_in_this_suite() -> None:
    assert set(payloads.ACCOUNTS) == set(payloads.SIGN) == set(payloads.FILES) == set(REGISTRY)
