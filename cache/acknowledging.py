"""When a message that was acknowledged is deleted: once nobody is left who has still to read it."""

from typing import Final

WATCHING: Final = b"watch:"
"""How the name of a group begins that only looks on (cache.watch)."""
WATCHER_IDLE_MS: Final = 60_000
"""A watcher that has not asked for so long is waited for no longer: without it a process that was
killed would keep a stream at its bound for ever."""

ACKNOWLEDGE: Final = """
local stream, group, patience_ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', stream) == 0 then return end
for i = 3, #ARGV do redis.call('XACK', stream, group, ARGV[i]) end
local function named(flat)
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end
local function is_alive(name)
  for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', stream, name)) do
    if named(flat)['idle'] < patience_ms then return true end
  end
  return false
end
local function parts(id)
  local ms, sequence = string.match(id, '(%d+)-(%d+)')
  return {tonumber(ms), tonumber(sequence)}
end
local function is_before(one, other)
  return one[1] < other[1] or (one[1] == other[1] and one[2] < other[2])
end
local floor, is_watched = nil, false
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local told = named(flat)
  local is_watcher = string.sub(told['name'], 1, 6) == 'watch:'
  if not is_watcher or is_alive(told['name']) then
    local needed = parts(told['last-delivered-id'])
    needed[2] = needed[2] + 1
    if told['pending'] > 0 then needed = parts(redis.call('XPENDING', stream, told['name'])[2]) end
    if floor == nil or is_before(needed, floor) then floor = needed end
    is_watched = is_watched or is_watcher
  end
end
if not is_watched then
  for i = 3, #ARGV do redis.call('XDEL', stream, ARGV[i]) end
end
if floor then
  redis.call('XTRIM', stream, 'MINID', string.format('%.0f-%.0f', floor[1], floor[2]))
end
"""
"""Watched, a message goes when all before it are done with as well: the floor is the first that
some group has still to read or to acknowledge. Unwatched, it goes at once, in any order."""
