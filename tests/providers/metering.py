"""What providers answered about usage, as files: `tests/payloads/<provider>/usage/<situation>.json`.

Each holds its `source`, what is `asked` (`first`, `last`, and where they matter `now`, `shared` and `ours`, the ids
that are our channel's), the `answers` in their order, and the `days` that they must read as, without empty fields; in
place of these `fails`, the code of the failure.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any

from tests.fakes import gupshup
from tests.providers import payloads
from wabot import clock
from wabot.config import Settings
from wabot.providers import by_name, graph_figures, gupshup_usage, sandbox_usage, twilio_figures
from wabot.providers.base import Account
from wabot.providers.metered import UsageAsked, UsageDay

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
WABA = "102290129340398"
APP_ID, APP_TOKEN = gupshup.APP_ID, gupshup.APP_TOKEN
_MORE: Mapping[str, Mapping[str, str]] = {
    "meta": {"waba_id": WABA},
    "interakt": {"waba_id": WABA, "access_token": "EAAG2"},
    "gupshup": {"app_id": APP_ID, "app_token": APP_TOKEN},
}
ACCOUNTS: Mapping[str, Account] = {
    name: replace(account, credentials={**account.credentials, **_MORE.get(name, {})})
    for name, account in payloads.ACCOUNTS.items()
}
"""An account of each provider that can be asked for usage."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "sandbox": ("secret",),
    "twilio": ("account_sid", "auth_token"),
    "meta": ("waba_id", "access_token"),
    "gupshup": ("app_id", "app_token"),
    "interakt": ("waba_id", "access_token"),
}
"""Without which of its credentials nobody can be asked."""


def _graph(said: Mapping[str, Any]) -> list[UsageDay]:
    pages = [graph_figures.known(said)]
    number = ACCOUNTS["meta"].number
    return graph_figures.days(pages, number, shared=False) + graph_figures.days(pages, number, shared=True)


def _twilio(said: Mapping[str, Any]) -> list[UsageDay]:
    if "messages" in said:
        ours = f"whatsapp:{ACCOUNTS['twilio'].number}"
        return twilio_figures.days_of_messages(twilio_figures.page(said, "messages")[0], ours, lambda _: True)
    return twilio_figures.days_of_records(twilio_figures.page(said, "usage_records")[0], payloads.AC)


READERS: Mapping[str, Callable[[Mapping[str, Any]], list[UsageDay]]] = {
    "sandbox": sandbox_usage.days,
    "gupshup": lambda said: gupshup_usage.days(said, APP_ID),
    "meta": _graph,
    "interakt": _graph,
    "twilio": _twilio,
}
"""What reads an answer of each provider."""


def asked_for(
    first: date,
    last: date,
    *,
    now: datetime = NOW,
    shared: bool = False,
    is_ours: Callable[[str], bool] = lambda _: False,
    wait_for_turn: Callable[[], None] = lambda: None,
    seconds: float = 30.0,
) -> UsageAsked:
    """These days, of an account of one channel unless it is shared, within so many seconds."""
    return UsageAsked(first, last, now, shared, is_ours, wait_for_turn, clock.monotonic() + seconds)


def usage(name: str, asked: UsageAsked, settings: Settings | None = None) -> list[UsageDay]:
    """What the provider says of its account."""
    return list(by_name(name).usage(ACCOUNTS[name], asked, settings or Settings()))


def of(provider: str) -> list[str]:
    """The situations of a provider."""
    return sorted(path.stem for path in (payloads.FOLDER / provider / "usage").glob("*.json"))


def read(provider: str, situation: str) -> dict[str, Any]:
    """What the file of a situation holds."""
    path = payloads.FOLDER / provider / "usage" / f"{situation}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def asked_in(kept: Mapping[str, Any]) -> UsageAsked:
    """What is asked in a situation."""
    told = kept["asked"]
    first, last = date.fromisoformat(told["first"]), date.fromisoformat(told["last"])
    now = datetime.fromisoformat(told["now"]) if "now" in told else NOW
    ours = frozenset(told.get("ours", ()))
    return asked_for(first, last, now=now, shared=told.get("shared", False), is_ours=ours.__contains__)


def shown(day: UsageDay) -> dict[str, Any]:
    """A day as the files show it; where it is a day of UTC its bounds go without saying."""
    told = {name: value for name, value in asdict(day).items() if value or name == "cost_micros"}
    told |= {"day": day.day.isoformat(), "begins_at": _moment(day.begins_at), "ends_at": _moment(day.ends_at)}
    if told["begins_at"] == f"{day.day}T00:00Z" and (day.ends_at - day.begins_at).total_seconds() == 86400:
        del told["begins_at"], told["ends_at"]
    return told


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")
