"""Let the bot answer what is due: a step of its own, so that rate limits, bursts, stale messages,
take-over and replay are one mechanism."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from wabot import clock, errors, words
from wabot.bot import conversation as bot
from wabot.core import catalogs, limits, profile, sending, warming
from wabot.store import consent, customers, db, messages, tenants, wanted
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Tenant

log = logging.getLogger(__name__)

MOST_TOGETHER = 20
LONGEST_TRANSACTION_SECONDS = 0.005
LOOP_WINDOW = timedelta(minutes=1)
FEWEST_LOOP_ANSWERS = 30
LONGEST_BURST = 5
"""How many debounces a customer's first message of a burst may wait at most."""


def plan(tenant: Tenant, conversation: Conversation, message: Message, now: datetime) -> None:
    """Inside a write: decide when the bot answers a message that just came in, or that a person must."""
    reason = _why_a_person(tenant, conversation, message, now)
    due_at = None if reason else limits.admit_customer(tenant, message.customer_id, now)
    if due_at is None:
        _leave(message, reason or "too_many")
        return
    quiet = timedelta(seconds=int(profile.setting(tenant, "debounce_seconds")))
    messages.wait_for_answer(message.id, max(due_at, now + quiet), admitted=False)
    if quiet:
        messages.postpone_answers(conversation.id, now + quiet, arrived_after=now - LONGEST_BURST * quiet)


def yield_to_person(tenant: Tenant, conversation: Conversation, at: datetime) -> None:
    """Inside a write: somebody of the business wrote here then, so the bot is silent for a while after it."""
    minutes = int(profile.setting(tenant, "handover_minutes"))
    customers.pause_bot(conversation.id, at + timedelta(minutes=minutes))


def _why_a_person(tenant: Tenant, conversation: Conversation, message: Message, now: datetime) -> str:
    if tenant.status is words.TenantStatus.SUSPENDED:
        return "suspended"
    if not conversation.bot_active or (conversation.bot_paused_until and conversation.bot_paused_until > now):
        return "taken_over"
    if message.event_at and message.event_at + limits.STALE_AFTER <= now:
        return "stale"
    return "opted_out" if consent.has_opted_out(conversation.customer_id) else ""


def _leave(message: Message, reason: str) -> None:
    messages.leave_to_person(message.id, reason)
    customers.call_person(message.conversation_id)


def answer_some() -> bool:
    """Answer conversations that are due, longest waiting first; False when none was."""
    due = messages.conversations_to_answer(clock.now(), MOST_TOGETHER)
    try:
        if due:
            db.write(lambda: _answer(due, clock.now()))
    except errors.CannotWrite:
        raise
    except Exception:
        log.exception("answering failed; each conversation is tried by itself")
        for conversation_id in due:
            _answer_alone(conversation_id)
    return bool(due)


def _answer_alone(conversation_id: int) -> None:
    """One conversation that cannot be answered must not keep the others waiting."""
    try:
        db.write(lambda: _answer_conversation(conversation_id, clock.now()))
    except errors.CannotWrite:
        raise
    except Exception:
        log.exception("a conversation cannot be answered", extra={"conversation": conversation_id})
        db.write(lambda: _leave_all(conversation_id))


def _leave_all(conversation_id: int) -> None:
    for message in messages.unanswered(conversation_id):
        _leave(message, "bot_failed")


def _answer(conversation_ids: list[int], now: datetime) -> None:
    began = clock.monotonic()
    for conversation_id in conversation_ids:
        _answer_conversation(conversation_id, now)
        if clock.monotonic() - began > LONGEST_TRANSACTION_SECONDS:
            return


@dataclass(slots=True)
class _Turn:
    """One pass over a conversation: what the bot knows, changed message by message."""

    tenant: Tenant
    conversation: Conversation
    menu: words.Menu
    state: bot.State
    now: datetime

    @property
    def profile(self) -> bot.Profile:
        return bot.Profile(
            name=self.tenant.name,
            locale=self.tenant.locale,
            currency=self.tenant.currency,
            currency_digits=profile.currency_digits(self.tenant),
            support_contact=profile.setting(self.tenant, "support_contact"),
            app_link=profile.setting(self.tenant, "app_link"),
        )


def _answer_conversation(conversation_id: int, now: datetime) -> None:
    """Inside a write: run the bot over the unanswered messages in order, up to the first that must wait."""
    conversation = Conversation.get_by_id(conversation_id)
    tenant = tenants.by_id(conversation.tenant_id)
    if tenant is None:
        return
    turn = _Turn(
        tenant, conversation, catalogs.known(tenant, now).menu, bot.State.from_json(conversation.bot_state), now
    )
    for message in messages.unanswered(conversation_id):
        if not _may_answer_now(turn, message):
            break
        _answer_message(turn, message)
    customers.keep_bot_state(conversation_id, turn.state.to_json())


def _may_answer_now(turn: _Turn, message: Message) -> bool:
    """A debounce waits for the newest message; the tenant's bucket is asked once the customer's let it through. What
    comes after a message that must wait is not due before it."""
    if message.answer_due_at > turn.now:
        wanted.hold_answers(turn.conversation.id, message.answer_due_at)
        return False
    if message.admitted or _why_a_person(turn.tenant, turn.conversation, message, turn.now):
        return True
    due_at = limits.admit_tenant(turn.tenant, turn.now)
    if due_at is None:
        return True
    messages.wait_for_answer(message.id, due_at, admitted=True)
    message.admitted = True
    return due_at <= turn.now


def _answer_message(turn: _Turn, message: Message) -> None:
    reason = _why_a_person(turn.tenant, turn.conversation, message, turn.now) or _loops(turn)
    if not reason and not message.admitted:
        reason = "too_many"
    if reason:
        _leave(message, reason)
        return
    answer = _ask(turn, message)
    if answer is None:
        _leave(message, "bot_failed")
        return
    for n, draft in enumerate(answer.drafts, start=1):
        key = f"answer:{message.id}:{n}"
        sending.enqueue(turn.conversation, draft, key=key, now=turn.now, ttl_seconds=sending.ANSWER_TTL)
    warming.follow(turn.conversation, answer.drafts, turn.now)
    messages.change(message.id, answer_due_at=None)
    turn.state = answer.state
    if answer.needs_person:
        _hand_over(turn)


def _ask(turn: _Turn, message: Message) -> bot.Answer | None:
    """What the bot says, if it says what can be sent; None when it failed, which is a bug and logged."""
    try:
        answer = bot.answer(turn.state, _heard(message), turn.profile, bot.Known(turn.menu))
        for draft in answer.drafts:
            sending.check(turn.conversation, draft)
    except Exception:
        log.exception("the bot failed", extra={"message_id": message.id, "tenant": turn.tenant.slug})
        return None
    return answer


def _hand_over(turn: _Turn) -> None:
    minutes = int(profile.setting(turn.tenant, "handover_minutes"))
    turn.conversation.bot_paused_until = turn.now + timedelta(minutes=minutes)
    customers.call_person(turn.conversation.id, turn.conversation.bot_paused_until)


def _loops(turn: _Turn) -> str:
    """Two bots answering each other: more answers in a minute than a person could read."""
    most = max(FEWEST_LOOP_ANSWERS, limits.customer_rate(turn.tenant).most)
    if messages.answers_since(turn.conversation.id, turn.now - LOOP_WINDOW, most) < most:
        return ""
    log.critical("loop guard: handed over", extra={"tenant": turn.tenant.slug, "conversation": turn.conversation.id})
    _hand_over(turn)
    return "loop"


def _heard(message: Message) -> bot.Heard:
    return bot.Heard(message.kind, message.body, message.choice, message.customer.name)
