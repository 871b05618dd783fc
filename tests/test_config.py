"""Settings: typed, from the environment or `.env`, loud when wrong, masked when shown."""

import stat
from pathlib import Path

import pytest

from wabot import config, errors, sealing


def wrong(**environ: str) -> str:
    with pytest.raises(config.WrongSetting) as problem:
        config.load(environ)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_the_environment_wins_over_the_file_and_blank_means_unset(settings_env: Path) -> None:
    (settings_env / ".env").write_text('WABOT_PORT=9000\nWABOT_HOST="0.0.0.0"\nCRON_SECRET=\n')
    settings = config.load({"WABOT_PORT": "9100", "WABOT_THREADS": ""})
    assert (settings.wabot_port, settings.wabot_host) == (9100, "0.0.0.0")
    assert settings.cron_secret is None
    assert settings.wabot_threads == config.load({}).wabot_threads


def test_a_secret_can_come_from_a_file(settings_env: Path) -> None:
    (settings_env / "secret").write_text("s3cret-from-a-file\n")
    settings = config.load({"TWILIO_MASTER_AUTH_FILE": str(settings_env / "secret")})
    assert settings.secret("twilio_master_auth") == "s3cret-from-a-file"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WABOT_PORT", "http"),
        ("WABOT_PORT", "0"),
        ("WABOT_PUBLIC_URL", "example.org"),
        ("WABOT_UNKNOWN_POLICY", "twice"),
        ("WABOT_RETRY_DELAYS", "5,x"),
        ("WABOT_RETRY_DELAYS", "-5"),
        ("WABOT_SECRET_KEY", "short"),
        ("JWT_SECRET", "short"),
        ("TWILIO_WEBHOOK_VALIDATE", "perhaps"),
        ("WABOT_RETENTION_EVENTS_DAYS", "-1"),
        ("WABOT_SEND_TIMEOUT", "0"),
        ("WABOT_LOG_LEVEL", "loud"),
        ("WABOT_SECRET_KEY_FILE", "/nowhere"),
        ("WABOT_THREADS", "0"),
        ("WABOT_CONSUMER_WORKERS", "100000"),
        ("WABOT_USAGE_TIMEOUT", "inf"),
        ("WABOT_SEND_TIMEOUT", "1e300"),
        ("WABOT_UNKNOWN_DEADLINE", "nan"),
        ("WABOT_MESSAGE_TTL", "9" * 20),
        ("SUFRAH_CACHE_TTL_MS", "9" * 20),
        ("WABOT_RETRY_DELAYS", "9" * 20),
        ("WABOT_RETENTION_EVENTS_DAYS", "9999999"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    assert wrong(**{name: value}).startswith(name + ":")


def test_webhooks_are_only_taken_unsigned_on_a_loopback_address() -> None:
    unsigned = {"TWILIO_WEBHOOK_VALIDATE": "false"}
    assert config.load(unsigned).twilio_webhook_validate is False
    assert wrong(**unsigned, WABOT_PUBLIC_URL="https://bot.example").startswith("TWILIO_WEBHOOK_VALIDATE:")


def test_a_file_of_settings_that_is_no_text_is_named(settings_env: Path) -> None:
    (settings_env / ".env").write_bytes(b"WABOT_PORT=9000\xff\n")
    assert wrong() == ".env: is not UTF-8"


def test_a_setting_and_its_file_at_once_is_refused() -> None:
    assert "both set" in wrong(CRON_SECRET="x", CRON_SECRET_FILE="/x")


def test_families_of_settings_are_collected() -> None:
    settings = config.load({"CONTENT_SID_WELCOME": "HX1", "WABOT_RETENTION_EVENTS_DAYS": "3", "UNKNOWN_THING": "x"})
    assert settings.content_sids == {"welcome": "HX1"}
    assert settings.retention_days["EVENTS"] == 3
    assert settings.retention_days["WEBHOOKS"] == 30


def test_no_secret_is_shown_whole() -> None:
    secrets = {name: f"secret-value-of-{name}" + "x" * 32 for name, field in config.Settings.model_fields.items()
               if "Secret" in str(field.annotation)}  # fmt: skip
    settings = config.load({name.upper(): value for name, value in secrets.items()})
    assert len(secrets) >= 10
    shown = repr(config.masked(settings)) + repr(settings)
    assert not [value for value in secrets.values() if value in shown]


def test_the_secret_key_is_generated_once_and_private(settings_env: Path) -> None:
    settings = config.load({"WABOT_DB": str(settings_env / "var" / "w.db")})
    key = sealing.secret_key(settings)
    path = settings_env / "var" / "secret.key"
    assert path.read_text().strip() == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sealing.secret_key(settings) == key
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]


def test_sealed_credentials_open_only_with_their_key_and_keys_rotate() -> None:
    old, new = "o" * 32, "n" * 32
    sealed = sealing.seal(config.load({"WABOT_SECRET_KEY": old}), {"auth_token": "hush"})
    assert b"hush" not in sealed
    assert sealing.unseal(config.load({"WABOT_SECRET_KEY": f"{new},{old}"}), sealed) == {"auth_token": "hush"}
    with pytest.raises(errors.SealError):
        sealing.unseal(config.load({"WABOT_SECRET_KEY": new}), sealed)
