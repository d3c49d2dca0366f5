"""What the Redis store leaves behind: nothing for ever, and no index entry without its request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hitloop_tui.errors import ConfigError
from hitloop_tui.persistence import Outcome, RedisApprovalStore
from hitloop_tui.persistence.base import question_key
from tests.stores.desk import a_record, empty, open_store, yes


@pytest.fixture
async def redis(redis_url, clock):
    async with await open_store("redis", redis_url, clock) as store:
        await empty(store)
        yield store


async def keys(store: RedisApprovalStore) -> set[str]:
    return {key.decode() async for key in store._client.scan_iter("*")}


async def test_decided_requests_leave_the_indexes_and_taken_ones_redis(redis, clock):
    """Upstream never cleans its thread index when a request's TTL ends (security.md 7.1, 12)."""
    record = a_record(clock, expires_at=clock() + timedelta(seconds=60))
    await redis.put(record)
    assert len(await keys(redis)) == 5
    await redis.resolve(record.callback_id, yes())
    left = await keys(redis)
    assert len(left) == 2  # the request and the index of its question
    assert {await redis._client.ttl(key) for key in left} == {-1}
    assert await redis.deliver(record.callback_id, "me")
    for key in left:
        seconds = await redis._client.ttl(key)
        assert 0 < seconds <= redis.retention.total_seconds()


async def test_nothing_that_still_matters_has_a_time_to_live(redis, clock):
    """A volatile-* eviction, or the time itself, would take it away silently."""
    taken, waiting, untaken = (a_record(clock, callback_id=name) for name in "twu")
    for record in (taken, waiting, untaken):  # all three ask the same question
        await redis.put(record)
    for record in (taken, untaken):
        await redis.resolve(record.callback_id, yes())
    await redis.deliver("t", "me")
    mortal = {key for key in await keys(redis) if await redis._client.ttl(key) != -1}
    assert mortal == {"{hitloop}:request:t"}
    await redis._client.delete(*mortal)  # its time has come
    assert (await redis.find(question_key(waiting)))[0].callback_id == "w"
    await redis.delete("w")
    await redis.deliver("u", "me")
    assert {await redis._client.ttl(key) == -1 for key in await keys(redis)} == {False}


async def test_a_server_that_may_evict_requests_is_refused(redis):
    client = redis._client
    await client.config_set("maxmemory", "100mb")
    try:
        for policy in ("allkeys-lru", "allkeys-random"):
            await client.config_set("maxmemory-policy", policy)
            with pytest.raises(ConfigError, match=f"{policy}.*volatile"):
                await redis.setup()
        for policy in ("volatile-lru", "noeviction"):
            await client.config_set("maxmemory-policy", policy)
            await redis.setup()
        await client.config_set("maxmemory", 0)
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await redis.setup()
    finally:
        await client.config_set("maxmemory", 0)
        await client.config_set("maxmemory-policy", "noeviction")


async def test_a_request_that_somebody_removed_is_said(redis, clock, caplog):
    for name in ("first", "removed-1234", "third"):
        await redis.put(a_record(clock, callback_id=name))
    await redis._client.delete("{hitloop}:request:removed-1234")
    assert [r.callback_id for r in await redis.list_pending()] == ["first", "third"]
    assert "approval request removed-… is gone from Redis" in caplog.text
    assert (await redis.resolve("removed-1234", yes())).outcome is Outcome.UNKNOWN
    caplog.clear()
    assert len(await redis.list_pending()) == 2
    assert caplog.text == ""


@pytest.mark.parametrize("how", ["delete", "expire"])
async def test_forgotten_requests_leave_nothing(redis, clock, how):
    record = a_record(clock, expires_at=clock() + timedelta(seconds=60))
    await redis.put(record)
    if how == "delete":
        assert await redis.delete(record.callback_id)
    else:
        clock.advance(61)
        assert await redis.cleanup_expired() == 1
    assert await keys(redis) == set()


async def test_another_client_that_decodes_by_itself(redis, redis_url, clock):
    from redis.asyncio import from_url

    record = a_record(clock)
    await redis.put(record)
    async with RedisApprovalStore(from_url(redis_url, decode_responses=True)) as other:
        assert await other.list_pending() == [record]
        await other.resolve(record.callback_id, yes())
        assert (await other.status(record.callback_id)).first.decision == yes()
