"""What the Redis store leaves behind: nothing for ever, and no index entry without its request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hitloop_tui.persistence import RedisApprovalStore
from tests.stores.desk import a_record, empty, open_store, yes


@pytest.fixture
async def redis(redis_url, clock):
    async with await open_store("redis", redis_url, clock) as store:
        await empty(store)
        yield store


async def keys(store: RedisApprovalStore) -> set[str]:
    return {key.decode() async for key in store._client.scan_iter("*")}


async def test_decided_requests_leave_the_indexes_and_later_redis(redis, clock):
    """Upstream never cleans its thread index when a request's TTL ends (security.md 7.1, 12)."""
    record = a_record(clock, expires_at=clock() + timedelta(seconds=60))
    await redis.put(record)
    assert len(await keys(redis)) == 5
    await redis.resolve(record.callback_id, yes())
    left = await keys(redis)
    assert len(left) == 2
    for key in left:  # the request and the index of its question
        seconds = await redis._client.ttl(key)
        assert 0 < seconds <= redis.retention.total_seconds()


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
