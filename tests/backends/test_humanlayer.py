"""HumanLayer's own client, sync and async, against a service on loopback."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import pytest
from humanlayer import AsyncHumanLayer, ContactChannel, HumanLayer, SlackContactChannel

from hitloop_tui.backends import HumanLayerBackend, RetryConfig
from hitloop_tui.errors import ConfigError
from hitloop_tui.persistence import InMemoryApprovalStore, SQLiteApprovalStore
from tests.backends.desk import a_request
from tests.backends.humanlayer_service import KEY, Service, service

FAST = RetryConfig(initial_delay=0.001, max_delay=0.002)
OPS = ContactChannel(slack=SlackContactChannel(channel_or_user_id="C1"))
CLIENTS = [HumanLayer, AsyncHumanLayer]


@pytest.fixture
def humanlayer():
    with service() as running:
        yield running


def backend(humanlayer: Service, client=AsyncHumanLayer, key=KEY, **options) -> HumanLayerBackend:
    made = client(api_key=key, api_base_url=humanlayer.url)
    options = {"look_seconds": 0.01, "retry_config": FAST, "timeout_seconds": 20} | options
    return HumanLayerBackend(made, **options)


async def asking(humanlayer, one, request) -> asyncio.Task:
    task = asyncio.create_task(one.request_approval(request))
    assert await asyncio.to_thread(humanlayer.asked.wait, 10)
    return task


@pytest.mark.parametrize("client", CLIENTS)
async def test_approved(humanlayer, client):
    request = a_request(tool_args={"to": "ann", "when": b"x", "sum": float("nan")})
    one = backend(humanlayer, client, channel=OPS)
    task = await asking(humanlayer, one, request)
    [call] = humanlayer.calls.values()
    assert call["spec"]["fn"] == "send_email"
    assert call["spec"]["kwargs"] == {"to": "ann", "when": "b'x'", "sum": "nan"}
    assert call["spec"]["channel"]["slack"]["channel_or_user_id"] == "C1"
    humanlayer.answer(approved=True, comment="fine")
    decision = await task
    assert (decision.approved, decision.reason, decision.tags) == (True, "fine", [])
    assert (decision.decided_by, decision.digest) == ("humanlayer:human", request.action.digest())
    assert decision.latency_ms > 0


@pytest.mark.parametrize("client", CLIENTS)
async def test_rejected(humanlayer, client):
    task = await asking(humanlayer, backend(humanlayer, client), a_request())
    humanlayer.answer(approved=False, reject_option_name="later")
    decision = await task
    assert (decision.approved, decision.reason, decision.tags) == (False, "Rejected", ["later"])
    assert decision.decided_by == "humanlayer:human"


async def test_nobody_answers(humanlayer):
    decision = await backend(humanlayer, timeout_seconds=0.1).request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:timeout", ["timeout"])


@pytest.mark.parametrize("client", CLIENTS)
async def test_what_passes(humanlayer, client):
    busy = [(503, {}, False), (502, {}, False), (429, {"retry-after": "0"}, False)]
    humanlayer.failures = list(busy)
    task = await asking(humanlayer, backend(humanlayer, client), a_request())
    humanlayer.failures = list(busy)
    humanlayer.answer(approved=True)
    assert (await task).approved
    assert humanlayer.failures == []


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_call_whose_creation_was_not_confirmed_is_not_created_twice(humanlayer, client):
    humanlayer.failures = [(502, {}, True)]
    task = await asking(humanlayer, backend(humanlayer, client), a_request())
    humanlayer.answer(approved=True)
    assert (await task).approved
    assert [line for line in humanlayer.requests if line.startswith("POST")] == [
        "POST /function_calls"
    ]


@pytest.mark.parametrize("client", CLIENTS)
async def test_what_does_not_pass(humanlayer, client, caplog):
    caplog.set_level(logging.DEBUG, "hitloop_tui")
    decision = await backend(humanlayer, client, key="wrong").request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
    assert decision.reason.endswith("HTTP 401")
    assert humanlayer.requests == ["POST /function_calls"]
    task = await asking(humanlayer, backend(humanlayer, client), a_request())
    humanlayer.calls.clear()
    decision = await task
    assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
    assert decision.reason.endswith("HTTP 404")
    assert "SECRET" not in "".join(r.getMessage() for r in caplog.records if "hitloop" in r.name)


@pytest.mark.parametrize("client", CLIENTS)
async def test_nobody_there(client):
    with service() as gone:
        pass
    decision = await backend(gone, client).request_approval(a_request())
    assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])


async def test_a_store_that_fails_for_a_moment(humanlayer, caplog):
    class Flaky(InMemoryApprovalStore):
        failures = 2

        async def _decide(self, *arguments, **options):
            self.failures -= 1
            if self.failures >= 0:
                raise OSError("SECRET")
            return await super()._decide(*arguments, **options)

    task = await asking(humanlayer, backend(humanlayer, store=Flaky()), a_request())
    humanlayer.answer(approved=True)
    assert (await task).approved
    said = [record.getMessage() for record in caplog.records]
    assert said == ["HumanLayer's answer could not be stored: OSError"] * 2


CHILD = """
import asyncio, sys
from humanlayer import AsyncHumanLayer
from hitloop_tui.backends import HumanLayerBackend
from hitloop_tui.persistence import SQLiteApprovalStore
from hitloop_tui.core.models import Action, ApprovalRequest
async def main():
    client = AsyncHumanLayer(api_key=sys.argv[3], api_base_url=sys.argv[2])
    backend = HumanLayerBackend(client, store=SQLiteApprovalStore(sys.argv[1]))
    action = Action(id="a", tool_name="pay", tool_args={"amount": 5})
    await backend.request_approval(ApprovalRequest(run_id="r", action=action))
asyncio.run(main())
"""


def killed_while_asking(humanlayer, path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, path, humanlayer.url, KEY])
    assert humanlayer.asked.wait(20)
    child.kill()
    child.wait(10)


@pytest.mark.parametrize("how", ["register_pending", "asked again"])
async def test_a_killed_process_loses_nothing(humanlayer, tmp_path, how):
    path = tmp_path / "approvals.db"
    await asyncio.to_thread(killed_while_asking, humanlayer, path)
    humanlayer.answer(approved=True, comment="while you were away")
    after = backend(humanlayer, store=SQLiteApprovalStore(path))
    [record] = await after.recover_pending()
    if how == "register_pending":
        decision = await after.register_pending(record)
    else:
        decision = await after.request_approval(record.to_request())
    assert (decision.approved, decision.reason) == (True, "while you were away")
    assert list(humanlayer.calls) == [record.callback_id]
    await after.close()


def test_wrong_settings(monkeypatch):
    monkeypatch.delenv("HUMANLAYER_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="api_key"):
        HumanLayerBackend()
    with pytest.raises(ConfigError, match="ContactChannel"):
        HumanLayerBackend(api_key="k", channel="#ops")
    monkeypatch.setitem(sys.modules, "humanlayer", None)
    with pytest.raises(ConfigError, match=r"hitloop-tui\[humanlayer\]"):
        HumanLayerBackend(api_key="k")
