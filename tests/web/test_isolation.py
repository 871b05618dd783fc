"""Every route, tried by everybody with another tenant's ids. A new route must say here what it is."""

import pytest
from werkzeug.routing import Rule

from tests.web.conftest import Cast
from wabot.web import create_app

OPEN = {
    "webhooks.shared": "verified by signature",
    "webhooks.of_channel": "verified by signature",
    "health.health": "anyone; details only for the operator",
    "health.live": "anyone",
    "metrics.metrics": "this machine and the operator; no label names a tenant",
    "static": "files of ours",
}
OWN_WAY = {"sandbox": "tests/web/test_sandbox_page.py: demo only, and sandbox channels only"}
"""Routes that show no tenant's data to a credential, with the reason."""

OF_A_TENANT = {
    "api.conversations.conversations": "/api/restaurants/{slug}/conversations",
    "api.conversations.history": "/api/restaurants/{slug}/conversations/{conversation}/messages",
}


def rules() -> list[Rule]:
    return list(create_app().url_map.iter_rules())


def path(cast: Cast, endpoint: str, slug: str, ids_of: str) -> str:
    return OF_A_TENANT[endpoint].format(slug=slug, conversation=cast.conversation_id(ids_of))


@pytest.mark.parametrize("rule", rules(), ids=str)
def test_every_route_says_who_may_call_it(rule: Rule) -> None:
    own_way = rule.endpoint.partition(".")[0] in OWN_WAY
    assert rule.endpoint in OPEN or rule.endpoint in OF_A_TENANT or own_way, f"{rule} is not in the isolation test"


@pytest.mark.parametrize("endpoint", OF_A_TENANT)
def test_the_owner_and_the_operator_see_it(cast: Cast, endpoint: str) -> None:
    assert cast.get(path(cast, endpoint, "bait", "bait"), "alice").status_code == 200
    assert cast.get(path(cast, endpoint, "bait", "bait"), "admin").status_code == 200


@pytest.mark.parametrize("endpoint", OF_A_TENANT)
@pytest.mark.parametrize("who", ["nobody", "carol"])
def test_without_a_good_credential_it_is_401(cast: Cast, endpoint: str, who: str) -> None:
    for slug in ("bait", "nowhere"):
        answer = cast.get(path(cast, endpoint, slug, "bait"), who)
        assert answer.status_code == 401
        assert answer.json["code"] == "unauthorized"


@pytest.mark.parametrize("endpoint", OF_A_TENANT)
def test_another_tenant_s_and_an_unknown_one_are_the_same_404(cast: Cast, endpoint: str) -> None:
    theirs = cast.get(path(cast, endpoint, "bait", "bait"), "bob")
    unknown = cast.get(path(cast, endpoint, "nowhere", "bait"), "bob")
    assert (theirs.status_code, unknown.status_code) == (404, 404)
    assert theirs.json["error"] == unknown.json["error"]


def test_another_tenant_s_conversation_under_one_s_own_slug_is_404(cast: Cast) -> None:
    mine_with_theirs = path(cast, "api.conversations.history", "luma", "bait")
    unknown = f"/api/restaurants/luma/conversations/{10**15}/messages"
    answers = [cast.get(url, "bob") for url in (mine_with_theirs, unknown, unknown + "0" * 30)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert cast.get(mine_with_theirs, "admin").status_code == 404


@pytest.mark.parametrize("endpoint", OF_A_TENANT)
def test_nothing_of_one_tenant_is_in_the_other_s_answers(cast: Cast, endpoint: str) -> None:
    answer = cast.get(path(cast, endpoint, "luma", "luma"), "bob")
    assert len(answer.json["data"]) > 0
    assert b"bait" not in answer.data
    assert b"966511111111" not in answer.data
