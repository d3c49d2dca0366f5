"""A policy is asked again when a thread is resumed, perhaps in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, sys
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from hitloop_tui import AuditPlusEscalatePolicy, TelemetryLogger
from hitloop_tui.langgraph import HITLState, create_interrupt_gate_node

class State(HITLState):
    pass

def propose(state):
    return {"proposed_action": {"tool_name": "note", "tool_args": {"text": "hello"}}}

asked, again = [], []
with TelemetryLogger("telemetry.db") as logger, SqliteSaver.from_conn_string("agents.db") as saver:
    policy = AuditPlusEscalatePolicy(0.5, consecutive_action_threshold=0, seed=7)
    builder = StateGraph(State)
    builder.add_node("propose", propose)
    builder.add_node("gate", create_interrupt_gate_node(policy, logger))
    builder.add_edge(START, "propose")
    builder.add_edge("propose", "gate")
    builder.add_edge("gate", END)
    graph = builder.compile(checkpointer=saver)
    for number in range(12):
        config = {"configurable": {"thread_id": f"t{number}"}}
        if sys.argv[1] == "ask":
            result = graph.invoke({}, config)
        elif graph.get_state(config).interrupts:
            result = graph.invoke(Command(resume={"approved": True}), config)
        else:
            continue
        asked.append("__interrupt__" in result)
        again.append(result.get("hitl_status"))
print(json.dumps([asked, again]))
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(stage: str, hash_seed: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, stage],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_the_audit_sample_is_the_same_in_the_process_that_resumes(run):
    asked, statuses = run("ask", "1")
    assert 0 < sum(asked) < 12
    assert {s for was, s in zip(asked, statuses, strict=True) if not was} == {"auto_approved"}
    again, statuses = run("resume", "2")
    assert again == [False] * sum(asked)
    assert statuses == ["human_decided"] * sum(asked)
