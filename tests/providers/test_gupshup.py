"""Gupshup's adapter: what lets its webhooks in, which id its events are about, what it sends and what it makes of
the answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import gupshup as imitated
from tests.fakes import misbehaving
from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf, served
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import gupshup_codes, gupshup_messages, meta_codes
from wabot.providers.base import Account, Arrived, RefusedByLimit
from wabot.providers.gupshup import Gupshup
from wabot.words import Button, Draft, Kind, Location, Media, Reason, Row, Section, TemplateUse

GUPSHUP = Gupshup()
CREDENTIALS = {"app_name": "DemoApp", "api_key": "key1"}
OPEN = Account("+966110000001", CREDENTIALS)
GUARDED = Account("+966110000001", CREDENTIALS | {"header_name": "X-My-Token", "header_value": "s3cret"})
TEMPLATE_ID = "9ff51097-48c9-47c7-a4e4-a9bb5801d8ea"
SITUATIONS = payloads.of("gupshup")

Send = Callable[..., str]


def arrived(body: Any, **headers: str) -> Arrived:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return payloads.with_headers(Arrived("POST", "/webhooks/key", {"content-type": "application/json"}, raw), **headers)


def parsed(situation: str) -> list[Any]:
    return list(GUPSHUP.parse(payloads.read("gupshup", situation)[0]))


# --- accounts ---------------------------------------------------------------------------------------


def test_a_key_pasted_with_spaces_around_it_is_trimmed() -> None:
    account = GUPSHUP.account("+1", {"api_key": " key1\n", "app_name": "A"}, Settings())
    assert account.credentials == {"api_key": "key1", "app_name": "A"}


def test_a_channel_is_routed_by_its_app_and_belongs_to_the_apps_id() -> None:
    account = GUPSHUP.account("+1", {**CREDENTIALS, "app_id": "bf9ee64c"}, Settings())
    assert (GUPSHUP.route(account), GUPSHUP.group(account)) == ("DemoApp", "bf9ee64c")
    assert GUPSHUP.group(OPEN) == ""


# --- what lets a webhook in -------------------------------------------------------------------------


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_shared_route_never_takes_one_for_its_own(situation: str) -> None:
    request = payloads.read("gupshup", situation)[0]
    assert not GUPSHUP.recognises(request)
    assert not GUPSHUP.recognises(payloads.with_headers(request, x_my_token="s3cret"))
    assert GUPSHUP.addresses(request) == ()
    assert GUPSHUP.default_account(Settings()) is None


def test_without_an_agreed_header_the_channels_own_address_is_enough() -> None:
    assert GUPSHUP.verify(arrived({}), OPEN, payloads.PUBLIC_URL)


@pytest.mark.parametrize("name", ["X-My-Token", "x-my-token", "X-MY-TOKEN"])
def test_an_agreed_header_has_to_come_with_its_value(name: str) -> None:
    account = replace(GUARDED, credentials={**GUARDED.credentials, "header_name": name})
    assert GUPSHUP.verify(arrived({}, x_my_token="s3cret"), account, payloads.PUBLIC_URL)
    for wrong in ("", "S3cret", "s3cret\n", " s3cret", "s3cret,s3cret", "é", "\ud800", "s3cre"):
        assert not GUPSHUP.verify(arrived({}, x_my_token=wrong), account, payloads.PUBLIC_URL)
    assert not GUPSHUP.verify(arrived({}), account, payloads.PUBLIC_URL)
    underscored = replace(arrived({}), headers={"x_my_token": "s3cret"})
    assert not GUPSHUP.verify(underscored, account, payloads.PUBLIC_URL)


@pytest.mark.parametrize("half", [{"header_name": "X-My-Token"}, {"header_value": "s3cret"}])
def test_half_an_agreement_lets_nobody_in(half: dict[str, str]) -> None:
    account = replace(OPEN, credentials={**CREDENTIALS, **half})
    for headers in ({}, {"x_my_token": ""}, {"x_my_token": "s3cret"}):
        assert not GUPSHUP.verify(arrived({}, **headers), account, payloads.PUBLIC_URL)


def test_another_channels_value_is_not_this_ones() -> None:
    other = replace(GUARDED, credentials={**GUARDED.credentials, "header_value": "other"})
    request = arrived({}, x_my_token="s3cret")
    assert GUPSHUP.verify(request, GUARDED, payloads.PUBLIC_URL)
    assert not GUPSHUP.verify(request, other, payloads.PUBLIC_URL)


@pytest.mark.parametrize("lacking", ["app_name", "api_key"])
def test_a_channel_that_could_not_send_receives_nothing_either(lacking: str) -> None:
    account = replace(OPEN, credentials={**CREDENTIALS, lacking: ""})
    assert not GUPSHUP.verify(arrived({}), account, payloads.PUBLIC_URL)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_only_a_post_is_a_webhook(method: str) -> None:
    assert not GUPSHUP.verify(replace(arrived({}), method=method), OPEN, payloads.PUBLIC_URL)


@given(value=st.text(max_size=40), given_value=st.text(max_size=40))
def test_no_chance_value_lets_in(value: str, given_value: str) -> None:
    account = replace(GUARDED, credentials={**GUARDED.credentials, "header_value": value or "x"})
    right = given_value.encode("utf-8", "replace") == (value or "x").encode("utf-8", "replace")
    assert GUPSHUP.verify(arrived({}, x_my_token=given_value), account, payloads.PUBLIC_URL) is right


# --- what a webhook says ----------------------------------------------------------------------------


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_gupshup_sent_reads_as_its_file_says(situation: str) -> None:
    read = [json.loads(json.dumps(payloads.shown(item), allow_nan=False)) for item in parsed(situation)]
    assert read == payloads.read("gupshup", situation)[1]


OURS = "0e9a1c3e-2f1b-4c5d-8a8e-000000000070"
THEIRS = "wamid.HBgMOTY2NTAwMDAwMDAxFQIAEhgg0070AA=="


@pytest.mark.parametrize(
    ("situation", "named", "alias"),
    [
        ("status_enqueued", OURS, THEIRS),
        ("status_sent", OURS, THEIRS),
        ("status_delivered_with_its_time_as_text", OURS, THEIRS),
        ("status_read", OURS, THEIRS),
        ("status_read_after_a_week_without_our_id", THEIRS, ""),
    ],
)
def test_every_event_names_the_id_that_the_send_was_answered_with(situation: str, named: str, alias: str) -> None:
    [receipt] = parsed(situation)
    assert (receipt.provider_message_id, receipt.alias) == (named, alias)


def test_in_the_third_version_the_alias_is_what_later_statuses_name_alone() -> None:
    [enqueued] = parsed("v3_status_enqueued_with_its_time_in_milliseconds")
    sent = parsed("v3_statuses_bad_ones_between_good_ones")[0]
    assert enqueued.alias.startswith("wamid.")
    assert sent.alias == "4f1c9d3a-0000-4000-8000-000000000081"
    assert enqueued.at == datetime(2026, 11, 20, 9, 30, 0, 123000, UTC)


def test_items_of_the_second_version_are_for_the_app_they_name_and_others_for_this_channel() -> None:
    routes = {situation: {item.route for item in parsed(situation)} for situation in SITUATIONS}
    assert {situation for situation, found in routes.items() if found == {""}} == {
        situation for situation in SITUATIONS if situation.startswith("v3_")
    }
    notices = [item for situation in SITUATIONS for item in parsed(situation) if isinstance(item, words.Notice)]
    assert {item.account for item in notices} == {""}
    assert all(found <= {"DemoApp"} for situation, found in routes.items() if not situation.startswith("v3_"))


def test_good_items_live_beside_bad_ones() -> None:
    kinds = [type(item).__name__ for item in parsed("v3_statuses_bad_ones_between_good_ones")]
    assert kinds == ["Receipt", "Unread", "Unread", "Unread", "Receipt", "Receipt"]
    assert [type(item).__name__ for item in parsed("preferences")] == ["Incoming", "Unread", "Incoming"]


def test_the_same_preference_twice_has_one_id_and_another_one_another() -> None:
    first, _, second = parsed("preferences")
    assert first.provider_message_id == parsed("preferences")[0].provider_message_id != second.provider_message_id
    assert (first.choice, second.choice) == ("stop", "resume")
    assert first.kind in words.NOTICES


@pytest.mark.parametrize("body", [b"{}", b'{"type": 7}', b'{"type": ""}', b"[]", b"", b'{"entry": {}}'])
def test_what_is_no_event_is_unreadable_as_a_whole(body: bytes) -> None:
    with pytest.raises(errors.Unreadable):
        GUPSHUP.parse(arrived(body))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(situation=st.sampled_from(SITUATIONS), data=st.data())
def test_no_value_in_any_place_raises_anything_unexpected(situation: str, data: st.DataObject) -> None:
    said = json.loads(payloads.read("gupshup", situation)[0].body)
    spoilt = data.draw(st.sampled_from(list(places(said))))
    spoilt[0][spoilt[1]] = data.draw(VALUES)
    try:
        items = GUPSHUP.parse(arrived(said))
    except errors.Unreadable:
        return
    json.dumps([payloads.shown(item) for item in items], allow_nan=False, ensure_ascii=False).encode()


def places(said: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value: what holds it, and its name there."""
    for name, value in said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ():
        yield said, name
        yield from places(value)


@given(before=st.lists(VALUES, max_size=3), after=st.lists(VALUES, max_size=3))
def test_a_good_status_is_read_whatever_stands_beside_it(before: list[Any], after: list[Any]) -> None:
    good = {"gs_id": "ours", "id": "theirs", "status": "read", "timestamp": "1795167000"}
    value = {"metadata": {"phone_number_id": "1"}, "statuses": [*before, good, *after]}
    items = GUPSHUP.parse(arrived({"entry": [{"changes": [{"field": "messages", "value": value}]}]}))
    assert items[len(before)] == words.Receipt(
        "ours",
        words.Progress.READ,
        at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        alias="theirs",
        raw=json.dumps(good, separators=(",", ":")).encode(),
    )
    assert len(items) == len(before) + 1 + len(after)


def test_a_file_without_an_address_has_no_attachment() -> None:
    assert gupshup_messages.attachment("image", {"contentType": "image/png"}) is None
    assert gupshup_messages.attachment("poll", {"url": "https://a.example"}) is None


# --- sends ------------------------------------------------------------------------------------------


@pytest.fixture
def gupshup(tmp_path: Path) -> Iterator[Imitation]:
    vendor = imitated.Gupshup({"DemoApp": "key1", "Other": "key2"}, tmp_path / "gupshup.jsonl")
    vendor.files["/file"] = ("image/jpeg", b"jpeg")
    with served(misbehaving.server(vendor)) as running:
        yield running
    vendor.close()


@pytest.fixture
def settings(gupshup: Imitation) -> Settings:
    base = f"http://127.0.0.1:{gupshup.port}"
    return Settings(gupshup_api=base, gupshup_partner_api=base, wabot_send_timeout=5)


@pytest.fixture
def send(settings: Settings) -> Send:
    def sent(draft: Draft, recipient: str = "+966500000001", account: Account = OPEN) -> str:
        found = GUPSHUP.send(
            account, recipient, draft, reference="u.1", structures=Kept(), files=Shelf(n7=b"x"), settings=settings
        )
        return found.provider_message_id

    return sent


TEXT = Draft(Kind.TEXT, "مرحبا\nhello")
BUTTONS = Draft(Kind.BUTTONS, "sure?", header="H", footer="F", buttons=(Button("y", "Yes"), Button("n", "No")))
SECTIONS = (Section((Row("a", "A", "first"),), "One"), Section((Row("b", "B"),), "Two"))
LIST = Draft(Kind.LIST, "choose", footer="F", button="Open", sections=SECTIONS)
UNTITLED = replace(LIST, header="H", footer="", sections=tuple(replace(section, title="") for section in SECTIONS))
PLACE = Draft(Kind.LOCATION, location=Location(24.7, 46.6, "Shop"))
OPTIONS = [{"type": "text", "title": "Yes", "postbackText": "y"}, {"type": "text", "title": "No", "postbackText": "n"}]
ROW_A = {"type": "text", "title": "A", "description": "first", "postbackText": "a"}
ROW_B = {"type": "text", "title": "B", "description": "", "postbackText": "b"}


def media(kind: str, text: str = "", **more: Any) -> Draft:
    return Draft(Kind.MEDIA, text, media=Media(kind, **({"url": "https://a.example/f"} | more)))


SHAPES: dict[str, tuple[Draft, dict[str, Any]]] = {
    "text": (TEXT, {"type": "text", "text": "مرحبا\nhello"}),
    "buttons": (
        BUTTONS,
        {
            "type": "quick_reply",
            "msgid": "buttons",
            "content": {"type": "text", "header": "H", "text": "sure?", "caption": "F"},
            "options": OPTIONS,
        },
    ),
    "a list, whose footer stands below its text": (
        LIST,
        {
            "type": "list",
            "title": "Open",
            "body": "choose\n\nF",
            "msgid": "list",
            "globalButtons": [{"type": "text", "title": "Open"}],
            "items": [
                {"title": "One", "subtitle": "One", "options": [ROW_A]},
                {"title": "Two", "subtitle": "Two", "options": [ROW_B]},
            ],
        },
    ),
    "a list whose sections have no titles, as one": (
        UNTITLED,
        {
            "type": "list",
            "title": "H",
            "body": "choose",
            "msgid": "list",
            "globalButtons": [{"type": "text", "title": "Open"}],
            "items": [{"options": [ROW_A, ROW_B]}],
        },
    ),
    "an image": (
        media("image", "nice"),
        {"type": "image", "originalUrl": "https://a.example/f", "previewUrl": "https://a.example/f", "caption": "nice"},
    ),
    "an image of our own": (
        media("image", url="", media_id=7),
        {
            "type": "image",
            "originalUrl": "https://bot.example.com/media/key7",
            "previewUrl": "https://bot.example.com/media/key7",
        },
    ),
    "a video": (media("video", "v"), {"type": "video", "url": "https://a.example/f", "caption": "v"}),
    "an audio, which has no caption": (media("audio", "lost"), {"type": "audio", "url": "https://a.example/f"}),
    "a document": (
        media("document", "bill", filename="bill.pdf"),
        {"type": "file", "url": "https://a.example/f", "caption": "bill", "filename": "bill.pdf"},
    ),
    "a sticker": (media("sticker", filename="s.webp"), {"type": "sticker", "url": "https://a.example/f"}),
    "a place": (PLACE, {"type": "location", "longitude": 46.6, "latitude": 24.7, "name": "Shop"}),
    "a template": (
        Draft(Kind.TEMPLATE, template=TemplateUse(TEMPLATE_ID, variables={"2": "b", "10": "c", "1": "a\t\tb"})),
        {"template": {"id": TEMPLATE_ID, "params": ["a  b", "b", "c"]}},
    ),
}


@pytest.mark.parametrize("what", SHAPES)
def test_a_draft_is_sent_as_gupshup_wants_it(what: str, send: Send, gupshup: Imitation) -> None:
    draft, expected = SHAPES[what]
    message_id = send(draft)
    [line] = gupshup.ledger()
    assert line["message"] == expected
    assert (line["id"], line["from"], line["to"]) == (message_id, "966110000001", "966500000001")


def test_the_message_is_json_in_a_form_and_the_key_a_header() -> None:
    with responses.RequestsMock() as network:
        network.post("https://api.gupshup.io/wa/api/v1/msg", status=202, body=b'{"status":"submitted","messageId":"1"}')
        GUPSHUP.send(
            OPEN, "966500000001", TEXT, reference="u.1", structures=Kept(), files=Shelf(n7=b"x"), settings=Settings()
        )
        [call] = network.calls
    assert dict(parse_qsl(str(call.request.body))) == {
        "channel": "whatsapp", "source": "966110000001", "destination": "966500000001", "src.name": "DemoApp",
        "message": '{"type":"text","text":"\\u0645\\u0631\\u062d\\u0628\\u0627\\nhello"}',
    }  # fmt: skip
    assert call.request.headers["apikey"] == "key1"
    assert call.request.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"status":"submitted","messageId":"m1"}', "text/html"),
        ('{"status":"success","messageId":"m1"}', "text/plain"),
        ('{"messageId":"m1"}', "application/json"),
    ],
)
@pytest.mark.parametrize("status", [200, 202])
def test_an_answer_is_read_whatever_type_it_says_it_has(body: str, content_type: str, status: int) -> None:
    assert answered(status=status, body=body, content_type=content_type) == "m1"


def answered(draft: Draft = TEXT, **answer: Any) -> str:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as network:
        for path in ("msg", "template/msg"):
            network.post(f"https://api.gupshup.io/wa/api/v1/{path}", **answer)
        sent = GUPSHUP.send(
            OPEN, "+966500000001", draft, reference="u.1", structures=Kept(), files=Shelf(n7=b"x"), settings=Settings()
        )
    return sent.provider_message_id


def refused(draft: Draft = TEXT, **answer: Any) -> errors.ProviderFailure:
    with pytest.raises(errors.ProviderFailure) as failure:
        answered(draft, **answer)
    return failure.value


ANSWERS: dict[str, tuple[dict[str, Any], type[errors.ProviderFailure], str, Reason]] = {
    "a number that is none": (
        {"status": 400, "json": {"status": "error", "message": "Invalid Destination"}},
        errors.RecipientRefused, "invalid_destination", Reason.NUMBER,
    ),
    "an app that is not the key's": (
        {"status": 400, "json": {"status": "error", "message": "Invalid App Details"}},
        errors.SetupRefused, "invalid_app_details", Reason.SETUP,
    ),
    "a wrong key": (
        {"status": 401, "json": {"status": "error", "message": "Authentication Failed"}},
        errors.CredentialsRefused, "authentication_failed", Reason.TOKEN,
    ),
    "an unknown key, as a bare text": (
        {"status": 401, "json": "Portal User Not Found With APIKey"},
        errors.CredentialsRefused, "authentication_failed", Reason.TOKEN,
    ),
    "a wrong key that is called a bad request": (
        {"status": 400, "json": {"status": "error", "message": "Authentication Failed"}},
        errors.CredentialsRefused, "authentication_failed", Reason.TOKEN,
    ),
    "too fast": (
        {"status": 429, "json": {"status": "error", "message": "Too Many Requests"}},
        errors.Throttled, "too_many_requests", Reason.RATE,
    ),
    "a message that is an object": (
        {"status": 400, "json": {"status": "error", "message": {"code": 1003, "message": "Wallet Balance Low"}}},
        errors.CredentialsRefused, "1003", Reason.PAYMENT,
    ),
    "a text that nobody knows": (
        {"status": 400, "json": {"status": "error", "message": "Not today"}},
        errors.PermanentFailure, "http_400", Reason.UNKNOWN,
    ),
    "a failure of the server that names a code": (
        {"status": 500, "json": {"message": {"code": 500, "message": "Internal Server Error"}}},
        errors.UnknownOutcome, "http_500", Reason.NO_ANSWER,
    ),
    "taken, it says, but without an id": (
        {"status": 202, "json": {"status": "submitted"}},
        errors.UnknownOutcome, "unreadable_answer", Reason.NO_ANSWER,
    ),
    "an error that has the status of success": (
        {"status": 200, "json": {"status": "error", "messageId": "m1", "message": "x"}},
        errors.UnknownOutcome, "unreadable_answer", Reason.NO_ANSWER,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_means_what_its_text_says(what: str) -> None:
    answer, verdict, code, reason = ANSWERS[what]
    failure = refused(**answer)
    assert (type(failure), failure.code, failure.reason) == (verdict, code, reason)


def test_a_name_where_a_templates_id_belongs_does_not_stop_the_channel() -> None:
    unknown = {"status": 401, "json": "Portal User Not Found With APIKey"}
    failure = refused(Draft(Kind.TEMPLATE, template=TemplateUse("order_ready")), **unknown)
    assert (type(failure), failure.code) == (errors.TemplateRefused, "template_unknown")
    assert "'order_ready' is not a template's id" in failure.message
    used = Draft(Kind.TEMPLATE, template=TemplateUse(TEMPLATE_ID))
    assert isinstance(refused(used, **unknown), errors.CredentialsRefused)


@pytest.mark.parametrize("recipient", ["SA.1648738043044942", "", "+", "123", "966 50"])
def test_a_customer_without_a_number_cannot_be_sent_anything(recipient: str, send: Send, gupshup: Imitation) -> None:
    with pytest.raises(errors.RecipientRefused) as refusal:
        send(TEXT, recipient)
    assert (refusal.value.code, refusal.value.reason) == ("invalid_number", Reason.NUMBER)
    assert gupshup.ledger() == []


def test_over_a_real_socket_what_gupshup_refuses_is_refused(send: Send, gupshup: Imitation) -> None:
    for account, code in (
        (replace(OPEN, credentials=CREDENTIALS | {"api_key": "no"}), "authentication_failed"),
        (replace(OPEN, credentials=CREDENTIALS | {"app_name": "Other"}), "invalid_app_details"),
        (replace(OPEN, number="+"), "invalid_app_details"),
    ):
        with pytest.raises(errors.ProviderFailure) as failure:
            send(TEXT, account=account)
        assert failure.value.code == code
    assert gupshup.ledger() == []


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
    mode: str, verdict: type[errors.ProviderFailure], sent: int, send: Send, gupshup: Imitation
) -> None:
    gupshup.order(mode)
    with pytest.raises(verdict):
        send(TEXT)
    assert len(gupshup.ledger()) == sent


def test_a_wait_that_is_asked_for_is_kept(send: Send, gupshup: Imitation) -> None:
    gupshup.order("error", status=429, retry_after=7, body={"status": "error", "message": "Too Many Requests"})
    with pytest.raises(errors.Throttled) as failure:
        send(TEXT)
    assert failure.value.retry_after == 7


def test_the_events_of_the_imitation_are_read_as_ours(tmp_path: Path) -> None:
    vendor = imitated.Gupshup({"DemoApp": "key1"}, tmp_path / "l")
    line = {"id": "m1", "to": "966500000001"}
    events = [arrived(body) for body, _ in vendor.events(line, {"then": [*imitated.EVENTS, "failed"]})]
    items = [item for event in events for item in GUPSHUP.parse(event) if isinstance(item, words.Receipt)]
    assert [(item.provider_message_id, item.progress, bool(item.alias)) for item in items] == [
        ("m1", progress, True) for progress in (1, 2, 3, 4, -2)
    ]
    assert len({item.alias for item in items}) == 1
    vendor.close()


def test_a_list_with_its_footer_has_to_fit_into_the_text() -> None:
    GUPSHUP.check(replace(LIST, text="x" * 1021))
    with pytest.raises(RefusedByLimit, match="the text with its footer"):
        GUPSHUP.check(replace(LIST, text="x" * 1022))


# --- codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "verdict", "reason"),
    [
        ("500 4002", errors.TemporaryFailure, Reason.PROVIDER),
        ("4001 429", errors.Throttled, Reason.RATE),
        ("1003", errors.CredentialsRefused, Reason.PAYMENT),
        ("1001 1004", errors.SetupRefused, Reason.SETUP),
        ("1002", errors.RecipientRefused, Reason.NOT_ON_WHATSAPP),
        ("1006 1007 1008 1012", errors.RecipientRefused, Reason.OPTED_OUT),
        ("470 131047", errors.RecipientRefused, Reason.WINDOW),
        ("1005 4003 4005", errors.TemplateRefused, Reason.TEMPLATE_REFUSED),
        ("1010 1011", errors.PermanentFailure, Reason.MEDIA),
        ("4004", errors.PermanentFailure, Reason.CONTENT),
        ("131049", errors.RecipientRefused, Reason.MARKETING_CAP),
    ],
)
def test_each_code_of_a_receipt_has_its_meaning(
    codes: str, verdict: type[errors.ProviderFailure], reason: Reason
) -> None:
    for code in codes.split():
        failure = GUPSHUP.failure(code, "why")
        assert (type(failure), failure.reason, failure.code) == (verdict, reason, code)


def test_an_app_that_was_told_to_stop_waits_an_hour() -> None:
    assert GUPSHUP.failure("4001", "").retry_after == 3600


def test_metas_codes_keep_their_meaning() -> None:
    assert not set(meta_codes.MEANINGS) & set(gupshup_codes._OWN)
    assert set(gupshup_codes.TEXTS.values()) <= set(gupshup_codes.MEANINGS)


# --- files, probes, history -------------------------------------------------------------------------

PICTURE = words.Attachment("image", "https://filemanager.gupshup.io/wa/1/wa/media/2?download=false", "image/jpeg")


def test_a_file_is_fetched_from_where_gupshup_keeps_files_and_no_key_goes_there() -> None:
    with responses.RequestsMock() as network:
        network.get(PICTURE.reference, body=b"jpeg", content_type="Image/JPEG; charset=x")
        found = GUPSHUP.fetch(OPEN, PICTURE, Settings())
        [call] = network.calls
    assert (found.body, found.mime_type) == (b"jpeg", "image/jpeg")
    assert "apikey" not in call.request.headers
    assert "Authorization" not in call.request.headers


def test_a_file_of_the_imitation_is_fetched_from_the_configured_addresses(
    gupshup: Imitation, settings: Settings
) -> None:
    served_at = replace(PICTURE, reference=f"http://127.0.0.1:{gupshup.port}/file")
    assert GUPSHUP.fetch(OPEN, served_at, settings).body == b"jpeg"
    with pytest.raises(errors.PermanentFailure):
        GUPSHUP.fetch(OPEN, served_at, Settings())


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "http://filemanager.gupshup.io/x",
        "https://filemanager.gupshup.io.evil.example/x",
        "https://filemanager.gupshup.io@evil.example/x",
        "http://169.254.169.254/",
        "",
    ],
)
def test_a_file_elsewhere_is_not_asked_for(address: str) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        GUPSHUP.fetch(OPEN, replace(PICTURE, reference=address), Settings())
    assert (failure.value.code, failure.value.reason) == ("media_host", Reason.MEDIA)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(400, errors.PermanentFailure), (404, errors.PermanentFailure), (503, errors.TemporaryFailure)],
)
def test_a_file_that_is_no_longer_kept_is_given_up(status: int, verdict: type[errors.ProviderFailure]) -> None:
    with responses.RequestsMock() as network:
        network.get(PICTURE.reference, status=status, json={"status": "error", "message": "Invalid Media Id"})
        with pytest.raises(errors.ProviderFailure) as failure:
            GUPSHUP.fetch(OPEN, PICTURE, Settings())
    assert type(failure.value) is verdict


META_OF_TEMPLATE = {"data": "Order {{1}} is ready, {{ 2 }}, {{1}}", "header": "Dear all"}
ROW = {
    "id": TEMPLATE_ID, "elementName": "order_ready", "languageCode": "ar", "category": "UTILITY", "status": "APPROVED",
    "data": "Dear all\nOrder {{1}} is ready", "containerMeta": json.dumps(META_OF_TEMPLATE),
}  # fmt: skip


def listed(*rows: Any) -> list[words.Template]:
    account = replace(OPEN, credentials=CREDENTIALS | {"app_id": "a"})
    with responses.RequestsMock() as network:
        network.get("https://api.gupshup.io/wa/app/a/template", json={"status": "success", "templates": list(rows)})
        return list(GUPSHUP.templates(account, Settings()))


def test_templates_are_listed_with_their_ids_and_the_number_of_their_values() -> None:
    [found] = listed(ROW)
    body = "Order {{1}} is ready, {{ 2 }}, {{1}}"
    assert found == words.Template("order_ready", "ar", TEMPLATE_ID, "UTILITY", "APPROVED", body, 2)


@pytest.mark.parametrize("more", [{"header": "Dear {{1}}"}, {"buttons": [{"url": "https://a.example/{{1}}"}]}])
def test_where_a_header_or_a_button_takes_values_their_number_is_not_told(more: dict[str, Any]) -> None:
    [found] = listed(ROW | {"containerMeta": json.dumps(META_OF_TEMPLATE | more)})
    assert found.params == 0


def test_bad_rows_of_a_list_are_left_out_and_the_others_stay() -> None:
    found = listed(7, {"id": "x"}, ROW | {"containerMeta": "{"}, {"elementName": "y"})
    assert [template.body for template in found] == ["Dear all\nOrder {{1}} is ready"]


def test_without_the_apps_id_templates_cannot_be_listed() -> None:
    with pytest.raises(errors.Conflict, match="app_id"):
        list(GUPSHUP.templates(OPEN, Settings()))


def test_a_name_that_is_an_id_is_one() -> None:
    assert GUPSHUP.template_id(OPEN, TEMPLATE_ID, Settings()) == TEMPLATE_ID
    assert GUPSHUP.template_id(OPEN, "order_ready", Settings()) == ""
    assert list(GUPSHUP.named_templates(OPEN, Settings())) == []


def test_a_template_that_the_registry_knows_is_sent_by_its_id(send: Send, gupshup: Imitation) -> None:
    send(Draft(Kind.TEMPLATE, template=TemplateUse("order_ready", provider_id=TEMPLATE_ID)))
    assert gupshup.ledger()[0]["message"] == {"template": {"id": TEMPLATE_ID, "params": []}}


def test_a_probe_asks_for_the_apps_templates_with_the_key_and_for_its_health_with_the_token(
    settings: Settings,
) -> None:
    known = CREDENTIALS | {"app_id": imitated.APP_ID}
    GUPSHUP.probe(replace(OPEN, credentials=known), settings)
    GUPSHUP.probe(replace(OPEN, credentials=known | {"app_token": imitated.APP_TOKEN}), settings)
    for wrong in ({"api_key": "no"}, {"app_token": "no"}):
        with pytest.raises(errors.CredentialsRefused):
            GUPSHUP.probe(replace(OPEN, credentials=known | wrong), settings)
    with pytest.raises(errors.PermanentFailure):
        GUPSHUP.probe(replace(OPEN, credentials=known | {"app_id": "x/../y"}), settings)


def test_an_apps_id_is_one_part_of_an_address_whatever_it_says() -> None:
    account = replace(OPEN, credentials=CREDENTIALS | {"app_id": "../x?y#z"})
    with responses.RequestsMock() as network:
        network.get("https://api.gupshup.io/wa/app/..%2Fx%3Fy%23z/template", json={"status": "success"})
        assert list(GUPSHUP.templates(account, Settings())) == []


def test_without_the_apps_id_a_probe_says_that_nobody_was_asked() -> None:
    with pytest.raises(errors.SetupRefused, match="app_id") as failure:
        GUPSHUP.probe(OPEN, Settings())
    assert failure.value.code == "cannot_be_asked"


def test_an_app_that_is_called_unhealthy_is_not_good() -> None:
    account = replace(OPEN, credentials=CREDENTIALS | {"app_id": "a", "app_token": "t"})
    with responses.RequestsMock() as network:
        network.get("https://api.gupshup.io/wa/app/a/template", json={"status": "success", "templates": []})
        network.get("https://partner.gupshup.io/partner/app/a/health", json={"status": "success", "healthy": "false"})
        with pytest.raises(errors.SetupRefused, match="unhealthy"):
            GUPSHUP.probe(account, Settings())


def test_there_is_no_history() -> None:
    with pytest.raises(errors.Conflict, match="no history"):
        GUPSHUP.recover(OPEN, datetime(2026, 11, 1, tzinfo=UTC), Settings())
