"""Every setting: environment and `.env` in, one frozen Settings out (CONTRACT §2). A wrong value
stops the start with one line that names the variable."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

FOREIGN = {
    "REDIS_URL": "wabot keeps its queue in the SQLite file",
    "DATABASE_URL": "wabot keeps its data in one SQLite file, WABOT_DB",
    "CELERY_BROKER_URL": "wabot keeps its queue in the SQLite file",
}
"""Names of other systems that an operator may have left in the environment; `doctor` names them."""

_CONTENT_SID = re.compile(r"CONTENT_SID_(\w+)")
_RETENTION = re.compile(r"WABOT_RETENTION_(\w+)_DAYS")

RETENTION_DAYS = {
    "WEBHOOK_BODIES": 7,
    "WEBHOOKS": 30,
    "QUARANTINE": 90,
    "EVENTS": 1,
    "ATTEMPTS": 90,
    "MESSAGES": 0,
    "MEDIA": 30,
    "BOOTSTRAPS": 30,
    "RUNS": 30,
    "AUDIT": 0,
}


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    return value.rstrip("/")


def _numbers(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _words(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _long_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().encode()) < 32:
        raise ValueError("must have at least 32 characters")
    return value


Url = Annotated[str, AfterValidator(_url)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
LARGEST = 10**9
"""Of any number: whatever its unit is, a moment can still be told from it."""
Positive = Annotated[int, Field(ge=1, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Threads = Annotated[int, Field(ge=1, le=1000)]
Days = Annotated[int, Field(ge=0, le=36500)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_secret)]


def _setting(default: Any, meaning: str) -> Any:
    return Field(default=default, description=meaning, validate_default=True)


class Settings(BaseModel):
    """The effective settings of this process. Field names are the variables, in lower case."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    wabot_db: Path = _setting("var/wabot.db", "the SQLite file; created with its folder, mode 0600/0700")
    wabot_secret_key: LongSecret | None = _setting(
        None,
        "sessions and sealing, ≥ 32 characters; generated into `secret.key` beside the database. `new,old` rotates",
    )
    wabot_public_url: Url = _setting(
        "http://127.0.0.1:8000", "what providers call; verifies Twilio signatures and builds callback URLs"
    )
    wabot_host: str = _setting("127.0.0.1", "where web listens")
    wabot_port: Annotated[int, Field(ge=1, le=65535)] = _setting(8000, "the port of web")
    wabot_threads: Threads = _setting(32, "threads of a web process")
    wabot_web_workers: Threads = _setting(1, "web processes")
    wabot_consumer_workers: Threads = _setting(
        32, "threads of the consumer: one each reads, answers and keeps house, the rest send and call others"
    )
    wabot_trusted_proxies: Count = _setting(0, "how many proxies in front may set `X-Forwarded-*`")
    wabot_log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _setting(
        "info", "how much is logged"
    )
    wabot_log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = _setting(
        "text", "`json` for one object a line"
    )
    wabot_admin_api_key: SecretStr | None = _setting(None, "the admin API key (`X-API-Key`); unset: refused")
    jwt_secret: LongSecret | None = _setting(None, "dashboard JWTs; derived from the secret key when unset")
    super_admin_emails: Words = _setting((), "comma-separated; these users see all tenants")
    cron_secret: SecretStr | None = _setting(None, "bearer secret of the cron endpoint; unset: refused")
    dashboard_api_key: SecretStr | None = _setting(None, "bearer secret of the stats endpoint; unset: refused")
    dashboard_url: Words = _setting((), "comma-separated origins allowed by CORS and the live routes")
    wabot_public_stats: bool = _setting(False, "lets Socket.IO clients from `DASHBOARD_URL` in without a credential")
    twilio_master_sid: str = _setting("", "default Twilio account for channels without their own")
    twilio_master_auth: SecretStr | None = _setting(None, "its auth token")
    twilio_webhook_validate: bool = _setting(
        True, "`false` only while `WABOT_PUBLIC_URL` is a loopback address: unsigned webhooks are then taken"
    )
    twilio_api_base: Url = _setting("https://api.twilio.com", "Twilio messages")
    twilio_content_api: Url = _setting("https://content.twilio.com", "Twilio buttons, lists and templates")
    meta_graph_api: Url = _setting("https://graph.facebook.com/v23.0", "Meta's Graph API")
    meta_app_secret: SecretStr | None = _setting(None, "default for Meta channels without their own")
    meta_verify_token: SecretStr | None = _setting(None, "default for Meta channels without their own")
    meta_whatsapp_token: SecretStr | None = _setting(None, "default for Meta channels without their own")
    gupshup_api: Url = _setting("https://api.gupshup.io", "Gupshup sends")
    gupshup_partner_api: Url = _setting("https://partner.gupshup.io", "Gupshup usage")
    interakt_send_api: Url = _setting("https://api.interakt.ai/v1/public", "Interakt sends")
    interakt_api: Url = _setting("https://graph.facebook.com/v23.0", "Interakt analytics")
    interakt_token: SecretStr | None = _setting(None, "Interakt's default token")
    sufrah_api_base: Url = _setting("https://api.sufrah.sa/api/v1/external", "the catalog API")
    sufrah_api_key: SecretStr | None = _setting(None, "the catalog API's key")
    sufrah_cache_ttl_ms: Positive = _setting(180000, "how long a catalog answer is fresh")
    rate_limit_max_requests: Positive = _setting(60, "default inbound limit per tenant, a window")
    rate_limit_window_ms: Positive = _setting(60000, "the window of the inbound limit, in milliseconds")
    customer_rate_limit: Positive = _setting(20, "default inbound limit per customer and minute")
    wabot_out_per_minute: Positive = _setting(60, "default outbound limit per channel and minute")
    wabot_api_per_minute: Positive = _setting(600, "API calls per credential and minute")
    wabot_retry_delays: Annotated[tuple[Count, ...], BeforeValidator(_numbers)] = _setting(
        (5, 10, 15), "seconds before each automatic retry of a message; their number is the maximum"
    )
    queue_retry_attempts: Positive = _setting(3, "attempts of a bootstrap job")
    queue_backoff_delay: Positive = _setting(5000, "first delay of a bootstrap job in ms, doubling")
    wabot_send_timeout: Seconds = _setting(20, "total seconds one provider call may take")
    wabot_usage_timeout: Seconds = _setting(60, "total seconds one channel's usage pull may take")
    wabot_message_ttl: Positive = _setting(86400, "seconds a queued message may wait (bot answers: 3600)")
    wabot_unknown_policy: Annotated[Literal["once", "never"], BeforeValidator(_lower)] = _setting(
        "once", "an unresolved unknown send is resent `once` and flagged, or `never`: dead as `maybe_sent`"
    )
    wabot_unknown_deadline: Seconds = _setting(120, "seconds until the policy is applied")
    wabot_smtp_url: SecretStr | None = _setting(None, "alerts by e-mail")
    wabot_alert_email: str = _setting("", "where alerts go by e-mail")
    wabot_alert_slack_url: SecretStr | None = _setting(None, "alerts to Slack")
    wabot_alert_webhook_url: SecretStr | None = _setting(None, "alerts to a webhook")
    wabot_backup_dir: Path | None = _setting(None, "where scheduled backups go")
    wabot_backup_cron: str = _setting("30 3 * * *", "when they are made")
    wabot_backup_keep: Positive = _setting(14, "how many are kept")
    content_sids: Mapping[str, str] = _setting({}, "`CONTENT_SID_<NAME>`: Twilio content SIDs by template name")
    retention_days: Mapping[str, Days] = _setting(
        {}, "`WABOT_RETENTION_<KIND>_DAYS`: days that a kind of row is kept; `0` keeps for ever"
    )

    @property
    def public_host_is_loopback(self) -> bool:
        host = urlsplit(self.wabot_public_url).hostname or ""
        return host == "localhost" or host == "::1" or host.startswith("127.")

    def secret(self, name: str) -> str:
        """The opened value of a secret setting; empty where it is unset."""
        value = getattr(self, name)
        return value.get_secret_value() if value else ""


class WrongSetting(ValueError):
    """A variable that cannot be used; the message is one line and names it."""


def variables() -> dict[str, str]:
    """Every setting's variable with its meaning, in the order of the class."""
    return {name.upper(): field.description or "" for name, field in Settings.model_fields.items()}


def load(environ: Mapping[str, str], dotenv: Path = Path(".env")) -> Settings:
    """The settings of this environment over those of `dotenv`. Raises WrongSetting, one line."""
    given = {name: value for name, value in _written(dotenv).items() if value}
    given |= {name: value for name, value in environ.items() if value}
    known = set(variables()) - {"CONTENT_SIDS", "RETENTION_DAYS"}
    values: dict[str, Any] = {}
    content_sids: dict[str, str] = {}
    retention: dict[str, Any] = dict(RETENTION_DAYS)
    for given_name, given_value in given.items():
        value = _from_file(given_name, given_value, known, given)
        name = given_name if given_name in known else given_name.removesuffix("_FILE")
        if name in known:
            values[name.lower()] = value
        elif match := _CONTENT_SID.fullmatch(name):
            content_sids[match[1].lower()] = value
        elif (match := _RETENTION.fullmatch(name)) and match[1] in RETENTION_DAYS:
            retention[match[1]] = value
    return _checked(values, content_sids, retention)


def _written(dotenv: Path) -> Mapping[str, str | None]:
    try:
        return dotenv_values(dotenv) if dotenv.is_file() else {}
    except UnicodeDecodeError as error:
        raise WrongSetting(f"{dotenv}: is not UTF-8") from error


def _from_file(name: str, value: str, known: set[str], given: Mapping[str, str]) -> str:
    plain = name.removesuffix("_FILE")
    if plain == name or plain not in known:
        return value
    if plain in given:
        raise WrongSetting(f"{plain} and {name} are both set: keep one of them")
    try:
        return Path(value).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{name}: cannot read {value}: {error.__class__.__name__}") from error


def _checked(values: dict[str, Any], content_sids: dict[str, str], retention: dict[str, Any]) -> Settings:
    try:
        settings = Settings(**values, content_sids=content_sids, retention_days=retention)
    except ValueError as error:
        raise WrongSetting(_first_line(error)) from error
    if not settings.twilio_webhook_validate and not settings.public_host_is_loopback:
        raise WrongSetting(
            "TWILIO_WEBHOOK_VALIDATE: false is allowed only while WABOT_PUBLIC_URL is a loopback address"
        )
    return settings


def _first_line(error: ValueError) -> str:
    problem = error.errors()[0] if hasattr(error, "errors") else {"loc": ("settings",), "msg": str(error)}
    where, *rest = (str(part) for part in problem["loc"])
    variable = f"WABOT_RETENTION_{rest[0]}_DAYS" if where == "retention_days" and rest else where.upper()
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"{variable}: {message[0].lower() + message[1:]}"


def masked(settings: Settings) -> dict[str, Any]:
    """Variable → effective value for people to read: secrets as their last four characters."""
    shown: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = mask(value.get_secret_value())
        elif isinstance(value, Path):
            value = str(value)
        elif isinstance(value, tuple):
            value = list(value)
        shown[name.upper()] = value
    del shown["CONTENT_SIDS"], shown["RETENTION_DAYS"]
    shown |= {f"CONTENT_SID_{name.upper()}": sid for name, sid in settings.content_sids.items()}
    shown |= {f"WABOT_RETENTION_{kind}_DAYS": days for kind, days in settings.retention_days.items()}
    return shown


def mask(secret: str) -> str:
    """A secret as people may see it: its last four characters, and nothing of a short one."""
    return "…" + secret[-4:] if len(secret) >= 8 else "…"


@cache
def settings() -> Settings:
    """The settings of this process, read once. Raises WrongSetting."""
    return load(os.environ)
