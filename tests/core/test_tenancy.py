"""Tenants and channels: checked when added, routed to one, paused, suspended and removed whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.conftest import Stage
from wabot import config, errors, words
from wabot.core import sending, tenancy
from wabot.store import db, tenants


@pytest.mark.parametrize(
    ("values", "settings"),
    [({"slug": "Bait"}, {}), ({"slug": ""}, {}), ({"slug": "a" * 65}, {}), ({"slug": "../x"}, {}), ({"name": " "}, {}),
     ({"timezone": "Mars/Base"}, {}), ({"timezone": "../etc"}, {}), ({"locale": "fr"}, {}), ({"currency": "riyal"}, {}),
     ({"timezone": "localtime"}, {}), ({"timezone": "right/Asia/Riyadh"}, {}),
     ({"daily_limit": 0}, {}), ({"daily_limit": 10**20}, {}), ({"in_per_customer": 0}, {}), ({}, {"colour": "red"}),
     ({}, {"handover_minutes": "soon"}), ({}, {"debounce_seconds": "2.1"}),
     ({}, {"debounce_seconds": "-1"}), ({}, {"debounce_seconds": "0,5"}), ({}, {"debounce_seconds": "nan"})],
)  # fmt: skip
def test_a_bad_value_is_refused_and_nothing_is_stored(
    file: Path, values: dict[str, Any], settings: dict[str, str]
) -> None:
    new = tenancy.NewTenant(**{"slug": "bait", "name": "Bait", **values})
    with pytest.raises(errors.Refused):
        tenancy.add_tenant(new, settings)
    assert tenants.all_tenants() == []


def test_a_slug_in_use_is_a_conflict(make_channel: Callable[..., Any]) -> None:
    make_channel()
    with pytest.raises(errors.Conflict):
        tenancy.add_tenant(tenancy.NewTenant("bait", "Another"), {})


def test_one_number_routes_to_one_active_channel(make_channel: Callable[..., Any]) -> None:
    first = make_channel()
    with pytest.raises(errors.Conflict):
        make_channel("luma", "+966 50 000 0001")
    tenancy.pause_channel(first.id)
    second = tenancy.add_channel("luma", "sandbox", "+966500000001", {})
    routed = tenants.channel_by_route("sandbox", "+966500000001")
    assert routed is not None
    assert routed.id == second.id
    with pytest.raises(errors.Conflict):
        tenancy.resume_channel(first.id)


@pytest.mark.parametrize(
    "given",
    [{}, {"account_sid": "AC1"}, {"auth_token": "x"}, {"account_sid": "AC1", "auth_token": "t", "colour": "red"}],
)
def test_a_channel_without_its_credentials_is_not_added(
    make_channel: Callable[..., Any], given: dict[str, str]
) -> None:
    make_channel()
    with pytest.raises(errors.Refused):
        tenancy.add_channel("bait", "twilio", "+14155550100", given)


def test_credentials_are_sealed_in_the_file(make_channel: Callable[..., Any], file: Path) -> None:
    make_channel()
    tenancy.add_channel("bait", "twilio", "+14155550100", {"account_sid": "AC1", "auth_token": "very-secret-token"})
    assert b"very-secret-token" not in repr(db.rows("SELECT credentials FROM channel")).encode()
    assert tenancy.open_credentials(tenancy.find_channel(2))["auth_token"] == "very-secret-token"


def test_removing_a_tenant_leaves_no_row_of_it_in_any_table(stage: Stage, make_channel: Callable[..., Any]) -> None:
    other = make_channel("luma", "+447700900001")
    for channel, phone in ((stage.channel, "+966511111111"), (other, "+447700900999")):
        stage.webhook(stage.item("hello", phone=phone), channel=channel)
    stage.answer()
    stage.deliver()
    stage.status("delivered", "", id="unknown")
    tenancy.create_token("bait", read_only=False, name="", days=None)
    gone = tenancy.find_tenant("bait").id
    tenancy.remove_tenant("bait")
    tables = [row[0] for row in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = {row[1] for row in db.rows(f"PRAGMA table_info({table})")}
        if "tenant_id" in columns:
            assert db.rows(f"SELECT count(*) FROM {table} WHERE tenant_id = ?", gone) == [(0,)], table
        if "channel_id" in columns:
            assert db.rows(f"SELECT count(*) FROM {table} WHERE channel_id = ?", stage.channel.id) == [(0,)], table
    assert len(stage.in_()) == len(stage.out()) == 1
    assert db.rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("table", tenants.TENANT_TABLES)
def test_removing_a_tenant_reads_no_row_of_others(file: Path, table: str) -> None:
    def plan() -> list[str]:
        asked: list[str] = []
        connection = db.database.connection()
        connection.exec_trace = lambda _cursor, sql, _values: asked.append(sql) is None
        tenants.delete_some(table, 1)
        connection.exec_trace = None
        return [row[3] for sql in asked for row in db.rows(f"EXPLAIN QUERY PLAN {sql}", *(1,) * sql.count("?"))]

    steps = db.write(plan)
    assert steps
    assert not [step for step in steps if step.startswith("SCAN")]


def test_every_table_with_a_tenant_is_emptied_step_by_step(file: Path) -> None:
    tables = [row[0] for row in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    with_tenant = {t for t in tables if "tenant_id" in {row[1] for row in db.rows(f"PRAGMA table_info({t})")}}
    assert with_tenant - {"channel"} == set(tenants.TENANT_TABLES)


@pytest.mark.parametrize(
    ("to", "phone"),
    [("+966511111111", "+966511111111"), ("00966511111111", "+966511111111"), ("0511111111", "+966511111111"),
     ("511 111 111", "+966511111111"), ("966511111111", "+966511111111"), ("+44 7700 900999", "+447700900999")],
)  # fmt: skip
def test_a_number_is_understood_in_any_usual_spelling(stage: Stage, to: str, phone: str) -> None:
    stage.says("hello", phone=phone)
    stage.read()
    message = sending.send("bait", to, words.Draft(words.Kind.TEXT, "hi"))
    assert message.customer.address == phone


@pytest.mark.parametrize(
    ("to", "text", "code"),
    [("nobody", "hi", "invalid_number"), ("12", "hi", "invalid_number"), ("+966511111111", "x" * 5000, "too_long"),
     ("+966522222222", "hi", "window_closed")],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_at_once_with_its_word(stage: Stage, to: str, text: str, code: str) -> None:
    stage.says("hello")
    stage.read()
    with pytest.raises(errors.Refused) as refusal:
        sending.send("bait", to, words.Draft(words.Kind.TEXT, text))
    assert refusal.value.code == code
    assert stage.out() == []


def test_the_window_closes_24_hours_after_the_customer_s_last_message(stage: Stage) -> None:
    stage.says("hello")
    stage.read()
    stage.later(hours=23, minutes=59, seconds=50)
    sending.send("bait", "+966511111111", words.Draft(words.Kind.TEXT, "in time"))
    stage.later(seconds=11)
    with pytest.raises(errors.Refused, match="24 hours"):
        sending.send("bait", "+966511111111", words.Draft(words.Kind.TEXT, "too late"))


def test_the_same_key_is_the_same_message_and_another_body_is_refused(stage: Stage) -> None:
    stage.says("hello")
    stage.read()
    first = sending.send("bait", "+966511111111", words.Draft(words.Kind.TEXT, "a"), idempotency_key="k")
    again = sending.send("bait", "+966511111111", words.Draft(words.Kind.TEXT, "a"), idempotency_key="k")
    assert first.id == again.id
    with pytest.raises(errors.Refused):
        sending.send("bait", "+966511111111", words.Draft(words.Kind.TEXT, "b"), idempotency_key="k")


def test_after_the_secret_key_was_lost_credentials_can_be_given_anew(
    make_channel: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel()
    monkeypatch.setenv("WABOT_SECRET_KEY", "another key of thirty-two characters")
    config.settings.cache_clear()
    tenancy._opened.cache_clear()
    with pytest.raises(errors.SealError):
        tenancy.account(channel)
    with pytest.raises(errors.Refused):
        tenancy.edit_channel(channel.id, {})
    edited = tenancy.edit_channel(channel.id, {"secret": "n" * 32})
    assert tenancy.account(edited).credentials["secret"] == "n" * 32
