"""Proxies in front: as many are believed as the settings say, and no more."""

import ipaddress
import logging
import threading

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from wabot import clock, config, errors
from wabot.core.doctor import UNASKED_FORWARDING
from wabot.store import db, workers

log = logging.getLogger(__name__)

FORWARDING = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
_FORWARDED = {f"HTTP_{name.upper().replace('-', '_')}" for name in FORWARDING}
"""The same as WSGI spells them; every request is asked."""


def register(app: Flask) -> None:
    """Believe WABOT_TRUSTED_PROXIES proxies; where it is 0 and one forwards all the same, say so once."""
    trusted = config.settings().wabot_trusted_proxies
    if trusted:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted)  # type: ignore[method-assign]
        return
    said = threading.Event()

    @app.before_request
    def notice() -> None:
        if not said.is_set() and _is_forwarded_from_here():
            said.set()
            _say()


def _is_forwarded_from_here() -> bool:
    return not _FORWARDED.isdisjoint(request.environ) and is_loopback(request.remote_addr or "")


def is_loopback(address: str) -> bool:
    """Whether this is an address of this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _say() -> None:
    log.warning("a proxy on this machine forwards requests, but WABOT_TRUSTED_PROXIES is 0: its headers are ignored")
    try:
        db.write(lambda: workers.beat(UNASKED_FORWARDING, clock.now()), deadline=1)
    except errors.CannotWrite:
        log.warning("the proxy could not be noted for `wabot doctor`")
