"""The platform's words for orders and payments, in every case and spelling that it may choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.catalog import order_status, payment_status
from wabot.words import OrderStatus, PaymentStatus

ORDERS = {
    "in progress": OrderStatus.PREPARING,
    "preparing": OrderStatus.PREPARING,
    "received": OrderStatus.CONFIRMED,
    "confirmed": OrderStatus.CONFIRMED,
    "ready": OrderStatus.READY,
    "out for delivery": OrderStatus.OUT_FOR_DELIVERY,
    "delivered": OrderStatus.DELIVERED,
    "completed": OrderStatus.DELIVERED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.CANCELLED,
}
PAYMENTS = {
    "pending": PaymentStatus.PENDING,
    "paid": PaymentStatus.PAID,
    "failed": PaymentStatus.FAILED,
    "refunded": PaymentStatus.REFUNDED,
}
SPELLINGS = {
    "as it is": str,
    "capitals": str.upper,
    "title": str.title,
    "snake": lambda word: word.replace(" ", "_").upper(),
    "kebab": lambda word: word.replace(" ", "-"),
    "camel": lambda word: word.title().replace(" ", ""),
    "spaces around": lambda word: f"  {word}\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("word", [*ORDERS, *PAYMENTS])
def test_a_word_is_known_in_any_spelling(word: str, spelling: str) -> None:
    spelled = SPELLINGS[spelling](word)
    assert order_status(spelled) is ORDERS.get(word)
    assert payment_status(spelled) is PAYMENTS.get(word)


@given(st.one_of(st.none(), st.integers(), st.lists(st.text()), st.text()))
def test_what_is_no_such_word_is_nothing(said: object) -> None:
    assert order_status(said) in (None, *OrderStatus)
    assert payment_status(said) in (None, *PaymentStatus)
    if not isinstance(said, str):
        assert order_status(said) is None is payment_status(said)
