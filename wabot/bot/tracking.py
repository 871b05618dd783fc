"""The steps that show a customer's orders and where they stand."""

from wabot.bot import drafting, fitting, talking, telling
from wabot.bot.scene import Reply, Scene
from wabot.bot.state import Step
from wabot.words import OrderSeen, OrderStatus, Row

_NUMBER = 40


def track(scene: Scene, rest: str = "") -> Reply | None:
    """Where an order stands, by its uid or the latest; several on their way are listed first."""
    if rest:
        found = next((order for order in scene.known.orders if order.uid == rest), None)
        return _one(scene, found) if found else None
    if not scene.known.orders:
        return talking.at_home(scene, Step.ORDERS, scene.wording.say("no_orders"))
    on_their_way = scene.open_orders
    if len(on_their_way) > 1:
        return _several(scene, on_their_way)
    return _one(scene, (*on_their_way, scene.known.orders[0])[0])


def _one(scene: Scene, order: OrderSeen) -> Reply:
    says = scene.wording
    text = drafting.joined(
        telling.state(says, order),
        telling.way(says, order),
        telling.total(says, order),
        telling.payment(says, order),
    )
    rate = [scene.button("rate_now", f"rate:now:{order.uid}")] if order.status is OrderStatus.DELIVERED else []
    way_in = "cart" if not scene.cart.is_empty else "order"
    buttons = [*rate, scene.button(way_in, way_in), scene.button("person", "person")]
    return scene.offer(Step.TRACKING, text, buttons, here=f"track:{order.uid}")


def _several(scene: Scene, orders: tuple[OrderSeen, ...]) -> Reply:
    rows = [_row(scene, order) for order in orders[: fitting.ROWS]]
    return scene.lay_out(Step.ORDERS, scene.wording.say("orders"), rows, here="track")


def _row(scene: Scene, order: OrderSeen) -> Row:
    number = scene.wording.apart(fitting.cut(fitting.line(order.number), _NUMBER))
    title = scene.wording.say("order_title", number=number) if number else scene.wording.say("order_title_unnumbered")
    return Row(f"track:{order.uid}", title, telling.state(scene.wording, order))
