"""The gate in real graphs on real SQLite checkpointers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send

from hitloop_tui.core.digest import action_digest
from hitloop_tui.core.models import Action, Decision, RiskClass
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import AlwaysApprovePolicy, RiskBasedPolicy
from tests.unit.gate_desk import (
    ARGS,
    DIGEST,
    EDITED,
    PROPOSED,
    GateState,
    Mailbox,
    builder,
    opened,
    strict,
    wired,
)


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
            "policy_reason": "HIGH risk actions need approval.",
            "digest": DIGEST,
            "run_id": "run-7",
            "deadline": None,
        },
    }


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
    from tests.unit.gate_desk import Mailbox, builder, strict, PROPOSED, EDITED
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
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    calls, values = json.loads(done.stdout)
    assert calls == [EDITED]
    assert values["approval_decision"]["edited_args"] == EDITED
    assert values["proposed_action"]["risk_class"] == RiskClass.HIGH


class Moody(RiskBasedPolicy):
    """Asks at first; between the question and the answer somebody loosens it."""

    asks = True

    def should_request_approval(self, action: Any, state: dict[str, Any]) -> tuple[bool, str]:
        return self.asks, "because"


async def test_a_rejection_stands_when_the_policy_no_longer_asks(tmp_path: Path) -> None:
    mailbox, policy = Mailbox(), Moody()
    async with opened(builder(mailbox, policy), tmp_path) as thread:
        await thread.start()
        policy.asks = False
        await thread.answer({"approved": False, "decided_by": "human:dana"})
    assert mailbox.calls == []


async def test_arguments_that_json_cannot_say_can_be_approved(tmp_path: Path) -> None:
    mailbox = Mailbox()
    args = {"to": ["dana@halden.example"], "amount": Decimal("12.50")}
    action = {"id": "a", "tool_name": "send_email", "tool_args": args, "risk_class": "high"}
    async with opened(builder(mailbox), tmp_path) as thread:
        await thread.start(action)
        ours = (await thread.open()).value[0]["hitloop"]
        shown = action_digest("send_email", {"to": args["to"], "amount": "12.50"})
        assert ours["digest"] == shown
        await thread.answer({"approved": True, "digest": shown})
    assert mailbox.calls == [args]
