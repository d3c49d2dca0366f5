"""Asking over HumanLayer. Needs the extra `humanlayer`."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from hitloop_tui.backends import outcomes
from hitloop_tui.backends.outcomes import by_system, decided, describe
from hitloop_tui.backends.retry import RetryConfig, can_succeed_later, retrying
from hitloop_tui.core.interfaces import ApprovalBackend
from hitloop_tui.core.models import ApprovalRequest, Decision
from hitloop_tui.errors import ConfigError

LOOK_SECONDS = 3.0


class HumanLayerBackend(ApprovalBackend):
    """Creates a function call in HumanLayer and looks until somebody answers it.

    HumanLayer does not say who answered: `decided_by` is `humanlayer:human`.
    """

    def __init__(
        self,
        client: Any = None,
        *,
        api_key: str | None = None,
        channel: Any = None,
        timeout_seconds: float = 300.0,
        look_seconds: float = LOOK_SECONDS,
        retry_config: RetryConfig | None = None,
        spec: Callable[..., Any] | None = None,
    ) -> None:
        """`client` is a `HumanLayer` or `AsyncHumanLayer`; without one, one is made of `api_key`
        (or `HUMANLAYER_API_KEY`). `spec` makes what `create_function_call` takes."""
        self._client = client if client is not None else _client(api_key)
        self._spec = spec or _library().FunctionCallSpec
        self.channel = channel
        self.timeout_seconds = timeout_seconds
        self.look_seconds = look_seconds
        self.retry_config = retry_config or RetryConfig()

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        started = time.monotonic()
        seconds = self.timeout_seconds if self.timeout_seconds > 0 else None
        try:
            async with asyncio.timeout(seconds) as limit:
                decision = await self._ask(request)
        except TimeoutError as error:
            if limit.expired():
                reason = f"Timeout after {self.timeout_seconds}s - no human response"
                decision = by_system(request, outcomes.TIMEOUT, reason)
            else:
                decision = _failed(request, error)
        except Exception as error:
            decision = _failed(request, error)
        decision.latency_ms = (time.monotonic() - started) * 1000
        return decision

    async def _ask(self, request: ApprovalRequest) -> Decision:
        action = request.action
        arguments = json.loads(json.dumps(action.tool_args, default=str))
        spec = self._spec(fn=action.tool_name, kwargs=arguments, channel=self.channel)
        made: list[Any] = []

        async def create() -> None:
            made.append(await self._call("create_function_call", spec))

        async with asyncio.timeout(self.retry_config.deadline):
            await retrying(create, self.retry_config)
        status = await self._answer(made[0].call_id)
        approved = status.approved is True
        tags = [option] if (option := getattr(status, "reject_option_name", None)) else []
        reason = status.comment or ("Approved" if approved else "Rejected")
        return decided(action, approved, reason, "humanlayer:human", tags)

    async def _answer(self, call_id: str) -> Any:
        while True:
            try:
                status = (await self._call("get_function_call", call_id)).status
            except Exception as error:
                if not _passes(error):
                    raise
            else:
                if status is not None and status.approved is not None:
                    return status
            await asyncio.sleep(self.look_seconds)

    async def _call(self, name: str, argument: Any) -> Any:
        method = getattr(self._client, name)
        if inspect.iscoroutinefunction(method):
            return await method(argument)
        return await asyncio.to_thread(method, argument)


def _failed(request: ApprovalRequest, error: Exception) -> Decision:
    return by_system(request, outcomes.TRANSPORT_ERROR, f"HumanLayer failed: {describe(error)}")


def _passes(error: Exception) -> bool:
    """Their exception wraps the one of the HTTP client."""
    cause = error.__cause__
    return can_succeed_later(error) or (cause is not None and can_succeed_later(cause))


def _client(api_key: str | None) -> Any:
    return _library().AsyncHumanLayer(api_key=api_key)


def _library() -> Any:
    try:
        return import_module("humanlayer")
    except ImportError:
        raise ConfigError("HumanLayerBackend needs hitloop-tui[humanlayer]") from None
