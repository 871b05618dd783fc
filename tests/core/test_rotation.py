"""Replaced credentials: the former ones verify webhooks for a day, because a provider changes over when it likes, and
do nothing else; each use is counted, and one that leaked is worth nothing at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.conftest import Shell, logging_of_the_test
from tests.core.conftest import SECRET, Stage
from tests.fakes import meta
from wabot import clock, config
from wabot.core import sending, tenancy
from wabot.store.webhooks import Refusal, Webhook
from wabot.words import Draft, Kind

__all__ = ["logging_of_the_test"]

NEW, NEWER = "n" * 32, "m" * 32


def replace(stage: Stage, secret: str = NEW, **values: Any) -> None:
    tenancy.edit_channel(stage.channel.id, {"secret": secret}, **values)


def signed_with(stage: Stage, secret: str) -> int:
    """How a webhook that was signed with this secret is answered."""
    return int(stage.webhook(stage.item(), secret=secret).status_code)


def former_uses(stage: Stage) -> float:
    """As /metrics tells it."""
    text = stage.client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "wabot_former_secrets_total")


def test_both_secrets_are_good_for_a_day_and_then_only_the_new_one(stage: Stage) -> None:
    replace(stage)
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (200, 200)
    stage.later(hours=23, minutes=59, seconds=50)
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (200, 200)
    stage.later(seconds=11)
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (403, 200)


def test_what_the_former_secret_signed_is_read_like_anything_else(stage: Stage) -> None:
    replace(stage)
    stage.webhook(stage.item("by the old one"), secret=SECRET)
    stage.webhook(stage.item("by the new one"), secret=NEW)
    stage.answer()
    assert [message.body for message in stage.in_()] == ["by the old one", "by the new one"]
    assert [row.channel_id for row in Webhook.select()] == [stage.channel.id] * 2


def test_each_use_of_the_former_secret_is_counted_and_no_other(stage: Stage) -> None:
    signed_with(stage, SECRET)
    assert former_uses(stage) == 0
    replace(stage)
    signed_with(stage, NEW)
    signed_with(stage, "another")
    assert former_uses(stage) == 0
    item = stage.item()
    for _ in range(2):
        stage.webhook(item, secret=SECRET)
    signed_with(stage, SECRET)
    assert former_uses(stage) == 3
    stage.later(hours=25)
    signed_with(stage, SECRET)
    assert former_uses(stage) == 3


def test_a_use_is_logged_with_its_channel_and_without_a_secret(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    replace(stage)
    signed_with(stage, SECRET)
    [record] = [record for record in caplog.records if "replaced credentials" in record.message]
    assert record.channel == stage.channel.id
    assert SECRET not in caplog.text
    assert NEW not in caplog.text


def test_a_secret_that_leaked_is_refused_at_once(stage: Stage) -> None:
    replace(stage, overlap=timedelta())
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (403, 200)
    assert former_uses(stage) == 0
    assert Refusal.get().reason == "bad_signature"


def test_how_long_is_the_operator_s_to_say(stage: Stage) -> None:
    replace(stage, overlap=timedelta(hours=72))
    stage.later(hours=71)
    assert signed_with(stage, SECRET) == 200
    stage.later(hours=2)
    assert signed_with(stage, SECRET) == 403


@pytest.mark.parametrize(("hours", "answer"), [("0", 403), ("2", 200)])
def test_the_command_line_says_it_in_hours(stage: Stage, hours: str, answer: int) -> None:
    shell = Shell(stage.clock_file.parent)
    shell.ok("channel", "edit", str(stage.channel.id), "--set", f"secret={NEW}", "--overlap-hours", hours)
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (answer, 200)
    stage.later(hours=3)
    assert signed_with(stage, SECRET) == 403


@pytest.mark.parametrize("secret", ["another", "", NEWER])
def test_meanwhile_a_third_secret_is_as_wrong_as_ever(stage: Stage, secret: str) -> None:
    replace(stage)
    assert signed_with(stage, secret) == 403


def test_a_second_replacement_leaves_the_first_one_behind(stage: Stage) -> None:
    replace(stage)
    stage.later(hours=1)
    replace(stage, NEWER)
    assert (signed_with(stage, NEW), signed_with(stage, NEWER)) == (200, 200)
    stage.later(hours=24)
    assert (signed_with(stage, NEW), signed_with(stage, NEWER)) == (403, 200)


def test_replacing_another_credential_a_minute_later_does_not_end_the_first_overlap(stage: Stage) -> None:
    replace(stage)
    tenancy.edit_channel(stage.channel.id, {"api_base": "http://moved.test"})
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (200, 200)
    stage.later(hours=24, seconds=1)
    assert signed_with(stage, SECRET) == 403


def test_former_credentials_are_forgotten_when_they_are_worth_nothing(stage: Stage) -> None:
    replace(stage)
    stage.later(hours=24, seconds=1)
    stage.keep_house()
    assert stage.fresh_channel().former_credentials is None


def test_a_leaked_secret_does_not_come_back_with_a_later_change(stage: Stage) -> None:
    replace(stage, overlap=timedelta())
    tenancy.edit_channel(stage.channel.id, {}, out_per_minute=10)
    replace(stage, NEWER)
    assert (signed_with(stage, SECRET), signed_with(stage, NEW), signed_with(stage, NEWER)) == (403, 200, 200)


def test_changing_something_else_neither_begins_nor_ends_an_overlap(stage: Stage) -> None:
    tenancy.edit_channel(stage.channel.id, {}, out_per_minute=10)
    assert stage.fresh_channel().former_credentials is None
    replace(stage)
    tenancy.edit_channel(stage.channel.id, {}, out_per_minute=20)
    assert signed_with(stage, SECRET) == 200


def test_other_values_can_be_changed_together_with_a_secret(stage: Stage) -> None:
    replace(stage, out_per_minute=7)
    assert stage.fresh_channel().out_per_minute == 7
    assert signed_with(stage, SECRET) == 200


def test_sends_use_the_new_secret_alone(stage: Stage) -> None:
    replace(stage)
    stage.webhook(stage.item(), secret=SECRET)
    stage.read()
    sending.send("bait", "+966511111111", Draft(Kind.TEXT, "hi"))
    stage.deliver()
    assert {call.request.headers["Authorization"] for call in stage.provider.calls} == {f"Bearer {NEW}"}


def test_former_credentials_are_sealed_in_the_file(stage: Stage) -> None:
    replace(stage)
    kept = bytes(stage.fresh_channel().former_credentials)
    assert SECRET.encode() not in kept


def test_without_the_key_that_sealed_them_the_former_ones_are_worth_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(stage)
    monkeypatch.setenv("WABOT_SECRET_KEY", "another key of thirty-two characters")
    config.settings.cache_clear()
    tenancy._opened.cache_clear()
    tenancy.edit_channel(stage.channel.id, {"secret": NEWER})
    assert tenancy.former_account(stage.fresh_channel(), clock.now()) is None
    assert (signed_with(stage, SECRET), signed_with(stage, NEWER)) == (403, 200)


def test_a_clock_that_went_back_makes_the_day_longer_and_nothing_worse(stage: Stage) -> None:
    replace(stage)
    stage.later(hours=-2)
    assert (signed_with(stage, SECRET), signed_with(stage, NEW)) == (200, 200)
    stage.later(hours=27)
    assert signed_with(stage, SECRET) == 403


# --- on a route that several channels share -------------------------------------------------------

OLD_APP, NEW_APP = "a" * 32, "b" * 32


@pytest.fixture
def shared(stage: Stage, make_channel: Callable[..., Any]) -> Callable[[str], int]:
    """Two tenants' numbers at one Meta app whose secret one of them has replaced; posts a message for both."""
    make_channel("luma", "+447700900001")
    for slug, number, number_id in (("bait", "+966110000001", "1"), ("luma", "+447700900002", "2")):
        given = {"phone_number_id": number_id, "access_token": "t", "app_secret": OLD_APP}
        channel = tenancy.add_channel(slug, "meta", number, given)
    tenancy.edit_channel(channel.id, {"app_secret": NEW_APP})

    def post(secret: str) -> int:
        messages = [{"from": "966511111111", "id": f"wamid.{secret}", "type": "text", "text": {"body": "hello"}}]
        changes = [{"field": "messages", "value": meta.within(n, messages=messages)} for n in ("1", "2")]
        body = meta.batch(*changes)
        headers = {"X-Hub-Signature-256": meta.sign(body, secret), "Content-Type": "application/json"}
        status = stage.client.post("/whatsapp/webhook", data=body, headers=headers).status_code
        stage.read()
        return int(status)

    return post


def heard(stage: Stage) -> list[str]:
    return sorted(message.tenant.slug for message in stage.in_())


def test_each_channel_believes_its_own_secrets(stage: Stage, shared: Callable[[str], int]) -> None:
    """What the new secret signed is for its channel alone; the former one still signs for both."""
    assert shared(OLD_APP) == 200
    assert heard(stage) == ["bait", "luma"]
    assert former_uses(stage) == 1
    assert shared(NEW_APP) == 200
    assert heard(stage) == ["bait", "luma", "luma"]
    assert former_uses(stage) == 1


def test_after_a_day_the_former_one_signs_for_others_only(stage: Stage, shared: Callable[[str], int]) -> None:
    stage.later(hours=25)
    assert shared(OLD_APP) == 200
    assert heard(stage) == ["bait"]
    assert shared("c" * 32) == 403
    assert former_uses(stage) == 0
