"""`wabot tenant`."""

import pytest

from tests.cli.conftest import Shell


def test_a_tenant_has_the_contract_s_defaults(shell: Shell) -> None:
    added = shell.json("tenant", "add", "bait", "--name", "بيت الشام")
    assert added["ordersUrl"].startswith("http://127.0.0.1:8000/webhooks/orders/")
    assert added["createdAt"].endswith("Z")
    del added["ordersUrl"], added["createdAt"]
    assert added == {
        "id": "bait",
        "restaurantId": "bait",
        "name": "بيت الشام",
        "timezone": "Asia/Riyadh",
        "locale": "ar",
        "currency": "SAR",
        "catalogMerchant": None,
        "dailyLimit": 1000,
        "inPerMinute": 60,
        "inPerCustomer": 20,
        "settings": {"app_link": "", "support_contact": "", "handover_minutes": "30", "debounce_seconds": "0",
                     "budget": "", "minimum_order": ""},
        "status": "active",
        "isActive": True,
    }  # fmt: skip


def test_a_tenant_is_shown_and_listed_as_it_was_added(shell: Shell) -> None:
    options = ["--timezone", "Europe/London", "--locale", "en", "--currency", "GBP", "--daily-limit", "7"]
    limits = ["--in-per-minute", "5", "--in-per-customer", "2", "--set", "app_link=https://x.test/?a=b"]
    added = shell.json("tenant", "add", "luma", "--name", "Luma", *options, *limits)
    assert (added["timezone"], added["locale"], added["currency"], added["dailyLimit"]) == (
        "Europe/London", "en", "GBP", 7)  # fmt: skip
    assert (added["inPerMinute"], added["inPerCustomer"]) == (5, 2)
    assert added["settings"]["app_link"] == "https://x.test/?a=b"
    assert shell.json("tenant", "show", "luma") == added
    assert shell.json("tenant", "list") == {"data": [added]}
    assert "luma" in shell.ok("tenant", "list")


def test_a_limit_that_was_not_set_follows_the_settings(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait")
    monkeypatch.setenv("RATE_LIMIT_MAX_REQUESTS", "30")
    monkeypatch.setenv("RATE_LIMIT_WINDOW_MS", "30000")
    monkeypatch.setenv("CUSTOMER_RATE_LIMIT", "9")
    shown = shell.json("tenant", "show", "bait")
    assert (shown["inPerMinute"], shown["inPerCustomer"]) == (60, 9)


def test_edit_changes_what_is_given_and_only_that(shell: Shell) -> None:
    added = shell.json("tenant", "add", "bait", "--name", "Bait", "--set", "budget=100", "--set", "app_link=a")
    edited = shell.json("tenant", "edit", "bait", "--name", "Bait 2", "--set", "app_link=b")
    settings = {**added["settings"], "app_link": "b"}
    assert edited == {**added, "name": "Bait 2", "settings": settings}
    assert "Say what to change" in shell.misused("tenant", "edit", "bait")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "Bait", "--name", "B"), "slug: "),
        (("add", "b", "--name", "B", "--timezone", "Riyadh"), "timezone: "),
        (("add", "b", "--name", "B", "--set", "colour=red"), "set: 'colour' is not one of app_link"),
        (("show", "b"), "there is no tenant 'b'"),
        (("edit", "b", "--name", "B"), "there is no tenant 'b'"),
        (("remove", "b", "--yes"), "there is no tenant 'b'"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(arguments: tuple[str, ...], why: str, shell: Shell) -> None:
    assert shell.refused("tenant", *arguments).startswith(why)


def test_a_slug_is_given_once(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait")
    assert "already" in shell.refused("tenant", "add", "bait", "--name", "Bait")


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "b"),
        ("add", "b", "--name", "B", "--daily-limit", "0"),
        ("add", "b", "--name", "B", "--locale", "fr"),
        ("add", "b", "--name", "B", "--set", "app_link"),
        ("add", "b", "--name", "B", "--set", "app_link=a", "--set", "app_link=b"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], shell: Shell) -> None:
    shell.misused("tenant", *arguments)


def test_suspend_and_resume(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait")
    suspended = shell.json("tenant", "suspend", "bait")
    assert (suspended["status"], suspended["isActive"]) == ("suspended", False)
    resumed = shell.json("tenant", "resume", "bait")
    assert (resumed["status"], resumed["isActive"]) == ("active", True)


def test_remove_does_nothing_without_yes_and_asks_nobody(shell: Shell) -> None:
    shell.ok("tenant", "add", "bait", "--name", "Bait")
    [line] = shell.misused("tenant", "remove", "bait", typed="y\n").splitlines()
    assert "--yes" in line
    assert len(shell.json("tenant", "list")["data"]) == 1
    assert shell.json("tenant", "remove", "bait", "--yes") == {"id": "bait", "removed": True}
    assert shell.json("tenant", "list") == {"data": []}
