"""Reading what Twilio says of usage (`twilio_usage`): records and messages as days. Its numbers are texts.

Source: twilio-oai `twilio_api_v2010.json`, as of November 2026 (facts §1.6, §1.10). No list of categories has
WhatsApp's, so they are known by their descriptions, or their names. Some are the sum of others, whose names are theirs
with `-…` behind: what was used is read from the parts, the cost from the sums. A message's price is negative, and null
until it is known.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from wabot import errors
from wabot.providers import figures, twilio_webhooks
from wabot.providers.bodies import word
from wabot.providers.metered import UsageDay

WHATSAPP = "whatsapp"
UNPRICED = ("failed", "undelivered", "canceled")
"""What may have become of a message that never gets a price."""
ARRIVED = ("delivered", "read")


def page(said: Mapping[str, Any], name: str) -> tuple[list[Mapping[str, Any]], str]:
    """The objects of one page of a list, and where the next page is, if there is one. Raises Unreadable."""
    if not isinstance(said.get(name), list):
        raise errors.Unreadable(f"{name} is not a list")
    return figures.objects(said, name), word(said, "next_page_uri")


@dataclass(frozen=True, slots=True)
class _Line:
    """A record of one category on one day."""

    category: str
    said: str
    number: int
    amount: Decimal | None
    currency: str

    def is_part_of(self, other: "_Line") -> bool:
        return self.category.startswith(f"{other.category}-")

    @property
    def is_of_messages(self) -> bool:
        return "inbound" in self.said or "outbound" in self.said


def days_of_records(records: Iterable[Mapping[str, Any]], account_sid: str) -> list[UsageDay]:
    """What an account used of WhatsApp, without its sub-accounts. Raises Unreadable."""
    by_day: dict[date, dict[str, _Line]] = defaultdict(dict)
    for record in records:
        if _is_of_whatsapp(record) and word(record, "account_sid") in ("", account_sid):
            day, line = _day(record), _line(record)
            if line.category in by_day[day]:
                raise errors.Unreadable("a category is told twice")
            by_day[day][line.category] = line
    return figures.plausible(_of_lines(day, list(lines.values())) for day, lines in by_day.items())


def _is_of_whatsapp(record: Mapping[str, Any]) -> bool:
    return WHATSAPP in f"{word(record, 'category')} {word(record, 'description')}".lower()


def _day(record: Mapping[str, Any]) -> date:
    day = figures.day(record.get("start_date"))
    if record.get("end_date") is not None and figures.day(record["end_date"]) != day:
        raise errors.Unreadable("a record is not of one day")
    return day


def _line(record: Mapping[str, Any]) -> _Line:
    category = word(record, "category").lower()
    return _Line(
        category,
        f"{category} {word(record, 'description').lower()}",
        figures.count(record.get("count")),
        figures.money(record.get("price")),
        figures.currency(record.get("price_unit")),
    )


def _of_lines(day: date, lines: Sequence[_Line]) -> UsageDay:
    parts = [line for line in lines if not any(other.is_part_of(line) for other in lines)]
    sums = [line for line in lines if not any(line.is_part_of(other) for other in lines)]
    messages = [line for line in parts if line.is_of_messages] or parts
    currency = figures.one_currency(line.currency for line in sums)
    begins_at = figures.midnight(day)
    return UsageDay(
        day,
        begins_at,
        begins_at + figures.ONE_DAY,
        categories=figures.categories((line.category, line.number) for line in parts),
        conversations=sum(line.number for line in parts if "conversation" in line.said),
        messages_in=sum(line.number for line in parts if "inbound" in line.said),
        messages_out=sum(line.number for line in parts if "outbound" in line.said),
        billable=sum(line.number for line in messages if line.amount),
        cost_micros=None if currency is None else figures.cost((line.number, line.amount) for line in sums),
        currency=currency or "",
    )


@dataclass(frozen=True, slots=True)
class _Message:
    """What is of interest of one message."""

    is_inbound: bool
    status: str
    amount: Decimal | None
    currency: str


def days_of_messages(
    messages: Iterable[Mapping[str, Any]], ours: str, is_ours: Callable[[str], bool]
) -> list[UsageDay]:
    """What those of the messages add up to that are to or from `ours`, each once. Raises Unreadable."""
    by_day: dict[date, dict[str, _Message]] = defaultdict(dict)
    for message in messages:
        sid = word(message, "sid")
        inbound = word(message, "direction") == "inbound"
        if sid and word(message, "to" if inbound else "from") == ours and is_ours(sid):
            by_day[_sent_on(message)][sid] = _message(message, inbound=inbound)
    return figures.plausible(_of_messages(day, list(found.values())) for day, found in by_day.items())


def _sent_on(message: Mapping[str, Any]) -> date:
    moment = twilio_webhooks.moment(word(message, "date_sent") or word(message, "date_created"))
    if moment is None:
        raise errors.Unreadable("a message has no date")
    return moment.astimezone(UTC).date()


def _message(message: Mapping[str, Any], *, inbound: bool) -> _Message:
    price = figures.decimal(message.get("price"))
    amount = figures.money(None if price is None else abs(price))
    return _Message(inbound, word(message, "status"), amount, figures.currency(message.get("price_unit")))


def _of_messages(day: date, messages: Sequence[_Message]) -> UsageDay:
    out = [message for message in messages if not message.is_inbound]
    currency = figures.one_currency(message.currency for message in messages)
    told = ((0 if message.status in UNPRICED else 1, message.amount) for message in messages)
    begins_at = figures.midnight(day)
    return UsageDay(
        day,
        begins_at,
        begins_at + figures.ONE_DAY,
        messages_in=len(messages) - len(out),
        messages_out=len(out),
        delivered=sum(message.status in ARRIVED for message in out),
        billable=sum(bool(message.amount) for message in messages),
        cost_micros=None if currency is None else figures.cost(told),
        currency=currency or "",
    )
