"""Events posted back in order, kept and tried again while the gateway cannot take them."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.pool import Pool

BATCH: Final = 200
RETRY_S: Final = 0.25
TIMEOUT_S: Final = 5.0


class EventPoster:
    """One task posts; an event that was refused stays at the head. `event_id` makes that safe."""

    def __init__(self, pool: Pool) -> None:
        self.accepted = 0
        self.retried = 0
        self._pool = pool
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def post(self, events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            while not await self._is_taken(batch):
                self.retried += len(batch)
                await asyncio.sleep(RETRY_S)
            self.accepted += len(batch)
            for _ in batch:
                self._waiting.task_done()

    async def drain(self, timeout_s: float) -> bool:
        """Whether everything posted so far was accepted in time."""
        try:
            await asyncio.wait_for(self._waiting.join(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def _is_taken(self, batch: list[dict[str, Any]]) -> bool:
        body = json.dumps({"events": batch}).encode()
        try:
            answer = await self._pool.send(encode("POST", "/v1/events", body), TIMEOUT_S)
        except (LoadTestError, TimeoutError):
            return False
        return answer.status == 202
