"""How items, carts and places are written out, within the room that a message has."""

from collections.abc import Iterable, Sequence

from wabot.bot import drafting, fitting
from wabot.bot.scene import Scene
from wabot.bot.state import Step
from wabot.words import Branch, Line, MenuItem, Names, OrderType, Picked

_NAME = 300
_SHORT = 60
_LINK = 200
_PRICE = 40
_ADDRESS = 200
_LINE = 240
_ROOM = 40  # for what is said of a cart's lines that do not fit


def number(text: str) -> int:
    """The whole number that an id carries; 0 for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else 0


def name(scene: Scene, names: Names, otherwise: str) -> str:
    return fitting.cut(scene.wording.name(names, otherwise), _NAME)


def short(scene: Scene, names: Names, otherwise: str = "unnamed_item") -> str:
    return fitting.cut(scene.wording.name(names, otherwise), _SHORT)


def price(scene: Scene, minor: int, *, sign: str = "") -> str:
    profile = scene.profile
    return fitting.cut(scene.wording.price(minor, profile.currency, profile.currency_digits, sign=sign), _PRICE)


def whole(scene: Scene, step: Step, item: MenuItem, *after: str) -> str:
    """All about an item; its description gives way where there is too little room."""
    head = scene.wording.say("item", item=name(scene, item.name, "unnamed_item"), price=price(scene, item.price_minor))
    parts = [head, _link(scene) if not after else "", *after]
    room = _room(scene, step, parts)
    description = fitting.cut(scene.wording.describe(item.description), room) if room > 0 else ""
    return drafting.joined(head, description, *parts[1:])


def line(scene: Scene, entry: Line) -> str:
    """A line of the cart: how many of what, with what, for how much."""
    taken = described(scene, (*entry.choices, *entry.add_ons))
    told = short(scene, entry.name)
    named = f"{told} ({taken})" if taken else told
    amount = price(scene, entry.total_minor)
    shown = scene.wording.placed(fitting.cut(named, _LINE - len(amount)))
    return f"{entry.quantity} × {shown} = {scene.wording.placed(amount)}"


def described(scene: Scene, taken: Iterable[Picked]) -> str:
    """What was taken with an item, in one line."""
    return scene.wording.comma.join(_named(scene, picked) for picked in taken)


def lines(scene: Scene, step: Step, before: Sequence[str], after: Sequence[str]) -> str:
    """The cart's lines between other texts, none of which is ever cut for them."""
    room = _room(scene, step, [*before, *after]) - _ROOM
    shown: list[str] = []
    for entry in scene.cart.lines:
        text = f"• {line(scene, entry)}"
        room -= len(text) + 1
        if room < 0:
            break
        shown.append(text)
    left = len(scene.cart.lines) - len(shown)
    more = scene.wording.say("more_lines", count=str(left)) if left else ""
    return drafting.joined(*before, *shown, more, *after)


def total(scene: Scene) -> str:
    return scene.wording.say("total", total=price(scene, scene.cart.total_minor))


def way(scene: Scene) -> str:
    """The kind of order, its branch where there is one, and the address where one was sent."""
    cart = scene.cart
    if cart.type is None:
        return ""
    kind = scene.wording.say(f"type_{cart.type}")
    found = branch(scene, cart.branch_id)
    told = fitting.cut(scene.wording.name_or_nothing(found.name), _SHORT) if found else ""
    parts = scene.wording.say("where", type=kind, branch=told) if told else scene.wording.say("where_plain", type=kind)
    is_sent = cart.type is OrderType.DELIVERY and cart.address
    address = scene.wording.say("address", address=fitting.cut(cart.address, _ADDRESS)) if is_sent else ""
    return drafting.joined(parts, address)


def branch(scene: Scene, branch_id: str) -> Branch | None:
    return next((found for found in scene.known.menu.branches if branch_id and found.id == branch_id), None)


def _named(scene: Scene, picked: Picked) -> str:
    named = short(scene, picked.name)
    return f"{named} ×{picked.quantity}" if picked.quantity > 1 else named


def _room(scene: Scene, step: Step, parts: Iterable[str]) -> int:
    return fitting.BODY - len(scene.opened(step, drafting.joined(*parts))) - 2


def _link(scene: Scene) -> str:
    link = fitting.line(scene.profile.app_link)
    return scene.wording.say("app", link=link) if link and len(link) <= _LINK else ""
