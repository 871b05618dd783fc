"""Which addresses may be asked for a file, and what files are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.test_contract import HOSTILE
from wabot.providers import bodies, media

API = "https://api.example.com/v1/Accounts/AC1"
STORE = "https://store.example.com/bucket/"
LOCAL = "http://127.0.0.1:8080"
PLACES = (API, STORE)

BELOW = [
    f"{API}/Messages/1",
    "HTTPS://API.EXAMPLE.COM/v1/Accounts/AC1/x",
    "https://api.example.com:443/v1/Accounts/AC1/x?a=b/../c#d",
    "https://store.example.com/bucket/x?Signature=a%2Fb&Expires=1~",
    "https://store.example.com/bucket/...",
    "https://store.example.com/bucket/.a/..b//c",
]
NOT_BELOW = [
    API,
    "https://api.example.com/",
    "https://api.example.com/v1/Accounts/AC12/x",
    "https://api.example.com/v1/Accounts/AC1/../AC2/x",
    "https://api.example.com/v1/Accounts/AC1/..",
    "https://api.example.com/v1/Accounts/AC1/%2e%2E/AC2/x",
    "https://api.example.com/v1/Accounts/AC1/.%2e?x",
    "https://store.example.com/other-bucket/x",
    "https://store.example.com/bucket",
    "http://store.example.com/bucket/x",
    "http://store.example.com:443/bucket/x",
    "https://store.example.com:80/bucket/x",
    "https://store.example.com:8443/bucket/x",
    "https://store.example.com:/bucket/x",
    "https://store.example.com:+443/bucket/x",
    "https://store.example.com:443443/bucket/x",
    "https://store.example.com./bucket/x",
    "https://store.example.com.evil.example/bucket/x",
    "https://evilstore.example.com/bucket/x",
    "https://user@store.example.com/bucket/x",
    "https://user:password@store.example.com/bucket/x",
    "https://store.example.com@evil.example/bucket/x",
    "https://store.example.com:443@evil.example/bucket/x",
    "https://evil.example\\@store.example.com/bucket/x",
    "https://store.example.com\\.evil.example/bucket/x",
    "https://store.example.com%2eevil.example/bucket/x",
    "https://store.example.com%00.evil.example/bucket/x",
    "https://store.example.com?/bucket/x",
    "https://store.example.com#/bucket/x",
    "https://store。example。com/bucket/x",
    "https://stоre.example.com/bucket/x",
    "https:/store.example.com/bucket/x",
    "https:///store.example.com/bucket/x",
    "https:store.example.com/bucket/x",
    "//store.example.com/bucket/x",
    "/bucket/x",
    " https://store.example.com/bucket/x",
    "https://store.example.com/bucket/x\n",
    "https://store.example.com/bucket/ x",
    "https://store.example.com/bucket/\t",
    "https://store.example.com/bucket/é",
    "https://store.example.com/bucket/\\x",
    "https://store.example.com/bucket/" + "x" * 2048,
    "ftp://store.example.com/bucket/x",
    "wss://store.example.com/bucket/x",
    "https",
    *HOSTILE,
]


@pytest.mark.parametrize("url", BELOW)
def test_an_address_below_a_place_is_asked(url: str) -> None:
    assert media.is_below(url, *PLACES)


@pytest.mark.parametrize("url", NOT_BELOW, ids=range(len(NOT_BELOW)))
def test_any_other_address_is_not(url: str) -> None:
    assert not media.is_below(url, *PLACES)
    assert not media.is_below(url)


def test_a_place_that_is_no_plain_address_allows_nothing() -> None:
    for place in ("", "http://[::1]:8000", "https://user@a.com", "a.com"):
        assert media.origin(place) == ""
        assert not media.is_below("http://[::1]:8000/x", place)
        assert not media.is_below("https://a.com/x", place, media.origin(place))


def test_an_origin_is_everything_on_one_host_and_port() -> None:
    assert media.origin("https://graph.example.com/v23.0") == "https://graph.example.com:443/"
    assert media.is_below("https://graph.example.com/x", media.origin("https://graph.example.com/v23.0"))
    assert media.is_below(f"{LOCAL}/x", media.origin(LOCAL))
    for other in ("http://127.0.0.1/x", "http://127.0.0.1:8081/x", "https://127.0.0.1:8080/x", "http://127.1:8080/x"):
        assert not media.is_below(other, media.origin(LOCAL))


@given(st.text(max_size=60), st.sampled_from(["", "https://store.example.com", "https://"]))
def test_no_address_at_all_does_any_harm(text: str, before: str) -> None:
    if media.is_below(before + text, *PLACES):
        assert (before + text).lower().startswith(("https://store.example.com", "https://api.example.com"))


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("image/jpeg", "image/jpeg"), ("Audio/OGG; codecs=opus", "audio/ogg"), (" a/b ", "a/b"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"), ("image/svg+xml;charset=utf-8", "image/svg+xml"),
        ("", ""), ("image", ""), ("image/", ""), ("/jpeg", ""), ("a/b/c", ""), ("a/b\r\nX: y", ""), ("a b/c", ""),
        ("é/a", ""), ("x" * 65 + "/y", ""), ("a/b\x00", ""),
    ],
)  # fmt: skip
def test_a_type_is_plain_or_none(told: str, kind: str) -> None:
    assert media.plain_type(told) == kind


@pytest.mark.parametrize(
    ("given_number", "number"),
    [
        ("24.7", 24.7), ("-46", -46.0), (" +1. ", 1.0), (24, 24), (1.5, 1.5), ("", ""), ("north", "north"),
        ("nan", "nan"), ("inf", "inf"), ("1e999", "1e999"), ("٣", "٣"), (None, None), (True, True),
        ("1" * 21, "1" * 21), ([], []), ("1_0", "1_0"),
    ],
)  # fmt: skip
def test_a_number_in_words_is_a_number_and_nothing_else_is(given_number: object, number: object) -> None:
    assert bodies.number(given_number) == number


def test_a_whole_number_that_nobody_can_keep_is_kept_as_text() -> None:
    assert bodies.tidy([2**63 - 1, -(2**63), {"a": 10**30}, True]) == [
        2**63 - 1,
        str(-(2**63)),
        {"a": str(10**30)},
        True,
    ]
