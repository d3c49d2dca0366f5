"""Faults of retry and circuit breaker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.upstream.desk import SECONDS, Answered, Sender, a_request, backend, replies, service
from tests.upstream.faults import fault, part

LATER = ConnectionError("later, perhaps")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds that were slept, without sleeping them."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def record(seconds: float, *_: Any) -> None:
        if seconds:
            slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", record)
    return slept


async def send(*failures: Exception, **config: Any) -> Sender:
    """One request whose sending fails so often, and nobody answers."""
    sender = Sender(*failures)
    retry = part("backends").RetryConfig(**config)
    await backend(sender, retry_config=retry, timeout_seconds=0.01).request_approval(a_request())
    return sender


@fault("security 7.2a")
@pytest.mark.parametrize("error", [Answered(401), Answered(404), ValueError("no such channel")])
async def test_what_cannot_succeed_later_is_sent_once(waits, error):
    assert len((await send(error, error, error, max_retries=2)).ids) == 1


@fault("security 7.2b")
async def test_two_senders_do_not_come_back_at_the_same_moments(waits):
    await send(LATER, LATER, LATER, max_retries=3)
    first = list(waits)
    waits.clear()
    await send(LATER, LATER, LATER, max_retries=3)
    assert len(first) == len(waits) == 3
    assert first != waits


@fault("security 7.2c")
async def test_a_service_is_left_alone_as_long_as_it_says(waits):
    busy = Answered(429, **{"Retry-After": "7"})
    await send(busy, max_retries=1, initial_delay=0.01)
    assert waits[0] >= 7


@fault("security 7.2d")
async def test_retries_end_after_a_minute_altogether(waits):
    await send(LATER, LATER, max_retries=2, initial_delay=600.0, max_delay=600.0)
    assert sum(waits) <= 60


@fault("security 7.2e", absent="messages have no id")
async def test_a_message_sent_again_has_the_same_id():
    statuses = iter([503, 200])

    def reply(asked: Any, handler: Any) -> None:
        replies(next(statuses))(asked, handler)

    with service(reply) as receiver:
        sender = part("backends").HTTPSender(receiver.url, secret="whsec_" + "a" * 32)
        desk = backend(sender, retries=1, timeout_seconds=0.2)
        await desk.request_approval(a_request())
        first, second = (headers["webhook-id"] for headers in receiver.asked)
    assert first == second


class Circuit:
    """A backend with a breaker, and what became of its requests."""

    def __init__(self, *failures: Exception, blocked: bool = False, **config: Any) -> None:
        self.sender = Sender(*failures, blocked=blocked)
        breaker = {"failure_threshold": 1, "recovery_timeout": 3600.0, **config}
        self.backend = backend(self.sender, breaker=breaker)

    @property
    def state(self) -> str:
        return str(self.backend.get_circuit_state().value)

    def ask(self, seconds: float = SECONDS) -> asyncio.Task[Any]:
        self.backend.timeout_seconds = seconds
        return asyncio.create_task(self.backend.request_approval(a_request()))

    async def asked(self, seconds: float = SECONDS) -> Any:
        return await self.ask(seconds)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


@fault("security 7.2f")
async def test_a_clock_that_is_set_forward_does_not_close_the_circuit(monkeypatch):
    circuit = Circuit(LATER)
    await circuit.asked()
    assert circuit.state == "open"
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 86_400)
    await circuit.asked(0.01)
    assert (circuit.state, len(circuit.sender.ids)) == ("open", 1)


@fault("security 7.2g")
async def test_the_circuit_is_closed_while_a_person_thinks():
    circuit = Circuit(LATER, recovery_timeout=0.0)
    await circuit.asked()
    thinking = circuit.ask()
    await until(lambda: len(circuit.sender.ids) == 2)
    await asyncio.sleep(0.01)
    assert not thinking.done()
    assert circuit.state == "closed"
    thinking.cancel()


@fault("security 7.2h")
async def test_silence_of_a_person_says_nothing_about_the_channel():
    circuit = Circuit(failure_threshold=2)
    silence = circuit.ask(0.2)
    await until(lambda: len(circuit.sender.ids) == 1)
    circuit.sender.failures = [LATER, LATER]
    await circuit.asked()
    assert not (await silence).approved
    await circuit.asked()
    assert circuit.state == "open"


@fault("security 7.2i")
async def test_a_half_open_circuit_admits_as_many_as_configured():
    circuit = Circuit(LATER, recovery_timeout=0.0, half_open_max_calls=3)
    await circuit.asked()
    circuit.sender.opened.clear()
    tasks = [circuit.ask() for _ in range(6)]
    await asyncio.sleep(0.05)
    assert len(circuit.sender.ids) - 1 == 3
    for task in tasks:
        task.cancel()


@fault("security 7.2j")
async def test_an_open_circuit_is_not_a_persons_no():
    circuit = Circuit(LATER)
    await circuit.asked()
    refused = await circuit.asked()
    sender = Sender()
    desk = backend(sender)
    asked = asyncio.create_task(desk.request_approval(a_request()))
    await desk.handle_callback(await sender.callback_id(), False)
    said_no = await asked
    differ = {
        name for name, value in refused.model_dump().items() if value != said_no.model_dump()[name]
    }
    assert not refused.approved
    assert differ - {"action_id", "reason", "decided_by", "latency_ms", "digest"}


@fault("security 7.2k")
async def test_cancelled_calls_give_their_place_back():
    circuit = Circuit(LATER, recovery_timeout=0.0, half_open_max_calls=2)
    await circuit.asked()
    circuit.sender.opened.clear()
    for _ in range(5):
        task = circuit.ask()
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    circuit.sender.opened.set()
    before = len(circuit.sender.ids)
    await circuit.asked(0.05)
    assert len(circuit.sender.ids) == before + 1
    assert circuit.state == "closed"
