"""A menu of our own, kept as one document per tenant."""

import json
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache

from wabot import words
from wabot.store import db
from wabot.store.fields import clean


def load(tenant_id: int) -> words.Menu:
    """The tenant's menu; an empty one where none was kept."""
    found = db.one("SELECT body FROM menu WHERE tenant_id = ?", tenant_id)
    if found is None:
        return words.Menu()
    return _menu(found[0])


def keep(tenant_id: int, menu: words.Menu, now: datetime) -> None:
    """Inside a write: replace the tenant's menu."""
    db.run(
        "INSERT INTO menu (tenant_id, body, updated_at) VALUES (?, ?, ?) ON CONFLICT (tenant_id) "
        "DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
        tenant_id,
        clean(json.dumps(asdict(menu), ensure_ascii=False)),
        now,
    )


@lru_cache(maxsize=64)
def _menu(body: str) -> words.Menu:
    return words.Menu(tuple(_category(category) for category in json.loads(body)["categories"]))


def _category(kept: dict[str, object]) -> words.MenuCategory:
    items = kept["items"]
    if not isinstance(items, list):
        raise TypeError("a kept menu's items are a list")
    return words.MenuCategory(str(kept["id"]), dict(kept["name"]), tuple(words.MenuItem(**item) for item in items))  # type: ignore[call-overload]
