"""`wabot usage`: what tenants used and what it cost, by day and by month."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import click

from wabot import clock
from wabot.cli import options, output
from wabot.cli.base import Group
from wabot.core import attributing, budgets, days, money, reconciling, reporting, tenancy
from wabot.core.days import Month
from wabot.store import tenants
from wabot.store.charges import Dimension
from wabot.store.tenants import Tenant

OVERVIEW = ("restaurantId", "conversationsThisMonth", "dailyRemaining", "monthlyRemaining", "lastConversationAt",
            "lastActivity", "isActive")  # fmt: skip
FIGURES = ("conversations", "messagesIn", "messagesOut", "marketing", "utility", "authentication", "service")
DAILY = ("date", "channelId", "source", *FIGURES, "cost")
EXPORT = ("restaurantId", "date", "channelId", "source", *FIGURES, "categories", "delivered", "billable", "cost",
          "currency", "costs", "costIs", "unpriced")  # fmt: skip
COSTS = ("messages", "delivered", "billed", "cost", "unpriced")
CHECKED = ("date", "channelId", "matches", "of", "ours", "theirs", "difference", "costOurs", "costTheirs", "messages")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet begins a formula with, also in its wide forms."""


class Day(click.ParamType[date]):
    """A day of a tenant's zone."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else days.parse(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day such as 2026-11-20", param, ctx)


class OfYear(click.ParamType[Month]):
    """A month of a tenant's zone."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        try:
            return value if isinstance(value, Month) else Month.parse(str(value))
        except ValueError:
            self.fail(f"{value!r} is no month such as 2026-11", param, ctx)


@click.group(cls=Group)
def usage() -> None:
    """Show what tenants used: conversations, messages, what it cost, and what is left."""


@usage.command()
@click.argument("slug")
@click.option("--month", type=OfYear(), help="The figures of this month, such as 2026-11.")
@options.as_json
def show(slug: str, month: Month | None, as_json: bool) -> None:
    """Show a tenant's allowance and its last six months, or the figures of one month."""
    tenant, now = tenancy.find_tenant(slug), clock.now()
    if month is not None:
        output.one(reporting.month(tenant, month, now), as_json)
        return
    found = reporting.detail(tenant, now)
    if as_json:
        output.document(found)
        return
    history = found.pop("history")
    output.one({**found, "budget": budgets.shape(tenant, now)}, as_json)
    click.echo()
    output.listing(history, ("year", "month", "conversationCount", "lastConversationAt"), as_json)


@usage.command("list")
@click.option("--limit", type=click.IntRange(1, 100), metavar="N", default=100, show_default=True, help="So many.")
@click.option("--offset", type=click.IntRange(min=0), metavar="N", default=0, show_default=True, help="Skip so many.")
@options.as_json
def list_(limit: int, offset: int, as_json: bool) -> None:
    """List all tenants with what they used this month and what is left."""
    found = reporting.page(limit, offset, clock.now())
    if as_json:
        output.document(found)
        return
    rows = [row | row["allowance"] for row in found["data"]]
    output.listing(rows, OVERVIEW, as_json)
    if found["pagination"]["hasMore"]:
        click.echo(f"More from --offset {offset + limit} on, of {found['pagination']['total']} tenants.", err=True)


@usage.command()
@click.argument("slug")
@click.option("--from", "first", type=Day(), help="From this day on; default thirty days.")
@click.option("--to", "last", type=Day(), help="To this day, included; default today.")
@options.as_json
def daily(slug: str, first: date | None, last: date | None, as_json: bool) -> None:
    """List what each channel did on each day with traffic, newest first: by our ledger, and by its provider."""
    tenant, now = tenancy.find_tenant(slug), clock.now()
    found = reporting.daily(tenant, *_span(tenant, first, last, now), now)
    output.listing(found if as_json else map(_priced, found), DAILY, as_json)


@usage.command()
@click.argument("slug")
@click.option("--from", "first", type=Day(), help="From this day of the provider's on; default thirty days.")
@click.option("--to", "last", type=Day(), help="To this day, included; default today.")
@options.as_json
def check(slug: str, first: date | None, last: date | None, as_json: bool) -> None:
    """Compare what providers told of their days with our ledger, and name messages behind the differences."""
    tenant = tenancy.find_tenant(slug)
    found = reconciling.shapes(tenant, *_span(tenant, first, last, clock.now()))
    output.listing(found if as_json else map(_checked, found), CHECKED, as_json)


@usage.command()
@click.argument("slug")
@click.option("--month", type=OfYear(), help="Which month, such as 2026-11; default the current one.")
@click.option(
    "--by",
    type=click.Choice([each.value for each in Dimension]),
    default="step",
    show_default=True,
    help="Told apart by what.",
)
@options.as_json
def costs(slug: str, month: Month | None, by: str, as_json: bool) -> None:
    """List what a tenant's messages of a month cost by flow step, kind or purpose."""
    tenant, now = tenancy.find_tenant(slug), clock.now()
    asked = month or Month.of(days.of(tenant.timezone, now))
    found = attributing.shape(tenant, asked, Dimension(by), now)
    output.listing(found if as_json else map(_priced, found), (by, *COSTS), as_json)


def _priced(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it is shown: what is paid in several currencies is no unknown cost."""
    return {**row, "cost": row["cost"] or row["costs"]}


def _span(tenant: Tenant, first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    begin, end = reporting.span(tenant, first, last, now)
    if begin > end:
        raise click.UsageError("--from is later than --to.")
    return begin, end


def _checked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A compared day on one line."""
    costs_ = {f"cost{name.title()}": row["cost"][name] for name in ("ours", "theirs")}
    named = [f"{message['id']} ({message['why']})" for message in row["messages"]]
    return {**row, **row["total"], **costs_, "messages": [*named, *(["…"] if row["hasMore"] else [])]}


@usage.command()
@click.option("--month", type=OfYear(), required=True, help="Which month, such as 2026-11.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="As what.")
@options.as_json
def export(month: Month, form: str, as_json: bool) -> None:
    """Print every tenant's days of a month, for accounting."""
    rows = reporting.export(tenants.all_tenants(), month, clock.now())
    if as_json or form == "json":
        output.document({"data": rows})
    else:
        click.echo(table([_flat(row) for row in rows], EXPORT), nl=False)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the export with its costs as numbers, each in a currency."""
    cost = row["cost"] or {"amount": None, "currency": None}
    every = {each["currency"]: each["amount"] for each in row["costs"]}
    return {**row, "cost": cost["amount"], "currency": cost["currency"], "costs": every}


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV (RFC 4180). Text that a spreadsheet would take for a formula gets a `'` before it; numbers stay
    numbers, those below 0 too."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return money.text(round(value * money.MICROS)) if isinstance(value, float) else value
    if isinstance(value, Mapping):
        value = " ".join(f"{key}={_cell(number)}" for key, number in value.items())
    text = str(value)
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """A spreadsheet passes over what is blank before it looks; what begins with a tab or a return was made to."""
    return text.lstrip().startswith(FORMULA) or text.startswith(("\t", "\r", "\n"))
