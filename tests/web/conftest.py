"""Alice and Bob own tenants, Carol owns none; the operator has a key."""

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

__all__ = ["make_channel", "stage"]


@dataclass
class Cast:
    """Who calls, and as whom: `headers(name)` for alice, bob, carol, admin or nobody."""

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
        return {"Authorization": f"Bearer {self.tokens[who]}", "X-Restaurant-Id": {"alice": "bait", "bob": "luma"}[who]}

    def get(self, path: str, who: str = "alice", **headers: str) -> Any:
        return self.client.get(path, headers={**self.headers(who), **headers})

    def conversation_id(self, slug: str) -> int:
        return int(Conversation.get(Conversation.tenant == tenancy.find_tenant(slug).id).id)


@pytest.fixture
def cast(
    stage: Stage, make_channel: Callable[..., Any], settings_env: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cast]:
    monkeypatch.setenv("WABOT_ADMIN_API_KEY", ADMIN_KEY)
    config.settings.cache_clear()
    luma = make_channel("luma", "+447700900001")
    tokens = {
        who: tenancy.create_token(slug, read_only=False, name=who, days=None)[1]
        for who, slug in (("alice", "bait"), ("bob", "luma"))
    }
    stage.says("hello from bait")
    stage.webhook(stage.item("hello from luma", phone="+447700900999"), channel=luma)
    stage.answer()
    return Cast(stage.client, stage, tokens)
