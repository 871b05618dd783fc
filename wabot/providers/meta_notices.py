"""What Meta tells about a number, its account or its templates, as one line for people: never a phone number, never
what a message says.

Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/<field>
(2026-05-21), as of November 2026; facts/providers §2.3, §2.5. The shapes of account_alerts, account_review_update,
phone_number_name_update and template_category_update are those of facebook/openapi and pywa; what a shape lacks is left
out of the line.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from wabot import words
from wabot.providers import bodies
from wabot.providers.bodies import word

TEMPLATE_STATUS = "message_template_status_update"
LONGEST_FIELD = 60
LONGEST_SUMMARY = 200
LONGEST_PART = 80
_NO_REASON = ("", "NONE", "None")
_PHONE = re.compile(r"(?<!\w)\+?[0-9](?:[ ().-]{0,3}[0-9]){8,}(?!\w)")


def notice(field: str, value: Any, *, route: str, account: str) -> words.Notice:
    """The notice of one change; its summary is empty for a field that nobody has put into words yet."""
    told, tell = value if isinstance(value, dict) else {}, _TELLERS.get(field)
    masked = _PHONE.sub("…", " ".join(tell(told).split())) if tell is not None else ""
    is_status = field == TEMPLATE_STATUS
    return words.Notice(
        bodies.clean(field)[:LONGEST_FIELD],
        masked[:LONGEST_SUMMARY],
        route,
        account,
        template=word(told, "message_template_name") if is_status else "",
        template_language=word(told, "message_template_language") if is_status else "",
        template_status=word(told, "event") if is_status else "",
    )


def _said(value: Mapping[str, Any], name: str) -> str:
    return word(value, name)[:LONGEST_PART]


def _inside(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _change(value: Mapping[str, Any], before: str, after: str) -> str:
    return " → ".join(said for said in (_said(value, before), _said(value, after)) if said)


def _joined(about: str, *parts: str) -> str:
    """`about: first, second`, of those that say something; nothing where none does."""
    said = ", ".join(part for part in parts if part)
    return f"{about}: {said}" if said else ""


def _because(value: Mapping[str, Any], name: str = "reason") -> str:
    reason = _said(value, name)
    return "" if reason in _NO_REASON else f"reason {reason}"


def _template(value: Mapping[str, Any]) -> str:
    name, language = _said(value, "message_template_name"), _said(value, "message_template_language")
    return f"{name or 'a template'} ({language})" if language else name or "a template"


def _template_status(value: Mapping[str, Any]) -> str:
    return _joined(_template(value), _said(value, "event"), _because(value))


def _template_quality(value: Mapping[str, Any]) -> str:
    return _joined(f"quality of {_template(value)}", _change(value, "previous_quality_score", "new_quality_score"))


def _template_category(value: Mapping[str, Any]) -> str:
    correct = _said(value, "correct_category")
    said = _change(value, "previous_category", "new_category"), f"should be {correct}" if correct else ""
    return _joined(f"category of {_template(value)}", *said)


def _template_components(value: Mapping[str, Any]) -> str:
    return f"{_template(value)}: its content has changed"


def _account(value: Mapping[str, Any]) -> str:
    restrictions = value.get("restriction_info")
    listed = [each for each in restrictions if isinstance(each, dict)] if isinstance(restrictions, list) else []
    return _joined(
        "account",
        _said(value, "event"),
        _said(_inside(value, "ban_info"), "waba_ban_state"),
        _said(_inside(value, "violation_info"), "violation_type"),
        _because(_inside(value, "disconnection_info")),
        *(_said(each, "restriction_type") for each in listed),
    )


def _alert(value: Mapping[str, Any]) -> str:
    told = {**value, **_inside(value, "alert_info")}
    return _joined("alert", *(_said(told, name) for name in ("alert_type", "alert_severity", "alert_status")))


def _review(value: Mapping[str, Any]) -> str:
    return _joined("review of the account", _said(value, "decision"))


def _number(value: Mapping[str, Any]) -> str:
    now = "current_limit" if value.get("current_limit") else "max_daily_conversations_per_business"
    return _joined("number", _said(value, "event"), _change(value, "old_limit", now))


def _name(value: Mapping[str, Any]) -> str:
    return _joined("name of the number", _said(value, "decision"), _because(value, "rejection_reason"))


def _security(value: Mapping[str, Any]) -> str:
    return _joined("security", _said(value, "event"))


def _capability(value: Mapping[str, Any]) -> str:
    told = {name.replace("_", " "): _said(value, name) for name in _CAPABILITIES}
    return _joined("limits", *(f"{name} {said}" for name, said in told.items() if said))


_CAPABILITIES = (
    "max_daily_conversations_per_business", "max_daily_conversation_per_phone", "max_phone_numbers_per_business",
    "max_phone_numbers_per_waba",
)  # fmt: skip
_TELLERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    TEMPLATE_STATUS: _template_status,
    "message_template_quality_update": _template_quality,
    "message_template_components_update": _template_components,
    "template_category_update": _template_category,
    "account_update": _account,
    "account_alerts": _alert,
    "account_review_update": _review,
    "phone_number_quality_update": _number,
    "phone_number_name_update": _name,
    "security": _security,
    "business_capability_update": _capability,
}
