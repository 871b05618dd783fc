"""What providers answered about usage reads as their files say; what nobody should answer does no harm."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from tests.providers import metering
from tests.providers.test_contract import EVERYWHERE
from wabot import errors
from wabot.providers import REGISTRY

ANSWERS = [(name, situation) for name in REGISTRY for situation in metering.of(name)]
READABLE = [(name, situation) for name, situation in ANSWERS if "days" in metering.read(name, situation)]
REFUSED = [each for each in ANSWERS if each not in READABLE]
ABSURD = [-1, "-1", 1.5, 10**30, "9" * 40, "1e99", True, [], {}, [1], "NaN", "many", "\u0661", "1e999", "\ud800", "\0"]
VERDICTS = (errors.TemporaryFailure, errors.PermanentFailure, errors.CredentialsRefused)
"""What may be raised: nothing else, and above all no unknown outcome."""


@pytest.fixture
def network() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def told(network: responses.RequestsMock, name: str, kept: dict[str, Any]) -> list[dict[str, Any]]:
    """What the answers of a file are read as."""
    network.reset()
    for answer in kept["answers"]:
        network.add("GET", EVERYWHERE, json=answer)
    return [metering.shown(day) for day in metering.usage(name, metering.asked_in(kept))]


@pytest.mark.parametrize(("name", "situation"), READABLE)
def test_what_a_provider_said_reads_as_its_file_says_however_often(
    name: str, situation: str, network: responses.RequestsMock
) -> None:
    kept = metering.read(name, situation)
    assert told(network, name, kept) == kept["days"]
    assert len(network.calls) == len(kept["answers"])
    assert told(network, name, kept) == kept["days"]


@pytest.mark.parametrize(("name", "situation"), REFUSED)
def test_what_cannot_be_believed_is_a_failure(name: str, situation: str, network: responses.RequestsMock) -> None:
    kept = metering.read(name, situation)
    with pytest.raises(errors.ProviderFailure) as failure:
        told(network, name, kept)
    assert failure.value.code == kept["fails"]
    assert len(network.calls) == len(kept["answers"])


@pytest.mark.parametrize("name", REGISTRY)
def test_every_provider_has_answers_on_file(name: str) -> None:
    assert metering.of(name)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of an answer are; of a list the first two stand for all."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def changed(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """The answer with another value at a place."""
    if not path:
        return by
    parts: Any = dict(value) if isinstance(value, dict) else list(value)
    parts[path[0]] = changed(parts[path[0]], path[1:], by)
    return parts


@pytest.mark.parametrize(("name", "situation"), ANSWERS)
def test_an_absurd_value_anywhere_is_read_or_refused(
    name: str, situation: str, network: responses.RequestsMock
) -> None:
    kept = metering.read(name, situation)
    for place in places(kept["answers"][0]):
        for value in ABSURD:
            with contextlib.suppress(*VERDICTS):
                hostile = [changed(kept["answers"][0], place, value), *kept["answers"][1:]]
                days = told(network, name, {**kept, "answers": hostile})
                json.dumps(days, ensure_ascii=False).encode()
                assert all(0 <= number <= 2**63 - 1 for day in days for number in numbers(day))


def numbers(day: dict[str, Any]) -> Iterator[int]:
    yield from day["categories"].values() if "categories" in day else ()
    yield from (value for value in day.values() if isinstance(value, int))


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"days": NaN}', b'{"a": 1e999}', b"\xff", b"[" * 99999])
def test_what_is_no_answer_is_tried_again(name: str, body: bytes, network: responses.RequestsMock) -> None:
    network.add("GET", EVERYWHERE, body=body)
    with pytest.raises(errors.TemporaryFailure) as failure:
        metering.usage(name, metering.asked_in(metering.read(name, metering.of(name)[0])))
    assert failure.value.code == "unreadable_answer"
