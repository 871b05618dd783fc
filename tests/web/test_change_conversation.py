"""`PATCH …/conversations/{cid}`: the owner says who answers, what was read, and what state it is in."""

from typing import Any

import pytest

from tests.web.conftest import Cast
from wabot.store import db
from wabot.store.customers import Conversation


def address(cast: Cast, slug: str = "bait") -> str:
    return f"/api/restaurants/{slug}/conversations/{cast.conversation_id(slug)}"


def patch(cast: Cast, body: Any, who: str = "alice", **options: Any) -> Any:
    return cast.client.patch(address(cast), json=body, headers=cast.headers(who), **options)


def test_the_answer_is_the_conversation_as_the_list_shows_it(cast: Cast) -> None:
    answer = patch(cast, {"isBotActive": False, "unreadCount": 0, "state": "done"})
    assert answer.status_code == 200
    [listed] = cast.get("/api/restaurants/bait/conversations").json["data"]
    assert answer.json == listed
    assert (listed["isBotActive"], listed["unreadCount"], listed["state"]) == (False, 0, "done")
    assert listed["lastMessage"]


def test_what_is_not_said_stays(cast: Cast) -> None:
    cast.stage.says("more")
    cast.stage.read()
    before = cast.get("/api/restaurants/bait/conversations").json["data"][0]
    assert patch(cast, {"state": "needs_person"}).json == {**before, "state": "needs_person"}
    assert patch(cast, {"unreadCount": 0}).json == {**before, "state": "needs_person", "unreadCount": 0}
    assert patch(cast, {"isBotActive": None, "state": before["state"]}).json == {**before, "unreadCount": 0}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"isBotActive": None}, {"isBotActive": "no"}, {"isBotActive": 0}, {"unreadCount": 1}, {"unreadCount": -1},
        {"unreadCount": "0"}, {"unreadCount": False}, {"unreadCount": 0.0},
        {"state": "asleep"}, {"state": ""}, {"state": 3}, {"state": []},
        {"isBotActive": False, "botPausedUntil": None}, {"name": "x"}, [], 7,
    ],
)  # fmt: skip
def test_what_cannot_be_is_400_and_changes_nothing(cast: Cast, body: Any) -> None:
    before = db.rows("SELECT * FROM conversation")
    answer = patch(cast, body)
    assert (answer.status_code, set(answer.json)) == (400, {"error", "code", "requestId"})
    assert db.rows("SELECT * FROM conversation") == before


def test_a_body_that_is_no_json_is_400(cast: Cast) -> None:
    answer = cast.client.patch(address(cast), data=b"{", headers=cast.headers("alice"))
    assert (answer.status_code, answer.json["code"]) == (400, "bad_json")


def test_only_the_owner_changes_it(cast: Cast) -> None:
    codes = {who: patch(cast, {"isBotActive": False}, who).status_code for who in ("vera", "admin", "bob", "carol")}
    assert codes == {"vera": 403, "admin": 403, "bob": 404, "carol": 401}
    assert all(row.bot_active for row in Conversation.select())


def test_an_answer_of_the_owner_shows_in_the_list(cast: Cast) -> None:
    assert cast.post(f"{address(cast)}/send", {"message": "on its way"}).status_code == 202
    [row] = cast.get("/api/restaurants/bait/conversations").json["data"]
    assert (row["isBotActive"], row["state"]) == (False, "waiting")
    assert row["botPausedUntil"].endswith("Z")
    resumed = patch(cast, {"isBotActive": True}).json
    assert (resumed["isBotActive"], resumed["botPausedUntil"]) == (True, None)


@pytest.mark.parametrize(("kind", "active"), [("agent", False), (None, False), ("confirmation", True)])
def test_a_message_to_a_number_takes_over_when_it_is_an_agent_s(cast: Cast, kind: str | None, active: bool) -> None:
    body = {"to": "+966511111111", "message": "on its way"} | ({"type": kind} if kind else {})
    assert cast.post("/api/restaurants/bait/messages", body).status_code == 202
    [row] = cast.get("/api/restaurants/bait/conversations").json["data"]
    assert row["isBotActive"] is active
