"""The steps that show the menu: categories, the items of one, one item."""

from wabot.bot import fitting, shelves, talking
from wabot.bot.scene import Scene
from wabot.bot.shelves import Page, Place
from wabot.bot.state import Step
from wabot.words import Button, Draft, MenuCategory, MenuItem, Row

_NAME = 300
_ITEM = 880  # leaves room for the greeting before it
_LINK = 200
_PRICE = 40
_BETWEEN = " · "


def categories(scene: Scene, number: int, notice: str = "") -> Draft:
    """One page of the categories; a menu with a single one goes straight to its items."""
    offered = scene.shelves.categories
    if not offered:
        return talking.fallback(scene, "no_menu")
    if len(offered) == 1:
        return items(scene, next(iter(offered)), number, notice)
    page = shelves.page(len(offered), number)
    shown = list(offered.items())[page.first : page.end]
    rows = [_category_row(scene, address, category) for address, category in shown]
    text = _joined(notice, scene.wording.say("categories"), _where(scene, page))
    return scene.lay_out(Step.CATEGORIES, text, rows + _more(scene, page, "menu"))


def items(scene: Scene, category: str, number: int, notice: str = "") -> Draft:
    """One page of a category's items."""
    offered = scene.shelves.within(category)
    page = shelves.page(len(offered), number)
    rows = [_item_row(scene, address, item) for address, item in offered[page.first : page.end]]
    text = _joined(notice, _items_text(scene, scene.shelves.categories[category]), _where(scene, page))
    return scene.lay_out(Step.ITEMS, text, rows + _more(scene, page, f"cat:{category}"))


def item(scene: Scene, place: Place) -> Draft:
    """All about one item, with the ways back."""
    name = fitting.cut(scene.wording.name(place.item.name, "unnamed_item"), _NAME)
    parts = [scene.wording.say("item", item=name, price=_price(scene, place.item)), _link(scene)]
    room = _ITEM - len(_joined(*parts))
    description = fitting.cut(scene.wording.describe(place.item.description), room)
    return scene.offer(Step.ITEM, _joined(parts[0], description, parts[1]), _ways_on(scene, place))


def _ways_on(scene: Scene, place: Place) -> list[Button]:
    back = scene.button("back", f"cat:{place.category}:{shelves.page_of(place.index)}")
    home = [scene.button("menu", "menu"), scene.button("person", "person")]
    return [back, *home] if len(scene.shelves.categories) > 1 else [back, home[1]]


def _items_text(scene: Scene, category: MenuCategory) -> str:
    name = fitting.cut(scene.wording.name(category.name, "unnamed_category"), _NAME)
    hint = scene.wording.say("items_hint") if len(scene.shelves.categories) > 1 else ""
    return _joined(scene.wording.say("items", category=name), hint)


def _category_row(scene: Scene, address: str, category: MenuCategory) -> Row:
    name = scene.wording.name(category.name, "unnamed_category")
    return Row(f"cat:{address}:0", name, _whole(name))


def _item_row(scene: Scene, address: str, item: MenuItem) -> Row:
    name = scene.wording.name(item.name, "unnamed_item")
    description = fitting.line(scene.wording.describe(item.description))
    about = filter(None, (_price(scene, item), _whole(name), description))
    return Row(f"item:{address}", name, _BETWEEN.join(about))


def _more(scene: Scene, page: Page, here: str) -> list[Row]:
    return [Row(f"{here}:{page.number + 1}", scene.wording.buttons["more"])] if page.has_more else []


def _whole(name: str) -> str:
    """The name once more, where the row's title must cut it."""
    return name if len(name) > fitting.ROW_TITLE else ""


def _where(scene: Scene, page: Page) -> str:
    if page.pages == 1:
        return ""
    return scene.wording.say("page", page=str(page.number + 1), pages=str(page.pages))


def _price(scene: Scene, item: MenuItem) -> str:
    currency, digits = scene.profile.currency, scene.profile.currency_digits
    return fitting.cut(scene.wording.price(item.price_minor, currency, digits), _PRICE)


def _link(scene: Scene) -> str:
    link = fitting.line(scene.profile.app_link)
    return scene.wording.say("app", link=link) if link and len(link) <= _LINK else ""


def _joined(*parts: str) -> str:
    return "\n".join(filter(None, parts))
