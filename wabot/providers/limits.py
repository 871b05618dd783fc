"""WhatsApp's own limits on what may be sent, counted in code points. A provider that is stricter says
so in its adapter.

Source: Meta's OpenAPI v23.0 and Twilio's list-picker and variables pages, as of November 2026 (facts §1.8, §2.7).
"""

from collections.abc import Sequence

from wabot import errors, words
from wabot.providers.base import RefusedByLimit

TEXT = 4096
BODY = 1024
HEADER = FOOTER = 60
BUTTONS = 3
BUTTON_TITLE = 20
ROWS = 10
ROW_TITLE = SECTION_TITLE = 24
ROW_DESCRIPTION = 72
ID = 200
VARIABLES = 100
VARIABLE_NAME = 16
VARIABLE = 1600


def check(draft: words.Draft, *, text: int = TEXT) -> None:
    """Raises Refused if WhatsApp cannot show the draft; `text` is the limit of a plain message."""
    if draft.kind is words.Kind.TEMPLATE:
        _check_template(draft.template)
    elif draft.kind is words.Kind.TEXT:
        within("the text", draft.text, text)
    elif draft.kind is words.Kind.BUTTONS:
        _check_frame(draft)
        _check_buttons(draft.buttons)
    elif draft.kind is words.Kind.LIST:
        _check_frame(draft)
        _check_list(draft)
    else:
        raise RefusedByLimit(f"a message of kind {draft.kind} cannot be sent")


def within(what: str, text: str, limit: int, *, may_be_empty: bool = False) -> None:
    """Raises RefusedByLimit if the text is longer than `limit`, or blank where it may not be."""
    if len(text) > limit:
        raise RefusedByLimit(f"{what} has {len(text)} characters, {limit} are allowed")
    if not may_be_empty and not text.strip():
        raise RefusedByLimit(f"{what} is empty")


def _check_frame(draft: words.Draft) -> None:
    within("the text", draft.text, BODY)
    within("the header", draft.header, HEADER, may_be_empty=True)
    within("the footer", draft.footer, FOOTER, may_be_empty=True)


def _check_buttons(buttons: Sequence[words.Button]) -> None:
    _count("buttons", buttons, BUTTONS)
    for button in buttons:
        within("a button's title", button.title, BUTTON_TITLE)
        within("a button's id", button.id, ID)
    _distinct("titles of buttons", [button.title for button in buttons])
    _distinct("ids of buttons", [button.id for button in buttons])


def _check_list(draft: words.Draft) -> None:
    within("the list's button", draft.button, BUTTON_TITLE)
    rows = [row for section in draft.sections for row in section.rows]
    _count("rows", rows, ROWS)
    for section in draft.sections:
        within("a section's title", section.title, SECTION_TITLE, may_be_empty=True)
    for row in rows:
        within("a row's title", row.title, ROW_TITLE)
        within("a row's id", row.id, ID)
        within("a row's description", row.description, ROW_DESCRIPTION, may_be_empty=True)
    _distinct("ids of rows", [row.id for row in rows])


def _check_template(template: words.TemplateUse | None) -> None:
    if template is None or not template.name.strip():
        raise errors.Refused("template_unknown", "a template needs a name")
    if len(template.variables) > VARIABLES:
        raise RefusedByLimit(f"{len(template.variables)} variables, {VARIABLES} are allowed")
    for name, value in template.variables.items():
        within("a variable's name", name, VARIABLE_NAME)
        within(f"variable {name}", value, VARIABLE, may_be_empty=True)
        if "\n" in value or "\r" in value:
            raise RefusedByLimit(f"variable {name} has a line break, which WhatsApp refuses")


def _count(what: str, things: Sequence[object], limit: int) -> None:
    if not 1 <= len(things) <= limit:
        raise RefusedByLimit(f"{len(things)} {what}, 1 to {limit} are allowed")


def _distinct(what: str, texts: Sequence[str]) -> None:
    if len(set(texts)) < len(texts):
        raise RefusedByLimit(f"{what} must differ from each other")
