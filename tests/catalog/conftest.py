"""The order platform as a server of this machine, and its client."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import sufrah
from wabot import config
from wabot.catalog import Catalog


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[sufrah.Sufrah]:
    with sufrah.running(tmp_path / "platform.jsonl") as running:
        yield running


@pytest.fixture
def client(platform: sufrah.Sufrah) -> Callable[..., Catalog]:
    """A client of the platform; settings can be given."""

    def make(merchant: str = sufrah.MERCHANT, *, seconds: float = 5, digits: int = 2, **settings: str) -> Catalog:
        given = {"SUFRAH_API_BASE": platform.url, "SUFRAH_API_KEY": platform.key, **settings}
        return Catalog(config.load(given), merchant, seconds=seconds, digits=digits)

    return make
