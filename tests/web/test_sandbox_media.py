"""Files and places in the sandbox: the provider's API for our adapter, the page's routes for the customer, and that
no channel reaches another's and nothing hostile acts."""

import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import responses

from tests.core.conftest import PHONE, SECRET, Stage
from tests.providers.conftest import Kept, Shelf
from tests.web.test_sandbox_page import OURS, bubbles, demo, files, run, say, send, thread
from wabot import clock, config, errors, words
from wabot.core import sandbox, sandbox_files, tenancy
from wabot.providers.sandbox import Sandbox
from wabot.store import db
from wabot.store.sandbox import Carried, Switches
from wabot.store.tenants import Channel

__all__ = ["demo"]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
THE_API = re.compile(r"http://provider\.test/sandbox/api/.*")
TOO_MANY = sandbox_files.MAX_BYTES + 1
HOSTILE_TYPES = [
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "text/javascript",
    "",
    "x",
    "a/b\nc",
]


def put(stage: Stage, body: bytes = PNG, *, secret: str = SECRET, number: str = "", **headers: str) -> Any:
    """Our adapter uploads a file."""
    given = {"Authorization": f"Bearer {secret}", "X-Sandbox-Number": number or stage.channel.number}
    told = {"Content-Type": "image/png", "X-Sandbox-Filename": quote("قائمة.png")}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return stage.client.post("/sandbox/api/media", data=body, headers={**given, **told, **named})


def get(stage: Stage, key: str, *, secret: str = SECRET, number: str = "") -> Any:
    """Our adapter fetches a file."""
    headers = {"Authorization": f"Bearer {secret}", "X-Sandbox-Number": number or stage.channel.number}
    return stage.client.get(f"/sandbox/api/media/{key}", headers=headers)


def upload(stage: Stage, body: bytes = PNG, mime_type: str = "image/png", name: str = "a.png", **query: Any) -> Any:
    """The customer's phone uploads a file."""
    asked = {"channel": stage.channel.id, **query}
    headers = {"Content-Type": "application/octet-stream", "X-Sandbox-Filename": quote(name)}
    if "\n" not in mime_type:
        headers["X-Sandbox-Type"] = mime_type
    return stage.client.post("/sandbox/media", query_string=asked, data=body, headers={**OURS, **headers})


def chunked(stage: Stage, path: str, size: int, **headers: str) -> Any:
    """A body of that size without a Content-Length, as gunicorn hands it on."""
    environ = {"wsgi.input": io.BytesIO(bytes(size)), "wsgi.input_terminated": True}
    return stage.client.post(path, headers=headers, environ_overrides=environ)


@pytest.fixture
def other(stage: Stage, make_channel: Callable[..., Channel]) -> Channel:
    """Another tenant's sandbox channel, with the same secret."""
    return make_channel("luma", "+966500000002")


# --- the provider's API ----------------------------------------------------------------------------------


def test_an_uploaded_file_is_given_back_to_its_channel_without_any_demo(stage: Stage) -> None:
    put_answer = put(stage)
    assert put_answer.status_code == 201
    given = get(stage, put_answer.json["id"])
    assert (given.status_code, given.data, given.mimetype) == (200, PNG, "image/png")
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert sandbox_files.find(put_answer.json["id"]).filename == "قائمة.png"


@pytest.mark.parametrize("secret", ["", "wrong", "é", SECRET.upper()])
def test_a_foreign_secret_neither_uploads_nor_fetches(stage: Stage, secret: str) -> None:
    key = put(stage).json["id"]
    refused = put(stage, secret=secret)
    assert (refused.status_code, refused.json["error"]["code"], files()) == (401, "credentials", 1)
    assert get(stage, key, secret=secret).status_code == 401
    assert PNG not in get(stage, key, secret=secret).data


def test_an_unknown_number_neither_uploads_nor_fetches(stage: Stage) -> None:
    key = put(stage).json["id"]
    assert put(stage, number="+966599999999").status_code == 401
    assert get(stage, key, number="+966599999999").status_code == 401


def test_another_channel_s_file_is_as_unknown_as_none(stage: Stage, other: Channel) -> None:
    theirs, none = get(stage, put(stage).json["id"], number=other.number), get(stage, "0" * 32, number=other.number)
    assert (theirs.status_code, theirs.json) == (none.status_code, none.json)
    assert theirs.status_code == 404


def test_a_file_of_16_mb_is_taken_and_one_byte_more_is_not(stage: Stage) -> None:
    assert put(stage, bytes(sandbox_files.MAX_BYTES)).status_code == 201
    refused = put(stage, bytes(TOO_MANY))
    assert (refused.status_code, refused.json["error"]["code"]) == (413, "media")
    assert (refused.headers["Connection"], files()) == ("close", 1)


def test_a_chunked_file_is_counted_while_it_is_read(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "X-Sandbox-Number": stage.channel.number}
    assert chunked(stage, "/sandbox/api/media", TOO_MANY, **headers).status_code == 413
    assert chunked(stage, "/sandbox/api/media", 10, **headers).status_code == 201
    assert files() == 1


def test_a_stranger_s_body_is_not_even_read(stage: Stage) -> None:
    assert put(stage, bytes(TOO_MANY), secret="wrong").status_code == 401


def test_an_empty_file_is_refused(stage: Stage) -> None:
    assert put(stage, b"").json["error"]["code"] == "media"


def test_told_to_refuse_the_api_refuses_files_too(stage: Stage) -> None:
    sandbox.set_switches(stage.channel.id, Switches(refuse=True))
    assert (put(stage).json["error"]["code"], files()) == ("temporary", 0)


def test_the_oldest_files_of_a_channel_go_when_there_are_too_many(
    stage: Stage, other: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = put(stage, number=other.number).json["id"]
    monkeypatch.setattr(sandbox_files, "MOST_KEPT_BYTES", 2 * len(PNG))
    keys = [put(stage).json["id"] for _ in range(4)]
    assert [get(stage, key).status_code for key in keys] == [404, 404, 200, 200]
    assert get(stage, theirs, number=other.number).status_code == 200


TAKEN: dict[str, dict[str, Any]] = {
    "an address": {"kind": "media", "media": {"type": "image", "url": "https://example.com/a.jpg"}},
    "a place": {"kind": "location", "location": {"latitude": -90, "longitude": 180.0}},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no media": ({"kind": "media"}, "media"),
    "media without a type": ({"kind": "media", "media": {"url": "https://example.com/a"}}, "media"),
    "media of a type that is none": ({"kind": "media", "media": {"type": ["image"], "url": "https://x.y"}}, "media"),
    "media that is nowhere": ({"kind": "media", "media": {"type": "image"}}, "media"),
    "an unknown id": ({"kind": "media", "media": {"type": "image", "id": "0" * 32}}, "media"),
    "an address that acts": ({"kind": "media", "media": {"type": "image", "url": "javascript:alert(1)"}}, "media"),
    "no location": ({"kind": "location"}, "location"),
    "a place off the earth": ({"kind": "location", "location": {"latitude": 91, "longitude": 0}}, "location"),
    "a place in words": ({"kind": "location", "location": {"latitude": "1", "longitude": 0}}, "location"),
    "a true place": ({"kind": "location", "location": {"latitude": True, "longitude": 0}}, "location"),
    "a place at 10 to the 400": ({"kind": "location", "location": {"latitude": 10**400, "longitude": 0}}, "location"),
}


@pytest.mark.parametrize("message", TAKEN.values(), ids=TAKEN)
def test_the_api_takes_files_by_address_and_places(stage: Stage, message: dict[str, Any]) -> None:
    assert send(stage, message=message).status_code == 201


@pytest.mark.parametrize(("message", "code"), REFUSED.values(), ids=REFUSED)
def test_the_api_refuses_what_no_phone_could_show(stage: Stage, message: dict[str, Any], code: str) -> None:
    answer = send(stage, message=message)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)
    assert Carried.select().count() == 0


def test_the_api_takes_a_file_of_its_own_channel_only(stage: Stage, other: Channel) -> None:
    message = {"kind": "media", "media": {"type": "image", "id": put(stage).json["id"]}}
    assert send(stage, message=message).status_code == 201
    answer = send(stage, message=message, **{"from": other.number})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "media")


# --- the customer ----------------------------------------------------------------------------------------


def test_a_customer_s_picture_reaches_us_with_its_caption_and_where_it_is_kept(demo: Stage) -> None:
    kept = upload(demo).json
    assert (kept["mimeType"], kept["filename"], kept["size"]) == ("image/png", "a.png", len(PNG))
    assert say(demo, "like this?", media={"id": kept["id"], "type": "image"}).status_code == 201
    run(demo)
    [heard] = demo.in_()
    assert (heard.kind, heard.body) == ("image", "like this?")
    told = db.rows("SELECT type, reference, mime_type, filename FROM media")
    assert told == [("image", kept["id"], "image/png", "a.png")]
    assert get(demo, kept["id"]).data == PNG
    [shown] = [one for one in thread(demo)["messages"] if one["from"] == "customer"]
    described = {"type": "image", "key": kept["id"], "filename": "a.png", "mimeType": "image/png", "size": len(PNG)}
    assert shown["content"]["media"] == described


def test_a_customer_s_place_reaches_us_as_numbers(demo: Stage) -> None:
    place = {"latitude": 24.5, "longitude": 46, "name": "Home", "address": "Riyadh"}
    assert say(demo, location=place).status_code == 201
    run(demo)
    [heard] = demo.in_()
    assert (heard.kind, heard.body, heard.payload["location"]) == ("location", "Home", place)
    assert thread(demo)["messages"][0]["content"]["location"] == place
    assert [entry["kind"] for entry in thread(demo)["happened"] if entry["type"] == "message"][-1] == "location"


SENT_AS = [("image/png", "image"), ("image/jpg", "image"), ("image/webp", "sticker"), ("video/mp4", "video"),
           ("audio/ogg; codecs=opus", "audio"), ("image/svg+xml", "document"), ("image/png", "document")]  # fmt: skip


@pytest.mark.parametrize(("mime_type", "kind"), SENT_AS)
def test_a_file_is_sent_as_what_it_is_or_as_a_document(demo: Stage, mime_type: str, kind: str) -> None:
    key = upload(demo, mime_type=mime_type).json["id"]
    assert say(demo, "", media={"id": key, "type": kind}).status_code == 201
    assert bubbles(demo) == [("customer", "sent", kind)]


WRONG_MEDIA: dict[str, dict[str, Any]] = {
    "no object": {"media": "key"},
    "no id": {"media": {"type": "image"}},
    "an unknown id": {"media": {"id": "0" * 32, "type": "image"}},
    "an id that is none": {"media": {"id": 7, "type": "image"}},
    "no such type": {"media": {"type": "hologram"}},
    "a page as a picture": {"media": {"type": "image", "upload": "text/html"}},
    "a picture as a video": {"media": {"type": "video", "upload": "image/png"}},
}


@pytest.mark.parametrize("values", WRONG_MEDIA.values(), ids=WRONG_MEDIA)
def test_a_wrong_file_is_told_apart(demo: Stage, values: dict[str, Any]) -> None:
    media = values["media"]
    if isinstance(media, dict) and "upload" in media:
        media = {"id": upload(demo, mime_type=media["upload"]).json["id"], "type": media["type"]}
    answer = say(demo, media=media)
    assert (answer.status_code, answer.json["code"], Carried.select().count()) == (422, "media", 0)


@pytest.mark.parametrize("place", [None, {}, {"latitude": 1}, {"latitude": 1, "longitude": 181}, {"latitude": "1"}])
def test_a_wrong_place_is_told_apart(demo: Stage, place: Any) -> None:
    answer = say(demo, location=place)
    assert (answer.status_code, answer.json["code"]) == (422, "location")


def test_a_caption_has_its_own_limit(demo: Stage) -> None:
    media = {"id": upload(demo).json["id"], "type": "image"}
    assert say(demo, "x" * 1025, media=media).json["code"] == "text"
    assert say(demo, "x" * 1024, media=media).status_code == 201


def test_a_customer_cannot_send_another_channel_s_file(demo: Stage, other: Channel) -> None:
    key = upload(demo, channel=other.id).json["id"]
    answer = say(demo, media={"id": key, "type": "image"})
    assert (answer.status_code, answer.json["code"]) == (422, "media")


def test_too_large_an_upload_is_413_chunked_or_not(demo: Stage) -> None:
    assert upload(demo, bytes(TOO_MANY)).status_code == 413
    headers = {**OURS, "Content-Type": "application/octet-stream"}
    assert chunked(demo, f"/sandbox/media?channel={demo.channel.id}", TOO_MANY, **headers).status_code == 413
    assert (upload(demo, b"").json["code"], files()) == ("media_empty", 0)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("c:\\temp\\a.png", "a.png"), ("a\r\nX: y.png", "aX: y.png"), ("...", ""),
        ("x" * 300 + ".png", "x" * 116 + ".png"), ("قائمة.pdf", "قائمة.pdf"),
    ],
)  # fmt: skip
def test_a_file_s_name_is_a_name(demo: Stage, name: str, kept: str) -> None:
    uploaded = upload(demo, name=name).json
    assert uploaded["filename"] == kept
    assert demo.client.get(f"/sandbox/media/{uploaded['id']}").status_code == 200


# --- what is served to the page ---------------------------------------------------------------------------


def show(stage: Stage, key: str, **headers: str) -> Any:
    return stage.client.get(f"/sandbox/media/{key}", headers=headers)


def test_a_picture_is_shown_and_can_do_nothing(demo: Stage) -> None:
    shown = show(demo, upload(demo).json["id"])
    assert (shown.status_code, shown.data, shown.mimetype) == (200, PNG, "image/png")
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert shown.headers["Content-Security-Policy"] == "sandbox"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in shown.headers["Cache-Control"]


@pytest.mark.parametrize("mime_type", HOSTILE_TYPES)
@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.png.html"])
def test_what_could_act_is_bytes_to_save(demo: Stage, mime_type: str, name: str) -> None:
    shown = show(demo, upload(demo, b"<script>alert(1)</script>", mime_type, name).json["id"])
    assert shown.mimetype == "application/octet-stream"
    assert shown.headers["Content-Disposition"].startswith("attachment")
    assert shown.headers["Content-Security-Policy"] == "sandbox"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_key_is_404(demo: Stage) -> None:
    for key in ("0" * 32, "x", "%00", "a" * 5000):
        assert show(demo, key).status_code == 404


def test_a_part_of_a_film_can_be_asked_for(demo: Stage) -> None:
    key = upload(demo, bytes(range(100)), "video/mp4").json["id"]
    part = show(demo, key, Range="bytes=10-19")
    assert (part.status_code, part.data) == (206, bytes(range(10, 20)))


def test_a_file_that_went_is_shown_as_gone(demo: Stage) -> None:
    key = upload(demo).json["id"]
    say(demo, "", media={"id": key, "type": "image"})
    db.write(lambda: db.run("DELETE FROM sandbox_media"))
    media = thread(demo)["messages"][0]["content"]["media"]
    assert (media["type"], media.get("key"), media["url"]) == ("image", None, "")


def test_a_thread_names_no_file_of_another_channel(demo: Stage, other: Channel) -> None:
    key = upload(demo).json["id"]
    db.write(lambda: forged(other, key))
    query = {"channel": other.id, "phone": PHONE}
    [shown] = demo.client.get("/sandbox/thread", query_string=query).json["messages"]
    assert "key" not in shown["content"]["media"]


def forged(channel: Channel, key: str) -> None:
    body = {"kind": "image", "media": {"id": key}}
    Carried.create(channel_id=channel.id, phone=PHONE, direction="IN", provider_message_id="x", body=body,
                   status="sent", created_at=clock.now())  # fmt: skip


# --- our adapter against it -------------------------------------------------------------------------------


def forward(stage: Stage, network: responses.RequestsMock) -> None:
    """The adapter's calls come to our own application."""

    def pass_on(request: Any) -> tuple[int, dict[str, str], bytes]:
        answer = stage.client.open(
            request.path_url, method=request.method, data=request.body, headers=dict(request.headers)
        )
        return answer.status_code, {"Content-Type": answer.content_type}, answer.data

    network.reset()
    for method in ("GET", "POST"):
        network.add_callback(method, THE_API, callback=pass_on, content_type=None)


def test_a_file_that_our_adapter_sends_is_on_the_phone_and_can_be_fetched_again(demo: Stage) -> None:
    forward(demo, demo.provider)
    account, settings = tenancy.account(demo.channel), config.settings()
    media = words.Media("document", media_id=5, filename="قائمة.pdf", mime_type="application/pdf", size=len(PNG))
    draft = words.Draft(words.Kind.MEDIA, "our menu", media=media)
    Sandbox().send(account, PHONE, draft, reference="uid.1", structures=Kept(), files=Shelf(n5=PNG), settings=settings)
    [shown] = thread(demo)["messages"]
    assert shown["content"]["text"] == "our menu"
    described = shown["content"]["media"]
    assert (described["type"], described["filename"], described["size"]) == ("document", "قائمة.pdf", len(PNG))
    attachment = words.Attachment("document", described["key"])
    fetched = Sandbox().fetch(account, attachment, settings)
    assert (fetched.body, fetched.mime_type) == (PNG, "application/pdf")
    db.write(lambda: db.run("DELETE FROM sandbox_media"))
    with pytest.raises(errors.TemporaryFailure) as failure:
        Sandbox().fetch(account, attachment, settings)
    assert failure.value.code == "media_gone"
