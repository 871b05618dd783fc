"""What a tenant offers, for the bot and whoever else asks: the menu that it keeps here, else the one that the order
platform's catalog has, as far as the cache knows it. What is missing is fetched by whoever is free; conversations wait
for it, and are answered when it is there or could not be had."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wabot import clock, words
from wabot.core import entries, fetching
from wabot.store import cache, db, menus, wanted, workers
from wabot.store.tenants import Tenant
from wabot.words import Coverage, Menu, OrderType, PaymentMethod, Want

LONGEST_WAIT = timedelta(seconds=20)
"""How long an answer waits for a fetch at most; then the bot is asked again, whatever became of it."""
LOOK_AGAIN = timedelta(seconds=1)
FAILED_LATELY = timedelta(seconds=10)
FORGOTTEN_AT_ONCE = 100
MOST_REFRESHED = 3
"""Stale entries that one look has fetched anew: a customer at a menu of thirty shelves shall not cause thirty calls."""


There = Mapping[str, entries.Held]


@dataclass(frozen=True, slots=True)
class Known:
    """What can be known without waiting. `is_known` is False while categories or branches are not there; `failed` is
    what was tried lately without success and is not there; `coverage` is by `Want.key`, and `checks_places` False where
    nobody can tell it; `stale` are keys of the cache that should be fetched anew."""

    menu: Menu
    is_known: bool = True
    failed: frozenset[Want] = frozenset()
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    checks_places: bool = False
    stale: tuple[str, ...] = ()


def is_fetched(tenant: Tenant) -> bool:
    """Whether the tenant's menu comes from the platform: it has a merchant there, and keeps no menu of its own."""
    return bool(tenant.catalog_merchant) and not menus.load(tenant.id).categories


def known(tenant: Tenant, now: datetime, *, branch_id: str = "") -> Known:
    """What is known of the tenant's menu, with the items that are sold at that branch. Reads the file only."""
    kept = menus.load(tenant.id)
    if kept.categories or not tenant.catalog_merchant:
        return Known(kept)
    there = entries.held(tenant.id, now, lambda key: entries.concerns(key, branch_id))
    shelves, branches = there.get(entries.CATEGORIES), there.get(entries.BRANCHES)
    categories = tuple(_with_items(category, there, branch_id) for category in (shelves.value if shelves else ()))
    return Known(
        menu=Menu(categories, branches.value if branches else (), tuple(OrderType), tuple(PaymentMethod)),
        is_known=shelves is not None and branches is not None,
        failed=_failed(tenant.id, there, now),
        coverage=entries.Places(tenant.id, now),
        checks_places=True,
        stale=_stale(there),
    )


def _with_items(category: words.MenuCategory, there: There, branch_id: str) -> words.MenuCategory:
    held = there.get(entries.of_items(category.id, branch_id))
    return category if held is None else replace(category, items=held.value, is_known=True)


def _failed(tenant_id: int, there: There, now: datetime) -> frozenset[Want]:
    failed = wanted.failed_since(tenant_id, now - FAILED_LATELY, now)
    return frozenset(entries.want_of(key) for key in failed if key not in there)


def _stale(there: There) -> tuple[str, ...]:
    """The oldest first, but before all what everything else hangs on."""
    old = [key for key, held in there.items() if not held.is_fresh]
    return tuple(sorted(old, key=lambda key: (key not in entries.HALVES, there[key].fetched_at)))


def want(tenant: Tenant, wish: Want, conversation_id: int, now: datetime) -> None:
    """Inside a write: have it fetched, once however many want it. No message of the conversation is answered until it
    is there or could not be had, or LONGEST_WAIT is over.

    Whoever wants what is there, or failed a moment ago, or what a kept menu has anyway, has not looked: that is a
    mistake of ours, which must neither spin here nor be felt by the platform.
    """
    keys = entries.keys_of(wish) if is_fetched(tenant) else ()
    there = entries.held(tenant.id, now, keys.__contains__)
    failed = wanted.failed_since(tenant.id, now - FAILED_LATELY, now)
    missing = [key for key in keys if key not in there]
    until = now + (LONGEST_WAIT if missing else LOOK_AGAIN)
    for key in missing:
        due_at = now + FAILED_LATELY if key in failed else now
        wanted.wait(wanted.ask(tenant.id, key, due_at), conversation_id, until)
    wanted.hold_answers(conversation_id, until)


def refresh_due(tenant: Tenant, seen: Known, now: datetime) -> None:
    """Inside a write: have what was looked at and is stale fetched anew, while everybody goes on using it."""
    if not seen.stale:
        return
    failed = wanted.failed_since(tenant.id, now - FAILED_LATELY, now)
    for key in [key for key in seen.stale if key not in failed][:MOST_REFRESHED]:
        wanted.ask(tenant.id, key, now)


def fetch_next() -> bool:
    """Fetch what has been wanted for longest (both halves of a catalog together); False when nothing was. No
    transaction is open meanwhile."""
    claimed = db.write(lambda: _claim(clock.now()))
    if not claimed:
        return False
    fetching.fetch(claimed)
    return True


def _claim(now: datetime) -> list[wanted.Wanted]:
    first = wanted.first_due(now, fetching.LEASE)
    if first is None:
        return []
    return fetching.claim(first.tenant_id, _together(first.key), now)


def _together(key: str) -> Iterable[str]:
    return entries.HALVES if key in entries.HALVES else (key,)


def recover_lost() -> None:
    """What processes that are gone were fetching is fetched by others."""
    for owner in wanted.owners():
        if workers.is_gone(owner):
            db.write(lambda owner=owner: wanted.abandon(owner, clock.now()))  # type: ignore[misc]


def mind_the_clock() -> None:
    """After the wall clock jumped: what is due in an impossible future is fetched now."""
    now = clock.now()
    db.write(lambda: wanted.bring_forward(now, fetching.LEASE))


def forget_old(now: datetime) -> bool:
    """Drop a little of what can be of no use any more; True while there is more."""
    return bool(
        db.write(
            lambda: cache.expire(now, FORGOTTEN_AT_ONCE) + wanted.forget_failed(now - FAILED_LATELY, FORGOTTEN_AT_ONCE)
        )
    )
