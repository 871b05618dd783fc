"""Usage asked for over real HTTP: of imitations that hold figures, correct them, turn pages and refuse."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from tests.fakes import gupshup, interakt, meta, misbehaving, twilio
from tests.providers import metering, payloads
from tests.providers.conftest import Imitation, served
from wabot import errors
from wabot.config import Settings
from wabot.providers.metered import UsageDay

DAY = date(2026, 11, 20)
START = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
END = START + 86400
OURS, ANOTHER = "966110000001", "966110000002"


@dataclass
class Wire:
    """An imitation of a vendor, asked as the adapter asks it."""

    name: str
    running: Imitation
    settings: Settings

    def tells(self, figures: Any) -> None:
        """From now on that is what it says of our account."""
        self.running.ask("POST", "/_control", {"usage": {WHOSE[self.name]: figures}})

    def answers(self, **order: Any) -> None:
        """What the next question is answered with instead."""
        self.running.ask("POST", "/_control", {"usage_answer": order})

    def asked(self) -> list[str]:
        """The questions that it got, as they read."""
        return [unquote_plus(path) for path in self.running.ask("GET", "/_usage")["asked"]]

    def usage(self, day: date = DAY, **how: Any) -> list[UsageDay]:
        return metering.usage(self.name, metering.asked_for(day, day, **how), self.settings)


WHOSE = {"twilio": payloads.AC, "meta": metering.WABA, "interakt": metering.WABA, "gupshup": metering.APP_ID}


def point(volume: int, cost: float, **more: Any) -> dict[str, Any]:
    """A point of prices, with all keys that can be asked for."""
    told = {"pricing_category": "UTILITY", "pricing_type": "REGULAR", "country": "SA", "tier": "0:MAX"}
    return {"start": START, "end": END, "phone_number": OURS, "volume": volume, "cost": cost} | told | more


def record(number: int, price: str, **more: Any) -> dict[str, Any]:
    """A usage record of a day."""
    told = {"category": "whatsapp-outbound", "description": "WhatsApp outbound", "price_unit": "usd"}
    return {"start_date": str(DAY), "end_date": str(DAY), "count": str(number), "price": price} | told | more


def graph(number: int, cost: float) -> dict[str, Any]:
    return {"currency": "EUR", "pricing_analytics": [point(number, cost)]}


FIGURES: Mapping[str, Callable[[int, float], Any]] = {
    "twilio": lambda number, cost: {"usage_records": [record(number, str(cost), price_unit="eur")]},
    "meta": graph,
    "interakt": graph,
    "gupshup": lambda number, cost: [
        {"appId": metering.APP_ID, "date": str(DAY), "utility": number, "totalFees": cost, "currency": "EUR"}
    ],
}


@contextlib.contextmanager
def imitated(name: str, folder: Path) -> Iterator[Imitation]:
    ledger, account = folder / f"{name}.jsonl", metering.ACCOUNTS[name].credentials
    vendor: Any
    if name == "meta":
        server: Any = meta.Server(("127.0.0.1", 0), meta.Handler)
        vendor = server.meta = meta.Meta({payloads.NUMBER_ID: account["access_token"]}, ledger)
    elif name == "twilio":
        server = twilio.Server(("127.0.0.1", 0), twilio.Handler)
        vendor = server.twilio = twilio.Twilio(payloads.AC, payloads.SECRET, ledger)
    else:
        vendor = gupshup.Gupshup({"DemoApp": "key1"}, ledger) if name == "gupshup" else interakt.Interakt("key", ledger)
        server = misbehaving.server(vendor)
    with served(server) as running:
        yield running
    vendor.close()


def wired(name: str, folder: Path) -> Iterator[Wire]:
    with imitated(name, folder) as running:
        base = f"http://127.0.0.1:{running.port}"
        settings = Settings(twilio_api_base=base, meta_graph_api=base, gupshup_partner_api=base, interakt_api=base)
        yield Wire(name, running, settings)


@pytest.fixture(params=sorted(FIGURES))
def wire(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wire]:
    """Each vendor in turn."""
    yield from wired(request.param, tmp_path)


@pytest.fixture
def of_meta(tmp_path: Path) -> Iterator[Wire]:
    yield from wired("meta", tmp_path)


@pytest.fixture
def of_twilio(tmp_path: Path) -> Iterator[Wire]:
    yield from wired("twilio", tmp_path)


@pytest.fixture
def of_gupshup(tmp_path: Path) -> Iterator[Wire]:
    yield from wired("gupshup", tmp_path)


# --- all of them ------------------------------------------------------------------------------------


def test_figures_are_told_again_and_corrected(wire: Wire) -> None:
    wire.tells(FIGURES[wire.name](7, 0.29))
    first = wire.usage()
    assert [(day.day, day.cost_micros, day.currency, day.billable) for day in first] == [(DAY, 290_000, "EUR", 7)]
    assert list(first[0].categories.values()) == [7]
    assert wire.usage() == first
    wire.tells(FIGURES[wire.name](8, 1.005))
    assert [(day.cost_micros, day.billable) for day in wire.usage()] == [(1_005_000, 8)]


def test_nothing_is_told_of_another_day(wire: Wire) -> None:
    wire.tells(FIGURES[wire.name](7, 0.29))
    assert wire.usage(date(2026, 11, 21)) == []


def test_after_a_refusal_the_next_question_is_answered(wire: Wire) -> None:
    wire.tells(FIGURES[wire.name](7, 0.29))
    wire.answers(status=503, retry_after=7)
    with pytest.raises(errors.Throttled) as failure:
        wire.usage()
    assert failure.value.retry_after == 7
    assert len(wire.usage()) == 1


def test_credentials_that_it_does_not_know_are_refused(wire: Wire) -> None:
    wire.tells(FIGURES[wire.name](7, 0.29))
    wire.answers(status=401)
    with pytest.raises(errors.CredentialsRefused):
        wire.usage()


def test_an_answer_that_comes_too_late_is_not_waited_for(wire: Wire) -> None:
    wire.tells(FIGURES[wire.name](7, 0.29))
    wire.answers(status=200, delay_ms=1500)
    with pytest.raises(errors.TemporaryFailure) as failure:
        wire.usage(seconds=0.3)
    assert failure.value.code == "timeout"


# --- Meta -------------------------------------------------------------------------------------------


def test_prices_are_asked_for_by_number_and_with_the_currency(of_meta: Wire) -> None:
    of_meta.tells(graph(7, 0.29))
    of_meta.usage()
    begin, end = START - 14 * 3600, END + 12 * 3600
    prices = (
        f"pricing_analytics.start({begin}).end({end}).granularity(DAILY)"
        f'.phone_numbers(["{OURS}"]).metric_types(["COST","VOLUME"])'
        '.dimensions(["PHONE","PRICING_CATEGORY","PRICING_TYPE"])'
    )
    sent = f'analytics.start({begin}).end({end}).granularity(DAY).phone_numbers(["{OURS}"])'
    assert of_meta.asked() == [f"/{metering.WABA}?fields={prices},{sent},currency,id"]


def test_what_is_yet_to_come_is_not_asked_for(of_meta: Wire) -> None:
    of_meta.tells(graph(7, 0.29))
    assert of_meta.usage(date(2027, 1, 1)) == []
    assert of_meta.asked() == []
    now = datetime(2026, 11, 21, 1, tzinfo=UTC)
    assert len(of_meta.usage(now=now)) == 1
    assert f".end({int(now.timestamp())})" in of_meta.asked()[0]


def test_another_number_of_a_shared_account_is_not_counted(of_meta: Wire) -> None:
    sent = [{"start": START, "end": END, "sent": 9, "delivered": 8, "phone_number": OURS}]
    others = [point(70, 7.0, phone_number=ANOTHER)]
    of_meta.tells({**graph(7, 0.29), "pricing_analytics": [point(7, 0.29), *others], "analytics": sent})
    [day] = of_meta.usage(shared=True)
    assert (day.delivered, day.messages_out, day.cost_micros) == (7, 9, 290_000)


@pytest.mark.parametrize("bare", [False, True])
def test_pages_are_turned_without_the_token_in_an_address(of_meta: Wire, bare: bool) -> None:
    points = [point(1, 0.1, pricing_category=name) for name in ("UTILITY", "MARKETING", "SERVICE")]
    turns: list[int] = []
    of_meta.tells({"pricing_analytics": points, "page_size": 1, "bare": bare})
    [day] = of_meta.usage(wait_for_turn=lambda: turns.append(1))
    assert day.categories == {"utility": 1, "marketing": 1, "service": 1}
    assert len(of_meta.asked()) == len(turns) == 3
    assert not [path for path in of_meta.asked() if metering.ACCOUNTS["meta"].credentials["access_token"] in path]


def test_without_any_cost_the_conversations_are_told_all_the_same(of_meta: Wire) -> None:
    begin = int(datetime(2025, 6, 30, tzinfo=UTC).timestamp())
    told = {"conversation": 3, "conversation_category": "SERVICE", "conversation_type": "REGULAR", "cost": 1.0}
    old = {"start": begin, "end": begin + 86400, "phone_number": OURS} | told
    of_meta.tells({"conversation_analytics": [old], "credit_line": True})
    [day] = of_meta.usage(date(2025, 6, 30))
    assert (day.conversations, day.categories, day.cost_micros) == (3, {"service": 3}, None)
    assert ['["COST","CONVERSATION"]' in path for path in of_meta.asked()] == [True, False]


def test_an_account_without_an_end_of_pages_is_given_up(of_meta: Wire) -> None:
    of_meta.tells({"pricing_analytics": [point(1, 0.1)] * 60, "page_size": 1})
    with pytest.raises(errors.TemporaryFailure) as failure:
        of_meta.usage()
    assert failure.value.code == "too_many_pages"


# --- Twilio -----------------------------------------------------------------------------------------


def test_subaccounts_are_left_out_and_pages_are_turned(of_twilio: Wire) -> None:
    records = [record(1, "0.1", category=f"whatsapp-{n}") for n in range(5)]
    records.append(record(900, "90", account_sid="AC" + "9" * 32, category="whatsapp"))
    of_twilio.tells({"usage_records": records, "page_size": 2})
    [day] = of_twilio.usage()
    assert (day.messages_out, day.cost_micros, len(of_twilio.asked())) == (5, 500_000, 3)
    assert "StartDate=2026-11-20&EndDate=2026-11-20&IncludeSubaccounts=false" in of_twilio.asked()[0]


def message(sid: str, side: str, hour: int = 10, **more: Any) -> dict[str, Any]:
    them = "whatsapp:+966500000009"
    ends = {"from": f"whatsapp:+{OURS}", "to": them} if side == "out" else {"from": them, "to": f"whatsapp:+{OURS}"}
    told = {"direction": "outbound-api" if side == "out" else "inbound", "status": "delivered", "price_unit": "USD"}
    sent = f"Fri, 20 Nov 2026 {hour:02}:00:00 +0000"
    return {"sid": sid, "date_sent": sent, "price": "-0.0050", "body": "مرحبا"} | ends | told | more


def test_a_category_is_whatsapp_s_by_its_name_or_by_its_description(of_twilio: Wire) -> None:
    named = record(3, "0.03", category="channels-whatsapp-outbound", description="Outbound messages")
    other = record(9, "0.09", category="sms-outbound", description="Outbound messages")
    of_twilio.tells({"usage_records": [named, other]})
    assert [(day.messages_out, day.cost_micros) for day in of_twilio.usage()] == [(3, 30_000)]


def test_of_a_shared_account_only_our_own_messages_are_counted(of_twilio: Wire) -> None:
    ours = [message(f"SM{n}", "out", n) for n in range(4)] + [message("SM9", "in", status="received")]
    others = [message("SX1", "out"), message("SX2", "in"), message("SM5", "out", **{"from": f"whatsapp:+{ANOTHER}"})]
    of_twilio.tells({"messages": [*ours, *others], "page_size": 2, "usage_records": [record(900, "90")]})
    [day] = of_twilio.usage(shared=True, is_ours=lambda sid: sid.startswith("SM"))
    assert (day.messages_out, day.messages_in, day.delivered, day.cost_micros) == (4, 1, 4, 25_000)
    assert "From=whatsapp:+966110000001&DateSent>=2026-11-20&DateSent<=2026-11-21" in of_twilio.asked()[0]
    assert [path for path in of_twilio.asked() if "To=whatsapp" in path]
    assert not [path for path in of_twilio.asked() if "Usage" in path]


def test_prices_that_come_later_make_the_cost_known(of_twilio: Wire) -> None:
    of_twilio.tells({"messages": [message("SM1", "out"), message("SM2", "out", price=None)]})
    asked: dict[str, Any] = {"shared": True, "is_ours": lambda _: True}
    assert [day.cost_micros for day in of_twilio.usage(**asked)] == [None]
    of_twilio.tells({"messages": [message("SM1", "out"), message("SM2", "out", price="-0.0150")]})
    assert [day.cost_micros for day in of_twilio.usage(**asked)] == [20_000]


# --- Gupshup ----------------------------------------------------------------------------------------


def test_an_app_of_several_channels_tells_no_usage(of_gupshup: Wire) -> None:
    of_gupshup.tells(FIGURES["gupshup"](7, 0.29))
    with pytest.raises(errors.Conflict, match="app_id"):
        of_gupshup.usage(shared=True)
    assert of_gupshup.asked() == []


def test_an_error_within_a_good_status_is_a_failure(of_gupshup: Wire) -> None:
    of_gupshup.tells(FIGURES["gupshup"](7, 0.29))
    of_gupshup.answers(status=200, body={"status": "error", "message": "Internal server error"})
    with pytest.raises(errors.TemporaryFailure):
        of_gupshup.usage()
