"""The bearer token of a request."""

from typing import Final

from starlette.types import Scope

SCHEME: Final = b"bearer"


def credentials(scope: Scope) -> bytes | None:
    """None when the request carries none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            return token.strip() if scheme.lower() == SCHEME else None
    return None
