"""Provider credentials are encrypted before they touch the disk; the key lives outside the file."""

import base64
import json
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wabot import errors
from wabot.config import Settings


def seal(settings: Settings, credentials: Mapping[str, str]) -> bytes:
    """The credentials as one encrypted blob that only `unseal` with the same key opens."""
    return _fernet(secret_key(settings)).encrypt(json.dumps(dict(credentials)).encode())


def unseal(settings: Settings, sealed: bytes) -> dict[str, str]:
    """The credentials that were sealed. Raises SealError when the key is another one."""
    try:
        opened = json.loads(_fernet(secret_key(settings)).decrypt(bytes(sealed)))
    except InvalidToken as error:
        raise errors.SealError("a sealed credential does not open with the present WABOT_SECRET_KEY") from error
    return {str(name): str(value) for name, value in opened.items()}


def derive(settings: Settings, purpose: str) -> bytes:
    """32 bytes for another purpose, derived from the secret key."""
    return _derived(secret_key(settings).partition(",")[0], purpose)


def secret_key(settings: Settings) -> str:
    """WABOT_SECRET_KEY, else what `secret.key` beside the database holds, generated on first use.

    Raises ConfigurationError when that file is too short to be a key.
    """
    return settings.secret("wabot_secret_key") or _kept_key(settings.wabot_db.parent / "secret.key")


@cache
def _kept_key(path: Path) -> str:
    if not path.exists():
        _create_key(path)
    key = path.read_text().strip()
    if len(key) < 32:
        raise errors.ConfigurationError(f"{path}: a secret key needs at least 32 characters")
    return key


def _create_key(path: Path) -> None:
    """Write a whole key under another name, then link it: two processes agree on one of them."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=".secret.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(48)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, path)
    except FileExistsError:
        return
    finally:
        os.unlink(scratch)


@cache
def _fernet(keys: str) -> MultiFernet:
    """Several keys, newest first: the first seals, all of them open."""
    parts = [part for part in (part.strip() for part in keys.split(",")) if part]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(part, "credentials"))) for part in parts])


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"wabot {purpose}".encode()).derive(key.encode())
