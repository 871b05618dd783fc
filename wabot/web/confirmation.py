"""`/c/{token}`: the one thing that a customer may see of a message, whether it was sent; on a page, and as JSON."""

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from wabot import errors
from wabot.bot.state import LOCALES
from wabot.core import confirming
from wabot.web import auth

blueprint = Blueprint("confirmation", __name__)
api = Blueprint("confirmation", __name__, url_prefix="/whatsapp/confirmation")

TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "sent": "WhatsApp confirmation sent ✓",
            "not_sent": "WhatsApp confirmation not sent",
            "unknown": "This link is not valid",
            "title": "Confirmation",
            "other": "العربية",
        },
        "ar": {
            "sent": "تم إرسال التأكيد عبر واتساب ✓",
            "not_sent": "لم يتم إرسال التأكيد عبر واتساب",
            "unknown": "هذا الرابط غير صالح",
            "title": "تأكيد",
            "other": "English",
        },
    }
)


@api.get("/<token>")
def show(token: str) -> Response:
    """Whether the message was sent, in the contract's words."""
    auth.refuse_secrets_in_query(request.args)
    sent = confirming.find(token).sent
    return jsonify(sent=sent, text=TEXTS["en"]["sent" if sent else "not_sent"])


@blueprint.get("/c/<token>")
def page(token: str) -> Response:
    """Whether the message was sent, on a page that asks again for a while where its script may run."""
    try:
        found = confirming.find(token)
    except errors.NotFound:
        wanted = request.accept_languages.best_match(LOCALES, default=LOCALES[0])
        return _page("unknown", wanted or LOCALES[0], "", 404)
    return _page("sent" if found.sent else "not_sent", found.locale, token, 200)


def _page(state: str, locale: str, token: str, status: int) -> Response:
    asked = request.args.get("lang", "").lower()
    language = asked if asked in LOCALES else locale
    text = TEXTS[language]
    shown = render_template("confirmation.html", state=state, language=language, text=text, token=token)
    response = make_response(shown, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response
