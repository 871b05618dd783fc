"""Answering in a conversation: every kind of draft arrives at the provider as it was given, once."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.core.test_media import noise
from tests.web.conftest import Cast
from wabot import words
from wabot.core import templates, tenancy
from wabot.store import tenants
from wabot.store.messages import Message
from wabot.store.tenants import Channel
from wabot.words import Direction, Status

UPLOADS = "http://provider.test/sandbox/api/media"
PHOTO = "https://example.com/menu.jpg"
BUTTONS = [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "نعم"}]
ROWS = [{"id": "1", "title": "Hummus", "description": "with bread"}, {"id": "2", "title": "Falafel"}]


def send(cast: Cast, body: Any, who: str = "alice", slug: str = "bait", **headers: str) -> Any:
    """Send this body in the tenant's conversation."""
    return cast.post(f"/api/restaurants/{slug}/conversations/{cast.conversation_id(slug)}/send", body, who, **headers)


def raw(cast: Cast, body: bytes, **environ: Any) -> Any:
    """Send these bytes, whatever they are."""
    url = f"/api/restaurants/bait/conversations/{cast.conversation_id('bait')}/send"
    headers = {**cast.headers("alice"), "Content-Type": "application/json"}
    return cast.client.post(url, data=body, headers=headers, environ_overrides=environ)


def written(cast: Cast) -> list[Message]:
    """What was written by this API, not by the bot."""
    mine = (Message.direction == Direction.OUT) & (Message.purpose == "agent")
    return list(Message.select().where(mine).order_by(Message.id))


@pytest.fixture
def quiet(cast: Cast) -> Cast:
    """The bot's answers are delivered already: what is sent next is ours."""
    cast.stage.deliver()
    cast.stage.sent.clear()
    return cast


DRAFTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "message": ({"message": "Ready in 5 min"}, {"kind": "text", "text": "Ready in 5 min"}),
    "text": ({"kind": "text", "text": "جاهز"}, {"kind": "text", "text": "جاهز"}),
    "text by default": ({"text": "hi"}, {"kind": "text", "text": "hi"}),
    "buttons": (
        {"kind": "buttons", "text": "Deliver?", "header": "Order 7", "footer": "Bait", "buttons": BUTTONS},
        {"kind": "buttons", "text": "Deliver?", "header": "Order 7", "footer": "Bait", "buttons": BUTTONS},
    ),
    "list": (
        {"kind": "list", "text": "Choose", "button": "Menu", "sections": [{"title": "Cold", "rows": ROWS}]},
        {"kind": "list", "text": "Choose", "button": "Menu",
         "sections": [{"title": "Cold", "rows": [ROWS[0], ROWS[1] | {"description": ""}]}]},
    ),
    "media by its address": (
        {"kind": "media", "media": {"type": "image", "url": PHOTO, "caption": "Menu", "filename": "menu.jpg"}},
        {"kind": "media", "text": "Menu", "media": {"type": "image", "url": PHOTO, "filename": "menu.jpg"}},
    ),
    "location": (
        {"kind": "location", "location": {"latitude": 24.7, "longitude": -46.5, "name": "Bait", "address": "Olaya"}},
        {"kind": "location", "text": "Bait",
         "location": {"latitude": 24.7, "longitude": -46.5, "name": "Bait", "address": "Olaya"}},
    ),
    "location at the origin": (
        {"kind": "location", "location": {"latitude": 0, "longitude": 0}},
        {"kind": "location", "text": "", "location": {"latitude": 0, "longitude": 0, "name": "", "address": ""}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAFTS)
def test_every_kind_is_queued_and_delivered_as_it_was_given(quiet: Cast, name: str) -> None:
    given, carried = DRAFTS[name]
    answer = send(quiet, given)
    assert answer.status_code == 202
    shown = answer.json["message"]
    assert (shown["direction"], shown["status"], shown["type"]) == ("OUT", "queued", "agent")
    assert (shown["kind"], shown["body"]) == (carried["kind"], carried["text"])
    assert quiet.stage.deliver() == 1
    [sent] = quiet.stage.sent
    assert sent["message"] == carried
    assert (sent["to"], sent["reference"]) == ("+966511111111", f"{shown['uid']}.1")
    assert [message.status for message in written(quiet)] == [Status.SENT]


def register(channel: Channel, name: str = "order_ready", body: str = "Hello") -> None:
    """The channel has this template."""
    templates.add(channel.id, words.Template(name, "ar", f"{name}-there", status="APPROVED", body=body))


def test_a_template_goes_with_its_language_and_variables(quiet: Cast) -> None:
    register(quiet.stage.channel, body="{{1}}, your order {{2}} is ready")
    template = {"name": "order_ready", "language": "ar", "variables": {"1": "Sara", "2": "7"}}
    answer = send(quiet, {"kind": "template", "template": template})
    assert answer.status_code == 202
    assert answer.json["message"]["body"] == "Sara, your order 7 is ready"
    quiet.stage.deliver()
    [sent] = quiet.stage.sent
    assert sent["message"]["kind"] == "template"
    assert sent["message"]["template"].items() >= template.items()


def test_a_template_that_the_channel_does_not_have_is_refused(quiet: Cast) -> None:
    answer = send(quiet, {"kind": "template", "template": {"name": "nobody-s"}})
    assert (answer.status_code, answer.json["code"]) == (422, "template_unknown")
    assert written(quiet) == []


def test_a_file_of_one_s_own_is_handed_to_the_provider_and_then_sent(quiet: Cast) -> None:
    body, uploaded = noise(600_000), []

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        uploaded.append((request.body, request.headers["Content-Type"], request.headers["X-Sandbox-Filename"]))
        return 201, {}, json.dumps({"id": "at-the-provider"})

    quiet.stage.provider.add_callback("POST", UPLOADS, callback=take)
    kept = quiet.upload(body, "application/pdf", **{"Content-Disposition": 'attachment; filename="menu.pdf"'}).json
    draft = {"kind": "media", "media": {"type": "document", "mediaId": kept["mediaId"], "caption": "Menu"}}
    assert send(quiet, draft).status_code == 202
    assert quiet.stage.deliver() == 1
    assert uploaded == [(body, "application/pdf", "menu.pdf")]
    [sent] = quiet.stage.sent
    assert sent["message"] == {
        "kind": "media", "text": "Menu",
        "media": {"type": "document", "id": "at-the-provider", "filename": "menu.pdf", "mimeType": "application/pdf"},
    }  # fmt: skip


def test_a_file_that_is_gone_when_its_turn_comes_fails_its_message_alone(quiet: Cast) -> None:
    kept = quiet.upload(b"x", "application/pdf").json
    quiet.stage.later(days=29, hours=23)
    quiet.stage.says("still there?")
    quiet.stage.read()
    send(quiet, {"kind": "media", "media": {"type": "document", "mediaId": kept["mediaId"]}})
    send(quiet, {"message": "and a text"})
    quiet.stage.later(hours=2)
    quiet.stage.keep_house()
    quiet.stage.deliver()
    first, second = written(quiet)
    assert (first.status, first.error_code, second.status) == (Status.FAILED, "media_gone", Status.SENT)


def test_a_file_that_was_never_there_is_refused_at_once(quiet: Cast) -> None:
    answer = send(quiet, {"kind": "media", "media": {"type": "image", "mediaId": 10**15}})
    assert (answer.status_code, answer.json["code"]) == (422, "media_unknown")
    assert written(quiet) == []


def test_a_message_is_short_for_a_text(quiet: Cast) -> None:
    """So exactly, that one repeats the other."""
    first = send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k"})
    again = send(quiet, {"kind": "text", "text": "hi"}, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json["message"]["id"] == again.json["message"]["id"]


def test_texts_go_out_in_the_order_in_which_they_were_queued(quiet: Cast) -> None:
    for n in range(5):
        send(quiet, {"message": f"number {n}"})
    quiet.stage.deliver()
    assert [sent["message"]["text"] for sent in quiet.stage.sent] == [f"number {n}" for n in range(5)]


def test_answering_marks_the_conversation_as_read(cast: Cast) -> None:
    cast.stage.says("anybody?")
    cast.stage.read()
    send(cast, {"message": "yes"})
    [row] = cast.get("/api/restaurants/bait/conversations").json["data"]
    assert (row["unreadCount"], row["lastMessage"]) == (0, "yes")


WRONG: list[tuple[Any, str]] = [
    ({"message": 7}, "message"),
    ({"message": "hi", "text": "ho"}, "message"),
    ({"message": "hi", "kind": "buttons", "buttons": BUTTONS}, "message"),
    ({"kind": "poem", "text": "x"}, "kind"),
    ({"kind": None}, "kind"),
    ({"text": ["x"]}, "text"),
    ({"text": "x", "colour": "red"}, "colour"),
    ({"text": "x" * 70000}, "text"),
    ({"kind": "template"}, "template"),
    ({"kind": "template", "template": {}}, "template.name"),
    ({"kind": "template", "template": {"name": "x", "variables": ["Sara"]}}, "template.variables"),
    ({"kind": "template", "template": {"name": "x", "variables": {"1": 7}}}, "template.variables.1"),
    ({"kind": "buttons", "text": "x", "buttons": [{"id": "1"}]}, "buttons.0.title"),
    ({"kind": "buttons", "text": "x", "buttons": {"id": "1", "title": "x"}}, "buttons"),
    ({"kind": "buttons", "text": "x", "buttons": [BUTTONS[0]] * 300}, "buttons"),
    ({"kind": "list", "text": "x", "button": "y", "sections": [{"title": "x"}]}, "sections.0.rows"),
    ({"kind": "list", "text": "x", "sections": [{"rows": [{"id": 1, "title": "x"}]}]}, "sections.0.rows.0.id"),
    ({"kind": "media"}, "media"),
    ({"kind": "media", "media": {"type": "image"}}, "mediaId"),
    ({"kind": "media", "media": {"type": "image", "url": PHOTO, "mediaId": 1}}, "mediaId"),
    ({"kind": "media", "media": {"type": "hologram", "url": PHOTO}}, "media.type"),
    ({"kind": "media", "media": {"type": "image", "mediaId": "x"}}, "media.mediaId"),
    ({"kind": "media", "media": {"type": "image", "mediaId": 0}}, "media.mediaId"),
    ({"kind": "media", "media": {"type": "image", "mediaId": 1 << 63}}, "media.mediaId"),
    ({"kind": "location", "location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
    ({"kind": "location", "location": {"latitude": "24.7", "longitude": 0}}, "location.latitude"),
    ({"kind": "location", "location": {"latitude": 1}}, "location.longitude"),
    ({"text": "x", "channelId": "1"}, "channelId"),
    ({"text": "x", "channelId": -1}, "channelId"),
    ({"text": "x", "channelId": 1 << 63}, "channelId"),
    ({"text": "x", "buttons": BUTTONS}, "buttons"),
    ({"kind": "buttons", "text": "x", "buttons": BUTTONS, "media": {"type": "image", "url": PHOTO}}, "media"),
]


@pytest.mark.parametrize(("body", "field"), WRONG, ids=lambda value: str(value)[:60])
def test_a_body_of_the_wrong_shape_is_400_and_the_sentence_names_the_field(quiet: Cast, body: Any, field: str) -> None:
    answer = send(quiet, body)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
    assert set(answer.json) == {"error", "code", "requestId"}
    assert field in answer.json["error"]
    assert answer.json["error"].endswith(".")
    assert written(quiet) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"hi", b"null", b"[]", b'"hi"', b"7", b"{", b'{"message": "hi"', b"\xff\xfe{}", b"[" * 100000, b"\x00"],
    ids=lambda value: str(value[:20]),
)
def test_what_is_no_json_object_is_400(quiet: Cast, body: bytes) -> None:
    answer = raw(quiet, body)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_json")
    assert written(quiet) == []


def test_a_number_that_is_none_is_no_place(quiet: Cast) -> None:
    for number in (b"NaN", b"Infinity", b"1e999", b"true"):
        answer = raw(quiet, b'{"kind": "location", "location": {"latitude": %s, "longitude": 0}}' % number)
        assert (answer.status_code, "location.latitude" in answer.json["error"]) == (400, True)


@pytest.mark.parametrize("environ", [{}, {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}], ids=["", "chunked"])
def test_a_body_that_is_far_larger_than_any_message_is_413(quiet: Cast, environ: dict[str, Any]) -> None:
    answer = raw(quiet, b'{"message": "' + b"x" * (2 << 20) + b'"}', **environ)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert written(quiet) == []


def test_a_body_without_a_length_is_read(quiet: Cast) -> None:
    answer = raw(quiet, b'{"message": "hi"}', **{"wsgi.input_terminated": True, "CONTENT_LENGTH": ""})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "body",
    [{}, {"message": ""}, {"message": " \n"}, {"text": "x" * 4097}, {"kind": "buttons", "text": "x"},
     {"kind": "buttons", "text": "x", "buttons": [{"id": "1", "title": "x" * 21}]},
     {"kind": "list", "text": "x", "button": "y", "sections": []}],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_whatsapp_cannot_show_is_refused_with_the_reason(quiet: Cast, body: Any) -> None:
    answer = send(quiet, body)
    assert (answer.status_code, answer.json["code"]) == (422, "too_long")
    assert written(quiet) == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "example.com/x.png", "https://", "http://u:p@h/x"]
)
def test_an_address_that_no_provider_could_fetch_is_refused(quiet: Cast, url: str) -> None:
    answer = send(quiet, {"kind": "media", "media": {"type": "image", "url": url}})
    assert answer.status_code == 422
    assert written(quiet) == []


def test_texts_that_a_file_cannot_hold_are_mended_or_refused_and_never_a_500(quiet: Cast) -> None:
    answers = [raw(quiet, body) for body in (rb'{"message": "a\ud800b"}', rb'{"message": "a\u0000b"}')]
    assert {answer.status_code for answer in answers} <= {202, 400}
    quiet.stage.deliver()
    assert all("\x00" not in message.body for message in written(quiet))


def test_after_24_hours_only_a_template_may_be_sent(quiet: Cast) -> None:
    quiet.stage.later(hours=23, minutes=59)
    assert send(quiet, {"message": "in time"}).status_code == 202
    quiet.stage.later(minutes=2)
    answer = send(quiet, {"message": "too late"})
    assert (answer.status_code, answer.json["code"]) == (422, "window_closed")
    register(quiet.stage.channel)
    assert send(quiet, {"kind": "template", "template": {"name": "order_ready"}}).status_code == 202


def test_the_same_key_and_body_is_the_same_message_and_is_sent_once(quiet: Cast) -> None:
    answers = [send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k1"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["message"]["id"] for answer in answers}) == 1
    assert quiet.stage.deliver() == 1
    later = send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k1"})
    assert (later.json["message"]["status"], quiet.stage.deliver()) == ("sent", 0)


@pytest.mark.parametrize(
    "other",
    [{"message": "ho"}, {"kind": "buttons", "text": "hi", "buttons": BUTTONS},
     {"kind": "media", "media": {"type": "image", "url": PHOTO, "caption": "hi"}}],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_the_same_key_for_another_body_is_refused(quiet: Cast, other: Any) -> None:
    send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k1"})
    answer = send(quiet, other, **{"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")
    assert len(written(quiet)) == 1


def test_a_repeated_request_is_answered_as_the_first_time_after_the_window_closed(quiet: Cast) -> None:
    first = send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k1"})
    quiet.stage.later(hours=25)
    again = send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k1"})
    assert (again.status_code, again.json["message"]["id"]) == (202, first.json["message"]["id"])
    assert send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k2"}).json["code"] == "window_closed"


def test_requests_with_one_key_at_the_same_time_are_one_message(quiet: Cast) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k"}), range(24)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["message"]["id"] for answer in answers}) == len(written(quiet)) == 1


def test_keys_are_each_tenant_s_own(quiet: Cast) -> None:
    mine = send(quiet, {"message": "hi"}, **{"Idempotency-Key": "k"})
    theirs = send(quiet, {"message": "something else"}, "bob", "luma", **{"Idempotency-Key": "k"})
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json["message"]["id"] != theirs.json["message"]["id"]


@pytest.mark.parametrize("key", ["x" * 256, "a\x7fb", "a\x85b"])
def test_a_key_that_cannot_be_kept_is_400(quiet: Cast, key: str) -> None:
    answer = send(quiet, {"message": "hi"}, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json["code"]) == (400, "bad_idempotency_key")
    assert written(quiet) == []


@pytest.mark.parametrize("key", ["x" * 255, base64.b64encode(noise(60)).decode(), "answer:1:1"])
def test_any_other_key_is_taken_as_it_is(quiet: Cast, key: str) -> None:
    answers = [send(quiet, {"message": "hi"}, **{"Idempotency-Key": key}) for _ in range(2)]
    assert len({answer.json["message"]["id"] for answer in answers}) == len(written(quiet)) == 1


def test_a_blank_key_is_none(quiet: Cast) -> None:
    for _ in range(2):
        send(quiet, {"message": "hi"}, **{"Idempotency-Key": "  "})
    assert len(written(quiet)) == 2


@pytest.mark.parametrize("channel_of", ["luma", "nobody"])
def test_a_channel_that_is_not_the_tenant_s_is_no_channel(quiet: Cast, channel_of: str) -> None:
    ids = {"luma": tenants.channels(quiet.tenant_id("luma"))[0].id, "nobody": 10**15}
    answer = send(quiet, {"message": "hi", "channelId": ids[channel_of]})
    assert (answer.status_code, answer.json["code"]) == (422, "no_channel")
    assert written(quiet) == []


def test_by_another_channel_of_the_tenant_the_window_is_that_channel_s(
    quiet: Cast, make_channel: Callable[..., Any]
) -> None:
    given = {"secret": "o" * 32, "api_base": "http://provider.test"}
    other = tenancy.add_channel("bait", "sandbox", "+966500000077", given)
    closed = send(quiet, {"message": "hi", "channelId": other.id})
    assert (closed.status_code, closed.json["code"]) == (422, "window_closed")
    register(other)
    template = {"kind": "template", "template": {"name": "order_ready"}, "channelId": other.id}
    assert send(quiet, template).status_code == 202
    quiet.stage.deliver()
    assert [sent["from"] for sent in quiet.stage.sent] == ["+966500000077"]


def test_naming_the_conversation_s_own_channel_changes_nothing(quiet: Cast) -> None:
    assert send(quiet, {"message": "hi", "channelId": quiet.stage.channel.id}).status_code == 202
    assert written(quiet)[0].conversation_id == quiet.conversation_id("bait")


def test_what_is_sent_by_a_paused_channel_waits(quiet: Cast) -> None:
    tenancy.pause_channel(quiet.stage.channel.id)
    assert send(quiet, {"message": "hi"}).status_code == 202
    assert quiet.stage.deliver() == 0
    tenancy.resume_channel(quiet.stage.channel.id)
    quiet.stage.later(seconds=1)
    assert quiet.stage.deliver() == 1


def test_a_conversation_is_answered_by_post_only(quiet: Cast) -> None:
    url = f"/api/restaurants/bait/conversations/{quiet.conversation_id('bait')}/send"
    for method in ("get", "put", "delete", "patch"):
        answer = getattr(quiet.client, method)(url, headers=quiet.headers("alice"))
        assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")


def test_history_shows_a_draft_with_the_names_it_was_given_by(cast: Cast) -> None:
    conversation = cast.conversation_id("bait")
    kept = cast.upload(b"bytes").json["mediaId"]
    for draft in (
        {"kind": "media", "media": {"type": "image", "mediaId": kept, "caption": "the menu", "filename": "menu.png"}},
        {"kind": "location", "location": {"latitude": 0, "longitude": 0}},
    ):
        assert cast.post(f"/api/restaurants/bait/conversations/{conversation}/send", draft).status_code == 202
    place, file = cast.get(f"/api/restaurants/bait/conversations/{conversation}/messages").json["data"][:2]
    assert place["payload"]["location"] == {"latitude": 0, "longitude": 0}
    assert file["payload"]["media"] == {
        "type": "image", "mediaId": kept, "filename": "menu.png", "mimeType": "image/png", "size": 5,
    }  # fmt: skip
    assert (file["body"], file["media"]["id"], file["mediaState"]) == ("the menu", kept, "ready")
