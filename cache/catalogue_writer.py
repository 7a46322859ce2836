"""Telling every process of items that were added, changed or withdrawn."""

from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis

from cache.catalogue_rows import MAX_ROWS, CatalogueRows, Layout
from cache.connection import unavailable_when_failing
from cache.keys import CATALOGUE_STREAM, CATALOGUE_TABLE

STREAM_LIMIT: Final = 1000
"""Messages of up to MAX_ROWS rows. Who misses one reads the table again."""
FORGOTTEN_A_SCRIPT: Final = 256

WRITE: Final = """
local function later(new, held, at)
  return struct.unpack('<I8', new, at) >= struct.unpack('<I8', held, at)
end
local function merged(held, new)
  if not held or #held ~= #new or held:sub(1, 3) ~= new:sub(1, 3)
    or held:sub(25, 32) ~= new:sub(25, 32) then return new end
  local status = later(new, held, 9) and new or held
  local columns = later(new, held, 17) and new or held
  return new:sub(1, 3) .. status:sub(4, 4) .. new:sub(5, 8) .. status:sub(9, 16)
    .. columns:sub(17, 24) .. new:sub(25, 32) .. columns:sub(33)
end
local fields = {}
for i = 2, #ARGV, 2 do fields[#fields + 1] = ARGV[i] end
local helds = redis.call('HMGET', KEYS[1], unpack(fields))
local rows, changes = {}, {}
for i = 1, #fields do
  local after = merged(helds[i], ARGV[2 * i + 1])
  if after ~= helds[i] then
    changes[#changes + 1] = fields[i]
    changes[#changes + 1] = after
    rows[#rows + 1] = fields[i] .. after
  end
end
if #rows > 0 then
  local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  local ms, number = string.match(newest and newest[1] or '0-0', '(%d+)-(%d+)')
  local header = struct.pack('<c2BBI4I8I8', 'UM', 1, 0, #rows, tonumber(ms), tonumber(number))
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'b', header .. table.concat(rows))
  redis.call('HSET', KEYS[1], unpack(changes))
end
return #rows
"""
"""Of status and of columns the later word holds; of two at the same time, the one that came last.
Offsets are those of a row (docs/cache.md). Each message names the one before it. What may fail
comes before the first write: a script that fails is not undone."""

FORGET: Final = """
local done = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    done = done + redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return done
"""


class CatalogueWriter:
    def __init__(self, client: Redis, layout: Layout) -> None:
        self._client: Any = client
        self._layout = layout

    async def write(self, rows: CatalogueRows) -> int:
        """The number of rows that changed what was held. All are written or none, in one script:
        rows that anybody can read have been told to everybody. Raises StoreUnavailable."""
        if len(rows.keys) > MAX_ROWS:
            raise ValueError(f"{len(rows.keys)} rows at once, at most {MAX_ROWS}: write several")
        if not len(rows.keys):
            return 0
        arguments = [part for field in self._layout.encode(rows) for part in field]
        with unavailable_when_failing("write the catalogue"):
            return int(
                await self._client.eval(
                    WRITE, 2, CATALOGUE_TABLE, CATALOGUE_STREAM, STREAM_LIMIT, *arguments
                )
            )

    async def forget(self, rows: CatalogueRows) -> int:
        """Those that are still as given; the number that went. Raises StoreUnavailable."""
        fields, gone = self._layout.encode(rows), 0
        for at in range(0, len(fields), FORGOTTEN_A_SCRIPT):
            gone += await self._forget(fields[at : at + FORGOTTEN_A_SCRIPT])
        return gone

    async def _forget(self, fields: Sequence[tuple[bytes, bytes]]) -> int:
        arguments = [part for field in fields for part in field]
        with unavailable_when_failing("forget rows of the catalogue"):
            return int(await self._client.eval(FORGET, 1, CATALOGUE_TABLE, *arguments))
