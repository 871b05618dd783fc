"""Gupshup's APIs for one account: the credentials of its two planes, and what its answers mean.

Sources, as of November 2026: https://docs.gupshup.io/reference/post_wa-api-v1-msg-1 (answers to sends), and
https://partner-docs.gupshup.io (the app's own token goes as it is; facts/providers §3.1, §3.3).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from wabot import errors, http, words
from wabot.config import Settings
from wabot.providers import answers, gupshup_codes, gupshup_templates
from wabot.providers.base import MAX_MEDIA_BYTES, Account
from wabot.providers.bodies import word


def key(account: Account) -> dict[str, str]:
    """The header of the plane for messages."""
    return {"apikey": account.credentials["api_key"]}


def token(account: Account) -> dict[str, str]:
    """The header of the partners' plane, for what concerns the app."""
    return {"Authorization": account.credentials["app_token"]}


def app_id(account: Account) -> str:
    """The app's id, as it stands in addresses; empty where it is not known."""
    return quote(account.credentials.get("app_id", ""), safe="")


def of_app(account: Account, settings: Settings) -> str:
    """The address on the partners' plane below which all that belongs to the app is."""
    return f"{settings.gupshup_partner_api}/partner/app/{app_id(account)}"


def ask(url: str, headers: Mapping[str, str], settings: Settings) -> Mapping[str, Any]:
    """What is answered to a GET. Raises ProviderFailure."""
    answer = http.request(
        "GET", url, deadline_seconds=settings.wabot_send_timeout, headers=headers, most_bytes=MAX_MEDIA_BYTES
    )
    said = told(answer)
    if answer.status != 200 or said.get("status", "success") != "success":
        raise failure(answer)
    return said


def failure(answer: http.Answer, draft: words.Draft | None = None) -> errors.ProviderFailure:
    """What an answer other than "accepted" means; returned, not raised.

    Where the answer is a server's own failure its code does not say that nothing was sent. A template's id that is
    none is answered as if the key were unknown, which would stop the channel.
    """
    code, message = _problem(answer)
    used = draft.template if draft is not None and draft.kind is words.Kind.TEMPLATE else None
    template_id = (used.provider_id or used.name) if used is not None else ""
    if answer.status == 401 and used is not None and not gupshup_templates.ID.fullmatch(template_id):
        why = f"{message}: {template_id[:60]!r} is not a template's id at Gupshup"
        return errors.TemplateRefused("template_unknown", why, answer.raw, reason=words.Reason.TEMPLATE_UNKNOWN)
    return answers.failure(answer, code if answer.status < 500 else "", message, gupshup_codes.MEANINGS)


def _problem(answer: http.Answer) -> tuple[str, str]:
    """Code and text of an error: the text may be an object, or all of the body."""
    said = answer.json()
    message = said.get("message") if isinstance(said, dict) else said
    inner = message if isinstance(message, dict) else {"message": message}
    text = word(inner, "message") or word(inner, "reason")
    code = word(inner, "code") or (word(said, "code") if isinstance(said, dict) else "")
    return (code or gupshup_codes.code_of(text))[:40], text


def told(answer: http.Answer) -> dict[str, Any]:
    """The object that an answer holds; empty where it holds none."""
    said = answer.json()
    return said if isinstance(said, dict) else {}
