"""What Meta's error codes mean for a message. "Build your error handling around `code`": the HTTP status says
little, 134102 is a 500 that no retry mends.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
(2026-09-11) and courier's `handlers/meta/whatsapp/api.go`, as of November 2026 (facts/providers §2.8).
"""

from collections.abc import Mapping

from wabot import errors
from wabot.providers import answers
from wabot.words import Reason

MEANINGS: Mapping[str, answers.Meaning] = answers.meanings(
    # Too fast, a limit that lifts by itself, or a number under maintenance for a minute: nothing was processed.
    ("4 613 80007 130429 133016", errors.Throttled, Reason.RATE),
    ("131048 131064", errors.Throttled, Reason.SPAM),
    ("131057 2494100", errors.Throttled, Reason.PROVIDER),
    # 1 is an invalid request or a server error, 131000 anything: tried again as often as the plan allows.
    ("1 2 131000 131016 133004 134101", errors.TemporaryFailure, Reason.PROVIDER),
    # Too fast for one customer (one message every six seconds): the others need not wait.
    ("131056", errors.TemporaryFailure, Reason.RATE),
    # The token, the app's permissions, the account, its number or its payment: no message can go until mended.
    ("0 104 190", errors.CredentialsRefused, Reason.TOKEN),
    ("3 10 131005 " + " ".join(map(str, range(200, 300))), errors.CredentialsRefused, Reason.PERMISSION),
    ("33 368 131031", errors.CredentialsRefused, Reason.ACCOUNT),
    ("131042", errors.CredentialsRefused, Reason.PAYMENT),
    # 131021: the customer's number is the channel's own. 131062: it wants a number where there is only a username.
    ("131021 131062", errors.RecipientRefused, Reason.NUMBER),
    ("131026", errors.RecipientRefused, Reason.NOT_ON_WHATSAPP),
    ("130403", errors.RecipientRefused, Reason.BLOCKED),
    ("131050", errors.RecipientRefused, Reason.OPTED_OUT),
    ("131047", errors.RecipientRefused, Reason.WINDOW),
    ("130472", errors.RecipientRefused, Reason.EXPERIMENT),
    # Meta chose not to deliver; trying again within a day prolongs that.
    ("131049", errors.RecipientRefused, Reason.MARKETING_CAP),
    ("130497", errors.RecipientRefused, Reason.COUNTRY),
    ("137000", errors.RecipientRefused, Reason.IDENTITY),
    ("100 131008 131009 131051 131055 134100 135000", errors.PermanentFailure, Reason.CONTENT),
    ("131052 131053", errors.PermanentFailure, Reason.MEDIA),
    ("132001 134102", errors.TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("132007 132015 132016 132068 132069", errors.TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("132000 132005 132008 132012 132018", errors.TemplateRefused, Reason.TEMPLATE_VARIABLES),
    # A test number writes only to those whom the operator has entered.
    ("131030", errors.SetupRefused, Reason.NOT_INVITED),
    (
        "131037 131045 131063 133000 133005 133006 133008 133009 133010 133015 134011",
        errors.SetupRefused,
        Reason.SETUP,
    ),
    # API limits want minutes (facts §2.8, §2.9).
    waits={
        "4": 300,
        "613": 300,
        "80007": 300,
        "131048": answers.LONGEST_WAIT_SECONDS,
        "131057": 60,
        "2494100": 60,
        "131064": answers.LONGEST_WAIT_SECONDS,
        "133016": answers.LONGEST_WAIT_SECONDS,
    },
)

SUBCODES: Mapping[tuple[str, str], str] = {("100", "33"): "33"}
"""Code and `error_subcode` of which the subcode says more: 33 is a number that is gone or not the token's."""
