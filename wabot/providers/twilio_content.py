"""Buttons and lists as Twilio has them: a content is created once per account and shape, and every
message fills in its variables.

Sources: https://www.twilio.com/docs/content/twilio-quick-reply, …/twiliolist-picker,
…/using-variables-with-content-api (2026-07-31) and https://www.twilio.com/docs/api/errors/63013 and /21656,
read November 2026; both list variables as supported in actions, items, ids and descriptions. A row's description is
optional in twilio-node's types, so an empty one is left out.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wabot import words
from wabot.providers import bodies, limits
from wabot.providers.base import RefusedByLimit

LANGUAGE = "en"
"""Contents of the 24 h window are not reviewed, so their language is a label and no more."""
SAMPLE = "text"


@dataclass(frozen=True, slots=True)
class Content:
    """What is created once (`types`), and what this message puts into it (`variables`)."""

    types: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)

    def key(self, account_sid: str) -> str:
        """The name under which its id is kept; an id is good for one account only (page 21655)."""
        parts = {"account": account_sid, "language": LANGUAGE, "types": self.types}
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def creation(self, key: str) -> dict[str, Any]:
        """The request that creates it."""
        return {
            "friendly_name": f"wabot_{key[:16]}",
            "language": LANGUAGE,
            "variables": dict.fromkeys(self.variables, SAMPLE),
            "types": self.types,
        }


def of(draft: words.Draft) -> Content:
    """The content of a buttons or list draft. Raises RefusedByLimit where it needs too many variables."""
    fill = _Variables()
    body = fill.lines(whole_text(draft))
    if draft.kind is words.Kind.LIST:
        rows = [row for section in draft.sections for row in section.rows]
        items = [_row(row, fill) for row in rows]
        types = {"twilio/list-picker": {"body": body, "button": fill.literal(draft.button), "items": items}}
    else:
        actions = [
            {"type": "QUICK_REPLY", "title": fill.literal(button.title), "id": fill.spare(button.id)}
            for button in draft.buttons
        ]
        types = {"twilio/quick-reply": {"body": body, "actions": actions}}
    if len(fill.values) > limits.VARIABLES:
        raise RefusedByLimit(f"the text needs {len(fill.values)} variables, {limits.VARIABLES} are allowed")
    return Content(types, fill.values)


def _row(row: words.Row, fill: "_Variables") -> dict[str, str]:
    item = {"item": fill.spare(row.title), "id": fill.spare(row.id)}
    return item | ({"description": fill.spare(row.description)} if row.description.strip() else {})


def whole_text(draft: words.Draft) -> str:
    """Header, text and footer as one: neither of Twilio's two types has a header or a footer."""
    return "\n".join(part for part in (draft.header, draft.text, draft.footer) if part)


def value(text: str) -> str:
    """A variable's value as WhatsApp takes it: one line, no tabs, never four spaces in a row (63013)."""
    return re.sub(r"\s{4,}", "   ", re.sub(r"[\t\r\n]", " ", bodies.clean(text)))


def values(variables: Mapping[str, str]) -> str:
    """ContentVariables: a JSON object, as text."""
    return json.dumps({name: value(text) for name, text in variables.items()}, ensure_ascii=False)


class _Variables:
    """Numbers the variables of one content and keeps their values."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def lines(self, text: str) -> str:
        """The text with each line a variable, so that other texts of as many lines share the content.
        A variable may be neither empty nor hold a line break (21656), so blank lines stay as they are."""
        return "\n".join(self._each(text.strip().splitlines()))

    def spare(self, text: str) -> str:
        """What differs from message to message, such as the number of an order in a button's id: a variable while there
        is room for one and it arrives as it is. Else each order would leave contents of its own at Twilio."""
        fits = len(self.values) < limits.VARIABLES and text.strip() and value(text) == text
        return self._add(text) if fits else self.literal(text)

    def literal(self, text: str) -> str:
        """The text as it is, unless Twilio would take a part of it for a variable."""
        return self._add(text) if "{{" in text else bodies.clean(text)

    def _each(self, lines: Iterable[str]) -> list[str]:
        return [self._add(line) if line.strip() else "" for line in lines]

    def _add(self, text: str) -> str:
        name = str(len(self.values) + 1)
        self.values[name] = value(text)
        return f"{{{{{name}}}}}"
