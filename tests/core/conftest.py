"""The cast: one tenant with a sandbox channel, one customer, and a way to run what is due. The provider's
API is played by `responses`; everything else is real."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient

from wabot import clock
from wabot.core import answering, delivery, inbox, tenancy, upkeep
from wabot.store import db, messages, outbox, tenants
from wabot.store.attempts import Attempt
from wabot.store.messages import Message
from wabot.store.tenants import Channel
from wabot.web import create_app

API = "http://provider.test/sandbox/api/messages"
SECRET = "s" * 32
PHONE = "+966511111111"
_ids = itertools.count(1)


@dataclass
class Stage:
    """What tests speak to."""

    client: FlaskClient
    channel: Channel
    provider: responses.RequestsMock
    clock_file: Path
    sent: list[dict[str, Any]] = field(default_factory=list)
    pace: outbox.Pace = field(default_factory=lambda: outbox.Pace(100, 1000))

    def webhook(self, *items: Any, channel: Channel | None = None, secret: str = SECRET) -> Any:
        """Deliver a signed webhook with these items."""
        return self.raw_webhook(json.dumps({"items": items}).encode(), channel=channel, secret=secret)

    def raw_webhook(self, body: bytes, *, channel: Channel | None = None, secret: str = SECRET) -> Any:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Sandbox-Signature": signature, "Content-Type": "application/json"}
        return self.client.post(f"/webhooks/{(channel or self.channel).key}", data=body, headers=headers)

    def item(self, text: str = "hello", *, phone: str = PHONE, name: str = "Sara", **values: Any) -> dict[str, Any]:
        """One message of a customer, as the sandbox words it."""
        return {"type": "message", "id": f"in.{next(_ids)}", "from": {"phone": phone}, "name": name,
                "at": clock.iso(clock.now()), "message": {"kind": "text", "text": text}, **values}  # fmt: skip

    def says(self, text: str = "hello", **values: Any) -> str:
        """A customer writes; returns the provider's id of it."""
        item = self.item(text, **values)
        assert self.webhook(item).status_code == 200
        return str(item["id"])

    def status(self, status: str, reference: str, **values: Any) -> None:
        """The provider says what became of an attempt."""
        item = {"type": "status", "id": values.pop("id", ""), "status": status, "reference": reference, **values}
        item["at"] = clock.iso(clock.now())
        assert self.webhook(item).status_code == 200
        self.read()

    def read(self) -> None:
        while inbox.read_some():
            continue

    def answer(self) -> None:
        self.read()
        while answering.answer_some():
            due = messages.next_answer_due()
            if due is None or due > clock.now():
                return

    def deliver(self) -> int:
        """Send everything that may be sent now; returns how many calls were made."""
        calls = 0
        while delivery.deliver_next(self.pace):
            calls += 1
        return calls

    def keep_house(self) -> None:
        upkeep.keep_house()

    def later(self, **by: float) -> None:
        """Time passes."""
        already = float(self.clock_file.read_text())
        self.clock_file.write_text(str(already + timedelta(**by).total_seconds()))

    def out(self) -> list[Message]:
        """Everything in the outbox and beyond it, oldest first."""
        return list(Message.select().where(Message.direction == "OUT").order_by(Message.id))

    def in_(self) -> list[Message]:
        return list(Message.select().where(Message.direction == "IN").order_by(Message.id))

    def attempts(self) -> list[Attempt]:
        return list(Attempt.select().order_by(Attempt.id))

    def accepts(self) -> None:
        """From now on the provider takes every message."""
        self.provider.reset()
        self.provider.add_callback("POST", API, callback=self._take)

    def fails(self, status: int, code: str = "", *, headers: dict[str, str] | None = None, body: Any = None) -> None:
        """From now on the provider refuses every message in this way."""
        self.provider.reset()
        answer = body if body is not None else json.dumps({"error": {"code": code, "message": "as told"}})
        self.provider.add("POST", API, body=answer, status=status, headers=headers or {})

    def breaks(self, error: Exception) -> None:
        self.provider.reset()
        self.provider.add("POST", API, body=error)

    def _take(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.sent.append(json.loads(request.body))
        return 201, {}, json.dumps({"id": f"sbx.{len(self.sent)}"})

    def fresh_channel(self) -> Channel:
        found = tenants.channel(self.channel.id)
        assert found is not None
        return found


@cache
def app() -> Flask:
    """The application, made once: laying out its routes takes longer than most tests."""
    return create_app()


@pytest.fixture
def make_channel(file: Path) -> Callable[..., Channel]:
    def make(slug: str = "bait", number: str = "+966500000001", **tenant: Any) -> Channel:
        new = tenancy.NewTenant(slug, "Bait Al-Sham", locale="en", **tenant)
        tenancy.add_tenant(new, {})
        given = {"secret": SECRET, "api_base": "http://provider.test"}
        return tenancy.add_channel(slug, "sandbox", number, given, out_per_minute=100000)

    return make


@pytest.fixture
def stage(make_channel: Callable[..., Channel], settings_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    clock_file = settings_env / "clock"
    clock_file.write_text("0")
    monkeypatch.setenv(clock.TEST_CLOCK, str(clock_file))
    channel = make_channel()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as provider:
        stage = Stage(app().test_client(), channel, provider, clock_file)
        stage.accepts()
        yield stage
    db.write(lambda: None)
