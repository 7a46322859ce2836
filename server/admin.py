"""Who may change things: whoever knows the token."""

from hmac import compare_digest

from pydantic import SecretStr
from starlette.types import Scope

from server.bearer import credentials
from server.errors import Unauthorized


class AdminToken:
    """The one of the settings. Compared in a time that says nothing of where it differs."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token.get_secret_value().encode()

    def check(self, scope: Scope) -> None:
        """Raises Unauthorized."""
        given = credentials(
            scope, "send `Authorization: Bearer` with the token of UNDERSTUDY_ADMIN_TOKEN"
        )
        if not compare_digest(given, self._token):
            raise Unauthorized(
                "the bearer token is not the one that is configured here",
                field="Authorization",
                remedy="send the token of UNDERSTUDY_ADMIN_TOKEN",
            )
