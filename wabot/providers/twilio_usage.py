"""Asking Twilio what a channel did and cost: by the account's usage records where the account is the channel's own,
else by the channel's own messages, one by one. What it answers is read by `twilio_figures`.

Sources: twilio-oai `twilio_api_v2010.json` (ListUsageRecordDaily, ListMessage), as of November 2026 (facts §1.10): days
are GMT's, and records have what sub-accounts used in them unless that is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from wabot import errors
from wabot.config import Settings
from wabot.providers import figures, twilio_api, twilio_figures
from wabot.providers.base import Account
from wabot.providers.metered import Pace, UsageAsked, UsageDay

PAGES = 200
PAGE_SIZE = 1000
"""Of messages, too: the longest texts in Arabic make 10 MB of them, which `figures` reads."""


def pace(account: Account) -> Pace:
    """No page names a limit for lists: this one leaves the account's sends alone."""
    return Pace(f"twilio:{account.credentials['account_sid']}", 20, 1.0)


def usage(account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
    """See `base.Provider.usage`. Of a shared account the cost is the messages' own prices: WhatsApp's fees, where they
    are not in these, are told for the whole account only."""
    figures.credentials(account, "account_sid", "auth_token")
    told = _by_messages(account, asked, settings) if asked.shared else _by_records(account, asked, settings)
    return figures.ended(told, asked)


def _by_records(account: Account, asked: UsageAsked, settings: Settings) -> list[UsageDay]:
    between = {"StartDate": asked.first.isoformat(), "EndDate": asked.last.isoformat()}
    query = {**between, "IncludeSubaccounts": "false"}
    records = _listed(account, "Usage/Records/Daily", "usage_records", query, asked, settings)
    with figures.understood():
        return twilio_figures.days_of_records(records, account.credentials["account_sid"])


def _by_messages(account: Account, asked: UsageAsked, settings: Settings) -> list[UsageDay]:
    ours = f"whatsapp:{account.number}"
    between = {"DateSent>": asked.first.isoformat(), "DateSent<": (asked.last + figures.ONE_DAY).isoformat()}
    messages = (
        message
        for side in ("From", "To")
        for message in _listed(account, "Messages", "messages", {side: ours, **between}, asked, settings)
    )
    with figures.understood():
        return twilio_figures.days_of_messages(messages, ours, asked.is_ours)


def _listed(
    account: Account, path: str, name: str, query: Mapping[str, str], asked: UsageAsked, settings: Settings
) -> Iterator[Mapping[str, Any]]:
    """The objects of all pages of a list. Raises ProviderFailure."""
    credentials = (account.credentials["account_sid"], account.credentials["auth_token"])
    url = f"{twilio_api.account_url(account, settings)}/{path}.json?{urlencode({**query, 'PageSize': PAGE_SIZE})}"
    for _ in range(PAGES):
        answer = figures.ask(url, asked, auth=credentials)
        if answer.status != 200:
            with figures.nothing_sent():
                raise twilio_api.failure(answer)
        page, following = figures.read(answer, lambda said: twilio_figures.page(said, name))
        yield from page
        if not following:
            return
        url = twilio_api.same_host(following, settings.twilio_api_base)
    raise errors.TemporaryFailure("too_many_pages", f"usage has more than {PAGES} pages")
