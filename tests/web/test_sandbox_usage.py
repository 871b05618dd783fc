"""What the sandbox tells a channel of usage: its own count of what it carried, over the API that our adapter asks."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import PHONE, SECRET, Stage
from tests.providers.metering import asked_for
from tests.web.test_sandbox_page import demo, run, send
from wabot import clock, config, errors
from wabot.core import sandbox, tenancy
from wabot.providers import by_name
from wabot.store import db
from wabot.store import sandbox as ledger
from wabot.store.sandbox import Switches
from wabot.store.tenants import Channel

__all__ = ["demo"]

MONDAY = date(2026, 11, 16)
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


@pytest.fixture
def other(stage: Stage, make_channel: Callable[..., Channel]) -> Channel:
    """Another tenant's sandbox channel, with the same secret."""
    return make_channel("luma", "+966500000002")


def carried(channel: Channel, at: datetime, direction: str, **values: Any) -> None:
    """The sandbox has carried a message."""
    told = {"phone": PHONE, "body": {"kind": "text"}, "status": "delivered", **values}
    phone, name = told.pop("phone"), f"sbx.{clock.to_ms(at)}.{direction}.{len(told)}"
    db.write(lambda: ledger.carry(channel.id, phone, direction, name, created_at=at, **told))


def ask(stage: Stage, first: str = "2026-11-16", last: str = "2026-11-18", **headers: str) -> Any:
    """Our adapter asks for usage."""
    told = {"Authorization": f"Bearer {SECRET}", "X-Sandbox-Number": stage.channel.number, **headers}
    return stage.client.get("/sandbox/api/usage", query_string={"from": first, "to": last}, headers=told)


def test_each_day_says_what_was_carried_and_what_it_would_cost(stage: Stage, other: Channel) -> None:
    channel = stage.channel
    carried(channel, NOON, "IN", phone="+1000")
    carried(channel, NOON, "OUT", phone="+1000", status="read")
    carried(channel, NOON, "OUT", body={"kind": "template"})
    carried(channel, NOON, "OUT", status="sent")
    carried(channel, NOON + timedelta(days=1), "IN", status="sent")
    carried(other, NOON, "OUT")
    nothing = {"messagesOut": 0, "delivered": 0, "billable": 0, "categories": {}, "cost": "0.0000"}
    assert ask(stage).json == {
        "days": [
            {
                "date": "2026-11-16", "currency": "USD", "cost": "0.0325", "categories": {"service": 1, "utility": 1},
                "conversations": 2, "messagesIn": 1, "messagesOut": 3, "delivered": 2, "billable": 2,
            },
            {"date": "2026-11-17", "currency": "USD", "conversations": 1, "messagesIn": 1, **nothing},
        ]
    }  # fmt: skip


def test_its_days_begin_and_end_at_midnight_in_utc(stage: Stage) -> None:
    midnight = NOON.replace(hour=0)
    for at in (midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(days=1)):
        carried(stage.channel, at, "IN")
    assert [day["date"] for day in ask(stage, last="2026-11-16").json["days"]] == ["2026-11-16"]


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer wrong"}, {"Authorization": ""}, {"X-Sandbox-Number": "+1"}, {"X-Sandbox-Number": ""}],
)
def test_only_the_channel_itself_is_told(stage: Stage, headers: dict[str, str]) -> None:
    carried(stage.channel, NOON, "IN")
    answer = ask(stage, **headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "credentials")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("", ""),
        ("2026-11-16", ""),
        ("2026-11-16", "2026-11-15"),
        ("2026-01-01", "2026-04-11"),
        ("0001-01-01", "0001-01-02"),
        ("2999-12-31", "9999-12-31"),
        ("2026-02-30", "2026-03-01"),
        ("20261116", "20261117"),
    ],
)
def test_what_are_no_days_is_refused(stage: Stage, first: str, last: str) -> None:
    answer = ask(stage, first, last)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "permanent")


def test_it_refuses_and_hangs_when_told_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wabot.web.sandbox.LONGEST_SILENCE_SECONDS", 0.01)
    sandbox.set_switches(stage.channel.id, Switches(refuse=True))
    assert (ask(stage).status_code, ask(stage).json["error"]["code"]) == (400, "temporary")
    sandbox.set_switches(stage.channel.id, Switches(time_out=True))
    assert (ask(stage).status_code, ask(stage).data) == (504, b"")


def test_the_query_goes_by_the_channels_index(stage: Stage) -> None:
    steps = [row[3] for row in db.rows(f"EXPLAIN QUERY PLAN {ledger._DAYS}", 1, 1, 2)]
    assert [step for step in steps if "sandbox_message" in step and step.startswith("SEARCH")]
    assert not [step for step in steps if step.startswith("SCAN sandbox_message")]


# --- our adapter and the sandbox, together ---------------------------------------------------------------


def test_the_adapter_is_told_what_our_own_messages_did(demo: Stage) -> None:
    stage = demo
    today = clock.now().date()
    _answers_usage(stage)
    send(stage)
    run(stage)
    stage.later(days=1)
    [day] = usage(stage, today)
    assert (day.day, day.messages_out, day.delivered, day.categories) == (today, 1, 1, {"service": 1})
    assert (day.cost_micros, day.currency, day.billable) == (1_000, "USD", 1)


def test_the_adapter_fails_for_now_while_the_sandbox_refuses(demo: Stage) -> None:
    _answers_usage(demo)
    sandbox.set_switches(demo.channel.id, Switches(refuse=True))
    with pytest.raises(errors.TemporaryFailure):
        usage(demo, clock.now().date())


def usage(stage: Stage, day: date) -> Any:
    account = tenancy.account(stage.channel)
    return by_name("sandbox").usage(account, asked_for(day, day, now=clock.now()), config.settings())


def _answers_usage(stage: Stage) -> None:
    def forward(request: Any) -> tuple[int, dict[str, str], bytes]:
        given = stage.client.get(request.path_url, headers=dict(request.headers))
        return given.status_code, {}, given.data

    stage.provider.add_callback("GET", "http://provider.test/sandbox/api/usage", callback=forward)
