"""Each code with a sentence for the owner and what to do about it, in both languages."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources

import pytest

from wabot import errors
from wabot.bot.state import LOCALES
from wabot.core import hints
from wabot.providers import REGISTRY, answers, by_name
from wabot.words import Reason


def table(name: str) -> Mapping[str, answers.Meaning]:
    """The codes of a provider, in one of the modules beside it; nothing for one that speaks another's."""
    for module, there in ((f"wabot.providers.{name}_codes", "MEANINGS"), (f"wabot.providers.{name}_api", "CODES")):
        if importlib.util.find_spec(module):
            found: Mapping[str, answers.Meaning] = getattr(importlib.import_module(module), there, {})
            return found
    return {}


TABLES = {name: table(name) for name in REGISTRY}
UNHEARD_OF = "987654 gibberish 0000"
ARABIC = re.compile("[\u0621-\u064a]")
OF_STATUS = {f"http_{status}": Reason.UNKNOWN for status in (400, 404, 422)} | {
    "http_401": Reason.TOKEN, "http_403": Reason.TOKEN, "http_408": Reason.PROVIDER, "http_429": Reason.RATE,
    "http_500": Reason.NO_ANSWER, "http_503": Reason.NO_ANSWER,
}  # fmt: skip
OWN = {
    "expired": Reason.EXPIRED, "window_closed": Reason.WINDOW, "opted_out": Reason.OPTED_OUT,
    "allowance_spent": Reason.ALLOWANCE, "template_unknown": Reason.TEMPLATE_UNKNOWN, "invalid_number": Reason.NUMBER,
    "no_channel": Reason.SETUP, "too_long": Reason.CONTENT, "maybe_sent": Reason.MAYBE_SENT, "poison": Reason.POISON,
    "not_sent": Reason.NETWORK, "timeout": Reason.NO_ANSWER, "connection_lost": Reason.NO_ANSWER,
    "answer_too_large": Reason.NO_ANSWER, "unreadable_answer": Reason.NO_ANSWER, "worker_lost": Reason.NO_ANSWER,
    "adapter_failed": Reason.NO_ANSWER, "unexpected_redirect": Reason.SETUP, "sealed": Reason.SEALED,
    "credentials": Reason.TOKEN, "account_not_active": Reason.ACCOUNT, "paused": Reason.PAUSED,
    "suspended": Reason.PAUSED, "cannot_write": Reason.UNKNOWN, "channel_gone": Reason.SETUP,
    "media_gone": Reason.MEDIA, "media_host": Reason.MEDIA, "media_empty": Reason.MEDIA,
    "media_too_large": Reason.MEDIA, "media_unknown": Reason.MEDIA,
}  # fmt: skip
FOR_THE_OPERATOR = {
    "no_channel", "channel_gone", "template_unknown", "unexpected_redirect", "sealed", "credentials",
    "account_not_active", "http_401", "http_403",
}  # fmt: skip


def codes() -> Iterator[tuple[str, str]]:
    """All codes for all providers: some speak another's."""
    of_all = {code for table_of_one in TABLES.values() for code in table_of_one}
    for name in REGISTRY:
        yield from ((name, code) for code in (*of_all, *OWN, *OF_STATUS, *UNHEARD_OF.split()))


def test_the_tables_are_looked_at() -> None:
    assert all(TABLES[name] for name in ("sandbox", "twilio", "meta"))


@pytest.mark.parametrize("locale", LOCALES)
def test_every_code_has_a_sentence(locale: str) -> None:
    for name, code in codes():
        assert (hints.for_code(name, code, locale) or "").strip(), (name, code)


@pytest.mark.parametrize("locale", LOCALES)
def test_each_reason_has_its_own_sentence_and_no_other_stands_in_the_file(locale: str) -> None:
    told = tomllib.loads((resources.files("wabot.core") / "texts" / f"hints.{locale}.toml").read_text("utf-8"))
    assert set(told) == set(Reason)
    assert len(set(told.values())) == len(told)


@pytest.mark.parametrize("reason", Reason)
def test_a_sentence_reads_as_one(reason: Reason) -> None:
    english, arabic = hints.sentence(reason, "en"), hints.sentence(reason, "ar")
    assert english.isascii()
    assert ARABIC.search(arabic)
    assert not re.search("[A-Za-z,;?]|\u200e|\u200f", arabic)
    for text in (english, arabic):
        assert not re.search(r"[{}<>_%$\n\"]|  ", text)
        assert text == text.strip()
        assert text.endswith(".")
        assert 1 <= len(re.findall(r"\.(?: |$)", text)) <= 2
        assert 40 <= len(text) <= 180


@pytest.mark.parametrize(("code", "reason"), [*OWN.items(), *OF_STATUS.items()])
@pytest.mark.parametrize("name", REGISTRY)
def test_our_own_words_mean_the_same_with_every_provider(name: str, code: str, reason: Reason) -> None:
    assert hints.for_code(name, code, "en") == hints.sentence(reason, "en")
    assert hints.is_for_operator(name, code) == (code in FOR_THE_OPERATOR)


@pytest.mark.parametrize("name", TABLES)
def test_a_code_of_a_provider_is_told_by_its_own_table(name: str) -> None:
    for code, meaning in TABLES[name].items():
        assert hints.for_code(name, code, "en") == hints.sentence(meaning.reason, "en"), code


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("meta", "190", Reason.TOKEN), ("twilio", "20003", Reason.TOKEN),
        ("meta", "132001", Reason.TEMPLATE_UNKNOWN), ("twilio", "63040", Reason.TEMPLATE_REFUSED),
        ("meta", "130429", Reason.RATE), ("twilio", "20429", Reason.RATE),
        ("meta", "131026", Reason.NOT_ON_WHATSAPP), ("twilio", "21211", Reason.NUMBER),
        ("meta", "131047", Reason.WINDOW), ("twilio", "63016", Reason.WINDOW),
        ("meta", "131050", Reason.OPTED_OUT), ("twilio", "21610", Reason.OPTED_OUT),
        ("twilio", "131047", Reason.UNKNOWN), ("meta", "63016", Reason.UNKNOWN),
    ],
)  # fmt: skip
def test_what_owners_meet_most_is_told_by_its_name(name: str, code: str, reason: Reason) -> None:
    assert hints.for_code(name, code, "ar-SA") == hints.sentence(reason, "ar")


def test_without_a_code_there_is_nothing_to_tell() -> None:
    assert hints.for_code("sandbox", "", "ar") is None
    assert not hints.is_for_operator("sandbox", "")


@pytest.mark.parametrize(
    ("locale", "language"), [("ar", "ar"), ("ar-SA", "ar"), ("AR", "ar"), ("fr", "en"), ("", "en")]
)
def test_a_locale_is_answered_in_the_nearest_language(locale: str, language: str) -> None:
    assert hints.for_code("sandbox", "expired", locale) == hints.sentence(Reason.EXPIRED, language)


def test_a_provider_that_there_is_not_has_no_codes() -> None:
    with pytest.raises(errors.NotFound):
        hints.for_code("pigeon", "42", "en")


@pytest.mark.parametrize("name", TABLES)
def test_only_credentials_templates_and_the_setup_are_for_the_operator(name: str) -> None:
    mended = (errors.CredentialsRefused, errors.TemplateRefused, errors.SetupRefused)
    for code, meaning in TABLES[name].items():
        assert hints.is_for_operator(name, code) == (meaning.verdict in mended), code
        assert not (
            hints.is_for_operator(name, code) and isinstance(by_name(name).failure(code, ""), errors.RecipientRefused)
        )


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("meta", "131026 131047 131049 131050 130403 130472 130497 131056 131000 987654"),
        ("twilio", "63016 21610 21211"),
    ],
)
def test_what_lies_with_the_customer_is_never_for_the_operator(name: str, codes: str) -> None:
    assert not any(hints.is_for_operator(name, code) for code in codes.split())
