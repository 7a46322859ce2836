"""A table as a Redis hash."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.table import Change

CHANGE: Final = """
local done = {}
for i = 1, #ARGV, 3 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if (held or '') == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    done[#done + 1] = 1
  else
    done[#done + 1] = 0
  end
end
return done
"""
SCAN_FIELDS: Final = 4096
CHANGES_A_SCRIPT: Final = 256
"""Short scripts: a server runs one at a time, and a request's read must not wait behind it."""


class RedisTable:
    def __init__(self, client: Redis) -> None:
        self._client = client

    async def read(self, key: bytes, fields: Sequence[bytes]) -> list[bytes | None]:
        if not fields:
            return []
        with unavailable_when_failing("read a table"):
            held = cast(Any, self._client).hmget(key, list(fields))
            return cast(list[bytes | None], await held)

    async def scan(self, key: bytes) -> AsyncIterator[dict[bytes, bytes]]:
        cursor = 0
        while True:
            with unavailable_when_failing("scan a table"):
                cursor, part = await self._client.hscan(key, cursor, count=SCAN_FIELDS)
            yield cast(dict[bytes, bytes], part)
            if cursor == 0:
                return

    async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
        with unavailable_when_failing("change a table"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for at in range(0, len(changes), CHANGES_A_SCRIPT):
                    part = changes[at : at + CHANGES_A_SCRIPT]
                    arguments = [text or b"" for change in part for text in change]
                    pipeline.eval(CHANGE, 1, key, *arguments)
                return [bool(done) for part in await pipeline.execute() for done in part]
