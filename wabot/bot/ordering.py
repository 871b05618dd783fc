"""The steps that begin an order: what kind it is, where it is to go, or from which branch it is had."""

import math
from collections.abc import Sequence
from dataclasses import replace

from wabot.bot import browsing, checkout, describing, drafting, fitting, returning, reviewing, shelves, talking
from wabot.bot.describing import number
from wabot.bot.scene import Missing, Reply, Scene
from wabot.bot.state import Step
from wabot.words import Branch, Button, Coverage, Location, OrderType, Row, Want, WantKind

_ADDRESS = 300
_EARTH_KM = 6371
_BUTTONS = 3


def begin(scene: Scene, _rest: str = "") -> Reply:
    """A new order, from its first question; one that has something in its cart goes on from there."""
    scene.need_menu()
    if not scene.cart.is_empty:
        return reviewing.cart(scene)
    if not (scene.takes_orders and scene.known.menu.categories):
        return browsing.menu(scene)
    return types(scene.with_cart(scene.cart.emptied()).with_pick(None))


def check_out(scene: Scene, _rest: str = "") -> Reply:
    """The next thing that is missing for the order; its summary when there is none."""
    scene.need_menu()
    return reviewing.cart(scene) if scene.cart.is_empty else settle(scene)


def again(scene: Scene, _rest: str = "") -> Reply:
    """The cart of the order before, once more; nothing is ordered by it."""
    last = scene.state.last
    if last is None or not scene.cart.is_empty:
        return begin(scene)
    scene = scene.with_cart(replace(last, version=scene.cart.version + 1))
    return reviewing.cart(scene.saying(scene.wording.say("cart_again")))


def types(scene: Scene, _rest: str = "") -> Reply:
    """Which kind of order it is to be; a tenant that takes one kind alone is not asked about."""
    scene.need_menu()
    offered = tuple(dict.fromkeys(scene.known.menu.types))
    if len(offered) < 2:
        return settle(scene.with_type(offered[0])) if offered else browsing.menu(scene)
    hint = scene.wording.say("type_hint") if OrderType.DELIVERY in offered else ""
    text = drafting.joined(scene.wording.say("type"), hint)
    named = [(f"type:{one}", scene.wording.say(f"type_{one}")) for one in offered]
    if len(named) <= _BUTTONS:
        return scene.offer(Step.TYPE, text, [Button(*one) for one in named], here="types")
    return scene.lay_out(Step.TYPE, text, [*(Row(*one) for one in named), scene.row("back", "home")], here="types")


def type_(scene: Scene, rest: str) -> Reply | None:
    """A kind of order was chosen; where it goes is asked anew when it is another one."""
    scene.need_menu()
    if rest not in scene.known.menu.types:
        return None
    chosen = OrderType(rest)
    if chosen is not scene.cart.type:
        scene = scene.with_type(chosen)
        scene = scene.with_cart(scene.cart.changed(branch_id="", latitude=None, longitude=None, address=""))
    return settle(scene)


def settle(scene: Scene) -> Reply:
    """The next question about where the order goes; then the menu, or the summary of what is in the cart already."""
    cart = scene.cart
    if cart.type not in scene.known.menu.types:
        return types(scene)
    if cart.type is OrderType.DELIVERY:
        return place(scene) if cart.latitude is None else _go_on(scene)
    offered = _branches(scene)
    if not offered or any(branch.id == cart.branch_id for branch in offered.values()):
        return _go_on(scene)
    if len(offered) == 1:
        return _go_on(_at_branch(scene, next(iter(offered.values()))))
    return branches(scene)


def place(scene: Scene, _rest: str = "") -> Reply:
    """Where a delivery is to go: WhatsApp's own location is asked for, since only it can be checked."""
    return scene.offer(Step.PLACE, scene.wording.say("place"), _instead(scene), here="place")


def at(scene: Scene, rest: str) -> Reply | None:
    """A place was sent: `<latitude>,<longitude>`. It is where a delivery goes, or what the branches are sorted by."""
    scene.need_menu()
    found = _degrees(rest)
    if found is None or not (scene.takes_orders or scene.known.menu.branches):
        return None
    if OrderType.DELIVERY in scene.known.menu.types and scene.cart.type in (None, OrderType.DELIVERY):
        return _deliver_to(scene.with_type(OrderType.DELIVERY), found)
    if not scene.known.menu.branches:
        return None
    return branches(_with_place(scene, found))


def branches(scene: Scene, rest: str = "") -> Reply:
    """From which branch it is to be had, nearest first where the customer's place is known."""
    scene.need_menu()
    offered = _nearest_first(scene, list(_branches(scene).items()))
    if not offered:
        return talking.fallback(scene, "no_menu")
    page = shelves.page(len(offered), number(rest), beside=1)
    rows = [_branch_row(scene, address, branch) for address, branch in offered[page.first : page.end]]
    if page.has_more:
        rows.append(scene.row("more", f"branches:{page.number + 1}"))
    rows.append(scene.row("back", returning.before_place(scene)))
    hint = _nearest(scene, offered[0][1]) or scene.wording.say("branch_hint")
    text = drafting.joined(scene.wording.say("branch"), hint)
    return scene.lay_out(Step.BRANCH, text, rows, here=f"branches:{page.number}")


def branch(scene: Scene, address: str) -> Reply | None:
    """A branch was chosen."""
    scene.need_menu()
    found = _branches(scene).get(address)
    if found is None:
        return branches(scene.saying(scene.wording.say("gone"))) if scene.known.menu.branches else None
    return settle(_at_branch(scene, found))


def _deliver_to(scene: Scene, found: tuple[float, float]) -> Reply:
    coverage = _coverage(scene, found)
    if not coverage.is_covered:
        return scene.offer(Step.NOT_COVERED, scene.wording.say("not_covered"), _elsewhere(scene), here="place")
    branch_id = coverage.branch_id or _only_branch(scene)
    return _go_on(_with_place(scene, found, branch_id).saying(scene.wording.say("covered")))


def _coverage(scene: Scene, found: tuple[float, float]) -> Coverage:
    """Whether the place is delivered to. Raises Missing where that has to be asked."""
    want = Want(WantKind.COVERAGE, f"{found[0]:.5f},{found[1]:.5f}")
    if scene.known.checks_places and want.key not in scene.known.coverage:
        raise Missing(want)
    return scene.known.coverage.get(want.key) or Coverage(is_covered=True, branch_id=_nearest_branch(scene, found))


def _nearest_branch(scene: Scene, found: tuple[float, float]) -> str:
    """The nearest branch whose own place is known."""
    here = _with_place(scene, found)
    known = [one for one in _nearest_first(here, list(_branches(scene).items())) if _is_placed(one[1])]
    return known[0][1].id if known else ""


def _go_on(scene: Scene) -> Reply:
    return browsing.menu(scene) if scene.cart.is_empty else checkout.summary(scene)


def _with_place(scene: Scene, found: tuple[float, float], branch_id: str = "") -> Scene:
    sent = scene.heard.location or Location(*found)
    told = fitting.cut(scene.wording.comma.join(filter(None, map(fitting.line, (sent.name, sent.address)))), _ADDRESS)
    cart = scene.cart.changed(latitude=found[0], longitude=found[1], address=told, branch_id=branch_id)
    return scene.with_cart(cart)


def _at_branch(scene: Scene, found: Branch) -> Scene:
    return scene if found.id == scene.cart.branch_id else scene.with_cart(scene.cart.changed(branch_id=found.id))


def _only_branch(scene: Scene) -> str:
    offered = scene.known.menu.branches
    return offered[0].id if len(offered) == 1 else ""


def _instead(scene: Scene) -> list[Button]:
    """What can be had where no place is sent."""
    others = [one for one in dict.fromkeys(scene.known.menu.types) if one is not OrderType.DELIVERY]
    first = [Button(f"type:{one}", scene.wording.say(f"type_{one}")) for one in others[:1]]
    return [*first, scene.button("person", "person"), scene.button("back", returning.before_place(scene))]


def _elsewhere(scene: Scene) -> list[Button]:
    """What can be had where the place that was sent is too far away."""
    *others, person, _ = _instead(scene)
    return [*others, scene.button("place", "place"), person]


def _branches(scene: Scene) -> dict[str, Branch]:
    return shelves.branches(scene.known.menu)


def _branch_row(scene: Scene, address: str, found: Branch) -> Row:
    name = scene.wording.name(found.name, "unnamed_branch")
    whole = name if len(name) > fitting.ROW_TITLE else ""
    city = scene.wording.name_or_nothing(found.city)
    return Row(f"branch:{address}", name, " · ".join(filter(None, (whole, city))))


def _nearest_first(scene: Scene, offered: Sequence[tuple[str, Branch]]) -> list[tuple[str, Branch]]:
    return sorted(offered, key=lambda one: _distance_km(scene, one[1]))


def _nearest(scene: Scene, found: Branch) -> str:
    distance = _distance_km(scene, found)
    if not math.isfinite(distance):
        return ""
    name = describing.short(scene, found.name, "unnamed_branch")
    return scene.wording.say("nearest", branch=name, distance=f"{max(distance, 0.1):.1f}")


def _is_placed(found: Branch) -> bool:
    return found.latitude is not None and found.longitude is not None


def _distance_km(scene: Scene, found: Branch) -> float:
    """As the crow flies (haversine); endless where either place is not known."""
    here = (scene.cart.latitude, scene.cart.longitude)
    there = (found.latitude, found.longitude)
    if None in (*here, *there):
        return math.inf
    (a, b), (c, d) = ((math.radians(degrees or 0.0) for degrees in place) for place in (here, there))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, max(0.0, half))))


def _degrees(text: str) -> tuple[float, float] | None:
    """The place that an id names; None for what is none on Earth."""
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None
