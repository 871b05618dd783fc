"""Meta's WhatsApp Cloud API: the adapter. Its webhooks are read in `meta_webhooks` and `meta_messages`, its error
codes judged in `meta_codes`.

Sources: facebook/openapi `business-messaging-api_v23.0.yaml` (`/{Phone-Number-ID}/messages`) and
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids (2026-06-29), as
of November 2026 (facts/providers §2.7, §2.12).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wabot import errors, http, words
from wabot.config import Settings
from wabot.providers import answers, bodies, limits, meta_codes, meta_webhooks
from wabot.providers.base import Accepted, Account, Address, Answer, Arrived, Structures
from wabot.providers.meta_messages import word

LANGUAGE = "ar"
"""A template's where the draft names none (CONTRACT §3)."""

_NUMBER = re.compile(r"\+?([0-9]{4,20})")
_DEFAULTS = {
    "app_secret": "meta_app_secret",
    "verify_token": "meta_verify_token",
    "access_token": "meta_whatsapp_token",
}


class Meta:
    """See `base.Provider`."""

    name = "meta"
    required: tuple[str, ...] = ("phone_number_id", "access_token", "app_secret")
    optional: tuple[str, ...] = ("waba_id", "verify_token")
    generated: tuple[str, ...] = ()
    echoes_reference = True
    webhook_budget_seconds = 8.0
    answer = Answer()

    def account(self, number: str, credentials: Mapping[str, str], settings: Settings) -> Account:
        """The settings' app secret, verify token and access token stand in, each for itself."""
        given = {name: value for name, value in credentials.items() if value}
        defaults = {name: settings.secret(setting) for name, setting in _DEFAULTS.items()}
        return Account(number, {"phone_number_id": "", **defaults, **given})

    def default_account(self, settings: Settings) -> Account | None:
        """With the verify token alone it answers handshakes, and verifies nothing."""
        account = self.account("", {}, settings)
        return account if account.credentials["app_secret"] or account.credentials["verify_token"] else None

    def urls(self, public_url: str, key: str) -> tuple[str, str]:
        return f"{public_url}/webhooks/{key}", f"{public_url}/webhooks/{key}"

    def recognises(self, arrived: Arrived) -> bool:
        return meta_webhooks.recognises(arrived)

    def route(self, account: Account) -> str:
        return account.credentials["phone_number_id"]

    def addresses(self, arrived: Arrived) -> Sequence[Address]:
        return meta_webhooks.addresses(arrived)

    def challenge(self, arrived: Arrived, account: Account) -> Answer | None:
        return meta_webhooks.challenge(arrived, account)

    def must_verify(self, settings: Settings) -> bool:  # noqa: ARG002
        return True

    def verify(self, arrived: Arrived, account: Account, public_url: str) -> bool:  # noqa: ARG002
        return meta_webhooks.verify(arrived, account)

    def parse(self, arrived: Arrived) -> Sequence[words.Item]:
        return meta_webhooks.parse(arrived)

    def check(self, draft: words.Draft) -> None:
        limits.check(draft)

    def send(
        self,
        account: Account,
        recipient: str,
        draft: words.Draft,
        *,
        reference: str,
        structures: Structures,  # noqa: ARG002
        settings: Settings,
    ) -> Accepted:
        message = {**_addressing(recipient), **_content(draft), "biz_opaque_callback_data": reference}
        answer = _call("POST", "/messages", account, settings, json=bodies.tidy(message))
        listed = _object(answer).get("messages")
        first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
        message_id = first.get("id")
        if 200 <= answer.status < 300 and isinstance(message_id, str) and message_id:
            return Accepted(message_id, answer.raw)
        raise _failure(answer)

    def probe(self, account: Account, settings: Settings) -> None:
        answer = _call("GET", "?fields=id,display_phone_number", account, settings)
        if answer.status != 200 or not _object(answer).get("id"):
            raise _failure(answer)

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return meta_codes.classify(code, message, otherwise=errors.TemporaryFailure)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("Meta keeps no history: what it could not deliver it repeats for up to seven days")


def _call(method: str, rest: str, account: Account, settings: Settings, **body: Any) -> http.Answer:
    """A call about the account's number."""
    number_id = quote(account.credentials["phone_number_id"], safe="")
    return http.request(
        method,
        f"{settings.meta_graph_api}/{number_id}{rest}",
        deadline_seconds=settings.wabot_send_timeout,
        headers={"Authorization": f"Bearer {account.credentials['access_token']}"},
        **body,
    )


def _addressing(recipient: str) -> dict[str, str]:
    """A business-scoped id has a field of its own (facts §2.7)."""
    number = _NUMBER.fullmatch(recipient)
    to = {"to": number[1]} if number else {"recipient": recipient}
    return {"messaging_product": "whatsapp", "recipient_type": "individual", **to}


def _content(draft: words.Draft) -> dict[str, Any]:
    if draft.kind is words.Kind.TEMPLATE:
        return {"type": "template", "template": _template(draft.template or words.TemplateUse(""))}
    if draft.kind in (words.Kind.BUTTONS, words.Kind.LIST):
        return {"type": "interactive", "interactive": _interactive(draft)}
    return {"type": "text", "text": {"body": draft.text, "preview_url": False}}


def _interactive(draft: words.Draft) -> dict[str, Any]:
    header = {"header": {"type": "text", "text": draft.header}} if draft.header.strip() else {}
    footer = {"footer": {"text": draft.footer}} if draft.footer.strip() else {}
    if draft.kind is words.Kind.LIST:
        kind, action = "list", {"button": draft.button, "sections": _sections(draft.sections)}
    else:
        replies = [{"type": "reply", "reply": {"id": each.id, "title": each.title}} for each in draft.buttons]
        kind, action = "button", {"buttons": replies}
    return {"type": kind, **header, "body": {"text": draft.text}, **footer, "action": action}


def _sections(sections: Sequence[words.Section]) -> list[dict[str, Any]]:
    """Several sections need a title each (OpenAPI), so without them they are one."""
    filled = [section for section in sections if section.rows]
    if len(filled) > 1 and not all(section.title.strip() for section in filled):
        filled = [words.Section(tuple(row for section in filled for row in section.rows))]
    return [_titled(section) | {"rows": [_row(row) for row in section.rows]} for section in filled]


def _titled(section: words.Section) -> dict[str, Any]:
    return {"title": section.title} if section.title.strip() else {}


def _row(row: words.Row) -> dict[str, str]:
    description = {"description": row.description} if row.description.strip() else {}
    return {"id": row.id, "title": row.title, **description}


def _template(template: words.TemplateUse) -> dict[str, Any]:
    """Variables by number are the body's in their order, others by their name (`parameter_name`)."""
    values = sorted(template.variables.items(), key=lambda item: _position(item[0]))
    parameters = [
        {"type": "text", **({} if name.isdecimal() else {"parameter_name": name}), "text": _one_line(value)}
        for name, value in values
    ]
    body = {"components": [{"type": "body", "parameters": parameters}]} if parameters else {}
    return {"name": template.name, "language": {"code": template.language or LANGUAGE}, **body}


def _position(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (limits.VARIABLES, name)


def _one_line(text: str) -> str:
    """A parameter as WhatsApp takes it: no tabs, never more than four spaces in a row."""
    return re.sub(r" {5,}", "    ", re.sub(r"[\t\r\n]", " ", text))


def _failure(answer: http.Answer) -> errors.ProviderFailure:
    told = _object(answer).get("error")
    error = told if isinstance(told, dict) else {}
    code = word(error, "code")[:40]
    code = meta_codes.SUBCODES.get((code, word(error, "error_subcode")), code)
    failure = answers.failure(answer, code, meta_webhooks.wording(error), meta_codes.VERDICTS)
    if isinstance(failure, errors.Throttled):
        failure.retry_after = failure.retry_after or meta_codes.suggested_wait(code)
    return failure


def _object(answer: http.Answer) -> dict[str, Any]:
    said = answer.json()
    return said if isinstance(said, dict) else {}
