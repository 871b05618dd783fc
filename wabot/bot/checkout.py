"""The steps that end an order: what it comes to, a note, how it is paid, and the customer's word for it."""

import re
from dataclasses import dataclass, replace

from wabot.bot import browsing, describing, drafting, fitting, picking, reviewing, talking, telling, tracking
from wabot.bot.cart import Cart, Entry
from wabot.bot.scene import Missing, Reply, Scene
from wabot.bot.state import Step
from wabot.words import Button, Line, OrderType, PaymentMethod, Wish

_NOTES = 500
_NOTES_SHOWN = 200
_GONE_SHOWN = 3
_PHONE = re.compile(r"\+?\d[\d\s().\-\u200e\u202a-\u202c]{5,25}\d")
_FEWEST_DIGITS, _MOST_DIGITS = 8, 15


def summary(scene: Scene) -> Reply:
    """All of the order with its total, to be confirmed; with one way to pay it is that, else it is chosen so."""
    version = scene.cart.version
    scene = _renewed(scene)
    if scene.cart.is_empty:
        return replace(browsing.menu(scene), keep=True)
    missing = scene.profile.minimum_order_minor - scene.cart.total_minor
    if missing > 0:
        return reviewing.cart(scene.saying(_below(scene, missing)))
    if _lacks_phone(scene):
        return _ask_phone(scene)
    notes = fitting.cut(fitting.line(scene.cart.notes), _NOTES_SHOWN)
    after = [
        describing.way(scene),
        scene.wording.say("phone_given", phone=scene.cart.phone) if scene.known.needs_phone else "",
        scene.wording.say("notes", notes=notes) if notes else "",
        describing.total(scene),
        _only_payment(scene),
        scene.wording.say("notes_change" if notes else _hint(scene)),
        scene.wording.say("confirm_and_pay" if len(_payments(scene)) > 1 else "confirm"),
    ]
    text = describing.lines(scene, Step.SUMMARY, [scene.wording.say("summary")], after)
    return replace(
        scene.offer(Step.SUMMARY, text, _ways_to_confirm(scene), here="checkout"), keep=scene.cart.version != version
    )


def note(scene: Scene, _rest: str = "") -> Reply | None:
    """What was written while the summary was shown is a note for the order, unless it asks something; a number
    alone is another one to call where one was asked for."""
    if scene.known.needs_phone and _PHONE.fullmatch(scene.heard.text.strip()):
        return phone(scene)
    told = fitting.cut(fitting.paragraphs(scene.heard.text), _NOTES)
    if not told or scene.cart.is_empty or told.rstrip().endswith(("?", "؟")):
        return None
    return summary(scene.with_cart(scene.cart.changed(notes=told)).saying(scene.wording.say("noted")))


def phone(scene: Scene, _rest: str = "") -> Reply | None:
    """The number to call that was asked for, in any script's digits."""
    found = _PHONE.search(scene.heard.text[:_NOTES])
    digits = "".join(str(int(sign)) for sign in found[0] if sign.isdecimal()) if found else ""
    if found is None or not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return None
    number = f"+{digits}" if found[0].startswith("+") else digits
    return summary(scene.with_cart(scene.cart.changed(phone=number)).saying(scene.wording.say("noted")))


def _lacks_phone(scene: Scene) -> bool:
    return scene.known.needs_phone and not scene.cart.phone


def _ask_phone(scene: Scene) -> Reply:
    """Nothing is ordered without it: the platform takes no order that names no number."""
    buttons = [scene.button("cart", "cart"), scene.button("person", "person")]
    return scene.offer(Step.PHONE, scene.wording.say("phone"), buttons, here="checkout")


def confirm(scene: Scene, rest: str) -> Reply | None:
    """The order as it was shown: `<version>:<how it is paid>`. A button of an earlier cart orders nothing."""
    scene.need_menu()
    version, _, method = rest.partition(":")
    if scene.cart.is_empty:
        return _already(scene)
    if version != str(scene.cart.version) or method not in _payments(scene):
        return reviewing.cart(scene.saying(scene.wording.say("cart_changed")))
    if not _is_settled(scene):
        return reviewing.cart(scene)
    now = _renewed(scene)
    if now.cart != scene.cart or now.cart.total_minor < now.profile.minimum_order_minor or _lacks_phone(scene):
        return summary(scene)
    return _ordered(scene, PaymentMethod(method))


def yes(scene: Scene, _rest: str = "") -> Reply | None:
    """The customer agrees to what was shown last, which only means something at the summary."""
    payments = _payments(scene)
    if scene.state.step != Step.SUMMARY:
        return None
    if len(payments) > 1:
        return summary(scene)
    return confirm(scene, f"{scene.cart.version}:{payments[0]}")


def pay(scene: Scene, rest: str) -> Reply | None:
    """How it is to be paid, in words; confirms what the summary shows."""
    return confirm(scene, f"{scene.cart.version}:{rest}") if scene.state.step == Step.SUMMARY else None


def no(scene: Scene, _rest: str = "") -> Reply | None:
    """The customer does not agree: back to the cart."""
    return reviewing.cart(scene) if scene.state.step in (Step.SUMMARY, Step.CLEAR) else None


def _ordered(scene: Scene, method: PaymentMethod) -> Reply:
    state = replace(scene.state, cart=scene.cart.emptied(), last=scene.cart, pick=None)
    return Reply(
        state, None, orders=(_wish(scene.cart, method),), keep=True, offered=telling.after_order(scene.wording)
    )


def _wish(cart: Cart, method: PaymentMethod) -> Wish:
    is_delivery = cart.type is OrderType.DELIVERY
    return Wish(
        type=cart.type or OrderType.PICKUP,
        lines=cart.lines,
        payment=method,
        branch_id=cart.branch_id,
        latitude=cart.latitude if is_delivery else None,
        longitude=cart.longitude if is_delivery else None,
        address=cart.address if is_delivery else "",
        notes=cart.notes,
        phone=cart.phone,
    )


def _already(scene: Scene) -> Reply | None:
    """The answer to a second tap: the order is there, or the cart it was for is not."""
    if scene.state.last is None:
        return reviewing.cart(scene)
    scene = scene.saying(scene.wording.say("already"))
    return tracking.track(scene) if scene.known.orders else talking.at_home(scene, Step.HOME, "")


def _is_settled(scene: Scene) -> bool:
    cart = scene.cart
    if cart.type not in scene.known.menu.types:
        return False
    if cart.type is OrderType.DELIVERY:
        return cart.latitude is not None
    offered = scene.known.menu.branches
    return not offered or any(branch.id == cart.branch_id for branch in offered)


@dataclass(frozen=True, slots=True)
class _Check:
    """A line against today's menu: as it is now, or None where it cannot be had."""

    was: Entry
    now: Line | None

    @property
    def is_dearer_or_cheaper(self) -> bool:
        return self.now is not None and self.now.total_minor != self.was.line.total_minor


def _renewed(scene: Scene) -> Scene:
    """The scene with its cart at today's prices and without what cannot be had; what changed is said.

    Raises Missing where the items of a line are not known yet.
    """
    categories = {scene.shelves.category_of(entry.address) for entry in scene.cart.entries}
    if wants := [want for category in sorted(categories) for want in scene.wanted(category)]:
        raise Missing(*wants)
    checks = [_Check(entry, _now(scene, entry)) for entry in scene.cart.entries]
    entries = tuple(Entry(check.was.address, check.now) for check in checks if check.now)
    if entries == scene.cart.entries:
        return scene
    said = drafting.joined(_said_gone(scene, checks), _said_price(scene, checks))
    return scene.with_cart(scene.cart.changed(entries=entries)).saying(said)


def _now(scene: Scene, entry: Entry) -> Line | None:
    place = scene.shelves.places.get(entry.address)
    if place:
        return picking.renewed(place.item, entry.line)
    shelf = scene.shelves.categories.get(scene.shelves.category_of(entry.address))
    return entry.line if shelf and not shelf.is_known else None


def _said_gone(scene: Scene, checks: list[_Check]) -> str:
    gone = [describing.short(scene, check.was.line.name) for check in checks if check.now is None]
    if not gone:
        return ""
    more = ["…"] if len(gone) > _GONE_SHOWN else []
    return scene.wording.say("items_gone", items=scene.wording.comma.join(gone[:_GONE_SHOWN] + more))


def _said_price(scene: Scene, checks: list[_Check]) -> str:
    return scene.wording.say("prices_changed") if any(check.is_dearer_or_cheaper for check in checks) else ""


def _below(scene: Scene, missing: int) -> str:
    least = describing.price(scene, scene.profile.minimum_order_minor)
    return scene.wording.say("below_minimum", least=least, missing=describing.price(scene, missing))


def _payments(scene: Scene) -> list[PaymentMethod]:
    """The ways to pay; a menu that names none is paid in cash."""
    return list(dict.fromkeys(scene.known.menu.payments)) or [PaymentMethod.CASH]


def _only_payment(scene: Scene) -> str:
    """How the order is paid where the customer is not asked."""
    first, *others = _payments(scene)
    if others:
        return ""
    if first is PaymentMethod.ONLINE:
        return scene.wording.say("pay_online")
    return telling.in_cash(scene.wording, scene.cart.type)


def _hint(scene: Scene) -> str:
    return "notes_hint" if scene.cart.type is OrderType.DELIVERY else "notes_hint_other"


def _ways_to_confirm(scene: Scene) -> list[Button]:
    payments = _payments(scene)
    names = {method: f"pay_{method}" for method in payments} if len(payments) > 1 else {payments[0]: "confirm"}
    confirms = [scene.button(name, f"confirm:{scene.cart.version}:{method}") for method, name in names.items()]
    return [*confirms, scene.button("edit_order", "lines:0")]
