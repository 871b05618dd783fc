"""A tenant's own menu: taken from a file when all of it can work, given back as one, and checked before."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from wabot import clock, errors, words
from wabot.catalog import menu_document, menu_file
from wabot.catalog.menu_amounts import Currency
from wabot.catalog.menu_file import Checked, Form
from wabot.catalog.menu_notes import Note
from wabot.core import profile, tenancy
from wabot.store import audit, db, menus
from wabot.store.tenants import Tenant

USUAL_CURRENCY = "SAR"
INSTEAD_OF_CATALOG = Note("the tenant", "has a merchant at the catalog too: its own menu comes first while it is kept")


@dataclass(frozen=True, slots=True)
class File:
    """A menu file as it came; `name` tells its format, where `form` does not and its content does not have to."""

    name: str
    body: bytes
    form: Form | None = None

    @property
    def format(self) -> Form:
        return self.form or menu_file.form_of(self.name, self.body)


def import_(slug: str, file: File, *, types: tuple[words.OrderType, ...] | None, actor: str) -> Checked:
    """What was found in a file, which is the tenant's menu from now on unless there are errors. What CSV cannot hold
    stays as it was, and so do the ids of what was there before by the same name. `types` are the kinds of order that
    are taken, where they are said beside the file. Raises NotFound."""
    while True:
        tenant = tenancy.find_tenant(slug)
        present, currency = menus.load(tenant.id), _currency(tenant)
        found = menu_file.read(file.body, file.format, currency, present, types=types)
        if bool(found.errors) or db.write(lambda: _keep(slug, found.menu, present, currency, actor)):  # noqa: B023 - runs now
            return replace(found, warnings=(*found.warnings, INSTEAD_OF_CATALOG)) if tenant.catalog_merchant else found


def _keep(slug: str, menu: words.Menu, present: words.Menu, currency: Currency, actor: str) -> bool:
    """Inside a write: the menu in place of the one that it was read against, in that currency; False where these are
    others by now. A file is read outside, because a large one takes seconds, for which everybody would wait."""
    tenant = tenancy.find_tenant(slug)
    if menus.load(tenant.id) != present or _currency(tenant) != currency:
        return False
    menus.keep(tenant.id, menu, clock.now())
    audit.note("import menu", clock.now(), actor=actor, tenant=slug, subject=f"{count(menu)} items")
    return True


def check(file: File, currency: str = "") -> Checked:
    """What is to be said about a file, as if it were the first menu of a tenant; its prices are in `currency`, else in
    what it says itself. Raises Refused for what is no currency."""
    code = currency or menu_file.currency_of(file.body, file.format) or USUAL_CURRENCY
    profile.check({"currency": code}, {})
    return menu_file.read(file.body, file.format, Currency(code, profile.minor_digits(code)), words.Menu())


def export(slug: str, form: Form) -> bytes:
    """The tenant's own menu as a file that can be imported again. Raises NotFound, also where it has none."""
    tenant = tenancy.find_tenant(slug)
    return menu_file.write(_kept(tenant), form, _currency(tenant))


def document(slug: str) -> dict[str, Any]:
    """The tenant's own menu as JSON, by the keys of its TOML file; prices are texts in major units. Raises NotFound,
    also where it has none."""
    tenant = tenancy.find_tenant(slug)
    return _plain(menu_document.write(_kept(tenant), _currency(tenant)))  # type: ignore[no-any-return]


def remove(slug: str, *, actor: str) -> None:
    """Forget the tenant's own menu, so that the catalog's is shown where it has a merchant there. Raises NotFound, also
    where it has none."""

    def store() -> None:
        tenant = tenancy.find_tenant(slug)
        _kept(tenant)
        menus.forget(tenant.id)
        audit.note("remove menu", clock.now(), actor=actor, tenant=slug)

    db.write(store)


def count(menu: words.Menu) -> int:
    """How many items a menu has."""
    return sum(len(category.items) for category in menu.categories)


def _kept(tenant: Tenant) -> words.Menu:
    if not menus.is_kept(tenant.id):
        raise errors.NotFound(f"{tenant.slug} has no menu of its own")
    return menus.load(tenant.id)


def _currency(tenant: Tenant) -> Currency:
    return Currency(tenant.currency, profile.currency_digits(tenant))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Decimal) else value
