"""A reader that misses nothing of a stream and owns nothing of it."""

from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from cache.acknowledging import WATCHING
from cache.connection import unavailable_when_failing
from cache.redis_streams import MAX_BLOCK_MS
from cache.streams import Message

BEGIN: Final = """
redis.pcall('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '$', 'MKSTREAM')
redis.call('XGROUP', 'CREATECONSUMER', KEYS[1], ARGV[1], ARGV[1])
local function named(flat)
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end
local function is_gone(group)
  for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
    if named(flat)['idle'] < tonumber(ARGV[2]) then return false end
  end
  return true
end
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = named(flat)['name']
  if string.sub(group, 1, 6) == 'watch:' and group ~= ARGV[1] and is_gone(group) then
    redis.call('XGROUP', 'DESTROY', KEYS[1], group)
  end
end
"""
"""Who has not read yet is told from who died by when its consumer was made. Nobody else would ever
remove the groups of those who were killed."""
GONE_MS: Final = 3_600_000
"""A watcher that has not asked for so long has died."""

APPENDED: Final = """
local told = redis.pcall('XINFO', 'STREAM', KEYS[1])
for i = 1, #told, 2 do
  if told[i] == 'entries-added' then return told[i + 1] end
end
return 0
"""


class StreamWatch:
    """All that is appended after `begin`, once, to this watcher alone.

    The stream's own group goes on as if nobody watched; a message that it has acknowledged is
    deleted once this watcher has read it too, or has not asked for WATCHER_IDLE_MS. What was read
    is read: a watcher that dies has lost what it held. Reads that wait keep a connection.
    """

    def __init__(self, client: Redis, stream: bytes, name: bytes) -> None:
        self._client: Any = client
        self._stream = stream
        self._group = WATCHING + name

    async def begin(self) -> None:
        """Also again: then what came in between is missed. Raises StoreUnavailable."""
        with unavailable_when_failing("watch a stream"):
            await self._client.eval(BEGIN, 1, self._stream, self._group, GONE_MS)

    async def read(self, count: int, block_ms: int) -> list[Message]:
        """Oldest first; waits up to `block_ms` for the first (0: does not wait).

        Raises StoreUnavailable, also when the server has forgotten the watch: begin again.
        """
        block = min(block_ms, MAX_BLOCK_MS) or None
        with unavailable_when_failing("read a watched stream"):
            replies = await self._client.xreadgroup(
                self._group, self._group, {self._stream: ">"}, count=count, block=block, noack=True
            )
        entries = replies[0][1] if replies else []
        return [Message(id_, (fields or {}).get(b"b", b"")) for id_, fields in entries]

    async def appended(self) -> int:
        """Messages since the stream began: when more were appended than read, some went before
        they were. Raises StoreUnavailable."""
        with unavailable_when_failing("look at a watched stream"):
            return int(await self._client.eval(APPENDED, 1, self._stream))

    async def end(self) -> None:
        """Raises StoreUnavailable."""
        with unavailable_when_failing("end a watch"):
            try:
                await self._client.xgroup_destroy(self._stream, self._group)
            except ResponseError:
                # The stream is gone, and the watch with it.
                return
