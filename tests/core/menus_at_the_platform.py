"""A tenant whose menu is at the order platform, which is played over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.conftest import Stage
from tests.fakes import sufrah
from wabot import clock, config
from wabot.core import catalogs, tenancy, warming
from wabot.store import tenants
from wabot.store.bootstraps import Bootstrap
from wabot.store.tenants import Tenant


@pytest.fixture
def platform(tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[sufrah.Sufrah]:
    """The platform, which the stage's tenant is a merchant of."""
    with sufrah.running(tmp_path / "platform.jsonl") as running:
        monkeypatch.setenv("SUFRAH_API_BASE", running.url)
        monkeypatch.setenv("SUFRAH_API_KEY", running.key)
        monkeypatch.setenv("WABOT_SEND_TIMEOUT", "2")
        config.settings.cache_clear()
        stage.provider.add_passthru(running.url)
        tenancy.edit_tenant("bait", {"catalog_merchant": sufrah.MERCHANT}, {})
        yield running


def tenant(stage: Stage) -> Tenant:
    found = tenants.by_id(stage.channel.tenant_id)
    assert found is not None
    return found


def known(stage: Stage, branch_id: str = "") -> catalogs.Known:
    return catalogs.known(tenant(stage), clock.now(), branch_id=branch_id)


def fetch_all() -> int:
    """Fetch what is due; returns how often something was."""
    rounds = 0
    while catalogs.fetch_next():
        rounds += 1
    return rounds


def bootstrap_all() -> None:
    while warming.run_next():
        continue


def bootstraps() -> list[Bootstrap]:
    return list(Bootstrap.select().order_by(Bootstrap.id))
