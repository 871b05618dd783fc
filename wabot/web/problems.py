"""Every error of the JSON API in CONTRACT §5's shape: a sentence, a code, a request id; never a stack."""

import logging

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from wabot import clock, errors, words

log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is not what was asked for."""

    def __init__(
        self, status: int, code: str, sentence: str, retry_after: int | None = None, **more: list[str]
    ) -> None:
        super().__init__(sentence)
        self.more = more
        self.status, self.code, self.sentence, self.retry_after = status, code, sentence, retry_after


def request_id() -> str:
    """An id for this request, shown in its error and in the log."""
    if "request_id" not in g:
        g.request_id = words.uid(clock.now())
    return str(g.request_id)


def answer(problem: Problem) -> Response:
    """The JSON answer for a problem."""
    response = jsonify(error=problem.sentence, code=problem.code, **problem.more, requestId=request_id())
    response.status_code = problem.status
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


def register(app: Flask) -> None:
    """Teach the application to answer errors."""
    app.register_error_handler(Problem, answer)
    app.register_error_handler(errors.NotFound, lambda _: answer(Problem(404, "not_found", "There is no such thing.")))
    app.register_error_handler(
        errors.CannotWrite, lambda _: answer(Problem(503, "cannot_write", "The database is busy; try again.", 5))
    )
    app.register_error_handler(errors.Refused, lambda error: answer(Problem(422, error.code, str(error))))
    app.register_error_handler(errors.StepForbidden, _step_forbidden)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _step_forbidden(error: Exception) -> Response:
    assert isinstance(error, errors.StepForbidden)  # noqa: S101 - narrows what Flask promises
    said = str(error)
    return answer(Problem(409, "forbidden_step", f"{said[:1].upper()}{said[1:]}.", allowed=list(error.allowed)))


def _http(error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows what Flask promises
    status = error.code or 500
    response = answer(Problem(status, _CODES.get(status, "error"), error.name + "."))
    if "Allow" in (allowed := dict(error.get_headers())):
        response.headers["Allow"] = allowed["Allow"]
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error, extra={"request": request_id(), "endpoint": request.endpoint})
    return answer(Problem(500, "internal", "Something went wrong on our side."))
