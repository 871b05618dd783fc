"""Who is calling: a tenant by its token, or the operator by the admin key (CONTRACT §5)."""

import hmac

from flask import request
from werkzeug.datastructures import MultiDict

from wabot import clock, config, words
from wabot.store import access, tenants
from wabot.store.access import PREFIX, ApiToken
from wabot.store.tenants import Tenant
from wabot.web.problems import Problem

_SECRET_NAMES = {"token", "access_token", "api_key", "apikey", "key", "secret", "authorization", "x_api_key", "jwt",
                 "pat", "cron_secret", "dashboard_api_key", "wabot_admin_api_key"}  # fmt: skip


def tenant_for(slug: str, *, to_write: bool = False) -> Tenant:
    """The tenant that this request may read, or change, as `slug`: its own, or for the operator any. Raises Problem
    400, 401, 403 or 404."""
    refuse_secrets_in_query(request.args)
    key = request.headers.get("X-API-Key")
    if key is not None:
        _admit_operator(key, to_write)
        return _existing(tenants.by_slug(slug))
    token = _token()
    if to_write and token.read_only:
        raise _forbidden()
    return _existing(tenants.by_slug(slug)) if token.tenant_id is None else _own(token, slug)


def own_tenant(slug: str, *, to_write: bool = False) -> Tenant:
    """The tenant itself, by its own token; the operator has no business here. Raises Problem 400, 401, 403 or 404."""
    refuse_secrets_in_query(request.args)
    if request.headers.get("X-API-Key") is not None:
        raise _forbidden() if is_admin() else _unauthorised()
    token = _token()
    if token.tenant_id is None or (to_write and token.read_only):
        raise _forbidden()
    return _own(token, slug)


def tenant_or_operator(*, to_write: bool = False) -> Tenant | None:
    """The tenant that calls a route which names none, or None for the operator. Raises Problem 400, 401 or 403."""
    refuse_secrets_in_query(request.args)
    key = request.headers.get("X-API-Key")
    if key is not None:
        _admit_operator(key, to_write)
        return None
    token = _token()
    if to_write and token.read_only:
        raise _forbidden()
    return None if token.tenant_id is None else _named(token)


def operator_only(*, to_write: bool = False) -> None:
    """The operator, by the admin key or an admin token. Raises Problem 400, 401, and 403 for a tenant's credential and
    for a read-only one where something is written."""
    refuse_secrets_in_query(request.args)
    key = request.headers.get("X-API-Key")
    if key is not None:
        _admit_operator(key, to_write)
        return
    token = _token()
    if token.tenant_id is not None or (to_write and token.read_only):
        raise _forbidden()


def tenant_or_dashboard() -> Tenant | None:
    """The tenant that calls, or None for the operator and for whoever has DASHBOARD_API_KEY; while it is unset nobody
    has. Raises Problem 400, 401 or 403."""
    refuse_secrets_in_query(request.args)
    by_key = request.headers.get("X-API-Key") is None and _bears("dashboard_api_key")
    return None if by_key else tenant_or_operator()


def meant(own: Tenant | None, slug: str) -> Tenant | None:
    """The tenant that a caller means by this name, which may lack; None is all of them, for who may see all. Raises
    Problem 404 for another's and for one that there is not."""
    if not slug:
        return own
    return _existing(tenants.by_slug(slug) if own is None else own if slug == own.slug else None)


def scheduler_only() -> None:
    """Whoever has CRON_SECRET; while it is unset nobody. Raises Problem 400 or 401."""
    refuse_secrets_in_query(request.args)
    if not _bears("cron_secret"):
        raise _unauthorised()


def actor() -> str:
    """How the journal of what people did names the caller, who was admitted before: the key, or a token's hint."""
    given = request.headers.get("X-API-Key") or _bearer()
    token = access.find(given, clock.now()) if given.startswith(PREFIX) else None
    return f"token {token.hint}" if token else "admin key"


def is_admin() -> bool:
    """Whether the request carries a good admin key."""
    return _is_admin_key(request.headers.get("X-API-Key", ""))


def _admit_operator(key: str, to_write: bool) -> None:
    if not _is_admin_key(key):
        raise _unauthorised()
    token = access.find(key, clock.now()) if key.startswith(PREFIX) else None
    if to_write and token is not None and token.read_only:
        raise _forbidden()


def _token() -> ApiToken:
    given = _bearer()
    token = access.find(given, clock.now()) if given.startswith(PREFIX) else None
    if token is None:
        raise _unauthorised()
    return token


def _own(token: ApiToken, slug: str) -> Tenant:
    own = _named(token)
    return _existing(own if slug == own.slug else None)


def _named(token: ApiToken) -> Tenant:
    """The token's tenant, which the request must name."""
    own = tenants.by_id(token.tenant_id or 0)
    if own is None:
        raise _unauthorised()
    named = request.headers.get("X-Restaurant-Id")
    if not named:
        raise Problem(400, "restaurant_id_missing", "Send your restaurant's id in X-Restaurant-Id.")
    if named != own.slug:
        raise Problem(403, "forbidden", "This token is not for that restaurant.")
    if own.status is words.TenantStatus.SUSPENDED:
        raise Problem(403, "tenant_suspended", "This restaurant is suspended.")
    return own


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _bears(setting: str) -> bool:
    """Whether the bearer is this setting's secret."""
    expected = config.settings().secret(setting) or ""
    return bool(expected) and hmac.compare_digest(expected.encode(), _bearer().encode())


def _is_admin_key(key: str) -> bool:
    configured = config.settings().secret("wabot_admin_api_key")
    if configured and hmac.compare_digest(configured.encode(), key.encode()):
        return True
    token = access.find(key, clock.now()) if key.startswith(PREFIX) else None
    return token is not None and token.tenant_id is None


def refuse_secrets_in_query(args: MultiDict[str, str]) -> None:
    """Raises Problem 400 for a secret in the URL: URLs are logged by everybody on the way."""
    given = list(args.items(multi=True))
    if any(name.lower().replace("-", "_") in _SECRET_NAMES or value.startswith(PREFIX) for name, value in given):
        raise Problem(400, "secret_in_query", "Send credentials in a header, never in the URL.")


def _existing(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise Problem(404, "not_found", "There is no such thing.")
    return tenant


def _forbidden() -> Problem:
    return Problem(403, "forbidden", "This credential may not do that.")


def _unauthorised() -> Problem:
    return Problem(401, "unauthorized", "A valid credential is needed.")
