"""One message in, its answer out. Which step answers is decided here; what it says is the steps' own."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from wabot.bot import (
    browsing,
    checkout,
    choosing,
    ordering,
    rating,
    returning,
    reviewing,
    scene,
    talking,
    tracking,
    understanding,
)
from wabot.bot.scene import Missing, Reply, Scene
from wabot.bot.state import LOCALES, Answer, Heard, Known, Offered, Profile, State, Step
from wabot.words import Draft

__all__ = ["Answer", "Heard", "Known", "Profile", "State", "answer", "told"]

_UNANSWERED = frozenset({"reaction", "system", "preference", "unsupported", "edit", "revoke"})
_READABLE = frozenset({"text", "interactive", "button", "request_welcome"})
_LEADS: Mapping[str, Callable[[Scene, str], Reply | None]] = {
    "hello": talking.welcome,
    "home": talking.home,
    "thanks": talking.thanks,
    "person": talking.handover,
    "menu": browsing.menu,
    "cat": browsing.category,
    "item": choosing.item,
    "pick": choosing.resume,
    "buy": choosing.buy,
    "opt": choosing.option,
    "opts": choosing.options,
    "add": choosing.add_on,
    "adds": choosing.add_ons,
    "several": choosing.several,
    "done": choosing.done,
    "qty": choosing.quantity,
    "undo": choosing.undo,
    "order": ordering.begin,
    "types": ordering.types,
    "type": ordering.type_,
    "place": ordering.place,
    "at": ordering.at,
    "branches": ordering.branches,
    "branch": ordering.branch,
    "checkout": ordering.check_out,
    "again": ordering.again,
    "cart": reviewing.cart,
    "lines": reviewing.lines,
    "line": reviewing.line,
    "many": reviewing.how_many,
    "set": reviewing.set_quantity,
    "clear": reviewing.clear,
    "cleared": reviewing.cleared,
    "confirm": checkout.confirm,
    "pay": checkout.pay,
    "yes": checkout.yes,
    "no": checkout.no,
    "note": checkout.note,
    "phone": checkout.phone,
    "track": tracking.track,
    "rate": rating.rate,
    "stars": rating.latest,
    "comment": rating.comment,
}
"""Where a choice leads, by what stands before its first colon; a new step of the flow gets its line here."""


def answer(state: State, heard: Heard, profile: Profile, known: Known) -> Answer:
    """What answers a message, and the state after it; no draft for what needs no answer, or is answered by others.

    The language is the tenant's until the customer chooses one, by its button or its name. A customer
    who merely writes in the other script is still answered in the tenant's, with the other
    language's button: one foreign word, or a borrowed phone, says little.
    """
    if heard.kind in _UNANSWERED:
        return Answer(state, ())
    has_said_salam = understanding.has_said_salam(heard.text)
    here = scene.of(state, heard, profile, known, has_said_salam=has_said_salam)
    try:
        return _answer(_replied(here))
    except Missing as missing:
        return Answer(state, (), wants=missing.wants)


def told(state: State, draft: Draft) -> State:
    """The state once the customer was also sent this draft: typed titles and numbers then mean its buttons."""
    if not (draft.buttons or draft.sections):
        return state
    step = draft.step if draft.step in list(Step) else state.step
    return replace(state, step=step, offered=_offered(draft), here="", comment_on="")


def _replied(here: Scene) -> Reply:
    """The first choice that leads somewhere; else a reply that says so."""
    is_gone = False
    for choice in understanding.choices(here.heard, here.state, here.shelves, here.known):
        reply = _led(here, choice)
        if reply:
            return reply
        is_gone = is_gone or choice == here.heard.choice or choice in dict(here.state.offered)
    return _lost(here, is_gone=is_gone)


def _led(here: Scene, choice: str) -> Reply | None:
    """Where a choice leads. What could not be fetched a moment ago is said, not asked for again. Raises Missing."""
    try:
        return _taken(here, choice)
    except Missing as missing:
        if here.known.failed.isdisjoint(missing.wants):
            raise
        return talking.trouble(here, choice)


def _taken(here: Scene, choice: str) -> Reply | None:
    kind, _, rest = choice.partition(":")
    if kind == "lang":
        return _language(here, rest)
    if kind == "back":
        return _taken(here, returning.before(here))
    lead = _LEADS.get(kind)
    return lead(here, rest) if lead else None


def _language(here: Scene, locale: str) -> Reply | None:
    """The other language, in which the customer goes on where they were."""
    if locale not in LOCALES:
        return None
    here = here.within(locale)
    return _shown_again(here, "language_on") or talking.language(here)


def _shown_again(here: Scene, notice: str) -> Reply | None:
    """What was shown last once more, if that is a step of an order, with something said first."""
    if not (here.state.here and returning.is_under_way(here)):
        return None
    try:
        return _taken(here.saying(here.wording.say(notice)), here.state.here)
    except Missing:
        return None


def _lost(here: Scene, *, is_gone: bool) -> Reply:
    if is_gone:
        shown = _led(here.saying(here.wording.say("gone")), "menu") if here.shelves.categories else None
        return replace(shown, understood=False) if shown else talking.fallback(here, "gone")
    if here.heard.kind not in _READABLE:
        again = _shown_again(here, "unreadable_here")
        return replace(again, understood=False) if again else talking.unreadable(here)
    if here.is_first:
        return talking.welcome(here)
    again = _shown_again(here, "place_typed" if here.state.step == Step.PLACE else "not_understood_here")
    return replace(again, understood=False) if again else talking.fallback(here, "not_understood")


def _answer(reply: Reply) -> Answer:
    draft = reply.draft
    step = draft.step if draft else Step.CONFIRMED.value
    comment_on = reply.state.comment_on if any(rated.score for rated in reply.ratings) else ""
    state = replace(
        reply.state,
        step=step,
        offered=_offered(draft) if draft else reply.offered,
        here=reply.here,
        comment_on=comment_on,
    )
    return Answer(
        state,
        (draft,) if draft else (),
        needs_person=reply.needs_person,
        orders=reply.orders,
        ratings=reply.ratings,
        remind=reply.remind,
        understood=reply.understood,
        keep=reply.keep,
    )


def _offered(draft: Draft) -> Offered:
    buttons = ((button.id, button.title) for button in draft.buttons)
    rows = ((row.id, row.title) for section in draft.sections for row in section.rows)
    return (*buttons, *rows)
