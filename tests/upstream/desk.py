"""Requests, senders, failures and a web server, for tests of faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.upstream.faults import part

SECONDS = 5.0
"""Longer than anything here takes."""


def a_request(**action: Any) -> Any:
    given = {
        "tool_name": "send_email",
        "tool_args": {"to": "ann@example.com", "amount": 5},
        "risk_class": "high",
        "side_effects": ["email_sent"],
        "rationale": "she asked for it",
    }
    models = part("core.models")
    return models.ApprovalRequest(
        run_id="run-1",
        action=models.Action(**given | action),
        summary_context="the third this week",
        policy_name="risk_based",
        policy_reason="high risk",
    )


def a_record(callback_id: str = "one", **changes: Any) -> Any:
    given: dict[str, Any] = {
        "callback_id": callback_id,
        "run_id": "run-1",
        "thread_id": "thread-1",
        "action_id": "action-1",
        "tool_name": "send_email",
        "tool_args": {"to": "ann@example.com"},
        "risk_class": "high",
        "policy_name": "risk_based",
        "policy_reason": "high risk",
    }
    return part("persistence").PendingApprovalRecord(**given | changes)


class Sender:
    """A `send_request` that remembers; it fails as often as told, and may wait for `opened`."""

    def __init__(self, *failures: Exception, blocked: bool = False) -> None:
        self.failures = list(failures)
        self.ids: list[str] = []
        self.opened = asyncio.Event()
        if not blocked:
            self.opened.set()
        self._called = asyncio.Event()

    async def __call__(self, request: Any, callback_id: str, callback_url: str) -> None:
        self.ids.append(callback_id)
        self._called.set()
        await self.opened.wait()
        if self.failures:
            raise self.failures.pop(0)

    async def callback_id(self) -> str:
        """Of the newest request, as soon as there is one."""
        await asyncio.wait_for(self._called.wait(), SECONDS)
        self._called.clear()
        return self.ids[-1]


class Answered(Exception):
    """What an HTTP client raises for an answer of this status."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status_code = status
        self.headers = headers


def backend(sender: Any, store: Any = None, retries: int = 0, **options: Any) -> Any:
    """A `PersistentWebhookBackend`. Its `breaker` is given as a dict."""
    backends = part("backends")
    if breaker := options.pop("breaker", None):
        options["circuit_breaker_config"] = part("backends").CircuitBreakerConfig(**breaker)
    retry = backends.RetryConfig(max_retries=retries, initial_delay=0.001)
    options = {"timeout_seconds": SECONDS, "retry_config": retry, **options}
    return backends.PersistentWebhookBackend(send_request=sender, store=store, **options)


@dataclass
class Service:
    """What a web server was asked."""

    url: str
    asked: list[dict[str, str]] = field(default_factory=list)
    """The headers of each POST, names in lower case."""
    released: Event = field(default_factory=Event)


Answer = Callable[[Service, BaseHTTPRequestHandler], None]


@contextmanager
def service(answer: Answer) -> Iterator[Service]:
    """A server on this machine whose POSTs are answered by `answer`."""
    asked: Service

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.asked.append({name.lower(): value for name, value in self.headers.items()})
            answer(asked, self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    asked = Service(f"http://127.0.0.1:{server.server_port}/")
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield asked
    finally:
        asked.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def replies(status: int, **headers: str) -> Answer:
    def reply(_: Service, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", "0")
        handler.end_headers()

    return reply
