"""A tenant's files: uploaded to be sent, and those that customers sent. A provider fetches one by its key."""

import re
import unicodedata
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request
from werkzeug.http import dump_options_header, parse_options_header

from wabot import words
from wabot.core import media
from wabot.providers.base import MAX_MEDIA_BYTES
from wabot.store import media as files
from wabot.store.media import Media
from wabot.web import auth, bodies
from wabot.web.problems import Problem

blueprint = Blueprint("media", __name__, url_prefix="/restaurants/<slug>/media")
public = Blueprint("files", __name__)

FORM_BYTES = 64 << 10
"""What a form adds to the file in it."""
_HARMLESS = re.compile(r"(image/(jpeg|png|webp|gif)|audio/[a-z0-9.+-]+|video/[a-z0-9.+-]+|application/pdf|text/plain)")


@blueprint.get("/<int:media_id>")
def download(slug: str, media_id: int) -> Response:
    """The file, to be saved and never shown by a browser as a page of ours."""
    tenant = auth.own_tenant(slug)
    return _file(files.find(tenant.id, media_id) if media_id < 1 << 63 else None)


@blueprint.post("")
def upload(slug: str) -> Response:
    """Keep a file: as the body with its Content-Type, or as the field `file` of a form."""
    tenant = auth.own_tenant(slug, to_write=True)
    body, mime_type, filename = _form_file() if request.mimetype == "multipart/form-data" else _raw_file()
    kept = media.upload(tenant.id, body, mime_type, filename)
    answer = {"mediaId": kept.id, "type": kept.type, "mimeType": kept.mime_type, "size": kept.size}
    response = jsonify({**answer, "filename": kept.filename or None})
    response.status_code = 201
    return response


@public.get("/media/<key>")
def fetch(key: str) -> Response:
    """A file that we send, for a provider that has to fetch it: whoever knows its key may."""
    row = files.by_key(key)
    return _file(row if row is not None and row.message_id is None else None)


def _raw_file() -> tuple[bytes, str, str]:
    body = bodies.read(MAX_MEDIA_BYTES)
    if body is None:
        raise _too_large()
    _, disposition = parse_options_header(request.headers.get("Content-Disposition"))
    return body, request.mimetype, request.args.get("filename") or disposition.get("filename", "")


def _form_file() -> tuple[bytes, str, str]:
    """The form is read by Flask, which counts; a length must be given, because it cuts chunked bodies silently."""
    if request.content_length is None:
        raise Problem(411, "length_required", "Send the form with a Content-Length.")
    if request.content_length > MAX_MEDIA_BYTES + FORM_BYTES:
        raise _too_large()
    file = request.files.get("file")
    if file is None:
        raise Problem(400, "bad_request", "The form needs a file in its field file.")
    body = file.read(MAX_MEDIA_BYTES + 1)
    if len(body) > MAX_MEDIA_BYTES:
        raise _too_large()
    return body, file.mimetype or "", file.filename or ""


def _too_large() -> Problem:
    return Problem(413, "too_large", f"A file may have {MAX_MEDIA_BYTES >> 20} MB.")


def _file(row: Media | None) -> Response:
    if row is None or row.state is not words.MediaState.READY:
        raise Problem(404, "not_found", "There is no such thing.")
    harmless = _HARMLESS.fullmatch(row.mime_type)
    response = Response(files.read(row.id), content_type=row.mime_type if harmless else "application/octet-stream")
    response.headers["Content-Disposition"] = _to_save_as(row.filename or f"{row.type}-{row.id}")
    response.headers["Content-Length"] = str(row.size)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _to_save_as(name: str) -> str:
    """The Content-Disposition; a header is ASCII, so any other name is given twice (RFC 6266 §4.3)."""
    if name.isascii():
        return dump_options_header("attachment", {"filename": name})
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return dump_options_header("attachment", {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"})
