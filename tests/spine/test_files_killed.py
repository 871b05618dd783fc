"""Files while processes are killed (-9): what the consumer was fetching is fetched whole after its restart, and nobody
is ever given a part of a file."""

import contextlib
import hashlib
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes import meta
from tests.spine.stack import wait_until
from tests.spine.two_tenants import APP_SECRET, BAIT_META, TwoTenants, change, post_body, running, text_item
from wabot.core.media import LEASE
from wabot.store import db
from wabot.store.media import CHUNK_BYTES

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

SIZE = (15 << 20) + 12_345
CHUNKS = -(-SIZE // CHUNK_BYTES)
TRIALS = 5
"""So often a kill may come too late."""
CUSTOMER = "966530000001"


def whole(file: str) -> bytes:
    """The bytes that Meta has under this id."""
    return random.Random(file).randbytes(SIZE)


class Reader:
    """Asks for a file all the time, with the tenant's token, and keeps what it was given."""

    def __init__(self, stack: TwoTenants, media_id: int):
        self.given: set[tuple[int, str]] = set()
        self._stack, self._path, self._ends = stack, f"/media/{media_id}", threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        while not self._ends.is_set() and 200 not in {status for status, _ in self.given}:
            try:
                answer = self._stack.ask("bait", self._path)
            except requests.RequestException as error:
                self.given.add((0, repr(error)))
                continue
            self.given.add((answer.status_code, hashlib.sha256(answer.content).hexdigest() if answer.ok else ""))
            time.sleep(0.005)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()


def photographed(stack: TwoTenants, file: str, **order: Any) -> int:
    """A customer sends a photograph that Meta gives out as ordered; our id of it."""
    control(stack, files={file: {"mime_type": "image/jpeg", "size": SIZE}}, on="file", **order)
    image = {"id": file, "mime_type": "image/jpeg"}
    writes(stack, {"from": CUSTOMER, "id": f"wamid.{file}", "type": "image", "image": image})

    def media_id() -> int | None:
        found = [
            row["media"] for row in stack.between(BAIT_META, CUSTOMER) if row["providerMessageId"] == f"wamid.{file}"
        ]
        return int(found[0]["id"]) if found else None

    return int(wait_until(media_id, seconds=20, what="the photograph is read"))


def writes(stack: TwoTenants, message: dict[str, Any]) -> None:
    assert post_body(stack.url, meta.batch(change(BAIT_META, message)), APP_SECRET).status_code == 200


def control(stack: TwoTenants, **order: Any) -> None:
    requests.post(f"{stack.graph}/_control", json=order, timeout=30).raise_for_status()


def has_row(stack: TwoTenants, media_id: int) -> bool:
    with db.side_connection(stack.file) as file:
        return bool(list(file.execute("SELECT 1 FROM media WHERE id = ?", (media_id,))))


def kept_of(stack: TwoTenants, media_id: int) -> tuple[str, int]:
    """The state of a file, and how many of its chunks are here."""
    with db.side_connection(stack.file) as file:
        [(state,)] = file.execute("SELECT state FROM media WHERE id = ?", (media_id,))
        [(chunks,)] = file.execute("SELECT count(*) FROM media_chunk WHERE media_id = ?", (media_id,))
        return state, chunks


def wait_for_a_chunk(stack: TwoTenants) -> None:
    """Wait, without any pause, until the newest file has one; a file has some sixty, in as many writes."""
    newest = "SELECT 1 FROM media_chunk WHERE media_id = (SELECT max(id) FROM media)"
    with db.side_connection(stack.file) as file:
        until = time.monotonic() + 30
        while not list(file.execute(newest)):
            assert time.monotonic() < until, "no chunk was written"


def killed_between_chunks(stack: TwoTenants) -> tuple[str, int]:
    """Kill the consumer while it writes the chunks of a photograph; Meta's id of it, and ours."""
    for n in range(TRIALS):
        file = f"trial-{n}"
        media_id = photographed(stack, file, mode="ok", delay_ms=300)
        wait_for_a_chunk(stack)
        stack.kill(stack.consumer)
        if kept_of(stack, media_id)[0] == "pending":
            return file, media_id
        stack.start_consumer()
    raise AssertionError(f"{TRIALS} kills came too late")


def test_a_file_that_a_killed_consumer_was_fetching_is_whole_after_its_restart(tmp_path: Path) -> None:
    clock, late = tmp_path / "clock", LEASE.total_seconds() + 1
    with running(tmp_path, WABOT_TEST_CLOCK=str(clock)) as stack:
        media_id = photographed(stack, "dripping", mode="drip", delay_ms=50)
        with Reader(stack, media_id) as reader:
            asked = f"{stack.graph}/_ledger"
            wait_until(
                lambda: "/_file/dripping" in [line["path"] for line in requests.get(asked, timeout=10).json()["asked"]],
                seconds=20, what="the file is on its way",
            )  # fmt: skip
            stack.kill(stack.consumer)
            assert kept_of(stack, media_id) == ("pending", 0)
            clock.write_text(str(late))
            stack.start_consumer()
            wait_until(lambda: kept_of(stack, media_id)[0] == "ready", seconds=60, what="it is fetched once more")
            wait_until(lambda: len(reader.given) > 1, seconds=30, what="it is given out")
        assert reader.given == {(404, ""), (200, hashlib.sha256(whole("dripping")).hexdigest())}

        file, media_id = killed_between_chunks(stack)
        state, chunks = kept_of(stack, media_id)
        assert state == "pending"
        assert 0 < chunks < CHUNKS
        with Reader(stack, media_id) as reader:
            wait_until(lambda: reader.given, seconds=20, what="it is asked for")
            assert reader.given == {(404, "")}, "a part is here, and nobody is given it"
            clock.write_text(str(2 * late))
            stack.start_consumer()
            wait_until(lambda: kept_of(stack, media_id) == ("ready", CHUNKS), seconds=60, what="it is whole")
            wait_until(lambda: len(reader.given) > 1, seconds=30, what="it is given out")
        assert reader.given == {(404, ""), (200, hashlib.sha256(whole(file)).hexdigest())}
        with db.side_connection(stack.file) as open_file:
            assert list(open_file.execute("PRAGMA integrity_check")) == [("ok",)]
            shares = open_file.execute("SELECT n, data FROM media_chunk WHERE media_id = ? ORDER BY n", (media_id,))
            assert b"".join(bytes(data) for _, data in shares) == whole(file)


def test_an_upload_that_a_killed_web_was_taking_is_given_to_nobody_and_can_be_made_again(tmp_path: Path) -> None:
    body, codes = whole("upload"), []

    def upload() -> None:
        with contextlib.suppress(requests.RequestException):
            codes.append(stack.ask("bait", "/media", data=body, headers={"Content-Type": "image/jpeg"}).status_code)

    with running(tmp_path) as stack:
        writes(stack, text_item(CUSTOMER, "wamid.hello", "hello"))
        for media_id in range(1, 1 + TRIALS):
            thread = threading.Thread(target=upload)
            thread.start()
            wait_until(lambda media_id=media_id: has_row(stack, media_id), seconds=30, what="the upload has begun")
            wait_for_a_chunk(stack)
            stack.kill(stack.web)
            thread.join()
            stack.start_web()
            if len(codes) < media_id:
                break
        state, chunks = kept_of(stack, media_id)
        assert state == "pending"
        assert 0 < chunks <= CHUNKS
        with db.side_connection(stack.file) as file:
            [(key,)] = file.execute("SELECT key FROM media WHERE id = ?", (media_id,))
        assert stack.ask("bait", f"/media/{media_id}").status_code == 404
        assert requests.get(f"{stack.url}/media/{key}", timeout=10).status_code == 404
        draft = {"kind": "media", "media": {"type": "image", "mediaId": media_id}}
        conversation = wait_until(
            lambda: stack.conversation_id(BAIT_META, CUSTOMER), seconds=20, what="the greeting is read"
        )
        assert stack.ask("bait", f"/conversations/{conversation}/send", json=draft).status_code == 422

        upload()
        assert codes[-1:] == [201]
        answer = stack.ask("bait", f"/media/{media_id + 1}")
        assert (answer.status_code, answer.content) == (200, body)
