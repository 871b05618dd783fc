"""What a failed call means: the code's meaning, what the status alone decides, and how long to wait. That each adapter
gives these verdicts is asserted in test_contract."""

import pytest

from wabot import errors, http
from wabot.providers import answers
from wabot.words import Reason

KNOWN = answers.meanings(
    ("fast", errors.Throttled, Reason.SPAM),
    ("busy later", errors.TemporaryFailure, Reason.MEDIA),
    ("bad", errors.PermanentFailure, Reason.CONTENT),
    ("gone", errors.RecipientRefused, Reason.BLOCKED),
    ("key", errors.CredentialsRefused, Reason.PAYMENT),
    ("lost", errors.UnknownOutcome, Reason.MAYBE_SENT),
    waits={"fast": 300, "later": 600},
)


def failure(status: int, code: str = "", **headers: str) -> errors.ProviderFailure:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answers.failure(http.Answer(status, named, b"raw"), code, "why", KNOWN)


def test_a_group_gives_all_its_codes_one_meaning() -> None:
    assert KNOWN["busy"] == answers.Meaning(errors.TemporaryFailure, Reason.MEDIA)
    assert KNOWN["later"] == answers.Meaning(errors.TemporaryFailure, Reason.MEDIA, 600)


def test_a_code_in_two_groups_is_refused() -> None:
    twice = (("1 2", errors.PermanentFailure, Reason.CONTENT), ("2 3", errors.Throttled, Reason.RATE))
    with pytest.raises(ValueError, match="code 2 stands in two groups"):
        answers.meanings(*twice)
    with pytest.raises(ValueError, match="code 2 stands"):
        answers.meanings(("2 2", errors.PermanentFailure, Reason.CONTENT))


def test_a_wait_for_a_code_of_no_group_is_refused() -> None:
    with pytest.raises(ValueError, match="codes 7 wait"):
        answers.meanings(("1", errors.Throttled, Reason.RATE), waits={"1": 5, "7": 5})


def test_a_code_that_nobody_knows_is_temporary_on_a_receipt() -> None:
    told = answers.told(KNOWN, "news", "why")
    assert (type(told), told.code, told.reason) == (errors.TemporaryFailure, "news", Reason.UNKNOWN)


@pytest.mark.parametrize("code", KNOWN)
@pytest.mark.parametrize("status", [400, 403, 404, 408, 422, 500, 502])
def test_the_code_decides_whatever_the_status(status: int, code: str) -> None:
    found, told = failure(status, code), answers.told(KNOWN, code, "why")
    assert (type(found), found.code, found.reason, found.retry_after) == (
        (type(told), told.code, told.reason, told.retry_after)
    )
    assert (found.message, found.raw) == ("why", b"raw")


@pytest.mark.parametrize(
    ("status", "verdict", "reason", "code"),
    [
        (201, errors.UnknownOutcome, Reason.NO_ANSWER, "unreadable_answer"),
        (302, errors.SetupRefused, Reason.SETUP, "unexpected_redirect"),
        (401, errors.CredentialsRefused, Reason.TOKEN, "bad"),
        (429, errors.Throttled, Reason.RATE, "bad"),
    ],
)
def test_some_statuses_are_stronger_than_a_code(
    status: int, verdict: type[errors.ProviderFailure], reason: Reason, code: str
) -> None:
    found = failure(status, "bad")
    assert (type(found), found.reason, found.code) == (verdict, reason, code)


@pytest.mark.parametrize(("status", "code"), [(401, "key"), (429, "fast"), (200, "lost")])
def test_a_code_that_agrees_with_such_a_status_says_the_reason(status: int, code: str) -> None:
    assert failure(status, code).reason == KNOWN[code].reason


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (400, errors.PermanentFailure, Reason.UNKNOWN),
        (401, errors.CredentialsRefused, Reason.TOKEN),
        (403, errors.CredentialsRefused, Reason.TOKEN),
        (404, errors.PermanentFailure, Reason.UNKNOWN),
        (408, errors.TemporaryFailure, Reason.PROVIDER),
        (429, errors.Throttled, Reason.RATE),
        (500, errors.UnknownOutcome, Reason.NO_ANSWER),
        (503, errors.UnknownOutcome, Reason.NO_ANSWER),
    ],
)
def test_without_a_known_code_the_status_speaks(
    status: int, verdict: type[errors.ProviderFailure], reason: Reason
) -> None:
    unnamed, unknown = failure(status), failure(status, "news")
    assert (type(unnamed), unnamed.reason, unnamed.code) == (verdict, reason, f"http_{status}")
    assert (type(unknown), unknown.reason, unknown.code) == (verdict, reason, "news")


@pytest.mark.parametrize(("code", "reason"), [("", Reason.PROVIDER), ("news", Reason.PROVIDER), ("busy", Reason.MEDIA)])
def test_a_provider_that_asks_to_come_back_later_throttles(code: str, reason: Reason) -> None:
    found = failure(503, code, retry_after="7")
    assert (type(found), found.reason, found.retry_after) == (errors.Throttled, reason, 7)


@pytest.mark.parametrize("code", ["bad", "gone", "key", "lost"])
def test_coming_back_later_does_not_mend_what_the_code_says(code: str) -> None:
    found = failure(503, code, retry_after="7")
    assert (type(found), found.retry_after) == (KNOWN[code].verdict, None)


def test_the_answer_says_better_than_the_table_how_long_to_wait() -> None:
    assert failure(429, "fast", retry_after="7").retry_after == 7
    assert failure(429, "fast", retry_after="soon").retry_after == 300
    assert failure(429, "bad").retry_after is None
    assert failure(401, "fast").retry_after is None
    assert failure(400, "later").retry_after == 600


def test_a_message_is_cleaned_and_cut() -> None:
    found = answers.failure(http.Answer(400, {}, b""), "bad", "\x00" + "x" * 600, KNOWN)
    assert found.message == "\ufffd" + "x" * 499
