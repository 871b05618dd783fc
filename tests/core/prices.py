"""A rate card in one line a rate, messages that cost something, and days as a provider tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.core.conftest import Stage
from tests.core.test_metering import goes_out, tenant
from wabot import words
from wabot.core import cards
from wabot.store import db, templates
from wabot.store.messages import Message
from wabot.store.usage import DailyUsage, Source

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
REGULAR: dict[str, Any] = {"pricing_type": "regular", "billable": True}
WINDOW: dict[str, Any] = {"pricing_type": "free_customer_service", "billable": False}
ENTRY_POINT: dict[str, Any] = {"pricing_type": "free_entry_point", "billable": False}


def load(*lines: str, now: datetime = NOON) -> None:
    """A card with these rates."""
    cards.keep("\n".join([",".join(cards.COLUMNS), *lines]), "card.csv", now)


def delivers(stage: Stage, at: datetime = NOON, number: int = 1, **values: Any) -> list[Message]:
    """So many messages to a customer were accepted and delivered at this moment."""
    values = {"delivered_at": at + timedelta(seconds=1), **values}
    return [goes_out(stage, at, **values) for _ in range(number)]


def template(stage: Stage, category: str) -> dict[str, Any]:
    """What makes a message one of a template of this category."""
    kept = words.Template(f"of_{category}", "en", f"tpl-{category}", category=category)
    row = db.write(lambda: templates.keep(tenant().id, stage.channel.id, kept, "set", NOON))
    return {"kind": words.Kind.TEMPLATE, "template_id": row.id}


def provider_tells(stage: Stage, day: str, begins: datetime, hours: int = 24, **values: Any) -> DailyUsage:
    """The provider told this of one of its own days."""
    values = {"source": Source.PROVIDER, "computed_at": NOON, "tenant_id": tenant().id, **values}
    bounds = {"begins_at": begins, "ends_at": begins + timedelta(hours=hours)}
    return db.write(lambda: DailyUsage.add(channel_id=stage.channel.id, day=day, **bounds, **values))
