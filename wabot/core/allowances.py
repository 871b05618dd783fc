"""How many conversations a tenant may have, how many are left, and what a spent allowance stops."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wabot.core import days
from wabot.core.days import Month
from wabot.store import rules, sessions
from wabot.store.customers import Conversation
from wabot.store.tenants import Tenant

DAYS_A_MONTH = 30
"""A month's allowance in days of it, however long the month is."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How many conversations have begun in the tenant's day, and in its month."""

    this_day: int
    this_month: int


def spent(tenant: Tenant, now: datetime) -> Spent:
    """What the tenant has used up by this moment."""
    today = days.of(tenant.timezone, now)
    month = Month.of(today)
    this_day = sessions.opened(tenant.id, *days.bounds(tenant.timezone, today, today))
    return Spent(this_day, sessions.opened(tenant.id, *days.bounds(tenant.timezone, month.first, month.last)))


def shape(tenant: Tenant, so_far: Spent) -> dict[str, Any]:
    """The limits and what is left of them, in CONTRACT §5's words."""
    daily, monthly = tenant.daily_limit, DAYS_A_MONTH * tenant.daily_limit
    return {
        "dailyLimit": daily,
        "dailyRemaining": max(0, daily - so_far.this_day),
        "monthlyLimit": monthly,
        "monthlyRemaining": max(0, monthly - so_far.this_month),
    }


def forbids(conversation: Conversation, now: datetime) -> bool:
    """Whether writing to this customer would begin a conversation for which nothing is left. Who wrote in the last 24
    hours can always be answered, and what is written within a conversation is not counted."""
    tenant, customer_id = conversation.tenant, conversation.customer_id
    if rules.is_window_open(conversation, now) or sessions.is_open(tenant.id, customer_id, now):
        return False
    so_far = spent(tenant, now)
    return so_far.this_day >= tenant.daily_limit or so_far.this_month >= DAYS_A_MONTH * tenant.daily_limit
