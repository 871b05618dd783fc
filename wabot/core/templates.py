"""The registry of templates: pulled from the providers that list them or set by hand, found by name when a message is
queued, and rendered so that everybody sees what the customer was sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from wabot import clock, config, errors, words
from wabot.core import tenancy
from wabot.providers import by_name
from wabot.store import db, messages, outbox, templates, tenants
from wabot.store.templates import Template
from wabot.store.tenants import Channel

UNUSABLE = frozenset(
    {"REJECTED", "DISABLED", "DELETED", "PENDING_DELETION", "PENDING", "PAUSED", "IN_APPEAL", "LOCKED"}
)
"""Of the providers' words, in capitals: with one of these nothing can be sent."""
USABLE_AGAIN = frozenset({"APPROVED", "REINSTATED"})
LONGEST_NAME = 512
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A draft that is ready for its channel: its template found, its text rendered."""

    draft: words.Draft
    row: Template | None = None


def resolve(channel: Channel, draft: words.Draft) -> Resolved:
    """The draft with what the channel's provider calls its template, and with the text that the customer will read.
    Raises Refused (`template_unknown`, `template_variables`)."""
    use = draft.template
    if draft.kind is not words.Kind.TEMPLATE or use is None:
        return Resolved(draft)
    row = _chosen(channel, use)
    if row is None:
        provider_id = _known_elsewhere(channel, use.name)
        if not provider_id:
            raise errors.Refused("template_unknown", f"this channel has no template {use.name[:80]!r}")
        return Resolved(replace(draft, template=replace(use, provider_id=provider_id)))
    if row.status.upper() in UNUSABLE:
        raise errors.Refused("template_unknown", f"the template {row.name} is {row.status.lower()}")
    if row.params and len(use.variables) != row.params:
        raise errors.Refused("template_variables", f"{row.name} takes {row.params} variables, not {len(use.variables)}")
    known = replace(use, provider_id=row.provider_id, language=row.language)
    return Resolved(replace(draft, template=known, text=rendered(row.body, use.variables)), row)


def _known_elsewhere(channel: Channel, name: str) -> str:
    """What the provider calls it by its name alone, or by a setting; nothing while the credentials cannot be opened,
    because whose settings apply is said by them."""
    try:
        account = tenancy.account(channel)
    except errors.SealError:
        return ""
    return by_name(channel.provider).template_id(account, name, config.settings())


def _chosen(channel: Channel, use: words.TemplateUse) -> Template | None:
    """In the language that was asked for; else in the tenant's, else in whatever there is."""
    if use.language:
        return templates.find(channel.id, use.name, use.language)
    found = templates.named(channel.id, use.name)
    mine = [row for row in found if row.language.partition("_")[0] == channel.tenant.locale]
    return next(iter(mine or found), None)


def rendered(body: str, variables: Mapping[str, str]) -> str:
    """The text with its variables filled in, once and literally; a place without a value stays as it is."""
    return _PLACE.sub(lambda place: variables.get(place[1], place[0]), body)


def add(channel_id: int, template: words.Template) -> Template:
    """Register a template by hand, or replace what was known of it; messages that waited for it go on. Raises
    NotFound, Refused."""
    channel = tenancy.find_channel(channel_id)
    if not template.name.strip() or len(template.name) > LONGEST_NAME or not template.provider_id.strip():
        raise errors.Refused("template", "a template needs a name and what its provider calls it")
    if not _LANGUAGE.fullmatch(template.language):
        raise errors.Refused("template", f"{template.language!r} is not a language such as ar or en_US")
    params = template.params or len(set(_PLACE.findall(template.body)))
    return db.write(lambda: _keep(channel, replace(template, params=params), "set", clock.now()))


def _keep(channel: Channel, template: words.Template, source: str, now: datetime) -> Template:
    before = templates.find(channel.id, template.name, template.language)
    row = templates.keep(channel.tenant_id, channel.id, template, source, now)
    if before is not None and _is_held(before) and not _is_held(row):
        _go_on(row, now)
    return row


def _is_held(row: Template) -> bool:
    return row.paused_until is not None or row.status.upper() in UNUSABLE


def _go_on(row: Template, now: datetime) -> None:
    """Not for a template that nothing held: its messages wait for their retries, which are never early."""
    for message_id in outbox.waiting_with(row.channel_id, row.id):
        messages.change(message_id, due_at=now)


@dataclass(frozen=True, slots=True)
class Pulled:
    """How many templates the provider listed, and how many were dropped because it no longer does."""

    listed: int
    dropped: int


def pull(channel_id: int) -> Pulled:
    """Replace what was pulled before by what the channel's provider lists now; what was set by hand stays where the
    provider does not list it. Raises NotFound, Conflict where it lists none, ProviderFailure."""
    channel = tenancy.find_channel(channel_id)
    listed = list(by_name(channel.provider).templates(tenancy.account(channel), config.settings()))

    def store() -> Pulled:
        now = clock.now()
        kept = [_keep(channel, template, "pull", now).id for template in listed]
        return Pulled(len(listed), templates.forget_others(channel.id, kept))

    return db.write(store)


def note(channel: Channel, notice: words.Notice, now: datetime) -> None:
    """Inside a write: a provider tells a template's new state."""
    if not notice.template or not notice.template_status:
        return
    row = templates.find(channel.id, notice.template, notice.template_language)
    if row is None:
        return
    templates.note_status(channel.id, row.name, row.language, notice.template_status, now)
    if notice.template_status.upper() in USABLE_AGAIN and _is_held(row):
        templates.recover(row.id)
        _go_on(row, now)


def warm(channel_id: int | None = None) -> int:
    """Put the templates that settings name into the registry of every channel that may use them, with their texts;
    returns how many. Raises NotFound, ProviderFailure."""
    channels = [tenancy.find_channel(channel_id)] if channel_id is not None else tenants.channels()
    return sum(_warm(channel) for channel in channels)


def _warm(channel: Channel) -> int:
    account, settings = tenancy.account(channel), config.settings()
    found = list(by_name(channel.provider).named_templates(account, settings))
    for template in found:
        db.write(lambda template=template: _keep(channel, template, "settings", clock.now()))  # type: ignore[misc]
    return len(found)
