"""Sending again what can succeed later, and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from socket import gaierror
from ssl import SSLError
from time import time

from hitloop_tui.backends.outcomes import chain, describe, log, status_of
from hitloop_tui.errors import BadInput

LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP answers after which the same request can succeed."""

BROKEN = frozenset(
    {
        ("aiohttp", "ClientConnectionError"),
        ("aiohttp", "ClientPayloadError"),
        ("httpcore", "NetworkError"),
        ("httpcore", "TimeoutException"),
        ("httpx", "TransportError"),
        ("requests", "ChunkedEncodingError"),
        ("requests", "ConnectionError"),
        ("requests", "JSONDecodeError"),  # a proxy's page; the status behind it is not told
        ("requests", "Timeout"),
    }
)
"""Connections that broke or timed out, as clients call them: package and class."""

HOPELESS = frozenset(
    {("httpx", "LocalProtocolError"), ("httpx", "UnsupportedProtocol"), ("requests", "SSLError")}
)
"""What their clients count among those."""


def can_succeed_later(error: BaseException) -> bool:
    """A connection that broke or timed out, or a server that says it is busy.

    A certificate that was refused is neither.
    """
    status = status_of(error)
    if status is not None:
        return status in LATER
    errors = list(chain(error))
    kinds = {
        (kind.__module__.partition(".")[0], kind.__name__)
        for one in errors
        for kind in type(one).__mro__
    }
    if kinds & HOPELESS or any(isinstance(one, SSLError) for one in errors):
        return False
    broken = any(isinstance(one, ConnectionError | TimeoutError | gaierror) for one in errors)
    return broken or bool(kinds & BROKEN)


@dataclass
class RetryConfig:
    """How often, and for how long, a message is sent again."""

    max_retries: int = 3
    initial_delay: float = 1.0
    max_delay: float = 30.0
    exponential_base: float = 2.0
    jitter: float = 0.5
    """The share of each delay that is random, so that many senders do not return at once."""
    deadline: float = 60.0
    """Seconds for all attempts and waits together."""
    retry_on: Callable[[BaseException], bool] = can_succeed_later

    def __post_init__(self) -> None:
        positive = self.deadline > 0 and self.exponential_base > 0
        counts = self.max_retries >= 0 and self.initial_delay >= 0 and self.max_delay >= 0
        if not (positive and counts and 0 <= self.jitter <= 1):
            raise BadInput(f"these retries make no sense: {self}")

    def delays(self, rng: random.Random | None = None) -> Iterator[float]:
        """Seconds to wait before each retry."""
        chance = rng or random
        delay = min(self.initial_delay, self.max_delay)
        for _ in range(self.max_retries):
            yield delay * (1 - self.jitter * chance.random())
            delay = min(delay * self.exponential_base, self.max_delay)


async def retrying(call: Callable[[], Awaitable[None]], config: RetryConfig) -> None:
    """Call until it succeeds, cannot succeed, or `config` is used up; raises the last error.

    A wait that would outlast the deadline is not begun. The attempts themselves are not bounded
    here: the caller puts `config.deadline` around the whole.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + config.deadline
    delays = config.delays()
    while True:
        try:
            return await call()
        except Exception as error:
            delay = next(delays, None)
            if delay is None or not config.retry_on(error):
                raise
            delay = max(delay, retry_after(error))
            if loop.time() + delay >= end:
                raise
            log.info("sending again in %.1f s after %s", delay, describe(error))
        await asyncio.sleep(delay)


def retry_after(error: BaseException) -> float:
    """Seconds the server asked us to wait; 0 when it did not say."""
    for one in chain(error):
        answer = getattr(one, "response", None)
        headers = getattr(one if answer is None else answer, "headers", None) or {}
        try:
            text = str(headers.get("Retry-After") or headers.get("retry-after") or "")
            if text.replace(".", "", 1).isdecimal():
                return float(text)
            return max(0.0, parsedate_to_datetime(text).timestamp() - time())
        except (AttributeError, TypeError, ValueError, OverflowError):
            continue
    return 0.0
