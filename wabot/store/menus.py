"""A menu of our own, kept as one document per tenant."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from wabot import words
from wabot.store import db
from wabot.store.fields import clean


def load(tenant_id: int) -> words.Menu:
    """The tenant's menu; an empty one where none was kept.

    One that was kept before there were orders has no types, so it is only looked at: an upgrade opens no shop.
    """
    found = db.one("SELECT body FROM menu WHERE tenant_id = ?", tenant_id)
    return _menu(found[0]) if found else words.Menu()


def is_kept(tenant_id: int) -> bool:
    """Whether the tenant has a menu of its own, which then comes before the catalog's."""
    return db.one("SELECT 1 FROM menu WHERE tenant_id = ?", tenant_id) is not None


def keep(tenant_id: int, menu: words.Menu, now: datetime) -> None:
    """Inside a write: replace the tenant's menu."""
    db.run(
        "INSERT INTO menu (tenant_id, body, updated_at) VALUES (?, ?, ?) ON CONFLICT (tenant_id) "
        "DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
        tenant_id,
        clean(json.dumps(asdict(menu), ensure_ascii=False)),
        now,
    )


def forget(tenant_id: int) -> bool:
    """Inside a write: the tenant has no menu of its own any more; False when it had none."""
    return bool(db.run("DELETE FROM menu WHERE tenant_id = ?", tenant_id))


Kept = Mapping[str, Any]


@lru_cache(maxsize=64)
def _menu(body: str) -> words.Menu:
    kept: Kept = json.loads(body)
    return words.Menu(
        categories=tuple(map(_category, kept["categories"])),
        branches=tuple(words.Branch(**branch) for branch in kept.get("branches", ())),
        types=_types(kept),
        payments=tuple(map(words.PaymentMethod, kept.get("payments", ()))),
    )


def _category(kept: Kept) -> words.MenuCategory:
    return words.MenuCategory(kept["id"], kept["name"], tuple(map(_item, kept["items"])), kept.get("is_known", True))


def _item(kept: Kept) -> words.MenuItem:
    return words.MenuItem(
        id=kept["id"],
        name=kept["name"],
        price_minor=kept["price_minor"],
        description=kept.get("description", {}),
        options=tuple(map(_option, kept.get("options", ()))),
        add_ons=tuple(words.AddOn(**add_on) for add_on in kept.get("add_ons", ())),
        types=_types(kept),
    )


def _option(kept: Kept) -> words.Option:
    return words.Option(kept["name"], tuple(words.Choice(**choice) for choice in kept["choices"]))


def _types(kept: Kept) -> tuple[words.OrderType, ...]:
    return tuple(map(words.OrderType, kept.get("types", ())))
