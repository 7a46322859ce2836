"""Every refusal in the protocol's shape, `{"error": "…"}`, whoever raised it."""

import logging
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.body import shown
from server.errors import ServingError
from server.open_inference.wire import Refused
from server.problems import headers_of
from server.wire import encode_json

MEDIA_TYPE: Final = "application/json"
FAULT: Final = "the request met a fault of the gateway; its log has the trace"
log = logging.getLogger(__name__)


def refusal_text(error: ServingError) -> str:
    field = f"{error.field}: " if error.field else ""
    value = f", got {shown(error.value)}" if error.value is not None else ""
    remedy = f"; {error.remedy}" if error.remedy else ""
    return f"{field}{error.detail}{value}{remedy}"


def refusal(error: ServingError) -> Response:
    return _answer(refusal_text(error), error.status, headers_of(error))


def fault(error: Exception, path: str, **about: str | None) -> Response:
    """`about`: ids that the log line gets."""
    log.error("%s failed", path, exc_info=error, extra=about)
    return _answer(FAULT, 500)


def refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    return refusal(error)


def no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {shown(request.url.path)} is not served here"
    return _answer(f"{what}; the routes are listed at /docs", error.status_code, error.headers)


def _answer(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode_json(Refused(text)), status, headers, MEDIA_TYPE)
