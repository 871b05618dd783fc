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

_ARABIC = frozenset({"R", "AL"})
_PLACE = re.compile(r"\{(\w+)\}")


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

    @property
    def is_arabic(self) -> bool:
        return self.locale == "ar"

    @classmethod
    def read(cls, locale: str) -> Self:
        """The language's own file; a broken one stops the import."""
        file = resources.files("wabot.bot").joinpath("texts", f"{locale}.toml")
        return cls(locale=locale, **tomllib.loads(file.read_text("utf-8")))

    def say(self, text: str, **values: str) -> str:
        """The text with its places filled in."""
        return _PLACE.sub(lambda place: values[place[1]], self.says[text])

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

    def apart(self, text: str) -> str:
        """The text as it can stand in a line of ours: what runs the other way would take its neighbours along."""
        kinds = set(map(unicodedata.bidirectional, text))
        is_arabic = not kinds.isdisjoint(_ARABIC)
        is_ours = is_arabic and "L" not in kinds if self.is_arabic else not is_arabic
        return text if is_ours or not text or text.isdecimal() else f"{fitting.APART}{text}{fitting.TOGETHER}"

    def price(self, minor: int, currency: str, digits: int, *, is_extra: bool = False) -> str:
        """The price in Latin digits, whole amounts without decimals: `24.50 SAR`, `24 ر.س`; an extra has its sign."""
        code = fitting.line(currency)
        amount = ("+" if is_extra and minor > 0 else "") + _amount(minor, digits)
        if self.is_arabic and not amount[0].isdecimal():
            amount = f"{fitting.FROM_THE_LEFT}{amount}{fitting.TOGETHER}"
        return f"{amount} {self.currencies.get(code, code)}".strip()


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
