"""What the server does as one step for the gateways of a model: see rollout_board.py."""

from typing import Final

READ: Final = """
local time = redis.call('TIME')
local held = redis.call('HMGET', KEYS[1], 'revision', 'since_ms', 'body')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return {held[1] or '0', held[2] or '0', now_ms, held[3]}
"""

REPLACE: Final = """
if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[1] then return 0 end
if ARGV[4] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[4] then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', ARGV[1] + 1),
  'since_ms', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), 'body', ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'entry', ARGV[3])
return 1
"""
"""The audit entry is written in the same step: none is lost, and none stands for no change."""

RESTORE: Final = """
if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'since_ms', ARGV[3], 'body', ARGV[4])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'entry', ARGV[5])
return 1
"""

LEAD: Final = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

RESIGN: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

PRESENT: Final = """
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if #ARGV > 3 then redis.call('HSET', KEYS[2], unpack(ARGV, 4)) end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
"""
"""Sums are written whole, so that what is sent twice counts once."""
