"""The platform's words for what becomes of an order: they come in any case and spelling (facts/catalog-api)."""

from wabot.words import OrderStatus, PaymentStatus

_ORDER = {
    OrderStatus.CONFIRMED: ("received", "confirmed", "accepted"),
    OrderStatus.PREPARING: ("in progress", "preparing", "processing"),
    OrderStatus.READY: ("ready", "ready for pickup"),
    OrderStatus.OUT_FOR_DELIVERY: ("out for delivery", "on the way"),
    OrderStatus.DELIVERED: ("delivered", "completed", "complete"),
    OrderStatus.CANCELLED: ("cancelled", "canceled", "rejected", "declined"),
}
_PAYMENT = {
    PaymentStatus.PENDING: ("pending", "unpaid"),
    PaymentStatus.PAID: ("paid",),
    PaymentStatus.FAILED: ("failed",),
    PaymentStatus.REFUNDED: ("refunded",),
}


def _bare(text: str) -> str:
    """`Out_For-Delivery`, `outForDelivery` and `OUT FOR DELIVERY` are one word."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


_ORDER_WORDS = {_bare(word): status for status, spelled in _ORDER.items() for word in spelled}
_PAYMENT_WORDS = {_bare(word): status for status, spelled in _PAYMENT.items() for word in spelled}


def order_status(text: object) -> OrderStatus | None:
    """Our state for the platform's word, in any case and spelling; None for what is no such word."""
    return _ORDER_WORDS.get(_bare(text)) if isinstance(text, str) else None


def payment_status(text: object) -> PaymentStatus | None:
    """Our state for the platform's word for a payment; None for what is no such word."""
    return _PAYMENT_WORDS.get(_bare(text)) if isinstance(text, str) else None
