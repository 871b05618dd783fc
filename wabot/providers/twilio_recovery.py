"""What customers wrote to a number at Twilio while nobody listened: listed by its API, and brought as the webhooks that
were missed.

Sources: twilio-oai `twilio_api_v2010.json` (Messages and their Media), as of November 2026 (facts/providers §1.6).
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from wabot.config import Settings
from wabot.providers import twilio_api, twilio_webhooks
from wabot.providers.base import Account, Arrived
from wabot.providers.twilio_api import Api

log = logging.getLogger(__name__)

PAGES = 100
PAGE_SIZE = 50
"""Messages a page: with long Arabic texts more would not fit into the megabyte that `http` reads."""


def recover(account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:
    """The messages since then, oldest first, each with the addresses of its files. Raises ProviderFailure."""
    to_us = {"To": f"whatsapp:{account.number}"}
    listed = pages(account, to_us, since, settings)
    found = [message for page in listed for message in page if _is_wanted(message, since)]
    for message in reversed(found):
        yield _as_webhook(message, _files(message, account, settings))


def pages(account: Account, wanted: Mapping[str, str], since: datetime, settings: Settings) -> Iterator[list[Any]]:
    """The pages of the messages since then that are wanted (`To`, `From`), newest first. Raises ProviderFailure."""
    after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = urlencode({**wanted, "DateSent>": after, "PageSize": PAGE_SIZE})
    url = f"{twilio_api.account_url(account, settings)}/Messages.json?{query}"
    for _ in range(PAGES):
        answer = Api.within(settings.wabot_send_timeout, account, settings).call("GET", url)
        if answer.status != 200:
            raise twilio_api.failure(answer)
        page = twilio_api.told(answer)
        messages = page.get("messages")
        yield messages if isinstance(messages, list) else []
        if not page.get("next_page_uri"):
            return
        url = twilio_api.same_host(str(page["next_page_uri"]), settings.twilio_api_base)
    log.warning("recovery ended after %d pages; what is older was not listed", PAGES)


def _is_wanted(message: Any, since: datetime) -> bool:
    if not isinstance(message, dict) or message.get("direction") != "inbound" or not message.get("sid"):
        return False
    moment = twilio_webhooks.moment(_sent_at(message))
    return moment is None or moment >= since.astimezone(UTC).replace(microsecond=0)


def _sent_at(message: Mapping[str, Any]) -> str:
    return str(message.get("date_sent") or message.get("date_created") or "")


def _files(message: Mapping[str, Any], account: Account, settings: Settings) -> dict[str, str]:
    """The fields that name a message's files: the list of messages says only how many there are."""
    if not str(message.get("num_media") or "").strip("0"):
        return {}
    url = f"{twilio_api.account_url(account, settings)}/Messages/{quote(str(message['sid']), safe='')}/Media"
    answer = Api.within(settings.wabot_send_timeout, account, settings).call("GET", f"{url}.json")
    if answer.status not in (200, 404):
        raise twilio_api.failure(answer)
    listed = twilio_api.told(answer).get("media_list")
    files = [each for each in listed if isinstance(each, dict) and each.get("sid")] if isinstance(listed, list) else []
    told = {}
    for n, each in enumerate(files[: twilio_webhooks.MOST_FILES]):
        told[f"MediaUrl{n}"] = f"{url}/{quote(str(each['sid']), safe='')}"
        told[f"MediaContentType{n}"] = str(each.get("content_type") or "")
    return told


def _as_webhook(message: Mapping[str, Any], files: Mapping[str, str]) -> Arrived:
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
        **files,
    }
    body = urlencode({name: str(value) for name, value in fields.items() if value}, errors="replace")
    return Arrived("POST", "/whatsapp/webhook", {"content-type": twilio_webhooks.FORM}, body.encode())
