"""Twilio's adapter: accounts, addresses, what it sends, and what it makes of the answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import responses

from tests.providers import payloads
from tests.providers.conftest import Imitation, Kept, Shelf
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import by_name, limits, twilio_content, twilio_webhooks
from wabot.providers.base import Account, Address, Arrived, RefusedByLimit
from wabot.words import Button, Draft, Kind, Row, Section, TemplateUse

TWILIO = by_name("twilio")
ACCOUNT = payloads.ACCOUNTS["twilio"]
REFERENCE = "0199aaaa-0000-7000-8000-000000000001.2"
TEXT = Draft(Kind.TEXT, "مرحبا\nhello")
BUTTONS = Draft(Kind.BUTTONS, "one\n\ntwo", buttons=(Button("a", "A"), Button("b", "B")))
LIST = Draft(
    Kind.LIST, "choose", button="Open", sections=(Section((Row("a", "A", "first"),)), Section((Row("b", "B"),), "t"))
)

Send = Callable[..., str]


@pytest.fixture
def send(settings: Settings, structures: Kept) -> Send:
    def to_the_imitation(draft: Draft, recipient: str = "+966500000001", **other: Any) -> str:
        sent = TWILIO.send(
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


# --- accounts and addresses -------------------------------------------------------------------------

MASTER = Settings(twilio_master_sid="ACmaster", twilio_master_auth="master-token")


@pytest.mark.parametrize(
    ("own", "sid", "token"),
    [
        ({}, "ACmaster", "master-token"),
        ({"account_sid": "", "auth_token": ""}, "ACmaster", "master-token"),
        ({"auth_token": "rotated"}, "ACmaster", "rotated"),
        ({"account_sid": "ACmaster"}, "ACmaster", "master-token"),
        ({"account_sid": "ACown", "auth_token": "own"}, "ACown", "own"),
        ({"account_sid": "ACown"}, "ACown", ""),
    ],
)
def test_the_master_account_stands_in_but_never_lends_its_token_to_another(
    own: dict[str, str], sid: str, token: str
) -> None:
    credentials = TWILIO.account("+1", own, MASTER).credentials
    assert (credentials["account_sid"], credentials["auth_token"]) == (sid, token)


def test_the_default_account_is_the_master_account_if_it_is_whole() -> None:
    default = TWILIO.default_account(MASTER)
    assert default is not None
    assert default.credentials["auth_token"] == "master-token"
    assert TWILIO.default_account(Settings()) is None
    assert TWILIO.default_account(Settings(twilio_master_sid="ACmaster")) is None


def test_the_webhook_url_asks_for_retries() -> None:
    assert TWILIO.urls("https://a.com", "k") == (
        "https://a.com/webhooks/k#rc=5&rp=ct,rt,5xx",
        "https://a.com/whatsapp/status",
    )


@pytest.mark.parametrize(
    ("situation", "number", "reference"),
    [
        ("text", "+966110000001", ""),
        ("text_by_get_with_a_plus_in_the_clear", "+966110000001", ""),
        ("status_read", "+966110000001", REFERENCE),
        ("status_by_get", "+966110000001", REFERENCE),
        ("status_without_our_reference", "+966110000001", ""),
    ],
)
def test_a_webhook_is_addressed_to_our_number(situation: str, number: str, reference: str) -> None:
    assert TWILIO.addresses(payloads.read("twilio", situation)[0]) == [Address(number, reference)]


def test_what_says_nothing_of_us_is_addressed_to_nobody() -> None:
    for content_type, body in ((twilio_webhooks.FORM, b"To=whatsapp:US.12"), ("application/json", b'{"To": "+1"}')):
        assert TWILIO.addresses(Arrived("POST", "/x", {"content-type": content_type}, body)) == [Address()]


def test_it_recognises_its_signature_and_forms() -> None:
    assert TWILIO.recognises(Arrived("GET", "/x", {"x-twilio-signature": "x"}, b""))
    assert TWILIO.recognises(Arrived("POST", "/x", {"content-type": "Application/X-WWW-Form-Urlencoded"}, b""))
    assert not TWILIO.recognises(Arrived("POST", "/x", {"content-type": "application/json"}, b"{}"))


def test_a_message_without_a_sid_is_unreadable() -> None:
    arrived = Arrived("POST", "/x", {"content-type": twilio_webhooks.FORM}, b"From=whatsapp:%2B1415&Body=hi")
    with pytest.raises(errors.Unreadable, match="MessageSid"):
        TWILIO.parse(arrived)


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-11-20T12:30:00+03:00", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 09:30:00 GMT", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
    ],
)
def test_the_event_time_of_a_recovered_message_is_read_or_left_out(given: str, moment: datetime | None) -> None:
    form = urlencode({"MessageSid": "SM1", "From": "whatsapp:+1415", "Body": "hi", "WabotSentAt": given})
    [item] = TWILIO.parse(Arrived("POST", "/x", {"content-type": twilio_webhooks.FORM}, form.encode()))
    assert isinstance(item, words.Incoming)
    assert item.sent_at == moment


# --- sends ------------------------------------------------------------------------------------------


def test_a_text_is_sent_with_our_reference_in_its_callback(send: Send, imitation: Imitation) -> None:
    sid = send(TEXT)
    [line] = imitation.ledger()
    assert (line["sid"], line["To"], line["From"]) == (sid, "whatsapp:+966500000001", "whatsapp:+966110000001")
    assert line["Body"] == TEXT.text
    assert line["StatusCallback"] == f"https://bot.example.com/whatsapp/status?m={REFERENCE}"


def test_a_customer_without_a_number_is_sent_to_by_the_user_id(send: Send, imitation: Imitation) -> None:
    send(TEXT, "SA.1234")
    assert imitation.ledger()[0]["To"] == "whatsapp:SA.1234"


def test_a_messaging_service_stands_for_the_number(send: Send, imitation: Imitation) -> None:
    service = replace(ACCOUNT, credentials={**ACCOUNT.credentials, "messaging_service_sid": "MG1"})
    send(TEXT, account=service)
    [line] = imitation.ledger()
    assert (line["From"], line["MessagingServiceSid"]) == (None, "MG1")


def test_what_the_status_callback_brings_back_reads_as_our_reference(send: Send, imitation: Imitation) -> None:
    send(TEXT)
    url = urlsplit(imitation.ledger()[0]["StatusCallback"])
    form = urlencode({"MessageSid": "SM1", "MessageStatus": "sent"}).encode()
    [receipt] = TWILIO.parse(Arrived("POST", f"{url.path}?{url.query}", {"content-type": twilio_webhooks.FORM}, form))
    assert isinstance(receipt, words.Receipt)
    assert receipt.reference == REFERENCE
    assert parse_qs(url.query) == {"m": [REFERENCE]}


def filled(imitation: Imitation, line: dict[str, Any]) -> Any:
    """The content of a sent message with its variables put in."""
    content = imitation.ask("GET", "/_contents")[line["ContentSid"]]
    text = json.dumps(content)
    for name, value in json.loads(line["ContentVariables"]).items():
        text = text.replace("{{" + name + "}}", json.dumps(value)[1:-1])
    return json.loads(text)


def test_buttons_are_a_quick_reply(send: Send, imitation: Imitation) -> None:
    send(replace(BUTTONS, header="Head", footer="Foot"))
    [line] = imitation.ledger()
    assert line["Body"] is None
    actions = [{"type": "QUICK_REPLY", "title": title, "id": title.lower()} for title in "AB"]
    assert filled(imitation, line) == {"twilio/quick-reply": {"body": "Head\none\n\ntwo\nFoot", "actions": actions}}


def test_a_list_is_a_list_picker_without_sections(send: Send, imitation: Imitation) -> None:
    send(LIST)
    items = [{"item": "A", "id": "a", "description": "first"}, {"item": "B", "id": "b"}]
    picker = {"twilio/list-picker": {"body": "choose", "button": "Open", "items": items}}
    assert filled(imitation, imitation.ledger()[0]) == picker


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a    b\tc", "a   b c"),
        ("a\n \n\t\nb", "a\n\n\nb"),
        ("\n a \r\n b\n\n", "a \n b"),
        ("{{1}} {{name}}", "{{1}} {{name}}"),
        ("a\u3000\u3000\u3000\u3000b", "a   b"),
    ],
)
def test_a_text_survives_what_variables_may_not_hold(send: Send, imitation: Imitation, text: str, shown: str) -> None:
    send(replace(BUTTONS, text=text))
    assert filled(imitation, imitation.ledger()[0])["twilio/quick-reply"]["body"] == shown


def test_what_differs_from_order_to_order_leaves_no_content_of_its_own(send: Send, imitation: Imitation) -> None:
    for number in ("1001", "1002"):
        track = (Button(f"track:{number}", "Track order"), Button("person", "Talk to a person"))
        send(Draft(Kind.BUTTONS, f"Your order {number} is in", buttons=track))
        rows = tuple(Row(f"line:{number}:{n}", f"{n} × {number}", f"{n} SAR") for n in (1, 2))
        send(Draft(Kind.LIST, "Your cart", button="View options", sections=(Section(rows),)))
    assert len(imitation.ask("GET", "/_contents")) == 2
    *_, last = (filled(imitation, line) for line in imitation.ledger())
    assert last["twilio/list-picker"]["items"][1] == {"item": "2 × 1002", "id": "line:1002:2", "description": "2 SAR"}


def test_an_id_that_a_variable_would_change_stays_as_it_is(send: Send, imitation: Imitation) -> None:
    send(Draft(Kind.BUTTONS, "x", buttons=(Button("a     b", "A"),)))
    [action] = filled(imitation, imitation.ledger()[0])["twilio/quick-reply"]["actions"]
    assert action["id"] == "a     b"


def test_more_rows_than_there_are_variables_for_still_go(send: Send, imitation: Imitation) -> None:
    rows = tuple(Row(f"r{n}", f"Row {n}", f"about {n}") for n in range(10))
    send(Draft(Kind.LIST, "\n".join("x" * 95), button="Open", sections=(Section(rows),)))
    picker = filled(imitation, imitation.ledger()[0])["twilio/list-picker"]
    assert [item["id"] for item in picker["items"]] == [row.id for row in rows]


def test_braces_in_a_title_are_no_variable(send: Send, imitation: Imitation) -> None:
    send(Draft(Kind.BUTTONS, "x", buttons=(Button("{{1}}", "{{2}}"), Button("b", "B"))))
    send(Draft(Kind.LIST, "x", button="{{9}}", sections=(Section((Row("{{a}}", "{{b}}", "{{c}}"),)),)))
    quick, picker = (filled(imitation, line) for line in imitation.ledger())
    assert [(action["id"], action["title"]) for action in quick["twilio/quick-reply"]["actions"]] == [
        ("{{1}}", "{{2}}"),
        ("b", "B"),
    ]
    assert picker["twilio/list-picker"]["button"] == "{{9}}"
    assert picker["twilio/list-picker"]["items"] == [{"item": "{{b}}", "id": "{{a}}", "description": "{{c}}"}]


def test_a_structure_is_created_once_for_all_texts_of_its_shape(
    send: Send, imitation: Imitation, structures: Kept
) -> None:
    for text in ("one\ntwo", "three\nfour", "five\nsix"):
        send(replace(BUTTONS, text=text))
    assert len(imitation.ask("GET", "/_contents")) == len(structures.ids) == 1
    send(replace(BUTTONS, text="one line"))
    send(replace(BUTTONS, buttons=(Button("a", "C"),)))
    assert len(imitation.ask("GET", "/_contents")) == 3


def test_a_structure_belongs_to_its_account() -> None:
    content = twilio_content.of(BUTTONS)
    assert content.key("AC1") == content.key("AC1") != content.key("AC2")
    assert content.creation(content.key("AC1"))["friendly_name"] == f"wabot_{content.key('AC1')[:16]}"


def test_a_structure_that_is_gone_is_forgotten_and_made_again(
    send: Send, imitation: Imitation, structures: Kept
) -> None:
    send(BUTTONS)
    imitation.ask("POST", "/_control", {"forget_contents": True})
    with pytest.raises(errors.TemporaryFailure) as failure:
        send(BUTTONS)
    assert failure.value.code == "content_gone"
    assert len(structures.forgotten) == 1
    send(BUTTONS)
    assert len(imitation.ledger()) == 2


def test_a_structure_is_kept_when_the_send_fails_for_another_reason(
    send: Send, imitation: Imitation, structures: Kept
) -> None:
    imitation.order("refuse_400", code=63016)
    with pytest.raises(errors.PermanentFailure):
        send(BUTTONS)
    assert len(structures.ids) == 1


@pytest.mark.parametrize(
    ("order", "verdict", "code"),
    [
        ({"mode": "status", "status": 500}, errors.TemporaryFailure, "http_500"),
        ({"mode": "reset_after"}, errors.TemporaryFailure, "connection_lost"),
        ({"mode": "timeout"}, errors.TemporaryFailure, "timeout"),
        ({"mode": "broken_json"}, errors.TemporaryFailure, "unreadable_answer"),
        ({"mode": "throttle", "retry_after": 9}, errors.Throttled, "20429"),
        ({"mode": "status", "status": 401, "code": 20003}, errors.CredentialsRefused, "20003"),
        ({"mode": "refuse_400", "code": 92007}, errors.TemplateRefused, "92007"),
        ({"mode": "redirect"}, errors.SetupRefused, "unexpected_redirect"),
    ],
)
def test_a_structure_that_cannot_be_created_sent_nothing(
    send: Send, imitation: Imitation, order: dict[str, Any], verdict: type[errors.ProviderFailure], code: str
) -> None:
    imitation.order(**order, on="content")
    with pytest.raises(errors.ProviderFailure) as failure:
        send(BUTTONS, settings={"wabot_send_timeout": 1})
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert imitation.ledger() == []


def test_creating_a_structure_leaves_the_send_half_of_its_time(send: Send, imitation: Imitation) -> None:
    imitation.order("ok", on="content", delay_ms=700)
    with pytest.raises(errors.TemporaryFailure) as failure:
        send(BUTTONS, settings={"wabot_send_timeout": 1})
    assert failure.value.code == "timeout"
    assert imitation.ledger() == []


def test_a_text_of_too_many_lines_is_refused_before_it_is_sent() -> None:
    TWILIO.check(replace(BUTTONS, text="\n".join("x" * 100)))
    with pytest.raises(RefusedByLimit):
        TWILIO.check(replace(BUTTONS, text="\n".join("x" * 101)))


def test_header_and_footer_count_as_body_because_they_are_sent_in_it() -> None:
    TWILIO.check(replace(BUTTONS, text="x" * (limits.BODY - 10), header="1234", footer="1234"))
    with pytest.raises(RefusedByLimit):
        TWILIO.check(replace(BUTTONS, text="x" * (limits.BODY - 9), header="1234", footer="1234"))


def test_a_text_may_have_1600_characters() -> None:
    TWILIO.check(Draft(Kind.TEXT, "😀" * 1600))
    with pytest.raises(RefusedByLimit):
        TWILIO.check(Draft(Kind.TEXT, "x" * 1601))


# --- templates --------------------------------------------------------------------------------------

HX = "HX" + "aB" * 16
TEMPLATE = {HX: {"twilio/text": {"body": "Order {{1}} of {{name}}"}}}


@pytest.mark.parametrize("name", [HX, "order_ready", "ORDER_READY"])
def test_a_template_is_sent_by_its_sid_or_by_its_configured_name(send: Send, imitation: Imitation, name: str) -> None:
    imitation.ask("POST", "/_control", {"contents": TEMPLATE})
    template = TemplateUse(name, variables={"1": "4\t2", "name": "Aisha    B"})
    send(Draft(Kind.TEMPLATE, template=template), settings={"content_sids": {"order_ready": HX}})
    [line] = imitation.ledger()
    assert line["ContentSid"] == HX
    assert json.loads(line["ContentVariables"]) == {"1": "4 2", "name": "Aisha   B"}


def test_a_template_without_variables_names_none(send: Send, imitation: Imitation) -> None:
    imitation.ask("POST", "/_control", {"contents": {HX: {"twilio/text": {"body": "hi"}}}})
    send(Draft(Kind.TEMPLATE, template=TemplateUse(HX)))
    assert imitation.ledger()[0]["ContentVariables"] is None


@pytest.mark.parametrize("name", ["order_ready", "HX123", HX + "0", "hx" + "a" * 32])
def test_a_template_that_nobody_configured_is_a_permanent_failure(send: Send, imitation: Imitation, name: str) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        send(Draft(Kind.TEMPLATE, template=TemplateUse(name)))
    assert failure.value.code == "template_unknown"
    assert imitation.ledger() == []


def test_a_template_that_twilio_does_not_know_is_a_permanent_failure(send: Send, structures: Kept) -> None:
    with pytest.raises(errors.PermanentFailure) as failure:
        send(Draft(Kind.TEMPLATE, template=TemplateUse(HX)))
    assert failure.value.code == "21655"
    assert structures.forgotten == []


# --- answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "verdict", "code", "sent"),
    [
        ({"mode": "refuse_400", "code": 21211}, errors.RecipientRefused, "21211", 0),
        ({"mode": "refuse_400", "code": 63018}, errors.Throttled, "63018", 0),
        ({"mode": "refuse_400", "code": 98765}, errors.PermanentFailure, "98765", 0),
        ({"mode": "status", "status": 403, "code": 20003}, errors.CredentialsRefused, "20003", 0),
        ({"mode": "status", "status": 403, "code": 21610}, errors.RecipientRefused, "21610", 0),
        ({"mode": "status", "status": 404, "code": 20404}, errors.CredentialsRefused, "20404", 0),
        ({"mode": "status", "status": 500, "code": 20500, "accepted": True}, errors.UnknownOutcome, "20500", 1),
        ({"mode": "status", "status": 500}, errors.UnknownOutcome, "http_500", 0),
        ({"mode": "status", "status": 503, "code": 20503}, errors.TemporaryFailure, "20503", 0),
        ({"mode": "status", "status": 503, "code": 20503, "retry_after": 7}, errors.Throttled, "20503", 0),
        ({"mode": "status", "status": 503, "code": 20500, "retry_after": 7}, errors.UnknownOutcome, "20500", 0),
        ({"mode": "throttle", "retry_after": 7}, errors.Throttled, "20429", 0),
        ({"mode": "redirect"}, errors.SetupRefused, "unexpected_redirect", 0),
        ({"mode": "reset_before"}, errors.UnknownOutcome, "connection_lost", 0),
        ({"mode": "reset_after"}, errors.UnknownOutcome, "connection_lost", 1),
        ({"mode": "timeout"}, errors.UnknownOutcome, "timeout", 1),
        ({"mode": "drip", "delay_ms": 20}, errors.UnknownOutcome, "timeout", 1),
        ({"mode": "huge"}, errors.UnknownOutcome, "answer_too_large", 1),
        ({"mode": "broken_json"}, errors.UnknownOutcome, "unreadable_answer", 1),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_what_twilio_answers_has_its_verdict(
    send: Send,
    imitation: Imitation,
    order: dict[str, Any],
    verdict: type[errors.ProviderFailure],
    code: str,
    sent: int,
) -> None:
    imitation.order(**order)
    with pytest.raises(errors.ProviderFailure) as failure:
        send(TEXT, settings={"wabot_send_timeout": 1})
    assert (type(failure.value), failure.value.code) == (verdict, code)
    assert len(imitation.ledger()) == sent
    assert failure.value.retry_after == (7.0 if "retry_after" in order and verdict is errors.Throttled else None)
    send(TEXT)


def test_the_vendors_message_is_kept(send: Send, imitation: Imitation) -> None:
    imitation.order("refuse_400", code=21211)
    with pytest.raises(errors.PermanentFailure) as failure:
        send(TEXT)
    assert failure.value.message == "Refused as ordered"
    assert b"21211" in failure.value.raw


def test_the_newer_shape_of_errors_is_read_too(structures: Kept) -> None:
    body = {"type": "x", "title": "No", "status": 400, "code": 63016, "detail": "outside the window"}
    with responses.RequestsMock() as network:
        network.post(f"https://api.twilio.com/2010-04-01/Accounts/{payloads.AC}/Messages.json", json=body, status=400)
        with pytest.raises(errors.PermanentFailure) as failure:
            TWILIO.send(
                ACCOUNT, "+1", TEXT, reference="r", structures=structures, files=Shelf(n1=b"1"), settings=Settings()
            )
    assert (failure.value.code, failure.value.message) == ("63016", "outside the window")


def test_wrong_credentials_pause_the_channel(send: Send) -> None:
    wrong = replace(ACCOUNT, credentials={**ACCOUNT.credentials, "auth_token": "wrong"})
    with pytest.raises(errors.CredentialsRefused) as failure:
        send(TEXT, account=wrong)
    assert failure.value.code == "20003"


def test_a_spent_daily_limit_is_not_asked_about_every_few_seconds() -> None:
    assert TWILIO.failure("63038", "").retry_after == 3600


# --- probe ------------------------------------------------------------------------------------------


def test_good_credentials_pass_the_probe(settings: Settings) -> None:
    TWILIO.probe(ACCOUNT, settings)


@pytest.mark.parametrize("wrong", [{"auth_token": "wrong"}, {"account_sid": "AC../../x?"}])
def test_bad_credentials_fail_the_probe(settings: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(errors.CredentialsRefused):
        TWILIO.probe(Account("+1", {**ACCOUNT.credentials, **wrong}), settings)


# --- recovery ---------------------------------------------------------------------------------------

SINCE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def wrote(imitation: Imitation, text: str, minutes: int, **more: Any) -> None:
    sent = (SINCE + timedelta(minutes=minutes)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    message = {"From": "whatsapp:+966500000001", "To": "whatsapp:+966110000001", "Body": text, "date_sent": sent}
    imitation.ask("POST", "/_inbound", message | more)


def recovered(settings: Settings) -> list[words.Incoming]:
    found = [item for arrived in TWILIO.recover(ACCOUNT, SINCE, settings) for item in TWILIO.parse(arrived)]
    return [item for item in found if isinstance(item, words.Incoming)]


def test_what_customers_wrote_since_then_comes_back_oldest_first(imitation: Imitation, settings: Settings) -> None:
    wrote(imitation, "too old", -1)
    wrote(imitation, "أول", 0)
    wrote(imitation, "to another number", 1, To="whatsapp:+966110000002")
    wrote(imitation, "ours", 1, direction="outbound-api")
    wrote(imitation, "second", 2, From="whatsapp:SA.1234")
    assert [(item.text, item.sent_at) for item in recovered(settings)] == [
        ("أول", SINCE),
        ("second", SINCE + timedelta(minutes=2)),
    ]


def test_recovery_reads_every_page(imitation: Imitation, settings: Settings) -> None:
    for n in range(120):
        wrote(imitation, str(n), n)
    assert [item.text for item in recovered(settings)] == [str(n) for n in range(120)]


def test_a_recovered_message_is_the_same_bytes_every_time(imitation: Imitation, settings: Settings) -> None:
    wrote(imitation, "hi", 0, num_media="1")
    first, again = (list(TWILIO.recover(ACCOUNT, SINCE, settings)) for _ in range(2))
    assert first == again
    assert first[0].headers["content-type"] == twilio_webhooks.FORM


@pytest.mark.parametrize(
    "elsewhere", ["http://evil.example.com/x", "//evil.example.com/x", "x", "http://127.0.0.1.evil/x"]
)
def test_recovery_takes_our_credentials_to_no_other_host(
    imitation: Imitation, settings: Settings, elsewhere: str
) -> None:
    imitation.ask("POST", "/_control", {"next_page_uri": elsewhere})
    with pytest.raises(errors.PermanentFailure) as failure:
        recovered(settings)
    assert failure.value.code == "unexpected_redirect"


def test_recovery_ends_after_a_hundred_pages(imitation: Imitation, settings: Settings) -> None:
    uri = f"/2010-04-01/Accounts/{payloads.AC}/Messages.json"
    imitation.ask("POST", "/_control", {"next_page_uri": uri})
    wrote(imitation, "again and again", 0)
    assert len(recovered(settings)) == 100


def test_recovery_with_wrong_credentials_says_so(settings: Settings) -> None:
    wrong = replace(ACCOUNT, credentials={**ACCOUNT.credentials, "auth_token": "wrong"})
    with pytest.raises(errors.CredentialsRefused):
        list(TWILIO.recover(wrong, SINCE, settings))
