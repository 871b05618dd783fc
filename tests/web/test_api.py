"""The JSON API's shapes and codes, as CONTRACT §5 says them."""

import pytest
from flask import request

from tests.core.conftest import Stage
from tests.web.conftest import Cast
from wabot import config
from wabot.core import tenancy
from wabot.core.doctor import UNASKED_FORWARDING
from wabot.store import access, db, workers
from wabot.store.access import ApiToken
from wabot.web import create_app

LIST = "/api/restaurants/bait/conversations"


def test_a_conversation_has_the_contract_s_shape(cast: Cast) -> None:
    body = cast.get(LIST).json
    [row] = body["data"]
    assert set(row) == {"id", "channelId", "customer", "state", "lastMessage", "lastMessageAt", "unreadCount",
                        "isBotActive", "botPausedUntil", "windowExpiresAt"}  # fmt: skip
    assert row["customer"] == {"id": 1, "waId": "966511111111", "userId": None, "name": "Sara"}
    assert (row["state"], row["isBotActive"]) == ("waiting", True)
    assert row["lastMessageAt"].endswith("Z")
    assert len(row["lastMessageAt"]) == 24
    assert body["pagination"] == {"limit": 50, "hasMore": False, "nextCursor": None}


def test_messages_come_newest_first_in_the_contract_s_shape(cast: Cast) -> None:
    newest, oldest = cast.get(f"{LIST}/{cast.conversation_id('bait')}/messages").json["data"]
    assert (oldest["direction"], oldest["status"], oldest["body"]) == ("IN", "received", "hello from bait")
    assert (newest["direction"], newest["status"], newest["type"]) == ("OUT", "queued", "welcome")
    assert newest["payload"]["buttons"]
    assert set(newest) == {"id", "uid", "direction", "type", "kind", "body", "payload", "media", "moreMedia",
                           "mediaState", "status", "providerMessageId", "errorCode", "errorMessage", "hint",
                           "retryCount", "maxRetries", "resentUnknown", "createdAt", "sentAt", "deliveredAt",
                           "readAt", "failedAt"}  # fmt: skip


def test_pages_follow_each_other_without_gap_or_repetition(cast: Cast) -> None:
    for n in range(5):
        cast.stage.says(f"hello {n}", phone=f"+96652222222{n}")
    cast.stage.answer()
    seen, cursor = [], ""
    while True:
        body = cast.get(f"{LIST}?limit=2&cursor={cursor}").json
        seen += [row["id"] for row in body["data"]]
        if not body["pagination"]["hasMore"]:
            break
        cursor = body["pagination"]["nextCursor"]
    assert len(seen) == len(set(seen)) == 6


def test_search_finds_by_name_and_number_and_takes_wildcards_literally(cast: Cast) -> None:
    assert len(cast.get(f"{LIST}?q=sar").json["data"]) == 1
    assert len(cast.get(f"{LIST}?q=51111").json["data"]) == 1
    assert cast.get(f"{LIST}?q=%25").json["data"] == []
    assert cast.get(f"{LIST}?state=needs_person").json["data"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "bad_limit"), ("limit=201", "bad_limit"), ("limit=x", "bad_limit"), ("cursor=x", "bad_cursor"),
     ("cursor=-1", "bad_cursor"), ("state=asleep", "bad_state"), ("token=abc", "secret_in_query"),
     ("limit=²", "bad_limit"),
     ("API_KEY=abc", "secret_in_query"), ("x_api_key=abc", "secret_in_query"), ("api-key=abc", "secret_in_query"),
     ("DASHBOARD_API_KEY=abc", "secret_in_query"), ("q=wabot_pat_abc", "secret_in_query"),
     ("q=x&q=wabot_pat_abc", "secret_in_query")],
)  # fmt: skip
def test_a_bad_query_is_400_with_its_code(cast: Cast, query: str, code: str) -> None:
    answer = cast.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert set(answer.json) == {"error", "code", "requestId"}


def test_the_restaurant_header_is_asked_for_and_must_be_one_s_own(cast: Cast) -> None:
    bearer = {"Authorization": cast.headers("alice")["Authorization"]}
    assert cast.client.get(LIST, headers=bearer).status_code == 400
    assert cast.client.get(LIST, headers={**bearer, "X-Restaurant-Id": "luma"}).status_code == 403


def test_a_suspended_tenant_s_token_gets_403(cast: Cast) -> None:
    tenancy.suspend("bait")
    answer = cast.get(LIST)
    assert (answer.status_code, answer.json["code"]) == (403, "tenant_suspended")
    assert cast.get(LIST, "admin").status_code == 200


def test_a_revoked_and_an_expired_token_are_worth_nothing(cast: Cast) -> None:
    tenancy.revoke_token(1)
    assert cast.get(LIST).status_code == 401
    db.write(lambda: ApiToken.update(revoked_at=None, expires_at=1).where(ApiToken.id == 1).execute())
    assert cast.get(LIST).status_code == 401


def test_an_admin_token_serves_as_admin_key(cast: Cast) -> None:
    _, token = tenancy.create_token(None, read_only=False, name="ops", days=1)
    assert cast.client.get(LIST, headers={"X-API-Key": token}).status_code == 200
    tenant_token = cast.tokens["alice"]
    assert cast.client.get(LIST, headers={"X-API-Key": tenant_token}).status_code == 401


def test_without_a_configured_admin_key_no_key_is_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WABOT_ADMIN_API_KEY")
    config.settings.cache_clear()
    for key in ("", "x", "None"):
        assert cast.client.get(LIST, headers={"X-API-Key": key}).status_code == 401


def test_tokens_are_kept_as_hashes_only(cast: Cast) -> None:
    kept = db.rows("SELECT * FROM token")
    assert cast.tokens["alice"].encode() not in repr(kept).encode()
    assert access.find(cast.tokens["alice"], __import__("wabot.clock").clock.now()) is not None


@pytest.mark.parametrize(("path", "status"), [("/api/nothing", 404), ("/nothing", 404), ("/webhooks/x", 403)])
def test_every_answer_carries_the_security_headers(cast: Cast, path: str, status: int) -> None:
    answer = cast.client.get(path)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["put", "delete", "patch", "head", "trace"])
def test_other_methods_on_webhooks_are_405(cast: Cast, method: str) -> None:
    assert getattr(cast.client, method)("/whatsapp/webhook").status_code == 405


def test_health_tells_details_only_to_the_operator(cast: Cast) -> None:
    assert cast.client.get("/health").status_code == 503
    cast.stage.keep_house()
    assert cast.client.get("/health").json == {"status": "ok"}
    assert set(cast.get("/health", "admin").json) == {"status", "database", "queue", "consumer", "uptime"}
    assert cast.client.get("/health/live").json == {"status": "ok"}
    cast.stage.later(seconds=61)
    assert cast.client.get("/health").json == {"status": "down"}


def test_a_proxy_that_nobody_announced_is_named_once_and_not_believed(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        cast.client.get("/health", headers={"X-Forwarded-For": "6.6.6.6"})
    assert [record.message for record in caplog.records].count(
        "a proxy on this machine forwards requests, but WABOT_TRUSTED_PROXIES is 0: its headers are ignored"
    ) == 1
    assert workers.last_beat(UNASKED_FORWARDING) is not None


@pytest.mark.parametrize(("trusted", "seen"), [("0", "127.0.0.1"), ("1", "2.2.2.2"), ("2", "1.1.1.1")])
def test_as_many_proxies_are_believed_as_are_announced(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, trusted: str, seen: str
) -> None:
    monkeypatch.setenv("WABOT_TRUSTED_PROXIES", trusted)
    config.settings.cache_clear()
    app = create_app()
    app.add_url_rule("/who", view_func=lambda: request.remote_addr or "")
    answer = app.test_client().get("/who", headers={"X-Forwarded-For": "1.1.1.1, 2.2.2.2"})
    assert answer.text == seen
