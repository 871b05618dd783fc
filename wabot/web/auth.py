"""Who is calling: a tenant by its token, or the operator by the admin key (CONTRACT §5)."""

import hmac
from collections.abc import Iterable

from flask import request

from wabot import clock, config, words
from wabot.store import access, tenants
from wabot.store.access import PREFIX
from wabot.store.tenants import Tenant
from wabot.web.problems import Problem

_SECRET_NAMES = {"token", "access_token", "api_key", "apikey", "key", "secret", "authorization", "x-api-key", "jwt"}


def tenant_for(slug: str) -> Tenant:
    """The tenant that this request may read as `slug`. Raises Problem 400, 401, 403 or 404."""
    refuse_secrets_in_query(request.args)
    key = request.headers.get("X-API-Key")
    if key is not None:
        if not _is_admin_key(key):
            raise _unauthorised()
        return _existing(tenants.by_slug(slug))
    return _own_tenant(slug)


def is_admin() -> bool:
    """Whether the request carries a good admin key."""
    return _is_admin_key(request.headers.get("X-API-Key", ""))


def _own_tenant(slug: str) -> Tenant:
    token = access.find(_bearer(), clock.now())
    if token is None:
        raise _unauthorised()
    if token.tenant_id is None:
        return _existing(tenants.by_slug(slug))
    own = tenants.by_id(token.tenant_id)
    if own is None:
        raise _unauthorised()
    named = request.headers.get("X-Restaurant-Id")
    if not named:
        raise Problem(400, "restaurant_id_missing", "Send your restaurant's id in X-Restaurant-Id.")
    if named != own.slug:
        raise Problem(403, "forbidden", "This token is not for that restaurant.")
    if own.status is words.TenantStatus.SUSPENDED:
        raise Problem(403, "tenant_suspended", "This restaurant is suspended.")
    return _existing(own if slug == own.slug else None)


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.startswith(PREFIX) else ""


def _is_admin_key(key: str) -> bool:
    configured = config.settings().secret("wabot_admin_api_key")
    if configured and hmac.compare_digest(configured.encode(), key.encode()):
        return True
    token = access.find(key, clock.now()) if key.startswith(PREFIX) else None
    return token is not None and token.tenant_id is None


def refuse_secrets_in_query(names: Iterable[str]) -> None:
    """Raises Problem 400 for a secret in the URL: URLs are logged by everybody on the way."""
    if any(name.lower() in _SECRET_NAMES for name in names):
        raise Problem(400, "secret_in_query", "Send credentials in a header, never in the URL.")


def _existing(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise Problem(404, "not_found", "There is no such thing.")
    return tenant


def _unauthorised() -> Problem:
    return Problem(401, "unauthorized", "A valid credential is needed.")
