"""What Twilio's error codes mean for a message: code → verdict.

Source: the page of each code, https://www.twilio.com/docs/api/errors/<code>, with titles checked against
courier's and twilio-error-rs' tables, as of November 2026 (facts/providers §1.7). Twilio publishes no
table of what may be tried again; the classes are read from each page's wording.
"""

from collections.abc import Mapping

from wabot import errors
from wabot.providers.answers import LONGEST_WAIT_SECONDS, Verdict

THROTTLED = "20429 21611 30001 63017 63018 63038"
"""Too fast, or a queue or the day's limit is full: nothing was processed."""
TEMPORARY = "14107 20503 30008 63009 63010 63012 63023 63037"
UNKNOWN = "20500 20504"
"""Internal errors whose pages say that trying again can deliver twice."""
CREDENTIALS = (
    "20003 20005 20006 20101 20102 20103 20104 20105 20106 20107 20404 63051 63100 63101 63102 63103 63109 63111 63112"
)
"""The account, its token or its WhatsApp account is refused, locked or gone: no message can go."""
RECIPIENT = "21211 21610 21614 63003 63014 63015 63024 63029 63032 63033 63049"
"""63049: Meta chose not to deliver; trying again within a day prolongs that."""
WINDOW = "63016"
CONTENT = "11751 21602 21617 21619 21620 21623 21658 63005 63006 63011 63013 63019 63021 63025 63026 63034"
TEMPLATE = "21654 21655 21656 216602 63027 63028 63030 63040 63041 63042 63043 63044 63045 63047 92002 92005 92007"
CONFIGURATION = (
    "21212 21601 21603 21606 21609 21657 21659 21660 21661 21703 21910 63001 63002 63007 63008 63020 63022 63031"
)

VERDICTS: Mapping[str, Verdict] = {
    **dict.fromkeys(THROTTLED.split(), errors.Throttled),
    **dict.fromkeys(TEMPORARY.split(), errors.TemporaryFailure),
    **dict.fromkeys(UNKNOWN.split(), errors.UnknownOutcome),
    **dict.fromkeys(CREDENTIALS.split(), errors.CredentialsRefused),
    **dict.fromkeys(" ".join((RECIPIENT, WINDOW, CONTENT, TEMPLATE, CONFIGURATION)).split(), errors.PermanentFailure),
}

CONTENT_GONE = frozenset({"20404", "21655"})
"""The ContentSid is unknown to the account (page 21655: deleted, or of another account)."""

_WAITS: Mapping[str, float] = {"63038": LONGEST_WAIT_SECONDS}
"""The day's limit is spent: asking again every few seconds would not help."""


def classify(
    code: str, message: str, raw: bytes = b"", *, otherwise: Verdict = errors.PermanentFailure
) -> errors.ProviderFailure:
    """The failure that Twilio's code means, `otherwise` for a code that is not in the table."""
    return VERDICTS.get(code, otherwise)(code, message, raw, suggested_wait(code))


def suggested_wait(code: str) -> float | None:
    """Seconds for which nothing can be sent after this code, where Twilio's page says so."""
    return _WAITS.get(code)
