"""Which state of an order can follow which (CONTRACT §5). Pure; what a step entails is `stepping`'s."""

from wabot.words import OrderStatus, OrderType

_ON_ITS_WAY = {OrderType.DELIVERY: OrderStatus.OUT_FOR_DELIVERY}


def following(status: OrderStatus, kind: OrderType) -> tuple[OrderStatus, ...]:
    """The states into which an order of this kind can be brought from here. Only a rating makes it RATED."""
    match status:
        case OrderStatus.DRAFT:
            return OrderStatus.CONFIRMED, OrderStatus.CANCELLED
        case OrderStatus.CONFIRMED:
            return OrderStatus.PREPARING, OrderStatus.CANCELLED
        case OrderStatus.PREPARING:
            waiting = _ON_ITS_WAY.get(kind, OrderStatus.READY)
            return waiting, OrderStatus.DELIVERED, OrderStatus.CANCELLED
        case OrderStatus.OUT_FOR_DELIVERY | OrderStatus.READY:
            return OrderStatus.DELIVERED, OrderStatus.CANCELLED
        case _:
            return ()


def leads_to(status: OrderStatus, target: OrderStatus, kind: OrderType) -> bool:
    """Whether the target is ahead, over however many steps: a platform tells what is, not each thing that was."""
    ahead = following(status, kind)
    return target in ahead or any(leads_to(step, target, kind) for step in ahead)
