"""What the bot is told and what it gives back. `conversation` hands these on to callers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from wabot.words import Draft

LOCALES = ("ar", "en")
Offered = tuple[tuple[str, str], ...]


class Step(StrEnum):
    """Every step of the flow, as it stands in `State.step` and `Draft.step`."""

    START = "start"
    WELCOME = "welcome"
    CATEGORIES = "menu.categories"
    ITEMS = "menu.items"
    ITEM = "menu.item"
    HANDOVER = "handover"
    LANGUAGE = "language"
    THANKS = "thanks"
    UNREADABLE = "unreadable"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Profile:
    """The tenant as the bot knows it. `currency_digits` is how many digits the minor unit has."""

    name: str
    locale: str
    currency: str
    currency_digits: int = 2
    support_contact: str = ""
    app_link: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the customer; `choice` is the id of a tapped button or row."""

    kind: str
    text: str
    choice: str = ""
    customer_name: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Where the conversation stands.

    `locale` is empty until the customer chooses a language. `offered` holds id and title of what
    was offered last, so that typed titles and numbers are understood.
    """

    locale: str = ""
    step: str = Step.START.value
    offered: Offered = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready values that `from_json` reads back to an equal state."""
        return {"locale": self.locale, "step": self.step, "offered": [list(pair) for pair in self.offered]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The kept state; the beginning where it is broken or of another version. The language survives."""
        if not isinstance(kept, Mapping):
            return cls()
        locale = kept.get("locale") if kept.get("locale") in LOCALES else ""
        if kept.get("step") not in list(Step) or not _are_pairs(kept.get("offered")):
            return cls(locale=str(locale))
        pairs = tuple((id_, title) for id_, title in kept["offered"])
        return cls(locale=str(locale), step=str(kept["step"]), offered=pairs)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot makes of a message; `needs_person` asks for a person to take over.

    `understood` is False where the drafts only say that the message was not; `keep` is True where they tell something
    that must be said even if a later message of the same burst has its own answer.
    """

    state: State
    drafts: tuple[Draft, ...]
    needs_person: bool = False
    understood: bool = True
    keep: bool = False


def _are_pairs(value: object) -> bool:
    return isinstance(value, list | tuple) and all(_is_pair(pair) for pair in value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)
