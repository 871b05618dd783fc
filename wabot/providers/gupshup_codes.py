"""What Gupshup's error codes mean for a message: code → verdict and reason. Where WhatsApp itself refused, the
code is Meta's.

Sources: https://docs.gupshup.io/docs/error-and-status-messages (both its versions, 2026-04 and 2026-10) and
https://partner-docs.gupshup.io/docs/error-codes for the codes; the answers to sends at
https://docs.gupshup.io/reference/post_wa-api-v1-msg-1, as of November 2026 (facts/providers §3.3, §3.7).
"""

from collections.abc import Mapping

from wabot import errors
from wabot.providers import answers, meta_codes
from wabot.words import Reason

TEXTS: Mapping[str, str] = {
    "invalid destination": "invalid_destination",
    "invalid app details": "invalid_app_details",
    "app is not live.": "app_not_live",
    "authentication failed": "authentication_failed",
    "unauthorized access": "authentication_failed",
    "portal user not found with apikey": "authentication_failed",
    "too many requests": "too_many_requests",
}
"""Answers to calls carry a text and no code; these are ours for the texts that Gupshup documents, in lower case."""

_OWN: Mapping[str, answers.Meaning] = answers.meanings(
    ("500 4002", errors.TemporaryFailure, Reason.PROVIDER),
    ("429 4001 too_many_requests", errors.Throttled, Reason.RATE),
    ("authentication_failed", errors.CredentialsRefused, Reason.TOKEN),
    ("1003", errors.CredentialsRefused, Reason.PAYMENT),
    ("1001 1004 invalid_app_details app_not_live", errors.SetupRefused, Reason.SETUP),
    ("invalid_destination", errors.RecipientRefused, Reason.NUMBER),
    ("1002", errors.RecipientRefused, Reason.NOT_ON_WHATSAPP),
    ("1006 1007 1008 1012", errors.RecipientRefused, Reason.OPTED_OUT),
    ("470", errors.RecipientRefused, Reason.WINDOW),
    ("1005 4003 4005", errors.TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("1010 1011", errors.PermanentFailure, Reason.MEDIA),
    ("4004", errors.PermanentFailure, Reason.CONTENT),
    # "Stop sending messages and contact Gupshup."
    waits={"4001": answers.LONGEST_WAIT_SECONDS},
)
"""1003 is an empty wallet: nothing can go until it is filled. 1004 is a template although the app has templates
switched off; 1006 to 1008 a customer who never opted in, as Gupshup asked for before 2025."""

MEANINGS: Mapping[str, answers.Meaning] = {**meta_codes.MEANINGS, **_OWN}


def code_of(text: str) -> str:
    """Our code for the text of an answer; empty for one that is not known."""
    return TEXTS.get(text.strip().lower(), "")
