"""The steps that talk: greeting, thanks, language, a person, and what to say when nothing fits."""

from wabot.bot import fitting
from wabot.bot.scene import Scene
from wabot.bot.state import Step
from wabot.words import Draft

_TENANT = 80
_CONTACT = 200


def welcome(scene: Scene) -> Draft:
    tenant = fitting.cut(fitting.line(scene.profile.name), _TENANT)
    text = scene.wording.say("welcome", tenant=tenant) if tenant else scene.wording.say("welcome_unnamed")
    return scene.offer(Step.WELCOME, text, scene.home())


def thanks(scene: Scene) -> Draft:
    return scene.offer(Step.THANKS, scene.wording.say("thanks"), scene.home())


def language(scene: Scene) -> Draft:
    return scene.offer(Step.LANGUAGE, scene.wording.say("language"), scene.home())


def handover(scene: Scene) -> Draft:
    """Offers nothing: from here on a person answers."""
    contact = fitting.cut(fitting.line(scene.profile.support_contact), _CONTACT)
    lines = [scene.wording.say("handover")]
    if contact:
        lines.append(scene.wording.say("handover_contact", contact=contact))
    return scene.tell(Step.HANDOVER, "\n".join(lines))


def unreadable(scene: Scene) -> Draft:
    return scene.offer(Step.UNREADABLE, scene.wording.say("unreadable"), scene.home())


def fallback(scene: Scene, reason: str) -> Draft:
    """`reason` is the text that says why: `not_understood`, `gone`, `no_menu`."""
    return scene.offer(Step.FALLBACK, scene.wording.say(reason), scene.home())
