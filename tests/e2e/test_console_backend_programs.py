"""A program asks, and the command line answers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hitloop_tui.backends import ConsoleBackend
from tests.backends.desk import a_request
from tests.e2e.command_line import decisions, hitloop


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """No graph has asked anything."""
    return tmp_path / "agents.db"


async def test_from_the_command_line(db):
    backend, request = ConsoleBackend(db), a_request()
    task = asyncio.create_task(backend.request_approval(request))
    await asyncio.sleep(0.3)
    result = await asyncio.to_thread(hitloop, "ls", db, "--json")
    assert result.code == 0, result.err
    [listed] = result.json
    assert (listed["shape"], listed["state"]) == ("stored_request", "pending")
    assert listed["actions"][0]["tool_args"] == request.action.tool_args
    code, [outcome] = await asyncio.to_thread(
        decisions, "approve", listed["id"][:10], "--db", db, "--as", "ann"
    )
    assert (code, outcome["outcome"]) == (0, "recorded")
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.decided_by) == (True, "human:ann")
    result = await asyncio.to_thread(hitloop, "show", listed["id"], "--db", db, "--json")
    assert (result.code, result.json["state"]) == (0, "applied")
    assert await backend.store.list_pending() == []
    callback_ids = [
        row[0] for row in await backend.store._rows("SELECT callback_id FROM hitloop_approvals", ())
    ]
    assert callback_ids[0] not in result.out  # whoever knows it may answer
    await backend.close()


WITHOUT_LANGGRAPH = """
import asyncio, json, sys
from hitloop_tui import Action, ApprovalRequest
from hitloop_tui.backends import ConsoleBackend
async def main():
    backend = ConsoleBackend(sys.argv[1], allow_edit=True)
    action = Action(tool_name="refund", tool_args={"order": "A-7", "amount": 90})
    print("asking", flush=True)
    decision = await backend.request_approval(ApprovalRequest(run_id="r", action=action))
    await backend.close()
    print(decision.model_dump_json())
asyncio.run(main())
print(json.dumps([name for name in sys.modules if "lang" in name or "textual" in name]))
"""


@pytest.mark.parametrize("verb", ["approve", "edit", "reject"])
def test_a_program_without_langgraph(db, verb):
    """Nothing of ours brings it in, from the question to the answer that the command line gave."""
    program = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_LANGGRAPH, db], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout.readline() == "asking\n"
    listed = []
    while not listed:
        listed = hitloop("ls", db, "--json").json
    [review] = listed
    assert review["actions"][0]["tool_args"] == {"order": "A-7", "amount": 90}
    assert review["allowed"] == ["approve", "edit", "reject"]
    how = {"edit": ["--args", '{"order": "A-7", "amount": 9}'], "reject": ["--reason", "too much"]}
    words = [review["id"], *how.get(verb, []), "--db", db, "--as", "ann"]
    code, [outcome] = decisions(verb, *words)
    assert (code, outcome["outcome"]) == (0, "recorded")
    decided, imported = program.communicate(timeout=20)[0].splitlines()
    decision = json.loads(decided)
    assert (decision["approved"], decision["decided_by"]) == (verb != "reject", "human:ann")
    edited = {"order": "A-7", "amount": 9} if verb == "edit" else None
    assert decision["edited_args"] == edited
    assert json.loads(imported) == []
