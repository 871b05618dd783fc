"""Fetch from the catalog what was claimed, all of it at the same time, and keep what came. No transaction is open
meanwhile; what comes first is kept first."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wabot import clock, config, errors
from wabot.catalog import Catalog
from wabot.core import entries, profile
from wabot.store import cache, db, tenants, wanted
from wabot.store.fields import pack
from wabot.store.tenants import Tenant
from wabot.store.wanted import Wanted

log = logging.getLogger(__name__)

LONGEST_CALL_SECONDS = 8.0
"""A customer waits for it."""
LEASE = timedelta(seconds=3 * LONGEST_CALL_SECONDS)
MOST_TRIES = 3
"""What kills its worker so often is not tried again by itself."""

Outcome = entries.Value | errors.ProviderFailure


@dataclass(slots=True)
class Fetched:
    """How many of each there are, and what could not be had; `busy` is what somebody else is fetching right now."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, errors.ProviderFailure] = field(default_factory=dict)
    busy: tuple[str, ...] = ()


def client(tenant: Tenant, *, seconds: float) -> Catalog:
    """The platform as the tenant's merchant sees it."""
    return Catalog(config.settings(), tenant.catalog_merchant, seconds=seconds, digits=profile.currency_digits(tenant))


def claim(tenant_id: int, keys: Iterable[str], now: datetime) -> list[Wanted]:
    """Inside a write: those of these things that are wanted and that nobody is fetching, for the caller to `fetch`."""
    return wanted.claim(tenant_id, keys, now, LEASE)


def obtain(tenant: Tenant, keys: Sequence[str]) -> Fetched:
    """How many of each of these lists there are: from the cache where it is fresh, else fetched now."""
    counts, claimed = db.write(lambda: _count_or_claim(tenant.id, keys, clock.now()))
    fetched = fetch(claimed)
    fetched.counts |= counts
    fetched.busy = tuple(sorted(set(keys) - set(counts) - {row.key for row in claimed}))
    return fetched


def _count_or_claim(tenant_id: int, keys: Sequence[str], now: datetime) -> tuple[dict[str, int], list[Wanted]]:
    """Inside a write, so that what somebody else has fetched by then is not fetched once more: how many there are of
    what is fresh, and the claim to what is not."""
    there = entries.held(tenant_id, now, keys.__contains__)
    counts = {key: len(held.value) for key, held in there.items() if held.is_fresh}
    missing = [key for key in keys if key not in counts]
    for key in missing:
        wanted.ask(tenant_id, key, now)
    return counts, claim(tenant_id, missing, now)


def fetch(claimed: Sequence[Wanted]) -> Fetched:
    """Call for all of it at once, keep what comes, and answer who waits. Everything claimed is of one tenant."""
    fetched = Fetched()
    tenant = tenants.by_id(claimed[0].tenant_id) if claimed else None
    if tenant is None:
        return fetched
    for row, outcome in _called(tenant, claimed):
        if isinstance(outcome, errors.ProviderFailure):
            fetched.failures[row.key] = outcome
            log.warning("the catalog does not answer", extra=_about(row, code=outcome.code))
            _fail(row, outcome.code)
        else:
            fetched.counts[row.key] = len(outcome) if isinstance(outcome, tuple) else 1
            _keep(tenant, row, outcome)
    return fetched


def _called(tenant: Tenant, claimed: Sequence[Wanted]) -> Iterator[tuple[Wanted, Outcome]]:
    """What became of each, in the order in which they end."""
    if len(claimed) == 1:
        yield claimed[0], _call(tenant, claimed[0])
        return
    with ThreadPoolExecutor(len(claimed), thread_name_prefix="catalog") as pool:
        calls = {pool.submit(_call, tenant, row): row for row in claimed}
        for call in as_completed(calls):
            yield calls[call], call.result()


def _call(tenant: Tenant, row: Wanted) -> Outcome:
    """Touches no file: it may run in a thread of its own."""
    if row.tries > MOST_TRIES:
        return errors.PermanentFailure("worker_lost", "fetching this ended its process")
    catalog = client(tenant, seconds=min(LONGEST_CALL_SECONDS, config.settings().wabot_send_timeout))
    try:
        return _ask(catalog, row.key)
    except errors.ProviderFailure as failure:
        return failure
    except Exception as error:
        log.exception("the client of the catalog failed", extra=_about(row))
        return errors.TemporaryFailure("client_failed", type(error).__name__)


def _ask(catalog: Catalog, key: str) -> entries.Value:
    if key == entries.CATEGORIES:
        return catalog.categories()
    if key == entries.BRANCHES:
        return catalog.branches()
    kind, _, rest = key.partition(":")
    if f"{kind}:" == entries.ITEMS:
        category_id, _, branch_id = rest.rpartition("|")
        return catalog.items(category_id, branch_id)
    try:
        latitude, longitude = map(float, rest.split(","))
    except ValueError as error:
        raise errors.PermanentFailure("no_place", "neither a latitude nor a longitude") from error
    return catalog.coverage(latitude, longitude)


def _keep(tenant: Tenant, row: Wanted, value: entries.Value) -> None:
    """What cannot be kept is logged, and whoever waited for it is told as if it had not come: they would look for it
    in the cache for ever."""
    body = pack(entries.written(row.key, value))
    try:
        kept = db.write(lambda: _put(tenant, row, body, clock.now()))
    except Exception:
        log.exception("an entry of the cache could not be written", extra=_about(row))
        kept = False
    if not kept:
        log.warning("an answer of the catalog was not kept", extra=_about(row, bytes=len(body)))
        _fail(row, "not_kept")
        return
    entries.held(tenant.id, clock.now(), row.key.__eq__)  # read here, so that the bot need not inside its write


def _put(asked: Tenant, row: Wanted, body: bytes, now: datetime) -> bool:
    """Not the answer about a merchant that is the tenant's no more."""
    tenant = tenants.by_id(asked.id)
    if tenant is None or (tenant.catalog_merchant, tenant.currency) != (asked.catalog_merchant, asked.currency):
        return False
    fresh_for, usable_for = _life(row.key)
    if not cache.put(row.tenant_id, row.key, body, now=now, fresh_for=fresh_for, usable_for=usable_for):
        return False
    wanted.finish(row, now)
    return True


def _life(key: str) -> tuple[timedelta, timedelta]:
    """How long an entry is fresh, and how long it is served while somebody fetches it anew."""
    if key.startswith(entries.COVERAGE):
        return entries.COVERAGE_FOR, entries.COVERAGE_FOR
    fresh_for = timedelta(milliseconds=config.settings().sufrah_cache_ttl_ms)
    return fresh_for, max(fresh_for, entries.USABLE_FOR)


def _fail(row: Wanted, code: str) -> None:
    db.write(lambda: wanted.fail(row, code, clock.now()))


def _about(row: Wanted, **more: object) -> dict[str, object]:
    """Which thing it is, for the log; not where a customer stands."""
    return {"tenant": row.tenant_id, "of": row.key.partition(":")[0], **more}
