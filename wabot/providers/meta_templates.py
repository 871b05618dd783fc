"""The templates of a WhatsApp business account as Meta lists them. A template is sent by its name and language.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management/
(2026-05-21).
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from wabot import errors, http, words
from wabot.config import Settings
from wabot.providers import bodies, meta_graph
from wabot.providers.base import Account
from wabot.providers.bodies import word

PAGES = 100
PAGE_SIZE = 100
FIELDS = "name,language,status,category,components"


def listed(account: Account, settings: Settings) -> Iterator[words.Template]:
    """Every template of the channel's account. Raises ProviderFailure, and Conflict where the account is not known."""
    waba_id = account.credentials.get("waba_id", "")
    if not waba_id:
        raise errors.Conflict("the channel's waba_id is not set: its templates cannot be listed")
    after = ""
    for _ in range(PAGES):
        query = urlencode({"fields": FIELDS, "limit": PAGE_SIZE, **({"after": after} if after else {})})
        answer = http.request(
            "GET",
            f"{settings.meta_graph_api}/{quote(waba_id, safe='')}/message_templates?{query}",
            deadline_seconds=settings.wabot_send_timeout,
            headers=meta_graph.bearer(account),
        )
        page = meta_graph.told(answer)
        rows = page.get("data")
        if answer.status != 200 or not isinstance(rows, list):
            raise meta_graph.failure(answer)
        yield from (_template(row) for row in rows if isinstance(row, dict) and word(row, "name"))
        after = _next(page.get("paging"))
        if not after:
            return


def _next(paging: Any) -> str:
    """The cursor of the next page; that its address is given says only that there is one."""
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    return word(cursors, "after") if isinstance(cursors, dict) else ""


def _template(row: Mapping[str, Any]) -> words.Template:
    """How many variables it takes is told where only its body has places: others are not the body's."""
    listed_parts = row.get("components")
    parts = [part for part in listed_parts if isinstance(part, dict)] if isinstance(listed_parts, list) else []
    body = next((word(part, "text") for part in parts if word(part, "type").upper() == "BODY"), "")
    others = [part for part in parts if word(part, "type").upper() != "BODY"]
    params = 0 if bodies.places(str(others)) else len(bodies.places(body))
    return words.Template(
        word(row, "name"),
        word(row, "language"),
        word(row, "name"),
        category=word(row, "category"),
        status=word(row, "status"),
        body=body,
        params=params,
    )
