"""Imitations of vendors in a thread, and what a send needs beside its draft."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import meta, twilio
from tests.providers import payloads
from wabot import errors
from wabot.config import Settings
from wabot.providers.base import Files, Structures


class Kept(Structures):
    """Structures in memory, with a record of what was created and forgotten."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.forgotten: list[str] = []

    def obtain(self, key: str, create: Callable[[], str]) -> str:
        if key not in self.ids:
            self.ids[key] = create()
        return self.ids[key]

    def forget(self, key: str) -> None:
        self.forgotten.append(key)
        del self.ids[key]


class Shelf(Files):
    """Files in memory, with a record of what was read."""

    def __init__(self, **files: bytes) -> None:
        self.files = {int(name.removeprefix("n")): body for name, body in files.items()}
        self.was_read: list[int] = []

    def read(self, media_id: int) -> bytes:
        self.was_read.append(media_id)
        return self._known(media_id)

    def link(self, media_id: int) -> str:
        self._known(media_id)
        return f"{payloads.PUBLIC_URL}/media/key{media_id}"

    def _known(self, media_id: int) -> bytes:
        if media_id not in self.files:
            raise errors.PermanentFailure("media_gone", "the file is no longer here")
        return self.files[media_id]


class Imitation:
    """A running imitation of a vendor."""

    def __init__(self, port: int) -> None:
        self.port = port

    def order(self, mode: str, **parameters: Any) -> None:
        """Say what the next sends meet."""
        self.ask("POST", "/_control", {"mode": mode, **parameters})

    def ledger(self) -> list[dict[str, Any]]:
        """What was carried out."""
        found: list[dict[str, Any]] = self.ask("GET", "/_ledger")["messages"]
        return found

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextlib.contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[Imitation]:
    """The imitation that this server is, running in a thread."""
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    yield Imitation(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def imitation(tmp_path: Path) -> Iterator[Imitation]:
    """Twilio."""
    server = twilio.Server(("127.0.0.1", 0), twilio.Handler)
    server.twilio = twilio.Twilio(payloads.AC, payloads.SECRET, tmp_path / "ledger.jsonl")
    with served(server) as running:
        yield running
    server.twilio.close()


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Imitation]:
    """Meta, with the number of `payloads` and another one."""
    numbers = {payloads.NUMBER_ID: payloads.ACCOUNTS["meta"].credentials["access_token"], "7": "another token"}
    server = meta.Server(("127.0.0.1", 0), meta.Handler)
    server.meta = meta.Meta(numbers, tmp_path / "graph.jsonl")
    with served(server) as running:
        yield running
    server.meta.close()


@pytest.fixture
def settings(imitation: Imitation) -> Settings:
    """Settings that know the imitation instead of Twilio."""
    base = f"http://127.0.0.1:{imitation.port}"
    return Settings(
        wabot_public_url=payloads.PUBLIC_URL, twilio_api_base=base, twilio_content_api=base, wabot_send_timeout=5
    )


@pytest.fixture
def structures() -> Kept:
    return Kept()


@pytest.fixture
def files() -> Shelf:
    return Shelf(n1=b"\xff\xd8 a picture", n2=b"%PDF-1.7")
