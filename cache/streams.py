"""Bounded queues with consumer groups: the seam to Redis Streams."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

START: Final = b"0-0"
"""The id before every message's."""


class Message(NamedTuple):
    id: bytes
    body: bytes


class Streams(Protocol):
    """A stream has at most one group, and any number of watchers (cache.watch). Every call may
    raise StoreUnavailable.

    A message that a group was given and has not acknowledged stays pending; it is given to no
    other consumer until it is claimed. An acknowledged message is deleted, once all watchers have
    read it. Past `max_length` the oldest messages are lost.
    """

    async def append(self, stream: bytes, bodies: Sequence[bytes], max_length: int) -> None:
        """One round trip. The length may pass `max_length` by a few hundred for a while."""
        ...

    async def ensure_group(self, stream: bytes, group: bytes) -> None:
        """A group that begins with the oldest message; no harm if it exists."""
        ...

    async def read_group(
        self, stream: bytes, group: bytes, consumer: bytes, count: int, block_ms: int
    ) -> list[Message]:
        """New messages, oldest first; waits up to `block_ms` for the first (0: does not wait)."""
        ...

    async def given_before(
        self, stream: bytes, group: bytes, consumer: bytes, count: int
    ) -> list[Message]:
        """The oldest of what is pending with this consumer: an answer may have been lost."""
        ...

    async def claim_stale(
        self, stream: bytes, group: bytes, consumer: bytes, min_idle_ms: int, count: int
    ) -> list[Message]:
        """Takes over messages given to any consumer at least `min_idle_ms` ago, and not
        acknowledged since."""
        ...

    async def acknowledge(self, stream: bytes, group: bytes, ids: Sequence[bytes]) -> None: ...

    async def pending(self, stream: bytes, group: bytes) -> int: ...

    async def backlog(self, stream: bytes, group: bytes) -> int:
        """Messages that the group has not acknowledged; all when there is no such group yet."""
        ...

    async def length(self, stream: bytes) -> int:
        """What watchers have still to read included."""
        ...

    async def read_after(
        self, stream: bytes, last_id: bytes, count: int, block_ms: int
    ) -> list[Message]:
        """Without a group: what any number of readers tail. `block_ms` as in read_group."""
        ...

    async def last_id(self, stream: bytes) -> bytes:
        """Of the newest message ever appended; START when there was none."""
        ...

    async def close(self) -> None: ...
