"""The steps of a rating: stars, thanks or an apology, a comment, later, or help."""

import re
from dataclasses import replace

from wabot.bot import drafting, fitting, talking
from wabot.bot.scene import Reply, Scene
from wabot.bot.state import Step
from wabot.words import OrderSeen, OrderStatus, Purpose, Rated, Row

MOST = 5
_GOOD = 4
_COMMENT = 1000
_LINK = 200
_UID = re.compile(r"[0-9a-fA-F-]{1,40}")


def rate(scene: Scene, rest: str) -> Reply | None:
    """What a choice of the rating asks for: `<now|later|help|1…5>:<uid of the order>`."""
    what, _, uid = rest.partition(":")
    if not _UID.fullmatch(uid):
        return None
    if what == "help":
        return talking.handover(scene)
    order = next((order for order in scene.known.orders if order.uid == uid), None)
    if order and not _can_be_rated(order):
        said = "rated_already" if order.status is OrderStatus.RATED else "nothing_to_rate"
        return _about(scene, Step.RATED, scene.wording.say(said))
    if what == "now":
        return _stars(scene, uid)
    if what == "later":
        return replace(_about(scene, Step.RATING_LATER, scene.wording.say("rating_later")), remind=(uid,), keep=True)
    return _scored(scene, uid, int(what)) if what in map(str, range(1, MOST + 1)) else None


def latest(scene: Scene, _rest: str = "") -> Reply | None:
    """The customer wants to rate, in words: the newest order that was delivered."""
    found = next((order for order in scene.known.orders if _can_be_rated(order)), None)
    if found is None:
        return _about(scene, Step.RATED, scene.wording.say("nothing_to_rate"))
    return rate(scene, f"now:{found.uid}")


def comment(scene: Scene, _rest: str = "") -> Reply | None:
    """What was written after the stars, and means nothing else, is a comment on them."""
    uid, told = scene.state.comment_on, fitting.cut(fitting.paragraphs(scene.heard.text), _COMMENT)
    if not uid or not told:
        return None
    reply = _about(scene, Step.COMMENTED, scene.wording.say("commented"))
    return replace(reply, ratings=(Rated(uid, None, told),), keep=True)


def _stars(scene: Scene, uid: str) -> Reply:
    rows = [Row(f"rate:{n}:{uid}", "⭐" * n, scene.wording.say(f"stars_{n}")) for n in range(MOST, 0, -1)]
    return _rating(scene.lay_out(Step.RATING, scene.wording.say("stars"), rows, here=f"rate:now:{uid}"))


def _scored(scene: Scene, uid: str, score: int) -> Reply:
    is_good = score >= _GOOD
    link, contact = (fitting.line(text) for text in (scene.profile.app_link, scene.profile.support_contact))
    more = ("app_again", "link", link) if is_good else ("sorry_contact", "contact", contact)
    text = drafting.joined(
        scene.wording.say("rated" if is_good else "rated_low"),
        scene.wording.say(more[0], **{more[1]: more[2]}) if more[2] and len(more[2]) <= _LINK else "",
        scene.wording.say("comment_hint"),
    )
    reply = _about(scene, Step.RATED if is_good else Step.RATED_LOW, text)
    return replace(reply, state=replace(reply.state, comment_on=uid), ratings=(Rated(uid, score),), keep=True)


def _about(scene: Scene, step: Step, text: str) -> Reply:
    return _rating(talking.at_home(scene, step, text))


def _rating(reply: Reply) -> Reply:
    """The reply as one about a rating, which is what it is sent for."""
    draft = replace(reply.draft, purpose=Purpose.RATING) if reply.draft else None
    return replace(reply, draft=draft)


def _can_be_rated(order: OrderSeen) -> bool:
    return order.status is OrderStatus.DELIVERED
