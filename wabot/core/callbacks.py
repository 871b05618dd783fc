"""What the order platform tells about orders: read from the journal, and applied. It comes doubled, late and out of
order; it only ever brings an order on."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wabot import catalog, errors
from wabot.core import resolving, stepping
from wabot.store import orders, tenants
from wabot.store.orders import Order
from wabot.store.tenants import Tenant
from wabot.store.webhooks import Webhook
from wabot.words import OrderStatus, PaymentStatus, Verdict

PROVIDER = "catalog"
"""How the journal names the platform."""
LONGEST_ID = 100
LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Callback:
    """What the platform says of one order; `problem` is what could not be understood of it."""

    number: str
    merchant: str
    branch_id: str
    status: OrderStatus | None
    payment: PaymentStatus | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of it, for the journal."""

    verdict: Verdict
    reason: str = ""
    about: str = ""


def parse(body: bytes) -> Callback:
    """The callback `{orderNumber, status, paymentStatus, merchantId, branchId}`, names in any case, numbers also as
    text (facts/catalog-api). Raises Unreadable."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise errors.Unreadable("not JSON") from error
    if not isinstance(said, dict):
        raise errors.Unreadable("not an object")
    given = {str(name).casefold(): value for name, value in said.items()}
    number = _number(given.get("ordernumber"))
    if not number:
        raise errors.Unreadable("no order number")
    status_word, payment_word = given.get("status", given.get("orderstatus")), given.get("paymentstatus")
    status, payment = catalog.order_status(status_word), catalog.payment_status(payment_word)
    unknown = [name for name, word, read in (("status", status_word, status), ("paymentStatus", payment_word, payment))
               if word not in (None, "") and read is None]  # fmt: skip
    if not unknown and status is None and payment is None:
        raise errors.Unreadable("neither a status nor a paymentStatus")
    problem = f"{unknown[0]} is a word that nobody knows" if unknown else ""
    return Callback(number, _id(given.get("merchantid")), _id(given.get("branchid")), status, payment, problem)


def _number(said: Any) -> str:
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    if isinstance(said, int) and not isinstance(said, bool):
        return str(said) if 0 < said < 10**LONGEST_NUMBER else ""
    written = said.strip().lstrip("#").strip() if isinstance(said, str) else ""
    if len(written) > LONGEST_NUMBER:
        return ""
    return str(int(written)) if written.isdecimal() else written


def _id(said: Any) -> str:
    return said.strip()[:LONGEST_ID] if isinstance(said, str) else ""


def apply(webhook: Webhook, callback: Callback, now: datetime) -> Applied:
    """Inside a write: bring the order that this is about to where the platform says it is. May be repeated."""
    tenant = tenants.by_id(webhook.tenant_id) if webhook.tenant_id else None
    if tenant is None:
        return Applied(Verdict.QUARANTINED, "its tenant is gone")
    told = f"order {callback.number}"
    order = _known(tenant, callback)
    if order is None:
        order = _adopted(tenant, callback, webhook.received_at, now)
        if order is None:
            return Applied(Verdict.UNROUTED, "nobody knows an order of this number", told)
        order = orders.find(tenant.id, order.id) or order
    told = f"{told}: {_bring_on(order, callback, now)}"
    return Applied(Verdict.QUARANTINED if callback.problem else Verdict.ACCEPTED, callback.problem, told)


def _known(tenant: Tenant, callback: Callback) -> Order | None:
    """The order of this number, and of this merchant where both say one; an own number belongs to no merchant."""
    wanted = (callback.merchant or tenant.catalog_merchant).casefold()
    named = orders.numbered(tenant.id, callback.number)
    of_merchant = [order for order in named if order.merchant and order.merchant.casefold() == wanted]
    own = [order for order in named if not order.merchant]
    is_ours = not callback.merchant or not tenant.catalog_merchant or wanted == tenant.catalog_merchant.casefold()
    return next(iter(of_merchant or (own if is_ours else [])), None)


def _adopted(tenant: Tenant, callback: Callback, told_at: datetime, now: datetime) -> Order | None:
    merchant = tenant.catalog_merchant
    if not merchant or (callback.merchant and callback.merchant.casefold() != merchant.casefold()):
        return None
    status = callback.status or OrderStatus.CONFIRMED
    return resolving.adopt(tenant.id, merchant, callback.branch_id, callback.number, status, told_at, now)


def _bring_on(order: Order, callback: Callback, now: datetime) -> str:
    """What changed, in words for the journal."""
    said = []
    if callback.status is not None:
        said.append(_step(order, callback.status, now))
    if callback.payment is not None:
        said.append(
            f"payment {callback.payment}" if stepping.pay(order, callback.payment, now) else "payment as it was"
        )
    return ", ".join(said) or "nothing new"


def _step(order: Order, status: OrderStatus, now: datetime) -> str:
    was = order.status
    if was is status:
        return f"{status} already"
    if stepping.jump(order, status, by=stepping.PLATFORM, now=now):
        return status.value
    return f"{status} ignored: it is {was}"
