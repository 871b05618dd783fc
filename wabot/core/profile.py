"""What is known of a tenant beside its name: which values there are, what each may be, and what it is unless said."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from importlib import resources
from typing import Any

from wabot import errors
from wabot.bot.state import LOCALES, Profile
from wabot.core import money
from wabot.store.tenants import Tenant

_CURRENCY = re.compile(r"[A-Z]{3}")
TENANT_KEYS: Mapping[str, str] = {
    "app_link": "",
    "support_contact": "",
    "handover_minutes": "30",
    "debounce_seconds": "0",
    "budget": "",
    "minimum_order": "",
}
"""The keys of `--set` with their defaults (CONTRACT §3)."""
_MINOR_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
"""Currencies whose minor unit is not a hundredth (ISO 4217, list one)."""
_AMOUNT = re.compile(r"([0-9]{1,9}(\.[0-9]{1,3})?)?")
_WHOLE_NUMBERS = {"handover_minutes": 10080}
_SECONDS = re.compile(r"[0-9](\.[0-9]{1,3})?", re.ASCII)
LONGEST_DEBOUNCE_SECONDS = 2.0
HIGHEST_LIMIT = 1_000_000_000
ZONES = frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
"""The names that mean the same wherever the file is taken: a machine knows more, such as `localtime`."""


def check(values: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Raises Refused, with the value's name as its code, for the first of a tenant's values that cannot be."""
    if "name" in values and not values["name"].strip():
        raise errors.Refused("name", "a tenant needs a name")
    if "timezone" in values and values["timezone"] not in ZONES:
        raise errors.Refused("timezone", f"{values['timezone']!r} is not a time zone such as Asia/Riyadh")
    if values.get("locale", "ar") not in LOCALES:
        raise errors.Refused("locale", f"the locale is one of {', '.join(LOCALES)}")
    if "currency" in values and not _CURRENCY.fullmatch(values["currency"]):
        raise errors.Refused("currency", f"{values['currency']!r} is not a currency code such as SAR")
    for name in ("daily_limit", "in_per_minute", "in_per_customer"):
        if values.get(name) is not None and not 1 <= values[name] <= HIGHEST_LIMIT:
            raise errors.Refused(name, f"{name.replace('_', '-')} is from 1 to {HIGHEST_LIMIT}")
    for key, value in settings.items():
        _check_key(key, value)


def _check_key(key: str, value: str) -> None:
    if key not in TENANT_KEYS:
        raise errors.Refused("set", f"{key!r} is not one of {', '.join(TENANT_KEYS)}")
    if key == "minimum_order" and not _AMOUNT.fullmatch(value):
        raise errors.Refused("set", "minimum_order is an amount such as 30 or 29.50, or nothing")
    most = _WHOLE_NUMBERS.get(key)
    if most is not None and not (value.isdecimal() and int(value) <= most):
        raise errors.Refused("set", f"{key} is a whole number up to {most}")
    if key == "budget" and value:
        _check_budget(value)
    if key == "debounce_seconds" and not (_SECONDS.fullmatch(value) and float(value) <= LONGEST_DEBOUNCE_SECONDS):
        raise errors.Refused("set", f"{key} is a number from 0 to {LONGEST_DEBOUNCE_SECONDS:g}, such as 0.5")


def _check_budget(value: str) -> None:
    """An amount in the tenant's currency for a month; empty is none."""
    try:
        if money.parse(value):
            return
    except ValueError:
        pass
    raise errors.Refused("set", "budget is an amount above 0 such as 500 or 499.50, or empty for none")


def setting(tenant: Tenant, key: str) -> str:
    """The tenant's value of one of TENANT_KEYS, else its default."""
    return str(tenant.settings.get(key, TENANT_KEYS[key]))


def debounce(tenant: Tenant) -> timedelta:
    """How long the bot waits for the end of a burst of messages; a longer wait of former times is cut to what is
    allowed today."""
    return timedelta(seconds=min(float(setting(tenant, "debounce_seconds")), LONGEST_DEBOUNCE_SECONDS))


def currency_digits(tenant: Tenant) -> int:
    """How many digits the minor unit of the tenant's currency has."""
    return minor_digits(tenant.currency)


def minor_digits(currency: str) -> int:
    """How many digits the minor unit of a currency has."""
    return _MINOR_DIGITS.get(currency, 2)


def minimum_order_minor(tenant: Tenant) -> int:
    """What an order must come to at least, in minor units; 0 where nothing is said."""
    said = setting(tenant, "minimum_order")
    return int(Decimal(said).scaleb(currency_digits(tenant))) if said and _AMOUNT.fullmatch(said) else 0


def for_bot(tenant: Tenant) -> Profile:
    """The tenant as the bot knows it."""
    return Profile(
        name=tenant.name,
        locale=tenant.locale,
        currency=tenant.currency,
        currency_digits=currency_digits(tenant),
        support_contact=setting(tenant, "support_contact"),
        app_link=setting(tenant, "app_link"),
        minimum_order_minor=minimum_order_minor(tenant),
    )
