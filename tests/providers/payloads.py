"""What vendors sent, as files: `tests/payloads/<provider>/<situation>.json`.

Each holds its `source`, the request (`target`, and `form`, `json` or `raw`; `method` where it is no POST) and the
`items` it must read as: `{"incoming" | "receipt" | "notice" | "unread": {field: value}}` without empty fields.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.fakes import twilio
from wabot import words
from wabot.providers import interakt_webhooks, meta_webhooks, sandbox
from wabot.providers.base import Account, Arrived

FOLDER = Path(__file__).parents[1] / "payloads"
PUBLIC_URL = "https://bot.example.com"
SECRET = "0123456789abcdef0123456789abcdef"
AC = "AC00000000000000000000000000000001"
NUMBER_ID = "106540352242922"
ACCOUNTS: Mapping[str, Account] = {
    "twilio": Account("+966110000001", {"account_sid": AC, "auth_token": SECRET}),
    "sandbox": Account("+966110000001", {"secret": SECRET, "api_base": "http://127.0.0.1:8000"}),
    "meta": Account("+966110000001", {"phone_number_id": NUMBER_ID, "access_token": "EAAG1", "app_secret": SECRET}),
    "gupshup": Account(
        "+966110000001",
        {"app_name": "DemoApp", "api_key": "key1", "header_name": "X-My-Signature", "header_value": SECRET},
    ),
    "interakt": Account("+966110000001", {"api_key": "a2V5Og==", "webhook_secret": SECRET}),
}
"""An account of each provider; its secret signs the payloads."""
OWN_ADDRESS_ONLY = ("gupshup", "interakt")
"""Whose webhooks do not say what channel they are for: the shared route does not take them."""
UNSIGNED = ("gupshup",)
"""Who signs no body: a header of our choice comes along."""
FILES: Mapping[str, str] = {
    "twilio": f"https://api.twilio.com/2010-04-01/Accounts/{AC}/Messages/MM1/Media/ME1",
    "sandbox": "7",
    "meta": "1003383421387256",
    "gupshup": "https://filemanager.gupshup.io/wa/1/wa/media/2?download=false",
    "interakt": "https://interaktprodmediastorage.blob.core.windows.net/m/inbox_customer_to_agent/a.jpeg?sig=x",
}
"""Where a file of a customer is, by the words of each provider."""


def of(provider: str) -> list[str]:
    """The situations of a provider."""
    return sorted(path.stem for path in (FOLDER / provider).glob("*.json"))


def read(provider: str, situation: str) -> tuple[Arrived, list[Any]]:
    """The request of a situation, unsigned, and the items that it must read as."""
    kept = json.loads((FOLDER / provider / f"{situation}.json").read_text(encoding="utf-8"))
    content_type, body = "", b""
    if "form" in kept:
        form = kept["form"] if isinstance(kept["form"], dict) else [(name, value) for name, value in kept["form"]]
        content_type, body = "application/x-www-form-urlencoded; charset=UTF-8", urlencode(form).encode()
    elif "json" in kept or "raw" in kept:
        content_type, body = "application/json", kept.get("raw", json.dumps(kept.get("json"))).encode()
    return Arrived(kept.get("method", "POST"), kept["target"], {"content-type": content_type}, body), kept["items"]


def shown(item: words.Item) -> dict[str, Any]:
    """An item as the files show it."""
    fields = {name: _shown(value) for name, value in asdict(item).items() if name != "raw"}
    fields = {name: value for name, value in fields.items() if value or name in ("progress", "index", "reason")}
    return {type(item).__name__.lower(): fields}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [{name: part for name, part in each.items() if part} for each in value]
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if part or name not in ("phone", "user_id", "wa_id")}
    return value


def with_headers(arrived: Arrived, **headers: str) -> Arrived:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(arrived, headers={**arrived.headers, **given})


def _sign_twilio(arrived: Arrived, secret: str) -> Arrived:
    fields = (
        twilio.fields(arrived.body.decode()) if arrived.headers["content-type"].startswith("application/x-") else []
    )
    return with_headers(arrived, x_twilio_signature=twilio.sign(PUBLIC_URL + arrived.target, fields, secret))


def _sign_sandbox(arrived: Arrived, secret: str) -> Arrived:
    return with_headers(arrived, x_sandbox_signature=sandbox.sign(arrived.body, secret))


def _sign_meta(arrived: Arrived, secret: str) -> Arrived:
    return with_headers(arrived, x_hub_signature_256=meta_webhooks.sign(arrived.body, secret))


def _sign_gupshup(arrived: Arrived, secret: str) -> Arrived:
    return with_headers(arrived, x_my_signature=secret)


def _sign_interakt(arrived: Arrived, secret: str) -> Arrived:
    return with_headers(arrived, interakt_signature=interakt_webhooks.sign(arrived.body, secret))


SIGN: Mapping[str, Callable[[Arrived, str], Arrived]] = {
    "twilio": _sign_twilio,
    "sandbox": _sign_sandbox,
    "meta": _sign_meta,
    "gupshup": _sign_gupshup,
    "interakt": _sign_interakt,
}


def signed(provider: str, situation: str, secret: str = SECRET) -> Arrived:
    """The request of a situation as its provider would have signed it."""
    return SIGN[provider](read(provider, situation)[0], secret)
