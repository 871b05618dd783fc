"""What the sandbox tells of usage: counted from the messages that it carried, at simulated prices.
`providers.sandbox` specifies it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from wabot.core import days
from wabot.core.sandbox import REFUSES, Taken, refusal
from wabot.store import sandbox
from wabot.store.sandbox import Day
from wabot.store.tenants import Channel

MOST_DAYS = 100
CURRENCY = "USD"
PRICES: Mapping[str, Decimal] = {"service": Decimal("0.0010"), "utility": Decimal("0.0315")}
"""Of each delivered message, in CURRENCY. Nobody pays them."""


def tell(channel: Channel, first: str, last: str) -> Taken | None:
    """What the channel did on the days from first to last. None means: never answer (`time_out`)."""
    switches = sandbox.switches(channel.id)
    if switches.refuse:
        return REFUSES
    if switches.time_out:
        return None
    try:
        begin, end = days.parse(first), days.parse(last)
    except ValueError:
        return refusal("permanent", "from and to are dates")
    if not 0 <= (end - begin).days < MOST_DAYS:
        return refusal("permanent", f"from and to are at most {MOST_DAYS} days")
    return Taken(200, {"days": [_shape(day) for day in sandbox.days(channel.id, begin, end)]})


def _shape(day: Day) -> dict[str, Any]:
    told = {"service": day.delivered - day.templates, "utility": day.templates}
    return {
        "date": day.day.isoformat(),
        "currency": CURRENCY,
        "cost": str(sum((PRICES[category] * number for category, number in told.items()), Decimal(0))),
        "categories": {category: number for category, number in told.items() if number},
        "conversations": day.customers,
        "messagesIn": day.messages_in,
        "messagesOut": day.messages_out,
        "delivered": day.delivered,
        "billable": day.delivered,
    }
