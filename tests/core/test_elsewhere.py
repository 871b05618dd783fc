"""What is no customer's message: what the business wrote in its own app, what a provider tells about a customer, and
what it tells about an account. None of it is answered, and each is kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.cli.conftest import Shell, logging_of_the_test
from tests.core.conftest import Stage
from tests.fakes import meta
from wabot import clock, config, errors, words
from wabot.core import media, sending, tenancy
from wabot.store import customers, db, webhooks
from wabot.store import media as files
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Channel
from wabot.words import MediaState, Status

__all__ = ["logging_of_the_test"]

APP_SECRET, TOKEN = "a" * 32, "token-of-bait"
NUMBER_ID, WABA = "106540352242922", "102290129340398"
CUSTOMER = "966511111111"
SEND_URL = f"https://graph.facebook.com/v23.0/{NUMBER_ID}/messages"


@dataclass
class Business:
    """A business on Meta whose people also write in the WhatsApp Business app."""

    stage: Stage
    channel: Channel

    def told(self, *changes: dict[str, Any], path: str = "/whatsapp/webhook", secret: str = APP_SECRET) -> int:
        """Meta posts these changes; they are read. Returns how it was answered."""
        return self.posted(meta.batch(*changes), path, secret)

    def posted(self, body: bytes, path: str = "/whatsapp/webhook", secret: str = APP_SECRET) -> int:
        headers = {"X-Hub-Signature-256": meta.sign(body, secret), "Content-Type": "application/json"}
        status = self.stage.client.post(path, data=body, headers=headers).status_code
        self.stage.read()
        return int(status)

    def hears(self, text: str = "hello", n: int = 1) -> None:
        """A customer writes."""
        message = {"from": CUSTOMER, "id": f"wamid.in.{n}", "type": "text", "text": {"body": text}}
        contacts = [{"profile": {"name": "Sara"}, "wa_id": CUSTOMER}]
        message["timestamp"] = str(int(clock.now().timestamp()))
        self.told(change("messages", contacts=contacts, messages=[message]))

    def writes(self, text: str = "from my phone", message_id: str = "wamid.app.1", **content: Any) -> None:
        """Somebody of the business writes in the app."""
        self.told(change("smb_message_echoes", message_echoes=[echo(message_id, text, **content)]))

    def status(self, status: str, message_id: str = "wamid.app.1", **more: Any) -> None:
        told = {"id": message_id, "status": status, "timestamp": str(int(clock.now().timestamp()))}
        self.told(change("messages", statuses=[{**told, "recipient_id": CUSTOMER, **more}]))


def change(field: str, number_id: str = NUMBER_ID, **value: Any) -> dict[str, Any]:
    return {"field": field, "value": meta.within(number_id, **value)}


def echo(message_id: str, text: str, **content: Any) -> dict[str, Any]:
    said = content or {"type": "text", "text": {"body": text}}
    timestamp = str(int(clock.now().timestamp()))
    return {"from": "966110000001", "to": CUSTOMER, "id": message_id, "timestamp": timestamp, **said}


def add_meta(slug: str, number: str, number_id: str, **given: str) -> Channel:
    credentials = {"phone_number_id": number_id, "access_token": TOKEN, "app_secret": APP_SECRET, **given}
    return tenancy.add_channel(slug, "meta", number, credentials, out_per_minute=100000)


@pytest.fixture
def business(stage: Stage) -> Business:
    return Business(stage, add_meta("bait", "+966110000001", NUMBER_ID, waba_id=WABA))


def conversation() -> Conversation:
    return Conversation.select().order_by(Conversation.id.desc()).get()


def test_what_the_business_wrote_in_its_app_is_stored_as_sent_by_a_person(business: Business) -> None:
    business.hears()
    business.writes("we close at ten")
    [message] = business.stage.out()
    assert (message.body, message.status, message.purpose) == ("we close at ten", Status.SENT, words.Purpose.AGENT)
    assert (message.provider_message_id, message.turn, message.attempts) == ("wamid.app.1", None, 0)
    assert message.conversation_id == conversation().id
    assert message.sent_at is not None
    assert conversation().last_message_id == message.id


def test_it_is_stored_once_however_often_and_in_whatever_body_it_comes(business: Business) -> None:
    for field in ("smb_message_echoes", "message_echoes", "smb_message_echoes"):
        business.told(change(field, message_echoes=[echo("wamid.app.1", "once")]))
    twice = [change(field, message_echoes=[echo("wamid.app.1", "once")]) for field in ("message_echoes",) * 2]
    business.told(*twice)
    assert [message.body for message in business.stage.out()] == ["once"]
    assert len(business.stage.attempts()) == 1


def test_it_is_never_sent_by_us_nor_answered_by_the_bot(business: Business) -> None:
    business.writes()
    business.stage.answer()
    business.stage.later(hours=1)
    business.stage.keep_house()
    assert business.stage.deliver() == 0
    assert len(business.stage.provider.calls) == 0
    assert (len(business.stage.out()), business.stage.in_()) == (1, [])


def test_it_marks_the_conversation_as_read_and_opens_no_window(business: Business) -> None:
    business.hears()
    assert conversation().unread == 1
    opened = conversation().last_in_at
    business.stage.later(hours=1)
    business.writes()
    assert (conversation().unread, conversation().last_in_at) == (0, opened)


def test_to_a_customer_who_never_wrote_it_opens_no_window_either(business: Business) -> None:
    business.writes("we have a table for you")
    assert (conversation().customer.address, conversation().last_in_at) == (f"+{CUSTOMER}", None)
    with pytest.raises(errors.Refused) as refusal:
        sending.send("bait", f"+{CUSTOMER}", words.Draft(words.Kind.TEXT, "hi"))
    assert refusal.value.code == "window_closed"


@pytest.mark.parametrize("minutes", [30, 5])
def test_the_bot_is_silent_for_as_long_as_after_a_hand_over(business: Business, minutes: int) -> None:
    tenancy.edit_tenant("bait", {}, {"handover_minutes": str(minutes)})
    business.writes()
    business.stage.later(minutes=minutes, seconds=-30)
    business.hears("thanks", 1)
    business.stage.answer()
    assert len(business.stage.out()) == 1
    assert conversation().state is words.ConversationState.NEEDS_PERSON
    business.stage.later(seconds=31)
    business.hears("hello again", 2)
    business.stage.answer()
    assert len(business.stage.out()) > 1


def test_what_was_waiting_for_the_bot_is_left_to_the_person_who_writes(business: Business) -> None:
    tenancy.edit_tenant("bait", {}, {"debounce_seconds": "2"})
    business.hears("where is my order?")
    business.writes("on its way")
    business.stage.later(seconds=10)
    business.stage.answer()
    assert [message.body for message in business.stage.out()] == ["on its way"]


def test_a_longer_silence_is_not_made_shorter(business: Business) -> None:
    business.hears()
    long_after = clock.now() + timedelta(hours=5)
    db.write(lambda: customers.pause_bot(conversation().id, long_after))
    business.writes()
    assert conversation().bot_paused_until == long_after


def test_its_receipts_are_followed(business: Business) -> None:
    business.writes()
    business.status("delivered")
    [message] = business.stage.out()
    assert (message.status, message.delivered_at is not None) == (Status.DELIVERED, True)
    business.status("read")
    business.status("sent")
    [message] = business.stage.out()
    assert (message.status, message.read_at is not None) == (Status.READ, True)


def test_a_receipt_that_comes_before_it_is_applied_to_it(business: Business) -> None:
    business.status("delivered")
    business.writes()
    [message] = business.stage.out()
    assert message.status is Status.DELIVERED
    assert db.one("SELECT count(*) FROM parked") == (0,)


def test_it_is_never_tried_again_when_it_failed(business: Business) -> None:
    business.writes()
    business.status("failed", errors=[{"code": 131000, "title": "Something went wrong"}])
    business.stage.later(hours=1)
    business.stage.keep_house()
    assert business.stage.deliver() == 0
    assert len(business.stage.attempts()) == 1
    [message] = business.stage.out()
    assert (message.retry_due, message.due_at, message.retry_count) == (False, None, 0)
    assert message.status not in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)


def test_the_echo_of_what_we_sent_ourselves_is_ignored(business: Business) -> None:
    made = {"messages": [{"id": "wamid.ours"}]}
    business.stage.provider.add("POST", SEND_URL, json=made)
    business.hears()
    sending.reply(business.channel.tenant_id, conversation().id, words.Draft(words.Kind.TEXT, "by the API"))
    assert business.stage.deliver() == 1
    business.writes("by the API", "wamid.ours")
    [message] = business.stage.out()
    assert (message.provider_message_id, message.turn) == ("wamid.ours", 1)
    assert conversation().bot_paused_until is None


def test_a_file_that_the_business_sent_is_fetched_like_a_customer_s(business: Business) -> None:
    business.writes(type="image", image={"id": "901", "mime_type": "image/png", "sha256": "x", "caption": "the menu"})
    [message] = business.stage.out()
    [file] = files.of_messages(business.channel.tenant_id, [message.id])[message.id]
    assert (message.body, file.state, file.type) == ("the menu", MediaState.PENDING, "image")
    about = {"url": "https://lookaside.fbsbx.com/x", "mime_type": "image/png", "file_size": 5, "id": "901"}
    business.stage.provider.add("GET", "https://graph.facebook.com/v23.0/901", json=about)
    business.stage.provider.add("GET", "https://lookaside.fbsbx.com/x", body=b"bytes", content_type="image/png")
    assert media.fetch_next()
    assert b"".join(files.read(file.id)) == b"bytes"


def test_another_tenant_s_number_has_messages_of_its_own(business: Business, make_channel: Callable[..., Any]) -> None:
    """The same id of a provider at two numbers is two messages."""
    make_channel("luma", "+447700900001")
    add_meta("luma", "+447700900002", "222")
    business.writes("of bait", "wamid.same")
    business.told(change("smb_message_echoes", "222", message_echoes=[echo("wamid.same", "of luma")]))
    found = {message.tenant.slug: message.body for message in business.stage.out()}
    assert found == {"bait": "of bait", "luma": "of luma"}


def test_a_suspended_tenant_s_own_messages_are_stored(business: Business) -> None:
    tenancy.suspend("bait")
    business.writes()
    assert len(business.stage.out()) == 1


# --- what a provider tells about a customer -------------------------------------------------------


def preference(value: str = "stop", timestamp: int = 1795167000) -> dict[str, Any]:
    told = {"wa_id": CUSTOMER, "category": "marketing_messages", "value": value, "timestamp": timestamp}
    return change("user_preferences", user_preferences=[{**told, "detail": f"User requested to {value}"}])


def system() -> dict[str, Any]:
    said = {"body": "User Sara changed from 966511111111 to 966522222222", "type": "user_changed_number"}
    message = {"from": CUSTOMER, "id": "wamid.system", "timestamp": "1795167000", "type": "system", "system": said}
    return change("messages", messages=[message])


NOTICES = {"preference": preference, "system": system}


@pytest.mark.parametrize("kind", NOTICES)
def test_a_notice_about_a_customer_is_kept_and_neither_answered_nor_unread(business: Business, kind: str) -> None:
    business.told(NOTICES[kind]())
    business.stage.answer()
    [notice] = business.stage.in_()
    assert (notice.kind, notice.answer_due_at, notice.for_person) == (kind, None, "")
    assert business.stage.out() == []
    assert (conversation().unread, conversation().last_message_id) == (0, notice.id)
    assert conversation().state is words.ConversationState.BOT


@pytest.mark.parametrize("kind", NOTICES)
def test_a_notice_about_a_customer_opens_no_window(business: Business, kind: str) -> None:
    business.told(NOTICES[kind]())
    assert conversation().last_in_at is None
    with pytest.raises(errors.Refused) as refusal:
        sending.send("bait", f"+{CUSTOMER}", words.Draft(words.Kind.TEXT, "hi"))
    assert refusal.value.code == "window_closed"


@pytest.mark.parametrize("kind", NOTICES)
def test_a_notice_leaves_an_open_window_and_what_is_unread_as_they_are(business: Business, kind: str) -> None:
    business.hears()
    before = conversation()
    business.told(NOTICES[kind]())
    assert (conversation().last_in_at, conversation().unread) == (before.last_in_at, before.unread)


@pytest.mark.parametrize("kind", NOTICES)
def test_a_notice_is_kept_once(business: Business, kind: str) -> None:
    for path in ("/whatsapp/webhook", f"/webhooks/{business.channel.key}"):
        business.told(NOTICES[kind](), path=path)
    business.told(NOTICES[kind](), {"field": "security", "value": {}})
    assert len(business.stage.in_()) == 1


def test_a_wish_that_is_taken_back_is_another_notice(business: Business) -> None:
    business.told(preference("stop", 1795167000))
    business.told(preference("resume", 1795168000))
    assert [notice.choice for notice in business.stage.in_()] == ["stop", "resume"]


@pytest.mark.parametrize("kind", ["system", "preference"])
def test_notices_of_the_sandbox_are_notices_too(stage: Stage, kind: str) -> None:
    stage.says(message={"kind": kind, "text": "the number has changed"})
    stage.answer()
    assert (len(stage.in_()), stage.out()) == (1, [])
    assert (conversation().last_in_at, conversation().unread) == (None, 0)


# --- what a provider tells about an account -------------------------------------------------------


def approved(name: str = "order_ready") -> dict[str, Any]:
    told = {"event": "APPROVED", "message_template_name": name, "message_template_language": "ar", "reason": "NONE"}
    return {"field": "message_template_status_update", "value": told}


RESTRICTED = {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}}
TOLD = "message_template_status_update: order_ready (ar): APPROVED"


def entries(*entries: tuple[str, list[dict[str, Any]]]) -> bytes:
    """A body about several accounts."""
    listed = [{"id": account, "changes": changes} for account, changes in entries]
    return json.dumps({"object": "whatsapp_business_account", "entry": listed}).encode()


def about() -> list[tuple[int | None, str, str]]:
    """Channel, verdict and line of every webhook, oldest first."""
    return [(row.channel_id, str(row.verdict), row.about) for row in reversed(webhooks.page())]


def test_a_webhook_says_in_one_line_what_it_was_about(business: Business) -> None:
    business.hears()
    business.status("delivered", "wamid.nobody-s")
    business.told(approved(), RESTRICTED, {"field": "group_lifecycle_update", "value": {"x": 1}})
    shown = Shell(business.stage.clock_file.parent).json("webhook", "list")["data"]
    lines = [row["about"] for row in reversed(shown)]
    assert lines == [
        "1 message",
        "1 receipt",
        f"{TOLD}; account_update: account: ACCOUNT_RESTRICTION; group_lifecycle_update",
    ]
    assert {row["verdict"] for row in shown} == {"accepted"}


def test_several_are_counted_and_what_was_unreadable_is_not(stage: Stage) -> None:
    status = {"type": "status", "id": "x", "status": "sent"}
    stage.webhook(stage.item("one"), stage.item("two"), status, {"type": "nonsense"})
    stage.raw_webhook(b"not json")
    stage.read()
    assert [(verdict, line) for _, verdict, line in about()] == [
        ("quarantined", "2 messages; 1 receipt"),
        ("quarantined", ""),
    ]


def test_the_line_is_short_and_holds_nobody_s_words_or_number(business: Business) -> None:
    business.hears("my secret wish")
    business.told(*(approved(f"template_{n}") for n in range(50)))
    lines = [line for _, _, line in about()]
    assert max(map(len, lines)) <= 300
    assert not any(private in "".join(lines) for private in (CUSTOMER, "Sara", "wish"))


@pytest.fixture
def accounts(business: Business, make_channel: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Two channels of one account, of two tenants; one of another; one that does not say; one app for all."""
    monkeypatch.setenv("META_APP_SECRET", APP_SECRET)
    config.settings.cache_clear()
    make_channel("luma", "+447700900001")
    return {
        "bait": business.channel.id,
        "bait two": add_meta("bait", "+966110000002", "2", waba_id=WABA).id,
        "luma": add_meta("luma", "+447700900003", "3", waba_id="999").id,
        "luma silent": add_meta("luma", "+447700900004", "4").id,
    }


def test_news_of_an_account_reaches_every_channel_of_it_and_no_other(
    business: Business, accounts: dict[str, int]
) -> None:
    business.posted(entries((WABA, [approved()])))
    assert sorted(about()) == [(accounts["bait"], "accepted", TOLD), (accounts["bait two"], "accepted", TOLD)]


def test_of_news_about_two_accounts_each_sees_its_own(business: Business, accounts: dict[str, int]) -> None:
    business.posted(entries((WABA, [approved()]), ("999", [RESTRICTED])))
    assert sorted(about()) == [
        (accounts["bait"], "accepted", TOLD),
        (accounts["bait two"], "accepted", TOLD),
        (accounts["luma"], "accepted", "account_update: account: ACCOUNT_RESTRICTION"),
    ]


def test_news_of_an_account_that_nobody_has_is_unrouted(business: Business, accounts: dict[str, int]) -> None:
    assert business.posted(entries(("555", [approved()]))) == 200
    assert about() == [(None, "unrouted", "")]


def test_news_of_an_account_is_for_channels_whose_secret_signed_it(
    business: Business, accounts: dict[str, int]
) -> None:
    tenancy.edit_channel(accounts["bait two"], {"app_secret": "z" * 32}, overlap=timedelta())
    business.posted(entries((WABA, [approved()])))
    assert [(channel_id, verdict) for channel_id, verdict, _ in about()] == [
        (accounts["bait"], "accepted"),
        (None, "unrouted"),
    ]
    assert business.posted(entries((WABA, [RESTRICTED])), secret="y" * 32) == 403


def test_by_its_own_address_a_channel_hears_of_its_own_account_alone(
    business: Business, accounts: dict[str, int]
) -> None:
    body = entries((WABA, [approved()]), ("999", [RESTRICTED]))
    business.posted(body, f"/webhooks/{business.channel.key}")
    assert about() == [(accounts["bait"], "accepted", TOLD)]


def test_a_channel_that_does_not_say_its_account_hears_all_at_its_own_address(
    business: Business, accounts: dict[str, int]
) -> None:
    silent = tenancy.find_channel(accounts["luma silent"])
    business.posted(entries((WABA, [approved()])), f"/webhooks/{silent.key}")
    assert about() == [(silent.id, "accepted", TOLD)]


def test_news_and_messages_in_one_body_each_find_their_channel(business: Business, accounts: dict[str, int]) -> None:
    message = {"from": CUSTOMER, "id": "wamid.in.1", "type": "text", "text": {"body": "hello"}}
    business.posted(entries(("999", [change("messages", messages=[message]), RESTRICTED])))
    assert sorted(about()) == [
        (accounts["bait"], "accepted", "1 message"),
        (accounts["luma"], "accepted", "account_update: account: ACCOUNT_RESTRICTION"),
    ]
    assert [row.channel_id for row in Message.select()] == [accounts["bait"]]
