"""The templates that each channel can send: by name and language, with what the provider calls them."""

from collections.abc import Iterable
from datetime import datetime

import peewee

from wabot import words
from wabot.store import db
from wabot.store.fields import Moment, Text


class Template(db.Row):
    """One template of one channel. `provider_id` is what is sent; `body` its text with `{{1}}`, `{{name}}`; `params`
    how many variables it takes; `status` and `category` are the provider's words. Until `paused_until` it is not
    sent, because the provider refused it."""

    tenant_id = peewee.IntegerField()
    channel_id = peewee.IntegerField()
    name = Text()
    language = Text()
    provider_id = Text()
    category = Text(default="")
    status = Text(default="")
    body = Text(default="")
    params = peewee.IntegerField(default=0)
    failures = peewee.IntegerField(default=0)
    paused_until = Moment(null=True)
    pause_code = Text(default="")
    pause_reason = Text(default="")
    source = Text(default="set")
    updated_at = Moment()


def keep(tenant_id: int, channel_id: int, listed: words.Template, source: str, now: datetime) -> Template:
    """Inside a write: add a template, or replace what is known of it; it is no longer paused."""
    known = find(channel_id, listed.name, listed.language)
    values = {
        "provider_id": listed.provider_id,
        "category": listed.category,
        "status": listed.status,
        "body": listed.body,
        "params": listed.params,
        "source": source,
        "updated_at": now,
        "failures": 0,
        "paused_until": None,
        "pause_code": "",
        "pause_reason": "",
    }
    if known is None:
        return Template.add(
            tenant_id=tenant_id, channel_id=channel_id, name=listed.name, language=listed.language, **values
        )
    Template.change(known.id, **values)
    return Template.get(Template.id == known.id)


def forget_others(channel_id: int, kept: Iterable[int]) -> int:
    """Inside a write: drop what was pulled before and is no longer listed; what the operator set stays."""
    ids = list(kept)
    marks = ", ".join("?" * len(ids))
    return db.run(
        f"DELETE FROM template WHERE channel_id = ? AND source = 'pull' AND id NOT IN ({marks})",  # noqa: S608
        channel_id,
        *ids,
    )


def find(channel_id: int, name: str, language: str) -> Template | None:
    """The channel's template of this name in this language."""
    return Template.load_one("WHERE channel_id = ? AND name = ? AND language = ?", channel_id, name, language)


def named(channel_id: int, name: str) -> list[Template]:
    """The channel's templates of this name, in the order they were added."""
    return Template.load("WHERE channel_id = ? AND name = ? ORDER BY id", channel_id, name)


def by_id(template_id: int) -> Template | None:
    """The template with this id; for a message that was queued with it."""
    return Template.load_one("WHERE id = ?", template_id)


def of_tenant(tenant_id: int) -> list[Template]:
    """All templates of a tenant, by channel and name."""
    return Template.load("WHERE tenant_id = ? ORDER BY channel_id, name, language", tenant_id)


def pause(template_id: int, code: str, reason: str, until: datetime) -> None:
    """Inside a write: the provider refuses this template; nothing is sent with it until then."""
    db.run(
        "UPDATE template SET failures = failures + 1, paused_until = ?, pause_code = ?, pause_reason = ? WHERE id = ?",
        until, code, reason, template_id,
    )  # fmt: skip


def note_status(channel_id: int, name: str, language: str, status: str, now: datetime) -> None:
    """Inside a write: the provider says that a template has this status from now on."""
    db.run(
        "UPDATE template SET status = ?, updated_at = ? WHERE channel_id = ? AND name = ? AND language = ?",
        status, now, channel_id, name, language,
    )  # fmt: skip


def recover(template_id: int) -> None:
    """Inside a write: a message with this template was taken; it is no longer paused."""
    db.run(
        "UPDATE template SET failures = 0, paused_until = NULL, pause_code = '', pause_reason = '' "
        "WHERE id = ? AND (failures > 0 OR paused_until IS NOT NULL)",
        template_id,
    )
