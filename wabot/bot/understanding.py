"""What a customer may mean: the ids of the choices that a message could stand for, likeliest first."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Set

from wabot.bot import wording
from wabot.bot.shelves import Shelves
from wabot.bot.state import Heard, Offered

_LONGEST = 1000
_GAPS = re.compile(r"[\W_]+")
_UNWRITTEN = ("Mn", "Me", "Cf")
_PLAIN = {"ى": "ي", "ی": "ي", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ٱ": "ا", "ک": "ك", "ـ": ""}


def _plain_letters() -> dict[int, str]:
    """What each character of the basic plane is compared as, where that is not itself."""
    characters = [chr(code) for code in range(0x10000)]
    digits = {ord(c): str(unicodedata.decimal(c)) for c in characters if c.isdecimal()}
    marks = {ord(c): "" for c in characters if unicodedata.category(c) in _UNWRITTEN}
    return digits | marks | str.maketrans(_PLAIN)


_LETTERS = _plain_letters()


def choices(heard: Heard, offered: Offered, shelves: Shelves) -> Iterator[str]:
    """The tapped choice, then what the text may mean; some may lead nowhere in today's menu.

    An offered title or its number comes before a word that we know, that before a name in the menu.
    """
    if heard.choice:
        yield heard.choice
    typed = plain(heard.text)
    if not typed:
        return
    yield from _offered(typed, offered)
    texts = (typed, _without_manners(typed))
    yield from (_WORDS[text] for text in texts if text in _WORDS)
    yield from _named({text for text in texts if text}, shelves)


def plain(text: str) -> str:
    """The text as it is compared: letters and digits only, no case, no marks, one form of each Arabic letter.

    Empty for a text that is too long to name anything, which also bounds the work.
    """
    if len(text) > _LONGEST:
        return ""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return _GAPS.sub(" ", folded.translate(_LETTERS)).strip()


def has_said_salam(text: str) -> bool:
    """Whether a message opens with the salam, which asks for its own answer."""
    return f"{plain(text[:_LONGEST])} ".startswith(_SALAM)


def _offered(typed: str, offered: Offered) -> Iterator[str]:
    yield from (id_ for id_, title in offered if plain(title) == typed)
    if typed.isdecimal() and len(typed) <= 2 and 1 <= int(typed) <= len(offered):
        yield offered[int(typed) - 1][0]


def _named(texts: Set[str], shelves: Shelves) -> Iterator[str]:
    for address, category in shelves.categories.items():
        if _is_named(texts, category.name):
            yield f"cat:{address}:0"
    for address, place in shelves.places.items():
        if _is_named(texts, place.item.name):
            yield f"item:{address}"


def _is_named(texts: Set[str], names: Mapping[str, str]) -> bool:
    return any(plain(name) in texts for name in names.values())


def _without_manners(typed: str) -> str:
    return " ".join(word for word in typed.split() if word not in _MANNERS)


_LANGUAGES = tuple(wording.ALL.values())
_MANNERS = frozenset(word for language in _LANGUAGES for phrase in language.manners for word in plain(phrase).split())
_SALAM = tuple(f"{plain(phrase)} " for language in _LANGUAGES for phrase in language.salam)
_WORDS: Mapping[str, str] = {
    plain(phrase): choice
    for language in _LANGUAGES
    for choice, phrases in (*language.words.items(), ("hello", language.salam))
    for phrase in phrases
}
