"""One question, asked and answered: the gate with telemetry on a file over a bare `interrupt()`.

    python -m tests.benchmarks.gate

Both run on a SqliteSaver of their own, turn by turn, so that a busy machine slows both alike.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui import RiskBasedPolicy, TelemetryLogger
from hitloop_tui.langgraph import create_interrupt_gate_node
from tests.unit.gate_desk import PROPOSED, GateState

ROUNDS = 300


def bare(state: GateState) -> dict[str, Any]:
    answer = interrupt([{"action_request": state["proposed_action"]}])
    return {"approval_decision": answer}


def graph_of(node: Any, saver: SqliteSaver) -> Any:
    graph = StateGraph(GateState)
    graph.add_node("gate", node)
    graph.add_edge(START, "gate")
    graph.add_edge("gate", END)
    return graph.compile(checkpointer=saver)


def turn(app: Any, thread_id: str) -> float:
    config = {"configurable": {"thread_id": thread_id}}
    start = time.perf_counter()
    app.invoke({"proposed_action": PROPOSED, "run_id": thread_id}, config)
    app.invoke(Command(resume={"approved": True, "decided_by": "human:dana"}), config)
    return (time.perf_counter() - start) * 1000


def main() -> None:
    times: dict[str, list[float]] = {"bare interrupt": [], "gate": [], "gate and telemetry": []}
    with (
        tempfile.TemporaryDirectory(dir=".") as directory,
        TelemetryLogger(f"{directory}/t.db") as logger,
        SqliteSaver.from_conn_string(f"{directory}/a.db") as one,
        SqliteSaver.from_conn_string(f"{directory}/b.db") as two,
        SqliteSaver.from_conn_string(f"{directory}/c.db") as three,
    ):
        policy = RiskBasedPolicy()
        apps = [
            graph_of(bare, one),
            graph_of(create_interrupt_gate_node(policy), two),
            graph_of(create_interrupt_gate_node(policy, logger), three),
        ]
        for number in range(ROUNDS):
            for app, spent in zip(apps, times.values(), strict=True):
                spent.append(turn(app, str(number)))
    base = statistics.median(times["bare interrupt"])
    for name, spent in times.items():
        median = statistics.median(spent)
        print(f"{name:20} {median:6.2f} ms  {median / base:.2f}x")


if __name__ == "__main__":
    main()
