"""Answers of the catalog in the cache: under which keys, as JSON and back, and what of them can be used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from wabot import words
from wabot.store import cache, db
from wabot.store.cache import Entry
from wabot.words import Want, WantKind

CATEGORIES = "categories"
BRANCHES = "branches"
HALVES = (CATEGORIES, BRANCHES)
"""What a catalog consists of before anybody looks at a shelf."""
ITEMS = "items:"
COVERAGE = "coverage:"
USABLE_FOR = timedelta(hours=1)
COVERAGE_FOR = timedelta(minutes=2)
"""Where somebody stands is nobody's business for longer than it takes to order."""
SMALL_BYTES = 32 << 10

Value = Any
"""What `read` returns: categories, branches or items as tuples, or a Coverage."""

_CATEGORIES: TypeAdapter[Value] = TypeAdapter(tuple[words.MenuCategory, ...])
_BRANCHES: TypeAdapter[Value] = TypeAdapter(tuple[words.Branch, ...])
_ITEMS: TypeAdapter[Value] = TypeAdapter(tuple[words.MenuItem, ...])
_COVERAGE: TypeAdapter[Value] = TypeAdapter(words.Coverage)


@dataclass(frozen=True, slots=True)
class Held:
    """A value that is there, perhaps no longer fresh."""

    value: Value
    is_fresh: bool
    fetched_at: datetime


def held(tenant_id: int, now: datetime, concerns: Callable[[str], bool]) -> Mapping[str, Held]:
    """What the cache has for the tenant and can be used now, of the keys that are of concern."""
    found = {key: entry for key, entry in cache.usable(tenant_id, now).items() if concerns(key)}
    read = {key: (entry, _value(tenant_id, key, entry)) for key, entry in found.items()}
    return {
        key: Held(value, entry.is_fresh, entry.fetched_at) for key, (entry, value) in read.items() if value is not None
    }


@dataclass(frozen=True, slots=True, eq=False)
class Places(Mapping[str, words.Coverage]):
    """Whether places are delivered to, by `Want.key`, as the cache can tell `now`. It is read when somebody asks:
    hundreds of customers may have sent theirs, and whoever looks at the menu needs none of them."""

    tenant_id: int
    now: datetime

    def __getitem__(self, key: str) -> words.Coverage:
        found = held(self.tenant_id, self.now, f"{COVERAGE}{key}".__eq__).values()
        for one in found:
            if isinstance(one.value, words.Coverage):
                return one.value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        known = cache.usable(self.tenant_id, self.now)
        return (key.removeprefix(COVERAGE) for key in known if key.startswith(COVERAGE))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _value(tenant_id: int, key: str, entry: Entry) -> Value | None:
    """None where another version kept it in another way."""
    read = _read_small if entry.size <= SMALL_BYTES else _read_large
    return read(str(db.database.path), tenant_id, key, entry.id, entry.fetched_at)


def _read(_file: str, tenant_id: int, key: str, entry_id: int, fetched_at: datetime) -> Value | None:
    body = cache.body(tenant_id, entry_id, fetched_at)
    try:
        return None if body is None else _adapter(key).validate_json(body)
    except ValidationError:
        return None


_read_small = lru_cache(maxsize=256)(_read)
_read_large = lru_cache(maxsize=2)(_read)
"""An entry never changes: what is fetched anew has another moment. A shelf of thousands of items takes a tenth of a
second to read and ten megabytes to keep."""


def of_items(category_id: str, branch_id: str) -> str:
    """The key of a category's items at a branch."""
    return f"{ITEMS}{category_id}|{branch_id}"


def keys_of(want: Want) -> tuple[str, ...]:
    """The keys of what is wanted."""
    match want.kind:
        case WantKind.CATALOG:
            return HALVES
        case WantKind.ITEMS:
            return (f"{ITEMS}{want.key}",)
        case WantKind.COVERAGE:
            return (f"{COVERAGE}{want.key}",)


def want_of(key: str) -> Want:
    """What the thing under this key was wanted as."""
    if key in HALVES:
        return Want(WantKind.CATALOG)
    kind, _, rest = key.partition(":")
    return Want(WantKind(kind), rest)


def concerns(key: str, branch_id: str) -> bool:
    """Whether who looks at the menu of that branch needs the entry: not the items of others, nor anybody's place."""
    return key in HALVES or (key.startswith(ITEMS) and key.rpartition("|")[2] == branch_id)


def written(key: str, value: Value) -> bytes:
    """The value as the cache keeps it."""
    return _adapter(key).dump_json(value)


def _adapter(key: str) -> TypeAdapter[Value]:
    if key == CATEGORIES:
        return _CATEGORIES
    if key == BRANCHES:
        return _BRANCHES
    return _ITEMS if key.startswith(ITEMS) else _COVERAGE
