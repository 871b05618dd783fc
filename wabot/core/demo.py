"""What `wabot serve --demo` shows: an Arabic restaurant and an English salon on sandbox channels, with API
tokens. Made once; a second run finds them as they were left. Their menus are in `demo_menus`, the rates in
`demo_rates`."""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from wabot import words
from wabot.core import demo_menus, demo_rates, tenancy
from wabot.core.tenancy import NewTenant
from wabot.store import access, db, menus, tenants
from wabot.store.tenants import Channel

TOKEN_NAME = "demo"  # noqa: S105
FILE_NAME = "demo.txt"

_RESTAURANT = NewTenant("bait-alsham", "بيت الشام", "Asia/Riyadh", "ar", "SAR")
_SALON = NewTenant("luma-salon", "Luma Salon", "Europe/London", "en", "GBP")
_CAST: tuple[tuple[NewTenant, str, words.Menu, Mapping[str, str]], ...] = (
    (_RESTAURANT, "+966500000001", demo_menus.RESTAURANT, {"support_contact": "+966 50 000 0001"}),
    (_SALON, "+447700900001", demo_menus.SALON, {"support_contact": "+44 7700 900001"}),
)


def set_up(folder: Path, now: datetime) -> str:
    """The demo's tenants, channels, menus and tokens, made where they lack; returns what to show of them,
    which is also kept in `demo.txt` in this folder (0600), because a token is shown only once."""
    for new, number, menu, settings in _CAST:
        _ensure(new, number, menu, settings, now)
    demo_rates.ensure(now)
    kept = folder / FILE_NAME
    shown = kept.read_text(encoding="utf-8") if kept.exists() else ""
    tokens = re.findall(rf"{access.PREFIX}[\w-]+", shown)
    if len(tokens) > len(_CAST) and all(access.find(token, now) for token in tokens):
        return shown
    _revoke_lost(now)
    shown = _describe()
    _keep(kept, shown)
    return shown


def _ensure(new: NewTenant, number: str, menu: words.Menu, settings: Mapping[str, str], now: datetime) -> None:
    tenant = tenants.by_slug(new.slug)
    if tenant is None:
        tenant_id = tenancy.add_tenant(new, settings).id
        db.write(lambda: menus.keep(tenant_id, menu, now))
        tenancy.add_channel(new.slug, "sandbox", number, {})
    elif not tenants.channels(tenant.id) and not tenants.routed_elsewhere("sandbox", number, number, None):
        tenancy.add_channel(new.slug, "sandbox", number, {})


def _revoke_lost(now: datetime) -> None:
    """Tokens of a `demo.txt` that is gone are known to nobody."""
    lost = [token.id for token in access.tokens() if token.name == TOKEN_NAME and token.revoked_at is None]
    db.write(lambda: [access.revoke(token_id, now) for token_id in lost])


def _describe() -> str:
    lines = ["Demo tenants, with their API tokens (log-ins come with a later version):", ""]
    for new, *_ in _CAST:
        _, token = tenancy.create_token(new.slug, read_only=False, name=TOKEN_NAME, days=None)
        numbers = ", ".join(_described(channel) for channel in tenants.channels(tenancy.find_tenant(new.slug).id))
        lines += [f"  {new.slug}  {numbers}  {new.name}", f"    Authorization: Bearer {token}", ""]
    _, admin = tenancy.create_token(None, read_only=False, name=TOKEN_NAME, days=None)
    lines += ["  operator, all tenants", f"    X-API-Key: {admin}", ""]
    return "\n".join(lines)


def _described(channel: Channel) -> str:
    return f"channel {channel.id}: {channel.number}"


def _keep(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.part")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(scratch, path)
