"""The loop of a backstage process: claim or read, work, acknowledge; nothing is lost on the way."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from cache.errors import CacheError, Corrupt, StoreUnavailable
from cache.refresh.dead_letters import bury
from cache.refresh.process import at_most
from cache.refresh.tally import Tally
from cache.streams import Message, Streams

T = TypeVar("T")

BLOCK_MS: Final = 500
FIRST_PAUSE_S: Final = 0.1
MAX_PAUSE_S: Final = 5.0


class Work(Protocol[T]):
    """`process` is idempotent: after a crash the same values come again, to any worker."""

    def decode(self, body: bytes) -> T:
        """Raises Corrupt for a message that nobody can ever use."""
        ...

    async def process(self, values: Sequence[T]) -> list[bool]:
        """Which are done and may be acknowledged. Raises StoreUnavailable."""
        ...


class Consumer(Generic[T]):
    """One member of a group. A message is acknowledged only when its work is written.

    Messages of members that died are claimed after `claim_after_ms`; give it more time than the
    longest batch takes. What cannot be decoded, or fails alone, goes to the dead-letter stream.
    """

    def __init__(
        self,
        streams: Streams,
        stream: bytes,
        group: bytes,
        name: bytes,
        work: Work[T],
        tally: Tally,
        *,
        batch: int = 16,
        claim_after_ms: int = 30_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._streams = streams
        self._stream = stream
        self._group = group
        self._name = name
        self._work = work
        self._tally = tally
        self._batch = batch
        self._claim_after_ms = claim_after_ms
        self._clock = clock
        self._claim_at = clock()
        self._has_group = False
        self._looks_back = False
        self._held: list[Message] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; the batch in hand is finished first. Waits out an unavailable store."""
        pause_s = FIRST_PAUSE_S
        while not stop.is_set():
            try:
                await self.step()
                pause_s = FIRST_PAUSE_S
            except StoreUnavailable:
                self._tally.add("messages", "postponed", len(self._held))
                # A server that lost its memory has lost the group as well.
                self._has_group = False
                self._looks_back = True
                await at_most(pause_s, stop)
                pause_s = min(2 * pause_s, MAX_PAUSE_S)

    async def step(self) -> int:
        """One batch; the number of messages settled."""
        if not self._has_group:
            await self._streams.ensure_group(self._stream, self._group)
            self._has_group = True
        if not self._held:
            self._held = await self._given() or await self._claimed() or await self._read()
        done = await self._settled(self._held)
        await self._streams.acknowledge(self._stream, self._group, done)
        self._held = [message for message in self._held if message.id not in done]
        return len(done)

    async def backlog(self) -> int:
        return await self._streams.backlog(self._stream, self._group)

    async def measure(self) -> None:
        self._tally.levels["backlog"] = await self.backlog()

    async def _given(self) -> list[Message]:
        """After a failure: what was given in an answer that never came is nobody else's yet."""
        if not self._looks_back:
            return []
        given = await self._streams.given_before(self._stream, self._group, self._name, self._batch)
        self._looks_back = bool(given)
        self._tally.add("messages", "claimed", len(given))
        return given

    async def _claimed(self) -> list[Message]:
        if self._clock() < self._claim_at:
            return []
        claimed = await self._streams.claim_stale(
            self._stream, self._group, self._name, self._claim_after_ms, self._batch
        )
        self._tally.add("messages", "claimed", len(claimed))
        if len(claimed) < self._batch:
            self._claim_at = self._clock() + self._claim_after_ms / 2000.0
        return claimed

    async def _read(self) -> list[Message]:
        return await self._streams.read_group(
            self._stream, self._group, self._name, self._batch, BLOCK_MS
        )

    async def _settled(self, messages: Sequence[Message]) -> list[bytes]:
        """Ids of what was processed or buried."""
        decoded, done = [], []
        for message in messages:
            try:
                decoded.append((message, self._decode(message)))
            except Corrupt as error:
                await self._bury(message, error)
                done.append(message.id)
        return done + (await self._processed(decoded) if decoded else [])

    def _decode(self, message: Message) -> T:
        return self._work.decode(message.body)

    async def _processed(self, decoded: Sequence[tuple[Message, T]]) -> list[bytes]:
        try:
            flags = await self._work.process([value for _, value in decoded])
        except CacheError:
            raise
        except Exception as error:
            return await self._one_by_one(decoded, error)
        done = [message.id for (message, _), is_done in zip(decoded, flags, strict=True) if is_done]
        self._tally.add("messages", "done", len(done))
        return done

    async def _one_by_one(
        self, decoded: Sequence[tuple[Message, T]], error: Exception
    ) -> list[bytes]:
        """One value must not take its batch with it, nor come back for ever."""
        if len(decoded) == 1:
            await self._bury(decoded[0][0], error)
            return [decoded[0][0].id]
        return [id_ for pair in decoded for id_ in await self._processed([pair])]

    async def _bury(self, message: Message, error: Exception) -> None:
        self._tally.add("messages", "dead", 1)
        await bury(self._streams, self._stream, message, error)
