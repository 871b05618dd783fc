"""What the bot is told of a message, whatever its payload holds."""

from typing import Any

import pytest

from tests.core.conftest import Stage
from wabot import words
from wabot.core import hearing
from wabot.store import db
from wabot.store.messages import Message


def message(stage: Stage, kind: str, payload: Any) -> Message:
    stage.says("here")
    stage.read()
    [row] = stage.in_()
    db.write(lambda: Message.change(row.id, kind=kind, payload=payload))
    return Message.get_by_id(row.id)


def test_a_place_is_heard_with_its_name(stage: Stage) -> None:
    place = {"latitude": 24.5, "longitude": 46, "name": "Home"}
    found = hearing.heard(message(stage, "location", {"location": place}))
    assert found.location == words.Location(24.5, 46.0, "Home")
    assert (found.text, found.customer_name) == ("here", "Sara")


@pytest.mark.parametrize(
    "payload",
    [{}, {"location": None}, {"location": "here"}, {"location": []}, {"location": {"latitude": 1}},
     {"location": {"latitude": "x", "longitude": 1}}, {"location": {"latitude": 91, "longitude": 1}},
     {"location": {"latitude": True, "longitude": 1}}, {"location": {"latitude": float("nan"), "longitude": 1}},
     {"location": {"latitude": 1, "longitude": 1e300}}],
)  # fmt: skip
def test_what_is_no_place_on_earth_is_none(payload: Any, stage: Stage) -> None:
    assert hearing.heard(message(stage, "location", payload)).location is None


def test_only_a_location_is_a_place(stage: Stage) -> None:
    place = {"location": {"latitude": 24.5, "longitude": 46}}
    assert hearing.heard(message(stage, "text", place)).location is None
