"""What the sandbox says that a channel did and cost, as `sandbox` specifies it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from wabot import errors
from wabot.providers import figures, sandbox_api
from wabot.providers.base import Account
from wabot.providers.metered import Pace, UsageAsked, UsageDay


def pace(account: Account) -> Pace:
    """It has no limit of its own: this one is ours."""
    return Pace(f"sandbox:{account.credentials['api_base']}", 20, 1.0)


def usage(account: Account, asked: UsageAsked) -> Sequence[UsageDay]:
    """See `base.Provider.usage`."""
    figures.credentials(account, "secret")
    query = urlencode({"from": asked.first.isoformat(), "to": asked.last.isoformat()})
    headers = {**sandbox_api.bearer(account), "X-Sandbox-Number": account.number}
    answer = figures.ask(sandbox_api.address(account, f"usage?{query}"), asked, headers=headers)
    if answer.status != 200:
        with figures.nothing_sent():
            raise sandbox_api.failure(answer)
    return figures.ended(figures.read(answer, days), asked)


def days(said: Mapping[str, Any]) -> list[UsageDay]:
    """The days of an answer. Raises Unreadable."""
    if not isinstance(said.get("days"), list):
        raise errors.Unreadable("days is not a list")
    return figures.plausible(_day(row) for row in figures.objects(said, "days"))


def _day(row: Mapping[str, Any]) -> UsageDay:
    day = figures.day(row.get("date"))
    begins_at = figures.midnight(day)
    told = row.get("categories") or {}
    if not isinstance(told, dict):
        raise errors.Unreadable("categories is not an object")
    return UsageDay(
        day,
        begins_at,
        begins_at + figures.ONE_DAY,
        categories=figures.categories(told.items()),
        conversations=figures.count(row.get("conversations")),
        messages_in=figures.count(row.get("messagesIn")),
        messages_out=figures.count(row.get("messagesOut")),
        delivered=figures.count(row.get("delivered")),
        billable=figures.count(row.get("billable")),
        cost_micros=figures.cost([(1, figures.money(row.get("cost")))]),
        currency=figures.currency(row.get("currency")),
    )
