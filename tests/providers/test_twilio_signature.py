"""X-Twilio-Signature against Twilio's own published vectors (facts/providers §1.2), and what must not pass."""

import hashlib
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.fakes import twilio as imitation
from tests.providers import payloads
from wabot.providers import by_name, twilio_webhooks
from wabot.providers.base import Account, Arrived

TWILIO = by_name("twilio")
TOKEN = "12345"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
JSON = {"content-type": "application/json"}
P = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
OTHER_CALLER = P | {"Caller": "+14158675310", "From": "+14158675310"}
TARGET = "/myapp.php?foo=1&bar=2"
BODY = b'{"property": "value", "boolean": true}'
HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def request(signature: str, *, target: str = TARGET, form: dict[str, str] | None = None, body: bytes = b"") -> Arrived:
    headers = {**(FORM if form is not None else JSON), "x-twilio-signature": signature}
    return Arrived("POST", target, headers, urlencode(form).encode() if form is not None else body)


def verifies(arrived: Arrived, public_url: str = "https://mycompany.com", **credentials: str) -> bool:
    return TWILIO.verify(arrived, Account("+18005551212", {"auth_token": TOKEN, **credentials}), public_url)


@pytest.mark.parametrize(
    ("public_url", "form", "expected"),
    [
        ("https://mycompany.com", P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443", P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80", P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://mycompany.com:1234", P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://example.com", OTHER_CALLER, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    ],
    ids=["1", "2", "3", "4", "14"],
)
def test_the_published_vectors_of_forms_verify(public_url: str, form: dict[str, str], expected: str) -> None:
    assert verifies(request(expected, form=form), public_url)
    assert not verifies(request(expected, form=form | {"Digits": "1235"}), public_url)
    assert not verifies(request(expected, form=form), "https://evil.example.com")
    assert imitation.sign(public_url + TARGET, form, TOKEN) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{TARGET}&bodySHA256={HASH}", "a9nBmqA0ju/hNViExpshrM61xv4="),
        (f"/myapp.php?bodySHA256={HASH}", "y77kIzt2vzLz71DgmJGsen2scGs="),
    ],
    ids=["5", "6"],
)
def test_the_published_vectors_of_json_verify(target: str, expected: str) -> None:
    assert hashlib.sha256(BODY).hexdigest() == HASH
    assert verifies(request(expected, target=target, body=BODY))
    assert not verifies(request(expected, target=target, body=BODY.replace(b"true", b"false")))
    assert not verifies(request(expected, target=target, body=b""))


@pytest.mark.parametrize("signature", ["Np1nax6uFoY6qpfT5l9jWwJeit0=", "hqeF3G9Hrnv6/R0jOhoYDD2PPUs="])
@pytest.mark.parametrize("host", ["mycompany.com", "example.com", "mycompany.com:443", "example.com:443"])
@pytest.mark.parametrize("form", [P, OTHER_CALLER])
def test_the_two_signatures_of_the_docs_samples_are_no_vectors(signature: str, host: str, form: dict[str, str]) -> None:
    assert not verifies(request(signature, form=form), f"https://{host}")


@pytest.mark.parametrize("configured", ["https://mycompany.com", "https://mycompany.com:443"])
@pytest.mark.parametrize("signed", ["https://mycompany.com", "https://mycompany.com:443"])
def test_the_default_port_may_be_signed_or_not(configured: str, signed: str) -> None:
    assert verifies(request(imitation.sign(signed + TARGET, P, TOKEN), form=P), configured)


@pytest.mark.parametrize("signed", ["https://mycompany.com", "https://mycompany.com:443", "http://mycompany.com:8443"])
def test_another_port_or_scheme_is_another_url(signed: str) -> None:
    assert not verifies(request(imitation.sign(signed + TARGET, P, TOKEN), form=P), "https://mycompany.com:8443")


@pytest.mark.parametrize(
    ("public_url", "target", "expected"),
    [
        ("https://a.com", "/x?q=1", ["https://a.com/x?q=1", "https://a.com:443/x?q=1"]),
        ("http://a.com:80", "/x", ["http://a.com:80/x", "http://a.com/x"]),
        ("https://a.com:8443", "/x", ["https://a.com:8443/x"]),
        ("https://a.com/bot", "/x", ["https://a.com/bot/x", "https://a.com:443/bot/x"]),
        ("https://a.com/bot", "/bot/x?q=/bot", ["https://a.com/bot/x?q=/bot", "https://a.com:443/bot/x?q=/bot"]),
        ("https://a.com/bot", "/bot?q", ["https://a.com/bot?q", "https://a.com:443/bot?q"]),
        ("https://a.com/bot", "/both/x", ["https://a.com/bot/both/x", "https://a.com:443/bot/both/x"]),
        ("https://u:p@[::1]:443", "/", ["https://u:p@[::1]:443/", "https://u:p@[::1]/"]),
        ("https://[::1]", "/", ["https://[::1]/", "https://[::1]:443/"]),
    ],
)
def test_the_url_is_the_configured_one_with_the_raw_target(public_url: str, target: str, expected: list[str]) -> None:
    assert twilio_webhooks.called_urls(public_url, target) == expected


@pytest.mark.parametrize(
    "target", ["/a/?b=%2B&a=%20+%27", "/a", "/a/", "/a?", "/a?b=1&a=2&b=1", "/%D8%B9?x=%e9", "/a?x='\"<>"]
)
def test_the_target_is_signed_as_it_came(target: str) -> None:
    signature = imitation.sign("https://mycompany.com" + target, P, TOKEN)
    assert verifies(request(signature, target=target, form=P))
    assert not verifies(request(signature, target=target + "&", form=P))


def test_a_get_is_signed_by_its_url_alone() -> None:
    target = "/webhooks/k?" + urlencode(P)
    signature = imitation.sign("https://mycompany.com" + target, {}, TOKEN)
    arrived = Arrived("GET", target, {"x-twilio-signature": signature}, b"")
    assert verifies(arrived)
    assert not verifies(replace(arrived, target=target.replace("1234", "1235")))


def test_a_body_that_no_signature_covers_does_not_ride_on_a_signed_url() -> None:
    target = "/webhooks/k?" + urlencode(P)
    signature = imitation.sign("https://mycompany.com" + target, {}, TOKEN)
    smuggled = urlencode({"MessageSid": "SM1", "Body": "forged"}).encode()
    for method in ("GET", "PUT", "POST"):
        for content_type in (FORM, JSON, {"content-type": ""}, {}):
            headers = {**content_type, "x-twilio-signature": signature}
            assert not verifies(Arrived(method, target, headers, smuggled)), (method, content_type)


FIELDS = [
    [("Body", "hi"), ("ToCity", ""), ("FromZip", "")],
    [("Body", "  spaces \t around  "), ("X", "\r\n")],
    [("A", "2"), ("A", "1"), ("A", "2"), ("A", "")],
    [("b", "1"), ("B", "2"), ("a", "3"), ("_", "4"), ("é", "5")],
    [("Body", "مرحبا 😀 a+b=c&d%20"), ("BrandNewParameter", "x")],
    [("Body", "a\x00b\ud7ff")],
]


@pytest.mark.parametrize("fields", FIELDS)
def test_parameters_are_signed_exactly_as_received(fields: list[tuple[str, str]]) -> None:
    signature = imitation.sign("https://mycompany.com/x", fields, TOKEN)
    arrived = Arrived("POST", "/x", {**FORM, "x-twilio-signature": signature}, urlencode(fields).encode())
    assert verifies(arrived)
    assert not verifies(replace(arrived, body=arrived.body + b"&More="))
    assert not verifies(
        replace(arrived, body=urlencode([(name, value.strip()) for name, value in fields[:-1]]).encode())
    )


def test_a_body_in_another_charset_does_not_verify() -> None:
    signature = imitation.sign("https://mycompany.com/x", {"Body": "é"}, TOKEN)
    for body, right in ((b"Body=%C3%A9", True), ("Body=é".encode(), True), (b"Body=%E9", False), (b"Body=\xe9", False)):
        arrived = Arrived("POST", "/x", {**FORM, "x-twilio-signature": signature}, body)
        assert verifies(arrived) == right


@pytest.mark.parametrize(
    ("target", "right"),
    [
        (f"/x?bodySHA256={HASH}", True),
        (f"/x?bodySHA256={HASH}&bodySHA256={HASH}", True),
        ("/x", False),
        ("/x?bodySHA256=", False),
        (f"/x?bodySHA256={HASH.upper()}", False),
        (f"/x?bodysha256={HASH}", False),
        (f"/x?bodySHA256={HASH}&bodySHA256={'0' * 64}", False),
        (f"/x?bodySHA256={HASH[:-1]}", False),
        ("/x?bodySHA256=%C3%A9", False),
    ],
)
def test_a_json_body_needs_its_hash_in_the_url(target: str, right: bool) -> None:
    signature = imitation.sign("https://mycompany.com" + target, {}, TOKEN)
    assert verifies(request(signature, target=target, body=BODY)) == right


def test_a_form_whose_url_names_a_hash_must_have_it() -> None:
    body = urlencode(P).encode()
    for digest, right in ((hashlib.sha256(body).hexdigest(), True), (HASH, False)):
        target = f"/x?bodySHA256={digest}"
        signature = imitation.sign("https://mycompany.com" + target, P, TOKEN)
        assert verifies(request(signature, target=target, form=P)) == right


def test_a_webhook_of_another_account_does_not_verify_even_if_the_token_is_right() -> None:
    for form, right in (
        ({"AccountSid": payloads.AC}, True),
        ({"AccountSid": "AC" + "f" * 32}, False),
        ({"X": "1"}, True),
    ):
        arrived = request(imitation.sign("https://mycompany.com/x", form, TOKEN), target="/x", form=form)
        assert verifies(arrived, account_sid=payloads.AC) == right
        assert verifies(arrived), "an account without a SID of its own cannot tell"
        target = "/x?" + urlencode(form)
        signature = imitation.sign("https://mycompany.com" + target, {}, TOKEN)
        arrived = Arrived("GET", target, {"x-twilio-signature": signature}, b"")
        assert verifies(arrived, account_sid=payloads.AC) == right


def test_a_form_of_too_many_fields_does_not_verify() -> None:
    fields = [("a", str(n)) for n in range(5000)]
    signature = imitation.sign("https://mycompany.com/x", fields, TOKEN)
    arrived = Arrived("POST", "/x", {**FORM, "x-twilio-signature": signature}, urlencode(fields).encode())
    assert not verifies(arrived)
