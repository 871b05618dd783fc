"""An order as the platform takes it, and what it answers."""

import re
from dataclasses import dataclass
from typing import Any

from wabot import errors, http
from wabot.catalog import reading, spelling, values
from wabot.words import Line, OrderStatus, OrderType, PaymentMethod, PaymentStatus, Wish

TYPES = {
    OrderType.DELIVERY: "Delivery",
    OrderType.PICKUP: "Takeaway",
    OrderType.DINE_IN: "DineIn",
    OrderType.CAR: "FromCar",
}
PAYMENTS = {PaymentMethod.CASH: "Cash", PaymentMethod.ONLINE: "Online"}
LONGEST_NUMBER = 18
LONGEST_PLAIN_ANSWER = 200
LONGEST_LINK = 2000
_NAMED_NUMBER = re.compile(r"(?:#|№|\border\b|\bnumber\b|\bno\b)[^0-9]{0,20}([0-9]{1,18})", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that the platform has taken."""

    order_number: str
    payment_link: str = ""
    branch_id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the platform says of an order; None where it says a word that nobody knows."""

    status: OrderStatus | None
    payment: PaymentStatus | None


def body(wish: Wish, merchant_id: str, customer_name: str, customer_phone: str) -> dict[str, Any]:
    """The order in the platform's words. It has no field for notes on the whole order nor for an address in words:
    both go with the notes of the first item, where the kitchen reads them."""
    about = [part for part in (wish.notes, wish.address) if part]
    said: dict[str, Any] = {
        "merchantId": merchant_id,
        "orderType": TYPES[wish.type],
        "paymentMethod": PAYMENTS[wish.payment],
        "items": [_item(line, () if n else tuple(about)) for n, line in enumerate(wish.lines)],
        "customerName": customer_name,
        "customerPhone": customer_phone,
    }
    if wish.branch_id:
        said["branchId"] = wish.branch_id
    if wish.latitude is not None and wish.longitude is not None:
        said |= {"lat": wish.latitude, "lng": wish.longitude}
    return said


def _item(line: Line, about: tuple[str, ...]) -> dict[str, Any]:
    return {
        "productId": line.item_id,
        "quantity": line.quantity,
        "notes": " | ".join(part for part in (line.notes, *about) if part),
        "addons": [{"productAddonId": picked.id, "quantity": picked.quantity} for picked in line.add_ons],
        "options": [picked.id for picked in line.choices],
    }


def placed(answer: http.Answer) -> Placed | None:
    """The order's number, from JSON or from plain text that holds it; None where it cannot be told."""
    said = answer.json()
    said = said.get("data", said) if isinstance(said, dict) else said
    if isinstance(said, dict):
        number = _whole(said.get("orderNumber"))
        link = values.text(said.get("paymentLink"))
        is_link = link.startswith(("https://", "http://")) and len(link) <= LONGEST_LINK
        branch_id = values.identifier_or_nothing(said.get("branchId"))
        return Placed(number, link if is_link else "", branch_id) if number else None
    number = _whole(said) or _in_words(said if isinstance(said, str) else answer.body.decode("utf-8", "replace"))
    return Placed(number) if number else None


def _whole(said: object) -> str:
    """A number as the platform writes it, in ASCII digits."""
    if isinstance(said, int) and not isinstance(said, bool):
        return str(said) if 0 < said < 10**LONGEST_NUMBER else ""
    found = said.strip() if isinstance(said, str) else ""
    is_number = found.isdecimal() and len(found) <= LONGEST_NUMBER
    return "".join(str(int(digit)) for digit in found) if is_number else ""


def _in_words(said: str) -> str:
    """The one number of a short sentence; of several the one that is called so. A page of HTML holds none."""
    if len(said) > LONGEST_PLAIN_ANSWER or "<" in said:
        return ""
    named, all_numbers = set(_NAMED_NUMBER.findall(said)), set(_NUMBER.findall(said))
    found = named if len(named) == 1 else all_numbers
    return found.pop() if len(found) == 1 else ""


def told(said: Any) -> Told:
    """Where an order stands. Raises Unreadable."""
    [row, *_] = reading.rows(said) or [{}]
    if not isinstance(row, dict) or not {"orderStatus", "paymentStatus"} & set(row):
        raise errors.Unreadable("no status")
    return Told(spelling.order_status(row.get("orderStatus")), spelling.payment_status(row.get("paymentStatus")))
