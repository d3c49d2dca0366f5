"""Agents and web servers in processes of their own, on one store."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hitloop_tui.backends import PersistentWebhookBackend
from hitloop_tui.core.models import Action, ApprovalRequest
from tests.backends.desk import Sender, a_request
from tests.stores.desk import open_store

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgres", "redis"], indirect=True)

WEB = """
import asyncio, json, sys
from hitloop_tui.backends import PersistentWebhookBackend
from tests.stores.desk import open_store
async def main():
    name, where, user, wanted = sys.argv[1:]
    backend = PersistentWebhookBackend(None, await open_store(name, where))
    print("ready", flush=True)
    told = {}
    for callback_id in json.loads(sys.stdin.readline()):
        said = await backend.resolve(callback_id, wanted == "yes", decided_by=user)
        told[callback_id] = [said.outcome, said.first.decision.decided_by]
    await backend.close()
    print(json.dumps(told))
asyncio.run(main())
"""

AGENT = """
import asyncio, sys
from hitloop_tui.backends import PersistentWebhookBackend
from hitloop_tui.core.models import Action, ApprovalRequest
from tests.stores.desk import open_store
async def send(request, callback_id, url):
    print(callback_id, flush=True)
async def main():
    name, where = sys.argv[1:]
    backend = PersistentWebhookBackend(send, await open_store(name, where), timeout_seconds=60)
    action = Action(id="a", tool_name="pay", tool_args={"amount": 5})
    await backend.request_approval(ApprovalRequest(run_id="killed", action=action), "user-123")
asyncio.run(main())
"""


def started(script: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def pressed(place, callback_ids: list[str], users: dict[str, str]) -> list[dict[str, list[str]]]:
    """What each of several web servers was told that decide the same requests at once."""
    servers = [started(WEB, *place, user, wanted) for user, wanted in users.items()]
    for server in servers:
        assert server.stdout.readline() == "ready\n"
    for number, server in enumerate(servers):
        mine = callback_ids if number % 2 else callback_ids[::-1]  # so that each wins some
        server.stdin.write(json.dumps(mine) + "\n")
        server.stdin.flush()
    return [json.loads(server.communicate(timeout=60)[0]) for server in servers]


async def test_the_first_of_several_processes_decides(place, store):
    sender = Sender()
    agent = PersistentWebhookBackend(sender, store, timeout_seconds=60)
    tasks = [asyncio.create_task(agent.request_approval(a_request())) for _ in range(40)]
    while len(sender.sent) < 40:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    ids = [callback_id for _, callback_id, _ in sender.sent]
    users = {"slack:ann": "yes", "slack:bob": "no", "slack:cid": "yes"}
    told = await asyncio.to_thread(pressed, place, ids, users)
    decided = {decision.action_id: decision for decision in await asyncio.gather(*tasks)}
    for request, callback_id, _ in sender.sent:
        outcomes = Counter(one[callback_id][0] for one in told)
        assert outcomes == {"recorded": 1, "already_decided": 2}
        [first] = {one[callback_id][1] for one in told}
        decision = decided[request.action.id]
        assert (decision.decided_by, decision.approved) == (first, users[first] == "yes")


def killed_while_waiting(place) -> str:
    agent = started(AGENT, *place)
    callback_id = agent.stdout.readline().strip()
    agent.kill()
    agent.communicate(timeout=20)
    return callback_id


@pytest.mark.parametrize("when", ["before the restart", "after the restart"])
async def test_killed_restarted_and_answered(place, store, when):
    callback_id = await asyncio.to_thread(killed_while_waiting, place)
    backend = PersistentWebhookBackend(Sender(), store)
    [record] = await store.list_pending(thread_id="user-123")
    assert record.callback_id == callback_id
    if when == "after the restart":
        future = backend.register_pending(record)
    [told] = await asyncio.to_thread(pressed, place, [callback_id], {"slack:ann": "yes"})
    assert told[callback_id] == ["recorded", "slack:ann"]
    if when == "before the restart":
        future = backend.register_pending(record)
    decision = await asyncio.wait_for(future, 10)
    assert (decision.approved, decision.decided_by) == (True, "slack:ann")


async def test_an_approval_is_for_one_of_several_restarted_processes(place, store):
    """Two workers of a web server that both wait again for what they found."""
    asked = ApprovalRequest(run_id="r", action=Action(tool_name="pay", tool_args={"amount": 5}))
    sender = Sender()
    gone = PersistentWebhookBackend(sender, store)
    task = asyncio.create_task(gone.request_approval(asked))
    callback_id = await sender.callback_id()
    task.cancel()
    await asyncio.wait([task])
    stores = [await open_store(*place) for _ in range(3)]
    backends = [PersistentWebhookBackend(Sender(), one) for one in stores]
    [record] = await store.list_pending()
    futures = [backend.register_pending(record) for backend in backends]
    await asyncio.sleep(0.05)
    assert await gone.handle_callback(callback_id, approved=True)
    decisions = await asyncio.wait_for(asyncio.gather(*futures), 10)
    assert sorted(decision.approved for decision in decisions) == [False, False, True]
    assert {d.decided_by for d in decisions if not d.approved} == {"system:taken"}
    # ... and the one that has it, still has it when its agent asks the same question again
    again = await asyncio.gather(
        *(
            backend.request_approval(asked)
            for backend, decision in zip(backends, decisions, strict=True)
            if decision.approved
        )
    )
    assert [decision.approved for decision in again] == [True]
    for backend in backends:
        await backend.close()
