"""The sandbox's files over HTTP: the provider's side, which our own adapter calls, and the page's. What is served is
never a document of ours: of a strict list of types, or bytes to save."""

import io
from urllib.parse import unquote

from flask import Blueprint, Response, jsonify, make_response, request, send_file

from wabot import errors
from wabot.core import sandbox, sandbox_files
from wabot.store.sandbox import File
from wabot.store.tenants import Channel
from wabot.web import bodies, sandbox_asked
from wabot.web.problems import Problem

blueprint = Blueprint("media", __name__)
"""Within `sandbox.blueprint`, which admits its requests."""

INLINE = frozenset().union(*sandbox_files.SHOWN.values())
SECONDS_KEPT = 3600


@blueprint.post("/api/media")
def take() -> Response:
    """The provider's API: our adapter uploads a file for its channel."""
    channel = _caller()
    if channel is None:
        return _answered(sandbox.STRANGER)
    body = bodies.read(sandbox_files.MAX_BYTES)
    if body is None:
        return _closing(make_response(jsonify(error={"code": "media", "message": "too large"}), 413))
    return _answered(sandbox.take_file(channel, body, request.mimetype, _filename()))


@blueprint.get("/api/media/<key>")
def give(key: str) -> Response:
    """The provider's API: our adapter fetches a file of its channel."""
    channel = _caller()
    if channel is None:
        return _answered(sandbox.STRANGER)
    try:
        file = sandbox_files.find(key, channel.id)
        return _served(file, sandbox_files.read(file), file.mime_type, inline=False)
    except errors.NotFound as error:
        return make_response(jsonify(error={"code": "media", "message": str(error)}), 404)


@blueprint.post("/media")
def upload() -> Response:
    """The customer's phone uploads what it is about to send."""
    channel = sandbox_asked.channel(request.args.get("channel", ""))
    body = bodies.read(sandbox_files.MAX_BYTES)
    if body is None:
        raise Problem(413, "too_large", f"At most {sandbox_files.MAX_BYTES >> 20} MB.")
    file = sandbox_files.keep(channel.id, body, request.headers.get("X-Sandbox-Type", ""), _filename())
    shown = {"id": file.key, "mimeType": file.mime_type, "filename": file.filename, "size": file.size}
    return make_response(jsonify(shown), 201)


@blueprint.get("/media/<key>")
def show(key: str) -> Response:
    """A file, for the phone on the page."""
    file = sandbox_files.find(key)
    inline = file.mime_type in INLINE
    mime_type = file.mime_type if inline else sandbox_files.UNTYPED
    response = _served(file, sandbox_files.read(file), mime_type, inline=inline)
    response.headers["Cache-Control"] = f"private, max-age={SECONDS_KEPT}, immutable"
    return response


def _caller() -> Channel | None:
    return sandbox.authorised(sandbox_asked.secret(), request.headers.get("X-Sandbox-Number", ""))


def _filename() -> str:
    return unquote(request.headers.get("X-Sandbox-Filename", ""), errors="replace")


def _answered(taken: sandbox.Taken) -> Response:
    return make_response(jsonify(taken.body), taken.status)


def _closing(response: Response) -> Response:
    response.headers["Connection"] = "close"
    return response


def _served(file: File, data: bytes, mime_type: str, *, inline: bool) -> Response:
    """The bytes, so that nothing in them can act: a browser that opens them as a page runs no script and gives them
    no origin."""
    response = send_file(
        io.BytesIO(data), mime_type, as_attachment=not inline, download_name=file.filename or "file", etag=file.key
    )
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
