"""Drafts as callers send them (CONTRACT §5), checked and turned into words.Draft. What WhatsApp can carry is for
the provider's own check; here a body only has to have the right shape."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from wabot import words
from wabot.web import bodies
from wabot.web.problems import Problem

LONGEST_TEXT = 65536
"""More than any message has; how much it may be is the provider's to say."""
MOST_PARTS = 200
LONGEST_KEY = 255
MOST_BYTES = 1 << 20
_PARTS: Mapping[str, str] = {
    "buttons": "buttons",
    "sections": "list",
    "template": "template",
    "media": "media",
    "location": "location",
}
"""The kind that each part is of: beside another it would be lost on the way."""
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Body(BaseModel):
    """A JSON body: camelCase, nothing coerced but numbers, unknown names refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, extra="forbid", strict=True)


class ButtonBody(Body):
    id: Text
    title: Text


class RowBody(Body):
    id: Text
    title: Text
    description: Text = ""


class SectionBody(Body):
    title: Text = ""
    rows: Annotated[list[RowBody], Field(max_length=MOST_PARTS)]


class TemplateBody(Body):
    name: Text
    language: Text = ""
    variables: Annotated[dict[str, Text], Field(max_length=MOST_PARTS)] = {}


class MediaBody(Body):
    type: words.MediaType = Field(strict=False)
    url: Text = ""
    media_id: Annotated[int, Field(ge=1, lt=1 << 63, strict=False)] | None = None
    caption: Text = ""
    filename: Text = ""

    @model_validator(mode="after")
    def _one_source(self) -> "MediaBody":
        if bool(self.url) == (self.media_id is not None):
            raise ValueError("give either url or mediaId")
        return self


class LocationBody(Body):
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    name: Text = ""
    address: Text = ""


class DraftBody(Body):
    """`{message: "text"}`, or a draft of a kind."""

    kind: Literal["text", "template", "buttons", "list", "media", "location"] = "text"
    message: Text | None = None
    text: Text = ""
    header: Text = ""
    footer: Text = ""
    button: Text = ""
    buttons: Annotated[list[ButtonBody], Field(max_length=MOST_PARTS)] = []
    sections: Annotated[list[SectionBody], Field(max_length=MOST_PARTS)] = []
    template: TemplateBody | None = None
    media: MediaBody | None = None
    location: LocationBody | None = None
    channel_id: Annotated[int, Field(ge=1, lt=1 << 63)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "DraftBody":
        if self.message is not None and (self.text or self.kind != "text"):
            raise ValueError("message is a text by itself: say it, or a kind with its parts")
        for part, kind in _PARTS.items():
            if getattr(self, part) and self.kind != kind:
                raise ValueError(f"{part} is for the kind {kind}, and this is of kind {self.kind}")
        if self.kind in ("template", "media", "location") and getattr(self, self.kind) is None:
            raise ValueError(f"a {self.kind} needs its {self.kind}")
        return self

    def draft(self, purpose: str) -> words.Draft:
        """The draft, sent for this purpose."""
        place, file, template = self.location, self.media, self.template
        captioned = file.caption if file else place.name or place.address if place else ""
        return words.Draft(
            kind=words.Kind(self.kind),
            text=self.message or self.text or captioned,
            header=self.header,
            footer=self.footer,
            button=self.button,
            buttons=tuple(words.Button(each.id, each.title) for each in self.buttons),
            sections=tuple(words.Section(tuple(map(_row, each.rows)), each.title) for each in self.sections),
            template=words.TemplateUse(template.name, template.language, template.variables) if template else None,
            media=words.Media(file.type, file.url, file.media_id or 0, file.filename) if file else None,
            location=words.Location(**place.model_dump()) if place else None,
            purpose=purpose,
        )


def _row(row: RowBody) -> words.Row:
    return words.Row(row.id, row.title, row.description)


B = TypeVar("B", bound=Body)


def json_body() -> dict[str, Any]:
    """The request's JSON object. Raises Problem 400, or 413 for more than any message has."""
    read = bodies.read(MOST_BYTES)
    if read is None:
        raise Problem(413, "too_large", f"A request may have {MOST_BYTES >> 10} kB.")
    try:
        body = json.loads(read)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "bad_json", "Send a JSON object.") from error
    if not isinstance(body, dict):
        raise Problem(400, "bad_json", "Send a JSON object.")
    return body


def read(shape: type[B], body: dict[str, Any]) -> B:
    """The body in this shape. Raises Problem 400, naming the first field that does not fit."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the body"
        message = str(problem["msg"]).removeprefix("Value error, ")
        raise Problem(400, "bad_request", f"{where}: {message}.") from error


def idempotency_key() -> str | None:
    """The Idempotency-Key of the request, if it has one. Raises Problem 400."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise Problem(400, "bad_idempotency_key", f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    return key or None
