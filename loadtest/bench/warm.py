"""Pages filled before the bench: asked for as any caller would, until the teacher has answered."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from loadtest.errors import GatewayUnreachable
from loadtest.pool import Pool

ENOUGH: Final = 0.95
ROUNDS: Final = 40
PAUSE_S: Final = 1.0
TIMEOUT_S: Final = 5.0
SETTINGS: Final = {"UNDERSTUDY_SOFT_TTL_S": "86400"}
"""No page grows stale while a bench runs: its last size would meet what the first did not."""


async def warm(pool: Pool, requests: Sequence[bytes]) -> float:
    """Mean coverage by pair entries, once it is ENOUGH or after ROUNDS."""
    covered = 0.0
    for _ in range(ROUNDS):
        covered = await coverage(pool, requests)
        if covered >= ENOUGH:
            break
        await asyncio.sleep(PAUSE_S)
    return covered


async def coverage(pool: Pool, requests: Sequence[bytes]) -> float:
    """One request after another. Raises GatewayUnreachable when one is refused."""
    shares: list[float] = []
    for request in requests:
        answer = await pool.send(request, TIMEOUT_S)
        if answer.status != 200:
            raise GatewayUnreachable(f"status {answer.status}: {answer.body[:200]!r}")
        shares.append(json.loads(answer.body)["coverage"]["pair"])
    return sum(shares) / len(shares)
