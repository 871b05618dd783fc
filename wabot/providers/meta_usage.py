"""What Meta says that a channel did and cost: the figures of its WhatsApp business account for its own number."""

from collections.abc import Sequence

from wabot.config import Settings
from wabot.providers import figures, graph_usage
from wabot.providers.base import Account
from wabot.providers.metered import Pace, UsageAsked, UsageDay


def pace(account: Account) -> Pace:
    """By what Meta counts its limit: the business account."""
    return graph_usage.pace(account.credentials.get("waba_id", ""))


def usage(account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
    """See `base.Provider.usage`."""
    waba_id, token = figures.credentials(account, "waba_id", "access_token")
    return graph_usage.usage(graph_usage.Waba(settings.meta_graph_api, waba_id, token, account.number), asked)
