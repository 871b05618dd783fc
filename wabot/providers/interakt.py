"""Interakt's WhatsApp: the adapter for its public API. Its webhooks are read in `interakt_webhooks`; the codes of
its failures are Meta's.

Sources, as of November 2026: the public Postman collection
https://documenter.getpostman.com/view/14760594/2sA2r7zibM (sends, rate limits) and, for what no page of Interakt's
says, what integrations send and got (facts/providers §4.1): session messages (`Text`, `Image` …) work on some plans
only, and the list of templates is the one call that sends nothing and wants the key. Buttons and lists are not
documented: they go as numbered text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from wabot import errors, http, words
from wabot.config import Settings
from wabot.providers import answers, bodies, interakt_usage, interakt_webhooks, limits, media, meta_codes, plain
from wabot.providers.base import (
    MAX_MEDIA_BYTES,
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
from wabot.providers.bodies import word
from wabot.providers.metered import Pace, UsageAsked, UsageDay

LANGUAGE = "ar"
"""A template's where the draft names none (CONTRACT §3)."""
FILES_AT = (
    "https://interaktprodmediastorage.blob.core.windows.net/",
    "https://interaktstorage.blob.core.windows.net/",
)
"""Where customers' files are, today and in links of 2019. No page says so: public code with such links does."""
TEMPLATES = "/track/organization/templates?autosubmitted_for=all&approval_status=APPROVED&language=all&offset="
PAGES = 100
"""A page has about 100 templates; accounts with more than 800 were seen."""

_EXPIRED = (403, 404, 410)
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_NUMBER = re.compile(r"\+?([0-9]{4,20})")
_FILES: Mapping[str, str] = {
    words.MediaType.IMAGE: "Image",
    words.MediaType.VIDEO: "Video",
    words.MediaType.AUDIO: "Audio",
    words.MediaType.DOCUMENT: "Document",
}


class Interakt(Lacking):
    """See `base.Provider`."""

    name = "interakt"
    required: tuple[str, ...] = ("api_key",)
    optional: tuple[str, ...] = ("waba_id", "access_token", "webhook_secret")
    generated: tuple[str, ...] = ()
    echoes_reference = True
    webhook_budget_seconds = 2.5
    answer = Answer()

    def account(self, number: str, credentials: Mapping[str, str], settings: Settings) -> Account:
        """The settings' token stands in for the analytics; a key with a space around it would not be known."""
        given = {name: value.strip() for name, value in credentials.items() if value.strip()}
        return Account(number, {"api_key": "", "access_token": settings.secret("interakt_token"), **given})

    def default_account(self, settings: Settings) -> Account | None:  # noqa: ARG002
        return None

    def urls(self, public_url: str, key: str) -> tuple[str, str]:
        return f"{public_url}/webhooks/{key}", f"{public_url}/webhooks/{key}"

    def recognises(self, arrived: Arrived) -> bool:  # noqa: ARG002
        """Never: its webhooks do not say which number they are for, so each channel has its own address."""
        return False

    def route(self, account: Account) -> str:
        return account.number

    def group(self, account: Account) -> str:
        return account.credentials.get("waba_id", "")

    def addresses(self, arrived: Arrived) -> Sequence[Address]:  # noqa: ARG002
        return ()

    def challenge(self, arrived: Arrived, account: Account) -> Answer | None:  # noqa: ARG002
        return None

    def must_verify(self, settings: Settings) -> bool:  # noqa: ARG002
        return True

    def verify(self, arrived: Arrived, account: Account, public_url: str) -> bool:  # noqa: ARG002
        return interakt_webhooks.verify(arrived, account, self.required)

    def parse(self, arrived: Arrived) -> Sequence[words.Item]:
        return interakt_webhooks.parse(arrived)

    def check(self, draft: words.Draft) -> None:
        """What WhatsApp could show, and then what the numbered text may be."""
        limits.check(draft)
        sent = plain.as_text(draft) if _goes_as_text(draft) else draft
        if sent.kind is words.Kind.TEXT:
            limits.within("the text with its options", sent.text, limits.TEXT, may_be_empty=draft.media is not None)

    def send(
        self,
        account: Account,
        recipient: str,
        draft: words.Draft,
        *,
        reference: str,
        structures: Structures,  # noqa: ARG002
        files: Files,
        settings: Settings,
    ) -> Accepted:
        to = _NUMBER.fullmatch(recipient)
        if to is None:
            why = "Interakt sends to numbers only, and this customer has a username instead"
            raise errors.RecipientRefused("invalid_number", why, reason=words.Reason.NUMBER)
        sent = {"fullPhoneNumber": to[1], "callbackData": reference, **_content(draft, files)}
        answer = _call("POST", "/message/", account, settings, json=bodies.tidy(sent))
        said = _object(answer)
        message_id = said.get("id")
        took = 200 <= answer.status < 300 and said.get("result") is not False
        if took and isinstance(message_id, str) and message_id:
            return Accepted(message_id, answer.raw)
        raise _failure(answer)

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:  # noqa: ARG002
        """Files are at public addresses that expire: no credentials go there."""
        answer = media.Download().get(attachment.reference, media.origin(settings.interakt_send_api), *FILES_AT)
        if answer.status in _EXPIRED:
            raise media.failure(errors.PermanentFailure, "media_gone", "the file's address is no longer good")
        return media.fetched(answer, attachment)

    def template_id(self, account: Account, name: str, settings: Settings) -> str:  # noqa: ARG002
        """Interakt knows templates by their name."""
        return name

    def templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        offset = 0
        for _ in range(PAGES):
            said = _listed(account, offset, settings)
            results = said.get("results")
            found = results.get("templates") if isinstance(results, dict) else None
            rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
            yield from (_described(row) for row in rows if word(row, "name"))
            offset += len(rows)
            if not rows or said.get("has_next") is not True:
                return

    def usage_pace(self, account: Account, settings: Settings) -> Pace:  # noqa: ARG002
        return interakt_usage.pace(account)

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
        return interakt_usage.usage(account, asked, settings)

    def probe(self, account: Account, settings: Settings) -> None:
        _listed(account, 0, settings)

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        return answers.told(meta_codes.MEANINGS, code, message)

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:  # noqa: ARG002
        raise errors.Conflict("Interakt keeps no history that can be asked for, and repeats no webhook")


def _call(method: str, path: str, account: Account, settings: Settings, **more: Any) -> http.Answer:
    """The key goes as it was given: it is base64 already."""
    return http.request(
        method,
        settings.interakt_send_api + path,
        deadline_seconds=settings.wabot_send_timeout,
        headers={"Authorization": f"Basic {account.credentials['api_key']}"},
        **more,
    )


def _listed(account: Account, offset: int, settings: Settings) -> Mapping[str, Any]:
    answer = _call("GET", f"{TEMPLATES}{offset}", account, settings, most_bytes=MAX_MEDIA_BYTES)
    said = _object(answer)
    if answer.status != 200 or said.get("result") is False:
        raise _failure(answer)
    return said


def _described(row: Mapping[str, Any]) -> words.Template:
    """Where the header has a place of its own, how many values it takes is not told."""
    name, body = word(row, "name"), word(row, "body")
    params = 0 if _PLACE.search(word(row, "header")) else len(set(_PLACE.findall(body)))
    return words.Template(
        name,
        word(row, "language"),
        name,
        category=word(row, "category"),
        status=word(row, "approval_status"),
        body=body,
        params=params,
    )


def _goes_as_text(draft: words.Draft) -> bool:
    """Kinds that Interakt's API does not have; of files, stickers."""
    if draft.kind is words.Kind.MEDIA and draft.media is not None:
        return draft.media.type not in _FILES
    return draft.kind in (words.Kind.BUTTONS, words.Kind.LIST, words.Kind.LOCATION)


def _content(draft: words.Draft, files: Files) -> dict[str, Any]:
    if draft.kind is words.Kind.TEMPLATE:
        return {"type": "Template", "template": _template(draft.template or words.TemplateUse(""))}
    link = (draft.media.url or files.link(draft.media.media_id)) if draft.media is not None else ""
    if draft.media is None or _goes_as_text(draft):
        sent = plain.as_text(draft, link=link) if _goes_as_text(draft) else draft
        return {"type": "Text", "data": {"message": sent.text}}
    caption = {"message": draft.text} if draft.text.strip() else {}
    named = {"fileName": draft.media.filename} if draft.media.filename else {}
    return {"type": _FILES[draft.media.type], "data": {"mediaUrl": link, **caption, **named}}


def _template(template: words.TemplateUse) -> dict[str, Any]:
    values = list(plain.values(template))
    return {
        "name": template.provider_id or template.name,
        "languageCode": template.language or LANGUAGE,
        **({"bodyValues": values} if values else {}),
    }


def _failure(answer: http.Answer) -> errors.ProviderFailure:
    """Its errors are a sentence and no code, so the status decides."""
    said = _object(answer)
    return answers.failure(answer, "", word(said, "message"), meta_codes.MEANINGS)


def _object(answer: http.Answer) -> dict[str, Any]:
    said = answer.json()
    return said if isinstance(said, dict) else {}
