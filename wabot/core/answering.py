"""Let the bot answer what is due: a step of its own, so that rate limits, bursts, stale messages,
take-over and replay are one mechanism."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wabot import clock, errors, words
from wabot.bot import conversation as bot
from wabot.core import (
    bursts,
    catalogs,
    following,
    handing_over,
    hearing,
    limits,
    looping,
    ordering,
    profile,
    remembering,
    sending,
    warming,
)
from wabot.store import consent, db, messages, tallies, tenants, wanted
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Tenant

log = logging.getLogger(__name__)

MOST_TOGETHER = 20
LONGEST_TRANSACTION_SECONDS = 0.005
SILENCE_AFTER_A_LOOP = timedelta(minutes=30)
"""At least, however soon the bot comes back after a person wrote: the other end would go on at once."""
LONGEST_BURST = 5
"""How many debounces a customer's first message of a burst may wait at most."""


def plan(tenant: Tenant, conversation: Conversation, message: Message, now: datetime) -> None:
    """Inside a write: decide when the bot answers a message that just came in, or that a person must."""
    reason = _why_a_person(tenant, conversation, message, now)
    due_at = None if reason else limits.admit_customer(tenant, message.customer_id, now)
    if due_at is None:
        handing_over.leave(message, reason or "too_many", now)
        return
    quiet = profile.debounce(tenant)
    messages.wait_for_answer(message.id, max(due_at, now + quiet), admitted=False)
    if quiet:
        messages.postpone_answers(conversation.id, now + quiet, arrived_after=now - LONGEST_BURST * quiet)


def _why_a_person(tenant: Tenant, conversation: Conversation, message: Message, now: datetime) -> str:
    if tenant.status is words.TenantStatus.SUSPENDED:
        return "suspended"
    if handing_over.has_person(conversation, now):
        return "taken_over"
    if message.event_at and message.event_at + limits.STALE_AFTER <= now:
        return "stale"
    return "opted_out" if consent.has_opted_out(conversation.customer_id) else ""


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
        db.write(lambda: _leave_all(conversation_id, clock.now()))


def _leave_all(conversation_id: int, now: datetime) -> None:
    for message in messages.unanswered(conversation_id):
        handing_over.leave(message, "bot_failed", now)


def _answer(conversation_ids: list[int], now: datetime) -> None:
    began = clock.monotonic()
    for conversation_id in conversation_ids:
        _answer_conversation(conversation_id, now)
        if clock.monotonic() - began > LONGEST_TRANSACTION_SECONDS:
            return


@dataclass(slots=True)
class _Turn:
    """One pass over a conversation: where the bot stands, changed message by message, and what it knows of the menu
    with the items of the branch that the conversation is about."""

    tenant: Tenant
    conversation: Conversation
    state: bot.State
    now: datetime
    cart_expired: bool = False
    menus: dict[str, catalogs.Known] = field(default_factory=dict)

    @property
    def menu(self) -> catalogs.Known:
        branch_id = self.state.branch_id
        if branch_id not in self.menus:
            self.menus[branch_id] = catalogs.known(self.tenant, self.now, branch_id=branch_id)
        return self.menus[branch_id]

    @property
    def known(self) -> bot.Known:
        menu = self.menu
        return bot.Known(
            menu=menu.menu,
            is_known=menu.is_known,
            failed=menu.failed,
            coverage=menu.coverage,
            checks_places=menu.checks_places,
            orders=ordering.latest_of(self.tenant.id, self.conversation.customer_id),
            needs_phone=menu.checks_places and not self.conversation.customer.number,
        )


def _answer_conversation(conversation_id: int, now: datetime) -> None:
    """Inside a write: run the bot over the unanswered messages in order, up to the first that must wait. A burst is
    answered once."""
    conversation = Conversation.get_by_id(conversation_id)
    tenant = tenants.by_id(conversation.tenant_id)
    if tenant is None:
        return
    recalled = remembering.recall(conversation, now)
    turn = _Turn(tenant, conversation, recalled.state, now, recalled.cart_expired)
    for burst in bursts.together(messages.unanswered(conversation_id), profile.debounce(tenant)):
        if not _answer_burst(turn, burst):
            break
    for menu in turn.menus.values():
        catalogs.refresh_due(tenant, menu, now)


def _answer_burst(turn: _Turn, burst: list[Message]) -> bool:
    """False when one of them must wait: what comes after it waits too. An order ends a burst: what is written after it
    is about something else."""
    said = bursts.Said()
    for message in burst:
        if not (_may_answer_now(turn, message) and _answer_message(turn, message, said)):
            _say(turn, said)
            return False
        if said.has_ordered:
            _say(turn, said)
            said = bursts.Said()
    _say(turn, said)
    return True


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


def _answer_message(turn: _Turn, message: Message, said: bursts.Said) -> bool:
    """False when the bot has to know something first: the message waits until that is fetched, and is asked again."""
    reason = _why_a_person(turn.tenant, turn.conversation, message, turn.now) or _loops(turn, message)
    if not reason and not message.admitted:
        reason = "too_many"
    answer = None if reason else _ask(turn, message)
    if answer is None:
        handing_over.leave(message, reason or "bot_failed", turn.now)
        return True
    for want in answer.wants:
        catalogs.want(turn.tenant, want, turn.conversation.id, turn.now)
    if answer.wants:
        return False
    messages.change(message.id, answer_due_at=None)
    said.add(message.id, answer)
    turn.cart_expired = False
    if said.leads_on(answer):
        turn.state = answer.state
    if answer.needs_person:
        handing_over.hand_over(turn.tenant, turn.conversation, turn.now)
    return True


def _ask(turn: _Turn, message: Message) -> bot.Answer | None:
    """What the bot says, if it says what can be sent; None when it failed, which is a bug and logged."""
    try:
        answer = bot.answer(
            turn.state, hearing.heard(message, cart_expired=turn.cart_expired), profile.for_bot(turn.tenant), turn.known
        )
        for draft in answer.drafts:
            sending.check(turn.conversation, draft)
    except Exception:
        log.exception("the bot failed", extra={"message_id": message.id, "tenant": turn.tenant.slug})
        return None
    return answer


def _say(turn: _Turn, said: bursts.Said) -> None:
    """Inside a write: queue the one answer to a burst, under the last message's key, count what that saved, and do what
    the answers entail."""
    if not said.answers:
        return
    turn.state = said.leaves_behind() or turn.state
    for n, draft in enumerate(said.drafts, start=1):
        key = f"answer:{said.message_id}:{n}"
        sending.enqueue(turn.conversation, draft, key=key, now=turn.now, ttl_seconds=sending.ANSWER_TTL)
    warming.follow(turn.conversation, said.drafts, turn.now)
    if said.saved:
        tallies.count(tallies.MESSAGES_SAVED, said.saved)
    remembering.keep(turn.conversation.id, turn.state, turn.now)
    for answer in said.answers:
        if answer.orders or answer.ratings or answer.remind:
            turn.state = following.follow(turn.tenant, turn.conversation, answer, said.message_id, turn.now)


def _loops(turn: _Turn, message: Message) -> str:
    if not looping.is_loop(turn.tenant, turn.conversation, message, turn.now):
        return ""
    log.critical("loop guard: handed over", extra={"tenant": turn.tenant.slug, "conversation": turn.conversation.id})
    handing_over.hand_over(turn.tenant, turn.conversation, turn.now, least=SILENCE_AFTER_A_LOOP)
    return "loop"
