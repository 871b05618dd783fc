"""What Meta's error codes mean for a message: code → verdict. "Build your error handling around `code`": the
HTTP status says little, 134102 is a 500 that no retry mends.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
(2026-09-11) and courier's `handlers/meta/whatsapp/api.go`, as of November 2026 (facts/providers §2.8).
"""

from collections.abc import Mapping

from wabot import errors
from wabot.providers.answers import LONGEST_WAIT_SECONDS, Verdict

THROTTLED = "4 613 80007 130429 131048 131057 131064 133016"
"""Too fast, a limit that lifts by itself, or a number under maintenance for a minute: nothing was processed."""
TEMPORARY = "1 2 131000 131016 131056 133004 134101"
"""131056 is too fast for one customer (one message every six seconds): the others need not wait.
1 is an invalid request or a server error, 131000 anything: tried again as often as the plan allows."""
CREDENTIALS = "0 3 10 33 104 190 368 131005 131031 131042 " + " ".join(map(str, range(200, 300)))
"""The token, the app's permissions, the account, its number or its payment: no message can go until mended."""
RECIPIENT = "130403 130472 130497 131021 131026 131049 131050 131062 137000"
"""131049: Meta chose not to deliver; trying again within a day prolongs that."""
WINDOW = "131047"
CONTENT = "100 131008 131009 131051 131052 131053 131055 134100 134102 135000"
TEMPLATE = "132000 132001 132005 132007 132008 132012 132015 132016 132018 132068 132069"
CONFIGURATION = "131030 131037 131045 131063 133000 133005 133006 133008 133009 133010 133015 134011"

VERDICTS: Mapping[str, Verdict] = {
    **dict.fromkeys(THROTTLED.split(), errors.Throttled),
    **dict.fromkeys(TEMPORARY.split(), errors.TemporaryFailure),
    **dict.fromkeys(CREDENTIALS.split(), errors.CredentialsRefused),
    **dict.fromkeys(" ".join((RECIPIENT, WINDOW, CONTENT, TEMPLATE, CONFIGURATION)).split(), errors.PermanentFailure),
}

SUBCODES: Mapping[tuple[str, str], str] = {("100", "33"): "33"}
"""Code and `error_subcode` of which the subcode says more: 33 is a number that is gone or not the token's."""

_WAITS: Mapping[str, float] = {
    "4": 300,
    "613": 300,
    "80007": 300,
    "131048": LONGEST_WAIT_SECONDS,
    "131057": 60,
    "131064": LONGEST_WAIT_SECONDS,
    "133016": LONGEST_WAIT_SECONDS,
}
"""API limits want minutes (facts §2.8, §2.9)."""


def classify(code: str, message: str, *, otherwise: Verdict = errors.PermanentFailure) -> errors.ProviderFailure:
    """The failure that Meta's code means, `otherwise` for a code that is not in the table."""
    return VERDICTS.get(code, otherwise)(code, message, retry_after=suggested_wait(code))


def suggested_wait(code: str) -> float | None:
    """Seconds for which nothing can be sent after this code, where Meta says so."""
    return _WAITS.get(code)
