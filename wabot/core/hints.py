"""What an error code means to the person whose message it stopped: what happened, and what to do about it. One
sentence or two for each of `words.Reason`, in texts/hints.<language>.toml."""

import re
import tomllib
from collections.abc import Mapping
from importlib import resources

from wabot import errors
from wabot.bot.state import LOCALES
from wabot.providers import answers, by_name
from wabot.words import Reason

OPERATORS = (errors.CredentialsRefused, errors.TemplateRefused, errors.SetupRefused)
"""Verdicts that only the operator can do something about (CONTRACT §5, `isCritical`)."""

OURS: Mapping[str, answers.Meaning] = answers.meanings(
    ("expired", errors.PermanentFailure, Reason.EXPIRED),
    ("allowance_spent", errors.PermanentFailure, Reason.ALLOWANCE),
    ("too_long", errors.PermanentFailure, Reason.CONTENT),
    ("maybe_sent", errors.PermanentFailure, Reason.MAYBE_SENT),
    ("poison", errors.PermanentFailure, Reason.POISON),
    ("window_closed", errors.RecipientRefused, Reason.WINDOW),
    ("opted_out", errors.RecipientRefused, Reason.OPTED_OUT),
    ("invalid_number", errors.RecipientRefused, Reason.NUMBER),
    ("template_unknown", errors.TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("template_variables", errors.TemplateRefused, Reason.TEMPLATE_VARIABLES),
    ("no_channel channel_gone unexpected_redirect unreadable", errors.SetupRefused, Reason.SETUP),
    ("credentials", errors.CredentialsRefused, Reason.TOKEN),
    ("account_not_active", errors.CredentialsRefused, Reason.ACCOUNT),
    ("sealed", errors.CredentialsRefused, Reason.SEALED),
    ("paused suspended", errors.Throttled, Reason.PAUSED),
    ("not_sent", errors.TemporaryFailure, Reason.NETWORK),
    ("content_gone", errors.TemporaryFailure, Reason.PROVIDER),
    ("cannot_write", errors.TemporaryFailure, Reason.UNKNOWN),
    (
        "timeout connection_lost answer_too_large unreadable_answer worker_lost adapter_failed",
        errors.UnknownOutcome,
        Reason.NO_ANSWER,
    ),
)
"""The words that are ours, whichever provider the message was for."""

_STATUS = re.compile(r"http_([0-9]{3})")
_FILE = "media_"
"""What the codes of a file that cannot be sent or fetched begin with."""


def _read(locale: str) -> Mapping[Reason, str]:
    """The language's own file; one that lacks a reason stops the import."""
    file = resources.files("wabot.core").joinpath("texts", f"hints.{locale}.toml")
    told = tomllib.loads(file.read_text("utf-8"))
    return {reason: told[reason] for reason in Reason}


_TEXTS: Mapping[str, Mapping[Reason, str]] = {locale: _read(locale) for locale in LOCALES}


def sentence(reason: Reason, locale: str) -> str:
    """The reason in the language of a locale such as `ar` or `ar-SA`; in English for one that we do not speak."""
    return _TEXTS.get(locale[:2].lower(), _TEXTS["en"])[reason]


def for_code(provider_name: str, code: str, locale: str) -> str | None:
    """What a code of ours or of this provider means; the sentence for `unknown` where nobody knows it, None without
    a code. Raises NotFound for a provider that there is not."""
    return sentence(meaning(provider_name, code).reason, locale) if code else None


def is_for_operator(provider_name: str, code: str) -> bool:
    """Whether only the operator can mend what this code means: credentials, a template, the set-up; never a reason
    that lies with the customer. Raises NotFound for a provider that there is not."""
    return issubclass(meaning(provider_name, code).verdict, OPERATORS)


def meaning(provider_name: str, code: str) -> answers.Meaning:
    """The verdict and the reason of a code of ours or of this provider. Raises NotFound for a provider that there is
    not."""
    if code in OURS:
        return OURS[code]
    if code.startswith(_FILE):
        return answers.Meaning(errors.PermanentFailure, Reason.MEDIA)
    if status := _STATUS.fullmatch(code):
        return answers.by_status(int(status[1]))
    failure = by_name(provider_name).failure(code, "")
    return answers.Meaning(type(failure), Reason(failure.reason or Reason.UNKNOWN))
