"""The route by which the order platform calls back: written down first, and answered like any other webhook."""

import io
from pathlib import Path
from typing import Any

import pytest

from tests.core.conftest import Stage
from tests.core.kitchen import Kitchen
from wabot import config
from wabot.core.intake import MAX_BODY_BYTES
from wabot.store import db, webhooks

BODY = b'{"orderNumber": 5, "status": "preparing"}'


@pytest.fixture
def kitchen(stage: Stage) -> Kitchen:
    return Kitchen(stage)


def post(kitchen: Kitchen, body: bytes = BODY, key: str = "", **how: Any) -> Any:
    return kitchen.stage.client.post(f"/webhooks/orders/{key or kitchen.tenant.orders_key}", data=body, **how)


def test_it_is_written_down_before_it_is_answered(kitchen: Kitchen) -> None:
    answer = post(kitchen)
    assert (answer.status_code, answer.data) == (200, b"")
    [row] = webhooks.page()
    assert (row.tenant_id, row.channel_id, row.provider, row.body) == (kitchen.tenant.id, None, "catalog", BODY)
    assert webhooks.anything_to_read()


def test_an_unknown_key_is_refused_like_any_other(kitchen: Kitchen) -> None:
    answer, other = post(kitchen, key="0" * 32), kitchen.stage.client.post("/webhooks/" + "0" * 32, data=BODY)
    assert (answer.status_code, answer.data) == (other.status_code, other.data) == (403, b"forbidden\n")
    assert webhooks.page() == []
    assert [row.reason for row in webhooks.refusals()] == ["unknown_key"] * 2


@pytest.mark.parametrize("key", ["%00", "%F0%28", "..", "' OR 1=1", "x" * 3000])
def test_a_hostile_key_is_an_unknown_one(kitchen: Kitchen, key: str) -> None:
    assert post(kitchen, key=key).status_code in (403, 404)


def test_one_tenant_s_key_is_no_channel_s_and_the_other_way_round(kitchen: Kitchen) -> None:
    assert kitchen.stage.client.post(f"/webhooks/{kitchen.tenant.orders_key}", data=BODY).status_code == 403
    assert post(kitchen, key=kitchen.stage.channel.key).status_code == 403


def test_too_large_is_413_also_in_chunks(kitchen: Kitchen) -> None:
    assert post(kitchen, b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    chunked = {"wsgi.input_terminated": True}
    stream = io.BytesIO(b"x" * (MAX_BODY_BYTES + 1))
    url = f"/webhooks/orders/{kitchen.tenant.orders_key}"
    assert kitchen.stage.client.post(url, input_stream=stream, environ_base=chunked).status_code == 413
    assert webhooks.page() == []


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_it_takes_nothing_but_posts(kitchen: Kitchen, method: str) -> None:
    url = f"/webhooks/orders/{kitchen.tenant.orders_key}"
    assert getattr(kitchen.stage.client, method)(url).status_code == 405


def test_a_compressed_one_is_415(kitchen: Kitchen) -> None:
    assert post(kitchen, headers={"Content-Encoding": "gzip"}).status_code == 415


def test_the_same_again_is_counted_and_another_tenant_s_same_is_not(kitchen: Kitchen, make_channel: Any) -> None:
    make_channel("luma", "+966500000002")
    post(kitchen)
    post(kitchen)
    [(key,)] = db.rows("SELECT orders_key FROM tenant WHERE slug = 'luma'")
    post(kitchen, key=key)
    assert sorted(row.duplicates for row in webhooks.page()) == [0, 1]


def test_while_it_cannot_be_written_down_the_platform_is_told_to_come_again(kitchen: Kitchen) -> None:
    key = kitchen.tenant.orders_key
    db.write(lambda: db.run("CREATE TRIGGER full BEFORE INSERT ON webhook BEGIN SELECT RAISE(ABORT, 'full'); END"))
    answer = post(kitchen, key=key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_its_address_is_the_one_that_the_tenant_is_shown(kitchen: Kitchen, settings_env: Path) -> None:
    url = config.settings().wabot_public_url + f"/webhooks/orders/{kitchen.tenant.orders_key}"
    assert kitchen.stage.client.post(url, data=BODY).status_code == 200
