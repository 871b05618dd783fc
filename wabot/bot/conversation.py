"""One message in, its answer out. Which step answers is decided here; what it says is the steps' own."""

from wabot.bot import browsing, shelves, talking, understanding, wording
from wabot.bot.scene import Scene
from wabot.bot.state import LOCALES, Answer, Heard, Known, Offered, Profile, State, Step
from wabot.words import Draft, Menu

__all__ = ["Answer", "Heard", "Known", "Profile", "State", "answer"]

_UNANSWERED = frozenset({"reaction", "system", "preference", "unsupported", "edit", "revoke"})
_READABLE = frozenset({"text", "interactive", "button", "request_welcome"})
_TALKS = {"hello": talking.welcome, "thanks": talking.thanks, "person": talking.handover}


def answer(state: State, heard: Heard, profile: Profile, known: Known) -> Answer:
    """The one draft that answers a message, and the state after it; no draft for what needs no answer.

    The language is the tenant's until the customer chooses one, by its button or its name. A customer
    who merely writes in the other script is still answered in the tenant's, with the other
    language's button: one foreign word, or a borrowed phone, says little.
    """
    if heard.kind in _UNANSWERED:
        return Answer(state, ())
    scene = _scene(state, heard, profile, known.menu)
    choice, draft = _answered(scene, state, heard)
    locale = choice.removeprefix("lang:") if draft.step == Step.LANGUAGE else state.locale
    after = State(locale=locale, step=draft.step, offered=_offered(draft))
    return Answer(after, (draft,), needs_person=draft.step == Step.HANDOVER)


def _scene(state: State, heard: Heard, profile: Profile, menu: Menu) -> Scene:
    return Scene(
        profile=profile,
        shelves=shelves.arrange(menu),
        wording=wording.of(state.locale or profile.locale),
        customer=heard.customer_name,
        has_said_salam=understanding.has_said_salam(heard.text),
        is_first=state.step == Step.START,
    )


def _answered(scene: Scene, state: State, heard: Heard) -> tuple[str, Draft]:
    """The first choice that leads somewhere, with its draft; else none, with a draft that says so."""
    is_gone = False
    for choice in understanding.choices(heard, state.offered, scene.shelves):
        draft = _taken(scene, choice)
        if draft:
            return choice, draft
        is_gone = True
    return "", _lost(scene, heard.kind, is_gone=is_gone)


def _taken(scene: Scene, choice: str) -> Draft | None:
    """Where a choice leads today; a new step of the flow gets its line here."""
    kind, _, rest = choice.partition(":")
    match kind:
        case "menu":
            return browsing.categories(scene, _number(rest))
        case "cat":
            return _category(scene, rest)
        case "item":
            place = scene.shelves.places.get(rest)
            return browsing.item(scene, place) if place else None
        case "lang":
            return talking.language(scene.within(rest)) if rest in LOCALES else None
    step = _TALKS.get(choice)
    return step(scene) if step else None


def _category(scene: Scene, rest: str) -> Draft | None:
    address, _, number = rest.rpartition(":")
    if address not in scene.shelves.categories:
        return None
    return browsing.items(scene, address, _number(number))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 4 else 0


def _lost(scene: Scene, kind: str, *, is_gone: bool) -> Draft:
    if is_gone and scene.shelves.categories:
        return browsing.categories(scene, 0, scene.wording.say("gone"))
    if is_gone:
        return talking.fallback(scene, "gone")
    if kind not in _READABLE:
        return talking.unreadable(scene)
    return talking.welcome(scene) if scene.is_first else talking.fallback(scene, "not_understood")


def _offered(draft: Draft) -> Offered:
    buttons = ((button.id, button.title) for button in draft.buttons)
    rows = ((row.id, row.title) for section in draft.sections for row in section.rows)
    return (*buttons, *rows)
