"""The ways back: what stands before each step, for a customer who types it where no button offers it."""

from wabot.bot.scene import Scene
from wabot.bot.state import Step

_UNDER_WAY = frozenset(
    {
        Step.TYPE, Step.PLACE, Step.NOT_COVERED, Step.BRANCH, Step.OPTION, Step.ADD_ONS, Step.QUANTITY, Step.CART,
        Step.LINES, Step.LINE, Step.LINE_QUANTITY, Step.CLEAR, Step.PHONE, Step.SUMMARY, Step.RATING,
    }
)  # fmt: skip
_PICKING = (Step.ITEM, Step.OPTION, Step.ADD_ONS, Step.QUANTITY)


def is_under_way(scene: Scene) -> bool:
    """Whether what was shown last is a step that is better shown again than left."""
    if scene.state.step in (Step.CATEGORIES, Step.ITEMS, Step.ITEM):
        return scene.cart.type is not None or not scene.cart.is_empty or scene.state.pick is not None
    return scene.state.step in _UNDER_WAY


def before(scene: Scene) -> str:
    """The choice that leads one step back."""
    state = scene.state
    if state.step in _PICKING:
        return f"undo:{state.here.partition(':')[2]}" if state.here else "menu"
    match state.step:
        case Step.PLACE | Step.BRANCH:
            return before_place(scene)
        case Step.NOT_COVERED:
            return "place"
        case Step.ITEMS if len(scene.shelves.categories) > 1:
            return "menu"
        case Step.CATEGORIES | Step.ITEMS:
            return _before_menu(scene)
        case Step.CART:
            return "menu"
        case Step.LINES | Step.CLEAR | Step.PHONE | Step.SUMMARY:
            return "cart"
        case Step.LINE | Step.LINE_QUANTITY:
            return "lines:0"
    return "home"


def before_place(scene: Scene) -> str:
    """What stands before the question about where an order goes; who takes one kind of order asks about none."""
    return "types" if len(scene.known.menu.types) > 1 else "home"


def _before_menu(scene: Scene) -> str:
    if not scene.cart.is_empty:
        return "cart"
    return before_place(scene) if scene.cart.type else "home"
