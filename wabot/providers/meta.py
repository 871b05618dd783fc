"""Meta's WhatsApp Cloud API: the adapter. Its webhooks are read in `meta_webhooks`, `meta_messages` and
`meta_notices`; what it is sent is built in `meta_content` and carried by `meta_graph`, customers' files are fetched in
`meta_media`, error codes judged in `meta_codes`, usage is asked for in `meta_usage`.

Sources: facebook/openapi `business-messaging-api_v23.0.yaml` (`/{Phone-Number-ID}/messages`) and
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids (2026-06-29), as
of November 2026 (facts/providers §2.7, §2.12).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from wabot import errors, words
from wabot.config import Settings
from wabot.providers import (
    answers,
    limits,
    meta_codes,
    meta_content,
    meta_graph,
    meta_media,
    meta_templates,
    meta_usage,
    meta_webhooks,
)
from wabot.providers.base import Accepted, Account, Address, Answer, Arrived, Fetched, Files, Lacking, Structures
from wabot.providers.meta_graph import Graph
from wabot.providers.metered import Pace, UsageAsked, UsageDay

_NUMBER = re.compile(r"\+?([0-9]{4,20})")
_DEFAULTS = {
    "app_secret": "meta_app_secret",
    "verify_token": "meta_verify_token",
    "access_token": "meta_whatsapp_token",
}


class Meta(Lacking):
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

    def group(self, account: Account) -> str:
        """The WhatsApp business account, by which webhooks about templates and accounts are addressed."""
        return account.credentials.get("waba_id", "")

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
        structures: Structures,
        files: Files,
        settings: Settings,
    ) -> Accepted:
        graph = Graph.within(settings.wabot_send_timeout, account, settings)
        message = {**_addressing(recipient), "biz_opaque_callback_data": reference}
        if draft.media is not None and draft.media.media_id:
            return _send_file(graph, message, draft, draft.media, structures, files)
        return graph.send({**message, **meta_content.of(draft)})

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:
        return meta_media.fetch(account, attachment, settings)

    def templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        return meta_templates.listed(account, settings)

    def usage_pace(self, account: Account, settings: Settings) -> Pace:  # noqa: ARG002
        return meta_usage.pace(account)

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
        return meta_usage.usage(account, asked, settings)

    def probe(self, account: Account, settings: Settings) -> None:
        graph = Graph.within(settings.wabot_send_timeout, account, settings)
        answer = graph.call("GET", "?fields=id,display_phone_number")
        if answer.status != 200 or not meta_graph.told(answer).get("id"):
            raise meta_graph.failure(answer)

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return answers.told(meta_codes.MEANINGS, code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("Meta keeps no history: what it could not deliver it repeats for up to seven days")


def _addressing(recipient: str) -> dict[str, str]:
    """A business-scoped id has a field of its own (facts §2.7)."""
    number = _NUMBER.fullmatch(recipient)
    to = {"to": number[1]} if number else {"recipient": recipient}
    return {"messaging_product": "whatsapp", "recipient_type": "individual", **to}


def _send_file(
    graph: Graph,
    message: Mapping[str, Any],
    draft: words.Draft,
    file: words.Media,
    structures: Structures,
    files: Files,
) -> Accepted:
    """Our file is uploaded once for each number, and again when Meta no longer has it."""
    key = f"media:{graph.account.credentials['phone_number_id']}:{file.media_id}"
    uploaded = structures.obtain(key, lambda: graph.upload(file, files.read(file.media_id)))
    try:
        return graph.send({**message, **meta_content.of(draft, uploaded=uploaded)})
    except errors.ProviderFailure as failure:
        if not meta_graph.is_gone(failure):
            raise
        structures.forget(key)
        raise errors.TemporaryFailure("media_gone", "the file is gone; it is uploaded anew", failure.raw) from failure
