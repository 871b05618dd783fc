"""Meta's adapter: accounts, signatures, handshakes, what its webhooks hold, what it sends and what it makes of
the answers."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import meta as imitated
from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import REGISTRY, by_name, meta_notices, meta_webhooks
from wabot.providers.base import Account, Address, Answer, Arrived, RefusedByLimit
from wabot.words import Button, Draft, Kind, Row, Section, TemplateUse

META = by_name("meta")
ACCOUNT = payloads.ACCOUNTS["meta"]
REFERENCE = "0199aaaa-0000-7000-8000-000000000001.2"
JSON = {"content-type": "application/json"}
TEXT = Draft(Kind.TEXT, "مرحبا\nhello")
BUTTONS = Draft(Kind.BUTTONS, "choose", buttons=(Button("a", "A"), Button("b", "B")))

Send = Callable[..., str]


def arrived(body: Any, **headers: str) -> Arrived:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return payloads.with_headers(Arrived("POST", "/whatsapp/webhook", JSON, raw), **headers)


def change(*messages: Any, route: str = payloads.NUMBER_ID, **more: Any) -> dict[str, Any]:
    return {"field": "messages", "value": imitated.within(route, messages=list(messages), **more)}


def message(n: int, **more: Any) -> dict[str, Any]:
    text = {"type": "text", "text": {"body": f"text {n}"}}
    return {"from": "966500000001", "id": f"wamid.{n}", "timestamp": "1795167000", **text, **more}


# --- accounts ---------------------------------------------------------------------------------------

DEFAULTS = Settings(meta_app_secret="app", meta_verify_token="verify", meta_whatsapp_token="token")


def test_the_settings_stand_in_each_for_itself() -> None:
    own = {"phone_number_id": "7", "app_secret": "", "access_token": "own"}
    assert META.account("+1", own, DEFAULTS).credentials == {
        "phone_number_id": "7", "app_secret": "app", "access_token": "own", "verify_token": "verify"
    }  # fmt: skip


def test_a_channel_is_routed_by_its_phone_number_id() -> None:
    assert META.route(ACCOUNT) == payloads.NUMBER_ID
    assert META.route(META.account("+1", {}, Settings())) == ""


def test_the_default_account_verifies_only_with_an_app_secret() -> None:
    assert META.default_account(Settings()) is None
    assert META.default_account(Settings(meta_whatsapp_token="token")) is None
    whole, token_only = META.default_account(DEFAULTS), META.default_account(Settings(meta_verify_token="verify"))
    assert whole is not None
    assert token_only is not None
    assert whole.number == ""
    assert META.verify(payloads.signed("meta", "text", "app"), whole, payloads.PUBLIC_URL)
    assert not META.verify(payloads.signed("meta", "text", ""), token_only, payloads.PUBLIC_URL)


def test_one_url_is_for_webhooks_and_statuses() -> None:
    assert META.urls("https://a.com", "k") == ("https://a.com/webhooks/k",) * 2


# --- signatures -------------------------------------------------------------------------------------

RAW = (
    b'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
    b'{"messages":[{"text":{"body":"caf\\u00e9 \\/ ok"}}]}}]}]}'
)
SIGNED = "sha256=fc9ff758d8868827ea1165103fc72ca04fc8b2efb39d065fabd64613986e42f3"
"""The vector of facts/providers §2.1; Meta publishes none."""


def verifies(body: bytes, signature: str, secret: str = "app-secret", method: str = "POST") -> bool:
    request = replace(arrived(body, x_hub_signature_256=signature), method=method)
    return META.verify(request, Account("+1", {"app_secret": secret}), payloads.PUBLIC_URL)


def test_the_raw_body_is_what_is_signed() -> None:
    assert len(RAW) == 151
    assert verifies(RAW, SIGNED)
    for ascii_only in (True, False):
        again = json.dumps(json.loads(RAW), separators=(",", ":"), ensure_ascii=ascii_only).encode()
        assert not verifies(again, SIGNED)


def test_the_primitive_is_that_of_rfc_4231() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert verifies(b"what do ya want for nothing?", f"sha256={expected}", "Jefe")


@pytest.mark.parametrize(
    "signature",
    [
        SIGNED.removeprefix("sha256="),
        "sha256=" + SIGNED.removeprefix("sha256=").upper(),
        "SHA256=" + SIGNED.removeprefix("sha256="),
        "sha1=" + hmac.new(b"app-secret", RAW, hashlib.sha1).hexdigest(),
        "sha256=",
        SIGNED + "\n",
        SIGNED + "," + SIGNED,
        "sha256=" + "é" * 64,
    ],
)
def test_any_other_spelling_of_the_signature_is_refused(signature: str) -> None:
    assert not verifies(RAW, signature)


def test_an_empty_secret_signs_nothing() -> None:
    assert not verifies(RAW, "sha256=" + hmac.new(b"", RAW, hashlib.sha256).hexdigest(), "")


def test_only_a_post_is_a_webhook() -> None:
    assert not verifies(RAW, SIGNED, method="GET")


def test_the_older_signature_is_neither_asked_for_nor_in_the_way() -> None:
    old = "sha1=" + hmac.new(b"app-secret", RAW, hashlib.sha1).hexdigest()
    account = Account("+1", {"app_secret": "app-secret"})
    assert not META.verify(arrived(RAW, x_hub_signature=old), account, payloads.PUBLIC_URL)
    both = arrived(RAW, x_hub_signature=old, x_hub_signature_256=SIGNED)
    assert META.recognises(both)
    assert META.verify(both, account, payloads.PUBLIC_URL)


def test_the_imitation_signs_as_meta_does() -> None:
    assert imitated.sign(RAW, "app-secret") == SIGNED


@given(body=st.binary(max_size=300), signature=st.text(max_size=80), secret=st.text(max_size=20))
def test_no_chance_signature_verifies(body: bytes, signature: str, secret: str) -> None:
    assert not verifies(body, signature, secret)
    assert not verifies(body, f"sha256={signature}", secret)


# --- whose it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "headers", "is_meta"),
    [
        ("POST", "/x", {"x-hub-signature-256": "x"}, True),
        ("POST", "/x", {"content-type": "application/json"}, True),
        ("POST", "/x", {"content-type": "Application/JSON; charset=utf-8"}, True),
        ("POST", "/x", {"content-type": "application/json", "x-hub-signature": "sha1="}, True),
        ("POST", "/x", {"content-type": "application/json", "interakt-signature": "x"}, False),
        ("POST", "/x", {"content-type": "application/json", "x-twilio-signature": "x"}, False),
        ("POST", "/x", {"content-type": "application/x-www-form-urlencoded"}, False),
        ("POST", "/x", {}, False),
        ("GET", "/x?hub.mode=subscribe", {}, True),
        ("GET", "/x?hub%2Emode=", {}, True),
        ("GET", "/x?mode=subscribe", {}, False),
        ("POST", "/x?hub.mode=subscribe", {}, False),
    ],
)
def test_its_dialect_is_told_by_header_type_or_handshake(
    method: str, target: str, headers: dict[str, str], is_meta: bool
) -> None:
    request = Arrived(method, target, headers, b"{}")
    assert META.recognises(request) is is_meta
    if is_meta:
        assert next(provider for provider in REGISTRY.values() if provider.recognises(request)) is META


def test_a_webhook_is_addressed_to_each_of_its_numbers_once_and_in_order() -> None:
    request = arrived(imitated.batch(change(route="2"), change(route="1"), change(route="2"), change(route="3")))
    assert META.addresses(request) == [Address("2"), Address("1"), Address("3")]


WABA = "102290129340398"


def test_updates_of_templates_and_accounts_are_addressed_to_their_account_once() -> None:
    assert META.addresses(payloads.read("meta", "template_and_account_updates")[0]) == [Address(account=WABA)]


def test_what_names_a_number_is_addressed_to_it_whatever_it_is_about() -> None:
    history = {"field": "history", "value": imitated.within("7")}
    account = {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}
    request = arrived(imitated.batch(history, change(route="1"), account, history, account))
    assert META.addresses(request) == [Address("7"), Address("1"), Address(account=WABA)]


def test_an_update_without_an_account_is_addressed_to_nobody() -> None:
    update = {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}
    for entry in ({"changes": [update]}, {"id": [], "changes": [update]}, {"id": " ", "changes": [update]}):
        request = arrived({"entry": [entry]})
        assert META.addresses(request) == []
        assert META.parse(request) == [words.Notice("account_update", "account: ACCOUNT_DELETED")]


def test_a_channel_belongs_to_the_account_of_its_credentials() -> None:
    assert META.group(ACCOUNT) == ""
    assert META.group(Account("+1", {**ACCOUNT.credentials, "waba_id": WABA})) == WABA


def test_more_accounts_than_any_webhook_has_are_nobodys() -> None:
    changes = [{"field": "security", "value": {}}]
    request = arrived({"entry": [{"id": str(n), "changes": changes} for n in range(300)]})
    assert META.addresses(request) == [*(Address(account=str(n)) for n in range(200)), Address()]


@pytest.mark.parametrize("id_", [None, "", 0.5, [], {}, True, " "])
def test_a_number_id_that_is_none_addresses_nobody_and_no_message_of_it_is_read(id_: Any) -> None:
    request = arrived(imitated.batch(change(message(1), route=id_)))
    assert META.addresses(request) == []
    assert META.parse(request) == [words.Unread(0, "messages without a phone_number_id")]


def test_an_address_can_always_be_looked_up() -> None:
    assert META.addresses(arrived(imitated.batch(change(route="a\x00\ud800")))) == [Address("a\ufffd\ufffd")]


def test_more_numbers_than_any_webhook_has_are_nobodys() -> None:
    request = arrived(imitated.batch(*(change(route=str(n)) for n in range(1, 301))))
    assert META.addresses(request) == [*(Address(str(n)) for n in range(1, 201)), Address()]


@pytest.mark.parametrize(
    "body",
    [
        b'{"entry":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"entry": [{"changes": [{"value": {"metadata": {"phone_number_id": NaN}}}]}]}',
        b'{"entry": [{"changes": [{"value": {"metadata": {"phone_number_id": 1e999}}}]}]}',
        b'{"entry": {"changes": []}}',
        b'{"object": "page", "entry": []}',
        b'{"entry": "' + b"x" * (3 << 20) + b'"}',
        b"",
        b"\xff",
    ],
    ids=range(8),
)
def test_what_is_no_webhook_is_addressed_to_nobody_and_unreadable(body: bytes) -> None:
    assert META.addresses(arrived(body)) == []
    with pytest.raises(errors.Unreadable):
        META.parse(arrived(body))


# --- handshakes -------------------------------------------------------------------------------------


def handshake(query: str | dict[str, str], *, token: str = "s3cret token", method: str = "GET") -> Answer | None:
    asked = query if isinstance(query, str) else urlencode(query)
    account = Account("", {"verify_token": token, "app_secret": "x"})
    return META.challenge(Arrived(method, f"/whatsapp/webhook?{asked}", {}, b""), account)


RIGHT = {"hub.mode": "subscribe", "hub.verify_token": "s3cret token", "hub.challenge": "1158201444"}


def test_a_handshake_with_our_token_is_answered_with_the_raw_challenge() -> None:
    assert handshake(RIGHT) == Answer("text/plain", "1158201444")
    assert handshake(RIGHT | {"hub.challenge": 'a"b <c>+'}) == Answer("text/plain", 'a"b <c>+')
    assert handshake(urlencode(RIGHT).replace(".", "%2E")) == Answer("text/plain", "1158201444")
    assert handshake(RIGHT | {"hub.verify_token": "رمز"}, token="رمز") == Answer("text/plain", "1158201444")


@pytest.mark.parametrize(
    "query",
    [
        RIGHT | {"hub.mode": "unsubscribe"},
        RIGHT | {"hub.verify_token": "wrong"},
        RIGHT | {"hub.verify_token": ""},
        RIGHT | {"hub.verify_token": "é"},
        RIGHT | {"hub.challenge": ""},
        RIGHT | {"hub.challenge": "1" * 257},
        RIGHT | {"hub.challenge": "1\r\nSet-Cookie: a=b"},
        RIGHT | {"hub.challenge": "é"},
        {name: value for name, value in RIGHT.items() if name != "hub.challenge"},
        {name: value for name, value in RIGHT.items() if name != "hub.verify_token"},
        {name: value for name, value in RIGHT.items() if name != "hub.mode"},
        urlencode(RIGHT) + "&hub.challenge=2",
        urlencode(RIGHT) + "&hub.verify_token=" + quote("s3cret token"),
        urlencode(RIGHT) + "&hub.mode=subscribe",
        urlencode(RIGHT).replace("hub.", "hub_"),
        urlencode(RIGHT) + "&a=1" * 1000,
        "",
        "\ud800%ff&=",
    ],
    ids=range(18),
)
def test_any_other_handshake_is_not_answered(query: Any) -> None:
    assert handshake(query) is None


def test_no_token_answers_no_handshake() -> None:
    assert handshake(RIGHT | {"hub.verify_token": ""}, token="") is None
    assert META.challenge(Arrived("GET", f"/x?{urlencode(RIGHT)}", {}, b""), Account("", {})) is None


def test_only_a_get_is_a_handshake() -> None:
    assert handshake(RIGHT, method="POST") is None


# --- what webhooks say ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_time", "moment"),
    [
        ("1795167000", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        (1795167000, datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("1795167000250", datetime(2026, 11, 20, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("0", None),
        ("4102444800", None),
        ("9" * 16, None),
        ("9" * 4000, None),
        ("-1", None),
        ("1795167000.5", None),
        ("٣", None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_time_is_seconds_or_milliseconds_or_left_out(given_time: Any, moment: datetime | None) -> None:
    [item] = META.parse(arrived(imitated.batch(change(message(1, timestamp=given_time)))))
    assert isinstance(item, words.Incoming)
    assert item.sent_at == moment


def test_a_receipt_keeps_its_status_object_with_the_price() -> None:
    request = payloads.read("meta", "statuses")[0]
    first = META.parse(request)[0]
    assert isinstance(first, words.Receipt)
    kept = json.loads(first.raw)
    assert kept == json.loads(request.body)["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert kept["pricing"]["category"] == "authentication-international"


def test_a_receipt_keeps_no_more_than_two_kilobytes() -> None:
    status = {"id": "wamid.1", "status": "read", "timestamp": "1795167000", "more": "م" * 5000}
    [item] = META.parse(arrived(imitated.webhook("1", statuses=[status])))
    assert isinstance(item, words.Receipt)
    assert len(item.raw) == 2048


@pytest.mark.parametrize(
    "field",
    ["message_echoes", "smb_message_echoes", "user_preferences", "history", "smb_app_state_sync", "standby", "calls"],
)
def test_nothing_but_messages_is_ever_a_customers_message(field: str) -> None:
    found = META.parse(arrived(imitated.batch(change(message(1)) | {"field": field})))
    assert [type(item) for item in found] in ([], [words.Notice])


# --- notices ----------------------------------------------------------------------------------------


def noticed(field: str, value: Any) -> words.Notice:
    [item] = META.parse(arrived(imitated.batch({"field": field, "value": value})))
    assert isinstance(item, words.Notice)
    return item


NUMBERS = {"display_phone_number": "+966 11 000 0001", "event": "call 966110000001 or +966 (11) 000-0001"}


@pytest.mark.parametrize("field", meta_notices._TELLERS)
@pytest.mark.parametrize("value", [None, [], 7, "x", {}, NUMBERS, {"event": ["a"], "ban_info": 7, "alert_info": []}])
def test_a_notice_never_shows_a_phone_number_and_never_fails(field: str, value: Any) -> None:
    summary = noticed(field, value).summary
    assert "96611" not in summary.replace(" ", "")
    assert "0001" not in summary


@pytest.mark.parametrize("field", meta_notices._TELLERS)
def test_a_notice_is_one_short_line_that_can_be_stored(field: str) -> None:
    long = "a\n\x00\ud800" * 90
    names = ("event", "decision", "alert_type", "message_template_name", "new_category", "new_quality_score", "reason")
    value: dict[str, Any] = dict.fromkeys((*names, "max_daily_conversations_per_business"), long)
    summary = noticed(field, value | {"restriction_info": [{"restriction_type": long}] * 9}).summary
    assert 0 < len(summary) <= 200
    assert summary.isprintable()


def test_a_field_that_nobody_knows_is_a_notice_without_words() -> None:
    assert noticed("teleports\x00" * 20, {"event": "X"}) == words.Notice(("teleports\ufffd" * 20)[:60], "", "", WABA)


def test_the_state_of_a_template_is_told_with_its_name_and_language() -> None:
    value = {"event": "PAUSED", "message_template_name": "offer_20261120", "message_template_language": "en_US"}
    told = noticed("message_template_status_update", value)
    assert (told.template, told.template_language, told.template_status) == ("offer_20261120", "en_US", "PAUSED")
    assert told.summary == "offer_20261120 (en_US): PAUSED"
    assert noticed("message_template_quality_update", value).template == ""


# --- echoes, preferences, changes -------------------------------------------------------------------


@pytest.mark.parametrize("field", ["message_echoes", "smb_message_echoes"])
def test_an_echo_is_of_the_business_and_about_the_customer_it_went_to(field: str) -> None:
    told = message(1, **{"from": "966110000001", "to": "966500000002"})
    people = [{"wa_id": "966500000002", "profile": {"name": "Bilal"}}]
    value = imitated.within("7", message_echoes=[told], contacts=people)
    [item] = META.parse(arrived(imitated.batch({"field": field, "value": value})))
    assert isinstance(item, words.Incoming)
    assert (item.by_business, item.customer.phone, item.name, item.route) == (True, "+966500000002", "Bilal", "7")


def test_a_preference_has_the_same_id_whenever_it_comes_and_another_for_another_wish() -> None:
    def ids(**changed: Any) -> str:
        told = {"wa_id": "966500000001", "value": "stop", "category": "marketing_messages", "timestamp": 1795167000}
        value = imitated.within("7", user_preferences=[told | changed])
        [item] = META.parse(arrived(imitated.batch({"field": "user_preferences", "value": value})))
        assert isinstance(item, words.Incoming)
        assert item.kind == Kind.PREFERENCE
        assert item.kind in words.NOTICES
        return item.provider_message_id

    others = [{"value": "resume"}, {"wa_id": "966500000002"}, {"timestamp": 1795167001}, {"category": "x"}]
    assert ids() == ids(detail="said otherwise") == ids(timestamp="1795167000")
    assert len({ids(), *(ids(**other) for other in others)}) == 5


@pytest.mark.parametrize(
    ("system", "known"),
    [
        ({"type": "user_changed_number", "wa_id": "966500000002", "user_id": "SA.2"}, {"phone:+966500000001"}),
        (
            {"type": "user_changed_number", "wa_id": "966500000002", "user_id": "SA.2", "previous_user_id": "SA.1"},
            {"phone:+966500000001", "user:SA.1"},
        ),
        ({"type": "customer_identity_changed"}, {"phone:+966500000001", "user:SA.2"}),
    ],
)
def test_a_change_is_told_of_the_customer_that_was(system: dict[str, str], known: set[str]) -> None:
    told = message(1, type="system", system={"body": "changed", **system}, from_user_id="SA.2")
    people = [{"wa_id": "966500000002", "user_id": "SA.2"}]
    [item] = META.parse(arrived(imitated.batch(change(told, contacts=people if "user_id" in system else []))))
    assert isinstance(item, words.Incoming)
    assert set(item.customer.aliases()) == known
    assert item.payload["system"] == {"body": "changed", **system}


# --- items ------------------------------------------------------------------------------------------


def test_an_item_is_numbered_over_the_whole_body() -> None:
    first, second = change(message(1), None), change(None, message(2), route="7")
    assert [item for item in META.parse(arrived(imitated.batch(first, second))) if isinstance(item, words.Unread)] == [
        words.Unread(1, "the item is not an object", payloads.NUMBER_ID),
        words.Unread(2, "the item is not an object", "7"),
    ]


def test_ten_thousand_messages_of_as_many_customers_are_read_in_one_go() -> None:
    people = [{"wa_id": f"9665{n:08}", "profile": {"name": f"n{n}"}} for n in range(10_000)]
    listed = [message(n, **{"from": f"9665{n:08}"}) for n in range(10_000)]
    items = META.parse(arrived(imitated.batch(change(*listed, contacts=people))))
    assert [item.name for item in items if isinstance(item, words.Incoming)] == [f"n{n}" for n in range(10_000)]


@pytest.mark.parametrize(
    ("sender", "contact"),
    [
        ({"from": "966500000001", "from_user_id": "SA.1"}, {"wa_id": "966500000002", "user_id": "SA.2"}),
        ({"type": "system", "system": {"body": "changed"}}, {"wa_id": "966500000002"}),
    ],
)
def test_a_contact_who_is_someone_else_is_not_taken_for_the_sender(
    sender: dict[str, Any], contact: dict[str, Any]
) -> None:
    [item] = META.parse(arrived(imitated.batch(change(message(1, **sender), contacts=[contact]))))
    assert isinstance(item, words.Incoming)
    assert not {"phone:+966500000002", "user:SA.2"} & set(item.customer.aliases())


def test_a_user_id_where_the_number_is_meant_needs_no_contact() -> None:
    [item] = META.parse(arrived(imitated.batch(change(message(1, **{"from": "SA.1349"})))))
    assert isinstance(item, words.Incoming)
    assert item.customer == words.Identity(user_id="SA.1349")


def test_an_error_beside_a_message_can_be_stored() -> None:
    broken = message(1, type="interactive")
    [item] = META.parse(arrived(imitated.batch(change(broken, errors=[{"title": "\x00\ud800"}]))))
    assert isinstance(item, words.Incoming)
    assert item.payload["errors"] == [{"title": "\ufffd\ufffd"}]


def test_an_error_of_a_message_that_arrived_is_none() -> None:
    status = {"id": "wamid.1", "status": "read", "errors": [{"code": 131026, "title": "no"}]}
    [item] = META.parse(arrived(imitated.webhook("7", statuses=[status])))
    assert isinstance(item, words.Receipt)
    assert (item.progress, item.error_code, item.error_message) == (words.Progress.READ, "", "")


def test_two_messages_with_one_contact_do_not_share_it() -> None:
    contacts = [{"wa_id": "966500000001", "profile": {"name": "Aisha"}}]
    listed = message(1), message(2, **{"from": "966500000002"})
    items = META.parse(arrived(imitated.batch(change(*listed, contacts=contacts))))
    assert [item.name for item in items if isinstance(item, words.Incoming)] == ["Aisha", ""]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.sampled_from(["text", "interactive", "read", "failed", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "from", "type", "text", "body", "context", "errors", "code", "interactive", "name"])
        | st.text(max_size=6), inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip
SEEDS = [
    {"messages": [], "statuses": [], "message_echoes": [], "user_preferences": [], "contacts": [], "errors": []} | value
    for situation in payloads.of("meta")
    for value in [json.loads(payloads.read("meta", situation)[0].body)["entry"][-1]["changes"][-1].get("value")]
    if isinstance(value, dict)
]


@given(data=st.data())
def test_a_good_message_outlives_whatever_stands_beside_it(data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS))
    kind = data.draw(st.sampled_from(["messages", "statuses"]))
    spoilt: Any = data.draw(ANY_JSON)
    if isinstance(seed[kind], list) and seed[kind] and isinstance(seed[kind][0], dict):
        found = dict(seed[kind][0])
        name = data.draw(st.sampled_from(sorted(found)))
        spoilt = data.draw(st.sampled_from([{**found, name: spoilt}, spoilt]))
    beside = data.draw(st.sampled_from(["contacts", "errors", "other"]))
    bad = change(message(1), spoilt, message(2)) | {}
    bad["value"] |= {beside: data.draw(ANY_JSON), "statuses": [spoilt, {"id": "wamid.9", "status": "read"}]}
    around = [data.draw(ANY_JSON), bad, data.draw(ANY_JSON), change(message(3), route="7")]
    items = META.parse(arrived({"entry": [data.draw(ANY_JSON), {"changes": around}]}))
    texts = [(item.text, item.route) for item in items if isinstance(item, words.Incoming)]
    wanted = [("text 1", payloads.NUMBER_ID), ("text 2", payloads.NUMBER_ID), ("text 3", "7")]
    assert [text for text in texts if text in wanted] == wanted
    assert "wamid.9" in [item.provider_message_id for item in items if isinstance(item, words.Receipt)]
    assert [item.index for item in items if isinstance(item, words.Unread)] == [
        n for n, item in enumerate(items) if isinstance(item, words.Unread)
    ]
    json.dumps([payloads.shown(item) for item in items], allow_nan=False, ensure_ascii=False).encode()


@given(data=st.data(), name=st.sampled_from(["message_echoes", "user_preferences"]))
def test_a_good_echo_or_preference_outlives_whatever_stands_beside_it(data: st.DataObject, name: str) -> None:
    def good(n: int) -> dict[str, Any]:
        return message(n, to="966500000002", wa_id="966500000002", value=f"text {n}")

    spoilt: Any = data.draw(ANY_JSON)
    if data.draw(st.booleans()):
        found = good(9)
        spoilt = found | {data.draw(st.sampled_from(sorted(found))): spoilt}
    value = imitated.within("7", **{name: [good(1), spoilt, good(2)], "contacts": data.draw(ANY_JSON)})
    items = META.parse(arrived(imitated.batch({"field": name, "value": value})))
    texts = [item.text for item in items if isinstance(item, words.Incoming)]
    assert [text for text in texts if text in ("text 1", "text 2")] == ["text 1", "text 2"]
    assert len(items) == 3
    json.dumps([payloads.shown(item) for item in items], allow_nan=False, ensure_ascii=False).encode()


@given(field=st.sampled_from(sorted(meta_notices._TELLERS)) | st.text(max_size=70), value=ANY_JSON)
def test_whatever_an_update_says_it_is_one_notice_that_can_be_stored(field: str, value: Any) -> None:
    if field in meta_webhooks._LISTS:
        return
    found = noticed(field, value)
    assert len(found.summary) <= 200
    json.dumps(payloads.shown(found), allow_nan=False, ensure_ascii=False).encode()


@given(body=ANY_JSON.map(lambda value: json.dumps({"entry": value}).encode()) | st.binary(max_size=300))
def test_no_body_raises_anything_but_unreadable(body: bytes) -> None:
    addressed = META.addresses(arrived(body))
    try:
        routes = {item.route for item in META.parse(arrived(body))}
    except errors.Unreadable:
        assert addressed == []
    else:
        assert routes - {""} <= {address.route for address in addressed}


# --- sends ------------------------------------------------------------------------------------------


@pytest.fixture
def settings(graph: Imitation) -> Settings:
    base = f"http://127.0.0.1:{graph.port}"
    return Settings(wabot_public_url=payloads.PUBLIC_URL, meta_graph_api=base, wabot_send_timeout=5)


@pytest.fixture
def send(settings: Settings, structures: Kept) -> Send:
    def to_the_imitation(draft: Draft, recipient: str = "+966500000001", **other: Any) -> str:
        sent = META.send(
            other.get("account", ACCOUNT),
            recipient,
            draft,
            reference=REFERENCE,
            structures=structures,
            files=Shelf(n1=b"1"),
            settings=settings.model_copy(update=other.get("settings", {})),
        )
        return sent.provider_message_id

    return to_the_imitation


def sent_as(graph: Imitation) -> dict[str, Any]:
    [line] = graph.ledger()
    assert line["number_id"] == payloads.NUMBER_ID
    found: dict[str, Any] = line["message"]
    return found


def test_a_text_is_sent_with_our_reference(send: Send, graph: Imitation) -> None:
    assert send(TEXT).startswith("wamid.")
    assert sent_as(graph) == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "966500000001", "type": "text",
        "text": {"body": TEXT.text, "preview_url": False}, "biz_opaque_callback_data": REFERENCE,
    }  # fmt: skip


def test_what_json_cannot_carry_is_sent_as_a_replacement(send: Send, graph: Imitation) -> None:
    send(Draft(Kind.TEXT, "a\x00\ud800"))
    assert sent_as(graph)["text"]["body"] == "a\ufffd\ufffd"


def test_a_customer_without_a_number_is_sent_to_by_the_user_id(send: Send, graph: Imitation) -> None:
    send(TEXT, "SA.13491208655302741918")
    sent = sent_as(graph)
    assert ("to" in sent, sent["recipient"]) == (False, "SA.13491208655302741918")


def test_buttons_are_replies(send: Send, graph: Imitation) -> None:
    send(replace(BUTTONS, header="Head", footer="Foot"))
    assert sent_as(graph)["interactive"] == {
        "type": "button", "header": {"type": "text", "text": "Head"}, "body": {"text": "choose"},
        "footer": {"text": "Foot"},
        "action": {"buttons": [{"type": "reply", "reply": {"id": each.lower(), "title": each}} for each in "AB"]},
    }  # fmt: skip


def listed(*sections: Section) -> Draft:
    return Draft(Kind.LIST, "choose", button="Open", sections=sections)


def test_a_list_keeps_its_sections(send: Send, graph: Imitation) -> None:
    send(listed(Section((Row("a", "A", "first"),), "One"), Section(()), Section((Row("b", "B"),), "Two")))
    rows = [{"id": "a", "title": "A", "description": "first"}], [{"id": "b", "title": "B"}]
    sections = [{"title": "One", "rows": rows[0]}, {"title": "Two", "rows": rows[1]}]
    action = {"button": "Open", "sections": sections}
    assert sent_as(graph)["interactive"] == {"type": "list", "body": {"text": "choose"}, "action": action}


def test_sections_without_titles_are_one(send: Send, graph: Imitation) -> None:
    send(listed(Section((Row("a", "A"),), "One"), Section((Row("b", "B"),))))
    rows = [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]
    assert sent_as(graph)["interactive"]["action"]["sections"] == [{"rows": rows}]


def test_a_template_has_its_variables_in_numeric_order(send: Send, graph: Imitation) -> None:
    variables = {str(n): f"v{n}" for n in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)} | {"1": "a\tb      c"}
    send(Draft(Kind.TEMPLATE, template=TemplateUse("order_ready", "en_US", variables)))
    values = ["a b    c", *(f"v{n}" for n in range(2, 11))]
    body = {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}
    assert sent_as(graph)["template"] == {"name": "order_ready", "language": {"code": "en_US"}, "components": [body]}


def test_a_template_has_named_variables_by_their_names(send: Send, graph: Imitation) -> None:
    send(Draft(Kind.TEMPLATE, template=TemplateUse("t", variables={"name": "Aisha"})))
    parameters = [{"type": "text", "parameter_name": "name", "text": "Aisha"}]
    body = {"type": "body", "parameters": parameters}
    assert sent_as(graph)["template"] == {"name": "t", "language": {"code": "ar"}, "components": [body]}


def test_a_template_without_variables_has_no_components(send: Send, graph: Imitation) -> None:
    send(Draft(Kind.TEMPLATE, template=TemplateUse("t")))
    assert sent_as(graph)["template"] == {"name": "t", "language": {"code": "ar"}}


def test_what_is_sent_goes_to_the_number_of_the_channel_and_to_no_other_path(send: Send, graph: Imitation) -> None:
    strange = replace(ACCOUNT, credentials={**ACCOUNT.credentials, "phone_number_id": "7/../" + payloads.NUMBER_ID})
    with pytest.raises(errors.CredentialsRefused) as failure:
        send(TEXT, account=strange)
    assert failure.value.code == "33"
    assert graph.ledger() == []


def test_a_text_may_have_4096_characters() -> None:
    META.check(Draft(Kind.TEXT, "😀" * 4096))
    with pytest.raises(RefusedByLimit):
        META.check(Draft(Kind.TEXT, "x" * 4097))


# --- answers ----------------------------------------------------------------------------------------

REFUSED = errors.CredentialsRefused
UNKNOWN = errors.UnknownOutcome


@pytest.mark.parametrize(
    ("order", "verdict", "code", "sent"),
    [
        ({"mode": "error", "status": 400, "code": 131009}, errors.PermanentFailure, "131009", 0),
        ({"mode": "error", "status": 400, "code": 987654}, errors.PermanentFailure, "987654", 0),
        ({"mode": "error", "status": 500, "code": 987654}, UNKNOWN, "987654", 0),
        ({"mode": "error", "status": 500, "code": 134102}, errors.TemplateRefused, "134102", 0),
        ({"mode": "error", "status": 500, "code": 131016}, errors.TemporaryFailure, "131016", 0),
        ({"mode": "error", "status": 500, "code": 131000}, errors.TemporaryFailure, "131000", 0),
        ({"mode": "error", "status": 503, "code": 2, "retry_after": 7}, errors.Throttled, "2", 0),
        ({"mode": "error", "status": 403, "code": 130429}, errors.Throttled, "130429", 0),
        ({"mode": "error", "status": 403, "code": 131056, "retry_after": 7}, errors.TemporaryFailure, "131056", 0),
        ({"mode": "error", "status": 429, "code": 613, "retry_after": 7}, errors.Throttled, "613", 0),
        ({"mode": "error", "status": 401, "code": 190, "subcode": 463}, REFUSED, "190", 0),
        ({"mode": "error", "status": 400, "code": 190}, REFUSED, "190", 0),
        ({"mode": "error", "status": 401, "code": 0}, REFUSED, "0", 0),
        ({"mode": "error", "status": 400, "code": 100}, errors.PermanentFailure, "100", 0),
        ({"mode": "error", "status": 400, "code": 100, "subcode": 33}, REFUSED, "33", 0),
        ({"mode": "error", "status": 403, "code": 131050}, errors.RecipientRefused, "131050", 0),
        ({"mode": "error", "status": 500}, UNKNOWN, "http_500", 0),
        ({"mode": "error", "status": 500, "accepted": True}, UNKNOWN, "http_500", 1),
        ({"mode": "error", "status": 200, "code": 131009}, UNKNOWN, "unreadable_answer", 0),
        ({"mode": "redirect"}, errors.SetupRefused, "unexpected_redirect", 0),
        ({"mode": "reset_before"}, UNKNOWN, "connection_lost", 0),
        ({"mode": "reset_after"}, UNKNOWN, "connection_lost", 1),
        ({"mode": "timeout"}, UNKNOWN, "timeout", 1),
        ({"mode": "broken_json"}, UNKNOWN, "unreadable_answer", 1),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_what_meta_answers_has_its_verdict(
    send: Send, graph: Imitation, order: dict[str, Any], verdict: type[errors.ProviderFailure], code: str, sent: int
) -> None:
    graph.order(**order)
    with pytest.raises(errors.ProviderFailure) as failure:
        send(TEXT, settings={"wabot_send_timeout": 1})
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert len(graph.ledger()) == sent
    assert failure.value.retry_after == (7.0 if "retry_after" in order else None)
    send(TEXT)


def test_details_are_told_behind_the_message(send: Send, graph: Imitation) -> None:
    graph.order("error", code=131009, details="Recipient is not valid")
    with pytest.raises(errors.PermanentFailure) as failure:
        send(TEXT)
    assert failure.value.message == "As ordered: Recipient is not valid"
    assert b"fbtrace_id" in failure.value.raw


@pytest.mark.parametrize(
    "error", [None, 7, [], "no", {"code": {}}, {"code": True}, {"code": None, "error_data": 3, "message": []}]
)
def test_an_error_in_another_shape_is_told_by_its_status(structures: Kept, error: Any) -> None:
    with responses.RequestsMock() as network:
        url = f"https://graph.facebook.com/v23.0/{payloads.NUMBER_ID}/messages"
        network.post(url, json={"error": error, "messages": [7]}, status=400)
        with pytest.raises(errors.PermanentFailure) as failure:
            META.send(
                ACCOUNT,
                "+966500000001",
                TEXT,
                reference="r",
                structures=structures,
                files=Shelf(n1=b"1"),
                settings=Settings(),
            )
    assert failure.value.code == "http_400"


def test_a_limit_that_wants_minutes_is_not_asked_about_every_few_seconds(send: Send, graph: Imitation) -> None:
    graph.order("error", status=400, code=80007)
    with pytest.raises(errors.Throttled) as failure:
        send(TEXT)
    assert failure.value.retry_after == 300


# --- probe, recovery --------------------------------------------------------------------------------


def test_good_credentials_pass_the_probe(settings: Settings) -> None:
    META.probe(ACCOUNT, settings)


@pytest.mark.parametrize("wrong", [{"access_token": "wrong"}, {"phone_number_id": "7"}, {"phone_number_id": "../x?"}])
def test_bad_credentials_fail_the_probe(settings: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(errors.CredentialsRefused):
        META.probe(Account("+1", {**ACCOUNT.credentials, **wrong}), settings)


def test_there_is_no_history_to_recover_from(settings: Settings) -> None:
    with pytest.raises(errors.Conflict, match="keeps no history"):
        list(META.recover(ACCOUNT, datetime(2026, 11, 20, tzinfo=UTC), settings))


# --- the imitation ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"messaging_product": "sms"}, 100),
        ({"to": "+966500000001"}, 131009),
        ({"to": None}, 131009),
        ({"type": "image"}, 131008),
        ({"text": {"body": "x" * 4097}}, 131009),
        ({"type": "template", "template": {"name": "t"}}, 131008),
        ({"type": "interactive", "interactive": {"type": "button", "body": {"text": "x"}, "action": {}}}, 131009),
    ],
)
def test_it_refuses_what_meta_refuses(wrong: dict[str, Any], code: int, tmp_path: Any) -> None:
    meta = imitated.Meta({}, tmp_path / "ledger")
    good = {"messaging_product": "whatsapp", "to": "966500000001", "type": "text", "text": {"body": "x"}}
    meta.check(good)
    with pytest.raises(imitated.Refusal) as refusal:
        meta.check(good | wrong)
    assert refusal.value.code == code
    meta.close()


def test_a_webhook_of_the_imitation_reads_as_one() -> None:
    body = imitated.webhook("7", statuses=[{"id": "wamid.1", "status": "sent", "timestamp": "1795167000"}])
    request = arrived(body, x_hub_signature_256=imitated.sign(body, payloads.SECRET))
    assert META.verify(request, ACCOUNT, payloads.PUBLIC_URL)
    assert [type(item) for item in meta_webhooks.parse(request)] == [words.Receipt]
