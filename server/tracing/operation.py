"""What a request asks for, as its span is named."""

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Operation(NamedTuple):
    """Names are those of OpenTelemetry's semantic conventions."""

    name: str
    attributes: Mapping[str, str]
    status: Callable[[int], Mapping[str, int]]
    """The attribute that a status of HTTP becomes."""


def post(route: str) -> Operation:
    attributes = {"http.request.method": "POST", "http.route": route}
    return Operation(f"POST {route}", attributes, _status)


def _status(status: int) -> Mapping[str, int]:
    return {"http.response.status_code": status}
