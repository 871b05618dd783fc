"""The steps that choose an item: its options and add-ons, a screen each, then how many, then into the cart."""

from dataclasses import replace

from wabot.bot import browsing, describing, drafting, fitting, picking, reviewing, shelves
from wabot.bot.cart import MOST_EACH, MOST_LINES, Entry, Pick
from wabot.bot.describing import number
from wabot.bot.scene import Reply, Scene
from wabot.bot.shelves import Place
from wabot.bot.state import Step
from wabot.words import AddOn, Button, Choice, Row

_TAKEN = 400
_BUTTONS = 3
_FAST = (1, 2, 3)
"""How many can be had by a tap; they stand in this order, so that a typed number means the same."""


def item(scene: Scene, address: str) -> Reply | None:
    """An item from the menu, chosen anew."""
    return _ask(scene, Pick(address))


def resume(scene: Scene, address: str) -> Reply | None:
    """The question about the item that is open."""
    return _ask(scene, _pick(scene, address))


def buy(scene: Scene, rest: str) -> Reply | None:
    """So many of an item at once: `<how many>:<address>`."""
    quantity, _, address = rest.partition(":")
    return _ask(scene, Pick(address, quantity=number(quantity)))


def option(scene: Scene, rest: str) -> Reply | None:
    """A choice for one of the item's options: `<option>:<key>:<address>`. An earlier one may so be changed."""
    position, key, address = _parts(rest)
    place = _place(scene, address)
    pick = picking.with_choice(place.item, _pick(scene, address), position, key) if place else None
    return _ask(scene, pick) if pick else None


def options(scene: Scene, rest: str) -> Reply | None:
    """Another page of an option's choices: `<option>:<page>:<address>`."""
    position, page, address = _parts(rest)
    place = _place(scene, address)
    if place is None or position not in picking.asked(place.item):
        return None
    return _ask_option(scene.with_pick(_pick(scene, address)), place, position, number(page))


def add_on(scene: Scene, rest: str) -> Reply | None:
    """One more of an add-on, or none again after the most: `<key>:<address>`."""
    key, _, address = rest.partition(":")
    place = _place(scene, address)
    pick = picking.with_one_more(place.item, _pick(scene, address), key) if place else None
    return _ask(scene, pick) if pick else None


def add_ons(scene: Scene, rest: str) -> Reply | None:
    """Another page of the add-ons: `<page>:<address>`."""
    page, _, address = rest.partition(":")
    place = _place(scene, address)
    if place is None or not picking.asks_add_ons(place.item):
        return None
    return _ask_add_ons(scene.with_pick(_pick(scene, address)), place, number(page))


def several(scene: Scene, rest: str) -> Reply | None:
    """Several of the add-ons that were offered at once, by their numbers: `<number>,<number>…`; then no further."""
    offered = scene.state.offered
    chosen = [offered[number(n) - 1][0] for n in rest.split(",") if 1 <= number(n) <= len(offered)]
    pick = scene.state.pick
    place = _place(scene, pick.address) if pick else None
    for choice in chosen:
        kind, key, address = (*choice.split(":", 2), "", "")[:3]
        if place and pick and kind == "add" and address == pick.address:
            pick = picking.with_one_more(place.item, pick, key)
    return _ask(scene, replace(pick, has_add_ons=True)) if pick else None


def done(scene: Scene, address: str) -> Reply | None:
    """No further add-ons."""
    return _ask(scene, replace(_pick(scene, address), has_add_ons=True))


def quantity(scene: Scene, rest: str) -> Reply | None:
    """How many: `<how many>:<address>`. A button that is tapped twice does not put twice as many into the cart."""
    many, _, address = rest.partition(":")
    is_open = scene.state.pick is not None and scene.state.pick.address == address
    if not is_open and scene.cart.has(address):
        return reviewing.cart(scene)
    return _ask(scene, replace(_pick(scene, address), quantity=number(many)))


def undo(scene: Scene, address: str) -> Reply | None:
    """One question back; from the first one to the item's neighbours."""
    place = _place(scene, address)
    if place is None:
        return None
    pick = picking.undone(place.item, _pick(scene, address))
    if pick:
        return _ask(scene, pick)
    return browsing.category(scene.with_pick(None), browsing.page_with(place).removeprefix("cat:"))


def _ask(scene: Scene, pick: Pick) -> Reply | None:
    """The next question about the item; into the cart with it when there is none."""
    place = _place(scene, pick.address)
    if place is None:
        return None
    if not (scene.takes_orders and picking.is_sold(place.item)):
        return browsing.item(scene, pick.address, place)
    if pick.quantity > MOST_EACH:
        scene = scene.saying(scene.wording.say("too_many", each=str(MOST_EACH)))
        pick = replace(pick, quantity=0)
    scene = scene.with_pick(pick)
    position = picking.next_option(place.item, pick)
    if position is not None:
        return _ask_option(scene, place, position, 0)
    if picking.asks_add_ons(place.item) and not pick.has_add_ons:
        return _ask_add_ons(scene, place, 0)
    return _into_cart(scene, place, pick) if pick.quantity else _ask_quantity(scene, place)


def _ask_option(scene: Scene, place: Place, position: int, page_number: int) -> Reply:
    asked, address = place.item.options[position], _address(scene)
    choices = list(shelves.keyed(asked.choices).items())
    page = shelves.page(len(choices), page_number, beside=1)
    rows = [_choice_row(scene, f"opt:{position}:{key}:{address}", one) for key, one in choices[page.first : page.end]]
    if page.has_more:
        rows.append(scene.row("more", f"opts:{position}:{page.number + 1}:{address}"))
    question = scene.wording.say("option", option=describing.short(scene, asked.name, "unnamed_option"))
    return _ask_one_of(scene, Step.OPTION, place, question, rows)


def _ask_add_ons(scene: Scene, place: Place, page_number: int) -> Reply:
    address = _address(scene)
    has_some = any(picking.counts(place.item, _pick(scene, address)).values())
    offered = list(picking.add_ons(place.item).items())
    page = shelves.page(len(offered), page_number, beside=2)
    rows = [scene.row("add_ons_done" if has_some else "add_ons_none", f"done:{address}")]
    rows += [_add_on_row(scene, f"add:{key}:{address}", one) for key, one in offered[page.first : page.end]]
    if page.has_more:
        rows.append(scene.row("more", f"adds:{page.number + 1}:{address}"))
    return _ask_one_of(scene, Step.ADD_ONS, place, scene.wording.say("add_ons"), rows)


def _ask_one_of(scene: Scene, step: Step, place: Place, question: str, rows: list[Row]) -> Reply:
    """Buttons where few short ones do, else a list: a button shows no price, so the text does."""
    here, back = f"pick:{_address(scene)}", scene.row("back", f"undo:{_address(scene)}")
    if not _are_buttons(rows):
        return scene.lay_out(step, _about(scene, step, place, question), [*rows, back], here=here)
    prices = [f"• {scene.wording.apart(row.title)}: {row.description}" for row in rows if row.description]
    has_room = len(rows) < _BUTTONS
    text = drafting.joined(question, *prices, "" if has_room else scene.wording.say("back_hint"))
    buttons = [Button(row.id, row.title) for row in ([*rows, back] if has_room else rows)]
    return scene.offer(step, _about(scene, step, place, text), buttons, here=here)


def _are_buttons(rows: list[Row]) -> bool:
    titles = {row.title for row in rows}
    return len(rows) <= _BUTTONS and len(titles) == len(rows) and max(map(len, titles)) <= fitting.BUTTON_TITLE


def _ask_quantity(scene: Scene, place: Place) -> Reply:
    address = _address(scene)
    step = Step.QUANTITY if picking.has_begun(_pick(scene, address)) else Step.ITEM
    buttons = [Button(f"qty:{n}:{address}", scene.wording.say("add", count=str(n))) for n in _FAST]
    return scene.offer(step, _about(scene, step, place, scene.wording.say("quantity")), buttons, here=f"pick:{address}")


def _into_cart(scene: Scene, place: Place, pick: Pick) -> Reply | None:
    entry = Entry(pick.address, picking.line(place.item, pick))
    scene = scene.with_pick(None)
    if entry.line.total_minor < 0:
        return None
    if not scene.cart.has_room_for(entry):
        full = scene.wording.say("cart_full", lines=str(MOST_LINES), each=str(MOST_EACH))
        return reviewing.cart(scene.saying(full))
    return reviewing.cart(scene.with_cart(scene.cart.added(entry)).saying(scene.wording.say("added")))


def _about(scene: Scene, step: Step, place: Place, question: str) -> str:
    """All about the item before the first question, afterwards only what was chosen."""
    pick = _pick(scene, _address(scene))
    if not picking.has_begun(pick):
        return describing.whole(scene, step, place.item, question)
    line = picking.line(place.item, replace(pick, quantity=1))
    taken = describing.described(scene, (*line.choices, *line.add_ons))
    name, each = describing.short(scene, place.item.name), describing.price(scene, line.total_minor)
    chosen = scene.wording.say("chosen", taken=fitting.cut(taken, _TAKEN)) if taken else ""
    return drafting.joined(scene.wording.say("item", item=name, price=each), chosen, question)


def _address(scene: Scene) -> str:
    return scene.state.pick.address if scene.state.pick else ""


def _place(scene: Scene, address: str) -> Place | None:
    """Where the item stands. Raises Missing where that is not known yet."""
    scene.need_menu()
    if address not in scene.shelves.places:
        scene.need_items(scene.shelves.category_of(address))
    return scene.shelves.places.get(address)


def _pick(scene: Scene, address: str) -> Pick:
    """The item that is open, if it is this one."""
    pick = scene.state.pick
    return pick if pick and pick.address == address else Pick(address)


def _parts(rest: str) -> tuple[int, str, str]:
    position, _, more = rest.partition(":")
    key, _, address = more.partition(":")
    return (int(position) if position.isascii() and position.isdecimal() and len(position) < 4 else -1), key, address


def _choice_row(scene: Scene, choice: str, one: Choice) -> Row:
    return Row(choice, scene.wording.name(one.name, "unnamed_choice"), _extra(scene, one.price_minor))


def _add_on_row(scene: Scene, choice: str, one: AddOn) -> Row:
    most = picking.most(one)
    at_most = scene.wording.say("at_most", most=str(most)) if most > 1 else ""
    about = " · ".join(filter(None, (_extra(scene, one.price_minor), at_most)))
    return Row(choice, scene.wording.name(one.name, "unnamed_choice"), about)


def _extra(scene: Scene, minor: int) -> str:
    return describing.price(scene, minor, is_extra=True) if minor else ""
