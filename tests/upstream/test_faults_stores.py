"""Faults of the approval stores, against a real PostgreSQL and a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.upstream.desk import Sender, a_record, a_request, backend
from tests.upstream.faults import fault, part

LONG = "tool_" * 60
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def postgres(postgres_uri: str) -> AsyncIterator[Any]:
    store = await part("persistence").PostgresApprovalStore.from_conn_string(postgres_uri)
    await store.setup()
    for record in await store.list_pending(limit=1000):
        await store.delete(record.callback_id)
    yield store
    await store.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Any]:
    store = await part("persistence").RedisApprovalStore.from_url(redis_url)
    await store.setup()
    await store._client.flushdb()
    yield store
    await store.close()


@pytest.fixture(params=["memory", "postgres", "redis"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return part("persistence").InMemoryApprovalStore()
    return request.getfixturevalue(request.param)


async def stored(store: Any, record: Any) -> Any:
    """The record as the store gives it back."""
    try:
        await store.put(record)
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}")
    return await store.get(record.callback_id)


@fault("security 7.1.9b")
async def test_postgres_takes_a_tool_name_of_any_length(postgres):
    assert (await stored(postgres, a_record(tool_name=LONG))).tool_name == LONG


@fault("security 7.1.13")
@pytest.mark.parametrize(
    "args", [{"note": "a\x00b"}, {"zz": 1, "a": 2, "mm": 3}], ids=["NUL", "order"]
)
async def test_postgres_gives_back_what_it_was_given(postgres, args):
    found = (await stored(postgres, a_record(tool_args=args))).tool_args
    assert list(found.items()) == list(args.items())


@fault("security 7.1.10")
async def test_no_second_request_takes_the_place_of_the_first(store):
    await store.put(a_record(tool_args={"amount": 5}))
    with suppress(Exception):  # whether it is refused with an error is the store's own affair
        await store.put(a_record(tool_args={"amount": 1_000_000}))
    assert (await store.get("one")).tool_args == {"amount": 5}


@fault("security 7.1.11a")
async def test_of_two_processes_one_decides(store):
    sender = Sender()
    asking, other = backend(sender, store), backend(Sender(), store)
    asked = asyncio.create_task(asking.request_approval(a_request()))
    callback_id = await sender.callback_id()
    taken = [
        await other.handle_callback(callback_id, False, decided_by="human:ann"),
        await asking.handle_callback(callback_id, True, decided_by="human:bob"),
    ]
    assert taken == [True, False]
    assert (await asked).decided_by == "human:ann"


@fault("security 7.1.11b")
async def test_redis_lists_in_order_and_then_cuts(redis):
    names = [f"request-{number:03}" for number in range(200)]
    for number, name in enumerate(names):
        await redis.put(a_record(name, created_at=CREATED + timedelta(seconds=number)))
    listed = sorted(one.callback_id for one in await redis.list_pending(limit=5))
    assert listed in (names[:5], names[-5:])


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


@fault("security 7.1.11c")
async def test_expired_requests_take_no_place_in_a_redis_list(redis):
    expires = soon()
    for number in range(100):
        await redis.put(a_record(f"late-{number}", expires_at=expires))
    for number in range(5):
        await redis.put(a_record(f"open-{number}"))
    await asyncio.sleep(1.2)
    assert len(await redis.list_pending(limit=5)) == 5


@fault("security 7.1.12a")
async def test_redis_finds_what_was_put_while_somebody_looked(redis, redis_url):
    other = await part("persistence").RedisApprovalStore.from_url(redis_url)
    run, put = redis._client.execute_command, []

    async def and_then_put(*command: Any, **options: Any) -> Any:
        answer = await run(*command, **options)
        if not put:
            put.append(await other.put(a_record("one")))
        return answer

    redis._client.execute_command = and_then_put
    await redis.get("one")
    await other.close()
    assert put
    assert [one.callback_id for one in await redis.list_pending()] == ["one"]


@fault("security 7.1.12b")
async def test_redis_keeps_nothing_of_an_expired_request(redis):
    await redis.put(a_record(expires_at=soon()))
    await asyncio.sleep(1.2)
    await redis.cleanup_expired()
    assert await redis._client.keys("*") == []
