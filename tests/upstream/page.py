"""hitloop's page, block by block, and what each block leaves to its reader.

The blocks are pasted word for word, with `hitloop` renamed in their imports. `SUPPLIED` says what
stands around them: the names they use without defining, and what must be true once they ran.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of the page."""

    language: str
    text: str

    @property
    def title(self) -> str:
        """Its first line."""
        return self.text.partition("\n")[0]


BLOCKS = [Block(*found) for found in re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", PAGE)]


def block(title: str) -> Block:
    (found,) = (one for one in BLOCKS if one.title.startswith(title))
    return found


def columns(title: str) -> list[list[str]]:
    """The rows of the table under a heading, the head first."""
    section = PAGE.split(f"# {title}\n", 1)[1].split("\n#", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in row] for row in rows if "---" not in row[0]]


@dataclass(frozen=True, slots=True)
class Supplied:
    """Code before and after a block, and inside of it where the page has a gap."""

    before: str = ""
    after: str = ""
    gaps: tuple[tuple[str, str], ...] = ()
    """A line of the block, and the line to put after it."""

    def around(self, text: str) -> str:
        for line, missing in self.gaps:
            assert text.count(line) == 1, line
            text = text.replace(line, f"{line}\n{missing}")
        return "\n".join([self.before, text, self.after])


SUPPLIED = {
    "from hitloop import Action, Decision, RiskClass": Supplied(
        after="""
assert (action.tool_name, action.risk_class) == ("send_email", "medium")
assert (decision.action_id, decision.latency_ms) == (action.id, 1500.0)
"""
    ),
    "from hitloop import AlwaysApprovePolicy": Supplied(
        after="""
assert policy.name == "audit_plus_escalate"
"""
    ),
    "# src/hitloop/policies/my_policy.py": Supplied(
        after="""
MyCustomPolicy.critical_tools = {"send_email"}
assert MyCustomPolicy().should_request_approval(action, {}) == (
    True, "Critical tool requires approval"
)
"""
    ),
    "from hitloop import RiskBasedPolicy, ApprovalRequest": Supplied(
        after="""
update = await hitl_gate_node({"pending_action": action})
assert update["approval_decision"].approved
assert update["approval_decision"].decided_by == "cli:human"
update = await hitl_gate_node({"pending_action": Action(tool_name="look")})
assert update["approval_decision"].approved
assert update["approval_decision"].decided_by == "unknown"
"""
    ),
    "from hitloop.backends import WebhookBackend": Supplied(
        before="""
import asyncio
import httpx
import uvicorn
from fastapi import FastAPI

app = FastAPI()

class slack_client:
    posted = []
    async def chat_postMessage(**message):
        slack_client.posted.append(message)

async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)
""",
        after="""
server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
serving = asyncio.create_task(server.serve())
await until(lambda: server.started)
port = server.servers[0].sockets[0].getsockname()[1]
asked = asyncio.create_task(
    backend.request_approval(ApprovalRequest(run_id="my-run", action=action))
)
await until(lambda: slack_client.posted)
assert slack_client.posted == [{"channel": "#approvals", "text": "Approve send_email?"}]
((callback_id, _),) = backend.get_pending_requests()
async with httpx.AsyncClient(trust_env=False) as client:
    url = f"http://127.0.0.1:{port}/hitloop/callback/{callback_id}"
    (await client.post(url, json={"approved": True, "user": "ann"})).raise_for_status()
assert (await asked).decided_by == "slack:ann"
server.should_exit = True
await serving
""",
    ),
    "from langgraph.graph import StateGraph": Supplied(
        before="""
from typing import Any, TypedDict

class MyState(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any
    hitl_status: Any
    tool_result: Any

sent = []
def send_email_func(**email):
    sent.append(email)
""",
        gaps=(('builder.add_node("execute", executor)', 'builder.add_edge(START, "hitl_gate")'),),
        after="""
assert sent == [action.tool_args]
decision = graph.get_state(config).values["approval_decision"]
assert decision["decided_by"] == "human:alice"
""",
    ),
    "from hitloop.persistence import": Supplied(
        before="""
callback_ids = []
async def my_slack_sender(request, callback_id, callback_url):
    callback_ids.append(callback_id)
""",
        after="""
asked = asyncio.create_task(
    backend.request_approval(ApprovalRequest(run_id="my-run", action=action))
)
await until(lambda: callback_ids)
assert await backend.handle_callback(callback_ids.pop(), False, "too soon", "slack:ann")
assert ((await asked).approved, (await asked).reason) == (False, "too soon")
""",
    ),
    "from hitloop.backends import PersistentWebhookBackend, RetryConfig": Supplied(
        before="""
my_sender = my_slack_sender
"""
    ),
    "# On startup, recover pending requests": Supplied(
        before="""
request = ApprovalRequest(run_id="my-run", action=action)
asked = asyncio.create_task(backend.request_approval(request, thread_id="user-123"))
await until(lambda: callback_ids)
asked.cancel()
await asyncio.wait([asked])
""",
        after="""
assert [record.callback_id for record in pending] == callback_ids
assert await backend.handle_callback(callback_ids[0], True, decided_by="slack:bob")
assert (await future).decided_by == "slack:bob"
await backend.close()
""",
    ),
    "from hitloop import TelemetryLogger": Supplied(
        after="""
assert len(runner.results) == 80
logger.close()
"""
    ),
    "from hitloop.eval import ErrorInjector": Supplied(
        before="""
from hitloop_tui.eval import InjectionType
""",
        gaps=(("    # If human rejects it → true positive (error caught)", "    pass"),),
        after="""
results = [injector.maybe_inject(action) for _ in range(100)]
assert 0 < sum(result.injected for result in results) < 50
""",
    ),
    "# Per run": Supplied(
        before="""
true, false = True, False
"""
    ),
}


def script(swaps: dict[str, str]) -> str:
    """All Python blocks of the page as one script; `swaps` gives addresses that exist here."""
    pasted = []
    for one in BLOCKS:
        if one.language != "python":
            continue
        (supplied,) = (s for title, s in SUPPLIED.items() if one.title.startswith(title))
        text = re.sub(r"(?m)^(from|import) hitloop\b", r"\1 hitloop_tui", one.text.rstrip())
        for old, new in swaps.items():
            text = text.replace(old, new)
        pasted.append(supplied.around(text))
    return "\n".join(pasted)
