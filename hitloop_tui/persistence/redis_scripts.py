"""The steps of the Redis store that must be one. All keys share a hash tag, so a cluster runs them.

A request is a hash `request:ID`. Sorted sets index it by its place in the order (`pending`,
`thread:T`, `question:Q`; all scores 0, so Redis compares bytes) and by expiry (`expires`).
"""

from __future__ import annotations

_SETTLE = """
local function settle(prefix, question, id_at)
  local longest = 0
  for _, place in ipairs(redis.call('ZRANGE', question, 0, -1)) do
    local left = redis.call('PTTL', prefix .. 'request:' .. string.sub(place, id_at))
    if left == -1 then return end
    if left == -2 then redis.call('ZREM', question, place) end
    longest = math.max(longest, left)
  end
  if longest > 0 then redis.call('PEXPIRE', question, longest) end
end
"""
"""The index of a question goes with the last request in it; -1 is one that is not done with."""

_FORGET = (
    _SETTLE
    + """
local function forget(prefix, key, id_at)
  local f = redis.call('HMGET', key, 'place', 'thread', 'question')
  if not f[1] then return 0 end
  redis.call('ZREM', prefix .. 'pending', f[1])
  redis.call('ZREM', prefix .. 'thread:' .. f[2], f[1])
  redis.call('ZREM', prefix .. 'expires', f[1])
  redis.call('ZREM', prefix .. 'question:' .. f[3], f[1])
  settle(prefix, prefix .. 'question:' .. f[3], id_at)
  return redis.call('DEL', key)
end
"""
)

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
local prefix, decision, delivery, now, late = unpack(ARGV)
local f = redis.call('HMGET', KEYS[1], 'place', 'decision', 'expires', 'thread')
if not f[1] or f[2] then return 0 end
if late == '' and f[3] ~= '' and tonumber(f[3]) <= tonumber(now) then return 0 end
redis.call('HSET', KEYS[1], 'decision', decision, 'delivery', delivery)
redis.call('ZREM', prefix .. 'pending', f[1])
redis.call('ZREM', prefix .. 'thread:' .. f[4], f[1])
redis.call('ZREM', prefix .. 'expires', f[1])
return 1
"""
"""KEYS: the request. Returns 1 when this decided."""

DELIVER = (
    _SETTLE
    + """
local prefix, to, over, forget_at, id_at = unpack(ARGV)
local f = redis.call('HMGET', KEYS[1], 'decision', 'taken', 'question')
if not f[1] or (f[2] and f[2] ~= over) then return 0 end
redis.call('HSET', KEYS[1], 'taken', to)
redis.call('PEXPIREAT', KEYS[1], forget_at)
settle(prefix, prefix .. 'question:' .. f[3], id_at)
return 1
"""
)
"""KEYS: the request. ARGV: prefix, who takes it, whose taking may be replaced, when to forget it,
where the id begins in a place."""

LIST = """
local prefix, start, limit, now, id_at = unpack(ARGV)
local places = redis.call('ZRANGEBYLEX', KEYS[1], start, '+', 'LIMIT', 0, limit)
local bodies, lost = {}, {}
for _, place in ipairs(places) do
  local key = prefix .. 'request:' .. string.sub(place, id_at)
  local f = redis.call('HMGET', key, 'body', 'expires')
  if not f[1] then
    redis.call('ZREM', KEYS[1], place)
    lost[#lost + 1] = place
  elseif f[2] == '' or tonumber(f[2]) > tonumber(now) then
    bodies[#bodies + 1] = f[1]
  end
end
return {#places, places[#places] or '', bodies, lost}
"""
"""KEYS: an index of undecided requests. ARGV: prefix, where to start, how many at once, now, where
the id begins in a place. Returns how many there were, the last place, the requests of those that
are not expired, and the places whose request somebody else took from Redis."""

DELETE = _FORGET + "return forget(ARGV[1], KEYS[1], ARGV[2])"
"""KEYS: the request. ARGV: prefix, where the id begins in a place. Returns how many it deleted."""

CLEANUP = (
    _FORGET
    + """
local places = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
local forgotten = 0
for _, place in ipairs(places) do
  local key = ARGV[1] .. 'request:' .. string.sub(place, ARGV[4])
  forgotten = forgotten + forget(ARGV[1], key, ARGV[4])
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
