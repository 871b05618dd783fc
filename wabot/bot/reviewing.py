"""The steps that show the cart and change it: a line's quantity, a line away, all of it away."""

from wabot.bot import describing, drafting, fitting, shelves, talking
from wabot.bot.cart import MOST_EACH, Entry
from wabot.bot.describing import number
from wabot.bot.scene import Reply, Scene
from wabot.bot.state import Step
from wabot.words import Button, Row

_FAST = (1, 2, 3)


def cart(scene: Scene, _rest: str = "") -> Reply:
    """What is in the cart, what it comes to, and the ways on."""
    if scene.cart.is_empty:
        return talking.at_home(scene, Step.CART, scene.wording.say("cart_empty"))
    text = describing.lines(scene, Step.CART, [scene.wording.say("cart")], [describing.total(scene)])
    buttons = [
        scene.button("checkout", "checkout"),
        scene.button("add_more", "menu"),
        scene.button("edit", "lines:0"),
    ]
    return scene.offer(Step.CART, text, buttons, here="cart")


def lines(scene: Scene, rest: str = "") -> Reply:
    """The cart's lines, to choose the one that is to be changed."""
    if scene.cart.is_empty:
        return cart(scene)
    entries = list(enumerate(scene.cart.entries))
    page = shelves.page(len(entries), number(rest), beside=3)
    rows = [_line_row(scene, n, entry) for n, entry in entries[page.first : page.end]]
    if page.has_more:
        rows.append(scene.row("more", f"lines:{page.number + 1}"))
    ways = (scene.row("other_type", "types"),) if len(scene.known.menu.types) > 1 else ()
    rows += [*ways, scene.row("clear", "clear"), scene.row("back", "cart")]
    return scene.lay_out(Step.LINES, scene.wording.say("lines"), rows, here=f"lines:{page.number}")


def line(scene: Scene, rest: str) -> Reply | None:
    """One line, and what can be done with it: `<version>:<position>`."""
    position = _position(scene, rest)
    if position is None:
        return _changed(scene)
    here = f"{scene.cart.version}:{position}"
    buttons = [
        scene.button("change_quantity", f"many:{here}"),
        scene.button("remove", f"set:{here}:0"),
        scene.button("back", "lines:0"),
    ]
    text = drafting.joined(scene.wording.say("line"), _told(scene, position))
    return scene.offer(Step.LINE, text, buttons, here=f"line:{here}")


def how_many(scene: Scene, rest: str) -> Reply | None:
    """How many of a line it is to be: `<version>:<position>`."""
    position = _position(scene, rest)
    if position is None:
        return _changed(scene)
    here = f"{scene.cart.version}:{position}"
    buttons = [Button(f"set:{here}:{n}", scene.wording.say("make", count=str(n))) for n in _FAST]
    text = drafting.joined(_told(scene, position), scene.wording.say("quantity_of_line"))
    return scene.offer(Step.LINE_QUANTITY, text, buttons, here=f"many:{here}")


def set_quantity(scene: Scene, rest: str) -> Reply | None:
    """So many of a line, or none of it: `<version>:<position>:<how many>`."""
    here, _, many = rest.rpartition(":")
    position = _position(scene, here)
    if position is None or not many.isdecimal():
        return _changed(scene)
    if number(many) > MOST_EACH:
        return how_many(scene.saying(scene.wording.say("too_many", each=str(MOST_EACH))), here)
    said = "changed" if number(many) else "removed"
    return cart(scene.with_cart(scene.cart.with_quantity(position, number(many))).saying(scene.wording.say(said)))


def clear(scene: Scene, _rest: str = "") -> Reply:
    """Whether really all of it is to go; an order that was placed is cancelled by a person."""
    if scene.cart.is_empty and scene.open_orders:
        buttons = [scene.button("person", "person"), scene.button("track", "track")]
        return scene.offer(Step.ORDERS, scene.wording.say("not_cancelled"), buttons)
    if scene.cart.is_empty:
        return cart(scene)
    buttons = [scene.button("clear_all", f"cleared:{scene.cart.version}"), scene.button("keep", "cart")]
    return scene.offer(Step.CLEAR, scene.wording.say("clear"), buttons, here="clear")


def cleared(scene: Scene, rest: str) -> Reply | None:
    """All of it away: `<version>`; of a cart that has changed since, nothing."""
    if scene.cart.is_empty:
        return cart(scene)
    if rest != str(scene.cart.version):
        return _changed(scene)
    return talking.at_home(scene.with_cart(scene.cart.emptied()), Step.CART, scene.wording.say("cleared"))


def _changed(scene: Scene) -> Reply:
    """The answer to a button of an earlier cart: what the cart is now."""
    return cart(scene if scene.cart.is_empty else scene.saying(scene.wording.say("cart_changed")))


def _position(scene: Scene, rest: str) -> int | None:
    version, _, position = rest.partition(":")
    if version != str(scene.cart.version) or not (position.isascii() and position.isdecimal()):
        return None
    return number(position) if number(position) < len(scene.cart.entries) else None


def _told(scene: Scene, position: int) -> str:
    return describing.line(scene, scene.cart.entries[position].line)


def _line_row(scene: Scene, position: int, entry: Entry) -> Row:
    line = entry.line
    title = f"{line.quantity} × {describing.short(scene, line.name)}"
    whole = title if len(title) > fitting.ROW_TITLE else ""
    taken = describing.described(scene, (*line.choices, *line.add_ons))
    about = " · ".join(filter(None, (describing.price(scene, line.total_minor), whole, taken)))
    return Row(f"line:{scene.cart.version}:{position}", title, about)
