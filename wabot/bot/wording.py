"""The bot's texts in each language, read once at import, and how names and prices are written in it.

Texts are filled in literally and once: what a customer or a menu wrote is never read as a template.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Self

from wabot.bot import fitting
from wabot.bot.state import LOCALES

_PLACE = re.compile(r"(\*?)\{(\w+)\}")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_ENDS_IN_LINK = re.compile(r"(://|[^\W\d_][.@/]\w)\S*$")
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_ISOLATE, _LEFT_TO_RIGHT, _POP = "\u2068", "\u2066", "\u2069"


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. `words` are what customers type, by the choice that they mean; `manners` mean nothing;
    `comma` stands between things that are listed."""

    locale: str
    says: Mapping[str, str]
    buttons: Mapping[str, str]
    currencies: Mapping[str, str]
    words: Mapping[str, list[str]]
    salam: list[str]
    manners: list[str]
    comma: str

    @classmethod
    def read(cls, locale: str) -> Self:
        """The language's own file; a broken one stops the import."""
        file = resources.files("wabot.bot").joinpath("texts", f"{locale}.toml")
        return cls(locale=locale, **tomllib.loads(file.read_text("utf-8")))

    def say(self, text: str, **values: str) -> str:
        """The text with its places filled in; a name in bold stands bare, so that WhatsApp sees its asterisks."""
        return _PLACE.sub(
            lambda place: place[1] + values[place[2]] if place[1] else self.placed(values[place[2]]), self.says[text]
        )

    def placed(self, value: str) -> str:
        """The value as it stands in a line of this language: isolated (UAX #9) where its order would be lost.

        A link stands as it is, since apps may take what follows it for a part of it.
        """
        is_apart = _ISOLATE in value or _ENDS_IN_LINK.search(value)
        return value if is_apart or not self._is_turned(value) else f"{_ISOLATE}{value}{_POP}"

    def name(self, names: Mapping[str, str], otherwise: str) -> str:
        """The name in this language, else in another, else the text `otherwise`."""
        return self.name_or_nothing(names) or self.says[otherwise]

    def name_or_nothing(self, names: Mapping[str, str]) -> str:
        """The name in this language, else in another, else nothing."""
        found = (fitting.line(name) for name in (names.get(self.locale, ""), *names.values()))
        return next(filter(None, found), "")

    def describe(self, descriptions: Mapping[str, str]) -> str:
        """The description in this language, else in another, else nothing; line breaks stay."""
        candidates = (descriptions.get(self.locale, ""), *descriptions.values())
        return next(filter(None, map(fitting.paragraphs, candidates)), "")

    def price(self, minor: int, currency: str, digits: int, *, sign: str = "") -> str:
        """The price in Latin digits, whole amounts without decimals: `24.50 SAR`, `24 ر.س`; a sign stays before it."""
        code = fitting.line(currency)
        amount = f"{sign}{_amount(minor, digits)}"
        if self.locale == "ar" and not amount[0].isdecimal():
            amount = f"{_LEFT_TO_RIGHT}{amount}{_POP}"
        return f"{amount} {self.currencies.get(code, code)}".strip()

    def _is_turned(self, value: str) -> bool:
        directions = {unicodedata.bidirectional(character) for character in value}
        if self.locale != "ar":
            return not directions.isdisjoint(_RIGHT_TO_LEFT)
        is_grouped = "EN" in directions and directions.isdisjoint(_RIGHT_TO_LEFT) and not _NUMBER.fullmatch(value)
        return "L" in directions or is_grouped


ALL: Mapping[str, Wording] = {locale: Wording.read(locale) for locale in LOCALES}


def of(locale: str) -> Wording:
    """The wording for a locale such as `ar` or `ar-SA`; English for one that we do not speak."""
    return ALL.get(locale[:2].lower(), ALL["en"])


def other(locale: str) -> Wording:
    """The language that a customer who reads `locale` can switch to."""
    return ALL["en" if locale == "ar" else "ar"]


def _amount(minor: int, digits: int) -> str:
    if digits <= 0:
        return str(minor)
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}}" if rest else f"{sign}{whole}"
