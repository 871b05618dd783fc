"""The templates of an app as Gupshup lists them.

Source: https://docs.gupshup.io/reference/get_partner-app-appid-templates-1, as of November 2026. The list by API key
has the same rows (public code); `containerMeta` is JSON in a text, and has the body by itself.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wabot import errors, words
from wabot.providers import bodies
from wabot.providers.bodies import word

ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read(said: Mapping[str, Any]) -> Iterator[words.Template]:
    """Every template of an answer that has a name and an id."""
    listed = said.get("templates")
    for row in listed if isinstance(listed, list) else []:
        if isinstance(row, dict) and word(row, "elementName") and word(row, "id"):
            yield _template(row)


def _template(row: Mapping[str, Any]) -> words.Template:
    """Where a header or a button has places of its own, how many values it takes is not told."""
    container = _container(row)
    body = word(container, "data") or word(row, "data")
    elsewhere = word(container, "header") + str(container.get("buttons", ""))
    params = 0 if bodies.places(elsewhere) else len(bodies.places(body))
    return words.Template(
        word(row, "elementName"),
        word(row, "languageCode"),
        word(row, "id"),
        category=word(row, "category"),
        status=word(row, "status"),
        body=body,
        params=params,
    )


def _container(row: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return bodies.json_object(word(row, "containerMeta").encode())
    except errors.Unreadable:
        return {}
