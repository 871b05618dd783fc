"""Who does not want to be written to: under every name by which the customer was known when they said so, so that a
number that comes back as a new customer is still left alone. A new number of the same person is another name."""

from datetime import datetime

from wabot.store import db

EVERYTHING = 0
"""In place of a channel's id: an opt-out that is not of one channel's marketing alone."""

_STANDS = """
SELECT 1 FROM alias a JOIN opt_out o ON o.tenant_id = a.tenant_id AND o.alias = a.alias
WHERE a.customer_id = ? AND o.marketing_of = ? LIMIT 1
"""


def has_opted_out(customer_id: int) -> bool:
    """Whether nothing at all may be sent to this customer."""
    return db.one(_STANDS, customer_id, EVERYTHING) is not None


def refuses_marketing(customer_id: int, channel_id: int) -> bool:
    """Whether this customer does not want this channel's marketing templates."""
    return db.one(_STANDS, customer_id, channel_id) is not None


def opt_out(tenant_id: int, customer_id: int, source: str, now: datetime, *, marketing_of: int = EVERYTHING) -> None:
    """Inside a write: from now on, under every name that the customer is known by."""
    db.run(
        "INSERT INTO opt_out (tenant_id, alias, marketing_of, source, since) "
        "SELECT tenant_id, alias, ?, ?, ? FROM alias WHERE customer_id = ? AND tenant_id = ? ON CONFLICT DO NOTHING",
        marketing_of,
        source,
        now,
        customer_id,
        tenant_id,
    )


def opt_in(tenant_id: int, customer_id: int, *, marketing_of: int = EVERYTHING) -> bool:
    """Inside a write: the customer wants to be written to again; True if they had opted out."""
    return bool(
        db.run(
            "DELETE FROM opt_out WHERE tenant_id = ? AND marketing_of = ? "
            "AND alias IN (SELECT alias FROM alias WHERE customer_id = ?)",
            tenant_id,
            marketing_of,
            customer_id,
        )
    )
