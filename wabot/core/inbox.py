"""Read what was journalled: messages in, receipts applied, each webhook marked read in the same
transaction. A bad item is kept in quarantine with its reason; the others of its batch live."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock, errors, words
from wabot.core import answering, callbacks, handing_over, opting, receipts, templates
from wabot.core.callbacks import Callback
from wabot.providers import by_name
from wabot.providers.base import Arrived
from wabot.store import attempts, customers, db, media, messages, tenants, webhooks
from wabot.store.messages import Message
from wabot.store.tenants import Channel
from wabot.store.webhooks import Webhook

log = logging.getLogger(__name__)

LONGEST_TRANSACTION_SECONDS = 0.005
POISON_ATTEMPTS = 3
LONGEST_ABOUT = 300
FURTHEST_AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Parsed:
    webhook: Webhook
    items: tuple[words.Item, ...] = ()
    callback: Callback | None = None
    unreadable: str = ""


def read_some() -> bool:
    """Read the next webhooks, oldest first; False when none was waiting."""
    taken = db.write(lambda: webhooks.begin_reading(clock.now()))
    waiting = [_parse(webhook) for webhook in taken]
    while waiting:
        try:
            done = db.write(lambda: _apply(waiting, clock.now()))  # noqa: B023 - runs before the next turn
        except errors.CannotWrite:
            _give_back(waiting, suspect=False)
            raise
        except Exception:
            log.exception("reading failed", extra={"webhooks": [parsed.webhook.id for parsed in waiting]})
            _give_back(waiting, suspect=True)
            break
        waiting = waiting[done:]
    return bool(taken)


def replay(webhook_id: int) -> None:
    """Have a webhook read again: what is stored already stays as it is. Raises NotFound."""
    webhook = webhooks.find(webhook_id)
    if webhook is None or webhook.body is None:
        raise errors.NotFound(f"there is no webhook {webhook_id} with its body")
    tenant_id, channel_id = webhook.tenant_id, webhook.channel_id
    if channel_id is None and webhook.provider != callbacks.PROVIDER:
        raise errors.Conflict(f"webhook {webhook_id} is for no channel")
    db.write(lambda: webhooks.replay(webhook_id, tenant_id, channel_id))


def _give_back(waiting: Sequence[_Parsed], *, suspect: bool) -> None:
    ids = [parsed.webhook.id for parsed in waiting]
    db.write(lambda: webhooks.give_back(ids, suspect=suspect))


def _parse(webhook: Webhook) -> _Parsed:
    """Understand a webhook before any transaction begins. A parser that fails costs a replay."""
    if webhook.read_attempts >= POISON_ATTEMPTS:
        return _Parsed(webhook, unreadable="poison")
    arrived = Arrived("POST", webhook.target, {"content-type": webhook.content_type}, webhook.body)
    try:
        if webhook.provider == callbacks.PROVIDER:
            return _Parsed(webhook, callback=callbacks.parse(webhook.body))
        return _Parsed(webhook, tuple(by_name(webhook.provider).parse(arrived)))
    except errors.Unreadable as error:
        return _Parsed(webhook, unreadable=str(error))
    except Exception as error:
        log.exception("a parser failed", extra={"webhook": webhook.id})
        return _Parsed(webhook, unreadable=f"parser failed: {type(error).__name__}")


def _apply(waiting: Sequence[_Parsed], now: datetime) -> int:
    """Inside a write: apply webhooks in order for at most 5 ms of the gate; returns how many."""
    began = clock.monotonic()
    for done, parsed in enumerate(waiting, start=1):
        _apply_one(parsed, now)
        if clock.monotonic() - began > LONGEST_TRANSACTION_SECONDS:
            return done
    return len(waiting)


def _apply_one(parsed: _Parsed, now: datetime) -> None:
    webhook = parsed.webhook
    if parsed.callback is not None:
        applied = callbacks.apply(webhook, parsed.callback, now)
        webhooks.end_reading(webhook, applied.verdict, now, reason=applied.reason, about=applied.about)
        return
    channel = tenants.channel(webhook.channel_id) if webhook.channel_id else None
    if channel is None or parsed.unreadable:
        reason = parsed.unreadable or "its channel is gone"
        webhooks.end_reading(webhook, words.Verdict.QUARANTINED, now, reason=reason)
        return
    items = [item for item in parsed.items if _is_for(channel, item)]
    foreign = bool(parsed.items) and not items
    for item in items:
        if isinstance(item, words.Incoming):
            _receive(channel, item, webhook, now)
        elif isinstance(item, words.Receipt):
            receipts.apply(channel, item, now)
        elif isinstance(item, words.Notice):
            templates.note(channel, item, now)
    problems = [{"index": item.index, "reason": item.reason} for item in items if isinstance(item, words.Unread)]
    reason = str(problems[0]["reason"]) if problems else "nothing in it is for this channel" if foreign else ""
    verdict = words.Verdict.QUARANTINED if reason else words.Verdict.ACCEPTED
    webhooks.end_reading(webhook, verdict, now, reason=reason, problems=problems, about=_about(items))


def _is_for(channel: Channel, item: words.Item) -> bool:
    """One body can be for several channels, and for several accounts."""
    if item.route:
        return bool(item.route == channel.route)
    if not isinstance(item, words.Notice) or not item.account:
        return True
    return channel.account in ("", item.account)


def _about(items: Sequence[words.Item]) -> str:
    """One line on what a webhook brought: how many of what, and what it tells about the account."""
    counts = {
        "message": sum(isinstance(item, words.Incoming) for item in items),
        "receipt": sum(isinstance(item, words.Receipt) for item in items),
    }
    told = [f"{number} {what}{'s' * (number > 1)}" for what, number in counts.items() if number]
    told += [": ".join(filter(None, (item.field, item.summary))) for item in items if isinstance(item, words.Notice)]
    return "; ".join(told)[:LONGEST_ABOUT]


def _receive(channel: Channel, incoming: words.Incoming, webhook: Webhook, now: datetime) -> None:
    if incoming.by_business and attempts.by_provider_id(channel.id, incoming.provider_message_id):
        return
    customer = customers.meet(channel.tenant_id, incoming.customer, incoming.name, now)
    conversation = customers.conversation(channel.tenant_id, channel.id, customer.id, now)
    add = messages.add_elsewhere if incoming.by_business else messages.add_incoming
    message = add(conversation, incoming, webhook_id=webhook.id, now=webhook.received_at)
    if message is None:
        return
    media.add_attachments(channel.tenant_id, channel.id, message.id, incoming.attachments, now)
    if incoming.by_business:
        _follow(message, incoming.provider_message_id, now)
        handing_over.yield_to_person(channel.tenant, conversation, message.event_at, now)
    elif incoming.kind in words.NOTICES:
        customers.note_notice(conversation.id, message.id)
        if incoming.kind == words.Kind.PREFERENCE:
            opting.prefer(message, now)
    else:
        customers.note_incoming(conversation.id, message.id, _believable(message.event_at, now))
        if not opting.heed(message, now):
            answering.plan(channel.tenant, conversation, message, now)


def _believable(event_at: datetime, now: datetime) -> datetime:
    """When the customer wrote: a clock may be some minutes ahead, but a year would keep the window open for one."""
    return event_at if event_at <= now + FURTHEST_AHEAD else now


def _follow(message: Message, provider_message_id: str, now: datetime) -> None:
    """Have the receipts of a message that the business wrote elsewhere applied, also those that came before it."""
    attempts.add_elsewhere(message, now)
    attempt = attempts.by_provider_id(message.channel_id, provider_message_id)
    if attempt is None:
        return
    for receipt in attempts.unpark(message.channel_id, provider_message_id):
        receipts.apply_parked(attempt, receipt, now)
