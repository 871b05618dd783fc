"""How much is let through: the inbound buckets of tenants and of their customers."""

from datetime import datetime, timedelta

from wabot import config
from wabot.store import buckets
from wabot.store.tenants import Tenant

STALE_AFTER = timedelta(hours=1)
"""The oldest customer's message, by event time, that the bot still answers."""


def customer_rate(tenant: Tenant) -> buckets.Rate:
    """How many messages of one customer are answered a minute."""
    return buckets.Rate(tenant.in_per_customer or config.settings().customer_rate_limit)


def admit_customer(tenant: Tenant, customer_id: int, now: datetime) -> datetime | None:
    """Inside a write: from when this customer's next message may be answered; None when that is too
    far away for an answer to make sense."""
    return buckets.reserve(f"in:{tenant.id}:{customer_id}", customer_rate(tenant), now, STALE_AFTER)


def admit_tenant(tenant: Tenant, now: datetime) -> datetime | None:
    """Inside a write: from when the tenant's next message may be answered; only for messages that
    their customer's bucket has let through, so that one customer cannot use up a tenant's share."""
    settings = config.settings()
    rate = (
        buckets.Rate(tenant.in_per_minute)
        if tenant.in_per_minute
        else buckets.Rate(settings.rate_limit_max_requests, settings.rate_limit_window_ms)
    )
    return buckets.reserve(f"in:{tenant.id}", rate, now, STALE_AFTER)
