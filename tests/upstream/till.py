"""A graph that pays after asking, with the gates of the package under test."""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from tests.upstream.faults import part

models, gates = part("core.models"), part("langgraph")
ARGS = {"to": "alice@example.com", "amount": 1_000_000}
EDITED = {"to": "alice@example.com", "amount": 5}
PROPOSED = {
    "id": "action-1",
    "tool_name": "pay",
    "tool_args": ARGS,
    "risk_class": "high",
    "side_effects": ["money_moved"],
    "rationale": "the supplier waits for it",
}
EDIT = [{"type": "edit", "args": {"action": "pay", "args": EDITED}}]
ACCEPT = [{"type": "accept", "args": None}]


class State(TypedDict, total=False):
    run_id: str
    proposed_action: Any
    approval_decision: Any
    hitl_status: Any
    tool_result: Any
    _injected_error: bool


class Till:
    """A graph that pays after its gate, and one thread of it."""

    def __init__(self, saver: Any = None, gate: Any = None, **options: Any) -> None:
        self.paid: list[dict[str, Any]] = []
        policy = part("policies").RiskBasedPolicy(high_risk_tools=["pay"])
        graph = StateGraph(State)
        graph.add_node("gate", gate or gates.create_interrupt_gate_node(policy, **options))
        graph.add_node("execute", gates.create_interrupt_tool_node({"pay": self.pay}))
        graph.add_edge(START, "gate")
        edges = {"execute": "execute", "skip": END}
        graph.add_conditional_edges("gate", gates.should_execute, edges)
        self.graph = graph.compile(checkpointer=saver or InMemorySaver())
        self.config = {"configurable": {"thread_id": "thread-7"}}

    def pay(self, **args: Any) -> str:
        self.paid.append(args)
        return "paid"

    def ask(self, **state: Any) -> Any:
        given = {"run_id": "run-1", "proposed_action": PROPOSED, **state}
        return self.graph.invoke(given, self.config)

    def answer(self, value: Any) -> Any:
        return self.graph.invoke(Command(resume=value), self.config)

    @property
    def decision(self) -> Any:
        raw = self.graph.get_state(self.config).values["approval_decision"]
        return raw if isinstance(raw, models.Decision) else models.Decision(**raw)


def as_data(value: Any) -> list[Any]:
    """Everything in the interrupt's value that nobody must parse."""
    match value:
        case dict():
            return [x for k, v in value.items() if k != "description" for x in as_data(v)]
        case list():
            return [x for v in value for x in as_data(v)]
        case _:
            return [value]
