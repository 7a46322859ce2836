"""The bearer token of a request."""

from typing import Final

from starlette.types import Scope

from server.errors import Unauthorized

SCHEME: Final = b"bearer"


def credentials(scope: Scope, remedy: str) -> bytes:
    """Raises Unauthorized when the request carries none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == SCHEME:
                return bytes(token.strip())
            break
    raise Unauthorized("the request carries no bearer token", field="Authorization", remedy=remedy)
