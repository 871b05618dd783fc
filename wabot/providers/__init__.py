"""Every provider by its name. Vendor dialects in, our words out; no database, no web framework."""

from collections.abc import Mapping
from types import MappingProxyType

from wabot import errors
from wabot.providers.base import Provider
from wabot.providers.gupshup import Gupshup
from wabot.providers.interakt import Interakt
from wabot.providers.meta import Meta
from wabot.providers.sandbox import Sandbox
from wabot.providers.twilio import Twilio

_ALL: tuple[Provider, ...] = (Sandbox(), Twilio(), Meta(), Gupshup(), Interakt())

REGISTRY: Mapping[str, Provider] = MappingProxyType({provider.name: provider for provider in _ALL})


def by_name(name: str) -> Provider:
    """The provider of this name. Raises NotFound."""
    if name not in REGISTRY:
        raise errors.NotFound(f"there is no provider {name!r}; there are {', '.join(REGISTRY)}")
    return REGISTRY[name]
