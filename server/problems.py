"""Every refusal as problem+json (RFC 9457), whoever raised it."""

import logging
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.body import shown
from server.errors import ServingError, Unauthorized
from server.wire import Problem, encode_json

MEDIA_TYPE: Final = "application/problem+json"
log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ServingError, lambda _, error: refusal(error))
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(Exception, lambda request, error: fault(error, request.url.path))


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(encode_json(problem), problem.status, headers, MEDIA_TYPE)


def refusal(error: Exception) -> Response:
    assert isinstance(error, ServingError)
    problem = Problem(
        title=error.title,
        status=error.status,
        detail=error.detail,
        field=error.field,
        value=shown(error.value),
        remedy=error.remedy,
    )
    return _answer(problem, headers_of(error))


def headers_of(error: ServingError) -> dict[str, str]:
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = "method" if error.status_code == 405 else "path"
    problem = Problem(
        title=error.detail,
        status=error.status_code,
        detail=f"{request.method} {shown(request.url.path)} is not served here",
        field=what,
        value=shown(request.method if what == "method" else request.url.path),
        remedy="the routes are listed at /docs",
    )
    return _answer(problem, dict(error.headers or {}))


def fault(error: Exception, path: str, **about: str | None) -> Response:
    """`about`: ids that the log line gets, those of the request and of its trace."""
    log.error("%s failed", path, exc_info=error, extra=about)
    detail = "the request met a fault of the gateway; its log has the trace"
    return _answer(Problem(title="Internal error", status=500, detail=detail))


def let_go(error: BaseException) -> None:
    """Of a request that failed, once all is told: frames of its error hold the future by which it
    came, which holds the error. The collector alone could free them, and comes by rarely."""
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__context__
