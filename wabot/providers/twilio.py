"""Twilio's WhatsApp: the adapter. Its webhooks are read in `twilio_webhooks`, its contents built in
`twilio_content`, its error codes judged in `twilio_codes`.

Sources: twilio-oai `twilio_api_v2010.json` and `twilio_content_v1.json`, and
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides, as of November 2026
(facts/providers §1.5, §1.6, §1.9).
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from wabot import clock, errors, http, words
from wabot.config import Settings
from wabot.providers import answers, bodies, limits, twilio_codes, twilio_content, twilio_webhooks
from wabot.providers.base import Accepted, Account, Address, Answer, Arrived, Structures

log = logging.getLogger(__name__)

BODY = 1600
RETRIES = "#rc=5&rp=ct,rt,5xx"
"""Twilio repeats a webhook once, and only after a failed connect, unless its URL's fragment asks for more."""
STATUS_PATH = "/whatsapp/status"
PAGES = 100
PAGE_SIZE = 50
"""Messages a page: with long Arabic texts more would not fit into the megabyte that `http` reads."""

_CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")
_CONTENT_KINDS = (words.Kind.BUTTONS, words.Kind.LIST)


class Twilio:
    """See `base.Provider`."""

    name = "twilio"
    required: tuple[str, ...] = ("account_sid", "auth_token")
    optional: tuple[str, ...] = ("messaging_service_sid",)
    generated: tuple[str, ...] = ()
    echoes_reference = True
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
        limits.check(draft, text=BODY)
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
        settings: Settings,
    ) -> Accepted:
        api = _Api.within(settings.wabot_send_timeout, account, settings)
        fields = _addressing(account, recipient, reference, settings)
        if draft.kind in _CONTENT_KINDS:
            return _send_content(api, fields, draft, structures)
        if draft.kind is words.Kind.TEMPLATE:
            return api.send(fields | _template(draft, settings))
        return api.send(fields | {"Body": bodies.clean(draft.text)})

    def probe(self, account: Account, settings: Settings) -> None:
        api = _Api.within(settings.wabot_send_timeout, account, settings)
        answer = api.call("GET", f"{_account_url(account, settings)}.json")
        said = _object(answer)
        if answer.status != 200:
            raise _failure(answer)
        if said.get("status", "active") != "active":
            raise errors.CredentialsRefused("account_not_active", f"the account is {said['status']}", answer.raw)

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return twilio_codes.classify(code, message, otherwise=errors.TemporaryFailure)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:
        found = [message for page in _pages(account, since, settings) for message in page if _is_wanted(message, since)]
        for message in reversed(found):
            yield _as_webhook(message)


@dataclass(frozen=True, slots=True)
class _Api:
    """Twilio's REST API for one account; all calls together end at `ends_at` (monotonic)."""

    account: Account
    settings: Settings
    seconds: float
    ends_at: float

    @classmethod
    def within(cls, seconds: float, account: Account, settings: Settings) -> "_Api":
        return cls(account, settings, seconds, clock.monotonic() + seconds)

    def call(self, method: str, url: str, *, seconds: float | None = None, **body: Any) -> http.Answer:
        left = self.ends_at - clock.monotonic()
        credentials = self.account.credentials
        return http.request(
            method,
            url,
            deadline_seconds=min(left, seconds or left),
            auth=(credentials["account_sid"], credentials["auth_token"]),
            **body,
        )

    def send(self, fields: Mapping[str, str]) -> Accepted:
        answer = self.call("POST", f"{_account_url(self.account, self.settings)}/Messages.json", form=fields)
        sid = _object(answer).get("sid")
        if 200 <= answer.status < 300 and isinstance(sid, str) and sid:
            return Accepted(sid, answer.raw)
        raise _failure(answer)

    def create(self, content: twilio_content.Content, key: str) -> str:
        """A new content's id. Nothing was sent, whatever happens here: no outcome is unknown."""
        url = f"{self.settings.twilio_content_api}/v1/Content"
        try:
            answer = self.call("POST", url, seconds=self.seconds / 2, json=content.creation(key))
            sid = _object(answer).get("sid")
            if 200 <= answer.status < 300 and isinstance(sid, str) and sid:
                return sid
            raise _failure(answer)
        except errors.UnknownOutcome as failure:
            raise errors.TemporaryFailure(failure.code, failure.message, failure.raw) from failure


def _account_url(account: Account, settings: Settings) -> str:
    sid = quote(account.credentials["account_sid"], safe="")
    return f"{settings.twilio_api_base}/2010-04-01/Accounts/{sid}"


def _addressing(account: Account, recipient: str, reference: str, settings: Settings) -> dict[str, str]:
    service = account.credentials.get("messaging_service_sid")
    sender = {"MessagingServiceSid": service} if service else {"From": f"whatsapp:{account.number}"}
    callback = f"{settings.wabot_public_url}{STATUS_PATH}?m={quote(reference, safe='')}"
    return {"To": f"whatsapp:{recipient}", **sender, "StatusCallback": callback}


def _template(draft: words.Draft, settings: Settings) -> dict[str, str]:
    template = draft.template or words.TemplateUse("")
    known = template.name if _CONTENT_SID.fullmatch(template.name) else settings.content_sids.get(template.name.lower())
    if not known:
        raise errors.PermanentFailure("template_unknown", f"CONTENT_SID_{template.name.upper()} is not set")
    variables = {"ContentVariables": twilio_content.values(template.variables)} if template.variables else {}
    return {"ContentSid": known, **variables}


def _send_content(api: _Api, fields: Mapping[str, str], draft: words.Draft, structures: Structures) -> Accepted:
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
        raise errors.TemporaryFailure(failure.code, "the content is gone; it is created anew", failure.raw) from failure


def _failure(answer: http.Answer) -> errors.ProviderFailure:
    code, message = _problem(_object(answer))
    failure = answers.failure(answer, code, message, twilio_codes.VERDICTS)
    failure.retry_after = failure.retry_after or twilio_codes.suggested_wait(code)
    return failure


def _problem(said: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of an error in either of Twilio's two shapes: its own, and RFC 9457's."""
    code = said.get("code")
    message = said.get("message") or said.get("detail") or said.get("title") or ""
    known = isinstance(code, str | int) and not isinstance(code, bool)
    return (str(code)[:40] if known else ""), str(message)


def _object(answer: http.Answer) -> dict[str, Any]:
    said = answer.json()
    return said if isinstance(said, dict) else {}


def _pages(account: Account, since: datetime, settings: Settings) -> Iterator[list[Any]]:
    """The pages of messages to our number, newest first. Raises ProviderFailure."""
    after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = urlencode({"To": f"whatsapp:{account.number}", "DateSent>": after, "PageSize": PAGE_SIZE})
    url = f"{_account_url(account, settings)}/Messages.json?{query}"
    for _ in range(PAGES):
        answer = _Api.within(settings.wabot_send_timeout, account, settings).call("GET", url)
        if answer.status != 200:
            raise _failure(answer)
        page = _object(answer)
        messages = page.get("messages")
        yield messages if isinstance(messages, list) else []
        if not page.get("next_page_uri"):
            return
        url = _next_page(str(page["next_page_uri"]), settings)
    log.warning("recovery ended after %d pages; what is older was not listed", PAGES)


def _next_page(uri: str, settings: Settings) -> str:
    """The next page's address, on the configured host and nowhere else: it gets our credentials."""
    base = settings.twilio_api_base
    if uri.startswith("/") and not uri.startswith("//"):
        return base + uri
    if uri.startswith(base + "/"):
        return uri
    raise errors.PermanentFailure("unexpected_redirect", "the next page is on another host")


def _is_wanted(message: Any, since: datetime) -> bool:
    if not isinstance(message, dict) or message.get("direction") != "inbound" or not message.get("sid"):
        return False
    moment = twilio_webhooks.moment(_sent_at(message))
    return moment is None or moment >= since.astimezone(UTC).replace(microsecond=0)


def _sent_at(message: Mapping[str, Any]) -> str:
    return str(message.get("date_sent") or message.get("date_created") or "")


def _as_webhook(message: Mapping[str, Any]) -> Arrived:
    fields = {
        "MessageSid": message["sid"],
        "SmsMessageSid": message["sid"],
        "SmsSid": message["sid"],
        "AccountSid": message.get("account_sid"),
        "MessagingServiceSid": message.get("messaging_service_sid"),
        "From": message.get("from"),
        "To": message.get("to"),
        "Body": message.get("body"),
        "NumMedia": message.get("num_media"),
        "NumSegments": message.get("num_segments"),
        "SmsStatus": "received",
        "ApiVersion": message.get("api_version"),
        twilio_webhooks.SENT_AT: _sent_at(message),
    }
    body = urlencode({name: str(value) for name, value in fields.items() if value}, errors="replace")
    return Arrived("POST", "/whatsapp/webhook", {"content-type": twilio_webhooks.FORM}, body.encode())
