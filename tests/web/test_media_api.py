"""Files over HTTP: uploaded in any usual way, given out as what they are and never as a page of ours."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.http import parse_options_header
from werkzeug.test import encode_multipart

from tests.core.test_media import API, arrives, chunks, fetch_all, holds, noise, sends_on
from tests.web.conftest import Cast
from wabot import clock, words
from wabot.providers.base import MAX_MEDIA_BYTES
from wabot.store import db
from wabot.store import media as files
from wabot.store.media import CHUNK_BYTES, Media

MEDIA = "/api/restaurants/bait/media"
SHAPE = {"id", "type", "mimeType", "filename", "size", "state", "errorCode", "url"}


def form(cast: Cast, body: bytes = b"bytes", filename: str = "x.png", mime_type: str = "image/png") -> Any:
    """Upload a file as a browser's form does."""
    boundary, data = encode_multipart({"file": FileStorage(io.BytesIO(body), filename, content_type=mime_type)})
    content_type = f"multipart/form-data; boundary={boundary}"
    return cast.client.post(MEDIA, data=data, headers=cast.headers("alice"), content_type=content_type)


def chunked(cast: Cast, body: bytes, content_type: str = "image/png") -> Any:
    """Upload a body whose length nobody told, as gunicorn hands it on."""
    headers = {**cast.headers("alice"), "Content-Type": content_type, "Transfer-Encoding": "chunked"}
    terminated = {"wsgi.input_terminated": True}
    return cast.client.post(MEDIA, input_stream=io.BytesIO(body), headers=headers, environ_overrides=terminated)


WAYS: dict[str, Callable[[Cast, bytes], Any]] = {"raw": Cast.upload, "form": form, "chunked": chunked}


def public(cast: Cast, media_id: int) -> Any:
    """What a provider gets by the public link, without any credential."""
    return cast.client.get(f"/media/{Media.get_by_id(media_id).key}")


def last(cast: Cast) -> dict[str, Any]:
    """The newest message of Alice's conversation."""
    found = cast.get(f"/api/restaurants/bait/conversations/{cast.conversation_id('bait')}/messages?limit=1")
    return dict(found.json["data"][0])


@pytest.mark.parametrize("size", [1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES - 1, MAX_MEDIA_BYTES])
@pytest.mark.parametrize("way", WAYS)
def test_an_uploaded_file_is_given_out_byte_for_byte(cast: Cast, way: str, size: int) -> None:
    body = noise(size)
    answer = {
        "raw": lambda: cast.upload(body),
        "form": lambda: form(cast, body),
        "chunked": lambda: chunked(cast, body),
    }[way]()
    assert answer.status_code == 201
    assert answer.json["size"] == size
    for given in (cast.get(f"{MEDIA}/{answer.json['mediaId']}"), public(cast, answer.json["mediaId"])):
        assert given.status_code == 200
        assert given.data == body
        assert given.headers["Content-Length"] == str(size)


def test_the_answer_says_what_was_kept(cast: Cast) -> None:
    answer = form(cast, b"12345", "menu.pdf", "application/pdf")
    assert answer.json == {
        "mediaId": 1, "type": "document", "mimeType": "application/pdf", "size": 5, "filename": "menu.pdf"
    }  # fmt: skip
    assert cast.upload().json["filename"] is None


@pytest.mark.parametrize("size", [MAX_MEDIA_BYTES + 1, MAX_MEDIA_BYTES + (1 << 20)])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_too_large_is_413_and_nothing_of_it_is_kept(cast: Cast, way: str, size: int) -> None:
    answer = WAYS[way](cast, bytes(size))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "16 MB" in answer.json["error"]
    assert (Media.select().count(), chunks()) == (0, 0)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_empty_is_refused(cast: Cast, way: str) -> None:
    answer = WAYS[way](cast, b"")
    assert (answer.status_code, answer.json["code"]) == (422, "media_empty")
    assert Media.select().count() == 0


def test_a_form_needs_its_file_and_a_length(cast: Cast) -> None:
    headers, url = cast.headers("alice"), MEDIA
    without = cast.client.post(url, data={"other": "x"}, headers=headers, content_type="multipart/form-data")
    as_text = cast.client.post(url, data={"file": "x"}, headers=headers, content_type="multipart/form-data")
    broken = cast.client.post(url, data=b"no form at all", headers=headers, content_type="multipart/form-data")
    for answer in (without, as_text, broken):
        assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
        assert "file" in answer.json["error"]
    unmeasured = chunked(cast, b"--x\r\n", "multipart/form-data; boundary=x")
    assert (unmeasured.status_code, unmeasured.json["code"]) == (411, "length_required")
    assert Media.select().count() == 0


HOSTILE = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\boot.ini", "boot.ini"),
    ("/", None),
    ("..", None),
    ("فاتورة رقم ٣.pdf", "فاتورة رقم ٣.pdf"),
    ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
    ("photo\u202egnp.exe", "photognp.exe"),
]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        *HOSTILE,
        ('x"; filename="y.html', 'x"; filename="y.html'),
        ("a\r\nSet-Cookie: a=b\0.txt", "aSet-Cookie: a=b.txt"),
    ],
)
def test_a_name_in_the_address_loses_what_a_name_must_not_have(cast: Cast, told: str, kept: str | None) -> None:
    headers = {**cast.headers("alice"), "Content-Type": "image/png"}
    answer = cast.client.post(MEDIA, query_string={"filename": told}, data=b"x", headers=headers)
    assert answer.json["filename"] == kept
    shows_its_name(cast, answer.json["mediaId"], kept)


@pytest.mark.parametrize(("told", "kept"), HOSTILE)
def test_so_does_a_name_in_a_form(cast: Cast, told: str, kept: str | None) -> None:
    answer = form(cast, filename=told)
    shows_its_name(cast, answer.json["mediaId"], answer.json["filename"])
    assert answer.json["filename"] == kept


def shows_its_name(cast: Cast, media_id: int, kept: str | None) -> None:
    """One header line that any client reads as this name."""
    answer = cast.get(f"{MEDIA}/{media_id}")
    disposition = answer.headers["Content-Disposition"]
    assert len(answer.headers.getlist("Content-Disposition")) == 1
    assert disposition.isprintable()
    assert disposition.isascii()
    assert "Set-Cookie" not in answer.headers
    kind, options = parse_options_header(disposition)
    assert (kind, options["filename"]) == ("attachment", kept or f"image-{media_id}")


@pytest.mark.parametrize(
    ("header", "kept"),
    [('attachment; filename="bill.pdf"', "bill.pdf"), ("attachment; filename*=UTF-8''%D9%81.pdf", "ف.pdf"),
     ('inline; filename="../x.pdf"', "x.pdf"), ("attachment", None), ("=;;=", None)],
)  # fmt: skip
def test_a_name_is_also_read_from_the_header_that_is_for_it(cast: Cast, header: str, kept: str | None) -> None:
    answer = cast.upload(**{"Content-Disposition": header})
    assert (answer.status_code, answer.json["filename"]) == (201, kept)


@pytest.mark.parametrize(
    ("declared", "filename", "mime_type", "kind"),
    [("image/png", "trick.html", "image/png", "image"), ("", "menu.pdf", "application/pdf", "document"),
     ("application/octet-stream", "film.mp4", "video/mp4", "video"), ("Image/JPEG; q=1", "", "image/jpeg", "image"),
     ("nonsense", "", "application/octet-stream", "document")],
)  # fmt: skip
def test_the_declared_type_counts_and_a_missing_one_is_the_name_s(
    cast: Cast, declared: str, filename: str, mime_type: str, kind: str
) -> None:
    headers = {**cast.headers("alice"), "Content-Type": declared}
    answer = cast.client.post(MEDIA, query_string={"filename": filename}, data=b"x", headers=headers)
    assert (answer.json["mimeType"], answer.json["type"]) == (mime_type, kind)


HARMLESS = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "audio/ogg",
    "video/mp4",
    "application/pdf",
    "text/plain",
]
ACTIVE = [
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "text/javascript",
    "application/x-msdownload",
]


@pytest.mark.parametrize("mime_type", HARMLESS + ACTIVE)
def test_a_browser_shows_no_file_as_a_page_of_ours(cast: Cast, mime_type: str) -> None:
    kept = cast.upload(b"<script>alert(1)</script>", mime_type).json
    assert kept["mimeType"] == mime_type
    for answer in (cast.get(f"{MEDIA}/{kept['mediaId']}"), public(cast, kept["mediaId"])):
        assert answer.headers["Content-Type"] == (mime_type if mime_type in HARMLESS else "application/octet-stream")
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("told", ["image/png\r\nX-Evil: 1", "text/html,image/png", "image/png, text/html"])
def test_a_type_that_is_none_reaches_no_header(cast: Cast, told: str) -> None:
    """As a provider could tell it; what comes by HTTP cannot hold a line break."""
    file = db.write(lambda: files.add_upload(cast.tenant_id("bait"), "image", told, "x.png", clock.now()))
    db.write(lambda: files.put(file.id, 0, b"x"))
    db.write(lambda: files.finish(file.id, size=1, mime_type=told, filename="x.png"))
    answer = public(cast, file.id)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize("media_id", ["0", "-1", "1e3", "%2e%2e%2f1", "..%5c1", "1%00", "9" * 40, "99"])
def test_an_id_that_is_none_is_404(cast: Cast, media_id: str) -> None:
    cast.upload()
    answer = cast.get(f"{MEDIA}/{media_id}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("key", ["0" * 32, "1", "%2e%2e%2f1", "%00", "%25", "x" * 3000, "' OR 1=1 --", "%ff"])
def test_an_unknown_key_is_404(cast: Cast, key: str) -> None:
    cast.upload()
    answer = cast.client.get(f"/media/{key}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_the_public_link_is_for_reading_only(cast: Cast) -> None:
    key = Media.get_by_id(cast.upload().json["mediaId"]).key
    assert len(key) == 32
    for method in ("post", "put", "delete", "patch"):
        assert getattr(cast.client, method)(f"/media/{key}").status_code == 405
    assert cast.client.head(f"/media/{key}").status_code == 200


def test_a_customer_s_file_is_never_public(cast: Cast) -> None:
    file = arrives(cast.stage)
    holds(cast.stage, body=b"a face")
    fetch_all()
    assert cast.get(f"{MEDIA}/{file.id}").data == b"a face"
    answer = public(cast, file.id)
    assert (answer.status_code, answer.json["error"]) == (404, "There is no such thing.")


def test_an_upload_that_is_not_whole_yet_is_not_there(cast: Cast) -> None:
    tenant_id = cast.tenant_id("bait")
    file = db.write(lambda: files.add_upload(tenant_id, "image", "image/png", "x.png", clock.now()))
    db.write(lambda: files.put(file.id, 0, b"half"))
    assert cast.get(f"{MEDIA}/{file.id}").status_code == public(cast, file.id).status_code == 404


def test_a_message_tells_how_far_its_file_is(cast: Cast) -> None:
    file = arrives(cast.stage, caption="look")
    waiting = last(cast)
    described = {"id": file.id, "type": "image", "mimeType": "image/jpeg", "filename": "photo.jpg", "size": None,
                 "state": "pending", "errorCode": None, "url": None}  # fmt: skip
    assert (waiting["kind"], waiting["body"], waiting["status"]) == ("image", "look", "received")
    assert (waiting["media"], waiting["mediaState"], waiting["moreMedia"]) == (described, "pending", [])
    assert cast.get(f"{MEDIA}/{file.id}").status_code == 404
    holds(cast.stage, body=b"bytes")
    fetch_all()
    ready = last(cast)
    here = {"state": "ready", "size": 5, "mimeType": "image/png", "url": f"{MEDIA}/{file.id}"}
    assert ready["media"] == described | here
    assert cast.get(ready["media"]["url"]).data == b"bytes"
    cast.stage.later(days=31)
    cast.stage.keep_house()
    expired = last(cast)
    assert (expired["mediaState"], expired["media"]["url"], expired["body"]) == ("expired", None, "look")
    answer = cast.get(f"{MEDIA}/{file.id}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_file_that_was_given_up_says_why(cast: Cast) -> None:
    file = arrives(cast.stage)
    sends_on(cast.stage)
    fetch_all()
    shown = last(cast)
    assert (shown["mediaState"], shown["media"]["errorCode"], shown["media"]["url"]) == ("failed", "media_host", None)
    assert cast.get(f"{MEDIA}/{file.id}").status_code == 404


def test_a_message_without_a_file_says_so(cast: Cast) -> None:
    cast.stage.says("hello")
    cast.stage.read()
    shown = last(cast)
    assert (shown["media"], shown["mediaState"], shown["moreMedia"]) == (None, None, [])


def test_several_files_of_one_message_are_all_there_in_their_order(cast: Cast) -> None:
    first = arrives(cast.stage)
    more = [words.Attachment("image", f"m{n}", "image/png", f"{n}.png") for n in (2, 3)]
    tenant_id, message_id = cast.tenant_id("bait"), first.message_id
    db.write(lambda: files.add_attachments(tenant_id, cast.stage.channel.id, message_id, more, clock.now()))
    shown = last(cast)
    names = [file["filename"] for file in (shown["media"], *shown["moreMedia"])]
    assert names == ["photo.jpg", "2.png", "3.png"]
    assert all(set(file) == SHAPE for file in (shown["media"], *shown["moreMedia"]))


def test_the_file_of_a_message_of_ours_is_shown_like_a_customer_s(cast: Cast) -> None:
    kept = cast.upload(b"12345", "image/png").json
    draft = {"kind": "media", "media": {"type": "image", "mediaId": kept["mediaId"], "filename": "menu.png"}}
    cast.post(f"/api/restaurants/bait/conversations/{cast.conversation_id('bait')}/send", draft)
    shown = last(cast)
    assert shown["media"] == {
        "id": kept["mediaId"], "type": "image", "mimeType": "image/png", "filename": "menu.png", "size": 5,
        "state": "ready", "errorCode": None, "url": f"{MEDIA}/{kept['mediaId']}",
    }  # fmt: skip
    assert (shown["mediaState"], shown["moreMedia"]) == ("ready", [])


def test_a_file_at_an_address_is_shown_with_its_address(cast: Cast) -> None:
    draft = {"kind": "media", "media": {"type": "image", "url": "https://example.com/menu.png", "caption": "Menu"}}
    cast.post(f"/api/restaurants/bait/conversations/{cast.conversation_id('bait')}/send", draft)
    shown = last(cast)
    assert (shown["media"]["url"], shown["media"]["id"]) == ("https://example.com/menu.png", None)
    assert (shown["body"], set(shown["media"])) == ("Menu", SHAPE)


def test_the_provider_s_own_address_of_a_file_is_told_to_nobody(cast: Cast) -> None:
    """It can hold a credential, and fetching it is ours to do."""
    arrives(cast.stage, "reference-at-the-provider")
    shown = last(cast)
    assert API not in str(shown["media"])
    assert "reference-at-the-provider" not in str(shown["media"])
