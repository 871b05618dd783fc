"""Reading what a request brings, counted while it comes."""

from flask import request


def read(most: int) -> bytes | None:
    """The whole body, or None when it is larger: counted while reading, because a chunked body has no length and
    Flask's own limit cuts it silently (faults §0.5)."""
    if (request.content_length or 0) > most:
        return None
    parts, size = [], 0
    stream = request.environ["wsgi.input"] if request.environ.get("wsgi.input_terminated") else request.stream
    while chunk := stream.read(65536):
        size += len(chunk)
        if size > most:
            return None
        parts.append(chunk)
    return b"".join(parts)
