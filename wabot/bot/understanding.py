"""What a customer may mean: the ids of the choices that a message could stand for, likeliest first."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache

from wabot.bot import wording
from wabot.bot.shelves import Shelves
from wabot.bot.state import Heard, Known, Offered, State, Step

_LONGEST = 1000
_GAPS = re.compile(r"[\W_]+")
_MANY = re.compile(r"(\d{1,15}) ?(?:x|×)? ?(\D.*)|(\D.*?) ?(?:x|×)? ?(\d{1,15})")
_NUMBERS = re.compile(r"\d{1,2}( \d{1,2}){1,20}")
_BELOW_NOTHING = re.compile(r"\s*[-\N{MINUS SIGN}]\d+\s*")
_SO_MANY_STARS = re.compile(r"(\d) ?(?:stars?|نجوم|نجمه|نجمات)?")
_MOST_STARS = 20
_PLACE = re.compile(r"(?<![\d.])(-?\d{1,2}\.\d{3,15})\s*(?:,|%2C|،)\s*(-?\d{1,3}\.\d{3,15})(?![\d.])", re.IGNORECASE)
_UNWRITTEN = ("Mn", "Me", "Cf")
_PLAIN = {"ى": "ي", "ی": "ي", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ٱ": "ا", "ک": "ك", "ـ": ""}


def _plain_letters() -> dict[int, str]:
    """What each character of the basic plane is compared as, where that is not itself."""
    characters = [chr(code) for code in range(0x10000)]
    digits = {ord(c): str(unicodedata.decimal(c)) for c in characters if c.isdecimal()}
    marks = {ord(c): "" for c in characters if unicodedata.category(c) in _UNWRITTEN}
    return digits | marks | str.maketrans(_PLAIN)


_LETTERS = _plain_letters()


def choices(heard: Heard, state: State, shelves: Shelves, known: Known) -> Iterator[str]:
    """The tapped choice, then what a place or the text may mean; some may lead nowhere in today's menu.

    An offered title or its number comes before a word that we know, that before a name in the menu; a text that
    means none of these may be a note or a comment, where one was asked for.
    """
    if heard.choice:
        yield heard.choice
    yield from _placed(heard)
    typed = plain(heard.text)
    yield from _stars(heard.text, typed, state.offered)
    if not typed:
        return
    if not _BELOW_NOTHING.fullmatch(heard.text):
        yield from _offered(typed, state.offered)
    texts = (typed, _without_manners(typed))
    yield from (_WORDS[text] for text in texts if text in _WORDS)
    yield from _numbered(typed, known)
    yield from _named({text for text in texts if text}, shelves)
    yield from _so_many(typed, shelves)
    if not heard.choice and heard.kind == "text":
        yield from _free(state)


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


def _placed(heard: Heard) -> Iterator[str]:
    """A place that was sent, or written as degrees or a link to a map."""
    if heard.location:
        yield f"at:{heard.location.latitude:.5f},{heard.location.longitude:.5f}"
    elif found := _PLACE.search(heard.text[:_LONGEST]):
        yield f"at:{float(found[1]):.5f},{float(found[2]):.5f}"


def _offered(typed: str, offered: Offered) -> Iterator[str]:
    yield from (id_ for id_, title in offered if plain(title) == typed)
    if offered and offered[0][0].startswith("done:"):
        if _WORDS.get(typed) in _NO_MORE:
            yield offered[0][0]
        if _NUMBERS.fullmatch(typed):
            yield f"several:{typed.replace(' ', ',')}"
    if not typed.isdecimal() or len(typed) > 15 or _are_stars(offered):
        return
    yield from _quantity(int(typed), offered)
    if len(typed) <= 2 and 1 <= int(typed) <= len(offered):
        yield offered[int(typed) - 1][0]


def _stars(text: str, typed: str, offered: Offered) -> Iterator[str]:
    """Where stars were asked for, a number is so many of them, wherever that row stands; stars can also be written."""
    written = "".join(text.split()).replace("\ufe0f", "") if len(text) <= _MOST_STARS else ""
    said = _SO_MANY_STARS.fullmatch(typed)
    count = len(written) if written.strip("⭐") == "" else int(said[1]) if said else 0
    yield from (id_ for id_, _ in offered if id_.startswith(f"rate:{count}:"))


def _are_stars(offered: Offered) -> bool:
    return bool(offered) and offered[0][0].startswith("rate:5:")


def _quantity(number: int, offered: Offered) -> Iterator[str]:
    """Where a quantity was asked for, any number is one, not only those that can be tapped."""
    first = offered[0][0] if offered else ""
    if first.startswith("qty:") and number:
        yield f"qty:{number}:{first.split(':', 2)[2]}"
    elif first.startswith("set:"):
        yield f"{first.rpartition(':')[0]}:{number}"


def _numbered(typed: str, known: Known) -> Iterator[str]:
    """An order by its number, alone or in a few words."""
    words = typed.split()
    if len(words) <= 6:
        yield from (f"track:{order.uid}" for order in known.orders if order.number and plain(order.number) in words)


def _named(texts: Set[str], shelves: Shelves) -> Iterator[str]:
    for address, category in shelves.categories.items():
        if _is_named(texts, category.name):
            yield f"cat:{address}:0"
    for address, place in shelves.places.items():
        if _is_named(texts, place.item.name):
            yield f"item:{address}"


def _so_many(typed: str, shelves: Shelves) -> Iterator[str]:
    """A number before or behind the name of an item: `2 cola`, `cola x 2`."""
    found = _MANY.fullmatch(typed) or _MANY.fullmatch(_without_manners(typed))
    if not found:
        return
    number, name = (found[1], found[2]) if found[1] else (found[4], found[3])
    texts = {name, _without_manners(name)} - {""}
    for address, place in shelves.places.items():
        if int(number) and _is_named(texts, place.item.name):
            yield f"buy:{int(number)}:{address}"


def _free(state: State) -> Iterator[str]:
    """Steps at which any text may be meant as such."""
    if state.step == Step.PHONE:
        yield "phone"
    if state.step == Step.SUMMARY:
        yield "note"
    if state.comment_on:
        yield "comment"


def _is_named(texts: Set[str], names: Mapping[str, str]) -> bool:
    return any(_plain_name(name) in texts for name in names.values() if len(name) <= _LONGEST)


@lru_cache(maxsize=4096)
def _plain_name(name: str) -> str:
    """A menu's names are compared with every text that is written, and change seldom."""
    return plain(name)


def _without_manners(typed: str) -> str:
    return " ".join(word for word in typed.split() if word not in _MANNERS)


_LANGUAGES = tuple(wording.ALL.values())
_NO_MORE = frozenset({"checkout", "no"})
"""Words that end the choice of add-ons instead of leaving the item."""
_MANNERS = frozenset(word for language in _LANGUAGES for phrase in language.manners for word in plain(phrase).split())
_SALAM = tuple(f"{plain(phrase)} " for language in _LANGUAGES for phrase in language.salam)
_WORDS: Mapping[str, str] = {
    plain(phrase): choice
    for language in _LANGUAGES
    for choice, phrases in (*language.words.items(), ("hello", language.salam))
    for phrase in phrases
}
