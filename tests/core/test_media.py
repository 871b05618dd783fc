"""Files of customers: the message first, then the file, by a few tries; kept in small writes, and not for ever."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from tests.core.conftest import SECRET, Stage
from wabot import clock, config, errors
from wabot.core import media, tenancy
from wabot.providers.base import MAX_MEDIA_BYTES
from wabot.store import db
from wabot.store import media as files
from wabot.store.customers import Conversation
from wabot.store.media import CHUNK_BYTES, Media
from wabot.words import MediaState

API = "http://provider.test/sandbox/api/media/"


def arrives(stage: Stage, media_id: str = "m1", kind: str = "image", *, caption: str = "look", **about: str) -> Media:
    """A customer's file, as a message that was read; its bytes are still at the provider."""
    described = {"id": media_id, "mimeType": "image/jpeg", "filename": "photo.jpg", **about}
    stage.says(message={"kind": kind, "text": caption, "media": described})
    stage.read()
    return Media.select().order_by(Media.id.desc()).get()


def holds(stage: Stage, media_id: str = "m1", body: bytes = b"bytes", mime_type: str = "image/png") -> None:
    """The provider has this file."""
    stage.provider.upsert("GET", API + media_id, body=body, content_type=mime_type)


def fails(stage: Stage, status: int = 500) -> None:
    """The provider answers so instead of giving the file."""
    stage.provider.upsert("GET", API + "m1", status=status, json={"error": {"code": "x", "message": "as told"}})


def sends_on(stage: Stage) -> None:
    """The provider answers that the file is elsewhere, where nobody of ours goes."""
    stage.provider.upsert("GET", API + "m1", status=302, headers={"Location": "http://169.254.169.254/"})


def fetch_all() -> int:
    """Fetch what is due now; returns how many tries that were."""
    return sum(1 for _ in iter(media.fetch_next, False))


def row(media_id: int) -> Media:
    found = Media.get_or_none(Media.id == media_id)
    assert found is not None
    return found


def content(media_id: int) -> bytes:
    return b"".join(files.read(media_id))


def chunks() -> int:
    return int(db.rows("SELECT count(*) FROM media_chunk")[0][0])


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize(
    ("size", "pieces"),
    [(1, 1), (CHUNK_BYTES - 1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (3 * CHUNK_BYTES + 7, 4)],
)
def test_a_file_is_fetched_and_kept_byte_for_byte(stage: Stage, size: int, pieces: int) -> None:
    body = noise(size)
    file = arrives(stage)
    holds(stage, body=body)
    assert fetch_all() == 1
    kept = row(file.id)
    assert content(file.id) == body
    assert (kept.state, kept.size, kept.mime_type, kept.filename) == (MediaState.READY, size, "image/png", "photo.jpg")
    assert (chunks(), kept.due_at, files.next_due()) == (pieces, None, None)


def test_the_provider_is_asked_as_the_channel_and_only_once(stage: Stage) -> None:
    arrives(stage)
    holds(stage)
    fetch_all()
    [call] = stage.provider.calls
    assert call.request.headers["Authorization"] == f"Bearer {SECRET}"
    assert call.request.headers["X-Sandbox-Number"] == stage.channel.number
    assert fetch_all() == 0


def test_the_message_is_there_before_its_file(stage: Stage) -> None:
    file = arrives(stage, caption="my order is cold")
    [message] = stage.in_()
    assert (message.kind, message.body, message.id) == ("image", "my order is cold", file.message_id)
    assert (file.state, file.mime_type, file.filename) == (MediaState.PENDING, "image/jpeg", "photo.jpg")
    assert Conversation.get().unread == 1
    assert len(stage.provider.calls) == 0


def test_a_webhook_that_comes_twice_brings_its_file_once(stage: Stage) -> None:
    described = {"id": "m1", "mimeType": "image/jpeg"}
    item = stage.item(message={"kind": "image", "media": described})
    stage.webhook(item)
    stage.webhook(item)
    stage.webhook(item, stage.item("in another body"))
    stage.read()
    assert Media.select().count() == 1


def test_the_largest_file_is_kept_and_a_larger_one_given_up_at_once(stage: Stage) -> None:
    largest, larger = arrives(stage, "largest", "video"), arrives(stage, "larger", "video")
    body = noise(MAX_MEDIA_BYTES)
    holds(stage, "largest", body)
    holds(stage, "larger", body + b"!")
    assert fetch_all() == 2
    assert content(largest.id) == body
    assert (row(larger.id).state, row(larger.id).error_code) == (MediaState.FAILED, "media_too_large")
    assert content(larger.id) == b""


def test_a_file_is_tried_three_times_after_5_and_15_seconds_and_then_given_up(stage: Stage) -> None:
    file = arrives(stage)
    fails(stage)
    for wait in (timedelta(seconds=5), timedelta(seconds=15)):
        before = clock.now()
        assert fetch_all() == 1
        due_at = row(file.id).due_at
        assert before + wait <= due_at <= clock.now() + wait
        assert claimed_at(due_at - timedelta(milliseconds=1)) is None
        stage.later(seconds=wait.total_seconds())
    assert fetch_all() == 1
    given_up = row(file.id)
    assert (given_up.state, given_up.tries, given_up.due_at) == (MediaState.FAILED, 3, None)
    assert (given_up.error_code, given_up.error_message) == ("http_500", "the provider answers 500")
    stage.later(hours=1)
    assert fetch_all() == 0


def claimed_at(now: datetime) -> Media | None:
    """What a process would take at this moment."""
    return db.write(lambda: files.claim(now, media.LEASE, media.MOST_TRIES))


def test_a_file_that_comes_at_the_third_try_is_kept_without_an_error(stage: Stage) -> None:
    file = arrives(stage)
    fails(stage)
    for wait in (5.1, 15.1):
        fetch_all()
        stage.later(seconds=wait)
    holds(stage, body=b"at last")
    fetch_all()
    kept = row(file.id)
    assert (kept.state, kept.error_code, kept.error_message) == (MediaState.READY, "", "")
    assert content(file.id) == b"at last"


def test_what_can_never_be_fetched_is_given_up_at_once(stage: Stage) -> None:
    file = arrives(stage)
    sends_on(stage)
    assert fetch_all() == 1
    assert (row(file.id).state, row(file.id).tries, row(file.id).error_code) == (MediaState.FAILED, 1, "media_host")
    assert len(stage.provider.calls) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_what_may_pass_is_tried_again(stage: Stage, status: int) -> None:
    file = arrives(stage)
    fails(stage, status)
    fetch_all()
    assert (row(file.id).state, row(file.id).tries) == (MediaState.PENDING, 1)


@pytest.mark.parametrize("error", [requests.ConnectionError("reset"), requests.ReadTimeout("slow")])
def test_a_network_that_fails_is_tried_again(stage: Stage, error: Exception) -> None:
    file = arrives(stage)
    stage.provider.upsert("GET", API + "m1", body=error)
    fetch_all()
    assert (row(file.id).state, row(file.id).tries) == (MediaState.PENDING, 1)


def test_an_empty_file_is_none(stage: Stage) -> None:
    file = arrives(stage)
    holds(stage, body=b"")
    for _ in range(3):
        fetch_all()
        stage.later(seconds=16)
    assert (row(file.id).state, row(file.id).error_code) == (MediaState.FAILED, "media_empty")


def test_a_reference_that_is_no_id_calls_nobody(stage: Stage) -> None:
    file = arrives(stage, "../messages")
    fetch_all()
    assert (row(file.id).state, row(file.id).error_code) == (MediaState.FAILED, "media_reference")
    assert len(stage.provider.calls) == 0


def test_a_type_that_the_provider_does_not_tell_is_the_one_of_the_message(stage: Stage) -> None:
    file = arrives(stage, mimeType="image/webp")
    stage.provider.add("GET", API + "m1", body=b"x", content_type="")
    fetch_all()
    assert row(file.id).mime_type == "image/webp"


@pytest.mark.parametrize(
    ("told", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\temp\\bill.pdf", "bill.pdf"),
     ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
     ("فاتورة.pdf", "فاتورة.pdf"), ("x" * 300 + ".pdf", "x" * 116 + ".pdf"), ("..", ""), ("gnp.\u202eexe", "gnp.exe")],
)  # fmt: skip
def test_a_file_keeps_its_name_without_what_a_name_must_not_have(stage: Stage, told: str, kept: str) -> None:
    file = arrives(stage, filename=told)
    holds(stage)
    fetch_all()
    assert row(file.id).filename == kept


def test_a_fetch_whose_process_died_is_repeated_when_its_lease_is_over(stage: Stage) -> None:
    file = arrives(stage)
    holds(stage, body=b"after all")
    dies_while_fetching()
    assert fetch_all() == 0
    stage.later(seconds=media.LEASE.total_seconds() - 30)
    assert fetch_all() == 0
    stage.later(seconds=31)
    assert fetch_all() == 1
    assert content(file.id) == b"after all"


def test_a_file_that_kills_three_processes_is_given_up(stage: Stage) -> None:
    file = arrives(stage)
    holds(stage)
    for _ in range(media.MOST_TRIES):
        dies_while_fetching()
        stage.later(seconds=media.LEASE.total_seconds() + 1)
    assert fetch_all() == 0
    assert (row(file.id).state, row(file.id).error_code) == (MediaState.FAILED, "worker_lost")
    assert len(stage.provider.calls) == 0


def dies_while_fetching() -> None:
    """A process claims a file and is never heard of again."""
    assert claimed_at(clock.now()) is not None


def test_bytes_that_a_dead_process_left_behind_are_replaced(stage: Stage) -> None:
    file = arrives(stage)
    dies_while_fetching()
    db.write(lambda: files.put(file.id, 0, b"half of an"))
    holds(stage, body=b"whole")
    stage.later(seconds=media.LEASE.total_seconds() + 1)
    fetch_all()
    assert content(file.id) == b"whole"


def test_more_bytes_than_the_file_has_are_not_left_behind(stage: Stage) -> None:
    """What was cut off differently at the first try must not end up behind the file."""
    file = arrives(stage)
    dies_while_fetching()
    db.write(lambda: files.put(file.id, 1, b"of an older, longer answer"))
    holds(stage, body=b"short")
    stage.later(seconds=media.LEASE.total_seconds() + 1)
    fetch_all()
    assert content(file.id) == b"short"


def test_a_file_is_fetched_by_one_of_many_at_a_time(stage: Stage) -> None:
    for n in range(5):
        arrives(stage, f"m{n}")
        holds(stage, f"m{n}")
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: media.fetch_next(), range(24))) == 5
    asked = [call.request.url for call in stage.provider.calls]
    assert sorted(asked) == [f"{API}m{n}" for n in range(5)]
    assert {file.tries for file in Media.select()} == {1}


def test_a_tenant_that_goes_while_its_file_is_fetched_takes_it_along(stage: Stage) -> None:
    arrives(stage)

    def removed(_request: Any) -> tuple[int, dict[str, str], bytes]:
        tenancy.remove_tenant("bait")
        return 200, {}, noise(2 * CHUNK_BYTES)

    stage.provider.add_callback("GET", API + "m1", callback=removed)
    assert fetch_all() == 1
    assert (Media.select().count(), chunks()) == (0, 0)


def test_a_tenant_that_goes_takes_its_files_along(stage: Stage) -> None:
    arrives(stage)
    holds(stage)
    fetch_all()
    media.upload(stage.channel.tenant_id, b"our logo", "image/png", "logo.png")
    tenancy.remove_tenant("bait")
    assert (Media.select().count(), chunks()) == (0, 0)


def test_credentials_that_cannot_be_opened_are_no_reason_to_try_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = arrives(stage)
    monkeypatch.setenv("WABOT_SECRET_KEY", "another key of thirty-two characters")
    config.settings.cache_clear()
    tenancy._opened.cache_clear()
    fetch_all()
    assert (row(file.id).state, row(file.id).error_code) == (MediaState.FAILED, "sealed")


def test_the_files_of_a_paused_channel_are_fetched(stage: Stage) -> None:
    tenancy.pause_channel(stage.channel.id)
    file = arrives(stage)
    holds(stage)
    fetch_all()
    assert row(file.id).state is MediaState.READY


def test_after_the_clock_went_back_nothing_waits_for_hours(stage: Stage) -> None:
    stage.keep_house()
    file = arrives(stage)
    fails(stage)
    fetch_all()
    holds(stage)
    stage.later(hours=-2)
    assert fetch_all() == 0
    stage.keep_house()
    assert fetch_all() == 1
    assert row(file.id).state is MediaState.READY


def test_a_try_that_was_slower_than_its_lease_takes_nothing_away(stage: Stage) -> None:
    """A process that slept for long, while another fetched the file, comes back with an error of its own."""
    file = arrives(stage)

    def overtaken(_request: Any) -> tuple[int, dict[str, str], bytes]:
        stage.later(seconds=media.LEASE.total_seconds() + 1)
        holds(stage, body=b"by another")
        media.fetch_next()
        return 302, {}, b""

    stage.provider.add_callback("GET", API + "m1", callback=overtaken)
    media.fetch_next()
    assert (row(file.id).state, content(file.id)) == (MediaState.READY, b"by another")


def kept_file(stage: Stage, body: bytes = b"bytes") -> Media:
    file = arrives(stage)
    holds(stage, body=body)
    fetch_all()
    return row(file.id)


def test_after_30_days_the_bytes_are_gone_and_the_row_says_so(stage: Stage) -> None:
    file = kept_file(stage)
    stage.later(days=29, hours=23)
    stage.keep_house()
    assert content(file.id) == b"bytes"
    stage.later(hours=2)
    stage.keep_house()
    assert (row(file.id).state, row(file.id).reference, chunks()) == (MediaState.EXPIRED, "", 0)
    assert [message.kind for message in stage.in_()] == ["image"]


@pytest.mark.parametrize(("days", "after", "state"), [("0", 4000, "ready"), ("2", 3, "expired"), ("2", 1, "ready")])
def test_how_long_files_are_kept_is_the_operator_s_to_say(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, days: str, after: int, state: str
) -> None:
    monkeypatch.setenv("WABOT_RETENTION_MEDIA_DAYS", days)
    config.settings.cache_clear()
    file = kept_file(stage)
    stage.later(days=after)
    stage.keep_house()
    assert row(file.id).state == state


def test_uploads_expire_too_and_are_then_sent_no_more(stage: Stage) -> None:
    file = media.upload(stage.channel.tenant_id, b"our logo", "image/png", "logo.png")
    kept = media.Kept(stage.channel.tenant_id)
    assert (kept.read(file.id), kept.link(file.id).rpartition("/")[2]) == (b"our logo", file.key)
    stage.later(days=31)
    stage.keep_house()
    for use in (kept.read, kept.link):
        with pytest.raises(errors.PermanentFailure, match="media_gone"):
            use(file.id)


def test_a_file_that_was_never_fetched_expires_instead_of_being_fetched_a_month_later(stage: Stage) -> None:
    file = arrives(stage)
    holds(stage)
    stage.later(days=31)
    stage.keep_house()
    assert fetch_all() == 0
    assert row(file.id).state is MediaState.EXPIRED


def steps_of_forgetting() -> Iterator[tuple[int, int]]:
    """Forget step by step; how many chunks were there before and after each."""
    while True:
        before = chunks()
        if not media.forget_old(clock.now()):
            return
        yield before, chunks()


def test_no_write_deletes_more_than_a_megabyte(stage: Stage) -> None:
    for _ in range(3):
        media.upload(stage.channel.tenant_id, noise(11 * CHUNK_BYTES), "video/mp4", "film.mp4")
    stage.later(days=31)
    gone = [before - after for before, after in steps_of_forgetting()]
    assert max(gone) * CHUNK_BYTES <= 1 << 20
    assert (sum(gone), chunks()) == (33, 0)
    assert {file.state for file in Media.select()} == {MediaState.EXPIRED}


def test_a_file_of_which_a_part_is_gone_is_never_given_out(stage: Stage) -> None:
    file = media.upload(stage.channel.tenant_id, noise(11 * CHUNK_BYTES), "video/mp4", "film.mp4")
    stage.later(days=31)
    for _ in steps_of_forgetting():
        with pytest.raises(errors.PermanentFailure, match="media_gone"):
            media.Kept(stage.channel.tenant_id).read(file.id)
        assert row(file.id).state is not MediaState.READY


def test_one_round_of_upkeep_forgets_only_so_much(stage: Stage) -> None:
    """Thousands of old files must not keep the consumer from its beat."""
    for _ in range(4):
        media.upload(stage.channel.tenant_id, noise(60 * CHUNK_BYTES), "video/mp4", "film.mp4")
    stage.later(days=31)
    stage.keep_house()
    assert 0 < chunks() < 240
    stage.keep_house()
    assert chunks() == 0


def test_an_upload_whose_process_died_is_never_fetched_and_expires(stage: Stage) -> None:
    tenant_id = stage.channel.tenant_id
    half = db.write(lambda: files.add_upload(tenant_id, "image", "image/png", "logo.png", clock.now()))
    db.write(lambda: files.put(half.id, 0, b"half"))
    assert (fetch_all(), files.next_due()) == (0, None)
    with pytest.raises(errors.PermanentFailure, match="media_gone"):
        media.Kept(tenant_id).read(half.id)
    stage.later(days=31)
    stage.keep_house()
    assert (row(half.id).state, chunks()) == (MediaState.EXPIRED, 0)


@pytest.mark.parametrize(
    ("told", "name", "kept", "kind"),
    [("image/png", "a.pdf", "image/png", "image"), ("IMAGE/PNG; charset=x", "", "image/png", "image"),
     ("", "film.mp4", "video/mp4", "video"), ("application/octet-stream", "bill.pdf", "application/pdf", "document"),
     ("", "", "application/octet-stream", "document"), ("nonsense", "x", "application/octet-stream", "document"),
     ("image/p\u00f1g", "x", "application/octet-stream", "document"),
     ("a/b/c", "x", "application/octet-stream", "document"),
     ("image/" + "x" * 300, "x", "application/octet-stream", "document"), ("audio/ogg", "", "audio/ogg", "audio")],
)  # fmt: skip
def test_a_type_is_the_one_that_was_declared_else_the_name_s_else_none(
    stage: Stage, told: str, name: str, kept: str, kind: str
) -> None:
    file = media.upload(stage.channel.tenant_id, b"x", told, name)
    assert (file.mime_type, file.type) == (kept, kind)


def test_an_upload_is_refused_when_it_is_empty_or_too_large(stage: Stage) -> None:
    for body, code in ((b"", "media_empty"), (bytes(MAX_MEDIA_BYTES + 1), "media_too_large")):
        with pytest.raises(errors.Refused) as refusal:
            media.upload(stage.channel.tenant_id, body, "image/png", "x.png")
        assert refusal.value.code == code
    assert Media.select().count() == 0


def test_another_tenant_s_file_is_not_there(stage: Stage, make_channel: Callable[..., Any]) -> None:
    file = kept_file(stage)
    own, other = stage.channel.tenant_id, make_channel("luma", "+447700900001").tenant_id
    assert files.find(other, file.id) is None
    assert list(files.of_messages(own, [file.message_id])) == [file.message_id]
    assert files.of_messages(other, [file.message_id]) == {}
    for use in (media.Kept(other).read, media.Kept(other).link):
        with pytest.raises(errors.PermanentFailure, match="media_gone"):
            use(file.id)


def test_a_claim_counts_its_try_and_is_due_again_after_its_lease(stage: Stage) -> None:
    file = arrives(stage)
    now = clock.now()
    claimed = db.write(lambda: files.claim(now, timedelta(minutes=3), 3))
    assert claimed is not None
    assert (claimed.id, claimed.tries, claimed.due_at) == (file.id, 1, now + timedelta(minutes=3))
