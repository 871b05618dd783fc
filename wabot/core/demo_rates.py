"""An example of a rate card, for the demo and to begin one's own with. Every price in it is invented."""

from datetime import datetime

from wabot.core import cards
from wabot.store import rates

NAME = "example-rates.csv (invented prices)"
EXAMPLE = """\
# An example of a rate card. Every price is invented: none is a provider's. Replace them by those of your own contract.
# From 1 October 2026 on messages that are no templates cost something too, after the free ones of a number and month.
category,country,from,currency,price,free_per_number_month
marketing,*,2026-01-01,USD,0.05,0
marketing_lite,*,2026-01-01,USD,0.045,0
utility,*,2026-01-01,USD,0.01,0
authentication,*,2026-01-01,USD,0.012,0
authentication_international,*,2026-01-01,USD,0.08,0
referral_conversion,*,2026-01-01,USD,0,0
service,*,2026-01-01,USD,0,0
service,*,2026-10-01,USD,0.01,1000
marketing,SA,2026-01-01,SAR,0.15,0
utility,SA,2026-01-01,SAR,0.04,0
authentication,SA,2026-01-01,SAR,0.04,0
service,SA,2026-01-01,SAR,0,0
service,SA,2026-10-01,SAR,0.04,1000
marketing,GB,2026-01-01,GBP,0.04,0
utility,GB,2026-01-01,GBP,0.015,0
authentication,GB,2026-01-01,GBP,0.015,0
service,GB,2026-01-01,GBP,0,0
service,GB,2026-10-01,GBP,0.015,1000
"""


def ensure(now: datetime) -> None:
    """Load the example where there is no card yet."""
    if not rates.currencies():
        cards.keep(EXAMPLE, NAME, now)
