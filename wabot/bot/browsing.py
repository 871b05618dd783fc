"""The steps that show the menu: categories, the items of one, one item that is only looked at."""

from collections.abc import Sequence

from wabot.bot import describing, drafting, fitting, shelves, talking
from wabot.bot.describing import number
from wabot.bot.scene import Reply, Scene
from wabot.bot.shelves import Page, Place
from wabot.bot.state import Step
from wabot.words import Button, MenuCategory, MenuItem, Row

_BETWEEN = " · "


def menu(scene: Scene, rest: str = "") -> Reply:
    """One page of the categories; a menu with a single one goes straight to its items."""
    scene.need_menu()
    offered = scene.shelves.categories
    if not offered:
        return talking.fallback(scene, "no_menu")
    if len(offered) == 1 and scene.cart.branch_id == scene.branch_id:
        return _items(scene, next(iter(offered)), number(rest))
    page = shelves.page(len(offered), number(rest))
    shown = list(offered.items())[page.first : page.end]
    rows = [_category_row(scene, address, category) for address, category in shown]
    text = drafting.joined(scene.wording.say("categories"), _where(scene, page))
    rows += _beside(scene, rows, _more(scene, page, "menu"))
    return scene.lay_out(Step.CATEGORIES, text, rows, here=f"menu:{page.number}")


def category(scene: Scene, rest: str) -> Reply | None:
    """One page of a category's items: `<address>:<page>`."""
    scene.need_menu()
    address, _, page = rest.rpartition(":")
    if address in scene.shelves.categories:
        return _items(scene, address, number(page))
    return _nothing_there(scene) if any(shelf.id == address for shelf in scene.known.menu.categories) else None


def item(scene: Scene, address: str, place: Place) -> Reply:
    """All about one item that cannot be ordered here, with the ways back."""
    text = describing.whole(scene, Step.ITEM, place.item)
    return scene.offer(Step.ITEM, text, _ways_on(scene, place), here=f"item:{address}")


def page_with(place: Place) -> str:
    """The choice that shows an item's neighbours."""
    return f"cat:{place.category}:{shelves.page_of(place.index)}"


def _items(scene: Scene, address: str, page_number: int) -> Reply:
    scene.need_items(address)
    offered = scene.shelves.within(address)
    if not offered:
        return _nothing_there(scene)
    page = shelves.page(len(offered), page_number)
    rows = [_item_row(scene, key, found) for key, found in offered[page.first : page.end]]
    text = drafting.joined(_items_text(scene, scene.shelves.categories[address]), _where(scene, page))
    rows += _beside(scene, rows, _more(scene, page, f"cat:{address}"))
    return scene.lay_out(Step.ITEMS, text, rows, here=f"cat:{address}:{page.number}")


def _nothing_there(scene: Scene) -> Reply:
    """A category turned out to have nothing, or nothing that can be had in this kind of order."""
    return menu(scene.saying(scene.wording.say("empty")))


def _ways_on(scene: Scene, place: Place) -> list[Button]:
    back = scene.button("back", page_with(place))
    home = [scene.button("menu", "menu"), scene.button("person", "person")]
    return [back, *home] if len(scene.shelves.categories) > 1 else [back, home[1]]


def _items_text(scene: Scene, shelf: MenuCategory) -> str:
    name = describing.name(scene, shelf.name, "unnamed_category")
    hint = scene.wording.say("items_hint") if len(scene.shelves.categories) > 1 else ""
    return drafting.joined(scene.wording.say("items", category=name), hint)


def _category_row(scene: Scene, address: str, shelf: MenuCategory) -> Row:
    name = scene.wording.name(shelf.name, "unnamed_category")
    return Row(f"cat:{address}:0", name, _whole(name))


def _item_row(scene: Scene, address: str, found: MenuItem) -> Row:
    name = scene.wording.name(found.name, "unnamed_item")
    description = fitting.line(scene.wording.describe(found.description))
    about = filter(None, (describing.price(scene, found.price_minor), _whole(name), description))
    return Row(f"item:{address}", name, _BETWEEN.join(about))


def _more(scene: Scene, page: Page, here: str) -> list[Row]:
    return [scene.row("more", f"{here}:{page.number + 1}")] if page.has_more else []


def _beside(scene: Scene, rows: Sequence[Row], more: list[Row]) -> list[Row]:
    """What stands under the rows: the way on and, where there is room, the cart."""
    has_room = len(rows) + len(more) < fitting.ROWS
    return more + ([scene.row("cart", "cart")] if has_room and not scene.cart.is_empty else [])


def _whole(name: str) -> str:
    """The name once more, where the row's title must cut it."""
    return name if len(name) > fitting.ROW_TITLE else ""


def _where(scene: Scene, page: Page) -> str:
    if page.pages == 1:
        return ""
    return scene.wording.say("page", page=str(page.number + 1), pages=str(page.pages))
