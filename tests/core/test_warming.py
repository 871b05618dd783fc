"""The welcome bootstrap: queued with the welcome, never waited for, at most five at a time and twenty a minute; what it
fetches, what it does when it cannot, and what the next tap then costs."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.core.conftest import API, Stage
from tests.core.menus_at_the_platform import bootstrap_all, bootstraps, fetch_all, known, platform, tenant
from tests.fakes import sufrah
from wabot import clock, config, words
from wabot.core import catalogs, entries, fetching, tenancy, upkeep, warming
from wabot.store import bootstraps as store
from wabot.store import customers, db, menus, tallies, wanted
from wabot.store.bootstraps import Bootstrap, BootstrapStatus
from wabot.store.customers import Conversation
from wabot.words import Menu, MenuCategory, MenuItem, Want, WantKind

__all__ = ["platform"]

Platform = sufrah.Sufrah


def welcome(stage: Stage, n: int = 1) -> None:
    """So many new customers say hello, and are answered."""
    already = Conversation.select().count()
    for number in range(already, already + n):
        stage.says("hello", phone=f"+9665{number:08}", name=f"Customer {number}")
    stage.answer()


def one(stage: Stage) -> Bootstrap:
    """The bootstrap of the only welcome, as it is now."""
    [found] = bootstraps()
    return found


def outcome(row: Bootstrap) -> tuple[Any, ...]:
    return row.status.value, row.attempts, row.categories, row.branches, row.error


def test_a_welcome_queues_one_in_its_own_transaction(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    row = one(stage)
    assert outcome(row) == ("queued", 0, None, None, "")
    [greeting] = stage.out()
    assert (row.customer_id, row.channel_id) == (greeting.customer_id, stage.channel.id)
    assert platform.calls() == []


def test_the_welcome_is_sent_while_the_platform_hangs(stage: Stage, platform: Platform) -> None:
    platform.order({"mode": "timeout", "count": 9})
    welcome(stage)
    assert stage.deliver() == 1
    assert stage.sent[0]["message"]


def test_only_a_first_message_queues_one(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    stage.says("hello", phone="+966500000000")
    stage.answer()
    stage.says("menu", phone="+966500000000")
    stage.answer()
    greeting = words.Draft(words.Kind.TEXT, "Welcome back", purpose=words.Purpose.WELCOME)
    db.write(lambda: warming.follow(Conversation.get(), [greeting], clock.now()))
    assert len(bootstraps()) == 1


def test_it_fetches_both_halves_once_and_says_how_many_there_are(
    stage: Stage, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    welcome(stage)
    with caplog.at_level(logging.INFO, "wabot.core.warming"):
        bootstrap_all()
    row = one(stage)
    assert outcome(row) == ("completed", 1, 2, 2, "")
    assert row.ended_at is not None
    assert row.due_at is None
    assert sorted(line["call"] for line in platform.calls()) == ["branches", "categories"]
    assert known(stage).is_known
    [record] = caplog.records
    assert (record.status, record.categories, record.branches, record.ms) == ("completed", 2, 2, row.ms)
    assert "9665" not in str(vars(record))


def test_after_it_the_first_tap_on_the_menu_makes_no_call(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    bootstrap_all()
    calls = len(platform.calls())
    stage.says("menu", phone="+966500000000")
    stage.answer()
    assert fetch_all() == 0
    assert len(platform.calls()) == calls
    assert known(stage).is_known
    assert [category.name["en"] for category in known(stage).menu.categories] == ["Grills", "Drinks"]


def test_what_is_fresh_in_the_cache_is_not_fetched(stage: Stage, platform: Platform) -> None:
    welcome(stage, 2)
    bootstrap_all()
    assert [outcome(row) for row in bootstraps()] == [("completed", 1, 2, 2, "")] * 2
    assert len(platform.calls()) == 2


def test_what_has_expired_is_fetched_anew(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    bootstrap_all()
    stage.later(minutes=4)
    welcome(stage)
    bootstrap_all()
    assert len(platform.calls()) == 4


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"mode": "error", "status": 500}, "http_500"),
        ({"mode": "timeout"}, "timeout"),
        ({"mode": "reset_before"}, "connection_lost"),
        ({"mode": "broken_json"}, "unreadable_answer"),
        ({"mode": "error", "status": 401}, "http_401"),
    ],
)
def test_a_failure_is_tried_again_after_five_seconds_and_then_ten(
    fault: dict[str, object], code: str, stage: Stage, platform: Platform
) -> None:
    platform.order({"on": "categories", "count": 2, **fault})
    platform.order({"on": "branches", "count": 2, **fault})
    welcome(stage)
    bootstrap_all()
    row = one(stage)
    assert outcome(row) == ("queued", 1, None, None, f"branches: {code}; categories: {code}")
    assert seconds_until(row) == pytest.approx(5, abs=0.9)
    stage.later(seconds=6)
    bootstrap_all()
    assert outcome(one(stage))[:2] == ("queued", 2)
    assert seconds_until(one(stage)) == pytest.approx(10, abs=0.9)
    stage.later(seconds=11)
    bootstrap_all()
    assert outcome(one(stage)) == ("completed", 3, 2, 2, "")


def seconds_until(row: Bootstrap) -> float:
    assert row.due_at is not None
    return (row.due_at - clock.now()).total_seconds()


def attempts(stage: Stage, most: int) -> None:
    for _ in range(most):
        bootstrap_all()
        stage.later(minutes=1)


def test_when_all_attempts_have_failed_it_is_dead(stage: Stage, platform: Platform) -> None:
    platform.order({"mode": "error", "status": 500, "count": 99})
    welcome(stage)
    attempts(stage, 5)
    assert outcome(one(stage)) == ("dead", 3, None, None, "branches: http_500; categories: http_500")
    assert Counter(line["call"] for line in platform.calls()) == {"categories": 3, "branches": 3}
    assert wanted.next_due() is None


def test_only_the_missing_half_is_fetched_again_and_if_it_stays_away_it_is_partial(
    stage: Stage, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUFRAH_CACHE_TTL_MS", "1000")
    config.settings.cache_clear()
    platform.order({"on": "branches", "mode": "error", "status": 503, "count": 99})
    welcome(stage)
    attempts(stage, 5)
    assert outcome(one(stage)) == ("partial", 3, 2, None, "branches: http_503")
    assert Counter(line["call"] for line in platform.calls()) == {"categories": 1, "branches": 3}


def test_the_missing_half_may_come_later(stage: Stage, platform: Platform) -> None:
    platform.order({"on": "categories", "mode": "timeout"})
    welcome(stage)
    attempts(stage, 2)
    assert outcome(one(stage)) == ("completed", 2, 2, 2, "")
    assert Counter(line["call"] for line in platform.calls()) == {"categories": 2, "branches": 1}


def test_the_settings_say_how_often_and_when(stage: Stage, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_RETRY_ATTEMPTS", "2")
    monkeypatch.setenv("QUEUE_BACKOFF_DELAY", "60000")
    config.settings.cache_clear()
    platform.order({"mode": "error", "status": 500, "count": 99})
    welcome(stage)
    bootstrap_all()
    assert seconds_until(one(stage)) == pytest.approx(60, abs=0.9)
    attempts(stage, 3)
    assert outcome(one(stage))[:2] == ("dead", 2)


def test_when_the_platform_says_for_how_long_to_wait_it_is_left_alone_for_that_long(
    stage: Stage, platform: Platform
) -> None:
    platform.order({"on": "branches", "mode": "error", "status": 429, "retry_after": 90})
    welcome(stage)
    bootstrap_all()
    assert seconds_until(one(stage)) == pytest.approx(90, abs=0.9)


@pytest.mark.parametrize(
    ("merchant", "error", "calls"),
    [
        ("", "no_merchant", 0),
        ("nobody", "branches: no_merchant; categories: no_merchant", 2),
        ("..", "branches: no_merchant; categories: no_merchant", 0),
    ],
)
def test_a_merchant_that_is_not_there_is_dead_at_once(
    merchant: str, error: str, calls: int, stage: Stage, platform: Platform
) -> None:
    tenancy.edit_tenant("bait", {"catalog_merchant": merchant}, {})
    welcome(stage)
    attempts(stage, 3)
    assert outcome(one(stage)) == ("dead", 1, None, None, error)
    assert len(platform.calls()) == calls


def test_a_platform_that_is_not_set_up_is_dead_at_once(
    stage: Stage, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUFRAH_API_KEY")
    config.settings.cache_clear()
    welcome(stage)
    bootstrap_all()
    assert outcome(one(stage)) == ("dead", 1, None, None, "branches: not_configured; categories: not_configured")


def test_a_tenant_with_its_own_menu_completes_without_a_call(stage: Stage, platform: Platform) -> None:
    kept = Menu((MenuCategory("c", {"en": "Cakes"}, (MenuItem("i", {"en": "Cake"}, 500),)),))
    db.write(lambda: menus.keep(tenant(stage).id, kept, clock.now()))
    welcome(stage)
    bootstrap_all()
    assert outcome(one(stage)) == ("completed", 1, 1, 0, "")
    assert platform.calls() == []


def test_an_empty_menu_at_the_platform_is_a_menu(stage: Stage, platform: Platform) -> None:
    platform.merchants[sufrah.MERCHANT] = {"categories": [], "branches": []}
    welcome(stage)
    bootstrap_all()
    assert outcome(one(stage)) == ("completed", 1, 0, 0, "")


def test_a_cache_that_cannot_be_written_is_only_logged(
    stage: Stage, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    db.write(lambda: db.run("CREATE TRIGGER full BEFORE INSERT ON cache BEGIN SELECT RAISE(ABORT, 'no'); END"))
    welcome(stage)
    bootstrap_all()
    assert outcome(one(stage)) == ("completed", 1, 2, 2, "")
    assert "could not be written" in caplog.text


def test_who_waits_for_the_menu_is_answered_by_the_bootstraps_fetch(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    stage.says("menu", phone="+966500000000")
    stage.read()
    conversation = Conversation.get()
    wish = Want(WantKind.CATALOG)
    db.write(lambda: catalogs.want(tenant(stage), wish, conversation.id, clock.now()))
    bootstrap_all()
    assert fetch_all() == 0
    assert db.rows("SELECT count(*) FROM message WHERE answer_due_at <= ?", clock.now()) == [(1,)]
    assert len(platform.calls()) == 2


def test_while_somebody_else_fetches_it_waits_and_spends_no_attempt(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    keys = ["categories", "branches"]
    _, claimed = db.write(lambda: catalogs.fetching._count_or_claim(tenant(stage).id, keys, clock.now()))
    assert warming.run_next()
    assert outcome(one(stage)) == ("queued", 0, None, None, "")
    assert 0 < seconds_until(one(stage)) <= 0.3
    catalogs.fetching.fetch(claimed)
    stage.later(seconds=1)
    bootstrap_all()
    assert outcome(one(stage)) == ("completed", 1, 2, 2, "")
    assert len(platform.calls()) == 2
    assert len(db.rows("SELECT * FROM bootstrap_start")) == 1


def test_what_somebody_else_has_fetched_before_the_claim_is_counted_and_not_fetched_again(
    stage: Stage, platform: Platform
) -> None:
    """Looking and claiming are one write: between the two nobody can finish the same fetch."""
    welcome(stage)
    bootstrap_all()
    counts, claimed = db.write(
        lambda: catalogs.fetching._count_or_claim(tenant(stage).id, ["categories", "branches"], clock.now())
    )
    assert (counts, claimed) == ({"categories": 2, "branches": 2}, [])


# --- templates -----------------------------------------------------------------------------------

SIDS = {"CONTENT_SID_WELCOME": "HX" + "1" * 32, "CONTENT_SID_ORDER_READY": "HX" + "2" * 32}


@pytest.fixture
def elsewhere(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The stage's channel is one for which settings name templates by their content."""
    for name, value in {**SIDS, "TWILIO_CONTENT_API": "http://content.test"}.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    credentials = {"account_sid": "AC" + "1" * 32, "auth_token": "t" * 32}
    stage.channel = tenancy.add_channel("bait", "twilio", "+14155550100", credentials)
    return stage


def content(stage: Stage, sid: str, **answer: Any) -> Any:
    body = {"sid": sid, "language": "en", "variables": {}, "types": {"twilio/text": {"body": "Welcome"}}}
    return stage.provider.add("GET", f"http://content.test/v1/Content/{sid}", **({"json": body} | answer))


def by_hand(stage: Stage) -> Bootstrap:
    """A bootstrap for a customer of the stage's channel."""
    identity = words.Identity(phone="+966512345678")

    def add() -> Bootstrap:
        customer = customers.meet(stage.channel.tenant_id, identity, "", clock.now())
        return store.add(stage.channel.tenant_id, stage.channel.id, customer.id, clock.now())

    return db.write(add)


def again(row: Bootstrap) -> Bootstrap:
    found = store.find(row.id)
    assert found is not None
    return found


def test_templates_of_that_channel_are_warmed_once(elsewhere: Stage, platform: Platform) -> None:
    calls = [content(elsewhere, sid) for sid in SIDS.values()]
    first, second = by_hand(elsewhere), by_hand(elsewhere)
    bootstrap_all()
    assert (again(first).templates, again(second).templates) == (2, 2)
    assert [call.call_count for call in calls] == [1, 1]
    assert [row[0] for row in db.rows("SELECT name FROM template WHERE channel_id = ? ORDER BY name",
                                      elsewhere.channel.id)] == ["order_ready", "welcome"]  # fmt: skip


def test_templates_that_cannot_be_warmed_cost_nothing_else(
    elsewhere: Stage, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    content(elsewhere, SIDS["CONTENT_SID_WELCOME"], status=500)
    row = by_hand(elsewhere)
    bootstrap_all()
    assert outcome(again(row)) == ("completed", 1, 2, 2, "")
    assert again(row).templates is None
    assert "could not be warmed" in caplog.text


# --- limits --------------------------------------------------------------------------------------


def test_five_run_at_a_time_over_all_threads(stage: Stage, platform: Platform) -> None:
    running, most, counting = 0, 0, threading.Lock()
    serve = platform._merchant

    def count(merchant: str) -> Any:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with counting:
            running -= 1
        return serve(merchant)

    platform._merchant = count
    for n in range(12):
        platform.add_merchant(f"m{n}", sufrah.CATEGORIES, sufrah.BRANCHES)
        tenancy.add_tenant(tenancy.NewTenant(f"t{n}", "T", catalog_merchant=f"m{n}"), {})
        new = tenancy.find_tenant(f"t{n}")
        db.write(lambda new=new: store.add(new.id, None, someone(new.id), clock.now()))
    with ThreadPoolExecutor(12) as pool:
        while any(pool.map(lambda _: warming.run_next(), range(12))):
            continue
    assert {outcome(row) for row in bootstraps()} == {("completed", 1, 2, 2, "")}
    assert 4 <= most <= 2 * store.MOST_AT_A_TIME
    assert Counter((line["merchant"], line["call"]) for line in platform.calls()).most_common(1)[0][1] == 1


def someone(tenant_id: int) -> int:
    return customers.meet(tenant_id, words.Identity(phone="+966512345678"), "", clock.now()).id


def claim(now: datetime) -> Bootstrap | None:
    claimed = db.write(lambda: store.claim(now, warming.LEASE))
    return claimed[0] if claimed else None


def test_a_sixth_is_not_claimed_until_one_has_ended_or_its_lease_is_over(stage: Stage) -> None:
    welcome(stage, 7)
    now = clock.now()
    claimed = [claim(now) for _ in range(5)]
    assert all(claimed)
    assert claim(now) is None
    assert store.next_due(now) == claimed[0].due_at
    db.write(lambda: store.settle(claimed[0], BootstrapStatus.COMPLETED, None, now))
    assert store.next_due(now) <= now
    assert claim(now)
    assert claim(now) is None


def test_waiting_for_others_spends_no_attempt_however_often_the_write_is_tried(
    stage: Stage, platform: Platform
) -> None:
    welcome(stage)
    db.write(lambda: fetching._count_or_claim(tenant(stage).id, entries.HALVES, clock.now()))
    row, start = db.write(lambda: store.claim(clock.now(), warming.LEASE)) or pytest.fail("nothing was due")
    found = warming._attempt(row)
    assert found.is_busy
    with pytest.raises(ZeroDivisionError):
        db.write(lambda: (warming._settle(row, start, found, clock.now()), 1 // 0))
    db.write(lambda: warming._settle(row, start, found, clock.now()))
    assert outcome(one(stage)) == ("queued", 0, None, None, "")


def test_twenty_begin_in_any_minute(stage: Stage) -> None:
    welcome(stage, 50)
    began, start = [], clock.now()
    for step in range(180 * 4):
        now = start + timedelta(milliseconds=250 * step)
        while row := claim(now):
            began.append(now)
            db.write(lambda row=row, now=now: store.settle(row, BootstrapStatus.COMPLETED, None, now))
    assert len(began) == 50
    assert all(later - first >= timedelta(minutes=1) for first, later in zip(began, began[20:], strict=False))
    assert began[19] == start
    assert began[20] == start + timedelta(minutes=1)


def test_when_twenty_have_begun_the_next_is_due_a_minute_after_the_first(stage: Stage) -> None:
    welcome(stage, 21)
    now = clock.now()
    for _ in range(20):
        row = claim(now)
        db.write(lambda row=row: store.settle(row, BootstrapStatus.COMPLETED, None, now))
    assert claim(now) is None
    assert store.next_due(now) == now + timedelta(minutes=1)


def test_starts_of_a_clock_that_was_ahead_hold_nobody_up(stage: Stage) -> None:
    welcome(stage)
    ahead = clock.now() + timedelta(days=1)
    db.write(lambda: [db.run("INSERT INTO bootstrap_start (at) VALUES (?)", ahead) for _ in range(20)] and None)
    assert claim(clock.now())


# --- what is lost --------------------------------------------------------------------------------


def test_what_a_dead_process_was_running_is_run_by_another(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    assert claim(clock.now())
    assert not warming.run_next()
    namespace = one(stage).worker.rpartition(":")[2]
    db.write(lambda: db.run("UPDATE bootstrap SET worker = ?", f"999999:1:{namespace}"))
    upkeep.keep_house()
    bootstrap_all()
    assert outcome(one(stage)) == ("completed", 2, 2, 2, "")


def test_one_that_ends_its_process_each_time_is_dead_after_its_attempts(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    for _ in range(3):
        assert claim(clock.now())
        stage.later(minutes=3)
    bootstrap_all()
    assert outcome(one(stage)) == ("dead", 3, None, None, "worker_lost")
    assert platform.calls() == []


def test_a_late_worker_changes_nothing_of_what_another_has_in_hand(stage: Stage) -> None:
    welcome(stage)
    late = claim(clock.now())
    assert late is not None
    stage.later(minutes=3)
    assert claim(clock.now())
    assert not db.write(lambda: store.settle(late, BootstrapStatus.COMPLETED, None, clock.now()))
    assert one(stage).status is BootstrapStatus.RUNNING


def test_every_end_is_counted_and_old_ones_are_forgotten(stage: Stage, platform: Platform) -> None:
    welcome(stage, 2)
    bootstrap_all()
    assert tallies.counters(tallies.BOOTSTRAPS) == [({"status": "completed"}, 2)]
    body = stage.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    assert 'wabot_bootstraps_total{status="completed"} 2.0' in body
    stage.later(days=31)
    stage.keep_house()
    assert bootstraps() == []
    assert tallies.counters(tallies.BOOTSTRAPS) == [({"status": "completed"}, 2)]


def test_a_customer_who_turns_out_to_be_another_keeps_the_bootstrap(stage: Stage, platform: Platform) -> None:
    welcome(stage, 2)
    first, second = (row.customer_id for row in bootstraps())
    both = words.Identity(phone="+966500000000", wa_id="966500000001")
    db.write(lambda: customers.meet(tenant(stage).id, both, "", clock.now()))
    assert {row.customer_id for row in bootstraps()} == {first}
    assert first != second


def test_the_providers_api_was_never_called(stage: Stage, platform: Platform) -> None:
    welcome(stage)
    bootstrap_all()
    assert stage.provider.assert_call_count(API, 0)
