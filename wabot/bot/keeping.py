"""How carts are written into a conversation's state and read back. What cannot be read is dropped, never guessed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeGuard

from wabot.bot.cart import MOST_EACH, MOST_LINES, MOST_MINOR, Cart, Entry, Pick
from wabot.words import Line, Names, OrderType, Picked

FORMAT = 1
"""Grows when carts are written otherwise; one of another format is dropped."""

_MOST_VERSION = 1 << 50


def dump(cart: Cart, pick: Pick | None, last: Cart | None) -> dict[str, Any]:
    """JSON-ready values; nothing for what is not there. The version outlives every cart."""
    kept: dict[str, Any] = {}
    if cart != Cart():
        kept |= {"version": cart.version, "cart": _dumped(cart)}
    if pick is not None:
        kept["pick"] = asdict(pick)
    if last is not None:
        kept["last"] = _dumped(last)
    return kept


def restore(kept: Mapping[str, Any]) -> tuple[Cart, Pick | None, Cart | None]:
    """What `dump` wrote. A cart that cannot be read is empty, of a new version."""
    told = kept.get("version")
    version = int(told) if _is_whole(told, _MOST_VERSION) else 0
    cart = _restored(kept["cart"]) if "cart" in kept else Cart(version=version)
    if cart is None:
        return Cart(version=version + 1), None, None
    last = _restored(kept["last"]) if "last" in kept else None
    return cart, _pick(kept.get("pick")), last


def _dumped(cart: Cart) -> dict[str, Any]:
    return {"format": FORMAT, **asdict(cart)}


def _restored(kept: object) -> Cart | None:
    try:
        return _cart(kept)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None


def _cart(kept: Any) -> Cart:
    if kept["format"] != FORMAT or len(kept["entries"]) > MOST_LINES:
        raise ValueError("a cart of another version")
    latitude, longitude = _degrees(kept["latitude"], 90), _degrees(kept["longitude"], 180)
    return Cart(
        version=_whole(kept["version"], _MOST_VERSION),
        type=OrderType(kept["type"]) if kept["type"] is not None else None,
        branch_id=_text(kept["branch_id"]),
        latitude=None if longitude is None else latitude,
        longitude=None if latitude is None else longitude,
        address=_text(kept["address"]),
        entries=tuple(Entry(_text(entry["address"]), _line(entry["line"])) for entry in kept["entries"]),
        notes=_text(kept["notes"]),
        phone=_text(kept.get("phone", "")),
    )


def _line(kept: Any) -> Line:
    return Line(
        item_id=_text(kept["item_id"]),
        name=_names(kept["name"]),
        price_minor=_amount(kept["price_minor"]),
        quantity=_whole(kept["quantity"], MOST_EACH, least=1),
        choices=tuple(map(_picked, kept["choices"])),
        add_ons=tuple(map(_picked, kept["add_ons"])),
        notes=_text(kept["notes"]),
    )


def _picked(kept: Any) -> Picked:
    quantity = _whole(kept["quantity"], MOST_EACH, least=1)
    return Picked(_text(kept["id"]), _names(kept["name"]), _amount(kept["price_minor"]), quantity)


def _pick(kept: Any) -> Pick | None:
    try:
        return Pick(
            address=_text(kept["address"]),
            choices=tuple(map(_text, kept["choices"])),
            add_ons=tuple((_text(key), _whole(count, MOST_EACH)) for key, count in kept["add_ons"]),
            has_add_ons=bool(kept["has_add_ons"]),
            quantity=_whole(kept["quantity"], MOST_EACH),
        )
    except (TypeError, ValueError, KeyError):
        return None


def _names(kept: Any) -> Names:
    return {_text(language): _text(name) for language, name in kept.items()}


def _degrees(value: object, most: int) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or not abs(value) <= most:
        raise ValueError("not a place")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: object, most: int, least: int = 0) -> int:
    if not _is_whole(value, most, least):
        raise ValueError("not such a number")
    return value


def _amount(value: object) -> int:
    return _whole(value, MOST_MINOR, -MOST_MINOR)


def _is_whole(value: object, most: int, least: int = 0) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
