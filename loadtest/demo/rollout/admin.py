"""What an administrator asks of a gateway about one model's rollouts."""

import json
from typing import Any, Final

from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.pool import Pool

TIMEOUT_S: Final = 10.0
ENTRIES: Final = 200


class ActRefused(LoadTestError):
    """The gateway's own words."""


class Admin:
    def __init__(self, pool: Pool, model: str, token: str) -> None:
        self._pool = pool
        self._path = f"/v1/rollouts/{model}"
        self._model = model
        self._headers = {"authorization": f"Bearer {token}"}

    async def start(self, to: str, plan: str, reason: str) -> None:
        """`plan` is TOML. Raises LoadTestError, TimeoutError."""
        asked = {"act": "start", "to": to, "plan": plan, "by": "demo", "reason": reason}
        await self._ask("POST", self._path, json.dumps(asked).encode())

    async def status(self) -> dict[str, Any]:
        """Raises LoadTestError, TimeoutError."""
        told = await self._ask("GET", "/v1/rollouts")
        status: dict[str, Any] = next(r for r in told["rollouts"] if r["model"] == self._model)
        return status

    async def history(self) -> list[dict[str, Any]]:
        """The oldest first. Raises LoadTestError, TimeoutError."""
        told = await self._ask("GET", f"{self._path}/history?count={ENTRIES}")
        return list(reversed(told["transitions"]))

    async def _ask(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        answer = await self._pool.send(encode(method, path, body, self._headers), TIMEOUT_S)
        told: dict[str, Any] = json.loads(answer.body)
        if answer.status != 200:
            raise ActRefused(f"{method} {path}: {answer.status}: {told}")
        return told
