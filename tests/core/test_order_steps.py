"""The states of an order, each pair of them against what the contract says, written down once more."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.core import order_steps
from wabot.words import OrderStatus, OrderType

BY_HAND = """
DRAFT CONFIRMED *
DRAFT CANCELLED *
CONFIRMED PREPARING *
CONFIRMED CANCELLED *
PREPARING OUT_FOR_DELIVERY delivery
PREPARING READY pickup dine_in car
PREPARING DELIVERED *
PREPARING CANCELLED *
OUT_FOR_DELIVERY DELIVERED *
OUT_FOR_DELIVERY CANCELLED *
READY DELIVERED *
READY CANCELLED *
"""
"""From, to, and for which types."""
PLACE = {"DRAFT": 0, "CONFIRMED": 1, "PREPARING": 2, "OUT_FOR_DELIVERY": 3, "READY": 3, "DELIVERED": 4}
PAIRS = list(itertools.product(OrderStatus, OrderStatus, OrderType))


def allowed(status: str, target: str, kind: str) -> bool:
    rules = [line.split() for line in BY_HAND.strip().splitlines()]
    return any(rule[:2] == [status, target] and (rule[2] == "*" or kind in rule[2:]) for rule in rules)


def ahead(status: str, target: str, kind: str) -> bool:
    """What the platform may jump to: whatever comes later, or the end before it was delivered."""
    if status not in PLACE or status == "DELIVERED":
        return False
    if target == "CANCELLED":
        return True
    if (target == "OUT_FOR_DELIVERY" and kind != "delivery") or (target == "READY" and kind == "delivery"):
        return False
    return target in PLACE and PLACE[target] > PLACE[status]


@pytest.mark.parametrize(("status", "target", "kind"), PAIRS)
def test_a_step_is_allowed_where_the_contract_says_so_and_nowhere_else(
    status: OrderStatus, target: OrderStatus, kind: OrderType
) -> None:
    assert (target in order_steps.following(status, kind)) == allowed(status, target, kind)


@pytest.mark.parametrize(("status", "target", "kind"), PAIRS)
def test_the_platform_may_jump_forward_over_steps_and_never_back(
    status: OrderStatus, target: OrderStatus, kind: OrderType
) -> None:
    assert order_steps.leads_to(status, target, kind) == ahead(status, target, kind)


@given(st.sampled_from(OrderType), st.lists(st.sampled_from(OrderStatus), max_size=20))
def test_any_sequence_of_steps_goes_only_forward_and_ends(kind: OrderType, wanted: list[OrderStatus]) -> None:
    status, taken = OrderStatus.DRAFT, [OrderStatus.DRAFT]
    for target in wanted:
        if target in order_steps.following(status, kind):
            status = target
            taken.append(target)
    assert len(set(taken)) == len(taken) <= 5
    assert OrderStatus.RATED not in taken
    assert OrderStatus.CANCELLED not in taken[:-1]
