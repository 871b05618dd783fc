"""Asking Twilio for a message of which we do not know whether it was sent: its list of messages has no place for our
own reference, so a message is found by whom it is to, when it was made, and what it says.

Source: twilio-oai `twilio_api_v2010.json` (ListMessage), as of November 2026 (facts/providers §1.6).
"""

import json
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Any

from wabot import words
from wabot.config import Settings
from wabot.providers import twilio_content, twilio_recovery, twilio_webhooks
from wabot.providers.base import Accepted, Account

CLOCKS_DIFFER = timedelta(seconds=60)
RAW_BYTES_KEPT = 2048


def find(
    account: Account, recipient: str, draft: words.Draft, since: datetime, known: Set[str], settings: Settings
) -> Accepted | None:
    """The one message that it must be; None when there is none, or more than one that it could be."""
    earliest = since - CLOCKS_DIFFER
    query = {"To": f"whatsapp:{recipient}"}
    if not account.credentials.get("messaging_service_sid"):
        query["From"] = f"whatsapp:{account.number}"
    found = [
        message
        for page in twilio_recovery.pages(account, query, earliest, settings)
        for message in page
        if _could_be(message, earliest, known) and _is_to(message, query) and _says(message, draft)
    ]
    if len(found) != 1:
        return None
    raw = json.dumps(found[0], ensure_ascii=False).encode("utf-8", "replace")[:RAW_BYTES_KEPT]
    return Accepted(str(found[0]["sid"]), raw)


def _could_be(message: Any, earliest: datetime, known: Set[str]) -> bool:
    if not isinstance(message, dict) or not message.get("sid") or message["sid"] in known:
        return False
    if not str(message.get("direction", "")).startswith("outbound"):
        return False
    made = twilio_webhooks.moment(str(message.get("date_created") or ""))
    return made is not None and made >= earliest.replace(microsecond=0)


def _is_to(message: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """As it was asked for: what a list was to leave out may be in it all the same."""
    return all(message.get(name.lower(), asked) == asked for name, asked in query.items())


def _says(message: Mapping[str, Any], draft: words.Draft) -> bool:
    """Whether its text is ours, where both are known: a template's may not be, and a file may have none."""
    said = _plain(str(message.get("body") or ""))
    ours = _plain(twilio_content.whole_text(draft) if draft.buttons or draft.sections else draft.text)
    return not said or not ours or said == ours


def _plain(text: str) -> str:
    return " ".join(text.split())
