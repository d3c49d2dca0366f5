"""The steps of the Redis store that must be one. All keys share a hash tag, so a cluster runs them.

A request is a hash `request:ID`. Sorted sets index it by its place in the order (`pending`,
`thread:T`, `question:Q`; all scores 0, so Redis compares bytes) and by expiry (`expires`).
"""

from __future__ import annotations

_FORGET = """
local function forget(prefix, key)
  local f = redis.call('HMGET', key, 'place', 'thread', 'question')
  if not f[1] then return 0 end
  redis.call('ZREM', prefix .. 'pending', f[1])
  redis.call('ZREM', prefix .. 'thread:' .. f[2], f[1])
  redis.call('ZREM', prefix .. 'expires', f[1])
  redis.call('ZREM', prefix .. 'question:' .. f[3], f[1])
  return redis.call('DEL', key)
end
"""

PUT = """
local prefix, body, place, expires, thread, question = unpack(ARGV)
local known = redis.call('HGET', KEYS[1], 'body')
if known then return known == body and 0 or -1 end
redis.call('HSET', KEYS[1], 'body', body, 'place', place, 'expires', expires,
           'thread', thread, 'question', question)
redis.call('ZADD', prefix .. 'pending', 0, place)
redis.call('ZADD', prefix .. 'thread:' .. thread, 0, place)
redis.call('ZADD', prefix .. 'question:' .. question, 0, place)
redis.call('PERSIST', prefix .. 'question:' .. question)
if expires ~= '' then redis.call('ZADD', prefix .. 'expires', expires, place) end
return 1
"""
"""KEYS: the request. Returns 1 stored, 0 known, -1 another request has the id."""

DECIDE = """
local prefix, decision, delivery, now, late, forget_at = unpack(ARGV)
local f = redis.call('HMGET', KEYS[1], 'place', 'decision', 'expires', 'thread', 'question')
if not f[1] or f[2] then return 0 end
if late == '' and f[3] ~= '' and tonumber(f[3]) <= tonumber(now) then return 0 end
redis.call('HSET', KEYS[1], 'decision', decision, 'delivery', delivery)
redis.call('ZREM', prefix .. 'pending', f[1])
redis.call('ZREM', prefix .. 'thread:' .. f[4], f[1])
redis.call('ZREM', prefix .. 'expires', f[1])
redis.call('PEXPIREAT', KEYS[1], forget_at)
redis.call('PEXPIREAT', prefix .. 'question:' .. f[5], forget_at)
return 1
"""
"""KEYS: the request. Returns 1 when this decided."""

DELIVER = """
local f = redis.call('HMGET', KEYS[1], 'decision', 'taken')
if not f[1] or (f[2] and f[2] ~= ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'taken', ARGV[1])
return 1
"""
"""KEYS: the request. ARGV: who takes it, and whose taking may be replaced."""

DELETE = _FORGET + "return forget(ARGV[1], KEYS[1])"
"""KEYS: the request. Returns how many were deleted."""

CLEANUP = (
    _FORGET
    + """
local places = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
local forgotten = 0
for _, place in ipairs(places) do
  forgotten = forgotten + forget(ARGV[1], ARGV[1] .. 'request:' .. string.sub(place, ARGV[4]))
  redis.call('ZREM', KEYS[1], place)
end
return {#places, forgotten}
"""
)
"""KEYS: `expires`. ARGV: prefix, now, how many at once, where the id begins in a place."""

FIND = """
for _, place in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  local key = ARGV[1] .. 'request:' .. string.sub(place, ARGV[4])
  local f = redis.call('HMGET', key, 'body', 'decision', 'delivery', 'taken', 'expires')
  local pending = not f[2] and (f[5] == '' or (f[5] and tonumber(f[5]) > tonumber(ARGV[2])))
  if pending or (f[2] and (not f[4] or f[4] == ARGV[3])) then return {f[1], f[2], f[3], f[4]} end
end
return {}
"""
"""KEYS: the question. ARGV: prefix, now, holder, where the id begins in a place."""
