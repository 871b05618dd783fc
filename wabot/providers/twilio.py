"""Twilio's WhatsApp: the adapter. Its webhooks are read in `twilio_webhooks`, its contents built in
`twilio_content`, files and places in `twilio_media`; all is carried by `twilio_api`. What was missed is found by
`twilio_recovery`, error codes are judged in `twilio_codes`, usage is asked for in `twilio_usage`.

Sources: twilio-oai `twilio_api_v2010.json` and `twilio_content_v1.json`, and
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides, as of November 2026
(facts/providers §1.5, §1.6, §1.9).
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from urllib.parse import quote

from wabot import errors, words
from wabot.config import Settings
from wabot.providers import (
    answers,
    bodies,
    limits,
    twilio_api,
    twilio_asking,
    twilio_codes,
    twilio_content,
    twilio_media,
    twilio_recovery,
    twilio_templates,
    twilio_usage,
    twilio_webhooks,
)
from wabot.providers.base import Accepted, Account, Address, Answer, Arrived, Fetched, Files, Structures
from wabot.providers.metered import Pace, UsageAsked, UsageDay
from wabot.providers.twilio_api import Api

BODY = 1600
RETRIES = "#rc=5&rp=ct,rt,5xx"
"""Twilio repeats a webhook once, and only after a failed connect, unless its URL's fragment asks for more."""
STATUS_PATH = "/whatsapp/status"

_CONTENT_KINDS = (words.Kind.BUTTONS, words.Kind.LIST)


class Twilio:
    """See `base.Provider`."""

    name = "twilio"
    required: tuple[str, ...] = ("account_sid", "auth_token")
    optional: tuple[str, ...] = ("messaging_service_sid",)
    generated: tuple[str, ...] = ()
    echoes_reference = True
    can_be_asked = True
    webhook_budget_seconds = 12.0
    answer = Answer("text/xml", "<Response/>")

    def account(self, number: str, credentials: Mapping[str, str], settings: Settings) -> Account:
        """The master account's credentials stand in; its token only beside its own SID."""
        master = settings.twilio_master_sid
        own = {name: value for name, value in credentials.items() if value}
        sid = own.get("account_sid", master)
        token = own.get("auth_token") or (settings.secret("twilio_master_auth") if sid == master else "")
        return Account(number, {**own, "account_sid": sid, "auth_token": token})

    def default_account(self, settings: Settings) -> Account | None:
        account = self.account("", {}, settings)
        return account if all(account.credentials[name] for name in self.required) else None

    def urls(self, public_url: str, key: str) -> tuple[str, str]:
        return f"{public_url}/webhooks/{key}{RETRIES}", public_url + STATUS_PATH

    def recognises(self, arrived: Arrived) -> bool:
        return "x-twilio-signature" in arrived.headers or twilio_webhooks.is_form(arrived)

    def route(self, account: Account) -> str:
        return account.number

    def group(self, account: Account) -> str:
        return account.credentials["account_sid"]

    def addresses(self, arrived: Arrived) -> Sequence[Address]:
        return [twilio_webhooks.address(arrived)]

    def challenge(self, arrived: Arrived, account: Account) -> Answer | None:  # noqa: ARG002
        return None

    def must_verify(self, settings: Settings) -> bool:
        return settings.twilio_webhook_validate

    def verify(self, arrived: Arrived, account: Account, public_url: str) -> bool:
        return twilio_webhooks.verify(arrived, account, public_url)

    def parse(self, arrived: Arrived) -> Sequence[words.Item]:
        return twilio_webhooks.parse(arrived)

    def check(self, draft: words.Draft) -> None:
        limits.check(draft, text=BODY, files=twilio_media.FILES)
        if draft.kind in _CONTENT_KINDS:
            limits.within("the text with header and footer", twilio_content.whole_text(draft), limits.BODY)
            twilio_content.of(draft)

    def send(
        self,
        account: Account,
        recipient: str,
        draft: words.Draft,
        *,
        reference: str,
        structures: Structures,
        files: Files,
        settings: Settings,
    ) -> Accepted:
        api = Api.within(settings.wabot_send_timeout, account, settings)
        fields = _addressing(account, recipient, reference, settings)
        if draft.kind in _CONTENT_KINDS:
            return _send_content(api, fields, draft, structures)
        if draft.kind is words.Kind.TEMPLATE:
            return api.send(fields | twilio_templates.of(draft.template or words.TemplateUse(""), account, settings))
        if draft.media is not None:
            return api.send(fields | twilio_media.of_file(draft.media, draft.text, files))
        if draft.location is not None:
            return api.send(fields | twilio_media.of_place(draft.location, draft.text))
        return api.send(fields | {"Body": bodies.clean(draft.text)})

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:
        return twilio_media.fetch(account, attachment, settings)

    def template_id(self, account: Account, name: str, settings: Settings) -> str:
        return twilio_templates.sid_of(name, account, settings)

    def templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        return twilio_templates.listed(account, settings)

    def named_templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        return twilio_templates.named(account, settings)

    def find(
        self, account: Account, recipient: str, draft: words.Draft, since: datetime, known: Set[str], settings: Settings
    ) -> Accepted | None:
        return twilio_asking.find(account, recipient, draft, since, known, settings)

    def usage_pace(self, account: Account, settings: Settings) -> Pace:  # noqa: ARG002
        return twilio_usage.pace(account)

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
        return twilio_usage.usage(account, asked, settings)

    def probe(self, account: Account, settings: Settings) -> None:
        api = Api.within(settings.wabot_send_timeout, account, settings)
        answer = api.call("GET", f"{twilio_api.account_url(account, settings)}.json")
        said = twilio_api.told(answer)
        if answer.status != 200:
            raise twilio_api.failure(answer)
        if said.get("status", "active") != "active":
            raise errors.CredentialsRefused("account_not_active", f"the account is {said['status']}", answer.raw)

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return answers.told(twilio_codes.MEANINGS, code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:
        return twilio_recovery.recover(account, since, settings)


def _addressing(account: Account, recipient: str, reference: str, settings: Settings) -> dict[str, str]:
    service = account.credentials.get("messaging_service_sid")
    sender = {"MessagingServiceSid": service} if service else {"From": f"whatsapp:{account.number}"}
    callback = f"{settings.wabot_public_url}{STATUS_PATH}?m={quote(reference, safe='')}"
    return {"To": f"whatsapp:{recipient}", **sender, "StatusCallback": callback}


def _send_content(api: Api, fields: Mapping[str, str], draft: words.Draft, structures: Structures) -> Accepted:
    content = twilio_content.of(draft)
    key = content.key(api.account.credentials["account_sid"])
    sid = structures.obtain(key, lambda: api.create(content, key))
    variables = twilio_content.values(content.variables)
    try:
        return api.send({**fields, "ContentSid": sid, "ContentVariables": variables})
    except errors.ProviderFailure as failure:
        if failure.code not in twilio_codes.CONTENT_GONE:
            raise
        structures.forget(key)
        raise errors.TemporaryFailure(
            "content_gone", "the content is gone; it is created anew", failure.raw
        ) from failure
