"""HumanLayer's client interface (0.7), served by an object that keeps its calls in memory."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from hitloop_tui.backends.humanlayer_backend import HumanLayerBackend
from hitloop_tui.backends.retry import RetryConfig
from hitloop_tui.errors import ConfigError
from tests.backends.desk import a_request


@dataclass
class FunctionCallSpec:
    fn: str
    kwargs: dict[str, Any]
    channel: Any = None


@dataclass
class Status:
    approved: bool | None = None
    comment: str | None = None
    reject_option_name: str | None = None


@dataclass
class FunctionCall:
    call_id: str
    spec: FunctionCallSpec
    status: Status | None = None


class HumanLayerException(Exception):
    """Theirs, which quotes the response."""


@dataclass
class Blocking:
    """`HumanLayer`."""

    looks: list[Status | Exception | None] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    calls: list[FunctionCall] = field(default_factory=list)

    def create_function_call(self, spec: FunctionCallSpec, call_id: str | None = None):
        if self.failures:
            raise self.failures.pop(0)
        self.calls.append(FunctionCall(call_id or f"call-{len(self.calls)}", spec))
        return self.calls[-1]

    def get_function_call(self, call_id: str):
        call = next(call for call in self.calls if call.call_id == call_id)
        look = self.looks.pop(0) if self.looks else None
        if isinstance(look, Exception):
            raise look
        call.status = look
        return call


class Async(Blocking):
    """`AsyncHumanLayer`."""

    async def create_function_call(self, spec, call_id=None):
        await asyncio.sleep(0)
        return super().create_function_call(spec, call_id)

    async def get_function_call(self, call_id):
        await asyncio.sleep(0)
        return super().get_function_call(call_id)


def backend(client, **options) -> HumanLayerBackend:
    retry = RetryConfig(initial_delay=0.001)
    options = {"look_seconds": 0.001, "retry_config": retry} | options
    return HumanLayerBackend(client, spec=FunctionCallSpec, **options)


@pytest.mark.parametrize("kind", [Blocking, Async])
async def test_approved(kind):
    client = kind(looks=[None, Status(), Status(True, "fine")])
    request = a_request()
    decision = await backend(client, channel="#ops").request_approval(request)
    assert (decision.approved, decision.reason) == (True, "fine")
    assert (decision.decided_by, decision.digest) == ("humanlayer:human", request.action.digest())
    [call] = client.calls
    assert (call.spec.fn, call.spec.kwargs) == ("send_email", request.action.tool_args)
    assert call.spec.channel == "#ops"


async def test_rejected():
    decision = await backend(Async(looks=[Status(False, None, "later")])).request_approval(
        a_request()
    )
    assert (decision.approved, decision.reason, decision.tags) == (False, "Rejected", ["later"])
    assert decision.decided_by == "humanlayer:human"


async def test_nobody_answers():
    decision = await backend(Async(), timeout_seconds=0.05).request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:timeout", ["timeout"])


async def test_what_passes_and_what_does_not():
    broken = HumanLayerException("SECRET")
    broken.__cause__ = ConnectionError()
    client = Async(failures=[ConnectionError()], looks=[broken, TimeoutError(), Status(True)])
    assert (await backend(client).request_approval(a_request())).approved
    for client in (
        Async(failures=[HumanLayerException("SECRET")]),
        Async(looks=[HumanLayerException("SECRET")]),
    ):
        decision = await backend(client).request_approval(a_request())
        assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
        assert "SECRET" not in decision.reason


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "humanlayer", None)
    with pytest.raises(ConfigError, match=r"hitloop-tui\[humanlayer\]"):
        HumanLayerBackend(api_key="k")
