"""The templates of an account as Twilio's Content API lists them. A template is a content with an approval request.

Sources: twilio-oai `twilio_content_v1.json` (ContentAndApprovals, Content), as of November 2026 (facts/providers §1.9).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from wabot import errors, words
from wabot.config import Settings
from wabot.providers import bodies, twilio_api, twilio_content
from wabot.providers.base import Account
from wabot.providers.twilio_api import Api

CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")
PAGES = 100
PAGE_SIZE = 50


def listed(account: Account, settings: Settings) -> Iterator[words.Template]:
    """Every content that was submitted as a template; those that we create for buttons and lists are none. Raises
    ProviderFailure."""
    url = f"{settings.twilio_content_api}/v1/ContentAndApprovals?PageSize={PAGE_SIZE}"
    for _ in range(PAGES):
        page = _get(url, account, settings)
        contents = page.get("contents")
        for content in contents if isinstance(contents, list) else []:
            if isinstance(content, dict) and isinstance(content.get("approval_requests"), dict):
                yield _template(content, content["approval_requests"])
        meta = page.get("meta")
        following = meta.get("next_page_url") if isinstance(meta, dict) else None
        if not following:
            return
        url = twilio_api.same_host(str(following), settings.twilio_content_api)


def named(account: Account, settings: Settings) -> Iterator[words.Template]:
    """The contents that `CONTENT_SID_<NAME>` names, by those names. Raises ProviderFailure."""
    if not _has_defaults(account, settings):
        return
    for name, sid in settings.content_sids.items():
        content = _get(f"{settings.twilio_content_api}/v1/Content/{quote(sid, safe='')}", account, settings)
        yield _template(content, {"name": name})


def _get(url: str, account: Account, settings: Settings) -> dict[str, Any]:
    answer = Api.within(settings.wabot_send_timeout, account, settings).call("GET", url)
    if answer.status != 200:
        raise twilio_api.failure(answer)
    return twilio_api.told(answer)


def _template(content: Mapping[str, Any], approval: Mapping[str, Any]) -> words.Template:
    body = _body(content.get("types"))
    variables = content.get("variables")
    places = len(variables) if isinstance(variables, dict) else len(bodies.places(body))
    return words.Template(
        name=_text(approval, "name") or _text(content, "friendly_name"),
        language=_text(content, "language"),
        provider_id=_text(content, "sid"),
        category=_text(approval, "category"),
        status=_text(approval, "status"),
        body=body,
        params=places,
    )


def _body(types: Any) -> str:
    shapes = types.values() if isinstance(types, dict) else ()
    bodies_of = (_text(shape, "body") or _text(shape, "title") for shape in shapes if isinstance(shape, dict))
    return next(filter(None, bodies_of), "")


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return bodies.clean(value) if isinstance(value, str) else ""


def sid_of(name: str, account: Account, settings: Settings) -> str:
    """The content that a template's name means by itself: a SID, or the default of a channel on the master account."""
    if CONTENT_SID.fullmatch(name):
        return name
    return settings.content_sids.get(name.lower(), "") if _has_defaults(account, settings) else ""


def _has_defaults(account: Account, settings: Settings) -> bool:
    """A content belongs to one account, so the defaults are the master account's; without one they are everybody's."""
    return account.credentials["account_sid"] == (settings.twilio_master_sid or account.credentials["account_sid"])


def of(template: words.TemplateUse, account: Account, settings: Settings) -> dict[str, str]:
    """The fields of a message with this template. Raises TemplateRefused."""
    sid = template.provider_id or sid_of(template.name, account, settings)
    if not sid:
        raise errors.TemplateRefused(
            "template_unknown", f"no content for {template.name}", reason=words.Reason.TEMPLATE_UNKNOWN
        )
    variables = {"ContentVariables": twilio_content.values(template.variables)} if template.variables else {}
    return {"ContentSid": sid, **variables}
