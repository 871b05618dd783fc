"""What the bot is told of a customer's message."""

import math
from collections.abc import Mapping
from typing import Any

from wabot import words
from wabot.bot import conversation as bot
from wabot.store.messages import Message


def heard(message: Message, *, cart_expired: bool = False) -> bot.Heard:
    """The message as the bot hears it; `cart_expired` where a cart was given up before it."""
    who = message.customer.name
    return bot.Heard(message.kind, message.body, message.choice, who, _place(message), cart_expired)


def _place(message: Message) -> words.Location | None:
    """Where it points to, if it is a place on earth: all adapters keep it under the same name, as it came."""
    said = message.payload.get("location") if message.kind == words.Kind.LOCATION else None
    if not isinstance(said, Mapping):
        return None
    latitude, longitude = _degrees(said.get("latitude"), 90), _degrees(said.get("longitude"), 180)
    if latitude is None or longitude is None:
        return None
    return words.Location(latitude, longitude, str(said.get("name") or ""), str(said.get("address") or ""))


def _degrees(said: Any, most: float) -> float | None:
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    return float(said) if is_number and math.isfinite(said) and abs(said) <= most else None
