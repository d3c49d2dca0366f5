"""What is sent again, when, and for how long."""

from __future__ import annotations

import asyncio
import random
import ssl
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError

import aiohttp
import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.backends import RetryConfig
from hitloop_tui.backends.outcomes import describe
from hitloop_tui.backends.retry import can_succeed_later, retry_after, retrying
from hitloop_tui.errors import BadInput
from tests.backends.desk import http

FAST = {"initial_delay": 0.001, "max_delay": 0.002}


def of_aiohttp(status: int) -> aiohttp.ClientResponseError:
    return aiohttp.ClientResponseError(None, (), status=status)


def of_requests(status: int, **headers: str) -> requests.HTTPError:
    """Its response is false, as every refusal is there."""
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    return requests.HTTPError("no", response=response)


def of_urllib(status: int) -> HTTPError:
    return HTTPError("https://example.com/SECRET", status, "no", None, None)


def wrapped(error: BaseException) -> RuntimeError:
    """As a sender of one's own may raise it."""
    outer = RuntimeError("SECRET")
    outer.__cause__ = error
    return outer


def ring() -> ValueError:
    """`raise error from error`."""
    error = ValueError("x")
    error.__cause__ = error
    return error


UNTRUSTED = ssl.SSLCertVerificationError("SECRET")


@pytest.mark.parametrize(
    ("error", "later"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (httpx.ConnectError("x"), True),
        (httpx.ReadTimeout("x"), True),
        (httpx.UnsupportedProtocol("x"), False),
        *[(http(status), True) for status in (408, 425, 429, 500, 502, 503, 504)],
        *[(http(status), False) for status in (301, 400, 401, 403, 404, 410, 501)],
        *[(kind(503), True) for kind in (of_aiohttp, of_requests, of_urllib)],
        *[(kind(401), False) for kind in (of_aiohttp, of_requests, of_urllib)],
        (wrapped(http(503)), True),
        (wrapped(http(401)), False),
        (wrapped(ConnectionResetError()), True),
        (wrapped(ValueError("x")), False),
        (ring(), False),
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientPayloadError(), True),
        (requests.exceptions.ChunkedEncodingError(), True),
        (requests.ReadTimeout(), True),
        (requests.exceptions.InvalidURL(), False),
        (URLError(ConnectionRefusedError()), True),
        (URLError(UNTRUSTED), False),
        (UNTRUSTED, False),
        (wrapped(UNTRUSTED), False),
        (requests.exceptions.SSLError(), False),
        (httpx.LocalProtocolError("x"), False),
        (ValueError("x"), False),
        (RuntimeError("x"), False),
        (PermissionError(), False),
    ],
    ids=repr,
)
def test_what_can_succeed_later(error, later):
    """Upstream sends a 401 again and again (security.md 7.2)."""
    assert can_succeed_later(error) is later
    assert "SECRET" not in describe(error)


class Call:
    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)


async def test_again_until_it_works():
    call = Call(ConnectionError(), http(503), TimeoutError())
    await retrying(call, RetryConfig(**FAST))
    assert call.calls == 4


async def test_the_last_error_is_raised():
    call = Call(*[ConnectionError(str(n)) for n in range(9)])
    with pytest.raises(ConnectionError, match="2"):
        await retrying(call, RetryConfig(max_retries=2, **FAST))
    assert call.calls == 3


async def test_a_refusal_is_not_sent_again():
    call = Call(http(401))
    with pytest.raises(httpx.HTTPStatusError):
        await retrying(call, RetryConfig(**FAST))
    assert call.calls == 1


async def test_ones_own_rule():
    call = Call(RuntimeError())
    await retrying(call, RetryConfig(retry_on=lambda e: isinstance(e, RuntimeError), **FAST))
    assert call.calls == 2


async def test_no_wait_is_begun_that_outlives_the_deadline():
    call = Call(*[ConnectionError()] * 5)
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(ConnectionError):
        await retrying(call, RetryConfig(initial_delay=10, deadline=1))
    assert loop.time() - started < 1
    assert call.calls == 1


async def test_the_server_says_when():
    with pytest.raises(httpx.HTTPStatusError):
        await retrying(Call(http(429, **{"Retry-After": "100"})), RetryConfig(deadline=5, **FAST))
    call = Call(http(503, **{"Retry-After": "0.05"}))
    loop = asyncio.get_running_loop()
    started = loop.time()
    await retrying(call, RetryConfig(**FAST))
    assert loop.time() - started >= 0.05


@given(st.text() | st.none() | st.integers())
def test_any_retry_after_header_is_read(value):
    response = SimpleNamespace(headers={"Retry-After": value})
    error = Exception()
    error.response = response
    assert retry_after(error) >= 0


@pytest.mark.parametrize(
    "error", [http(429, **{"Retry-After": "7"}), of_requests(429, **{"retry-after": "7"})]
)
def test_the_answer_may_be_wrapped(error):
    assert retry_after(error) == retry_after(wrapped(error)) == 7


def test_dates():
    assert retry_after(http(503, **{"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"})) > 1e9
    assert retry_after(http(503, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0


CONFIGS = st.builds(
    RetryConfig,
    max_retries=st.integers(0, 20),
    initial_delay=st.floats(0, 100),
    max_delay=st.floats(0, 100),
    exponential_base=st.floats(0.1, 10),
    jitter=st.floats(0, 1),
    deadline=st.floats(0.1, 1000),
)


@given(CONFIGS, st.integers())
def test_delays_stay_in_bounds(config, seed):
    delays = list(config.delays(random.Random(seed)))
    assert len(delays) == config.max_retries
    longest = min(config.initial_delay, config.max_delay)
    for delay in delays:
        assert 0 <= longest * (1 - config.jitter) <= delay + 1e-9
        assert delay <= longest + 1e-9 <= config.max_delay + 2e-9
        longest = min(longest * config.exponential_base, config.max_delay)


class Clockwork(asyncio.SelectorEventLoop):
    """Nothing is waited for: when all wait, its clock goes to where the first wait ends."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


ANSWERS = st.sampled_from([ConnectionError, lambda: http(401), lambda: http(503)]) | st.floats(
    0, 200
).map(lambda seconds: lambda: http(429, **{"Retry-After": f"{seconds:f}"}))


@given(CONFIGS, st.lists(ANSWERS, max_size=25), st.floats(0, 5))
def test_any_channel_and_any_settings(config, answers, seconds):
    """Each attempt takes `seconds`; after `answers` the channel works."""
    loop, began, raised = Clockwork(), list[float](), list[Any]()

    async def attempt() -> None:
        began.append(loop.now)
        await asyncio.sleep(seconds)
        if len(raised) < len(answers):
            raised.append(answers[len(raised)]())
            raise raised[-1]

    try:
        loop.run_until_complete(retrying(attempt, config))
        failed = None
    except Exception as error:
        failed = error
    finally:
        loop.close()
    assert len(began) <= config.max_retries + 1
    assert all(map(can_succeed_later, raised[:-1]))
    assert began[-1] <= config.deadline
    assert failed is (raised[-1] if len(began) == len(raised) else None)
    waits = [after - before - seconds for before, after in pairwise(began)]
    for error, wait in zip(raised, waits, strict=False):
        assert wait >= retry_after(error) - 1e-6
    if failed is not None and can_succeed_later(failed) and len(began) <= config.max_retries:
        longest = max(config.initial_delay, config.max_delay, retry_after(failed))
        assert loop.now + longest >= config.deadline - 1e-6


def test_senders_do_not_return_at_once():
    delays = {next(RetryConfig(initial_delay=1).delays()) for _ in range(50)}
    assert len(delays) > 40


@pytest.mark.parametrize(
    "wrong", [{"max_retries": -1}, {"initial_delay": -1}, {"deadline": 0}, {"jitter": 2}]
)
def test_senseless_settings(wrong):
    with pytest.raises(BadInput):
        RetryConfig(**wrong)
