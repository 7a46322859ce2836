"""The reading side of demand: what is asked for in each shard, and what became of it."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

from redis.asyncio import Redis

from cache.account import RECOMPUTED, Account, Outcome
from cache.cluster_client import ClusterClient
from cache.connection import unavailable_when_failing
from cache.demand_keys import ShardKeys
from cache.redis_streams import MAX_BLOCK_MS
from cache.refresh.lease import Lease
from cache.streams import Message

BEGIN: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end
local tries = {}
for i = 2, #ARGV do tries[i - 1] = redis.call('HINCRBY', KEYS[2], ARGV[i], 1) end
return tries
"""
SETTLE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end
local done, total, at = {}, {}, 2
while at < #ARGV do
  local is_there = redis.call('XDEL', KEYS[2], ARGV[at])
  redis.call('HDEL', KEYS[3], ARGV[at])
  local last = at + 1 + 2 * ARGV[at + 1]
  for i = at + 2, last, 2 do
    total[ARGV[i]] = (total[ARGV[i]] or 0) + is_there * ARGV[i + 1]
  end
  done[#done + 1] = is_there
  at = last + 1
end
for name, count in pairs(total) do redis.call('HINCRBY', KEYS[4], name, count) end
return done
"""
"""Deleting a message and counting its pairs are one step: each is counted once, whatever is killed.
One that is not there was counted as trimmed, or by this very script whose answer was lost."""
TRIES: Final = """
local begun = redis.call('HGETALL', KEYS[1])
for i = 1, #begun, 2 do
  if #redis.call('XRANGE', KEYS[2], begun[i], begun[i]) == 0 then
    redis.call('HDEL', KEYS[1], begun[i])
  end
end
return begun
"""
"""What was trimmed after somebody had begun with it leaves a count behind."""


POLL_MS: Final = 50
"""In a cluster."""
MESSAGES_A_SCRIPT: Final = 256
"""Short scripts: a server runs one at a time, and a request's read must not wait behind it."""
T = TypeVar("T")


class Span(NamedTuple):
    """Of a shard's stream, as XRANGE takes its ends."""

    shard: int
    first: bytes
    last: bytes
    most: int


class Settlement(NamedTuple):
    """What became of a message's pairs. `is_repeated`: another attempt had begun with it."""

    id: bytes
    outcomes: Mapping[Outcome, int]
    is_repeated: bool = False

    def counted(self) -> dict[str, int]:
        """Pairs by field of the account."""
        counted = {outcome.value: count for outcome, count in self.outcomes.items() if count}
        if self.is_repeated and Outcome.COMPUTED in counted:
            counted[RECOMPUTED] = counted[Outcome.COMPUTED]
        return counted

    def arguments(self) -> list[bytes | str | int]:
        counted = self.counted()
        flat: Iterable[str | int] = chain.from_iterable(counted.items())
        return [self.id, len(counted), *flat]


class Backlog:
    """Of one space. Give it a client of its own: a waiting read keeps a connection.

    Every call is one round trip and may raise StoreUnavailable.
    """

    def __init__(self, client: Redis, space: str, shards: int) -> None:
        self._client: Any = client
        self._is_cluster = isinstance(self._client, ClusterClient)
        self._keys = [ShardKeys.of(space, shard) for shard in range(shards)]
        self._shard_of = {keys.stream: shard for shard, keys in enumerate(self._keys)}

    async def newest(self, spans: Sequence[Span]) -> list[list[Message]]:
        """Up to `most` messages of each, newest first."""
        with unavailable_when_failing("read demand"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for shard, first, last, most in spans:
                    pipeline.xrevrange(self._keys[shard].stream, last, first, most)
                return [_messages(told) for told in await pipeline.execute()]

    async def arrivals(
        self, after: Mapping[int, bytes], count: int, block_ms: int
    ) -> dict[int, list[Message]]:
        """What came after an id, oldest first, up to `count` a shard; waits up to `block_ms` for
        the first (0: does not wait)."""
        if self._is_cluster:
            return await self._polled(after, count, block_ms)
        streams = {self._keys[shard].stream: last for shard, last in after.items()}
        block = min(block_ms, MAX_BLOCK_MS) or None
        with unavailable_when_failing("read demand"):
            told = await self._client.xread(streams, count=count, block=block)
        return {self._shard_of[stream]: _messages(entries) for stream, entries in told or ()}

    async def _polled(
        self, after: Mapping[int, bytes], count: int, block_ms: int
    ) -> dict[int, list[Message]]:
        """In a cluster no command waits for streams of several slots."""
        looks = 1 + min(block_ms, MAX_BLOCK_MS) // POLL_MS
        for look in range(looks):
            arrived = await self._oldest(after, count)
            if arrived or look == looks - 1:
                break
            await asyncio.sleep(POLL_MS / 1000.0)
        return arrived

    async def _oldest(self, after: Mapping[int, bytes], count: int) -> dict[int, list[Message]]:
        with unavailable_when_failing("read demand"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for shard, last in after.items():
                    pipeline.xrange(self._keys[shard].stream, b"(" + last, b"+", count)
                told = await pipeline.execute()
        arrived = zip(after, told, strict=True)
        return {shard: _messages(entries) for shard, entries in arrived if entries}

    async def tries(self, shard: int) -> dict[bytes, int]:
        """By message: how often a worker began with it that has not settled it."""
        _, _, tries, _ = keys = self._keys[shard]
        with unavailable_when_failing("read what was begun"):
            told = await self._client.eval(TRIES, 2, tries, keys.stream)
        return {id_: int(count) for id_, count in zip(told[::2], told[1::2], strict=True)}

    async def begin(self, wanted: Mapping[Lease, Sequence[bytes]]) -> list[list[int]]:
        """By lease, the tries of its messages with this one; fewer where the lease is over."""
        with unavailable_when_failing("begin with demand"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for lease, ids in _parts(wanted):
                    keys = self._keys[lease.shard]
                    pipeline.eval(BEGIN, 2, keys.lease, keys.tries, lease.proof, *ids)
                return _joined(wanted, await pipeline.execute())

    async def settle(self, wanted: Mapping[Lease, Sequence[Settlement]]) -> list[list[int]]:
        """By lease, 1 for each message that was still there; fewer where the lease is over."""
        with unavailable_when_failing("settle demand"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for lease, settlements in _parts(wanted):
                    stream, account, tries, held = self._keys[lease.shard]
                    arguments = chain.from_iterable(each.arguments() for each in settlements)
                    pipeline.eval(SETTLE, 4, held, stream, tries, account, lease.proof, *arguments)
                return _joined(wanted, await pipeline.execute())

    async def lengths(self) -> list[int]:
        """Messages of each shard."""
        with unavailable_when_failing("measure the backlog"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for keys in self._keys:
                    pipeline.xlen(keys.stream)
                return [int(length) for length in await pipeline.execute()]

    async def account(self) -> Account:
        with unavailable_when_failing("read the account"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for keys in self._keys:
                    pipeline.hgetall(keys.account)
                return Account.total(map(Account.read, await pipeline.execute()))


def _messages(entries: Iterable[tuple[bytes, Mapping[bytes, bytes] | None]]) -> list[Message]:
    return [Message(id_, (fields or {}).get(b"b", b"")) for id_, fields in entries]


def _parts(wanted: Mapping[Lease, Sequence[T]]) -> Iterator[tuple[Lease, Sequence[T]]]:
    for lease, every in wanted.items():
        for at in range(0, len(every), MESSAGES_A_SCRIPT):
            yield lease, every[at : at + MESSAGES_A_SCRIPT]


def _joined(wanted: Mapping[Lease, Sequence[T]], told: Sequence[Sequence[int]]) -> list[list[int]]:
    joined: dict[Lease, list[int]] = {lease: [] for lease in wanted}
    for (lease, _), part in zip(_parts(wanted), told, strict=True):
        joined[lease] += part
    return list(joined.values())
