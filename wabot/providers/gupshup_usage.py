"""What Gupshup says that a channel's app did and cost, day by day.

Source: https://partner-docs.gupshup.io/reference/get_partner-app-appid-usage (as of November 2026; facts §3.1, §3.2).
Fees are JSON numbers, and some rows' numbers are texts. `totalFees` is WhatsApp's and Gupshup's fees, before what
`discount` gives back; `cumulativeBill` is the month until that day, so it is not read. The four counts of what went out
have nothing in common. No page says in which zone its days are: they are taken for days of UTC.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from wabot import errors
from wabot.config import Settings
from wabot.providers import figures, gupshup_api
from wabot.providers.base import Account
from wabot.providers.bodies import word
from wabot.providers.metered import Pace, UsageAsked, UsageDay

LIST = "partnerAppUsageList"
BILLED: Mapping[str, str] = {
    "authentication": "authentication",
    "internationalAuthentication": "authentication_international",
    "marketing": "marketing",
    "utility": "utility",
    "service": "service",
    "bic": "bic",
    "uic": "uic",
}
"""Its counts by what is billed, and their categories; the last two are of conversations until June 2023."""
FREE = ("ftc", "fep")
"""Within the free tier, and after a free entry point."""
OUT = ("outgoingMsg", "templateMsg")
OUT_WITH_A_FILE = (("outgoingMediaMsg", "outgoingMediaMsgSKU"), ("templateMediaMsg", "templateMediaMsgSKU"))
"""Each by its name of today and its name in older rows."""


def pace(settings: Settings) -> Pace:
    """10 a second for all of a partner (facts §3.1)."""
    return Pace(f"gupshup:{settings.gupshup_partner_api}", 10, 1.0)


def usage(account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
    """See `base.Provider.usage`. Raises Conflict where several channels have one app: its figures are nobody's."""
    app_id, _ = figures.credentials(account, "app_id", "app_token")
    if asked.shared:
        raise errors.Conflict("several channels have this app_id, and Gupshup tells usage by app: it is nobody's")
    query = urlencode({"from": asked.first.isoformat(), "to": asked.last.isoformat()})
    url = f"{gupshup_api.of_app(account, settings)}/usage?{query}"
    answer = figures.ask(url, asked, headers=gupshup_api.token(account))
    if answer.status != 200 or gupshup_api.told(answer).get("status", "success") != "success":
        with figures.nothing_sent():
            raise gupshup_api.failure(answer)
    return figures.ended(figures.read(answer, lambda said: days(said, app_id)), asked)


def days(said: Mapping[str, Any], app_id: str) -> list[UsageDay]:
    """The days of an answer that are this app's. Raises Unreadable."""
    if not isinstance(said.get(LIST), list):
        raise errors.Unreadable(f"{LIST} is not a list")
    rows = figures.objects(said, LIST)
    return figures.plausible(_day(row) for row in rows if word(row, "appId") in ("", app_id))


def _day(row: Mapping[str, Any]) -> UsageDay:
    day = figures.day(row.get("date"))
    begins_at = figures.midnight(day)
    billed = {name: figures.count(row.get(told)) for told, name in BILLED.items()}
    free = {name: figures.count(row.get(name)) for name in FREE}
    in_conversations = day < figures.MESSAGES_BILLED_FROM
    return UsageDay(
        day,
        begins_at,
        begins_at + figures.ONE_DAY,
        categories=figures.categories((billed | free).items()),
        conversations=sum((*billed.values(), *free.values())) if in_conversations else 0,
        messages_in=figures.count(row.get("incomingMsg")),
        messages_out=_messages_out(row),
        billable=sum(billed.values()),
        cost_micros=figures.cost([(1, figures.money(row.get("totalFees")))]),
        currency=figures.currency(row.get("currency")),
    )


def _messages_out(row: Mapping[str, Any]) -> int:
    with_a_file = (next((row[name] for name in names if row.get(name) is not None), None) for names in OUT_WITH_A_FILE)
    return sum(figures.count(told) for told in (*(row.get(name) for name in OUT), *with_a_file))
