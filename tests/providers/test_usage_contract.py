"""What every provider must do when asked for usage, over the whole registry: the second part of `test_contract`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from urllib.parse import unquote

import pytest
import requests
import responses

from tests.providers import metering
from tests.providers.test_contract import EVERYWHERE
from wabot import errors, words
from wabot.config import Settings
from wabot.providers import REGISTRY, by_name

DAYS = (date(2026, 11, 20), date(2026, 11, 22))
LACKING = [(name, key) for name in REGISTRY for key in metering.NEEDED[name]]
ANSWERS_TO_QUESTIONS = [200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503]


@pytest.fixture
def network() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.mark.parametrize(("name", "key"), LACKING)
def test_usage_without_credentials_for_it_asks_nobody(name: str, key: str, network: responses.RequestsMock) -> None:
    account = metering.ACCOUNTS[name]
    bare = replace(account, credentials={**account.credentials, key: ""})
    asked = metering.asked_for(*DAYS, wait_for_turn=lambda: pytest.fail("a turn was taken"))
    with pytest.raises(errors.SetupRefused) as failure:
        by_name(name).usage(bare, asked, Settings())
    assert (failure.value.code, failure.value.reason) == ("not_configured", words.Reason.SETUP)
    assert key in failure.value.message
    assert not network.calls


@pytest.mark.parametrize("name", REGISTRY)
def test_usage_is_asked_for_only_when_it_is_our_turn(name: str, network: responses.RequestsMock) -> None:
    def too_far_away() -> None:
        raise errors.Throttled("paced", retry_after=1800)

    with pytest.raises(errors.Throttled, match="paced"):
        metering.usage(name, metering.asked_for(*DAYS, wait_for_turn=too_far_away))
    assert not network.calls


@pytest.mark.parametrize("name", REGISTRY)
def test_every_question_about_usage_takes_a_turn(name: str, network: responses.RequestsMock) -> None:
    network.add("GET", EVERYWHERE, status=500)
    turns: list[int] = []
    with pytest.raises(errors.ProviderFailure):
        metering.usage(name, metering.asked_for(*DAYS, wait_for_turn=lambda: turns.append(len(network.calls))))
    assert turns == [0]
    assert len(network.calls) == 1


@pytest.mark.parametrize("name", REGISTRY)
def test_usage_is_not_asked_for_when_the_time_is_over(name: str, network: responses.RequestsMock) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        metering.usage(name, metering.asked_for(*DAYS, seconds=0))
    assert failure.value.code == "timeout"
    assert not network.calls


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("status", ANSWERS_TO_QUESTIONS)
def test_an_answer_without_usage_is_a_failure_that_is_known(
    name: str, status: int, network: responses.RequestsMock
) -> None:
    network.add("GET", EVERYWHERE, status=status, json={}, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(errors.ProviderFailure) as failure:
        metering.usage(name, metering.asked_for(*DAYS))
    assert not isinstance(failure.value, errors.UnknownOutcome)
    assert isinstance(failure.value, errors.Throttled) == (status == 429)
    assert len(network.calls) == 1


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("broken", [ConnectionError("reset"), requests.Timeout("slow"), OSError("gone")])
def test_a_question_about_usage_that_breaks_off_is_asked_again(
    name: str, broken: Exception, network: responses.RequestsMock
) -> None:
    network.add("GET", EVERYWHERE, body=broken)
    with pytest.raises(errors.TemporaryFailure):
        metering.usage(name, metering.asked_for(*DAYS))


@pytest.mark.parametrize("name", REGISTRY)
def test_no_secret_is_in_the_address_that_usage_is_asked_at(name: str, network: responses.RequestsMock) -> None:
    network.add("GET", EVERYWHERE, status=500)
    with pytest.raises(errors.ProviderFailure) as failure:
        metering.usage(name, metering.asked_for(*DAYS))
    [call] = network.calls
    given = metering.ACCOUNTS[name].credentials
    secrets = [given[key] for key in ("secret", "auth_token", "access_token", "api_key", "app_token") if key in given]
    assert secrets
    assert not [secret for secret in secrets if secret in unquote(call.request.url) or secret in str(failure.value)]


@pytest.mark.parametrize("name", REGISTRY)
def test_days_of_usage_end_within_what_was_asked_for(name: str, network: responses.RequestsMock) -> None:
    kept = next(kept for kept in map(partial(metering.read, name), metering.of(name)) if kept.get("days"))
    network.add("GET", EVERYWHERE, json=kept["answers"][0])
    far = date(2019, 1, 1)
    assert metering.usage(name, metering.asked_for(far, far)) == []


@pytest.mark.parametrize("name", REGISTRY)
def test_the_pace_of_questions_names_no_secret(name: str) -> None:
    pace = by_name(name).usage_pace(metering.ACCOUNTS[name], Settings())
    assert pace.key.startswith(("graph:", f"{name}:"))
    assert pace.most >= 1
    assert pace.seconds > 0
    secret = ("secret", "auth_token", "access_token", "api_key", "app_token")
    assert not [key for key in secret if metering.ACCOUNTS[name].credentials.get(key, "?") in pace.key]


@pytest.mark.parametrize("name", REGISTRY)
def test_a_channel_without_any_credentials_has_a_pace_all_the_same(name: str) -> None:
    provider = by_name(name)
    assert provider.usage_pace(provider.account("+966110000001", {}, Settings()), Settings()).key
