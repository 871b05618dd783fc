"""The steps that talk: greeting, thanks, language, a person, and what to say when nothing fits."""

from dataclasses import replace

from wabot.bot import drafting, fitting
from wabot.bot.scene import Reply, Scene
from wabot.bot.state import Step

_TENANT = 80
_CONTACT = 200


def welcome(scene: Scene, _rest: str = "") -> Reply:
    tenant = fitting.cut(fitting.line(scene.profile.name), _TENANT)
    text = scene.wording.say("welcome", tenant=tenant) if tenant else scene.wording.say("welcome_unnamed")
    return scene.offer(Step.WELCOME, text, scene.home())


def home(scene: Scene, _rest: str = "") -> Reply:
    """Where every way back ends."""
    return at_home(scene, Step.HOME, scene.wording.say("home"))


def at_home(scene: Scene, step: Step, text: str) -> Reply:
    """A text with the buttons that are always there."""
    return scene.offer(step, text, scene.home())


def thanks(scene: Scene, _rest: str = "") -> Reply:
    return at_home(scene, Step.THANKS, scene.wording.say("thanks"))


def language(scene: Scene) -> Reply:
    return at_home(scene, Step.LANGUAGE, scene.wording.say("language"))


def handover(scene: Scene, _rest: str = "") -> Reply:
    """Offers nothing: from here on a person answers."""
    contact = fitting.cut(fitting.line(scene.profile.support_contact), _CONTACT)
    more = scene.wording.say("handover_contact", contact=contact) if contact else ""
    reply = scene.tell(Step.HANDOVER, drafting.joined(scene.wording.say("handover"), more))
    return replace(reply, needs_person=True, keep=True)


def trouble(scene: Scene, choice: str) -> Reply:
    """What is needed for `choice` cannot be had at the moment; it can be tried again."""
    again = scene.button("again", choice if len(choice) <= fitting.ID else "home")
    buttons = (again, scene.button("person", "person"))
    return scene.offer(Step.TROUBLE, scene.wording.say("trouble"), buttons, here=scene.state.here)


def unreadable(scene: Scene) -> Reply:
    return replace(at_home(scene, Step.UNREADABLE, scene.wording.say("unreadable")), understood=False)


def fallback(scene: Scene, reason: str) -> Reply:
    """`reason` is the text that says why: `not_understood`, `gone`, `no_menu`."""
    reply = at_home(scene, Step.FALLBACK, scene.wording.say(reason))
    return replace(reply, understood=reason == "no_menu")
