"""Messages to a customer by number, for bookings and the like, and taking one back."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.core.conftest import PHONE
from tests.web.conftest import Cast
from tests.web.ledger import DEAD, SENT, WAITING, add, find, journal
from wabot import clock, config, words
from wabot.core import delivery, templates, tenancy
from wabot.store import db, outbox
from wabot.store.messages import Message
from wabot.words import Status

MESSAGES = "/api/restaurants/bait/messages"
BOOKED = {"kind": "template", "template": {"name": "booked", "variables": {"1": "19:00"}}}


@pytest.fixture
def quiet(cast: Cast) -> Cast:
    """Both welcomes are sent, and there is a template for customers who have not written."""
    cast.stage.deliver()
    cast.stage.sent.clear()
    templates.add(cast.stage.channel.id, words.Template("booked", "en", "tpl-1", "UTILITY", body="Your table: {{1}}"))
    return cast


def send(cast: Cast, body: Any, who: str = "alice", **headers: str) -> Any:
    return cast.post(MESSAGES, body, who, **headers)


def refusal(cast: Cast, body: Any) -> tuple[int, str]:
    answer = send(cast, body)
    return answer.status_code, answer.json["code"]


def cancel(cast: Cast, message_id: int, who: str = "alice") -> Any:
    return cast.client.delete(f"{MESSAGES}/{message_id}", headers=cast.headers(who))


def second_channel(number: str = "+201000000001") -> Any:
    given = {"secret": "s" * 32, "api_base": "http://provider.test"}
    return tenancy.add_channel("bait", "sandbox", number, given)


def test_a_template_reaches_a_customer_who_never_wrote(quiet: Cast) -> None:
    answer = send(quiet, {"to": "0512345678", "type": "confirmation", **BOOKED})
    assert answer.status_code == 202
    assert set(answer.json) == {"message", "confirmationUrl"}
    message = answer.json["message"]
    assert (message["type"], message["kind"], message["status"]) == ("confirmation", "template", "queued")
    assert message["body"] == "Your table: 19:00"
    quiet.stage.deliver()
    assert quiet.stage.sent[0]["to"] == "+966512345678"


def book(cast: Cast, phone: str, **headers: str) -> tuple[int, str]:
    answer = send(cast, {"to": phone, **BOOKED}, **headers)
    return answer.status_code, answer.json.get("code", "")


def test_a_spent_allowance_begins_no_conversation_and_leaves_those_that_are_open(quiet: Cast) -> None:
    tenancy.edit_tenant("bait", {"daily_limit": 2}, {})
    assert book(quiet, "+966500000002", **{"Idempotency-Key": "k"}) == (202, "")
    assert book(quiet, "+966500000003") == (422, "allowance_spent")
    assert book(quiet, "+966500000002") == (202, ""), "its conversation has begun"
    assert book(quiet, "+966500000002", **{"Idempotency-Key": "k"}) == (202, ""), "it was accepted before"
    quiet.stage.says("again, after the allowance was spent", phone="+966500000004")
    quiet.stage.answer()
    assert send(quiet, {"to": "+966500000004", "message": "a person answers"}).status_code == 202
    quiet.stage.later(days=1)
    assert book(quiet, "+966500000003") == (202, "")


def test_who_wrote_within_a_day_is_answered_whatever_is_left(quiet: Cast) -> None:
    quiet.stage.later(hours=23)
    quiet.stage.says("still there?")
    quiet.stage.later(hours=2)
    tenancy.edit_tenant("bait", {"daily_limit": 1}, {})
    quiet.stage.says("today's only conversation", phone="+966500000004")
    quiet.stage.answer()
    assert book(quiet, "+966500000003") == (422, "allowance_spent")
    assert send(quiet, {"to": PHONE, "message": "yes"}).status_code == 202, "though their conversation has ended"


def test_the_last_conversation_of_an_allowance_is_begun_once(quiet: Cast) -> None:
    tenancy.edit_tenant("bait", {"daily_limit": 3}, {})
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: book(quiet, f"+96650000001{n}"), range(8)))
    assert sorted(told) == [(202, "")] * 2 + [(422, "allowance_spent")] * 6


def test_a_month_has_thirty_days_of_allowance(quiet: Cast) -> None:
    tenancy.edit_tenant("bait", {"daily_limit": 1}, {})
    quiet.stage.later(days=1)
    while clock.now().day != 2:
        quiet.stage.later(days=1)
    for n in range(30):
        quiet.stage.says("hello", phone=f"+96650001{n:04}")
    quiet.stage.answer()
    quiet.stage.later(days=1)
    assert book(quiet, "+966500000003") == (422, "allowance_spent")
    quiet.stage.later(days=31)
    assert book(quiet, "+966500000003") == (202, "")


def test_the_confirmation_has_an_unguessable_address_of_ours(quiet: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOT_PUBLIC_URL", "https://wabot.example")
    config.settings.cache_clear()
    urls = [send(quiet, {"to": PHONE, "message": "hi"}).json["confirmationUrl"] for _ in range(2)]
    assert all(re.fullmatch(r"https://wabot\.example/c/[0-9a-f]{32}", url) for url in urls)
    assert urls[0] != urls[1]


def test_the_same_idempotency_key_is_the_same_message_with_the_same_address(quiet: Cast) -> None:
    body = {"to": PHONE, "message": "Booked", "type": "confirmation"}
    first, again = (send(quiet, body, **{"Idempotency-Key": "k"}).json for _ in range(2))
    assert (first["message"]["id"], first["confirmationUrl"]) == (again["message"]["id"], again["confirmationUrl"])
    for other in ({"message": "Else"}, {"to": "+966500000099"}, {"type": "reminder"}, {"channelId": 1}):
        answer = send(quiet, {**body, **other}, **{"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch"), other


def test_a_repetition_is_answered_as_the_first_time_whatever_would_be_said_today(quiet: Cast) -> None:
    """By then the customer's latest conversation is with another channel, the window is closed, the channel paused."""
    body = {"to": "0512345678", **BOOKED}
    first = send(quiet, body, **{"Idempotency-Key": "k"}).json
    quiet.stage.webhook(quiet.stage.item(phone="+966512345678"), channel=second_channel())
    quiet.stage.read()
    quiet.stage.later(hours=30)
    for channel in (quiet.stage.channel.id, quiet.stage.channel.id + 2):
        tenancy.pause_channel(channel)
    templates.add(quiet.stage.channel.id, words.Template("booked", "en", "tpl-2", status="REJECTED"))
    again = send(quiet, body, **{"Idempotency-Key": "k"})
    assert again.status_code == 202
    assert (again.json["message"]["id"], again.json["confirmationUrl"]) == (
        first["message"]["id"], first["confirmationUrl"])  # fmt: skip


def test_the_same_key_at_the_same_time_queues_once(quiet: Cast) -> None:
    def once(_: int) -> Any:
        client = quiet.client.application.test_client()
        headers = {**quiet.headers("alice"), "Idempotency-Key": "k"}
        return client.post(MESSAGES, json={"to": PHONE, "message": "hi"}, headers=headers).json["message"]["id"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(once, range(8)))) == 1


def test_a_number_without_a_country_is_read_in_the_country_of_the_channel_that_sends(quiet: Cast) -> None:
    channel = second_channel()
    templates.add(channel.id, words.Template("booked", "en", "tpl-1", body="Your table: {{1}}"))
    answer = send(quiet, {"to": "0100 123 4567", "channelId": channel.id, **BOOKED})
    assert answer.status_code == 202
    assert find(answer.json["message"]["id"]).customer.address == "+201001234567"
    assert find(answer.json["message"]["id"]).channel_id == channel.id


@pytest.mark.parametrize(
    "to", [PHONE, "966511111111", "00966511111111", "0511111111", "051 111 1111", "+966 51-111-1111"]
)
def test_a_number_may_be_spelled_in_any_usual_way(quiet: Cast, to: str) -> None:
    answer = send(quiet, {"to": to, "message": "hi"})
    assert answer.status_code == 202, answer.json
    assert find(answer.json["message"]["id"]).customer.address == PHONE


@pytest.mark.parametrize(
    ("body", "code"),
    [({"to": "12", "message": "hi"}, "invalid_number"), ({"to": "Sara", "message": "hi"}, "invalid_number"),
     ({"to": "+966599999999", "message": "hi"}, "window_closed"), ({"to": PHONE, "message": "x" * 5000}, "too_long"),
     ({"to": PHONE, "message": "hi", "channelId": 10**9}, "no_channel"),
     ({"to": PHONE, "kind": "template", "template": {"name": "none"}}, "template_unknown")],
)  # fmt: skip
def test_what_cannot_be_sent_is_422_with_its_word(quiet: Cast, body: dict[str, Any], code: str) -> None:
    before = Message.select().count()
    assert refusal(quiet, body) == (422, code)
    assert Message.select().count() == before


def test_another_tenant_s_channel_is_no_channel_here(quiet: Cast) -> None:
    theirs = find(add(quiet, slug="luma")[0]).channel_id
    assert refusal(quiet, {"to": PHONE, "message": "hi", "channelId": theirs}) == (422, "no_channel")
    assert refusal(quiet, {"to": "0512345678", "channelId": theirs, **BOOKED}) == (422, "no_channel")


@pytest.mark.parametrize(
    "body",
    [{"message": "hi"}, {"to": "", "message": "hi"}, {"to": 966511111111, "message": "hi"},
     {"to": PHONE, "message": "hi", "type": ""}, {"to": PHONE, "message": "hi", "type": "x" * 41},
     {"to": PHONE, "message": "hi", "type": "a\nb"}, {"to": PHONE, "message": "hi", "status": "sent"}, []],
)  # fmt: skip
def test_a_bad_body_is_400(quiet: Cast, body: Any) -> None:
    assert send(quiet, body).status_code == 400


def test_the_purpose_is_the_caller_s_own_word(quiet: Cast) -> None:
    assert send(quiet, {"to": PHONE, "message": "hi", "type": "حجز"}).json["message"]["type"] == "حجز"
    assert send(quiet, {"to": PHONE, "message": "hi"}).json["message"]["type"] == "agent"


def test_taking_a_message_back_before_it_is_claimed(quiet: Cast) -> None:
    made = send(quiet, {"to": PHONE, "message": "hi"}).json["message"]["id"]
    answer = cancel(quiet, made)
    assert (answer.status_code, answer.json["id"], answer.json["status"]) == (200, made, "cancelled")
    assert quiet.stage.deliver() == 0
    assert cancel(quiet, made).json["status"] == "cancelled"
    hint = quiet.tokens["alice"][-4:]
    assert journal() == [(f"token {hint}", "cancel", "bait", f"message {made}")]


def test_one_that_waits_for_its_retry_can_be_taken_back_too(quiet: Cast) -> None:
    [made] = add(quiet, **WAITING)
    assert cancel(quiet, made).json["status"] == "cancelled"
    quiet.stage.later(minutes=1)
    assert quiet.stage.deliver() == 0


def test_once_it_is_claimed_it_is_409(quiet: Cast) -> None:
    made = send(quiet, {"to": PHONE, "message": "hi"}).json["message"]["id"]
    db.write(lambda: outbox.claim(clock.now(), quiet.stage.pace, delivery.lease()))
    answer = cancel(quiet, made)
    assert (answer.status_code, answer.json["code"]) == (409, "already_sending")
    assert find(made).status is Status.SENDING
    for state in (SENT, DEAD):
        assert cancel(quiet, add(quiet, **state)[0]).status_code == 409


def test_what_is_cancelled_lets_the_next_of_its_conversation_go(quiet: Cast) -> None:
    first = send(quiet, {"to": PHONE, "message": "first"}).json["message"]["id"]
    send(quiet, {"to": PHONE, "message": "second"})
    cancel(quiet, first)
    quiet.stage.deliver()
    assert [sent["message"]["text"] for sent in quiet.stage.sent] == ["second"]


def test_nobody_else_s_message_and_no_customer_s_can_be_taken_back(quiet: Cast) -> None:
    [theirs] = add(quiet, slug="luma")
    received = quiet.stage.in_()[0].id
    for message_id in (theirs, received, 10**9, 10**45):
        assert cancel(quiet, message_id).status_code == 404
    assert find(theirs).status is Status.QUEUED
    assert cancel(quiet, theirs, "vera").status_code == 403


def test_while_the_credentials_cannot_be_opened_an_unknown_template_is_just_unknown(quiet: Cast) -> None:
    db.write(lambda: db.run("UPDATE channel SET credentials = x'00'"))
    assert refusal(quiet, {"to": PHONE, "kind": "template", "template": {"name": "none"}}) == (422, "template_unknown")
