"""What providers list as their templates, and the message that a send of unknown outcome left behind."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import responses

from tests.providers import payloads
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import by_name
from wabot.providers.base import Account

MASTER = "AC" + "0" * 32
HX = "HX" + "1" * 32
SETTINGS = Settings(twilio_master_sid=MASTER, content_sids={"order_ready": HX})
TWILIO, META = by_name("twilio"), by_name("meta")
OWN = Account("+14155238886", {"account_sid": "AC" + "9" * 32, "auth_token": "t"})
OF_MASTER = Account("+14155238886", {"account_sid": MASTER, "auth_token": "t"})
CONTENT = {
    "sid": HX, "friendly_name": "ready", "language": "en", "variables": {"1": "x", "2": "y"},
    "types": {"twilio/text": {"body": "Hello {{1}}, {{2}}"}},
}  # fmt: skip
APPROVED = {**CONTENT, "approval_requests": {"name": "order_ready", "category": "UTILITY", "status": "approved"}}
EXPECTED = words.Template("order_ready", "en", HX, "UTILITY", "approved", "Hello {{1}}, {{2}}", 2)
LIST = "https://content.twilio.com/v1/ContentAndApprovals"


def test_twilio_s_templates_are_the_contents_with_an_approval_over_all_pages() -> None:
    other = {**APPROVED, "sid": "HX" + "2" * 32, "language": "ar"}
    following = f"{LIST}?PageSize=50&PageToken=p2"
    with responses.RequestsMock() as http:
        http.get(LIST, json={"contents": [APPROVED, CONTENT, "rubbish", None], "meta": {"next_page_url": following}})
        http.get(following, json={"contents": [other], "meta": {"next_page_url": None}})
        found = list(TWILIO.templates(OWN, SETTINGS))
    assert found == [EXPECTED, words.Template("order_ready", "ar", other["sid"], *_rest(EXPECTED))]


def _rest(template: words.Template) -> tuple[Any, ...]:
    return template.category, template.status, template.body, template.params


def test_a_next_page_on_another_host_gets_no_credentials() -> None:
    with responses.RequestsMock() as http:
        http.get(LIST, json={"contents": [], "meta": {"next_page_url": "https://evil.test/v1/Content"}})
        with pytest.raises(errors.PermanentFailure):
            list(TWILIO.templates(OWN, SETTINGS))
        assert len(http.calls) == 1


def test_settings_name_contents_of_the_master_account_alone() -> None:
    assert TWILIO.template_id(OF_MASTER, "ORDER_READY", SETTINGS) == HX
    assert TWILIO.template_id(OWN, "order_ready", SETTINGS) == ""
    assert TWILIO.template_id(OWN, HX, SETTINGS) == HX
    assert list(TWILIO.named_templates(OWN, SETTINGS)) == []
    with responses.RequestsMock() as http:
        http.get(f"https://content.twilio.com/v1/Content/{HX}", json=CONTENT)
        assert list(TWILIO.named_templates(OF_MASTER, SETTINGS)) == [
            words.Template("order_ready", "en", HX, body="Hello {{1}}, {{2}}", params=2)
        ]


META_LIST = "https://graph.facebook.com/v23.0/99/message_templates"
META_ACCOUNT = Account("+1", {"phone_number_id": "1", "waba_id": "99", "access_token": "t"})


def test_meta_s_templates_over_all_pages() -> None:
    body = {"type": "BODY", "text": "Hello {{1}}, {{2}}"}
    header = {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}
    first = {"name": "ready", "language": "en_US", "status": "APPROVED", "category": "UTILITY", "components": [body]}
    pages = [
        {"data": [first, None, {}], "paging": {"next": "https://evil.test", "cursors": {"after": "c2"}}},
        {"data": [{**first, "name": "titled", "components": [header, body]}], "paging": {"cursors": {"after": "c3"}}},
    ]
    with responses.RequestsMock() as http:
        for page in pages:
            http.get(META_LIST, json=page)
        found = list(META.templates(META_ACCOUNT, SETTINGS))
        assert "after=c2" in http.calls[1].request.url
    assert found == [
        words.Template("ready", "en_US", "ready", "UTILITY", "APPROVED", "Hello {{1}}, {{2}}", 2),
        words.Template("titled", "en_US", "titled", "UTILITY", "APPROVED", "Hello {{1}}, {{2}}", 0),
    ]


def test_without_an_account_id_meta_cannot_be_asked_for_templates() -> None:
    with pytest.raises(errors.Conflict, match="waba_id"):
        list(META.templates(payloads.ACCOUNTS["meta"].__class__("+1", {"access_token": "t"}), SETTINGS))


SINCE = datetime(2026, 11, 21, 9, 0, 0, 500000, tzinfo=UTC)
MESSAGES = f"https://api.twilio.com/2010-04-01/Accounts/{OWN.credentials['account_sid']}/Messages.json"
DRAFT = words.Draft(words.Kind.TEXT, "Your order  is ready")


def row(sid: str = "SM1", *, seconds: float = 1, body: str = "Your order is ready", **values: Any) -> dict[str, Any]:
    made = format_datetime(SINCE + timedelta(seconds=seconds))
    return {"sid": sid, "direction": "outbound-api", "body": body, "date_created": made, **values}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row()], "SM1"),
        ([row(body="")], "SM1"),
        ([row(seconds=-30)], "SM1"),
        ([], None),
        ([row(seconds=-120)], None),
        ([row(body="something else")], None),
        ([row(direction="inbound")], None),
        ([row(), row("SM2")], None),
        ([row(), row("SM9")], "SM1"),
        ([row(to="whatsapp:+966522222222")], None),
        ([row(to="whatsapp:+966511111111", **{"from": "whatsapp:+14155238886"})], "SM1"),
        (["rubbish", None, {}], None),
    ],
)
def test_an_unknown_send_is_found_only_where_there_is_no_doubt(rows: list[Any], found: str | None) -> None:
    with responses.RequestsMock() as http:
        http.get(MESSAGES, json={"messages": rows})
        answer = TWILIO.find(OWN, "+966511111111", DRAFT, SINCE, {"SM9"}, SETTINGS)
        url = str(http.calls[0].request.url)
    assert (answer.provider_message_id if answer else None) == found
    assert "To=whatsapp%3A%2B966511111111" in url
    assert "From=whatsapp%3A%2B14155238886" in url


def test_a_failing_list_is_a_failure_and_no_answer() -> None:
    with responses.RequestsMock() as http:
        http.get(MESSAGES, status=401, json={"code": 20003})
        with pytest.raises(errors.CredentialsRefused):
            TWILIO.find(OWN, "+966511111111", DRAFT, SINCE, set(), SETTINGS)
