"""The gate and the tool node in real graphs on real SQLite checkpointers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send

from hitloop_tui.core.models import Action, Decision, RiskClass
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import AlwaysApprovePolicy, RiskBasedPolicy

ARGS = {"to": ["dana@halden.example"], "copies": 2, "ratio": 0.5, "urgent": False, "meta": {"n": 1}}
EDITED = {"to": ["kim@halden.example"], "copies": 3, "ratio": 1.0, "urgent": True, "meta": {"n": 2}}
PROPOSED = {
    "id": "action-1",
    "tool_name": "send_email",
    "tool_args": ARGS,
    "risk_class": "high",
    "side_effects": ["sends mail"],
    "rationale": "Dana waits for it.",
}
DIGEST = Action.model_validate(PROPOSED).digest()


class GateState(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any
    hitl_status: str
    tool_result: Any
    run_id: str


@dataclass
class Mailbox:
    """Tools that remember what they were called with."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def send_email(self, **args: Any) -> str:
        self.calls.append(args)
        return f"sent to {args['to']}"

    def purge(self, **args: Any) -> str:
        self.calls.append({"purge": args})
        return "purged"


def builder(mailbox: Mailbox, policy: Any = None, **gate_options: Any) -> StateGraph[Any]:
    tools = {"send_email": mailbox.send_email, "purge": mailbox.purge}
    return wired(policy or RiskBasedPolicy(), create_interrupt_tool_node(tools), **gate_options)


def wired(policy: Any, executor: Any, **gate_options: Any) -> StateGraph[Any]:
    graph = StateGraph(GateState)
    graph.add_node("gate", create_interrupt_gate_node(policy, **gate_options))
    graph.add_node("execute", executor)
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    graph.add_edge("execute", END)
    return graph


def strict(thread_id: str = "t") -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id, "__pregel_strict_resume": True}}


class Thread:
    """One thread of a graph; every `answer` goes to the question that is open now."""

    def __init__(self, graph: Any, thread_id: str = "t") -> None:
        self.graph, self.config = graph, strict(thread_id)

    async def start(self, proposed: Any = None, **state: Any) -> dict[str, Any]:
        state = {"proposed_action": proposed or PROPOSED, **state}
        return await self.graph.ainvoke(state, self.config)

    async def open(self) -> Any:
        (question,) = (await self.graph.aget_state(self.config)).interrupts
        return question

    async def answer(self, value: Any) -> dict[str, Any]:
        question = await self.open()
        return await self.graph.ainvoke(Command(resume={question.id: value}), self.config)


@asynccontextmanager
async def opened(graph: StateGraph[Any], path: Path):
    async with AsyncSqliteSaver.from_conn_string(str(path / "agents.db")) as saver:
        yield Thread(graph.compile(checkpointer=saver))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def thread(mailbox, tmp_path):
    async with opened(builder(mailbox), tmp_path) as thread:
        yield thread


async def test_the_question_is_exactly_the_documented_payload(thread):
    await thread.start(run_id="run-7")
    (payload,) = (await thread.open()).value
    assert payload.pop("description").startswith("**Tool:** `send_email`\n**Risk:** high")
    assert payload == {
        "action_request": {"action": "send_email", "args": ARGS},
        "config": {
            "allow_ignore": True,
            "allow_respond": True,
            "allow_edit": True,
            "allow_accept": True,
        },
        "hitloop": {
            "version": 1,
            "action": {**PROPOSED, "context_refs": []},
            "policy": "risk_based",
            "policy_reason": "High-risk actions need approval.",
            "digest": DIGEST,
            "run_id": "run-7",
            "deadline": None,
        },
    }


APPROVALS = {
    "console": {"approved": True, "decided_by": "human:alice", "digest": DIGEST, "reason": "ok"},
    "readme": {"approved": True},
    "bool": True,
    "agent-inbox list": [{"type": "accept", "args": None}],
    "agent-inbox call": {"type": "accept", "args": {"action": "send_email", "args": ARGS}},
    "langchain": {"decisions": [{"type": "approve"}], "decided_by": "human:alice"},
}


@pytest.mark.parametrize("value", APPROVALS.values(), ids=APPROVALS.keys())
async def test_every_spelling_of_approve_runs_the_tool_once(thread, mailbox, value):
    await thread.start()
    result = await thread.answer(value)
    assert mailbox.calls == [ARGS]
    assert result["tool_result"]["success"] is True
    assert result["hitl_status"] == "human_decided"
    assert result["approval_decision"]["approved"] is True
    assert result["approval_decision"]["proposed"] is None
    assert result["proposed_action"] == PROPOSED


EDITS = {
    "console": {"approved": True, "edited_args": EDITED, "digest": DIGEST},
    "agent-inbox": [{"type": "edit", "args": {"action": "send_email", "args": EDITED}}],
    "langchain": {
        "decisions": [
            {"type": "edit", "edited_action": {"name": "send_email", "args": EDITED}},
        ]
    },
}


@pytest.mark.parametrize("value", EDITS.values(), ids=EDITS.keys())
async def test_every_spelling_of_edit_runs_the_edited_arguments_with_their_types(
    thread, mailbox, value
):
    await thread.start()
    decision = (await thread.answer(value))["approval_decision"]
    assert mailbox.calls == [EDITED]
    assert [type(v) for v in mailbox.calls[0].values()] == [list, int, float, bool, dict]
    assert decision["edited_args"] == EDITED
    assert decision["proposed"] == {"tool_name": "send_email", "tool_args": ARGS}
    assert decision["action_id"] == "action-1"


REFUSALS = {
    "console": ({"approved": False, "reason": "wrong person"}, "wrong person", None),
    "readme": ({"approved": False}, "Rejected.", None),
    "bool": (False, "Rejected.", None),
    "response": ({"approved": False, "response": "call her"}, "call her", "call her"),
    "ignored": ({"approved": False, "ignored": True}, "Ignored.", None),
    "agent-inbox ignore": ([{"type": "ignore", "args": None}], "Ignored.", None),
    "agent-inbox response": ([{"type": "response", "args": "call her"}], "call her", "call her"),
    "agent-inbox reject": ({"type": "reject", "args": "no"}, "no", None),
    "langchain reject": ({"decisions": [{"type": "reject", "message": "no"}]}, "no", None),
    "langchain respond": ({"decisions": [{"type": "respond", "message": "x"}]}, "x", "x"),
}


@pytest.mark.parametrize(("value", "reason", "response"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_every_spelling_of_no_keeps_the_tool_from_running(
    thread, mailbox, value, reason, response
):
    await thread.start()
    result = await thread.answer(value)
    assert mailbox.calls == []
    assert result.get("tool_result") is None
    decision = result["approval_decision"]
    assert (decision["approved"], decision["reason"], decision["response"]) == (
        False,
        reason,
        response,
    )


GARBAGE = {
    "nothing": None,
    "word": "yes",
    "number": 1,
    "empty": {},
    "empty list": [],
    "two answers": [{"type": "accept"}, {"type": "accept"}],
    "typo": {"approvd": True},
    "unknown key": {"approved": True, "edited_arg": {}},
    "truthy": {"approved": "true"},
    "unknown type": {"type": "yolo"},
    "type of wrong type": {"decisions": [{"type": ["approve"]}]},
    "no decision": {"decisions": []},
    "two decisions": {"decisions": [{"type": "approve"}, {"type": "approve"}]},
    "edit as text": {"approved": True, "edited_args": "{}"},
    "edit without arguments": {"type": "edit", "args": "make it nicer"},
    "contradiction": {"approved": True, "ignored": True},
    "drifted digest": {"approved": True, "digest": "0" * 64},
    "drifted edit": {"approved": True, "digest": "0" * 64, "edited_args": EDITED},
    "digest of wrong type": {"approved": True, "digest": [DIGEST]},
    "other action": {"approved": True, "action_id": "action-2"},
    "accept of another call": {"type": "accept", "args": {"action": "purge", "args": ARGS}},
    "not a time": {"approved": True, "decided_at": "yesterday"},
    "names of wrong type": {"approved": True, "edited_args": {1: 2}},
    "tags of wrong type": {"approved": True, "tags": "x"},
    "response without text": {"type": "response", "args": ""},
}


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE.keys())
async def test_a_refused_answer_runs_nothing_and_leaves_the_question_answerable(
    thread, mailbox, value
):
    await thread.start()
    await thread.answer(value)
    (payload,) = (await thread.open()).value
    assert payload["hitloop"]["error"]
    assert payload["hitloop"]["digest"] == DIGEST
    assert mailbox.calls == []
    result = await thread.answer({"approved": True, "digest": DIGEST})
    assert mailbox.calls == [ARGS]
    assert result["tool_result"]["success"] is True


async def test_a_plain_resume_as_in_the_readme_may_be_refused_and_repeated(thread, mailbox):
    await thread.start()
    await thread.graph.ainvoke(Command(resume="yes"), {"configurable": {"thread_id": "t"}})
    await thread.graph.ainvoke(Command(resume={"approved": True}), thread.config)
    assert mailbox.calls == [ARGS]


async def test_an_edit_to_another_tool_is_checked_by_the_policy_again(thread, mailbox):
    await thread.start()
    await thread.answer({"type": "edit", "args": {"action": "purge", "args": {"all": True}}})
    assert mailbox.calls == []
    (payload,) = (await thread.open()).value
    assert payload["action_request"] == {"action": "purge", "args": {"all": True}}
    assert payload["hitloop"]["action"]["risk_class"] == "high"
    assert "changed the tool from send_email" in payload["hitloop"]["policy_reason"]
    result = await thread.answer({"approved": True, "digest": payload["hitloop"]["digest"]})
    assert mailbox.calls == [{"purge": {"all": True}}]
    assert result["approval_decision"]["proposed"]["tool_name"] == "send_email"


async def test_rejecting_the_changed_tool_decides_about_the_original_action(thread, mailbox):
    await thread.start()
    await thread.answer({"type": "edit", "args": {"action": "purge", "args": {}}})
    result = await thread.answer({"approved": False})
    assert mailbox.calls == []
    assert result["approval_decision"]["action_id"] == "action-1"
    assert result["proposed_action"] == PROPOSED


async def test_an_action_without_id_keeps_one_id_over_all_executions(thread, mailbox):
    nameless = {key: value for key, value in PROPOSED.items() if key != "id"}
    await thread.start(nameless)
    (first,) = (await thread.open()).value
    await thread.answer("garbage")
    (second,) = (await thread.open()).value
    assert first["hitloop"]["action"] == second["hitloop"]["action"]
    result = await thread.answer(True)
    assert result["proposed_action"]["id"] == first["hitloop"]["action"]["id"]
    assert result["approval_decision"]["action_id"] == first["hitloop"]["action"]["id"]
    assert mailbox.calls == [ARGS]


async def test_latency_runs_from_the_question_to_the_moment_of_the_decision(thread):
    await thread.start()
    created = (await thread.graph.aget_state(thread.config)).created_at
    decided_at = f"{created[:-6]}+00:00"
    result = await thread.answer({"approved": True, "decided_at": decided_at})
    assert 0 <= result["approval_decision"]["latency_ms"] < 50


async def test_latency_without_a_decided_at_ends_with_the_resume(thread):
    await thread.start()
    await asyncio.sleep(0.2)
    latency = (await thread.answer(True))["approval_decision"]["latency_ms"]
    assert 200 <= latency < 20_000


async def test_a_deadline_is_the_same_on_every_execution(mailbox, tmp_path):
    graph = builder(mailbox, deadline=timedelta(hours=1))
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        (first,) = (await thread.open()).value
        await thread.answer("garbage")
        (second,) = (await thread.open()).value
    assert first["hitloop"]["deadline"] == second["hitloop"]["deadline"]


async def test_a_low_risk_action_runs_unasked(thread, mailbox):
    result = await thread.start({**PROPOSED, "risk_class": "low"})
    assert mailbox.calls == [ARGS]
    assert result["hitl_status"] == "auto_approved"
    assert result["approval_decision"]["decided_by"] == "policy:risk_based"


async def test_no_action_is_no_question(thread, mailbox):
    result = await thread.graph.ainvoke({"run_id": "r"}, thread.config)
    assert (result["hitl_status"], result["approval_decision"]) == ("no_action", None)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync callback", "async callback"])
async def test_on_interrupt_is_called_once_per_question_with_the_thread_id(
    mailbox, tmp_path, asynchronous
):
    seen: list[tuple[Any, str]] = []

    async def later(payload: Any, thread_id: str) -> None:
        await asyncio.sleep(0)
        seen.append((payload, thread_id))

    def now(payload: Any, thread_id: str) -> None:
        seen.append((payload, thread_id))

    graph = builder(mailbox, on_interrupt=later if asynchronous else now)
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        (payload,) = (await thread.open()).value
        await thread.graph.ainvoke(None, thread.config)
        await thread.answer(True)
    assert seen == [(payload, "t")]


async def test_answering_one_of_many_does_not_announce_the_others_again(mailbox, tmp_path):
    seen: list[str] = []
    gate = create_interrupt_gate_node(
        RiskBasedPolicy(), on_interrupt=lambda payload, _: seen.append(payload["description"])
    )
    graph: StateGraph[Any] = StateGraph(GateState)
    graph.add_node("gate", gate)
    sends = [Send("gate", {"proposed_action": {**PROPOSED, "id": f"a{n}"}}) for n in range(3)]
    graph.add_conditional_edges(START, lambda _: sends, ["gate"])
    graph.add_node("end", lambda state: {})
    async with opened(graph, tmp_path) as thread:
        await thread.start()
        questions = (await thread.graph.aget_state(thread.config)).interrupts
        await thread.graph.ainvoke(Command(resume={questions[0].id: False}), thread.config)
        assert len((await thread.graph.aget_state(thread.config)).interrupts) == 2
    assert len(seen) == 3


async def test_a_failing_callback_does_not_keep_the_question_from_being_asked(
    mailbox, tmp_path, caplog
):
    def broken(payload: Any, thread_id: str) -> None:
        raise RuntimeError("pager is down")

    async with opened(builder(mailbox, on_interrupt=broken), tmp_path) as thread:
        await thread.start()
        await thread.answer(True)
    assert mailbox.calls == [ARGS]
    assert "pager is down" in caplog.text


def test_a_sync_graph_asks_announces_and_runs_the_same(mailbox, tmp_path):
    seen: list[str] = []

    async def notify(payload: Any, thread_id: str) -> None:
        seen.append(thread_id)

    async def send_email(**args: Any) -> str:
        await asyncio.sleep(0)
        return mailbox.send_email(**args)

    graph = wired(RiskBasedPolicy(), create_interrupt_tool_node([send_email]), on_interrupt=notify)
    with SqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        app = graph.compile(checkpointer=saver)
        app.invoke({"proposed_action": PROPOSED}, strict())
        for value in ("garbage", {"approved": True, "edited_args": EDITED}):
            (question,) = app.get_state(strict()).interrupts
            app.invoke(Command(resume={question.id: value}), strict())
    assert mailbox.calls == [EDITED]
    assert seen == ["t", "t"]


async def test_an_action_object_in_the_state_is_understood(mailbox, tmp_path):
    class TypedState(GateState):
        proposed_action: Action | dict[str, Any]

    graph: StateGraph[Any] = StateGraph(TypedState)
    graph.add_node("gate", create_interrupt_gate_node(RiskBasedPolicy()))
    graph.add_node("execute", create_interrupt_tool_node({"send_email": mailbox.send_email}))
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    async with opened(graph, tmp_path) as thread:
        await thread.start(Action.model_validate(PROPOSED))
        await thread.answer({"approved": True, "digest": DIGEST})
    assert mailbox.calls == [ARGS]


# --- the tool node on its own -------------------------------------------------------------------


def approved(**changes: Any) -> dict[str, Any]:
    decision = {"action_id": "action-1", "approved": True, "digest": DIGEST, **changes}
    return {"proposed_action": PROPOSED, "approval_decision": decision}


def test_a_second_pass_with_the_same_decision_does_not_run_again(mailbox):
    node = create_interrupt_tool_node({"send_email": mailbox.send_email})
    state = approved()
    state |= node(state)
    again = node(state)
    assert mailbox.calls == [ARGS]
    assert again == {"hitl_status": "already_executed"}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({}, "no_action"),
        ({"proposed_action": PROPOSED}, "no_decision"),
        ({"proposed_action": PROPOSED, "approval_decision": {"junk": 1}}, "no_decision"),
        (approved(approved=False, reason="no"), "not_approved"),
        (approved(digest="0" * 64), "digest_mismatch"),
        (approved(action_id="action-2"), "digest_mismatch"),
        (
            {**approved(), "proposed_action": {**PROPOSED, "tool_args": EDITED}},
            "digest_mismatch",
        ),
    ],
)
def test_what_was_not_approved_does_not_run_and_the_status_says_why(mailbox, state, status):
    update = create_interrupt_tool_node({"send_email": mailbox.send_email})(state)
    assert mailbox.calls == []
    assert update["hitl_status"] == update["tool_result"]["status"] == status
    assert update["tool_result"]["success"] is False


def test_an_unknown_tool_is_a_failed_result():
    update = create_interrupt_tool_node({})(approved())
    assert update["tool_result"]["error"] == "There is no tool named 'send_email'."


def broken_tool(**args: Any) -> None:
    raise ConnectionError("the mail server hung up")


async def test_a_tool_that_raises_fails_the_node_by_default(tmp_path):
    node = create_interrupt_tool_node({"send_email": broken_tool})
    async with opened(wired(AlwaysApprovePolicy(), node), tmp_path) as thread:
        with pytest.raises(ConnectionError, match="hung up"):
            await thread.start()
        (task,) = (await thread.graph.aget_state(thread.config)).tasks
    assert (task.name, "hung up" in str(task.error)) == ("execute", True)


async def test_a_tool_that_raises_can_be_recorded_and_spends_the_approval(tmp_path):
    node = create_interrupt_tool_node({"send_email": broken_tool}, on_error="record")
    async with opened(wired(AlwaysApprovePolicy(), node), tmp_path) as thread:
        result = await thread.start()
    assert result["tool_result"]["error_class"] == "ConnectionError"
    assert result["tool_result"]["status"] == "failed"
    assert result["approval_decision"]["spent"] is True


class Odd:
    def __str__(self) -> str:
        return "odd"


async def test_a_result_the_checkpointer_cannot_store_becomes_text(tmp_path):
    output = {"when": Odd(), 1: [2**70, "\udcff", {3}, (b"x",)], "ok": 1.5}
    node = create_interrupt_tool_node({"send_email": lambda **_: output})
    async with opened(wired(AlwaysApprovePolicy(), node), tmp_path) as thread:
        await thread.start()
        values = (await thread.graph.aget_state(thread.config)).values
    assert values["tool_result"]["result"] == {
        "when": "odd",
        "1": [str(2**70), "\\udcff", [3], [b"x"]],
        "ok": 1.5,
    }


async def test_langchain_tools_sync_and_async_run_in_both_kinds_of_graph(mailbox):
    @tool
    def send_email(to: list[str], copies: int, ratio: float, urgent: bool, meta: dict) -> str:
        """Send."""
        return mailbox.send_email(to=to, copies=copies)

    @tool("send_email")
    async def send_later(to: list[str], copies: int, ratio: float, urgent: bool, meta: dict) -> str:
        """Send."""
        return mailbox.send_email(to=to, copies=copies)

    for kind in (send_email, send_later):
        node = create_interrupt_tool_node([kind])
        assert node.invoke(approved())["tool_result"]["success"]
        assert (await node.ainvoke(approved()))["tool_result"]["success"]
    assert len(mailbox.calls) == 4


@pytest.mark.parametrize(
    ("decision", "route"),
    [
        (None, "skip"),
        ({"approved": True}, "execute"),
        ({"approved": "yes"}, "skip"),
        (Decision(action_id="a", approved=True), "execute"),
        (Decision(action_id="a", approved=False), "skip"),
    ],
)
def test_should_execute_wants_a_true_approval(decision, route):
    assert should_execute({"approval_decision": decision}) == route


def test_the_gate_reports_each_step_once(mailbox, tmp_path):
    events: list[str] = []

    class Log:
        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: events.append(name)

    log: Any = Log()
    executor = create_interrupt_tool_node({"send_email": mailbox.send_email}, logger=log)
    graph = wired(RiskBasedPolicy(), executor, logger=log)
    with SqliteSaver.from_conn_string(str(tmp_path / "agents.db")) as saver:
        app = graph.compile(checkpointer=saver)
        app.invoke({"proposed_action": PROPOSED}, strict())
        (question,) = app.get_state(strict()).interrupts
        app.invoke(Command(resume={question.id: True}), strict())
    assert events == [
        "log_action_proposed",
        "log_approval_requested",
        "log_approval_decided",
        "log_tool_execution_start",
        "log_tool_execution_end",
    ]


def test_a_policy_hook_adds_only_what_it_changed(mailbox):
    class Counting(AlwaysApprovePolicy):
        def post_decision_update(
            self, state: dict[str, Any], action: Action, decision: Decision
        ) -> dict[str, Any]:
            return {**state, "approvals": state.get("approvals", 0) + 1}

    update = create_interrupt_gate_node(Counting())({"proposed_action": PROPOSED, "messages": [1]})
    assert update["approvals"] == 1
    assert "messages" not in update


STRICT = """
    import json, sys
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.types import Command
    from tests.unit.test_gate import Mailbox, builder, strict, PROPOSED, EDITED
    box = Mailbox()
    with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
        app = builder(box).compile(checkpointer=saver)
        app.invoke({"proposed_action": PROPOSED}, strict())
        app = builder(box).compile(checkpointer=saver)
        for value in ("garbage", {"approved": True, "edited_args": EDITED}):
            question, = app.get_state(strict()).interrupts
            app.invoke(Command(resume={question.id: value}), strict())
        values = app.get_state(strict()).values
    print(json.dumps([box.calls, values], allow_nan=False))
"""


def test_the_state_is_plain_data_that_a_strict_checkpointer_gives_back(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(STRICT), str(tmp_path / "agents.db")],
        env={**os.environ, "LANGGRAPH_STRICT_MSGPACK": "true"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    calls, values = json.loads(done.stdout)
    assert calls == [EDITED]
    assert values["approval_decision"]["edited_args"] == EDITED
    assert values["proposed_action"]["risk_class"] == RiskClass.HIGH
