"""Alice and Bob own tenants, Carol owns none; Vera may read Alice's; the operator has a key."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.core.conftest import Stage, make_channel, stage
from wabot import config
from wabot.core import tenancy
from wabot.store.customers import Conversation

ADMIN_KEY = "the-operator-s-own-key"
TENANTS = {"alice": "bait", "bob": "luma", "vera": "bait"}

__all__ = ["make_channel", "stage"]


@dataclass
class Cast:
    """Who calls, and as whom: `headers(name)` for alice, bob, carol, vera (read-only), admin or nobody."""

    client: FlaskClient
    stage: Stage
    tokens: dict[str, str]

    def headers(self, who: str) -> dict[str, str]:
        if who == "nobody":
            return {}
        if who == "admin":
            return {"X-API-Key": ADMIN_KEY}
        if who == "carol":
            return {"Authorization": "Bearer wabot_pat_unknown", "X-Restaurant-Id": "bait"}
        return {"Authorization": f"Bearer {self.tokens[who]}", "X-Restaurant-Id": TENANTS[who]}

    def get(self, path: str, who: str = "alice", **headers: str) -> Any:
        return self.client.get(path, headers={**self.headers(who), **headers})

    def post(self, path: str, body: Any = None, who: str = "alice", **headers: str) -> Any:
        """Post this as JSON."""
        return self.client.post(path, json=body, headers={**self.headers(who), **headers})

    def upload(self, body: bytes = b"bytes", mime_type: str = "image/png", slug: str = "bait", **headers: str) -> Any:
        """Upload a file as the body, for the owner of the tenant."""
        who = next(name for name, owned in TENANTS.items() if owned == slug)
        headers = {**self.headers(who), "Content-Type": mime_type, **headers}
        return self.client.post(f"/api/restaurants/{slug}/media", data=body, headers=headers)

    def suspend(self, slug: str) -> None:
        tenancy.suspend(slug)

    def tenant_id(self, slug: str) -> int:
        return int(tenancy.find_tenant(slug).id)

    def conversation_id(self, slug: str) -> int:
        return int(Conversation.get(Conversation.tenant == self.tenant_id(slug)).id)


@pytest.fixture
def cast(
    stage: Stage, make_channel: Callable[..., Any], settings_env: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cast]:
    monkeypatch.setenv("WABOT_ADMIN_API_KEY", ADMIN_KEY)
    config.settings.cache_clear()
    luma = make_channel("luma", "+447700900001")
    tokens = {
        who: tenancy.create_token(slug, read_only=who == "vera", name=who, days=None)[1]
        for who, slug in TENANTS.items()
    }
    stage.says("hello from bait")
    stage.webhook(stage.item("hello from luma", phone="+447700900999"), channel=luma)
    stage.answer()
    return Cast(stage.client, stage, tokens)
