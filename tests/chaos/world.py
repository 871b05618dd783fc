"""The cast of a chaos run: tenants, their channels and every secret, drawn from the seed, so that the harness and the
provider's process know the same without asking each other."""

import random
from dataclasses import dataclass
from functools import cached_property

from tests.fakes import gupshup

CANARY = "quokkabody"
"""In every text that a customer or an agent writes; followed by the tenant's slug, so that a leak names its source."""
ADMIN_KEY = "chaos-admin-key-0123456789"
SECRET_KEY = "chaos-secret-key-" + "5" * 24
TEMPLATE = "promo"
CONTENT_SID = "HX" + "ab" * 16


@dataclass(frozen=True)
class Channel:
    """One number at one vendor; `route` is what the vendor's webhooks name it by, `secret` what signs them."""

    tenant: str
    provider: str
    number: str
    route: str
    token: str
    secret: str
    account: str = ""

    @property
    def credentials(self) -> dict[str, str]:
        """As `channel add --set` takes them."""
        if self.provider == "meta":
            return {"phone_number_id": self.route, "access_token": self.token, "app_secret": self.secret}
        if self.provider == "twilio":
            return {"account_sid": self.account, "auth_token": self.token}
        app = {"app_name": self.route, "app_id": gupshup.APP_ID, "api_key": self.token}
        return app | {"header_name": "X-Chaos", "header_value": self.secret}


@dataclass(frozen=True)
class World:
    """Everybody who takes part. `gupshup` only where its adapter is registered."""

    seed: int
    gupshup: bool = False

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        chance = random.Random(f"world/{self.seed}")

        def secret() -> str:
            return f"{chance.getrandbits(128):032x}"

        shared = secret()
        found = []
        for n, (tenant, provider) in enumerate(self._plan()):
            token, own = secret(), secret()
            number = f"+1415555010{n}"
            if provider == "meta":
                signs = own if tenant == "cedar" else shared
                found.append(Channel(tenant, provider, number, f"10654035224290{n}", token, signs))
            elif provider == "twilio":
                found.append(Channel(tenant, provider, number, number, token, token, f"AC{secret()}"))
            else:
                found.append(Channel(tenant, provider, number, f"app-{tenant}", token, own))
        return tuple(found)

    def _plan(self) -> list[tuple[str, str]]:
        """Two tenants share Meta's app and so its batches; every other secret is a channel's own."""
        plan = [("amber", "meta"), ("basil", "meta"), ("cedar", "meta"), ("amber", "twilio"), ("basil", "twilio")]
        return [*plan, ("dates", "gupshup")] if self.gupshup else plan

    @cached_property
    def tenants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(channel.tenant for channel in self.channels))

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """What must appear in no log, address or page."""
        known = {secret for channel in self.channels for secret in (channel.token, channel.secret)}
        return (*sorted(known), ADMIN_KEY, SECRET_KEY)

    def by_number(self, number: str) -> Channel:
        return next(channel for channel in self.channels if channel.number == number)
