"""The registry of templates: found by name and language, rendered, paused when refused, going on when mended."""

from datetime import timedelta

import pytest

from tests.core.conftest import PHONE, Stage
from wabot import clock, errors, words
from wabot.core import sending, templates, tenancy
from wabot.store import consent, db
from wabot.store import templates as registry
from wabot.store.templates import Template
from wabot.words import Status

READY = words.Template("order_ready", "en", "tpl-1", "UTILITY", "APPROVED", "Hello {{1}}, order {{2}} is ready.", 2)
OFFER = words.Template("offer", "en", "tpl-2", "MARKETING", "APPROVED", "Today: {{1}}", 1)


def use(name: str = "order_ready", language: str = "", **variables: str) -> words.Draft:
    given = variables or {"1": "Sara", "2": "17"}
    return words.Draft(words.Kind.TEMPLATE, template=words.TemplateUse(name, language, given), purpose="order")


def queue(stage: Stage, draft: words.Draft | None = None, phone: str = PHONE) -> None:
    sending.send("bait", phone, draft or use())


@pytest.fixture
def ready(stage: Stage) -> Template:
    return templates.add(stage.channel.id, READY)


def test_the_customer_s_text_is_kept_with_the_message(stage: Stage, ready: Template) -> None:
    queue(stage)
    [message] = stage.out()
    assert message.body == "Hello Sara, order 17 is ready."
    assert message.template_id == ready.id
    stage.deliver()
    assert stage.sent[0]["message"]["template"]["provider_id"] == "tpl-1"


def test_a_template_needs_no_window_and_makes_the_customer_known(stage: Stage, ready: Template) -> None:
    queue(stage, phone="+966555555555")
    assert stage.deliver() == 1


def test_variables_are_filled_in_once_and_literally(stage: Stage) -> None:
    assert templates.rendered("{{1}} {{2}} {{3}}", {"1": "{{2}}", "2": "{0}%s"}) == "{{2}} {0}%s {{3}}"


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (use("nothing"), "template_unknown"),
        (use(language="fr"), "template_unknown"),
        (use(**{"1": "Sara"}), "template_variables"),
    ],
)
def test_what_the_channel_does_not_have_is_refused(
    stage: Stage, ready: Template, draft: words.Draft, code: str
) -> None:
    with pytest.raises(errors.Refused) as refused:
        queue(stage, draft)
    assert refused.value.code == code
    assert stage.out() == []


@pytest.mark.parametrize("status", ["REJECTED", "paused", "PENDING", "DISABLED"])
def test_what_the_provider_has_not_approved_is_refused(stage: Stage, ready: Template, status: str) -> None:
    db.write(lambda: registry.note_status(stage.channel.id, "order_ready", "en", status, clock.now()))
    with pytest.raises(errors.Refused) as refused:
        queue(stage)
    assert refused.value.code == "template_unknown"


def test_without_a_language_it_is_the_tenant_s_else_what_there_is(stage: Stage) -> None:
    for language in ("ar", "en_US"):
        templates.add(stage.channel.id, words.Template("hello", language, f"id-{language}", body=language))
    templates.add(stage.channel.id, words.Template("only", "ar", "id", body="ar"))
    queue(stage, words.Draft(words.Kind.TEMPLATE, template=words.TemplateUse("hello")))
    queue(stage, words.Draft(words.Kind.TEMPLATE, template=words.TemplateUse("hello", "ar")))
    queue(stage, words.Draft(words.Kind.TEMPLATE, template=words.TemplateUse("only")))
    assert [row.body for row in stage.out()] == ["en_US", "ar", "ar"]


def test_another_channel_s_template_is_unknown_here(stage: Stage, ready: Template) -> None:
    given = {"secret": "s" * 32, "api_base": "http://provider.test"}
    other = tenancy.add_channel("bait", "sandbox", "+966500000002", given)
    with pytest.raises(errors.Refused, match="no template"):
        sending.send("bait", PHONE, use(), channel_id=other.id)


def test_marketing_is_kept_from_whoever_switched_it_off_and_nothing_else_is(stage: Stage, ready: Template) -> None:
    templates.add(stage.channel.id, OFFER)
    stage.says("hello")
    stage.read()
    queue(stage, use("offer", **{"1": "soup"}))
    db.write(lambda: consent.opt_out(1, 1, "provider", clock.now(), marketing_of=stage.channel.id))
    with pytest.raises(errors.Refused) as refused:
        queue(stage, use("offer", **{"1": "soup"}))
    assert refused.value.code == "opted_out"
    queue(stage)
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL"))
    assert stage.deliver() == 1
    assert [(row.status, row.error_code) for row in stage.out()] == [
        (Status.SUPPRESSED, "opted_out"),
        (Status.SENT, ""),
    ]


def test_a_refused_template_pauses_and_keeps_nothing_else_waiting(stage: Stage, ready: Template) -> None:
    queue(stage)
    stage.fails(400, "template")
    stage.deliver()
    [failed] = stage.out()
    assert (failed.status, failed.critical) == (Status.FAILED, True)
    stage.says("hello")
    stage.read()
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL"))
    queue(stage)
    sending.send("bait", PHONE, words.Draft(words.Kind.TEXT, "your table is free"))
    stage.accepts()
    assert stage.deliver() == 1
    assert stage.sent[0]["message"]["text"] == "your table is free"
    held = stage.out()[1]
    assert (held.status, held.error_code, held.attempts) == (Status.QUEUED, "template", 0)
    stage.later(minutes=61)
    assert stage.deliver() == 1
    assert registry.by_id(ready.id).paused_until is None  # type: ignore[union-attr]


@pytest.mark.parametrize("mend", ["set", "notice"])
def test_what_waited_for_a_template_goes_when_it_is_mended(stage: Stage, ready: Template, mend: str) -> None:
    db.write(lambda: registry.pause(ready.id, "template", "paused", clock.now() + timedelta(hours=1)))
    queue(stage)
    assert stage.deliver() == 0
    if mend == "set":
        templates.add(stage.channel.id, READY)
    else:
        notice = words.Notice("template", template="order_ready", template_language="en", template_status="APPROVED")
        db.write(lambda: templates.note(stage.fresh_channel(), notice, clock.now()))
    assert stage.deliver() == 1


def test_an_idempotent_repetition_survives_a_change_of_the_template(stage: Stage, ready: Template) -> None:
    first = sending.send("bait", PHONE, use(), idempotency_key="k")
    templates.add(stage.channel.id, words.Template("order_ready", "en", "tpl-9", body="other {{1}} {{2}}"))
    assert sending.send("bait", PHONE, use(), idempotency_key="k").id == first.id
    with pytest.raises(errors.Refused) as refused:
        sending.send("bait", PHONE, use(**{"1": "Omar", "2": "17"}), idempotency_key="k")
    assert refused.value.code == "idempotency_mismatch"
