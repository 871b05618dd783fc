"""Gupshup's WhatsApp: the adapter. What it is sent is built in `gupshup_content`, its webhooks are read in
`gupshup_webhooks` and `gupshup_messages`, its answers in `gupshup_api` and `gupshup_usage`, its error codes judged in
`gupshup_codes`.

Sources, as of November 2026: https://docs.gupshup.io/reference/post_wa-api-v1-msg-1 (sends and their answers),
https://docs.gupshup.io/docs/media and https://partner-docs.gupshup.io/docs/media-management (files),
https://partner-docs.gupshup.io/reference/get_partner-app-appid-health (2025-11-20); facts/providers §3.
Gupshup carries no reference of ours through to its events, so an unknown outcome is never resent; and no page says
how a customer without a number is sent anything, so nothing is.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from wabot import errors, http, words
from wabot.config import Settings
from wabot.providers import (
    answers,
    bodies,
    gupshup_api,
    gupshup_codes,
    gupshup_content,
    gupshup_templates,
    gupshup_usage,
    gupshup_webhooks,
    limits,
    media,
)
from wabot.providers.base import (
    Accepted,
    Account,
    Address,
    Answer,
    Arrived,
    Fetched,
    Files,
    Lacking,
    Structures,
)
from wabot.providers.metered import Pace, UsageAsked, UsageDay

FILES = "https://filemanager.gupshup.io/"
"""Where customers' files are (https://docs.gupshup.io/docs/media)."""
_GONE = (400, 404)
"""Of a file that is no longer kept: asking again counts against a limit (media-management)."""
_NUMBER = re.compile(r"\+?([0-9]{4,20})")
_TOOK = ("submitted", "success")


class Gupshup(Lacking):
    """See `base.Provider`."""

    name = "gupshup"
    required: tuple[str, ...] = ("app_name", "api_key")
    optional: tuple[str, ...] = ("app_id", "app_token", "header_name", "header_value")
    generated: tuple[str, ...] = ()
    echoes_reference = False
    webhook_budget_seconds = 8.0
    answer = Answer()

    def account(self, number: str, credentials: Mapping[str, str], settings: Settings) -> Account:  # noqa: ARG002
        """Keys that were pasted with a space around them are refused by Gupshup as unknown."""
        given = {name: value.strip() for name, value in credentials.items()}
        return Account(number, {"app_name": "", "api_key": "", **given})

    def default_account(self, settings: Settings) -> Account | None:  # noqa: ARG002
        return None

    def urls(self, public_url: str, key: str) -> tuple[str, str]:
        return f"{public_url}/webhooks/{key}", f"{public_url}/webhooks/{key}"

    def recognises(self, arrived: Arrived) -> bool:  # noqa: ARG002
        """Never: an unsigned webhook is only let in by a channel's own address."""
        return False

    def route(self, account: Account) -> str:
        return account.credentials.get("app_name", "")

    def group(self, account: Account) -> str:
        return account.credentials.get("app_id", "")

    def addresses(self, arrived: Arrived) -> Sequence[Address]:  # noqa: ARG002
        return ()

    def challenge(self, arrived: Arrived, account: Account) -> Answer | None:  # noqa: ARG002
        return None

    def must_verify(self, settings: Settings) -> bool:  # noqa: ARG002
        return True

    def verify(self, arrived: Arrived, account: Account, public_url: str) -> bool:  # noqa: ARG002
        return gupshup_webhooks.verify(arrived, account, self.required)

    def parse(self, arrived: Arrived) -> Sequence[words.Item]:
        return gupshup_webhooks.parse(arrived)

    def check(self, draft: words.Draft) -> None:
        limits.check(draft)
        if draft.kind is words.Kind.LIST:
            limits.within("the text with its footer", gupshup_content.body_of(draft), limits.BODY)

    def send(
        self,
        account: Account,
        recipient: str,
        draft: words.Draft,
        *,
        reference: str,  # noqa: ARG002
        structures: Structures,  # noqa: ARG002
        files: Files,
        settings: Settings,
    ) -> Accepted:
        path, fields = _addressed(account, recipient, draft, files)
        answer = http.request(
            "POST",
            settings.gupshup_api + path,
            deadline_seconds=settings.wabot_send_timeout,
            headers=gupshup_api.key(account),
            form=fields,
        )
        said = gupshup_api.told(answer)
        message_id = said.get("messageId")
        took = 200 <= answer.status < 300 and said.get("status", _TOOK[0]) in _TOOK
        if took and isinstance(message_id, str) and message_id:
            return Accepted(message_id, answer.raw)
        raise gupshup_api.failure(answer, draft)

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:  # noqa: ARG002
        """Files are at public addresses that expire: no credentials go there."""
        places = (media.origin(settings.gupshup_api), media.origin(settings.gupshup_partner_api), FILES)
        answer = media.Download().get(attachment.reference, *places)
        if answer.status in _GONE:
            raise media.failure(errors.PermanentFailure, "media_gone", "Gupshup no longer has the file")
        return media.fetched(answer, attachment)

    def template_id(self, account: Account, name: str, settings: Settings) -> str:  # noqa: ARG002
        """A name that is an id is one."""
        return name if gupshup_templates.ID.fullmatch(name) else ""

    def templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        yield from gupshup_templates.read(_listed(account, settings))

    def usage_pace(self, account: Account, settings: Settings) -> Pace:  # noqa: ARG002
        return gupshup_usage.pace(settings)

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
        return gupshup_usage.usage(account, asked, settings)

    def probe(self, account: Account, settings: Settings) -> None:
        """Asks for the app's templates with the API key, and for its health where there is a token for that. Without
        the app's id nobody can be asked."""
        try:
            _listed(account, settings)
        except errors.Conflict as error:
            raise errors.SetupRefused("cannot_be_asked", str(error), reason=words.Reason.SETUP) from error
        if account.credentials.get("app_token"):
            url = f"{gupshup_api.of_app(account, settings)}/health"
            said = gupshup_api.ask(url, gupshup_api.token(account), settings)
            if str(said.get("healthy", "true")).lower() != "true":
                raise errors.SetupRefused("unhealthy", "Gupshup calls the app unhealthy", reason=words.Reason.SETUP)

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return answers.told(gupshup_codes.MEANINGS, code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("Gupshup keeps no history of what customers wrote")


def _listed(account: Account, settings: Settings) -> Mapping[str, Any]:
    """The app's templates, asked for with the API key. Raises ProviderFailure, and Conflict without the app's id."""
    if not gupshup_api.app_id(account):
        raise errors.Conflict("Gupshup can only be asked about an app by its app_id: set it")
    url = f"{settings.gupshup_api}/wa/app/{gupshup_api.app_id(account)}/template"
    return gupshup_api.ask(url, gupshup_api.key(account), settings)


def _addressed(account: Account, recipient: str, draft: words.Draft, files: Files) -> tuple[str, dict[str, str]]:
    """Where a draft is posted, and the form. Raises ProviderFailure."""
    to = _NUMBER.fullmatch(recipient)
    if to is None:
        why = "Gupshup sends to numbers only, and this customer has a username instead"
        raise errors.RecipientRefused("invalid_number", why, reason=words.Reason.NUMBER)
    fields = {
        "channel": "whatsapp",
        "source": account.number.lstrip("+"),
        "destination": to[1],
        "src.name": account.credentials["app_name"],
    }
    if draft.kind is words.Kind.TEMPLATE:
        return "/wa/api/v1/template/msg", fields | {"template": _json(gupshup_content.template(draft))}
    return "/wa/api/v1/msg", fields | {"message": _json(gupshup_content.message(draft, files))}


def _json(value: Any) -> str:
    return json.dumps(bodies.tidy(value), separators=(",", ":"))
