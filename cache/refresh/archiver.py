"""The consumer of the served stream: waits until there is a file's worth."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from cache.keys import SERVED_STREAM
from cache.refresh.archive import Archive
from cache.refresh.archive_table import Delivered
from cache.refresh.consumer import Consumer
from cache.refresh.tally import Tally
from cache.streams import Message, Streams

GROUP: Final = b"archive"
POLL_S: Final = 0.5


class Archiver(Consumer[Delivered]):
    """Reads when `batch` requests wait, or some have waited for `every_s`.

    They wait in the stream, where another member can read them, rather than in this process: what
    has been read is written at once, and only that can be given to two.
    """

    def __init__(
        self,
        streams: Streams,
        name: bytes,
        archive: Archive,
        tally: Tally,
        *,
        batch: int = 256,
        every_s: float = 60.0,
        claim_after_ms: int = 60_000,
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            streams, SERVED_STREAM, GROUP, name, archive, tally,
            batch=batch, claim_after_ms=claim_after_ms, clock=clock,
        )  # fmt: skip
        self._every_s = every_s
        self._poll_s = poll_s
        self._due_at = clock() + every_s

    async def _read(self) -> list[Message]:
        waiting = await self.backlog()
        if not waiting:
            self._due_at = self._clock() + self._every_s
        if waiting < self._batch and (not waiting or self._clock() < self._due_at):
            await asyncio.sleep(self._poll_s)
            return []
        self._due_at = self._clock() + self._every_s
        return await super()._read()

    def _decode(self, message: Message) -> Delivered:
        return super()._decode(message)._replace(id=message.id)
