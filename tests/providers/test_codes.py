"""What each code of the vendors means, row by row as facts/providers §1.7 and §2.8 list them: these tables are written
from there, not from the code."""

from collections.abc import Mapping

import pytest

from wabot import http
from wabot.errors import (
    CredentialsRefused,
    PermanentFailure,
    ProviderFailure,
    RecipientRefused,
    SetupRefused,
    TemplateRefused,
    TemporaryFailure,
    Throttled,
    UnknownOutcome,
)
from wabot.providers import answers, by_name, meta_codes, twilio_codes
from wabot.words import Reason

Row = tuple[str, type[ProviderFailure], Reason]

TWILIO: list[Row] = [
    ("20429", Throttled, Reason.RATE),
    ("20500 20504", UnknownOutcome, Reason.NO_ANSWER),
    ("20503", TemporaryFailure, Reason.PROVIDER),
    ("63009 63012", TemporaryFailure, Reason.PROVIDER),
    ("63010", TemporaryFailure, Reason.PROVIDER),
    ("63017", Throttled, Reason.RATE),
    ("63018", Throttled, Reason.RATE),
    ("63023", TemporaryFailure, Reason.PROVIDER),
    ("63037", TemporaryFailure, Reason.MEDIA),
    ("14107", TemporaryFailure, Reason.LOOP),
    ("21611 30001", Throttled, Reason.RATE),
    ("30008", TemporaryFailure, Reason.PROVIDER),
    ("63038", Throttled, Reason.DAY_LIMIT),
    ("63049", RecipientRefused, Reason.MARKETING_CAP),
    ("63016", RecipientRefused, Reason.WINDOW),
    ("21211 21614", RecipientRefused, Reason.NUMBER),
    ("63003 63024", RecipientRefused, Reason.NOT_ON_WHATSAPP),
    ("63005 63006 63011 63021", PermanentFailure, Reason.CONTENT),
    ("63013", PermanentFailure, Reason.CONTENT),
    ("63014", RecipientRefused, Reason.BLOCKED),
    ("63015", RecipientRefused, Reason.NOT_INVITED),
    ("63032", RecipientRefused, Reason.EXPERIMENT),
    ("63033", RecipientRefused, Reason.OPTED_OUT),
    ("21610", RecipientRefused, Reason.OPTED_OUT),
    ("63019 63025 63034 11751", PermanentFailure, Reason.MEDIA),
    ("63026", PermanentFailure, Reason.SPAM),
    ("63027", TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("63028 63030", TemplateRefused, Reason.TEMPLATE_VARIABLES),
    ("63029", RecipientRefused, Reason.NOT_ON_WHATSAPP),
    ("63040 63041 63042", TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("63043 63044 63045 63047", TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("21602 21617 21619 21658", PermanentFailure, Reason.CONTENT),
    ("21620 21623", PermanentFailure, Reason.MEDIA),
    ("21654 21655 92005", TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("21656 92002 92007", TemplateRefused, Reason.TEMPLATE_VARIABLES),
    ("216602", TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("20003", CredentialsRefused, Reason.TOKEN),
    ("20005", CredentialsRefused, Reason.ACCOUNT),
    ("20006", CredentialsRefused, Reason.PERMISSION),
    ("20101 20102 20103 20104 20105 20106 20107 20404", CredentialsRefused, Reason.TOKEN),
    ("21212 21601 21603 21606 21657 21659 21660 21661 21703 21910", SetupRefused, Reason.SETUP),
    ("21609", SetupRefused, Reason.SETUP),
    ("63001 63002 63007 63008 63020 63022", SetupRefused, Reason.SETUP),
    ("63031", RecipientRefused, Reason.NUMBER),
    ("63051 63100 63101 63102 63109 63111 63112", CredentialsRefused, Reason.ACCOUNT),
    ("63103", CredentialsRefused, Reason.PAYMENT),
]
META: list[Row] = [
    ("0 190 104", CredentialsRefused, Reason.TOKEN),
    ("3 10 131005", CredentialsRefused, Reason.PERMISSION),
    (" ".join(str(code) for code in range(200, 300)), CredentialsRefused, Reason.PERMISSION),
    ("368", CredentialsRefused, Reason.ACCOUNT),
    ("130497", RecipientRefused, Reason.COUNTRY),
    ("131031", CredentialsRefused, Reason.ACCOUNT),
    ("1", TemporaryFailure, Reason.PROVIDER),
    ("2 131016 133004", TemporaryFailure, Reason.PROVIDER),
    ("131000", TemporaryFailure, Reason.PROVIDER),
    ("131057 2494100", Throttled, Reason.PROVIDER),
    ("4 80007 613", Throttled, Reason.RATE),
    ("130429", Throttled, Reason.RATE),
    ("131056", TemporaryFailure, Reason.RATE),
    ("131048", Throttled, Reason.SPAM),
    ("131064", Throttled, Reason.SPAM),
    ("133016", Throttled, Reason.RATE),
    ("33", CredentialsRefused, Reason.ACCOUNT),
    ("100 131008 131009 131051 135000", PermanentFailure, Reason.CONTENT),
    ("131021", RecipientRefused, Reason.NUMBER),
    ("130403", RecipientRefused, Reason.BLOCKED),
    ("130472", RecipientRefused, Reason.EXPERIMENT),
    ("131026", RecipientRefused, Reason.NOT_ON_WHATSAPP),
    ("131030", SetupRefused, Reason.NOT_INVITED),
    ("131037", SetupRefused, Reason.SETUP),
    ("131042", CredentialsRefused, Reason.PAYMENT),
    ("131045", SetupRefused, Reason.SETUP),
    ("131047", RecipientRefused, Reason.WINDOW),
    ("131049", RecipientRefused, Reason.MARKETING_CAP),
    ("131050", RecipientRefused, Reason.OPTED_OUT),
    ("131052", PermanentFailure, Reason.MEDIA),
    ("131053", PermanentFailure, Reason.MEDIA),
    ("131055 134100", PermanentFailure, Reason.CONTENT),
    ("134102", TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("132018", TemplateRefused, Reason.TEMPLATE_VARIABLES),
    ("134101", TemporaryFailure, Reason.PROVIDER),
    ("131062", RecipientRefused, Reason.NUMBER),
    ("131063", SetupRefused, Reason.SETUP),
    ("132000 132005 132008 132012", TemplateRefused, Reason.TEMPLATE_VARIABLES),
    ("132001", TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("132007", TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("132015 132016", TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("132068 132069", TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("133000 133005 133006 133008 133009 133010 133015 134011", SetupRefused, Reason.SETUP),
    ("137000", RecipientRefused, Reason.IDENTITY),
]
LISTED: dict[str, tuple[list[Row], Mapping[str, answers.Meaning]]] = {
    "twilio": (TWILIO, twilio_codes.MEANINGS),
    "meta": (META, meta_codes.MEANINGS),
}
WAITS = {"63038": 3600, "4": 300, "613": 300, "80007": 300, "131057": 60, "2494100": 60}
WAITS |= dict.fromkeys(("131048", "131064", "133016"), 3600)
NO_FAILURES = "63046 63052 11200 57012 63035 63036 63039 63105 63108 147001 138000 139000 200005 2388001"


ROWS = [(name, *row) for name, (listed, _) in LISTED.items() for row in listed]


@pytest.mark.parametrize(("name", "listed", "verdict", "reason"), ROWS)
def test_a_code_has_the_verdict_and_the_reason_that_its_vendor_describes(
    name: str, listed: str, verdict: type[ProviderFailure], reason: Reason
) -> None:
    for code in listed.split():
        failure = by_name(name).failure(code, "why")
        assert (type(failure), failure.reason, failure.code, failure.message) == (verdict, reason, code, "why")
        assert failure.retry_after == WAITS.get(code)


@pytest.mark.parametrize("name", LISTED)
def test_no_code_is_forgotten_made_up_or_listed_twice(name: str) -> None:
    listed, known = LISTED[name]
    expected = [code for codes, _, _ in listed for code in codes.split()]
    assert len(expected) == len(set(expected))
    assert set(expected) == set(known)


@pytest.mark.parametrize("name", LISTED)
def test_what_is_no_failure_of_a_message_has_no_meaning(name: str) -> None:
    assert not set(NO_FAILURES.split()) & set(LISTED[name][1])


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_code_means_the_same_at_once_and_on_a_receipt(name: str, status: int) -> None:
    for code, meaning in LISTED[name][1].items():
        at_once = answers.failure(http.Answer(status, {}, b""), code, "why", LISTED[name][1])
        on_a_receipt = by_name(name).failure(code, "why")
        assert (type(at_once), at_once) == (meaning.verdict, on_a_receipt)


@pytest.mark.parametrize("name", LISTED)
def test_only_what_throttles_asks_to_wait(name: str) -> None:
    waiting = [meaning for meaning in LISTED[name][1].values() if meaning.wait_seconds is not None]
    assert waiting
    assert all(meaning.verdict is Throttled for meaning in waiting)


def test_codes_that_are_looked_for_have_a_meaning() -> None:
    assert all(code in twilio_codes.MEANINGS for code in twilio_codes.CONTENT_GONE)
    assert all(code in meta_codes.MEANINGS for code in meta_codes.SUBCODES.values())
