"""What an adapter had to create at its provider, kept in the file and made by one caller at a time."""

from collections.abc import Callable

from wabot import clock
from wabot.store import db
from wabot.store import structures as kept

LOOK_AGAIN_SECONDS = 0.3


class BeingCreated(Exception):
    """Another sender is creating it right now; nothing was sent, look again shortly."""


class Kept:
    """The `Structures` that adapters are given (providers.base)."""

    def obtain(self, key: str, create: Callable[[], str]) -> str:
        """The id kept under `key`, created if there is none. Raises BeingCreated, and what `create` raises."""
        known = kept.find(key)
        if known:
            return known
        if not db.write(lambda: kept.lease(key, clock.now())):
            return self._made_meanwhile(key)
        try:
            provider_id = create()
        except BaseException:
            self.forget(key)
            raise
        db.write(lambda: kept.keep(key, provider_id))
        return provider_id

    def forget(self, key: str) -> None:
        """Drop the id kept under `key`."""
        db.write(lambda: kept.forget(key))

    @staticmethod
    def _made_meanwhile(key: str) -> str:
        known = kept.find(key)
        if known:
            return known
        raise BeingCreated(key)
