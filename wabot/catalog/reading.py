"""What the platform's answers say, in our words. A row that makes no sense is left out and counted; it never costs the
others. Prices become whole minor units by decimal arithmetic."""

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from wabot import errors, http
from wabot.catalog import values
from wabot.words import AddOn, Branch, Choice, Coverage, MenuCategory, MenuItem, Names, Option, OrderType

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = Mapping[str, Any]
Named = TypeVar("Named", MenuCategory, Branch, MenuItem, Choice, AddOn)

LONGEST_NAME = 500
LONGEST_DESCRIPTION = 2000
LONGEST_PHONE = 40
MOST_OF_AN_ADD_ON = 99
TYPES = {
    "isAvailableToDelivery": OrderType.DELIVERY,
    "isAvailableToReceipt": OrderType.PICKUP,
    "isAvailableToLocalDemand": OrderType.DINE_IN,
    "isAvailableToOrderFromCar": OrderType.CAR,
}


def document(answer: http.Answer) -> Any:
    """The answer's JSON, whatever it is labelled. Raises Unreadable."""
    if not answer.body.strip():
        return [] if answer.status == 204 else _unreadable("an empty answer")
    if answer.body.strip().lower() in (b"true", b"false"):
        return b"true" in answer.body.lower()
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise errors.Unreadable(f"not JSON: {type(error).__name__}") from error


def rows(said: Any) -> list[Any]:
    """The rows of a list; a bare object is a list of one. Raises Unreadable."""
    if isinstance(said, dict) and isinstance(said.get("data"), list | dict):
        said = said["data"]
    if isinstance(said, list):
        return said
    return [said] if isinstance(said, dict) else _unreadable("not a list")


def categories(said: Any) -> tuple[MenuCategory, ...]:
    """The categories by their display order; those without one come last. Raises Unreadable."""
    ordered = sorted(_each("categories", rows(said), lambda row: (_order(row), _category(row))), key=lambda it: it[0])
    return _once(category for _, category in ordered)


def branches(said: Any) -> tuple[Branch, ...]:
    """The branches. Raises Unreadable."""
    return _once(_each("branches", rows(said), _branch))


def items(said: Any, digits: int) -> tuple[MenuItem, ...]:
    """The products that can be had in any way; prices in minor units of so many digits. Raises Unreadable."""
    found = _each("products", rows(said), lambda row: _item(row, digits))
    return _once(item for item in found if item is not None)


def coverage(said: Any) -> Coverage:
    """Whether a place is delivered to. Raises Unreadable."""
    said = rows(said)[0] if isinstance(said, list) and said else said
    if isinstance(said, dict) and isinstance(said.get("data"), dict | bool):
        said = said["data"]
    told = said if isinstance(said, dict) else {"isAvailable": said}
    is_covered = values.flag(told.get("isAvailable", told.get("available")))
    if is_covered is None:
        _unreadable("neither available nor not")
    branch = next(filter(None, map(values.identifier_or_nothing, map(told.get, ("branchId", "nearestBranchId")))), "")
    return Coverage(is_covered, branch if is_covered else "")


def _each(what: str, found: list[Any], understand: Callable[[Row], T]) -> list[T]:
    """What can be read of the rows. Raises Unreadable where there are some and none can be read: that is no menu, it
    is another kind of answer."""
    read: list[T] = []
    for row in found:
        try:
            read.append(understand(row if isinstance(row, dict) else values.nonsense()))
        except values.Nonsense:
            continue
    if len(read) < len(found):
        log.warning("rows of the catalog make no sense", extra={"of": what, "rows": len(found), "read": len(read)})
    return read if read or not found else _unreadable(f"none of {len(found)} {what} makes sense")


def _once(found: Iterable[Named]) -> tuple[Named, ...]:
    """The first of each id."""
    by_id: dict[str, Named] = {}
    for one in found:
        by_id.setdefault(one.id, one)
    return tuple(by_id.values())


def _category(row: Row) -> MenuCategory:
    return MenuCategory(values.identifier(row.get("id")), _name(row), is_known=False)


def _order(row: Row) -> float:
    order = values.number(row.get("displayOrder"))
    return math.inf if order is None else order


def _branch(row: Row) -> Branch:
    city = row.get("city")
    where = _names(city) if isinstance(city, dict) else {}
    latitude, longitude = values.number(row.get("latitude")), values.number(row.get("longitude"))
    if latitude is None or longitude is None or not _is_place(latitude, longitude):
        latitude = longitude = None
    name = _names(row) or where or values.nonsense()
    return Branch(
        values.identifier(row.get("id")),
        name,
        where,
        values.text(row.get("phoneNumber"))[:LONGEST_PHONE],
        latitude,
        longitude,
    )


def _is_place(latitude: float, longitude: float) -> bool:
    """Not the point in the ocean that stands for numbers which were never filled in."""
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)


def _item(row: Row, digits: int) -> MenuItem | None:
    types = tuple(kind for field, kind in TYPES.items() if values.flag(row.get(field)) is not False)
    add_ons_are_free = values.flag(row.get("isPriceIncludingAddons")) is True
    name = _name(row)
    found = MenuItem(
        id=values.identifier(row.get("id")),
        name=name,
        price_minor=_price(row, digits),
        description=_names(row, "description", LONGEST_DESCRIPTION),
        options=tuple(_options(row.get("options"), name, digits)),
        add_ons=_add_ons(row.get("productAddons"), digits, are_free=add_ons_are_free),
        types=() if len(types) == len(TYPES) else types,
    )
    return found if types else None


def _price(row: Row, digits: int) -> int:
    """`priceAfter` is the price to charge where there is one. Nought beside a price is no discount but a number that
    was never filled in: a gift would have no price at all."""
    price = values.minor(row.get("price"), digits)
    after = values.minor(row.get("priceAfter"), digits)
    if after is not None and (after or not price):
        return after
    return price if price is not None else values.nonsense()


def _options(said: Any, item: Names, digits: int) -> Iterator[Option]:
    """Options with something to choose; one without a name is called as its item is."""
    for row in said if isinstance(said, list) else ():
        if not isinstance(row, dict):
            continue
        subs = row.get("subOptions")
        read = _few(subs if isinstance(subs, list) else [], lambda sub: _choice(sub, digits))
        if choices := _once(read):
            yield Option(_names(row) or item, choices)


def _choice(row: Row, digits: int) -> Choice:
    return Choice(values.identifier(row.get("id")), _name(row), values.minor(row.get("price"), digits) or 0)


def _add_ons(said: Any, digits: int, *, are_free: bool) -> tuple[AddOn, ...]:
    read = _few(said if isinstance(said, list) else [], lambda row: _add_on(row, digits, are_free=are_free))
    return _once(read)


def _add_on(row: Row, digits: int, *, are_free: bool) -> AddOn:
    least = values.count(row.get("minQuantity"), MOST_OF_AN_ADD_ON)
    most = max(1, least, values.count(row.get("maxQuantity"), MOST_OF_AN_ADD_ON))
    price = 0 if are_free else values.minor(row.get("price"), digits) or 0
    return AddOn(values.identifier(row.get("id")), _names(row, "addonName") or _name(row), price, least, most)


def _few(found: list[Any], understand: Callable[[Row], T]) -> Iterator[T]:
    """What can be read of an item's own rows."""
    for row in found:
        try:
            yield understand(row if isinstance(row, dict) else values.nonsense())
        except values.Nonsense:
            continue


def _name(row: Row) -> Names:
    return _names(row) or values.nonsense()


def _names(row: Row, field: str = "name", longest: int = LONGEST_NAME) -> Names:
    """By language, those that are not empty: where one lacks, readers fall back to the other."""
    both = {"ar": values.text(row.get(f"{field}Ar"))[:longest], "en": values.text(row.get(f"{field}En"))[:longest]}
    return {language: name for language, name in both.items() if name}


def _unreadable(why: str) -> NoReturn:
    raise errors.Unreadable(why)
