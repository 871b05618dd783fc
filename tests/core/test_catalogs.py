"""What is known of a menu at the platform: fetched once for all who want it, served while it is fetched anew, never
kept when it failed; and whoever waits for it is answered."""

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.core.conftest import Stage
from tests.core.menus_at_the_platform import fetch_all, known, platform, tenant
from tests.fakes import sufrah
from tests.watching import watched
from wabot import clock, config, words
from wabot.core import catalogs, entries, tenancy, upkeep
from wabot.store import cache, db, menus, messages, wanted
from wabot.store.customers import Conversation
from wabot.store.fields import pack
from wabot.words import Coverage, Menu, MenuCategory, MenuItem, OrderType, PaymentMethod, Want, WantKind

__all__ = ["platform"]

CATALOG = Want(WantKind.CATALOG)
GRILLS = Want(WantKind.ITEMS, f"{sufrah.GRILLS}|")
HERE = Want(WantKind.COVERAGE, "24.71355,46.67530")
Platform = sufrah.Sufrah


def want(stage: Stage, wish: Want = CATALOG, conversation_id: int | None = None) -> int:
    """A conversation wants something; returns the conversation."""
    if conversation_id is None:
        stage.says("menu")
        stage.read()
        conversation_id = Conversation.select().order_by(Conversation.id.desc()).get().id
    db.write(lambda: catalogs.want(tenant(stage), wish, conversation_id, clock.now()))
    return conversation_id


def due_in(conversation_id: int) -> list[float]:
    """In how many seconds each unanswered message is due."""
    now = clock.now()
    return [(row.answer_due_at - now).total_seconds() for row in messages.unanswered(conversation_id)]


def test_nothing_is_known_before_it_is_fetched_and_all_of_it_after(stage: Stage, platform: Platform) -> None:
    assert known(stage).is_known is False
    want(stage)
    assert fetch_all() == 1
    now_known = known(stage)
    assert now_known.is_known
    assert [category.name["en"] for category in now_known.menu.categories] == ["Grills", "Drinks"]
    assert [branch.id for branch in now_known.menu.branches] == [sufrah.OLAYA, sufrah.MALAZ]
    assert now_known.menu.types == tuple(OrderType)
    assert now_known.menu.payments == tuple(PaymentMethod)
    assert not any(category.is_known for category in now_known.menu.categories)
    assert (now_known.failed, now_known.stale) == (frozenset(), ())


def test_items_are_known_for_the_branch_that_they_were_fetched_for(stage: Stage, platform: Platform) -> None:
    want(stage)
    want(stage, Want(WantKind.ITEMS, f"{sufrah.GRILLS}|{sufrah.OLAYA}"))
    fetch_all()
    grills, drinks = known(stage, sufrah.OLAYA).menu.categories
    assert (grills.is_known, drinks.is_known) == (True, False)
    assert [item.price_minor for item in grills.items] == [1850, 2475]
    assert not any(category.is_known for category in known(stage).menu.categories)
    assert platform.calls("products")[0]["path"].endswith(f"?branchId={sufrah.OLAYA}")


def test_whether_a_place_is_covered_is_known_by_its_key_and_soon_forgotten(stage: Stage, platform: Platform) -> None:
    want(stage, HERE)
    fetch_all()
    assert known(stage).coverage == {HERE.key: Coverage(True, sufrah.OLAYA)}
    stage.later(minutes=3)
    assert known(stage).coverage == {}
    stage.keep_house()
    assert db.rows("SELECT * FROM cache") == []


def test_a_kept_menu_comes_before_the_platforms_and_is_always_known(stage: Stage, platform: Platform) -> None:
    kept = Menu((MenuCategory("c", {"en": "Cakes"}, (MenuItem("i", {"en": "Cake"}, 500),)),))
    db.write(lambda: menus.keep(tenant(stage).id, kept, clock.now()))
    assert known(stage).is_known
    assert known(stage).menu.categories == menus.load(tenant(stage).id).categories
    assert not catalogs.is_fetched(tenant(stage))
    db.write(lambda: menus.keep(tenant(stage).id, Menu(), clock.now()))
    assert catalogs.is_fetched(tenant(stage))


def test_a_tenant_with_neither_has_an_empty_menu_that_is_known(stage: Stage) -> None:
    assert known(stage) == catalogs.Known(Menu())


def test_both_halves_are_fetched_at_the_same_time(stage: Stage, platform: Platform) -> None:
    both = threading.Barrier(2, timeout=5)
    serve = platform._merchant
    platform._merchant = lambda merchant: (both.wait(), serve(merchant))[1]
    want(stage)
    assert fetch_all() == 1
    assert known(stage).is_known


def test_who_waits_is_answered_when_all_of_it_is_there(stage: Stage, platform: Platform) -> None:
    waiting = want(stage)
    assert due_in(waiting) == [pytest.approx(catalogs.LONGEST_WAIT.total_seconds(), abs=1)]
    assert fetch_all() == 1
    assert due_in(waiting)[0] <= 0
    assert db.rows("SELECT * FROM wanted") == db.rows("SELECT * FROM waiting") == []


@pytest.mark.parametrize("order", [1, -1])
def test_who_waits_for_two_things_is_not_answered_after_the_first(order: int, stage: Stage, platform: Platform) -> None:
    waiting = want(stage, GRILLS)
    stage.later(seconds=1)
    want(stage, HERE, waiting)
    one = tenant(stage).id
    for wish in [GRILLS, HERE][::order]:
        assert due_in(waiting)[0] > 10
        catalogs.fetching.fetch(
            db.write(lambda wish=wish: catalogs.fetching.claim(one, entries.keys_of(wish), clock.now()))
        )
    assert due_in(waiting)[0] <= 0


def test_who_waits_is_answered_when_it_could_not_be_had_and_it_is_said_for_ten_seconds(
    stage: Stage, platform: Platform
) -> None:
    platform.order({"on": "categories", "mode": "error", "status": 500})
    waiting = want(stage)
    assert fetch_all() == 1
    assert due_in(waiting)[0] <= 0
    assert known(stage).failed == {CATALOG}
    assert known(stage).menu.branches
    stage.later(seconds=11)
    assert known(stage).failed == frozenset()
    assert fetch_all() == 0
    want(stage, CATALOG, waiting)
    assert fetch_all() == 1
    assert known(stage).is_known
    assert len(platform.calls("categories")) == 2
    assert len(platform.calls("branches")) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"mode": "timeout"}, "timeout"),
        ({"mode": "reset_before"}, "connection_lost"),
        ({"mode": "broken_json"}, "unreadable_answer"),
        ({"mode": "error", "status": 401}, "http_401"),
        ({"mode": "error", "status": 404}, "no_category"),
        ({"mode": "error", "status": 429, "retry_after": 60}, "http_429"),
    ],
)
def test_no_failure_is_ever_kept(fault: dict[str, object], code: str, stage: Stage, platform: Platform) -> None:
    platform.order({"on": "products", **fault})
    want(stage, GRILLS)
    fetch_all()
    assert db.rows("SELECT * FROM cache") == []
    assert db.rows("SELECT error_code FROM wanted") == [(code,)]
    assert known(stage).failed == {GRILLS}
    stage.later(seconds=15)
    stage.keep_house()
    assert db.rows("SELECT * FROM wanted") == []


def test_a_place_that_is_none_fails_without_a_call(stage: Stage, platform: Platform) -> None:
    want(stage, Want(WantKind.COVERAGE, "here"))
    fetch_all()
    assert known(stage).failed == {Want(WantKind.COVERAGE, "here")}
    assert platform.calls() == []


def test_messages_that_come_meanwhile_wait_with_it_and_nothing_spins(stage: Stage, platform: Platform) -> None:
    waiting = want(stage)
    stage.says("hurry")
    stage.answer()
    assert min(due_in(waiting)) > 10
    assert stage.out() == []
    fetch_all()
    stage.answer()
    assert due_in(waiting) == []


def test_a_message_that_waits_for_another_reason_is_not_woken(stage: Stage, platform: Platform) -> None:
    waiting = want(stage)
    [message] = messages.unanswered(waiting)
    later = clock.now() + timedelta(minutes=5)
    db.write(lambda: messages.wait_for_answer(message.id, later, admitted=False))
    fetch_all()
    assert due_in(waiting)[0] > 200


def test_what_is_wanted_though_it_is_there_is_looked_at_again_a_little_later(stage: Stage, platform: Platform) -> None:
    want(stage)
    fetch_all()
    again = want(stage)
    assert 0 < due_in(again)[0] <= 1
    assert fetch_all() == 0


def test_what_failed_a_moment_ago_is_not_hammered(stage: Stage, platform: Platform) -> None:
    platform.order({"on": "products", "mode": "error", "status": 500, "count": 99})
    waiting = want(stage, GRILLS)
    for _ in range(5):
        fetch_all()
        want(stage, GRILLS, waiting)
    assert len(platform.calls()) == 1
    stage.later(seconds=11)
    assert fetch_all() == 1


def test_whoever_wants_what_a_kept_menu_has_waits_a_little_and_makes_no_call(stage: Stage, platform: Platform) -> None:
    tenancy.edit_tenant("bait", {"catalog_merchant": ""}, {})
    waiting = want(stage)
    assert 0 < due_in(waiting)[0] <= 1
    assert fetch_all() == 0
    assert platform.calls() == []


def test_a_hundred_conversations_want_it_and_it_is_fetched_once(stage: Stage, platform: Platform) -> None:
    for n in range(100):
        stage.says("menu", phone=f"+9665{n:08}")
    stage.read()
    everybody = [row.id for row in Conversation.select()]
    for conversation_id in everybody:
        want(stage, CATALOG, conversation_id)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: fetch_all(), range(8)))
    assert sorted(line["call"] for line in platform.calls()) == ["branches", "categories"]
    assert all(due_in(conversation_id)[0] <= 0 for conversation_id in everybody)


def test_what_is_stale_is_served_while_it_is_fetched_anew(stage: Stage, platform: Platform) -> None:
    want(stage)
    want(stage, GRILLS)
    fetch_all()
    platform.merchants[sufrah.MERCHANT]["categories"] = [sufrah.category("new", "جديد", "New")]
    stage.later(minutes=4)
    seen = known(stage)
    assert seen.is_known
    assert seen.menu.categories[0].items
    assert set(seen.stale) == {"categories", "branches", entries.of_items(sufrah.GRILLS, "")}
    db.write(lambda: catalogs.refresh_due(tenant(stage), seen, clock.now()))
    assert known(stage).menu == seen.menu
    fetch_all()
    assert [category.id for category in known(stage).menu.categories] == ["new"]
    assert known(stage).stale == ()


def test_what_nobody_looks_at_is_not_fetched_anew(stage: Stage, platform: Platform) -> None:
    want(stage)
    fetch_all()
    stage.later(minutes=30)
    stage.keep_house()
    assert fetch_all() == 0


def test_a_refresh_that_fails_costs_nothing_and_is_not_repeated_at_once(stage: Stage, platform: Platform) -> None:
    want(stage)
    fetch_all()
    stage.later(minutes=4)
    platform.order({"mode": "error", "status": 500, "count": 99})
    db.write(lambda: catalogs.refresh_due(tenant(stage), known(stage), clock.now()))
    assert fetch_all() == 1
    seen = known(stage)
    assert seen.is_known
    assert seen.failed == frozenset()
    db.write(lambda: catalogs.refresh_due(tenant(stage), seen, clock.now()))
    assert fetch_all() == 0
    stage.later(seconds=11)
    db.write(lambda: catalogs.refresh_due(tenant(stage), known(stage), clock.now()))
    assert fetch_all() == 1


def test_one_look_refreshes_a_few_things_first_those_on_which_all_hangs(stage: Stage, platform: Platform) -> None:
    want(stage)
    for n in range(20):
        platform.products[f"c{n}"] = []
        want(stage, Want(WantKind.ITEMS, f"c{n}|"))
    fetch_all()
    stage.later(minutes=4)
    db.write(lambda: catalogs.refresh_due(tenant(stage), known(stage), clock.now()))
    asked = [row[0] for row in db.rows("SELECT key FROM wanted ORDER BY id")]
    assert asked == ["branches", "categories", "items:c0|"] or asked == ["categories", "branches", "items:c0|"]


def test_after_an_hour_it_is_gone(stage: Stage, platform: Platform) -> None:
    want(stage)
    fetch_all()
    stage.later(minutes=59)
    assert known(stage).is_known
    stage.later(minutes=2)
    empty = Menu((), (), tuple(OrderType), tuple(PaymentMethod))
    assert known(stage) == catalogs.Known(empty, is_known=False, checks_places=True)
    stage.keep_house()
    assert db.rows("SELECT * FROM cache") == []


def test_the_setting_says_how_long_it_is_fresh(
    stage: Stage, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUFRAH_CACHE_TTL_MS", str(3 * 3_600_000))
    config.settings.cache_clear()
    want(stage)
    fetch_all()
    stage.later(hours=2, minutes=59)
    assert known(stage).is_known
    assert known(stage).stale == ()
    stage.later(minutes=2)
    assert not known(stage).is_known


def test_an_entry_of_a_clock_that_was_ahead_counts_for_nothing(stage: Stage, platform: Platform) -> None:
    stage.later(hours=5)
    want(stage)
    fetch_all()
    stage.later(hours=-5)
    assert not known(stage).is_known


def test_a_lease_of_a_clock_that_was_ahead_holds_nobody_up(stage: Stage, platform: Platform) -> None:
    want(stage)
    db.write(lambda: db.run("UPDATE wanted SET due_at = ?", clock.now() + timedelta(days=2)))
    assert fetch_all() == 1


def test_an_entry_that_this_version_cannot_read_is_fetched_anew(stage: Stage, platform: Platform) -> None:
    want(stage)
    fetch_all()
    age = {"fresh_for": timedelta(minutes=3), "usable_for": timedelta(hours=1)}
    strange = pack(json.dumps([{"of": "a later version"}]).encode())
    stage.later(seconds=1)
    db.write(lambda: cache.put(tenant(stage).id, "categories", strange, now=clock.now(), **age))
    assert not known(stage).is_known
    waiting = want(stage)
    assert due_in(waiting)[0] > 10
    fetch_all()
    assert known(stage).is_known


def test_what_cannot_be_kept_is_told_as_a_failure_and_not_wanted_for_ever(
    stage: Stage, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    db.write(lambda: db.run("CREATE TRIGGER full BEFORE INSERT ON cache BEGIN SELECT RAISE(ABORT, 'no'); END"))
    waiting = want(stage)
    fetch_all()
    assert due_in(waiting)[0] <= 0
    assert known(stage).failed == {CATALOG}
    assert "could not be written" in caplog.text


def test_a_process_that_died_while_fetching_holds_nobody_up(stage: Stage, platform: Platform) -> None:
    want(stage)
    db.write(lambda: wanted.claim(tenant(stage).id, ["categories", "branches"], clock.now(), timedelta(seconds=24)))
    assert fetch_all() == 0
    namespace = db.rows("SELECT worker FROM wanted")[0][0].rpartition(":")[2]
    db.write(lambda: db.run("UPDATE wanted SET worker = ?", f"999999:1:{namespace}"))
    upkeep.keep_house()
    assert fetch_all() == 1
    assert known(stage).is_known


def test_what_ends_its_process_again_and_again_is_given_up(stage: Stage, platform: Platform) -> None:
    waiting = want(stage, GRILLS)
    for _ in range(3):
        db.write(lambda: wanted.claim(tenant(stage).id, [f"items:{GRILLS.key}"], clock.now(), timedelta(seconds=24)))
        stage.later(seconds=25)
    assert fetch_all() == 1
    assert platform.calls() == []
    assert due_in(waiting)[0] <= 0
    assert db.rows("SELECT error_code FROM wanted") == [("worker_lost",)]


def test_another_merchant_has_another_menu(stage: Stage, platform: Platform) -> None:
    platform.add_merchant("other", [sufrah.category("o", "أخرى", "Other")], [])
    want(stage)
    fetch_all()
    tenancy.edit_tenant("bait", {"catalog_merchant": "other"}, {})
    assert not known(stage).is_known
    want(stage)
    fetch_all()
    assert [category.id for category in known(stage).menu.categories] == ["o"]


def test_an_answer_about_the_former_merchant_is_not_kept(stage: Stage, platform: Platform) -> None:
    serve = platform._merchant

    def change_meanwhile(merchant: str) -> object:
        tenancy.edit_tenant("bait", {"catalog_merchant": "other"}, {})
        return serve(merchant)

    platform._merchant = change_meanwhile
    waiting = want(stage)
    fetch_all()
    assert db.rows("SELECT * FROM cache") == []
    assert due_in(waiting)[0] <= 0


def test_one_tenant_knows_nothing_of_anothers_entries(stage: Stage, platform: Platform, make_channel: object) -> None:
    want(stage)
    fetch_all()
    make_channel("elsewhere", "+966500000009", catalog_merchant="nobody")  # type: ignore[operator]
    other = tenancy.find_tenant("elsewhere")
    assert catalogs.known(other, clock.now()).menu.categories == ()
    assert not catalogs.known(other, clock.now()).is_known
    [entry, *_] = cache.usable(tenant(stage).id, clock.now()).values()
    assert cache.body(tenant(stage).id, entry.id, entry.fetched_at)
    assert cache.body(other.id, entry.id, entry.fetched_at) is None


def test_a_removed_tenant_leaves_nothing(stage: Stage, platform: Platform) -> None:
    want(stage)
    fetch_all()
    want(stage, GRILLS)
    tenancy.remove_tenant("bait")
    assert fetch_all() == 0
    for table in ("cache", "wanted", "waiting"):
        assert db.rows(f"SELECT * FROM {table}") == []


def test_the_cache_of_a_tenant_is_bounded_and_the_oldest_go_first(stage: Stage) -> None:
    age = {"fresh_for": timedelta(minutes=3), "usable_for": timedelta(hours=1)}
    for n in range(cache.MOST_ENTRIES + 3):
        now = clock.now() + timedelta(milliseconds=n)
        db.write(lambda n=n, now=now: cache.put(1, f"items:{n}|", pack(b"[]"), now=now, **age))
    keys = set(cache.usable(1, clock.now() + timedelta(seconds=1)))
    assert len(keys) == cache.MOST_ENTRIES
    assert not keys & {"items:0|", "items:1|", "items:2|"}


def test_an_entry_that_is_too_large_is_refused(stage: Stage) -> None:
    age = {"fresh_for": timedelta(minutes=3), "usable_for": timedelta(hours=1)}
    noise = random.Random(1).randbytes(cache.LARGEST)
    assert not db.write(lambda: cache.put(1, "items:x|", pack(noise), now=clock.now(), **age))


def test_no_place_of_a_customer_stands_in_the_log(
    stage: Stage, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    platform.order({"mode": "error", "status": 500})
    want(stage, HERE)
    fetch_all()
    [record] = [record for record in caplog.records if "catalog" in record.message]
    assert "24.7" not in str(vars(record))


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("catalog")]


def test_words_survive_the_cache(stage: Stage, platform: Platform) -> None:
    want(stage)
    want(stage, GRILLS)
    fetch_all()
    client = catalogs.fetching.client(tenant(stage), seconds=5)
    [grills, _] = known(stage).menu.categories
    assert grills.items == client.items(sufrah.GRILLS)
    assert known(stage).menu.branches == client.branches()
    assert isinstance(grills.items[0].options[0].choices[0], words.Choice)


def test_what_a_look_at_the_menu_reads_does_not_grow_with_the_places_that_others_sent(
    stage: Stage, platform: sufrah.Sufrah
) -> None:
    def keep(places: int) -> None:
        for number in range(places):
            body = pack(entries.written(key := f"{entries.COVERAGE}24.{number:05},46.00000", Coverage(True)))
            cache.put(stage.channel.tenant_id, key, body, now=clock.now(), fresh_for=hour, usable_for=hour)

    hour = timedelta(hours=1)
    db.write(lambda: keep(20))
    with watched() as seen:
        found = known(stage)
    assert [sql for sql in seen.statements if "SELECT body FROM cache" in sql] == []
    assert found.coverage["24.00007,46.00000"] == Coverage(True)
    assert "24.00020,46.00000" not in found.coverage
