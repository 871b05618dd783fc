"""The templates of a tenant's channels, as the API lists them."""

import pytest

from tests.web.conftest import Cast
from wabot import words
from wabot.core import templates

TEMPLATES = "/api/restaurants/bait/templates"


@pytest.fixture
def stocked(cast: Cast) -> Cast:
    channel = cast.stage.channel.id
    templates.add(channel, words.Template("ready", "en", "tpl-2", "UTILITY", "APPROVED", "Order {{1}} of {{2}}"))
    templates.add(channel, words.Template("hello", "ar", "tpl-1", body="مرحبا"))
    return cast


def test_they_have_the_contract_s_shape_by_name(stocked: Cast) -> None:
    channel = stocked.stage.channel.id
    assert stocked.get(TEMPLATES).json == {
        "data": [
            {"name": "hello", "language": "ar", "category": None, "status": None, "body": "مرحبا", "params": 0,
             "channelId": channel},
            {"name": "ready", "language": "en", "category": "UTILITY", "status": "APPROVED",
             "body": "Order {{1}} of {{2}}", "params": 2, "channelId": channel},
        ]
    }  # fmt: skip
    assert stocked.get(TEMPLATES, "admin").json == stocked.get(TEMPLATES, "vera").json == stocked.get(TEMPLATES).json


def test_another_tenant_sees_its_own(stocked: Cast) -> None:
    assert stocked.get("/api/restaurants/luma/templates", "bob").json == {"data": []}
    assert stocked.get(TEMPLATES, "bob").status_code == 404
