"""The welcome bootstrap: when a customer is welcomed, what the next taps will need is fetched in the background. The
welcome never waits for it, and nothing depends on it: whatever is missing is fetched when it is asked for."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wabot import clock, config, errors, words
from wabot.core import catalogs, entries, fetching, numbers, shapes, templates, tenancy
from wabot.store import bootstraps, customers, db, menus, tenants, workers
from wabot.store import templates as registry
from wabot.store.bootstraps import Bootstrap, BootstrapStatus
from wabot.store.customers import Conversation
from wabot.store.tenants import Tenant

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
LONGEST_DELAY = timedelta(hours=1)
OTHERS_ARE_AT_IT = timedelta(milliseconds=300)
LONGEST_RUN_SECONDS = 120.0
"""How long `run` stays with a bootstrap; then the consumer goes on with it."""
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Found:
    """What an attempt came to: why something is missing, if it is, and what that means."""

    error: str = ""
    is_hopeless: bool = False
    is_busy: bool = False
    wait: timedelta = timedelta()


def follow(conversation: Conversation, drafts: Iterable[words.Draft], now: datetime) -> None:
    """Inside a write: these drafts are being queued. Where they welcome a customer, a bootstrap is queued with them;
    one for each customer of a channel."""
    if not any(draft.purpose == words.Purpose.WELCOME for draft in drafts):
        return
    if not bootstraps.had_one(conversation.customer_id, conversation.channel_id):
        bootstraps.add(conversation.tenant_id, conversation.channel_id, conversation.customer_id, now)


def run_next() -> bool:
    """Run the next bootstrap that may run now; False when there was none."""
    return _run_one(None)


def _run_one(only: int | None) -> bool:
    claimed = db.write(lambda: bootstraps.claim(clock.now(), LEASE, only))
    if claimed is None:
        return False
    row, start = claimed
    began = clock.monotonic()
    found = _attempt(row)
    row.ms += round((clock.monotonic() - began) * 1000)
    db.write(lambda: _settle(row, start, found, clock.now()))
    return True


def _attempt(row: Bootstrap) -> _Found:
    """One attempt; what is there from an earlier one is not fetched again."""
    if row.attempts > config.settings().queue_retry_attempts:
        row.attempts -= 1
        return _Found("worker_lost")
    tenant = tenants.by_id(row.tenant_id)
    if tenant is None:
        return _Found("tenant_gone", is_hopeless=True)
    try:
        found = _have_menu(row, tenant)
        if row.templates is None and not found.is_hopeless:
            row.templates = _warm_templates(row)
    except errors.CannotWrite:
        raise
    except Exception as error:
        log.exception("a bootstrap failed", extra={"bootstrap": row.id})
        return _Found(type(error).__name__)
    if found.is_busy:
        row.attempts -= 1  # here, not in the write that follows: that may run twice
    return found


def _have_menu(row: Bootstrap, tenant: Tenant) -> _Found:
    if not catalogs.is_fetched(tenant):
        kept = menus.load(tenant.id)
        if not kept.categories:
            return _Found("no_merchant", is_hopeless=True)
        row.categories, row.branches = len(kept.categories), len(kept.branches)
        return _Found()
    missing = [key for key in entries.HALVES if getattr(row, key) is None]
    fetched = fetching.obtain(tenant, missing)
    row.categories = fetched.counts.get(entries.CATEGORIES, row.categories)
    row.branches = fetched.counts.get(entries.BRANCHES, row.branches)
    failures = fetched.failures
    return _Found(
        error="; ".join(f"{key}: {failure.code}" for key, failure in sorted(failures.items())),
        is_hopeless=any(_is_hopeless(failure) for failure in failures.values()),
        is_busy=bool(fetched.busy) and not failures,
        wait=timedelta(seconds=max((failure.retry_after or 0 for failure in failures.values()), default=0)),
    )


def _is_hopeless(failure: errors.ProviderFailure) -> bool:
    """A merchant that is not there, or a platform that is not set up, is not there in ten seconds either."""
    return failure.code == "no_merchant" or isinstance(failure, errors.SetupRefused)


def _warm_templates(row: Bootstrap) -> int | None:
    """How many of the templates that settings name the channel has; they are fetched where one is not known yet."""
    sids = set(config.settings().content_sids.values())
    if not sids or row.channel_id is None:
        return 0
    registered = {
        known.provider_id for known in registry.of_tenant(row.tenant_id) if known.channel_id == row.channel_id
    }
    if sids <= registered:
        return len(config.settings().content_sids)
    try:
        return templates.warm(row.channel_id)
    except (errors.ProviderFailure, errors.SealError, errors.NotFound) as error:
        log.warning("templates could not be warmed", extra={"bootstrap": row.id, "why": str(error)})
        return None


def _settle(row: Bootstrap, start: int, found: _Found, now: datetime) -> None:
    """Inside a write: the row's status after an attempt, and when it is tried again."""
    row.error = found.error
    is_whole = row.categories is not None and row.branches is not None
    if found.is_busy:
        bootstraps.forget_start(start)
        bootstraps.settle(row, BootstrapStatus.QUEUED, now + OTHERS_ARE_AT_IT, now)
    elif is_whole or found.is_hopeless or row.attempts >= config.settings().queue_retry_attempts:
        _end(row, found, now)
    else:
        bootstraps.settle(row, BootstrapStatus.QUEUED, now + max(_delay(row.attempts), found.wait), now)


def _end(row: Bootstrap, found: _Found, now: datetime) -> None:
    is_half = row.categories is not None or row.branches is not None
    if not found.error:
        status = BootstrapStatus.COMPLETED
    else:
        status = BootstrapStatus.PARTIAL if is_half and not found.is_hopeless else BootstrapStatus.DEAD
    if bootstraps.settle(row, status, None, now):
        log.log(
            logging.INFO if status is BootstrapStatus.COMPLETED else logging.WARNING,
            "welcome bootstrap ended",
            extra={"bootstrap": row.id, "tenant": row.tenant_id, "status": status.value, "attempts": row.attempts,
                   "categories": row.categories, "branches": row.branches, "templates": row.templates, "ms": row.ms,
                   "why": row.error},
        )  # fmt: skip


def _delay(attempts: int) -> timedelta:
    """Doubling from the first."""
    first = timedelta(milliseconds=config.settings().queue_backoff_delay)
    return min(LONGEST_DELAY, first * (1 << min(attempts - 1, 20)))


def recover_lost() -> None:
    """What processes that are gone were running is run by others."""
    for owner in bootstraps.owners():
        if workers.is_gone(owner):
            db.write(lambda owner=owner: bootstraps.abandon(owner, clock.now()))  # type: ignore[misc]


def mind_the_clock() -> None:
    """After the wall clock jumped: what was put off into an impossible future is run now."""
    now = clock.now()
    db.write(lambda: bootstraps.bring_forward(now, LONGEST_DELAY))


def run(slug: str, customer: str) -> dict[str, Any]:
    """Run a bootstrap for a customer here and now, with its retries, within the same limits as any; the row as it is
    at the end, or after two minutes. `customer` is a number in any usual spelling. Raises NotFound, Refused."""
    tenant = tenancy.find_tenant(slug)
    channel = tenants.first_active_channel(tenant.id) or next(iter(tenants.channels(tenant.id)), None)
    identity = numbers.customer(customer, channel.number if channel else customer)
    channel_id = channel.id if channel else None
    row = db.write(lambda: _add_by_hand(tenant, channel_id, identity, clock.now()))
    until = clock.monotonic() + LONGEST_RUN_SECONDS
    while (found := bootstraps.find(row.id)) and found.ended_at is None and clock.monotonic() < until:
        if not _run_one(row.id):
            time.sleep(_PAUSE_SECONDS)
    if found is None:
        raise errors.NotFound("the tenant was removed meanwhile")
    return shown(found)


def _add_by_hand(tenant: Tenant, channel_id: int | None, identity: words.Identity, now: datetime) -> Bootstrap:
    customer = customers.meet(tenant.id, identity, "", now)
    return bootstraps.add(tenant.id, channel_id, customer.id, now)


def listed(tenant: Tenant | None, most: int) -> Sequence[Bootstrap]:
    """The newest bootstraps of a tenant, or of all."""
    return bootstraps.listed(tenant.id if tenant else None, most)


def shown(row: Bootstrap) -> dict[str, Any]:
    """One bootstrap as others see it (CONTRACT §5)."""
    return {
        "id": row.id,
        "restaurantId": row.tenant.slug,
        "customer": shapes.customer(row.customer),
        "status": row.status,
        "attempts": row.attempts,
        "categories": row.categories or 0,
        "branches": row.branches or 0,
        "templates": row.templates or 0,
        "ms": row.ms,
        "error": row.error or None,
        "createdAt": clock.iso(row.created_at),
    }
