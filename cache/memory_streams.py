"""One process's streams, with the time given: for tests and for reading the contract."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cache.streams import Message


@dataclass(slots=True)
class _Stream:
    messages: dict[int, bytes] = field(default_factory=dict)
    last: int = 0
    delivered: int = 0
    pending: dict[int, float] = field(default_factory=dict)  # id → when it was given
    owners: dict[int, bytes] = field(default_factory=dict)  # of what is pending


class MemoryStreams:
    """`clock` counts seconds. Reads never block."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._streams: defaultdict[bytes, _Stream] = defaultdict(_Stream)

    async def append(self, stream: bytes, bodies: Sequence[bytes], max_length: int) -> None:
        held = self._streams[stream]
        for body in bodies:
            held.last += 1
            held.messages[held.last] = body
        for number in list(held.messages)[: max(len(held.messages) - max_length, 0)]:
            del held.messages[number]

    async def ensure_group(self, stream: bytes, group: bytes) -> None:
        self._streams[stream]

    async def read_group(
        self, stream: bytes, group: bytes, consumer: bytes, count: int, block_ms: int
    ) -> list[Message]:
        held = self._streams[stream]
        given = [number for number in held.messages if number > held.delivered][:count]
        if given:
            held.delivered = given[-1]
        return self._give(held, given, consumer)

    async def given_before(
        self, stream: bytes, group: bytes, consumer: bytes, count: int
    ) -> list[Message]:
        held = self._streams[stream]
        own = [number for number in held.messages if held.owners.get(number) == consumer]
        return [Message(_id(number), held.messages[number]) for number in own[:count]]

    async def claim_stale(
        self, stream: bytes, group: bytes, consumer: bytes, min_idle_ms: int, count: int
    ) -> list[Message]:
        held = self._streams[stream]
        for number in [number for number in held.pending if number not in held.messages]:
            del held.pending[number]
        before = self._clock() - min_idle_ms / 1000.0
        stale = [number for number, since in held.pending.items() if since <= before]
        return self._give(held, sorted(stale)[:count], consumer)

    async def acknowledge(self, stream: bytes, group: bytes, ids: Sequence[bytes]) -> None:
        held = self._streams[stream]
        for number in map(_number, ids):
            held.pending.pop(number, None)
            held.owners.pop(number, None)
            held.messages.pop(number, None)

    async def pending(self, stream: bytes, group: bytes) -> int:
        return len(self._streams[stream].pending)

    async def backlog(self, stream: bytes, group: bytes) -> int:
        return await self.length(stream)

    async def length(self, stream: bytes) -> int:
        return len(self._streams[stream].messages)

    async def read_after(
        self, stream: bytes, last_id: bytes, count: int, block_ms: int
    ) -> list[Message]:
        held, after = self._streams[stream], _number(last_id)
        found = [number for number in held.messages if number > after][:count]
        return [Message(_id(number), held.messages[number]) for number in found]

    async def last_id(self, stream: bytes) -> bytes:
        return _id(self._streams[stream].last)

    async def close(self) -> None:
        self._streams.clear()

    def _give(self, held: _Stream, numbers: Sequence[int], consumer: bytes) -> list[Message]:
        now = self._clock()
        held.owners.update(dict.fromkeys(numbers, consumer))
        held.pending.update(dict.fromkeys(numbers, now))
        return [Message(_id(number), held.messages[number]) for number in numbers]


def _id(number: int) -> bytes:
    return b"0-%d" % number


def _number(message_id: bytes) -> int:
    return int(message_id.partition(b"-")[2])
